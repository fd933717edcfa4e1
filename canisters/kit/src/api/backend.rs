//! The interface of the backend.

use super::InternalError;
use super::distribution::{DistributionArgs, LockArgs};
use super::multisig::MultisigArgs;
use cairn_events::payload::{Account, Subaccount};
use cairn_events::{Amount, DeploymentId, Hash, Principal, Timestamp};
use candid::{CandidType, Deserialize};

/// Install argument of the backend.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub struct BackendInit {
    /// The log.
    pub audit: Principal,
}

/// A token, as its owner wants it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct TokenArgs {
    /// 3 to 32 characters.
    pub name: String,
    /// 2 to 8 characters.
    pub symbol: String,
    /// At most 18.
    pub decimals: u8,
    /// A data URL, at most 30,000 bytes.
    pub logo: Option<String>,
    /// The token's own transfer fee, in its smallest unit.
    pub transfer_fee: Amount,
    /// The sum of the initial balances, in the smallest unit.
    pub total_supply: Amount,
    /// Who holds what at the start; at most 100 accounts.
    pub initial_balances: Vec<(Account, Amount)>,
    /// Who may mint later; nobody if absent.
    pub minting_account: Option<Account>,
    /// At most 500 bytes.
    pub description: Option<String>,
    /// Whether strangers may see the token listed.
    pub public: bool,
}

/// What the caller agreed to when quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct AgreedPrice {
    /// The fee token's ledger.
    pub ledger: Principal,
    /// The most that the price may be.
    pub max_price: Amount,
    /// Module hash of the template quoted; any if absent.
    pub template: Option<Hash>,
}

/// First argument of `createToken`; the second one is the request id, at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct CreateTokenArgs {
    /// The token.
    pub token: TokenArgs,
    /// The price agreed to.
    pub agreed: AgreedPrice,
    /// Which of the caller's accounts pays.
    pub from_subaccount: Option<Subaccount>,
    /// A private reference for the invoice, at most 256 bytes: the public log shows a commitment only.
    pub billing_reference: Option<String>,
}

/// First argument of `createMultisig`; the second one is the request id, at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct CreateMultisigArgs {
    /// The wallet; the caller is one of its signers.
    pub wallet: MultisigArgs,
    /// The price agreed to.
    pub agreed: AgreedPrice,
    /// Which of the caller's accounts pays.
    pub from_subaccount: Option<Subaccount>,
    /// A private reference for the invoice, at most 256 bytes: the public log shows a commitment only.
    pub billing_reference: Option<String>,
}

/// First argument of `createDistribution`; the second one is the request id, at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct CreateDistributionArgs {
    /// The distribution; it begins later than now.
    pub distribution: DistributionArgs,
    /// The price agreed to.
    pub agreed: AgreedPrice,
    /// Which of the caller's accounts pays.
    pub from_subaccount: Option<Subaccount>,
    /// A private reference for the invoice, at most 256 bytes: the public log shows a commitment only.
    pub billing_reference: Option<String>,
}

/// First argument of `createLock`; the second one is the request id, at most 64 bytes. A lock is delivered, and paid for,
/// as a distribution.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct CreateLockArgs {
    /// The lock; it ends later than now.
    pub lock: LockArgs,
    /// The price agreed to.
    pub agreed: AgreedPrice,
    /// Which of the caller's accounts pays.
    pub from_subaccount: Option<Subaccount>,
    /// A private reference for the invoice, at most 256 bytes: the public log shows a commitment only.
    pub billing_reference: Option<String>,
}

/// What something costs now. On failure after capture, two ledger fees are lost.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Quote {
    /// The service.
    pub service: String,
    /// The fee token's ledger.
    pub ledger: Principal,
    /// The price.
    pub price: Amount,
    /// The ledger's transfer fee.
    pub ledger_fee: Amount,
    /// Allowance and balance that are needed: price and two ledger fees.
    pub required_allowance: Amount,
    /// Who is to be approved.
    pub spender: Account,
    /// Module hash of the template.
    pub template: Option<Hash>,
}

/// Where a deployment stands.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum DeploymentStatus {
    /// Accepted; the fee is being moved.
    #[serde(rename = "paying")]
    Paying,
    /// The fee was not moved; nothing happened.
    #[serde(rename = "payment_failed")]
    PaymentFailed {
        /// Why.
        reason: String,
    },
    /// The fee is in escrow; the factory is at work.
    #[serde(rename = "delivering")]
    Delivering,
    /// The contract is the owner's; the price moves to the treasury.
    #[serde(rename = "delivered")]
    Delivered {
        /// The contract.
        contract: Principal,
        /// Whether the price has arrived.
        released: bool,
    },
    /// It failed; the price is being paid back.
    #[serde(rename = "refunding")]
    Refunding {
        /// Why.
        reason: String,
    },
    /// It failed; the price was paid back.
    #[serde(rename = "refunded")]
    Refunded {
        /// Why.
        reason: String,
        /// The ledger's block.
        block: Option<u64>,
    },
    /// A person must look.
    #[serde(rename = "quarantined")]
    Quarantined {
        /// Why.
        reason: String,
    },
}

/// A deployment, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct DeploymentView {
    /// The deployment.
    pub id: DeploymentId,
    /// Its owner.
    pub owner: Principal,
    /// What was asked for.
    pub service: String,
    /// Where it stands.
    pub status: DeploymentStatus,
    /// The price.
    pub price: Amount,
    /// The ledger's transfer fee at the quote.
    pub ledger_fee: Amount,
    /// The fee token's ledger.
    pub ledger: Principal,
    /// The account that holds the money in between.
    pub escrow: Account,
    /// When it was accepted, in nanoseconds.
    pub requested_at: u64,
    /// Index of the deployment's first event.
    pub requested: u64,
    /// Index of its latest event that the backend wrote.
    pub latest: u64,
}

/// Why the backend refused.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum BackendError {
    /// The request must be mended.
    #[error(transparent)]
    Request(#[from] BackendRequestError),
    /// Another attempt may succeed.
    #[error(transparent)]
    Temporary(#[from] BackendTemporaryError),
    /// Something is wrong on our side.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

/// What is wrong with a request to the backend. No money moved, nothing was logged but, for holders of a role, the refusal.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum BackendRequestError {
    /// Anonymous callers own nothing.
    #[error("anonymous callers are refused")]
    Anonymous,
    /// The caller may not do this.
    #[error("{caller} may not call this")]
    Unauthorized {
        /// Who called.
        caller: Principal,
    },
    /// A field of the request.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which field.
        field: String,
        /// The value and the bound.
        problem: String,
    },
    /// The fee token is not the accepted one.
    #[error("fee token {found} is not accepted; {accepted} is")]
    TokenNotAccepted {
        /// What was offered.
        found: Principal,
        /// What is accepted.
        accepted: Principal,
    },
    /// The price is above what the caller agreed to.
    #[error("the price is {price}, above the agreed {max_price}")]
    PriceAboveMaximum {
        /// The price now.
        price: Amount,
        /// The most agreed to.
        max_price: Amount,
    },
    /// The template is not the one that was quoted.
    #[error("the template is {actual}, {quoted} was quoted")]
    TemplateChanged {
        /// What was quoted.
        quoted: Hash,
        /// What there is.
        actual: Hash,
    },
    /// The allowance does not cover price and ledger fees.
    #[error(
        "allowance {allowance} of {required} needed (price {price}, two ledger fees of {ledger_fee}); {missing} missing"
    )]
    AllowanceShort {
        /// What was approved, and has not expired.
        allowance: Amount,
        /// What is needed.
        required: Amount,
        /// The price.
        price: Amount,
        /// The ledger's fee, needed twice.
        ledger_fee: Amount,
        /// The difference.
        missing: Amount,
    },
    /// The balance does not cover price and ledger fees.
    #[error(
        "balance {balance} of {required} needed (price {price}, two ledger fees of {ledger_fee}); {missing} missing"
    )]
    BalanceShort {
        /// What there is.
        balance: Amount,
        /// What is needed.
        required: Amount,
        /// The price.
        price: Amount,
        /// The ledger's fee, needed twice.
        ledger_fee: Amount,
        /// The difference.
        missing: Amount,
    },
    /// The same request id with other arguments.
    #[error("the request id was used for deployment {deployment} with other arguments")]
    RequestIdReused {
        /// The deployment it stands for.
        deployment: DeploymentId,
    },
    /// Too many deployments of the caller are under way, or were asked for today.
    #[error("{found} deployments; at most {max}")]
    Quota {
        /// How many there are.
        found: u64,
        /// How many there may be.
        max: u64,
    },
    /// No such thing.
    #[error("{what} does not exist")]
    NotFound {
        /// What was asked for.
        what: String,
    },
}

/// Why the backend cannot do it right now.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum BackendTemporaryError {
    /// Not set up yet.
    #[error("not set up: {missing}")]
    NotSetUp {
        /// What is missing.
        missing: String,
    },
    /// Maintenance: no new deployments.
    #[error("maintenance")]
    Maintenance,
    /// The service is switched off.
    #[error("service {service} is switched off")]
    ServiceDisabled {
        /// Which one.
        service: String,
    },
    /// The same request is being worked on by another call.
    #[error("the request is being worked on")]
    Busy,
    /// As many deployments as the platform takes at once are under way.
    #[error("{in_flight} deployments are under way")]
    Overloaded {
        /// How many.
        in_flight: u64,
    },
    /// The factory could not deliver now; nothing was charged.
    #[error("the factory cannot deliver: {detail}")]
    NoCapacity {
        /// Why.
        detail: String,
    },
    /// A canister did not answer as hoped; nothing was charged.
    #[error("{canister} did not answer: {detail}")]
    Unreachable {
        /// Which one.
        canister: Principal,
        /// What happened.
        detail: String,
    },
    /// The log is not the one that is known here, or does not say so: nothing is done until an admin has seen to it.
    #[error("fork alarm: {problem}")]
    ForkAlarm {
        /// Why.
        problem: String,
    },
}

/// A person who may read what is private, up to but not including a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Auditor {
    /// Who.
    pub auditor: Principal,
    /// Until when, in nanoseconds.
    pub until: Timestamp,
}

/// A setting, as `adminSetConfigValue` takes it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ConfigEntry {
    /// The key.
    pub key: String,
    /// The value, if it is set.
    pub value: Option<String>,
}

/// How a canister of the platform is, as it said when it was last asked.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ServiceHealth {
    /// Its name.
    pub name: String,
    /// The canister.
    pub canister: Principal,
    /// Whether it answered, and would work.
    pub healthy: bool,
    /// Cycles it holds, if it says so.
    pub cycles: Option<u64>,
    /// What is wrong, if something is.
    pub problem: Option<String>,
}

/// Whether a canister of the platform is set up, as it said when it was last asked.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ServiceSetupStatus {
    /// Its name.
    pub name: String,
    /// The canister.
    pub canister: Principal,
    /// Whether nothing is missing.
    pub ready: bool,
    /// What is missing.
    pub missing: Vec<String>,
}

/// Where the platform stands.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct SystemStatus {
    /// Whether no new deployments are taken.
    #[serde(rename = "isMaintenanceMode")]
    pub is_maintenance_mode: bool,
    /// How its canisters are, as of `checked_at`.
    #[serde(rename = "servicesHealth")]
    pub services_health: Vec<ServiceHealth>,
    /// When they were asked, in nanoseconds; 0 for never.
    #[serde(rename = "checkedAt")]
    pub checked_at: u64,
    /// When this canister was last upgraded, in nanoseconds.
    #[serde(rename = "lastUpgrade")]
    pub last_upgrade: u64,
    /// Deployments so far.
    pub deployments: u64,
    /// Those that are not final.
    pub unfinished: u64,
}

/// A check of the decision state: folded anew from the log, beside the one in force.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct StateCheck {
    /// When it was begun, in nanoseconds.
    pub started_at: u64,
    /// Our own events folded so far.
    pub folded: u64,
    /// Our own events in the log.
    pub of: u64,
    /// What could not be done, if the check has ended without a result.
    pub problem: Option<String>,
    /// The digests, once both reflect the same events.
    pub result: Option<StateComparison>,
}

/// The digests of two states that reflect the same events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct StateComparison {
    /// Our own events in both.
    pub events: u64,
    /// Of the state in force.
    pub served: Hash,
    /// Of the one folded anew.
    pub refolded: Hash,
    /// Whether they are the same.
    pub equal: bool,
}
