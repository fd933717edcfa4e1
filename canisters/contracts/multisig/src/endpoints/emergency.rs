//! Freezing, for owners and guardians; recovery, for guardians.

use super::{arguments, caller, change, now};
use cairn_kit::api::multisig::{NewSigner, WalletError};
use cairn_kit::quarantine::serving;
use ic_cdk::update;

fn reason_argument(bytes: Vec<u8>) -> String {
    let (reason,) = arguments(bytes);
    reason
}

/// Freezes the wallet at once. Only for owners and guardians. Signers unfreeze it by a proposal.
#[update(name = "freezeWallet", guard = "serving", decode_with = "reason_argument", hidden = true)]
#[candid::candid_method(update, rename = "freezeWallet")]
fn freeze_wallet(reason: String) -> Result<(), WalletError> {
    change(|wallet| wallet.freeze_alone(caller(), reason, now()))
}

fn recovery_arguments(bytes: Vec<u8>) -> (Vec<NewSigner>, u32) {
    arguments(bytes)
}

/// Plans a recovery, in place of the caller's last plan, and agrees to it; replies with the plan's number. Only for
/// guardians.
#[update(name = "proposeRecovery", guard = "serving", decode_with = "recovery_arguments", hidden = true)]
#[candid::candid_method(update, rename = "proposeRecovery")]
fn propose_recovery(signers: Vec<NewSigner>, threshold: u32) -> Result<u64, WalletError> {
    change(|wallet| wallet.propose_recovery(caller(), signers, threshold, now()))
}

/// Agrees to a plan. Only for guardians. With enough of them the wallet stands still, and the delay begins.
#[update(name = "approveRecovery", guard = "serving")]
fn approve_recovery(plan: u64) -> Result<(), WalletError> {
    change(|wallet| wallet.approve_recovery(caller(), plan, now()))
}

/// Does not agree to a plan any more. Only for guardians who did.
#[update(name = "withdrawRecovery", guard = "serving")]
fn withdraw_recovery(plan: u64) -> Result<(), WalletError> {
    change(|wallet| wallet.withdraw_recovery(caller(), plan, now()))
}

/// Replaces the signers once the plan's delay has passed. Only for guardians and the plan's signers.
#[update(name = "executeRecovery", guard = "serving")]
fn execute_recovery(plan: u64) -> Result<(), WalletError> {
    change(|wallet| wallet.execute_recovery(caller(), plan, now()))
}
