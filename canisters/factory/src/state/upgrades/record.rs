//! What is remembered of upgrades, rollouts and deposits.

use crate::state::Hourly;
use cairn_events::payload::{Consent, Reason};
use cairn_events::{Hash, Principal};
use cairn_kit::api::upgrade::RolloutStatus;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// The code of the reason why an upgrade ended that the factory could not bring to its end.
pub const CONTROL_LOST: &str = "control_lost";
/// The code of the reason that other code was found in the contract than was to be there.
pub const OTHER_CODE: &str = "other_code";
/// The code of the reason that somebody started the contract when it was to stand still.
pub const STARTED: &str = "started";
/// The code of the reason that somebody deleted the snapshot from which the contract was to be restored.
pub const SNAPSHOT_GONE: &str = "snapshot_gone";
/// What only other controllers of a contract can do: it does not speak against a version.
const BY_OTHERS: [&str; 4] = [CONTROL_LOST, OTHER_CODE, STARTED, SNAPSHOT_GONE];

/// How a contract may be upgraded. A contract of which nothing was recorded since its delivery has the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Managed {
    /// The module that it runs, if that is not the one that was delivered.
    #[serde(rename = "m", skip_serializing_if = "Option::is_none", default)]
    pub module: Option<Hash>,
    /// Whether it takes part in rollouts.
    #[serde(rename = "a")]
    pub auto: bool,
    /// Whether its owner took it out of the factory's control.
    #[serde(rename = "r")]
    pub released: bool,
    /// The upgrade that is not settled.
    #[serde(rename = "u", skip_serializing_if = "Option::is_none", default)]
    pub upgrade: Option<u64>,
    /// The day of the last event that owner or contract caused.
    #[serde(rename = "d")]
    pub day: u64,
    /// How many they caused on that day.
    #[serde(rename = "s")]
    pub spent: u32,
    /// Deposits of cycles that were begun.
    #[serde(rename = "h", default)]
    pub deposits: Hourly,
    /// The last rollout that asked for its upgrade.
    #[serde(rename = "l", skip_serializing_if = "Option::is_none", default)]
    pub rolled: Option<u64>,
    /// What an admin wants, and another has not agreed to.
    #[serde(rename = "f", skip_serializing_if = "Option::is_none", default)]
    pub force: Option<Force>,
}

/// An admin wants the contract upgraded whatever its owner or itself think of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Force {
    /// The index of the event.
    #[serde(rename = "i")]
    pub index: u64,
    /// Who.
    #[serde(rename = "b")]
    pub by: Principal,
    /// The version.
    #[serde(rename = "v")]
    pub version: String,
    /// Its module.
    #[serde(rename = "t")]
    pub to: Hash,
    /// Until when another admin may agree (nanoseconds).
    #[serde(rename = "u")]
    pub until: u64,
}

/// An upgrade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upgrade {
    /// The contract.
    #[serde(rename = "c")]
    pub contract: Principal,
    /// On whose behalf.
    #[serde(rename = "b")]
    pub by: Principal,
    /// The version that the contract is to run.
    #[serde(rename = "v")]
    pub version: String,
    /// The module that it ran.
    #[serde(rename = "f")]
    pub from: Hash,
    /// The module that it is to run.
    #[serde(rename = "t")]
    pub to: Hash,
    /// Who agreed.
    #[serde(rename = "o")]
    pub consent: Consent,
    /// Whether two admins forced it.
    #[serde(rename = "x")]
    pub forced: bool,
    /// The rollout that it is part of.
    #[serde(rename = "r", skip_serializing_if = "Option::is_none", default)]
    pub rollout: Option<u64>,
    /// When it was requested (nanoseconds).
    #[serde(rename = "a")]
    pub requested_at: u64,
    /// How far it is.
    #[serde(rename = "p")]
    pub phase: UpgradePhase,
    /// Whether nothing more is to be done.
    #[serde(rename = "s")]
    pub settled: bool,
}

/// How far an upgrade is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpgradePhase {
    /// It waits for its turn.
    #[serde(rename = "q")]
    Queued,
    /// The contract may be stopped, and snapshots taken.
    #[serde(rename = "i")]
    Intended {
        /// Since when (nanoseconds).
        #[serde(rename = "a")]
        at: u64,
    },
    /// It is stopped and saved; the new code may or may not be installed.
    #[serde(rename = "s")]
    Saved {
        /// The snapshot.
        #[serde(rename = "n")]
        snapshot: ByteBuf,
    },
    /// The new code is there, in quarantine once it is started.
    #[serde(rename = "n")]
    Installed {
        /// The snapshot.
        #[serde(rename = "n")]
        snapshot: ByteBuf,
    },
    /// The new code serves, as soon as it hears of that. The snapshot is never loaded.
    #[serde(rename = "c")]
    Confirmed {
        /// The snapshot, to be deleted.
        #[serde(rename = "n")]
        snapshot: ByteBuf,
    },
    /// The snapshot is to be loaded, unless it was.
    #[serde(rename = "b")]
    RollingBack {
        /// The snapshot.
        #[serde(rename = "n")]
        snapshot: ByteBuf,
        /// Why.
        #[serde(rename = "w")]
        reason: Reason,
    },
    /// It was loaded, and the contract started.
    #[serde(rename = "r")]
    RolledBack {
        /// The snapshot, to be deleted.
        #[serde(rename = "n")]
        snapshot: ByteBuf,
        /// Why.
        #[serde(rename = "w")]
        reason: Reason,
    },
    /// Nothing was changed.
    #[serde(rename = "x")]
    Abandoned {
        /// Since when the contract may be stopped and have snapshots; absent if it was left alone.
        #[serde(rename = "a", skip_serializing_if = "Option::is_none", default)]
        begun: Option<u64>,
        /// The snapshot, to be deleted.
        #[serde(rename = "n", skip_serializing_if = "Option::is_none", default)]
        snapshot: Option<ByteBuf>,
        /// The module that the network showed, if it was asked.
        #[serde(rename = "m", skip_serializing_if = "Option::is_none", default)]
        module: Option<Hash>,
        /// Why.
        #[serde(rename = "w")]
        reason: Reason,
    },
}

/// A rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// The version.
    #[serde(rename = "v")]
    pub version: String,
    /// Its module.
    #[serde(rename = "h")]
    pub module: Hash,
    /// The admin.
    #[serde(rename = "b")]
    pub by: Principal,
    /// How many contracts come first.
    #[serde(rename = "c")]
    pub canary: u32,
    /// How many come at a time afterwards.
    #[serde(rename = "w")]
    pub wave: u32,
    /// The share of failures beyond which it stops, in hundredths of a percent.
    #[serde(rename = "m")]
    pub max_failures: u16,
    /// Whether it goes on.
    #[serde(rename = "s")]
    pub status: RolloutStatus,
    /// Why it does not.
    #[serde(rename = "y", skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
    /// Waves before this one.
    #[serde(rename = "n")]
    pub waves: u32,
    /// Contracts of this wave so far.
    #[serde(rename = "i")]
    pub in_wave: u32,
    /// Contracts whose upgrade was requested.
    #[serde(rename = "r")]
    pub requested: u64,
    /// Of those, not decided.
    #[serde(rename = "o")]
    pub open: u64,
    /// Upgraded.
    #[serde(rename = "u")]
    pub succeeded: u64,
    /// Failed.
    #[serde(rename = "f")]
    pub failed: u64,
    /// Left out.
    #[serde(rename = "k")]
    pub skipped: u64,
    /// Requested and failed when an admin last let it go on: what came before is forgiven.
    #[serde(rename = "e")]
    pub forgiven: (u64, u64),
}

/// A deposit under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUp {
    /// Whose cycles.
    #[serde(rename = "b")]
    pub by: Principal,
    /// How many.
    #[serde(rename = "c")]
    pub cycles: u64,
}

impl Upgrade {
    /// The module that the network showed when it was decided what becomes of the contract, as the log says.
    pub fn decided_module(&self) -> Option<Hash> {
        match self.phase {
            UpgradePhase::Confirmed { .. } => Some(self.to),
            UpgradePhase::RolledBack { .. } => Some(self.from),
            UpgradePhase::Abandoned { module, .. } => module,
            _ => None,
        }
    }
}

impl Rollout {
    /// How many contracts the present wave has.
    pub fn wave_size(&self) -> u32 {
        if self.waves == 0 { self.canary } else { self.wave }
    }

    /// Whether more of those that were asked for failed than may.
    pub fn fails_too_often(&self) -> bool {
        let (asked, failed) = self.forgiven;
        let asked = u128::from(self.requested.saturating_sub(asked));
        u128::from(self.failed.saturating_sub(failed)) * 10_000 > asked * u128::from(self.max_failures)
    }
}

impl UpgradePhase {
    /// Whether it is known what becomes of the contract.
    pub fn is_decided(&self) -> bool {
        use UpgradePhase::{Abandoned, Confirmed, RolledBack};
        matches!(self, Confirmed { .. } | RolledBack { .. } | Abandoned { .. })
    }

    /// Whether the contract is at work: stopped, or in quarantine.
    pub fn is_running(&self) -> bool {
        use UpgradePhase::{Installed, Intended, RollingBack, Saved};
        matches!(self, Intended { .. } | Saved { .. } | Installed { .. } | RollingBack { .. })
    }

    /// Why it did not succeed.
    pub fn reason(&self) -> Option<&Reason> {
        use UpgradePhase::{Abandoned, RolledBack, RollingBack};
        match self {
            RollingBack { reason, .. } | RolledBack { reason, .. } | Abandoned { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// Whether it is known what the upgrade says of the version, even if its contract is not restored yet.
    pub(super) fn is_judged(&self) -> bool {
        self.is_decided() || matches!(self, UpgradePhase::RollingBack { .. })
    }

    /// Whether it speaks against the version that it came to this, from `before`.
    pub(super) fn is_failure_after(&self, before: &UpgradePhase) -> bool {
        use UpgradePhase::{Abandoned, Intended, Queued, RollingBack};
        match (self, before) {
            (RollingBack { .. }, _) => true,
            (Abandoned { .. }, Queued | Intended { .. }) => false,
            (Abandoned { reason, .. }, _) => !BY_OTHERS.contains(&reason.code.as_str()),
            _ => false,
        }
    }

    /// Whether the upgrade, ended so, left the contract alone, or must leave it alone now.
    pub(super) fn leaves_nothing(&self) -> bool {
        matches!(self, UpgradePhase::Abandoned { begun: None, snapshot: None, .. })
    }

    /// The upgrade is abandoned in this phase, the network showing `module`.
    pub(super) fn abandoned(&self, module: Option<Hash>, reason: &Reason) -> UpgradePhase {
        use UpgradePhase::{Abandoned, Installed, Intended, RollingBack, Saved};
        let (begun, snapshot) = match self {
            _ if reason.code == CONTROL_LOST => (None, None),
            Intended { at } => (Some(*at), None),
            Saved { snapshot } | Installed { snapshot } | RollingBack { snapshot, .. } => {
                (None, Some(snapshot.clone()))
            }
            _ => (None, None),
        };
        Abandoned { begun, snapshot, module, reason: reason.clone() }
    }

    /// The snapshot, if there is one.
    pub fn snapshot(&self) -> Option<ByteBuf> {
        use UpgradePhase::{Abandoned, Confirmed, Installed, Intended, Queued, RolledBack, RollingBack, Saved};
        match self {
            Queued | Intended { .. } => None,
            Saved { snapshot }
            | Installed { snapshot }
            | Confirmed { snapshot }
            | RollingBack { snapshot, .. }
            | RolledBack { snapshot, .. } => Some(snapshot.clone()),
            Abandoned { snapshot, .. } => snapshot.clone(),
        }
    }
}
