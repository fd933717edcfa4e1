//! Proposing, voting, executing; what is watched. All of it for signers only.

use super::{arguments, caller, change, cycles, now};
use crate::{driver, state, timer};
use cairn_events::Principal;
use cairn_kit::api::multisig::{AssetView, ProposalArgs, ProposalView, WalletError, WalletTemporaryError};
use cairn_kit::guard::Guards;
use cairn_kit::notify;
use cairn_kit::quarantine::serving;
use ic_cdk::update;

fn proposal_arguments(bytes: Vec<u8>) -> ProposalArgs {
    let (args,) = arguments(bytes);
    args
}

/// Proposes, and approves in the caller's name; replies with the proposal's number. Only for signers.
#[update(name = "createProposal", guard = "serving", decode_with = "proposal_arguments", hidden = true)]
#[candid::candid_method(update, rename = "createProposal")]
fn create_proposal(args: ProposalArgs) -> Result<u64, WalletError> {
    change(|wallet| wallet.propose(caller(), args, now()))
}

fn vote_arguments(bytes: Vec<u8>) -> (u64, Option<String>) {
    arguments(bytes)
}

/// Approves. Only for signers, each once.
#[update(name = "approveProposal", guard = "serving", decode_with = "vote_arguments", hidden = true)]
#[candid::candid_method(update, rename = "approveProposal")]
fn approve_proposal(proposal: u64, note: Option<String>) -> Result<ProposalView, WalletError> {
    change(|wallet| {
        wallet.approve(caller(), proposal, note, now())?;
        wallet.proposal_view(proposal, now())
    })
}

/// Says no. Only for signers, each once. With too many of them against it a proposal is rejected.
#[update(name = "rejectProposal", guard = "serving", decode_with = "vote_arguments", hidden = true)]
#[candid::candid_method(update, rename = "rejectProposal")]
fn reject_proposal(proposal: u64, note: Option<String>) -> Result<ProposalView, WalletError> {
    change(|wallet| {
        wallet.reject(caller(), proposal, note, now())?;
        wallet.proposal_view(proposal, now())
    })
}

/// Takes a proposal back. Only for the signer who made it.
#[update(name = "cancelProposal", guard = "serving")]
fn cancel_proposal(proposal: u64) -> Result<(), WalletError> {
    change(|wallet| wallet.cancel(caller(), proposal, now()))
}

/// Executes an approved proposal, once. Only for signers. The reply shows how far it is: payments that wait for another
/// attempt go on by themselves.
#[update(name = "executeProposal", guard = "serving")]
async fn execute_proposal(proposal: u64) -> Result<ProposalView, WalletError> {
    change(|wallet| wallet.begin(caller(), proposal, cycles(), now()))?;
    driver::drive(proposal).await;
    timer::reset();
    notify::wake();
    state::read(|wallet| wallet.proposal_view(proposal, now()))
}

/// Watches an asset. Only for signers.
#[update(name = "addWatchedAsset", guard = "serving")]
fn add_watched_asset(ledger: Principal) -> Result<(), WalletError> {
    change(|wallet| wallet.watch(caller(), ledger, now()))
}

/// Does not watch an asset any more. Only for signers.
#[update(name = "removeWatchedAsset", guard = "serving")]
fn remove_watched_asset(ledger: Principal) -> Result<(), WalletError> {
    change(|wallet| wallet.unwatch(caller(), ledger, now()))
}

thread_local! {
    static REFRESHING: Guards<()> = Guards::new(1);
}

/// Asks the ledgers of watched assets for the wallet's balances. Only for signers, one at a time.
#[update(name = "updateWalletBalances", guard = "serving")]
async fn update_wallet_balances() -> Result<Vec<AssetView>, WalletError> {
    let caller = caller();
    state::read(|wallet| wallet.require_signer(caller, now()))?;
    let busy = |_| WalletError::Temporary(WalletTemporaryError::Busy);
    let _guard = REFRESHING.with(|guards| guards.acquire(())).map_err(busy)?;
    driver::refresh_balances().await;
    state::read(|wallet| {
        // Signers, and who may read, can have changed meanwhile.
        wallet.require_reader(caller)?;
        Ok(wallet.asset_views(now()))
    })
}
