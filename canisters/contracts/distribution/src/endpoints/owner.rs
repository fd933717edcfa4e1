//! What the owner does, and the launchpad: fund it, name people, pause, cancel.

use super::claims::not_made;
use super::{argument, caller, fee, long_argument, long_arguments, now};
use crate::campaign::Campaign;
use crate::state;
use crate::transfer::driver::{self, Outcome};
use crate::transfer::ledger;
use cairn_events::Principal;
use cairn_events::payload::Subaccount;
use cairn_kit::api::distribution::{
    DistributionError, DistributionTemporaryError as Temporary, Funding, MerkleRoot, RecipientArgs,
};
use cairn_kit::quarantine::serving;
use cairn_kit::runtime;

/// Pays in what is missing, from an account of the caller's that has approved it: the amount, and the ledger's fee on
/// top. It opens when everything is there. For the owner and the launchpad.
#[ic_cdk::update(name = "depositTokens", guard = "serving", decode_with = "argument", hidden = true)]
#[candid::candid_method(update, rename = "depositTokens")]
async fn deposit_tokens(from_subaccount: Option<Subaccount>) -> Result<Funding, DistributionError> {
    let caller = caller()?;
    state::read(|campaign| campaign.may_recognise(caller))?;
    let fee = fee().await?;
    let id = state::mutate(|campaign| campaign.begin_deposit(caller, from_subaccount, fee, now()))?;
    match driver::advance(id).await {
        Outcome::Paid(block) => Ok(state::read(|campaign| campaign.funding(Some(id), Some(block)))),
        Outcome::Open => Ok(state::read(|campaign| campaign.funding(Some(id), None))),
        Outcome::Failed(failure) => Err(not_made(failure).await),
    }
}

/// Counts what came in by plain transfers; it opens when everything is there. Once it is over, what is counted goes back,
/// whenever and whyever it came. For the owner and the launchpad.
#[ic_cdk::update(name = "activate", guard = "serving")]
async fn activate() -> Result<Funding, DistributionError> {
    let caller = caller()?;
    let booked = state::read(|campaign| campaign.may_recognise(caller))?;
    fee().await?;
    let token = state::read(Campaign::ledger);
    let balance = ledger::balance(token, runtime::id()).await;
    let balance = balance.map_err(|failure| Temporary::Unreachable { canister: token, detail: failure.to_string() })?;
    state::mutate(|campaign| campaign.recognise(caller, balance, booked, now()))?;
    driver::rearm();
    Ok(state::read(|campaign| campaign.funding(None, None)))
}

/// Names recipients of listed categories, at most 500 at once, before those begin; all or none. For the owner and the
/// launchpad.
#[ic_cdk::update(name = "addRecipients", guard = "serving", decode_with = "long_argument", hidden = true)]
#[candid::candid_method(update, rename = "addRecipients")]
fn add_recipients(recipients: Vec<RecipientArgs>) -> Result<(), DistributionError> {
    let caller = caller()?;
    state::mutate(|campaign| campaign.add_recipients(caller, &recipients, now()))
}

/// Takes allocations back, each a person and a category, before those begin; all or none. For the owner, if the creator
/// has allowed modification.
#[ic_cdk::update(name = "removeRecipients", guard = "serving", decode_with = "long_argument", hidden = true)]
#[candid::candid_method(update, rename = "removeRecipients")]
fn remove_recipients(allocations: Vec<(Principal, u32)>) -> Result<(), DistributionError> {
    let caller = caller()?;
    state::mutate(|campaign| campaign.remove_recipients(caller, &allocations, now()))
}

/// Names the Merkle tree of a category. For the owner and the launchpad.
#[ic_cdk::update(name = "setMerkleRoot", guard = "serving", decode_with = "argument", hidden = true)]
#[candid::candid_method(update, rename = "setMerkleRoot")]
fn set_merkle_root(tree: MerkleRoot) -> Result<(), DistributionError> {
    let caller = caller()?;
    state::mutate(|campaign| campaign.set_merkle_root(caller, tree, now()))
}

/// Puts people on the whitelist of an open category, at most 500 at once. For the owner and the launchpad.
#[ic_cdk::update(name = "addToWhitelist", guard = "serving", decode_with = "long_arguments", hidden = true)]
#[candid::candid_method(update, rename = "addToWhitelist")]
fn add_to_whitelist(category: u32, people: Vec<Principal>) -> Result<(), DistributionError> {
    let caller = caller()?;
    state::mutate(|campaign| campaign.change_whitelist(caller, category, &people, true))
}

/// Takes people off the whitelist of an open category, at most 500 at once; who has registered stays. For the owner and
/// the launchpad.
#[ic_cdk::update(name = "removeFromWhitelist", guard = "serving", decode_with = "long_arguments", hidden = true)]
#[candid::candid_method(update, rename = "removeFromWhitelist")]
fn remove_from_whitelist(category: u32, people: Vec<Principal>) -> Result<(), DistributionError> {
    let caller = caller()?;
    state::mutate(|campaign| campaign.change_whitelist(caller, category, &people, false))
}

/// Keeps people from registering and claiming, at most 500 at once. For the owner, if the creator has allowed
/// modification.
#[ic_cdk::update(name = "addToBlacklist", guard = "serving", decode_with = "long_argument", hidden = true)]
#[candid::candid_method(update, rename = "addToBlacklist")]
fn add_to_blacklist(people: Vec<Principal>) -> Result<(), DistributionError> {
    let caller = caller()?;
    state::mutate(|campaign| campaign.change_blocked(caller, &people, true))
}

/// Lets them again. For the owner, if the creator has allowed modification.
#[ic_cdk::update(name = "removeFromBlacklist", guard = "serving", decode_with = "long_argument", hidden = true)]
#[candid::candid_method(update, rename = "removeFromBlacklist")]
fn remove_from_blacklist(people: Vec<Principal>) -> Result<(), DistributionError> {
    let caller = caller()?;
    state::mutate(|campaign| campaign.change_blocked(caller, &people, false))
}

/// Stops claims and registrations. For the owner, if the creator has allowed modification.
#[ic_cdk::update(name = "pause", guard = "serving")]
fn pause() -> Result<(), DistributionError> {
    let caller = caller()?;
    state::mutate(|campaign| campaign.pause(caller, now()))
}

/// Lets them go on. For the owner, if the creator has allowed modification.
#[ic_cdk::update(name = "resume", guard = "serving")]
fn resume() -> Result<(), DistributionError> {
    let caller = caller()?;
    state::mutate(|campaign| campaign.resume(caller, now()))
}

/// Stops the claims of one category. For the owner, if the creator has allowed modification.
#[ic_cdk::update(name = "pauseCategory", guard = "serving")]
fn pause_category(category: u32) -> Result<(), DistributionError> {
    let caller = caller()?;
    state::mutate(|campaign| campaign.pause_category(caller, category, true))
}

/// Lets them go on. For the owner, if the creator has allowed modification.
#[ic_cdk::update(name = "resumeCategory", guard = "serving")]
fn resume_category(category: u32) -> Result<(), DistributionError> {
    let caller = caller()?;
    state::mutate(|campaign| campaign.pause_category(caller, category, false))
}

/// Ends it: what nobody has claimed goes back to the owner, but for what is on its way. For the owner, if the creator has
/// allowed it or it is not funded.
#[ic_cdk::update(name = "cancel", guard = "serving")]
fn cancel() -> Result<(), DistributionError> {
    let caller = caller()?;
    state::mutate(|campaign| campaign.cancel(caller, now()))?;
    driver::rearm();
    Ok(())
}

/// Shows it to strangers, or not. For the owner.
#[ic_cdk::update(name = "setVisibility", guard = "serving")]
fn set_visibility(public: bool) -> Result<(), DistributionError> {
    let caller = caller()?;
    state::mutate(|campaign| campaign.set_visibility(caller, public))
}
