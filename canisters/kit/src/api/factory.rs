//! The interface of factories.

use super::InternalError;
use super::template::{TemplateRefusal, UploadRefusal};
use cairn_events::payload::{Notification, Role};
use cairn_events::topic::Service;
use cairn_events::{DeploymentId, Hash, Principal};
use candid::{CandidType, Deserialize};
use serde_bytes::ByteBuf;

/// Install argument of a factory.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub struct FactoryInit {
    /// The log.
    pub audit: Principal,
    /// Empty canisters to keep in the pool.
    pub pool_target: u32,
    /// Cycles that each contract gets. The caller of `createContract` cannot choose.
    pub contract_cycles: u64,
    /// Cycles the factory never goes below.
    pub reserve_cycles: u64,
    /// Seconds between the second person's confirmation of a template and its publication; a day unless given.
    pub publish_delay_seconds: Option<u64>,
}

/// Second argument of `createContract`; the first one is the owner.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ContractArgs {
    /// The deployment: repeating the call for it repeats the reply.
    pub deployment: DeploymentId,
    /// What to deliver.
    pub service: Service,
    /// The module hash that was quoted; delivered is this one or nothing.
    pub template: Option<Hash>,
    /// Stream version of `DeploymentDispatched`: the arbiter is appended exactly after it.
    pub dispatch_version: u64,
    /// Index of `DeploymentDispatched`.
    pub dispatched: u64,
    /// The contract's own arguments, Candid-encoded: [`super::backend::TokenArgs`] for a token.
    pub args: ByteBuf,
}

/// What a factory has delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Delivered {
    /// The contract.
    pub contract: Principal,
    /// Its module hash, as observed.
    pub module_hash: Hash,
    /// Index of `DeliveryCommitted`.
    pub committed: u64,
}

/// Why a factory refused.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum FactoryError {
    /// The request must be mended. For `createContract`: nothing was and nothing will be delivered.
    #[error(transparent)]
    Request(FactoryRequestError),
    /// Another attempt may succeed. For `createContract`: the outcome is open.
    #[error(transparent)]
    Temporary(FactoryTemporaryError),
    /// Something is wrong on our side. For `createContract`: the outcome is open.
    #[error(transparent)]
    Internal(InternalError),
}

/// What is wrong with a request to a factory.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum FactoryRequestError {
    /// The caller may not do this.
    #[error("{caller} may not call this")]
    Unauthorized {
        /// Who called.
        caller: Principal,
    },
    /// The whitelist names another backend already.
    #[error("{backend} is whitelisted already")]
    AlreadyWhitelisted {
        /// Which one.
        backend: Principal,
    },
    /// The factory makes another kind of contract.
    #[error("this factory does not make {service}")]
    WrongService {
        /// What was asked for.
        service: String,
    },
    /// The contract's arguments are not acceptable.
    #[error("contract arguments: {field}: {problem}")]
    InvalidArgs {
        /// Which field.
        field: String,
        /// The value and the bound.
        problem: String,
    },
    /// The template asked for is not the one there is.
    #[error("template {expected} was asked for, {actual} is published")]
    TemplateMismatch {
        /// What was asked for.
        expected: Hash,
        /// What there is.
        actual: Hash,
    },
    /// The same deployment with other arguments.
    #[error("deployment {deployment} was dispatched with other arguments")]
    DeploymentConflict {
        /// The deployment.
        deployment: DeploymentId,
    },
    /// The deployment was abandoned; nothing will be delivered.
    #[error("deployment {deployment} was abandoned")]
    Abandoned {
        /// The deployment.
        deployment: DeploymentId,
    },
    /// The contract's code refused its arguments.
    #[error("installation failed: {detail}")]
    InstallFailed {
        /// What was said, shortened.
        detail: String,
    },
    /// A part of an upload does not fit.
    #[error("template upload: {0}")]
    Upload(UploadRefusal),
    /// A template is not as it must be.
    #[error("template: {0}")]
    Template(TemplateRefusal),
    /// Nobody agrees to their own proposal.
    #[error("{person} has proposed it")]
    SamePerson {
        /// Who.
        person: Principal,
    },
    /// The caller is no admin that the factory knows by name: a controller is none.
    #[error("{person} is no admin by name")]
    NotByName {
        /// Who.
        person: Principal,
    },
    /// No such contract.
    #[error("{contract} is no contract of this factory")]
    UnknownContract {
        /// What was asked for.
        contract: Principal,
    },
    /// No contract has given the caller this role.
    #[error("{contract} has given {person} no such role")]
    UnknownRole {
        /// The contract.
        contract: Principal,
        /// The caller.
        person: Principal,
    },
    /// No such projection.
    #[error("no projection {name} is hosted here")]
    UnknownProjection {
        /// What was asked for.
        name: String,
    },
    /// An argument of a read is out of bounds.
    #[error("{what} is {found}, at most {bound}")]
    OutOfBounds {
        /// Which argument.
        what: String,
        /// What came.
        found: u64,
        /// What may come.
        bound: u64,
    },
    /// No such version is published.
    #[error("no version {version} is published")]
    UnknownVersion {
        /// What was asked for.
        version: String,
    },
    /// The contract cannot have this upgrade.
    #[error("{contract} cannot be upgraded: {problem}")]
    NotUpgradable {
        /// The contract.
        contract: Principal,
        /// Why.
        problem: String,
    },
    /// The contract has no upgrade that could be cancelled: none, or it has begun.
    #[error("no upgrade of {contract} waits")]
    NoUpgradeWaits {
        /// The contract.
        contract: Principal,
    },
    /// No such rollout, or it is over.
    #[error("there is no rollout {rollout} that this could be done to")]
    UnknownRollout {
        /// What was asked for.
        rollout: u64,
    },
    /// Too few cycles, or too many, are attached.
    #[error("{attached} cycles are attached; at least {min}, at most {max}")]
    Cycles {
        /// What came.
        attached: u64,
        /// What must come.
        min: u64,
        /// What may come.
        max: u64,
    },
}

/// Why a factory cannot do it right now.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum FactoryTemporaryError {
    /// Not set up: no backend whitelisted, no template, or not a writer of the log yet.
    #[error("not set up: {missing}")]
    NotSetUp {
        /// What is missing.
        missing: String,
    },
    /// The caller has said so much about roles, or so many have about this contract, that it must wait.
    #[error("enough for now")]
    QuotaExhausted {
        /// When there is more, in nanoseconds.
        retry_at: u64,
    },
    /// No empty canister is ready.
    #[error("no empty canister is ready")]
    PoolEmpty,
    /// Too few cycles for one more contract.
    #[error("{balance} cycles, {required} needed for one more contract")]
    CyclesLow {
        /// What there is.
        balance: u64,
        /// What is needed.
        required: u64,
    },
    /// It may be done later: a delay protects from haste.
    #[error("not before {at}")]
    TooEarly {
        /// When, in nanoseconds.
        at: u64,
    },
    /// The deployment is being worked on by another call.
    #[error("the deployment is being worked on")]
    Busy,
    /// The log or the management canister did not answer as hoped.
    #[error("interrupted: {detail}")]
    Interrupted {
        /// What happened, shortened.
        detail: String,
    },
    /// The log is not the one that is known here, or does not say so: nothing is done until an admin has seen to it.
    #[error("fork alarm: {problem}")]
    ForkAlarm {
        /// Why.
        problem: String,
    },
}

/// What a user has to do with a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum ContractRole {
    /// Paid for it.
    #[serde(rename = "creator")]
    Creator,
    /// Holds some of it, as the contract says.
    #[serde(rename = "holder")]
    Holder,
    /// Signs for it, as the contract says.
    #[serde(rename = "signer")]
    Signer,
    /// Sees what it does, as the contract says.
    #[serde(rename = "observer")]
    Observer,
    /// Receives from it, as the contract says.
    #[serde(rename = "recipient")]
    Recipient,
    /// Takes part in it, as the contract says.
    #[serde(rename = "participant")]
    Participant,
    /// Is its member, as the contract says.
    #[serde(rename = "member")]
    Member,
}

impl ContractRole {
    /// The role that a contract gives; none for its creator.
    pub fn given(self) -> Option<Role> {
        match self {
            ContractRole::Creator => None,
            ContractRole::Holder => Some(Role::Holder),
            ContractRole::Signer => Some(Role::Signer),
            ContractRole::Observer => Some(Role::Observer),
            ContractRole::Recipient => Some(Role::Recipient),
            ContractRole::Participant => Some(Role::Participant),
            ContractRole::Member => Some(Role::Member),
        }
    }
}

/// A template that contracts are made from.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct PublishedTemplate {
    /// Its version.
    pub version: String,
    /// SHA-256 of the module, computed by the factory.
    pub module_hash: Hash,
    /// Bytes of the module.
    pub size: u64,
}

/// What a factory can deliver: asked before money moves.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Capacity {
    /// Module hash of the template that would be installed.
    pub template: Hash,
    /// Version of that template.
    pub version: String,
    /// Contracts that could be made now, by pool and cycles.
    pub contracts: u64,
}

/// Whether a factory is ready.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct FactoryHealth {
    /// Whether it would deliver now.
    pub healthy: bool,
    /// What it makes.
    pub service: Service,
    /// Cycles it holds.
    pub cycles: u64,
    /// Empty canisters ready.
    pub pool: u64,
    /// Contracts delivered.
    pub contracts: u64,
    /// Deployments in work.
    pub in_progress: u64,
    /// The template.
    pub template: Option<Hash>,
    /// Events of the log that its index has yet to apply.
    pub projection_lag: u64,
    /// Whether its cycles are low, as the log says.
    pub cycles_low: bool,
    /// Upgrades that are not settled.
    pub upgrades: u64,
}

/// What a factory still lacks.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct SetupStatus {
    /// The backend it obeys.
    pub backend: Option<Principal>,
    /// The log it writes to.
    pub audit: Principal,
    /// Whether the log takes its events.
    pub writer: bool,
    /// Whether it has a template.
    pub template: bool,
}

/// A numbered notification of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct NumberedNotification {
    /// From 1, within the epoch.
    pub sequence: u64,
    /// What is new.
    pub notification: Notification,
}

/// Reply to a contract's notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct NotificationsAccepted {
    /// All numbers up to this one are in the log.
    pub accepted_through: u64,
}

/// Why a contract's notifications were refused.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum CallbackError {
    /// The caller is no contract of this factory.
    #[error("the caller is no contract of this factory")]
    NotDeployedHere,
    /// The contract named is not the caller.
    #[error("the contract named is not the caller")]
    ContractMismatch,
    /// The list is empty or too long.
    #[error("{found} notifications; at least 1, at most {max}")]
    BatchSize {
        /// What came.
        found: u64,
        /// What may come.
        max: u64,
    },
    /// They are numbered in another epoch than that of the contract's code.
    #[error("notifications of epoch {found}; the contract is in epoch {expected}")]
    OtherEpoch {
        /// The epoch that the factory gave.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// Numbers are missing.
    #[error("notification {expected} is missing")]
    Gap {
        /// The next number that would be accepted.
        expected: u64,
    },
    /// The batch begins so far ahead that what is missing is not asked for: tell everything anew, from `expected` on.
    #[error("notification {found} is more than {span} ahead of {expected}")]
    TooFarAhead {
        /// The next number that would be accepted.
        expected: u64,
        /// The first number that came.
        found: u64,
        /// The longest gap that is asked for.
        span: u64,
    },
    /// A number came again with other content. What was accepted stands; the log has hashes of both, once.
    #[error("notification {sequence} was accepted with other content")]
    Conflict {
        /// The number.
        sequence: u64,
        /// The next number that would be accepted: everything is to be told anew from there on.
        expected: u64,
    },
    /// Contracts of this kind do not say such a thing, or it lacks what it must have.
    #[error("notification {sequence} is not one of contracts of this kind")]
    NotOfThisKind {
        /// The number.
        sequence: u64,
    },
    /// Too many in this period, or in this epoch.
    #[error("budget exhausted")]
    BudgetExhausted {
        /// When there is more, in nanoseconds; absent if not in this epoch.
        retry_at: Option<u64>,
    },
    /// The log did not answer as hoped.
    #[error("temporarily unavailable: {message}")]
    TemporarilyUnavailable {
        /// What happened.
        message: String,
    },
}
