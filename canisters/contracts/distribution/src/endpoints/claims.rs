//! What recipients do: register, claim, unlock early.

use super::{argument, arguments, caller, fee, now};
use crate::campaign::{Answer, Campaign};
use crate::eligibility::{asked, named};
use crate::state;
use crate::transfer::Transfer;
use crate::transfer::driver::{self, Outcome};
use crate::transfer::settlement::Failure;
use cairn_events::payload::Subaccount;
use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::api::distribution::{
    ClaimArgs, ClaimReceipt, DistributionError, DistributionRequestError as Request,
    DistributionTemporaryError as Temporary, MerkleClaim, RecipientView, RegisterArgs,
};
use cairn_kit::guard::Guards;
use cairn_kit::quarantine::serving;

/// Registrations that wait for ledgers at once.
const REGISTERING: usize = 100;

thread_local! {
    static AT_WORK: Guards<Principal> = Guards::new(REGISTERING);
}

/// Registers the caller for an open category, if they are eligible; ledgers and collections are asked. For everyone but
/// anonymous callers.
#[ic_cdk::update(name = "registerForCampaign", guard = "serving", decode_with = "argument", hidden = true)]
#[candid::candid_method(update, rename = "registerForCampaign")]
async fn register_for_campaign(args: RegisterArgs) -> Result<RecipientView, DistributionError> {
    let caller = caller()?;
    let nfts = named(&args.nfts)?;
    let questions = state::read(|campaign| campaign.may_register(caller, args.category, &nfts, now()))?;
    let Ok(_guard) = AT_WORK.with(|guards| guards.acquire(caller)) else {
        let found = AT_WORK.with(Guards::held) as u64;
        return Err(Temporary::Overloaded { found, max: REGISTERING as u64 }.into());
    };
    let facts = asked(caller, questions.logic, &questions.conditions, questions.whitelisted, &nfts).await;
    state::mutate(|campaign| campaign.register(caller, args.category, &facts, now()))?;
    state::read(|campaign| campaign.recipient_view(caller, now()))
}

/// Pays the caller what is unlocked, or a part of it, of one category or of all. The ledger's fee is paid from it. If the
/// ledger does not answer the claim is pending, and is repeated until it does; never paid twice. For recipients.
#[ic_cdk::update(name = "claim", guard = "serving", decode_with = "argument", hidden = true)]
#[candid::candid_method(update, rename = "claim")]
async fn claim(args: ClaimArgs) -> Result<ClaimReceipt, DistributionError> {
    pay(Campaign::admit_claimant, |campaign, caller, fee, now| campaign.begin_claim(caller, &args, fee, now)).await
}

/// Pays the caller everything that is unlocked, of all categories, to their default account. For recipients.
#[ic_cdk::update(name = "claimAll", guard = "serving")]
async fn claim_all() -> Result<ClaimReceipt, DistributionError> {
    let args = ClaimArgs::default();
    pay(Campaign::admit_claimant, |campaign, caller, fee, now| campaign.begin_claim(caller, &args, fee, now)).await
}

/// Pays the caller what is unlocked of what a leaf of a Merkle tree allocates to them, to the leaf's account; each leaf is
/// claimed for itself. For whoever has a proof.
#[ic_cdk::update(name = "claimWithMerkleProof", guard = "serving", decode_with = "argument", hidden = true)]
#[candid::candid_method(update, rename = "claimWithMerkleProof")]
async fn claim_with_proof(args: MerkleClaim) -> Result<ClaimReceipt, DistributionError> {
    pay(
        |campaign, caller| campaign.admit_prover(caller, &args),
        |campaign, caller, fee, now| campaign.begin_merkle_claim(caller, &args, fee, now),
    )
    .await
}

/// Pays the caller everything that is left to them, of one category or of all, less a penalty on what is locked. For
/// recipients, where the creator offers it.
#[ic_cdk::update(name = "earlyUnlockWithPenalty", guard = "serving", decode_with = "arguments", hidden = true)]
#[candid::candid_method(update, rename = "earlyUnlockWithPenalty")]
async fn early_unlock(
    category: Option<u32>,
    to_subaccount: Option<Subaccount>,
) -> Result<ClaimReceipt, DistributionError> {
    pay(Campaign::admit_claimant, |campaign, caller, fee, now| {
        campaign.begin_early_unlock(caller, category, to_subaccount, fee, now)
    })
    .await
}

/// Has a transfer searched again whose outcome nobody could tell. For the owner, and for whom it is.
#[ic_cdk::update(name = "retryTransfer", guard = "serving")]
async fn retry_transfer(transfer: u64) -> Result<(), DistributionError> {
    let caller = caller()?;
    state::mutate(|campaign| campaign.retry_transfer(caller, transfer, now()))?;
    driver::advance(transfer).await;
    Ok(())
}

/// Begins a payout and makes the first attempt, for whom `admit` lets in: strangers to a private distribution neither
/// hear of it by a refusal nor have a ledger asked.
async fn pay(
    admit: impl FnOnce(&Campaign, Principal) -> Answer<()>,
    begin: impl Fn(&mut Campaign, Principal, Amount, Timestamp) -> Answer<u64>,
) -> Result<ClaimReceipt, DistributionError> {
    let caller = caller()?;
    state::read(|campaign| admit(campaign, caller))?;
    let id = driver::begin(|campaign, fee, now| begin(campaign, caller, fee, now)).await?;
    let intent = state::read(|campaign| campaign.open_intent(id));
    let intent = intent.ok_or_else(|| DistributionError::internal("the intent is gone"))?;
    match driver::advance(id).await {
        Outcome::Paid(block) => Ok(state::read(|campaign| campaign.receipt(id, &intent, Some(block)))),
        Outcome::Open => Ok(state::read(|campaign| campaign.receipt(id, &intent, None))),
        Outcome::Failed(failure) => Err(not_paid(failure, &intent).await),
    }
}

/// Why a claim was not paid. To pay the minting account is to burn, which has no fee: the one quoted never fits.
async fn not_paid(failure: Failure, intent: &Transfer) -> DistributionError {
    let error = not_made(failure).await;
    let unchanged = matches!(&error, DistributionError::Temporary(Temporary::FeeChanged { fee }) if *fee == intent.fee);
    if !unchanged || !driver::burns(intent.account).await {
        return error;
    }
    let problem = "the ledger burns what this account is paid; claim to another subaccount".to_owned();
    Request::Invalid { field: "to_subaccount".to_owned(), problem }.into()
}

/// Why a transfer was not made. Where the fee was another one, the new one is asked for.
pub(super) async fn not_made(failure: Failure) -> DistributionError {
    let canister = state::read(Campaign::ledger);
    match failure {
        Failure::Fee => match fee().await {
            Ok(fee) => Temporary::FeeChanged { fee }.into(),
            Err(error) => error,
        },
        Failure::Refused(reason) => Request::LedgerRefused { reason }.into(),
        Failure::Unreachable(detail) => Temporary::Unreachable { canister, detail }.into(),
        Failure::Absent | Failure::Unmoved => Temporary::Unreachable { canister, detail: failure.to_string() }.into(),
    }
}
