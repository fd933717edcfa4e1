//! What contracts tell their factory: in order, exactly once, within a budget.
//!
//! [`screen`] decides what of a batch is new. A batch that gives roles has the contract looked at first
//! ([`news`]): what a contract tells while its factory does not answer for its code is its claim alone.

mod endpoints;
mod observe;
mod screen;

pub use observe::news;
pub use screen::{Refused, screen};

use crate::kind::ContractKind;
use crate::state;
use cairn_events::payload::{CallbackAccepted, Notification};
use cairn_events::{Payload, Principal, Submission};
use cairn_kit::api::audit::{AuditError, AuditRequestError};
use cairn_kit::api::factory::{CallbackError, NotificationsAccepted, NumberedNotification};
use cairn_kit::guard::Guards;
use cairn_kit::journal::{self, AppendFailure};
use cairn_kit::runtime;

/// Most notifications in a batch.
pub const MAX_BATCH: usize = 100;
/// Numbers that a gap may have to be asked for.
pub const MAX_SPAN: u64 = 10_000;
/// Most events that a contract causes in a period.
pub const BUDGET: u32 = 1_000;
/// Most events that a contract causes in an epoch: six weeks of what it may cause in a period.
pub const EPOCH_BUDGET: u64 = 1_000_000;
/// Most changes of a contract's visibility and status in a period: each may move entries of many people.
pub const MAX_MOVES: u32 = 10;
/// Nanoseconds of a budget period: an hour.
const PERIOD: u64 = 3_600_000_000_000;
/// Most contracts whose notifications are recorded at the same time.
const MAX_AT_ONCE: usize = 200;
/// How often a batch is looked at anew because the contract's stream has moved.
const MAX_ATTEMPTS: usize = 3;

thread_local! {
    static GUARDS: Guards<Principal> = Guards::new(MAX_AT_ONCE);
}

/// The budget period that `time` (nanoseconds) lies in.
pub fn period(time: u64) -> u64 {
    time / PERIOD
}

/// When the period after that of `now` begins, in nanoseconds.
pub fn next_period(now: u64) -> Option<u64> {
    period(now).checked_add(1)?.checked_mul(PERIOD)
}

/// Whether it moves the contract between lists.
pub fn is_move(notification: &Notification) -> bool {
    matches!(notification, Notification::VisibilityChanged(_) | Notification::StatusChanged(_))
}

/// Records what is new in `batch`, numbered in `epoch`. Only the contract itself may call, and only a delivered one.
///
/// Every number that the reply covers is in the log. A batch that repeats accepted numbers has no further effect; a number
/// that comes with other content is evidence against the contract, recorded once.
///
/// # Errors
/// [`CallbackError`]; nothing of the batch is recorded then, unless the log was silent: repeat it.
pub async fn notify<K: ContractKind>(
    caller: Principal,
    contract: Principal,
    epoch: u64,
    batch: Vec<NumberedNotification>,
) -> Result<NotificationsAccepted, CallbackError> {
    let _guard = GUARDS.with(|guards| guards.acquire(caller)).map_err(|error| unavailable(error.to_string()))?;
    let look = || state::read(|state| screen::<K>(state, caller, (contract, epoch), &batch, runtime::now()));
    let fresh = match look() {
        Ok(fresh) => fresh,
        Err(refused) => return Err(refuse(refused).await),
    };
    if fresh.iter().any(gives_role) {
        observe::<K>(contract).await?;
    }
    for _ in 0..MAX_ATTEMPTS {
        // Something may have happened meanwhile.
        let fresh = look().map_err(|refused| refused.error)?;
        if fresh.is_empty() || append(contract, fresh.into_iter().map(Payload::CallbackAccepted)).await? {
            let accepted_through =
                state::read(|state| state.canister(contract)).map_or(0, |canister| canister.accepted);
            return Ok(NotificationsAccepted { accepted_through });
        }
    }
    Err(moved())
}

fn gives_role(accepted: &CallbackAccepted) -> bool {
    accepted.notification.role().is_some_and(|(_, _, has)| has)
}

fn unavailable(message: String) -> CallbackError {
    CallbackError::TemporarilyUnavailable { message }
}

fn moved() -> CallbackError {
    unavailable("the contract's stream moved".to_owned())
}

/// Appends to the contract's stream, exactly after what was decided on, so that a batch whose first sending went
/// unanswered is never recorded twice. False if the stream has moved.
async fn append(contract: Principal, payloads: impl Iterator<Item = Payload>) -> Result<bool, CallbackError> {
    let version = state::read(|state| state.canister(contract)).map_or(0, |canister| canister.version);
    let submission = |(position, payload)| Submission::new(contract, payload).exactly(version + position as u64);
    let submissions = payloads.enumerate().map(submission).collect();
    match journal::append(submissions).await {
        Ok(_) => Ok(true),
        Err(AppendFailure::Refused(AuditError::Request(AuditRequestError::StreamVersion { .. }))) => Ok(false),
        Err(failure) => Err(unavailable(failure.to_string())),
    }
}

/// Looks at the contract, and records what is news.
async fn observe<K: ContractKind>(contract: Principal) -> Result<(), CallbackError> {
    let info = runtime::canister_info(contract).await.map_err(|failure| unavailable(failure.to_string()))?;
    let Some(found) = state::read(|state| news::<K>(state, runtime::id(), contract, info)) else { return Ok(()) };
    let is_recorded = append(contract, std::iter::once(Payload::ContractObserved(found))).await?;
    if is_recorded { Ok(()) } else { Err(moved()) }
}

/// Records the evidence, if there is any that the log does not have; what to reply.
async fn refuse(refused: Refused) -> CallbackError {
    let Refused { error, evidence } = refused;
    let Some(evidence) = evidence else { return error };
    match append(evidence.contract, std::iter::once(Payload::CallbackQuarantined(*evidence))).await {
        Ok(true) => error,
        Ok(false) => moved(),
        Err(failure) => failure,
    }
}
