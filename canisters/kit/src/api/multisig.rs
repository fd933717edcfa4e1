//! The interface of multisig wallets: what a creator asks for, what a wallet is installed with, and (in the submodules)
//! what signers propose, what readers see, why a wallet refuses.

mod action;
mod refusal;
mod trail;
mod view;

#[cfg(test)]
mod tests;

pub use action::*;
pub use refusal::*;
pub use trail::*;
pub use view::*;

use cairn_events::{Amount, Principal};
use candid::{CandidType, Deserialize};
use serde::Serialize;
use std::collections::BTreeSet;

/// Nanoseconds of a day.
const DAY: u64 = 86_400_000_000_000;
/// Most characters of a wallet's name.
pub const MAX_NAME: usize = 100;
/// Most bytes of a wallet's name: as many as a listing holds.
pub const MAX_NAME_BYTES: usize = 128;
/// Most bytes of a description.
pub const MAX_DESCRIPTION: usize = 500;
/// Most bytes of a member's name.
pub const MAX_MEMBER_NAME: usize = 64;
/// Most signers.
pub const MAX_SIGNERS: usize = 50;
/// Most observers.
pub const MAX_OBSERVERS: usize = 50;
/// Most guardians.
pub const MAX_GUARDIANS: usize = 20;
/// Most ledgers with a policy of their own.
pub const MAX_POLICIES: usize = 20;
/// The longest timelock, in nanoseconds: a week.
pub const MAX_TIMELOCK: u64 = 7 * DAY;
/// The shortest life of a proposal, in nanoseconds: an hour.
pub const MIN_LIFETIME: u64 = DAY / 24;
/// The longest life of a proposal, in nanoseconds: 30 days.
pub const MAX_LIFETIME: u64 = 30 * DAY;
/// The shortest delay of a recovery, in nanoseconds: a day, in which signers can object.
pub const MIN_RECOVERY_DELAY: u64 = DAY;
/// The longest delay of a recovery, in nanoseconds: 30 days.
pub const MAX_RECOVERY_DELAY: u64 = 30 * DAY;

/// A wallet, as its creator wants it: the first part of `createMultisig`'s argument.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct MultisigArgs {
    /// 1 to 100 characters, at most 128 bytes.
    pub name: String,
    /// At most 500 bytes.
    pub description: Option<String>,
    /// Who decides: 1 to 50, all different.
    pub signers: Vec<NewSigner>,
    /// Who may read a private wallet without deciding: at most 50, none of them a signer.
    pub observers: Vec<NewMember>,
    /// Who may freeze the wallet and recover it: at most 20, none of them a signer or an observer.
    pub guardians: Vec<NewMember>,
    /// How it is decided.
    pub rules: WalletRules,
    /// Whether strangers may read the wallet, and see it listed.
    pub public: bool,
}

/// Somebody who is to decide.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct NewSigner {
    /// Who.
    pub principal: Principal,
    /// At most 64 bytes, for people.
    pub name: Option<String>,
    /// With which role.
    pub role: SignerRole,
}

/// Somebody who is to observe, or to guard.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct NewMember {
    /// Who.
    pub principal: Principal,
    /// At most 64 bytes, for people.
    pub name: Option<String>,
}

/// The roles of those who decide. Each has one vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, CandidType, Serialize, Deserialize)]
pub enum SignerRole {
    /// May freeze the wallet alone, too.
    Owner,
    /// Decides together with others only.
    Signer,
}

/// How a wallet decides.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct WalletRules {
    /// Approvals that any proposal needs: 1 to the number of signers. Riskier ones need more.
    pub threshold: u32,
    /// Nanoseconds between a proposal and its execution, at least; at most a week. Emergency acts do not wait.
    pub timelock: u64,
    /// Nanoseconds after which an unexecuted proposal is void: an hour to 30 days, and longer than the timelock.
    pub proposal_lifetime: u64,
    /// Whether changes of the wallet need every signer.
    pub consensus_for_changes: bool,
    /// Limits of single ledgers: at most 20, each ledger once.
    pub policies: Vec<AssetPolicy>,
    /// How guardians replace signers; without it they can only freeze.
    pub recovery: Option<RecoveryRules>,
}

/// What a wallet may do with one ledger's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct AssetPolicy {
    /// The ledger.
    pub ledger: Principal,
    /// The most that may leave within any 24 hours, ledger fees aside; in the smallest unit, above zero. An allowance
    /// counts when it is given, not when it is drawn on.
    pub daily_limit: Option<Amount>,
    /// Above this, in the smallest unit, a proposal is of high risk; 10^11 unless given.
    pub large_amount: Option<Amount>,
}

/// How guardians replace the signers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct RecoveryRules {
    /// Guardians that must agree: 1 to the number of guardians.
    pub threshold: u32,
    /// Nanoseconds between their agreement and the recovery, in which all signers together can stop it: 1 to 30 days.
    pub delay: u64,
}

/// The install argument of a wallet.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct WalletInit {
    /// The wallet asked for.
    pub wallet: MultisigArgs,
    /// Who asked for it. No right follows from it.
    pub creator: Principal,
    /// Who is told about members and proposals. Without it nobody is.
    pub factory: Option<Principal>,
    /// The epoch in which notifications are numbered from 1.
    pub epoch: u64,
}

/// A wallet that cannot be: the first thing that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum InvalidWallet {
    /// A text or a list is too short or too long.
    #[error("{field}: {found} {unit}; at least {min}, at most {max}")]
    Length {
        /// Which field.
        field: String,
        /// What came.
        found: u64,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
        /// What was counted.
        unit: String,
    },
    /// The principal cannot act: it is anonymous, or the management canister.
    #[error("{field}: {principal} cannot be a member")]
    NoMember {
        /// Which field.
        field: String,
        /// Who.
        principal: Principal,
    },
    /// The principal is named twice: everybody has one role.
    #[error("{principal} is named twice")]
    Duplicate {
        /// Who.
        principal: Principal,
    },
    /// The threshold is zero, or the signers could never reach it.
    #[error("threshold {threshold} with {signers} signers; at least 1, at most the number of signers")]
    Threshold {
        /// The threshold.
        threshold: u32,
        /// Signers, observers and guardians not counted.
        signers: u32,
    },
    /// The timelock is too long.
    #[error("timelock of {found} ns; at most {max}")]
    Timelock {
        /// What came, in nanoseconds.
        found: u64,
        /// The most.
        max: u64,
    },
    /// Proposals live too short or too long.
    #[error("proposal lifetime of {found} ns; at least {min}, at most {max}")]
    Lifetime {
        /// What came, in nanoseconds.
        found: u64,
        /// The least: longer than the timelock.
        min: u64,
        /// The most.
        max: u64,
    },
    /// A ledger has two policies, or one that says nothing or forbids everything, or no ledger can be there.
    #[error("policy of {ledger}: {problem}")]
    Policy {
        /// The ledger.
        ledger: Principal,
        /// What is wrong.
        problem: String,
    },
    /// The guardians could never recover the wallet, or one of none could.
    #[error("recovery threshold {threshold} with {guardians} guardians; at least 1, at most the number of guardians")]
    RecoveryThreshold {
        /// The threshold.
        threshold: u32,
        /// Guardians.
        guardians: u32,
    },
    /// The delay of a recovery is too short or too long.
    #[error("recovery delay of {found} ns; at least {min}, at most {max}")]
    RecoveryDelay {
        /// What came, in nanoseconds.
        found: u64,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// The creator must be one of the signers.
    #[error("the creator {creator} is not among the signers")]
    CreatorNotSigner {
        /// The creator.
        creator: Principal,
    },
}

impl InvalidWallet {
    /// The field of [`MultisigArgs`] that is wrong.
    pub fn field(&self) -> &str {
        match self {
            InvalidWallet::Length { field, .. } | InvalidWallet::NoMember { field, .. } => field,
            InvalidWallet::Duplicate { .. } | InvalidWallet::CreatorNotSigner { .. } => "signers",
            InvalidWallet::Threshold { .. } => "rules.threshold",
            InvalidWallet::Timelock { .. } => "rules.timelock",
            InvalidWallet::Lifetime { .. } => "rules.proposal_lifetime",
            InvalidWallet::Policy { .. } => "rules.policies",
            InvalidWallet::RecoveryThreshold { .. } | InvalidWallet::RecoveryDelay { .. } => "rules.recovery",
        }
    }
}

impl MultisigArgs {
    /// Whether a wallet can be made of these: what is accepted here installs.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), InvalidWallet> {
        check_title(&self.name, self.description.as_deref())?;
        length("signers", self.signers.len(), 1, MAX_SIGNERS, "members")?;
        length("observers", self.observers.len(), 0, MAX_OBSERVERS, "members")?;
        length("guardians", self.guardians.len(), 0, MAX_GUARDIANS, "members")?;
        let signers = self.signers.iter().map(|signer| ("signers", signer.principal, &signer.name));
        let observers = self.observers.iter().map(|member| ("observers", member.principal, &member.name));
        let guardians = self.guardians.iter().map(|member| ("guardians", member.principal, &member.name));
        let mut seen = BTreeSet::new();
        for (field, principal, name) in signers.chain(observers).chain(guardians) {
            check_member(field, principal, name.as_deref())?;
            if !seen.insert(principal) {
                return Err(InvalidWallet::Duplicate { principal });
            }
        }
        self.rules.validate(self.signers.len(), self.guardians.len())
    }

    /// As [`MultisigArgs::validate`], and `creator` is a signer: what the backend asks before money moves.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate_for(&self, creator: Principal) -> Result<(), InvalidWallet> {
        self.validate()?;
        if self.signers.iter().any(|signer| signer.principal == creator) {
            return Ok(());
        }
        Err(InvalidWallet::CreatorNotSigner { creator })
    }
}

impl WalletRules {
    /// Whether so many signers and guardians can live by these rules. Holds for every wallet at any time.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self, signers: usize, guardians: usize) -> Result<(), InvalidWallet> {
        let (signers, guardians) = (count(signers), count(guardians));
        if self.threshold == 0 || self.threshold > signers {
            return Err(InvalidWallet::Threshold { threshold: self.threshold, signers });
        }
        if self.timelock > MAX_TIMELOCK {
            return Err(InvalidWallet::Timelock { found: self.timelock, max: MAX_TIMELOCK });
        }
        // A proposal must be alive for a while after its timelock.
        let min = self.timelock.saturating_add(MIN_LIFETIME);
        if !(min..=MAX_LIFETIME).contains(&self.proposal_lifetime) {
            return Err(InvalidWallet::Lifetime { found: self.proposal_lifetime, min, max: MAX_LIFETIME });
        }
        self.validate_policies()?;
        self.recovery.map_or(Ok(()), |recovery| recovery.validate(guardians))
    }

    fn validate_policies(&self) -> Result<(), InvalidWallet> {
        length("rules.policies", self.policies.len(), 0, MAX_POLICIES, "ledgers")?;
        let mut seen = BTreeSet::new();
        for policy in &self.policies {
            let refuse =
                |problem: &str| Err(InvalidWallet::Policy { ledger: policy.ledger, problem: problem.to_owned() });
            if !can_act(policy.ledger) {
                return refuse("no ledger is there");
            }
            if !seen.insert(policy.ledger) {
                return refuse("the ledger has two policies");
            }
            if policy.daily_limit.is_none() && policy.large_amount.is_none() {
                return refuse("it says nothing");
            }
            if policy.daily_limit == Some(Amount::ZERO) {
                return refuse("a daily limit of 0 forbids everything");
            }
        }
        Ok(())
    }
}

impl RecoveryRules {
    fn validate(&self, guardians: u32) -> Result<(), InvalidWallet> {
        if self.threshold == 0 || self.threshold > guardians {
            return Err(InvalidWallet::RecoveryThreshold { threshold: self.threshold, guardians });
        }
        let (min, max) = (MIN_RECOVERY_DELAY, MAX_RECOVERY_DELAY);
        if !(min..=max).contains(&self.delay) {
            return Err(InvalidWallet::RecoveryDelay { found: self.delay, min, max });
        }
        Ok(())
    }
}

/// Whether `principal` can send a message: neither anonymous nor the management canister.
pub fn can_act(principal: Principal) -> bool {
    principal != Principal::anonymous() && principal != Principal::management_canister()
}

/// Whether `principal` can be a member under this name.
///
/// # Errors
/// Which of the two is wrong.
pub fn check_member(field: &str, principal: Principal, name: Option<&str>) -> Result<(), InvalidWallet> {
    if !can_act(principal) {
        return Err(InvalidWallet::NoMember { field: field.to_owned(), principal });
    }
    length(field, name.map_or(0, str::len), 0, MAX_MEMBER_NAME, "bytes of a member's name")
}

/// Whether a wallet can have this name and description.
///
/// # Errors
/// Which of the two is wrong.
pub fn check_title(name: &str, description: Option<&str>) -> Result<(), InvalidWallet> {
    length("name", name.chars().count(), 1, MAX_NAME, "characters")?;
    length("name", name.len(), 1, MAX_NAME_BYTES, "bytes")?;
    length("description", description.map_or(0, str::len), 0, MAX_DESCRIPTION, "bytes")
}

/// Whether a list or a text is as long as it may be.
///
/// # Errors
/// [`InvalidWallet::Length`].
pub fn length(field: &str, found: usize, min: usize, max: usize, unit: &str) -> Result<(), InvalidWallet> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(InvalidWallet::Length {
        field: field.to_owned(),
        found: found as u64,
        min: min as u64,
        max: max as u64,
        unit: unit.to_owned(),
    })
}

fn count(found: usize) -> u32 {
    u32::try_from(found).unwrap_or(u32::MAX)
}
