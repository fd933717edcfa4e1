//! Replies of other canisters (ledgers and collections, contracts, factories, the log and its archives), decoded as
//! ours decode them.

use super::calls::with_bomb;
use crate::mutation::Shape;
use crate::target::{Target, Verdict, ensure};
use cairn_events::testing::{principal, story};
use cairn_events::topic::Service;
use cairn_events::{Amount, Hash, LogId, codec};
use cairn_kit::api::archive::{ArchiveError, ArchiveRequestError, ArchivedBodies, Holdings};
use cairn_kit::api::audit::{Appended, AuditError, AuditedQuestion, EventPage, Reserve, Seen, Tip};
use cairn_kit::api::contract::{ConfirmError, ContractHealth};
use cairn_kit::api::factory::{
    CallbackError, Capacity, Delivered, FactoryError, FactoryHealth, FactoryTemporaryError, NotificationsAccepted,
    SetupStatus,
};
use cairn_kit::api::{InternalError, SupportedStandard};
use cairn_kit::runtime::{CallFailure, decode_bounded, decode_or_refusal};
use candid::utils::decode_one_with_config;
use candid::{CandidType, DecoderConfig, Nat, encode_one};
use icrc_ledger_types::icrc::generic_value::ICRC3Value;
use icrc_ledger_types::icrc1::account::Account;
use icrc_ledger_types::icrc1::transfer::TransferError;
use icrc_ledger_types::icrc2::allowance::Allowance;
use icrc_ledger_types::icrc2::approve::ApproveError;
use icrc_ledger_types::icrc2::transfer_from::TransferFromError;
use icrc_ledger_types::icrc3::archive::QueryArchiveFn;
use icrc_ledger_types::icrc3::blocks::{ArchivedBlocks, BlockWithId, GetBlocksRequest, GetBlocksResult};
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;

/// Bytes of a stranger's reply that are read,
const STRANGER: usize = 4_096;
/// and of a page of a ledger's blocks.
const PAGE: usize = 500_000;
/// As many as here come from the platform's own canisters.
const OURS: usize = 100_000;
/// Work that decoding a factory's reply to a contract may cost.
const QUOTA: usize = 100_000;
/// Bytes of a reason why a reply cannot be read: it is recorded.
const REASON: usize = 300;

/// What becomes of a reply.
type Check = dyn Fn(&[u8]) -> Result<Verdict, String> + Send + Sync;

/// A reply: examples, and what a canister makes of others.
struct Reply {
    examples: Vec<Vec<u8>>,
    check: Box<Check>,
}

impl Reply {
    fn new<R: CandidType, const N: usize>(examples: [R; N], check: Box<Check>) -> anyhow::Result<Reply> {
        let mut encoded = Vec::new();
        for example in &examples {
            let (fair, bomb) = (encode_one(example)?, with_bomb((example,))?);
            anyhow::ensure!(check(&fair) == Ok(Verdict::Accepted), "an example is not in order");
            anyhow::ensure!(check(&bomb) == Ok(Verdict::Refused), "nothing bounds the work of decoding");
            encoded.extend([fair, bomb]);
        }
        Ok(Reply { examples: encoded, check })
    }
}

/// What was read is written, and read again.
fn accepted<R: CandidType + DeserializeOwned + PartialEq>(reply: &R) -> Result<Verdict, String> {
    let written = encode_one(reply).map_err(|error| format!("cannot be written: {error}"))?;
    let again = candid::decode_one::<R>(&written);
    ensure(again.is_ok_and(|again| again == *reply), || "what is written is read otherwise".to_owned())?;
    Ok(Verdict::Accepted)
}

fn refused(failure: &CallFailure) -> Result<Verdict, String> {
    ensure(failure.to_string().len() <= REASON, || "a long-winded reason".to_owned())?;
    Ok(Verdict::Refused)
}

/// Of which at most so many bytes are read.
fn bounded<R, const N: usize>(max: usize, examples: [R; N]) -> anyhow::Result<Reply>
where
    R: CandidType + DeserializeOwned + PartialEq + 'static,
{
    let check = move |bytes: &[u8]| match decode_bounded::<R>(bytes, max) {
        Ok(reply) => accepted(&reply),
        Err(failure) => refused(&failure),
    };
    Reply::new(examples, Box::new(check))
}

/// Of the platform, hardly ever a refusal. Read in two steps, it is what it is in one.
fn ours<R, E>(reply: R, refusal: E) -> anyhow::Result<Reply>
where
    R: CandidType + DeserializeOwned + PartialEq + 'static,
    E: CandidType + DeserializeOwned + PartialEq + 'static,
{
    let check = |bytes: &[u8]| {
        let whole = match decode_bounded::<Result<R, E>>(bytes, OURS) {
            Ok(whole) => whole,
            Err(failure) => return refused(&failure),
        };
        let read = decode_or_refusal::<R, E>(bytes);
        ensure(read.is_ok_and(|read| read == whole), || "another reply when it is read in two steps".to_owned())?;
        accepted(&whole)
    };
    Reply::new([Ok(reply), Err(refusal)], Box::new(check))
}

/// A factory's, to what a contract tells.
fn to_notifications() -> anyhow::Result<Reply> {
    let check = |bytes: &[u8]| {
        let mut config = DecoderConfig::new();
        config.set_decoding_quota(QUOTA).set_skipping_quota(QUOTA);
        match decode_one_with_config::<Result<NotificationsAccepted, CallbackError>>(bytes, &config) {
            Ok(reply) => accepted(&reply),
            Err(_) => Ok(Verdict::Refused),
        }
    };
    let examples = [
        Ok(NotificationsAccepted { accepted_through: 7 }),
        Err(CallbackError::BudgetExhausted { retry_at: Some(9) }),
        Err(CallbackError::TemporarilyUnavailable { message: "later".to_owned() }),
    ];
    Reply::new(examples, Box::new(check))
}

/// Of ledgers, and of collections of NFTs.
fn ledgers() -> anyhow::Result<Vec<Reply>> {
    let large = || Nat::from(1_u128 << 90);
    let account = Account { owner: principal(5), subaccount: Some([7; 32]) };
    let range = GetBlocksRequest { start: Nat::from(3_u8), length: large() };
    let fields = [("btype", ICRC3Value::Text("1xfer".to_owned())), ("amt", ICRC3Value::Nat(large()))];
    let block = ICRC3Value::Map(fields.map(|(name, value)| (name.to_owned(), value)).into());
    let blocks = GetBlocksResult {
        log_length: Nat::from(100_u8),
        blocks: vec![BlockWithId { id: Nat::from(9_u8), block: ICRC3Value::Array(vec![block]) }],
        archived_blocks: vec![ArchivedBlocks {
            args: vec![range],
            callback: QueryArchiveFn::new(principal(6), "icrc3_get_blocks"),
        }],
    };
    Ok(vec![
        bounded(STRANGER, [large()])?,
        bounded(STRANGER, [Amount(1 << 90)])?,
        bounded(STRANGER, [Some(account), None])?,
        bounded(STRANGER, [Allowance { allowance: large(), expires_at: Some(9) }])?,
        bounded(STRANGER, [Ok(large()), Err(TransferError::BadFee { expected_fee: large() })])?,
        bounded(STRANGER, [Ok(large()), Err(TransferFromError::InsufficientAllowance { allowance: large() })])?,
        bounded(STRANGER, [Ok(large()), Err(ApproveError::Duplicate { duplicate_of: large() })])?,
        bounded(STRANGER, [vec![Some(account), None]])?,
        bounded(PAGE, [blocks])?,
    ])
}

/// Of contracts, to their factory.
fn contracts() -> anyhow::Result<Vec<Reply>> {
    let health = ContractHealth {
        problem: Some("problem".to_owned()),
        quarantined: true,
        epoch: 3,
        cycles: Nat::from(1_u128 << 70),
        stableBytes: 1 << 20,
    };
    let refusal = ConfirmError::Unauthorized { caller: principal(4) };
    Ok(vec![
        bounded(STRANGER, [Ok(()), Err("busy".to_owned())])?,
        bounded(STRANGER, [health])?,
        bounded(STRANGER, [Ok(()), Err(refusal)])?,
    ])
}

fn internal() -> AuditError {
    AuditError::Internal(InternalError { message: "message".to_owned() })
}

/// Of the log and its archives.
fn logs() -> anyhow::Result<Vec<Reply>> {
    let (log, events) = (LogId(Hash([1; 32])), story(1, 1).events);
    let tip = Tip {
        log,
        size: 9,
        last_hash: Hash([2; 32]),
        root: Hash([3; 32]),
        timestamp: 4,
        topics_size: 8,
        topics_root: Hash([5; 32]),
    };
    let page = EventPage {
        events: events.iter().take(3).map(|event| ByteBuf::from(codec::encode_event(event))).collect(),
        archived: Some(vec![ArchivedBodies { archive: principal(7), indices: vec![1, 2] }]),
        next: Some(3),
        log_length: 9,
        topic_head: None,
        last: Some(Seen { index: 8, hash: Hash([6; 32]) }),
    };
    let asked = AuditedQuestion {
        event: 9,
        salt: Hash([7; 32]),
        question: Hash([8; 32]),
        answer: Hash([9; 32]),
        count: 2,
        complete_from: 0,
        complete_until: 9,
    };
    let appended = Appended { receipts: Vec::new(), reserve: Reserve { open_intents: 1, intents_left: 9 } };
    let holdings = Holdings { log, audit: principal(1), from: 3, until: 9, bytes: 1_000 };
    let conflict = || ArchiveError::Request(ArchiveRequestError::Conflict { index: 3 });
    Ok(vec![
        ours(page, internal())?,
        ours(tip, internal())?,
        ours(asked, internal())?,
        ours(appended, internal())?,
        bounded(OURS, [Ok(()), Err(internal())])?,
        bounded(OURS, [Ok(holdings), Err(conflict())])?,
        bounded(OURS, [Ok(Hash([4; 32])), Err(conflict())])?,
        bounded(OURS, [Ok(vec![ByteBuf::from(b"body".to_vec())]), Err(conflict())])?,
    ])
}

/// Of factories, to the backend.
fn factories() -> anyhow::Result<Vec<Reply>> {
    let empty = || FactoryError::Temporary(FactoryTemporaryError::PoolEmpty);
    let delivered = Delivered { contract: principal(5), module_hash: Hash([1; 32]), committed: 9 };
    let capacity = Capacity { template: Hash([1; 32]), version: "1.2.3".to_owned(), contracts: 4 };
    let health = FactoryHealth {
        healthy: true,
        service: Service::Token,
        cycles: 1 << 40,
        pool: 2,
        contracts: 7,
        in_progress: 1,
        template: Some(Hash([1; 32])),
        projection_lag: 0,
        cycles_low: false,
        upgrades: 3,
    };
    let setup = SetupStatus { backend: Some(principal(2)), audit: principal(1), writer: true, template: false };
    Ok(vec![
        ours(delivered, empty())?,
        ours(capacity, empty())?,
        bounded(OURS, [health])?,
        bounded(OURS, [Some(setup), None])?,
        bounded(OURS, [vec![SupportedStandard::icrc10()]])?,
        to_notifications()?,
    ])
}

/// A byte that says which reply, and that reply.
pub struct Replies {
    replies: Vec<Reply>,
    corpus: Vec<Vec<u8>>,
}

impl Replies {
    pub fn new() -> anyhow::Result<Replies> {
        let replies: Vec<Reply> = [ledgers()?, contracts()?, logs()?, factories()?].into_iter().flatten().collect();
        let numbered = |(number, reply): (u8, &Reply)| {
            reply.examples.iter().map(|example| [vec![number], example.clone()].concat()).collect::<Vec<_>>()
        };
        let corpus = (0..).zip(&replies).flat_map(numbered).collect();
        Ok(Replies { replies, corpus })
    }
}

impl Target for Replies {
    fn name(&self) -> &'static str {
        "reply"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Bytes
    }

    fn memory(&self, length: usize) -> u64 {
        // A few bytes may say that a list is long: the quota bounds it.
        64 * 1024 * 1024 + 256 * length as u64
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let Some((number, bytes)) = input.split_first() else { return Ok(Verdict::Refused) };
        (self.replies[usize::from(*number) % self.replies.len()].check)(bytes)
    }
}
