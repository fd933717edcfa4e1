//! Facts about upgrades of contracts, about who may have them, and about the cycles that everything runs on.
//!
//! The story of one upgrade, on its contract's stream: requested, intended, snapshot taken, installed, then either
//! confirmed (the snapshot is never loaded again) or to be rolled back and rolled back; settled. An upgrade that came to
//! nothing is abandoned.

use super::Reason;
use crate::Hash;
use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Who agreed to an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub enum Consent {
    /// The contract's owner asked for it.
    #[serde(rename = "owner")]
    Owner,
    /// The contract itself did.
    #[serde(rename = "contract")]
    Contract,
    /// The contract takes part in rollouts.
    #[serde(rename = "auto")]
    Auto,
    /// Nobody: two admins forced it.
    #[serde(rename = "admin")]
    Admin,
}

/// A contract is to run another version. It waits for its turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeRequested {
    /// The contract.
    pub contract: Principal,
    /// The version's name.
    pub version: String,
    /// The module that the contract runs.
    pub from: Hash,
    /// The module that it is to run.
    pub to: Hash,
    /// Who agreed.
    pub consent: Consent,
    /// Whether two admins overrode what would have forbidden it: an earlier version, or the contract's own refusal.
    pub forced: bool,
    /// The rollout that it is part of: the index of its `RolloutStarted`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rollout: Option<u64>,
}

impl UpgradeRequested {
    /// Bytes of a version's name.
    pub const MAX_VERSION: usize = 32;
}

/// An admin wants the contract upgraded whatever its owner or itself think of it. It is, if another admin wants the same
/// within [`ForceProposed::VALID`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForceProposed {
    /// The contract.
    pub contract: Principal,
    /// The version's name.
    pub version: String,
    /// The module that it is to run.
    pub to: Hash,
}

impl ForceProposed {
    /// Nanoseconds for which the proposal stands: a day.
    pub const VALID: u64 = 86_400_000_000_000;
}

/// The contract is about to be stopped, saved and upgraded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeIntended {
    /// The contract.
    pub contract: Principal,
    /// The module that it runs.
    pub from: Hash,
    /// The module that it is to run.
    pub to: Hash,
    /// The epoch of its callbacks afterwards.
    pub epoch: u64,
}

/// The stopped contract is saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotTaken {
    /// The contract.
    pub contract: Principal,
    /// The snapshot's id.
    pub snapshot: ByteBuf,
    /// The module in it, as the network says.
    pub module_hash: Hash,
}

impl SnapshotTaken {
    /// Bytes of a snapshot's id.
    pub const MAX_SNAPSHOT: usize = 64;
}

/// The new code is in the contract, which is stopped, and begins in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeInstalled {
    /// The contract.
    pub contract: Principal,
    /// Its module, as the network says.
    pub module_hash: Hash,
}

/// The arbiter: the new code is well and serves. Excludes `RollbackIntended`. Recorded before the contract hears of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeConfirmed {
    /// The contract.
    pub contract: Principal,
    /// Its module, as the network says.
    pub module_hash: Hash,
    /// The epoch of its callbacks from now on.
    pub epoch: u64,
}

/// The arbiter: the snapshot is about to be loaded. Excludes `UpgradeConfirmed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackIntended {
    /// The contract.
    pub contract: Principal,
    /// Its module, as the network says; absent from events that are older than this field.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub module_hash: Option<Hash>,
    /// Why.
    pub reason: Reason,
}

/// The contract runs what it ran before, with the state that it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeRolledBack {
    /// The contract.
    pub contract: Principal,
    /// Its module, as the network says.
    pub module_hash: Hash,
    /// The epoch of its callbacks from now on.
    pub epoch: u64,
    /// Why.
    pub reason: Reason,
}

/// The upgrade came to nothing: nothing was changed. With the reason `control_lost` the factory can change nothing any
/// more: somebody else has taken the contract over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeAbandoned {
    /// The contract.
    pub contract: Principal,
    /// Its module, as the network says, if it was asked for the decision.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub module_hash: Option<Hash>,
    /// Why.
    pub reason: Reason,
}

/// Nothing is left of the upgrade: the contract is started and serves, the snapshot is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeSettled {
    /// The contract.
    pub contract: Principal,
    /// Its module, as the network said when the upgrade was confirmed, rolled back or abandoned, or since, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub module_hash: Option<Hash>,
}

/// The owner took the contract out of the factory's control: it is not upgraded any more. What is under way is brought to
/// its end before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlReleased {
    /// The contract.
    pub contract: Principal,
}

/// The contract takes part in rollouts from now on, or does not any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoUpdateSet {
    /// The contract.
    pub contract: Principal,
    /// Whether it does.
    pub enabled: bool,
}

/// A version is rolled out to the contracts that take part: first to a few, then in waves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutStarted {
    /// The version's name.
    pub version: String,
    /// Its module.
    pub module_hash: Hash,
    /// How many contracts are upgraded first.
    pub canary: u32,
    /// How many are upgraded at a time afterwards.
    pub wave: u32,
    /// The share of failures beyond which the rollout stops, in hundredths of a percent.
    pub max_failures: u16,
}

/// What became of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub enum RolloutState {
    /// An admin holds it up.
    #[serde(rename = "paused")]
    Paused,
    /// It goes on.
    #[serde(rename = "resumed")]
    Resumed,
    /// It stopped by itself: too many failures.
    #[serde(rename = "stopped")]
    Stopped,
    /// It is over.
    #[serde(rename = "finished")]
    Finished,
}

/// A rollout was held up, went on, or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutChanged {
    /// The index of its `RolloutStarted`.
    pub rollout: u64,
    /// What became of it.
    pub state: RolloutState,
    /// Why.
    pub reason: Reason,
}

/// Somebody's cycles are about to be deposited with a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUpIntended {
    /// The contract.
    pub contract: Principal,
    /// How many.
    pub cycles: u64,
}

/// The contract has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractToppedUp {
    /// The contract.
    pub contract: Principal,
    /// How many.
    pub cycles: u64,
}

/// The deposit failed, or its reply was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUpUnresolved {
    /// The contract.
    pub contract: Principal,
    /// How many.
    pub cycles: u64,
    /// What is known.
    pub reason: Reason,
}

/// A canister has fewer cycles than it needs. Said once, until they are restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CyclesLow {
    /// The canister.
    pub canister: Principal,
    /// How many it has.
    pub cycles: u64,
    /// Below which number that is low.
    pub floor: u64,
}

/// It has enough again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CyclesRestored {
    /// The canister.
    pub canister: Principal,
    /// How many it has.
    pub cycles: u64,
    /// Below which number that would be low.
    pub floor: u64,
}
