//! What can be read: by everyone of a public wallet, by members of a private one.

use super::{cycles, now, read};
use cairn_events::Principal;
use cairn_kit::api::SupportedStandard;
use cairn_kit::api::multisig::{
    AssetView, MemberRole, ProposalPage, ProposalStatus, ProposalView, RecoveryView, TrailPage, TrailTip, WalletError,
    WalletInfo,
};
use cairn_kit::quarantine::serving;
use cairn_kit::runtime;
use ic_cdk::query;
use serde_bytes::ByteBuf;

/// The wallet: members, rules, what it can do now. For readers.
#[query(name = "getWalletInfo", guard = "serving")]
fn get_wallet_info() -> Result<WalletInfo, WalletError> {
    read(|wallet| Ok(wallet.info(cycles())))
}

/// The role of `principal`, if it has one. For readers.
#[query(name = "getUserRole", guard = "serving")]
fn get_user_role(principal: Principal) -> Result<Option<MemberRole>, WalletError> {
    read(|wallet| Ok(wallet.charter().role(principal)))
}

/// A proposal. For readers.
#[query(name = "getProposal", guard = "serving")]
fn get_proposal(proposal: u64) -> Result<ProposalView, WalletError> {
    read(|wallet| wallet.proposal_view(proposal, now()))
}

/// Proposals, newest first, before the number `cursor`; at most 50, of one status if one is given. For readers.
#[query(name = "getProposals", guard = "serving")]
fn get_proposals(
    cursor: Option<u64>,
    limit: Option<u32>,
    status: Option<ProposalStatus>,
) -> Result<ProposalPage, WalletError> {
    read(|wallet| Ok(wallet.proposal_page(cursor, limit.unwrap_or(u32::MAX) as usize, status, now())))
}

/// The wallet's trail, oldest first, from the number `cursor` on; at most 100 entries. For readers.
#[query(name = "getEvents", guard = "serving")]
fn get_events(cursor: Option<u64>, limit: Option<u32>) -> Result<TrailPage, WalletError> {
    read(|wallet| Ok(wallet.trail_page(cursor.unwrap_or(0), limit.unwrap_or(u32::MAX) as usize)))
}

/// The end of the trail, certified. For readers.
#[query(name = "getEventsTip", guard = "serving")]
fn get_events_tip() -> Result<TrailTip, WalletError> {
    read(|wallet| {
        let certificate = runtime::data_certificate().map(ByteBuf::from);
        Ok(TrailTip { length: wallet.trail_length(), hash: wallet.tip(), certificate })
    })
}

/// Watched and limited assets: balances as their ledgers said when last asked, limits, what left. For readers.
#[query(name = "getWalletBalances", guard = "serving")]
fn get_wallet_balances() -> Result<Vec<AssetView>, WalletError> {
    read(|wallet| Ok(wallet.asset_views(now())))
}

/// The guardians' plans of recovery. For readers.
#[query(name = "getRecoveries", guard = "serving")]
fn get_recoveries() -> Result<Vec<RecoveryView>, WalletError> {
    read(|wallet| Ok(wallet.recovery_views()))
}

/// The standards this canister implements (ICRC-10). For everyone.
#[query(name = "icrc10_supported_standards", guard = "serving")]
fn icrc10_supported_standards() -> Vec<SupportedStandard> {
    vec![SupportedStandard::icrc10()]
}
