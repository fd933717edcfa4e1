//! The calls to ledgers and collections: canisters outside the platform. They wait a bounded time, replies are decoded
//! within quotas, and what cannot be read is unknown.

use super::settlement::Reply;
use super::{Purpose, Transfer};
use cairn_events::{Amount, Principal};
use cairn_kit::api::ledger::ledger_account;
use cairn_kit::runtime::{self, CallFailure};
use candid::Nat;
use icrc_ledger_types::icrc1::account::Account as LedgerAccount;
use icrc_ledger_types::icrc1::transfer::{Memo, TransferArg, TransferError};
use icrc_ledger_types::icrc2::transfer_from::{TransferFromArgs, TransferFromError};
use icrc_ledger_types::icrc3::blocks::{BlockWithId, GetBlocksRequest, GetBlocksResult};

/// Most bytes of a reply that are read.
const MAX_REPLY: usize = 4_096;
/// Most bytes of a page of blocks.
const MAX_PAGE: usize = 500_000;
/// The only method that archives are asked by: the standard's.
const GET_BLOCKS: &str = "icrc3_get_blocks";

/// The ledger's transfer fee.
///
/// # Errors
/// [`CallFailure`]; a fee beyond 128 bits cannot be read.
pub async fn fee(ledger: Principal) -> Result<Amount, CallFailure> {
    let fee: Nat = runtime::call_bounded(ledger, "icrc1_fee", (), MAX_REPLY).await?;
    exact(&fee).ok_or_else(|| CallFailure::undecodable("the fee exceeds 128 bits"))
}

/// The account that burns what it is paid, if there is one.
///
/// # Errors
/// [`CallFailure`].
pub async fn minting_account(ledger: Principal) -> Result<Option<LedgerAccount>, CallFailure> {
    runtime::call_bounded(ledger, "icrc1_minting_account", (), MAX_REPLY).await
}

/// What the default account of `owner` holds; capped at 128 bits.
///
/// # Errors
/// [`CallFailure`].
pub async fn balance(ledger: Principal, owner: Principal) -> Result<Amount, CallFailure> {
    let account = LedgerAccount { owner, subaccount: None };
    let balance: Nat = runtime::call_bounded(ledger, "icrc1_balance_of", (account,), MAX_REPLY).await?;
    Ok(exact(&balance).unwrap_or(Amount(u128::MAX)))
}

/// Who owns each of these NFTs of an ICRC-7 collection.
///
/// # Errors
/// [`CallFailure`], also if there is not one answer for each.
pub async fn owners(collection: Principal, ids: &[u128]) -> Result<Vec<Option<Principal>>, CallFailure> {
    let ids: Vec<Nat> = ids.iter().copied().map(Nat::from).collect();
    let count = ids.len();
    let owners: Vec<Option<LedgerAccount>> =
        runtime::call_bounded(collection, "icrc7_owner_of", (ids,), MAX_REPLY).await?;
    if owners.len() != count {
        return Err(CallFailure::undecodable("not one owner for each NFT"));
    }
    Ok(owners.into_iter().map(|owner| owner.map(|account| account.owner)).collect())
}

/// One attempt: every argument is given, so that the ledger can tell a repetition.
pub async fn attempt(ledger: Principal, transfer: &Transfer) -> Reply {
    match transfer.purpose {
        Purpose::Deposit => {
            let args = deposit(transfer, runtime::id());
            match runtime::call_bounded(ledger, "icrc2_transfer_from", (args,), MAX_REPLY).await {
                Ok(reply) => deposited(reply),
                Err(failure) => lost(&failure),
            }
        }
        _ => match runtime::call_bounded(ledger, "icrc1_transfer", (payout(transfer),), MAX_REPLY).await {
            Ok(reply) => paid(reply),
            Err(failure) => lost(&failure),
        },
    }
}

fn deposit(transfer: &Transfer, canister: Principal) -> TransferFromArgs {
    TransferFromArgs {
        spender_subaccount: None,
        from: ledger_account(transfer.account),
        to: LedgerAccount { owner: canister, subaccount: None },
        amount: transfer.amount.0.into(),
        fee: Some(transfer.fee.0.into()),
        memo: Some(Memo::from(transfer.memo.0.to_vec())),
        created_at_time: Some(transfer.created_at.0),
    }
}

fn payout(transfer: &Transfer) -> TransferArg {
    TransferArg {
        from_subaccount: None,
        to: ledger_account(transfer.account),
        fee: Some(transfer.fee.0.into()),
        created_at_time: Some(transfer.created_at.0),
        memo: Some(Memo::from(transfer.memo.0.to_vec())),
        amount: transfer.amount.0.into(),
    }
}

fn deposited(reply: Result<Nat, TransferFromError>) -> Reply {
    use TransferFromError as Error;
    match reply {
        Ok(block) | Err(Error::Duplicate { duplicate_of: block }) => Reply::Moved(index(&block)),
        Err(Error::TooOld) => Reply::TooOld,
        Err(error @ Error::BadFee { .. }) => Reply::BadFee(error.to_string()),
        Err(error @ (Error::TemporarilyUnavailable | Error::CreatedInFuture { .. })) => {
            Reply::NotExecuted(error.to_string())
        }
        Err(error) => Reply::Refused(error.to_string()),
    }
}

fn paid(reply: Result<Nat, TransferError>) -> Reply {
    use TransferError as Error;
    match reply {
        Ok(block) | Err(Error::Duplicate { duplicate_of: block }) => Reply::Moved(index(&block)),
        Err(Error::TooOld) => Reply::TooOld,
        Err(error @ Error::BadFee { .. }) => Reply::BadFee(error.to_string()),
        Err(error @ (Error::TemporarilyUnavailable | Error::CreatedInFuture { .. })) => {
            Reply::NotExecuted(error.to_string())
        }
        Err(error) => Reply::Refused(error.to_string()),
    }
}

fn lost(failure: &CallFailure) -> Reply {
    let said = failure.to_string();
    if failure.not_executed() { Reply::NotExecuted(said) } else { Reply::Unknown(said) }
}

/// A page of the ledger's log from block `start` on, wherever those blocks lie, and the length of the log. Archives are
/// asked where the ledger says so; they serve blocks by the standard's method, or not at all.
///
/// # Errors
/// [`CallFailure`] of whichever canister did not answer as it should.
pub async fn blocks(ledger: Principal, start: u64, count: u64) -> Result<(u64, Vec<BlockWithId>), CallFailure> {
    let range = GetBlocksRequest { start: Nat::from(start), length: Nat::from(count) };
    let page: GetBlocksResult = runtime::call_bounded(ledger, GET_BLOCKS, (vec![range],), MAX_PAGE).await?;
    let length = index(&page.log_length).ok_or_else(|| CallFailure::undecodable("the log exceeds 64 bits"))?;
    if page.blocks.first().is_some_and(|first| first.id == start) {
        return Ok((length, page.blocks));
    }
    for archived in page.archived_blocks {
        let Some(range) = archived.args.into_iter().find(|range| holds(range, start)) else { continue };
        if archived.callback.method != GET_BLOCKS {
            let said = format!("an archive serves blocks by a method other than {GET_BLOCKS}");
            return Err(CallFailure::undecodable(&said));
        }
        let end = index(&range.start).unwrap_or_default().saturating_add(index(&range.length).unwrap_or_default());
        let length_here = end.saturating_sub(start).min(count);
        let part = GetBlocksRequest { start: Nat::from(start), length: Nat::from(length_here) };
        let archive = archived.callback.canister_id;
        let page: GetBlocksResult = runtime::call_bounded(archive, GET_BLOCKS, (vec![part],), MAX_PAGE).await?;
        return Ok((length, page.blocks));
    }
    Ok((length, page.blocks))
}

/// Whether a range of an archive has the block `start`.
fn holds(range: &GetBlocksRequest, start: u64) -> bool {
    let (first, count) = (index(&range.start).unwrap_or(u64::MAX), index(&range.length).unwrap_or(u64::MAX));
    first <= start && start - first < count
}

fn exact(nat: &Nat) -> Option<Amount> {
    u128::try_from(&nat.0).ok().map(Amount)
}

fn index(nat: &Nat) -> Option<u64> {
    u64::try_from(&nat.0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_kit::runtime::testing::{Network, run};
    use icrc_ledger_types::icrc::generic_value::ICRC3Value;
    use icrc_ledger_types::icrc3::archive::QueryArchiveFn;
    use icrc_ledger_types::icrc3::blocks::ArchivedBlocks;

    fn block(id: u64) -> BlockWithId {
        BlockWithId { id: Nat::from(id), block: ICRC3Value::Map([].into()) }
    }

    fn page(blocks: Vec<BlockWithId>, archived: &[(u64, u64, Principal, &str)]) -> Vec<u8> {
        let archived = archived.iter().map(|(start, length, archive, method)| ArchivedBlocks {
            args: vec![GetBlocksRequest { start: Nat::from(*start), length: Nat::from(*length) }],
            callback: QueryArchiveFn::new(*archive, *method),
        });
        let archived_blocks = archived.collect();
        candid::encode_one(GetBlocksResult { log_length: Nat::from(100u8), blocks, archived_blocks }).unwrap()
    }

    fn id(n: u8) -> Principal {
        Principal::from_slice(&[n, 1, 1])
    }

    #[test]
    fn archived_blocks_are_asked_of_the_archive() {
        let network = Network::install();
        network.answer(|_| Ok(page(vec![], &[(0, 5, id(2), GET_BLOCKS), (5, 10, id(3), GET_BLOCKS)])));
        network.answer(|request| {
            assert_eq!((request.to, request.method), (id(3), GET_BLOCKS));
            let (asked,): (Vec<GetBlocksRequest>,) = candid::decode_args(&request.args).unwrap();
            assert_eq!(asked, [GetBlocksRequest { start: Nat::from(12u8), length: Nat::from(3u8) }]);
            Ok(page(vec![block(12), block(13)], &[]))
        });
        let (length, blocks) = run(blocks(id(1), 12, 50)).unwrap();
        assert_eq!((length, blocks.len()), (100, 2));
    }

    #[test]
    fn an_archive_with_a_method_of_its_own_is_not_asked() {
        let network = Network::install();
        network.answer(|_| Ok(page(vec![], &[(0, 50, id(2), "get_blocks")])));
        assert!(matches!(run(blocks(id(1), 12, 50)), Err(CallFailure::Unknown { .. })));
        assert_eq!(network.sent().len(), 1);
    }

    #[test]
    fn replies_mean_what_the_standards_say() {
        let moved = Reply::Moved(Some(7));
        assert_eq!(paid(Ok(Nat::from(7u8))), moved);
        assert_eq!(paid(Err(TransferError::Duplicate { duplicate_of: Nat::from(7u8) })), moved);
        assert_eq!(deposited(Err(TransferFromError::Duplicate { duplicate_of: Nat::from(7u8) })), moved);
        assert_eq!(paid(Err(TransferError::TooOld)), Reply::TooOld);
        assert!(matches!(paid(Err(TransferError::BadFee { expected_fee: Nat::from(1u8) })), Reply::BadFee(_)));
        assert!(matches!(paid(Err(TransferError::TemporarilyUnavailable)), Reply::NotExecuted(_)));
        let short = TransferFromError::InsufficientAllowance { allowance: Nat::from(0u8) };
        assert!(matches!(deposited(Err(short)), Reply::Refused(_)));
        assert!(matches!(lost(&CallFailure::rejected(3, "")), Reply::NotExecuted(_)));
        assert!(matches!(lost(&CallFailure::rejected(5, "")), Reply::Unknown(_)));
    }

    #[test]
    fn a_collection_answers_for_each_nft() {
        let network = Network::install();
        let owners_of = |owners: Vec<Option<LedgerAccount>>| candid::encode_one(owners).unwrap();
        network.answer(move |_| Ok(owners_of(vec![Some(LedgerAccount::from(id(9))), None])));
        assert_eq!(run(owners(id(1), &[4, 5])), Ok(vec![Some(id(9)), None]));
        network.answer(move |_| Ok(owners_of(vec![])));
        assert!(run(owners(id(1), &[4, 5])).is_err());
    }
}
