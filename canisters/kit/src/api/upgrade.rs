//! What a factory tells of upgrades, rollouts and cycles, and is asked for them.

use cairn_events::payload::{Consent, Reason};
use cairn_events::{Hash, Principal};
use candid::{CandidType, Deserialize, Nat};

/// How far an upgrade is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum UpgradeStep {
    /// It waits for its turn.
    #[serde(rename = "queued")]
    Queued,
    /// The contract is being stopped and saved.
    #[serde(rename = "begun")]
    Begun,
    /// It is saved; the code is being installed.
    #[serde(rename = "saved")]
    Saved,
    /// The new code is being examined, in quarantine.
    #[serde(rename = "installed")]
    Installed,
    /// The new code serves.
    #[serde(rename = "confirmed")]
    Confirmed,
    /// The contract's former self is being restored.
    #[serde(rename = "rolling_back")]
    RollingBack,
    /// It is restored.
    #[serde(rename = "rolled_back")]
    RolledBack,
    /// It came to nothing; nothing was changed.
    #[serde(rename = "abandoned")]
    Abandoned,
}

/// An upgrade.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct UpgradeInfo {
    /// Its number: the index of the event that requested it.
    pub number: u64,
    /// The contract.
    pub contract: Principal,
    /// The version that it is to run.
    pub version: String,
    /// The module that it ran.
    pub from: Hash,
    /// The module that it is to run.
    pub to: Hash,
    /// Who agreed.
    pub consent: Consent,
    /// Whether two admins forced it.
    pub forced: bool,
    /// The rollout that it is part of.
    pub rollout: Option<u64>,
    /// When it was requested, in nanoseconds since 1970.
    pub requested_at: u64,
    /// How far it is.
    pub step: UpgradeStep,
    /// Why it was rolled back or abandoned.
    pub reason: Option<Reason>,
    /// Whether nothing more is to be done.
    pub settled: bool,
    /// Failed attempts at the present step, since the factory's own last upgrade.
    pub failures: u32,
}

/// What has come of an admin's wish that a contract be upgraded whatever its owner or itself think of it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum ForcedUpgrade {
    /// Another admin has to wish the same.
    #[serde(rename = "proposed")]
    Proposed(ForceProposal),
    /// It is under way, or was already.
    #[serde(rename = "requested")]
    Requested(UpgradeInfo),
}

/// An admin's wish that another admin has to share.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ForceProposal {
    /// The index of the event.
    pub index: u64,
    /// Who wants it.
    pub by: Principal,
    /// The version.
    pub version: String,
    /// Its module.
    pub to: Hash,
    /// Until when it stands, in nanoseconds since 1970.
    pub until: u64,
}

/// A page of upgrades, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct UpgradePage {
    /// The upgrades, but for those of contracts that the caller may not see.
    pub upgrades: Vec<UpgradeInfo>,
    /// Where the next page begins; absent if this is the last one.
    pub next: Option<u64>,
    /// Upgrades that wait for their turn.
    pub queued: u64,
    /// Upgrades that are under way.
    pub running: u64,
}

/// How many contracts a rollout begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum Canary {
    /// So many.
    #[serde(rename = "count")]
    Count(u32),
    /// A share of those that take part, in hundredths of a percent; at least one.
    #[serde(rename = "share")]
    Share(u16),
}

/// How a version is to be rolled out.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct RolloutArgs {
    /// The version.
    pub version: String,
    /// How many contracts are upgraded first.
    pub canary: Canary,
    /// How many are upgraded at a time afterwards.
    pub wave: u32,
    /// The share of failures beyond which the rollout stops by itself, in hundredths of a percent.
    pub max_failures: u16,
}

/// Whether a rollout goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize, serde::Serialize)]
pub enum RolloutStatus {
    /// It goes on.
    #[serde(rename = "running")]
    Running,
    /// An admin holds it up.
    #[serde(rename = "paused")]
    Paused,
    /// It stopped by itself: too many failures.
    #[serde(rename = "stopped")]
    Stopped,
    /// It is over.
    #[serde(rename = "finished")]
    Finished,
}

/// A rollout.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct RolloutInfo {
    /// Its number: the index of the event that started it.
    pub number: u64,
    /// The version.
    pub version: String,
    /// Its module.
    pub module_hash: Hash,
    /// How many contracts are upgraded first.
    pub canary: u32,
    /// How many are upgraded at a time afterwards.
    pub wave: u32,
    /// The share of failures beyond which it stops, in hundredths of a percent.
    pub max_failures: u16,
    /// Whether it goes on.
    pub status: RolloutStatus,
    /// Why it does not.
    pub reason: Option<Reason>,
    /// Contracts whose upgrade was requested.
    pub requested: u64,
    /// Of those, under way or waiting.
    pub open: u64,
    /// Upgraded.
    pub succeeded: u64,
    /// Failed: rolled back, or the code refused to be installed.
    pub failed: u64,
    /// Left out: the contract did not want to be upgraded just then.
    pub skipped: u64,
}

/// A page of rollouts, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct RolloutPage {
    /// The rollouts.
    pub rollouts: Vec<RolloutInfo>,
    /// Where the next page begins; absent if this is the last one.
    pub next: Option<u64>,
    /// Contracts that take part in rollouts.
    pub participants: u64,
}

/// How the factory may upgrade a contract.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct UpgradePolicy {
    /// The contract.
    pub contract: Principal,
    /// Its owner.
    pub owner: Principal,
    /// The module that it runs, as the log says.
    pub module_hash: Hash,
    /// Whether it takes part in rollouts.
    pub auto_update: bool,
    /// Whether its owner took it out of the factory's control.
    pub released: bool,
    /// The upgrade that is not settled.
    pub upgrade: Option<u64>,
    /// What an admin wants, whatever owner and contract think of it, and another admin has not agreed to.
    pub force: Option<ForceProposal>,
}

/// Whether a canister runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum RunState {
    /// It runs.
    #[serde(rename = "running")]
    Running,
    /// It is being stopped.
    #[serde(rename = "stopping")]
    Stopping,
    /// It is stopped.
    #[serde(rename = "stopped")]
    Stopped,
}

/// What a contract has and uses.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ContractResources {
    /// Whether it runs.
    pub status: RunState,
    /// Cycles that it holds.
    pub cycles: Nat,
    /// Cycles that it must keep: below, it freezes.
    pub frozen_below: Nat,
    /// Cycles that it burns in a day by being there.
    pub burned_per_day: Nat,
    /// Bytes that it takes, snapshots included.
    pub memory: Nat,
    /// Its module.
    pub module_hash: Option<Hash>,
}

/// A deposit that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ToppedUp {
    /// Cycles that were deposited: all that were attached.
    pub cycles: u64,
    /// Index of `ContractToppedUp`.
    pub index: u64,
}
