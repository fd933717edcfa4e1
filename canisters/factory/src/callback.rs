//! What contracts tell their factory: in order, exactly once, within a budget.

use crate::kind::ContractKind;
use crate::state::{self, Canister, State};
use cairn_events::payload::CallbackAccepted;
use cairn_events::{Payload, Principal, Submission};
use cairn_kit::api::factory::{CallbackError, NotificationsAccepted, NumberedNotification};
use cairn_kit::guard::Guards;
use cairn_kit::{journal, runtime};

/// Most notifications in a batch.
pub const MAX_BATCH: usize = 100;
/// Most notifications of a contract in a period.
pub const BUDGET: u32 = 1_000;
/// Nanoseconds of a budget period: an hour.
const PERIOD: u64 = 3_600_000_000_000;
/// Most contracts whose notifications are recorded at the same time.
const MAX_AT_ONCE: usize = 200;

thread_local! {
    static GUARDS: Guards<Principal> = Guards::new(MAX_AT_ONCE);
}

/// The budget period that `time` (nanoseconds) lies in.
pub fn period(time: u64) -> u64 {
    time / PERIOD
}

/// Records what is new in `batch`, numbered in `epoch`. Only the contract itself may call, and only a delivered one.
///
/// Every number that the reply covers is in the log. A batch that repeats accepted numbers has no further effect.
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
    let fresh = state::read(|state| screen::<K>(state, caller, (contract, epoch), &batch, runtime::now()))?;
    if !fresh.is_empty() {
        journal::append(fresh).await.map_err(|failure| unavailable(failure.to_string()))?;
    }
    let accepted_through = state::read(|state| state.canister(contract)).map_or(0, |canister| canister.accepted);
    Ok(NotificationsAccepted { accepted_through })
}

fn unavailable(message: String) -> CallbackError {
    CallbackError::TemporarilyUnavailable { message }
}

/// What is to be recorded of `batch`: everything after the last accepted number, if all of it is acceptable.
///
/// The versions are exact, so that a batch whose first sending went unanswered is never recorded twice.
pub fn screen<K: ContractKind>(
    state: &State,
    caller: Principal,
    (contract, epoch): (Principal, u64),
    batch: &[NumberedNotification],
    now: u64,
) -> Result<Vec<Submission>, CallbackError> {
    let canister = state.canister(caller).ok_or(CallbackError::NotDeployedHere)?;
    if contract != caller {
        return Err(CallbackError::ContractMismatch);
    }
    if batch.is_empty() || batch.len() > MAX_BATCH {
        return Err(CallbackError::BatchSize { found: batch.len() as u64, max: MAX_BATCH as u64 });
    }
    if !canister.delivered {
        return Err(match canister.deployment {
            Some(_) => unavailable("the contract is not delivered yet".to_owned()),
            None => CallbackError::NotDeployedHere,
        });
    }
    if epoch != canister.epoch {
        return Err(CallbackError::OtherEpoch { expected: canister.epoch, found: epoch });
    }
    let mut next = canister.accepted + 1;
    let mut fresh = Vec::new();
    for NumberedNotification { sequence, notification } in batch.iter().copied() {
        if sequence < next {
            check_repeated(state, &canister, contract, sequence, &notification)?;
            continue;
        }
        if sequence > next {
            return Err(CallbackError::Gap { expected: next });
        }
        if !K::accepts(&notification) {
            return Err(CallbackError::Conflict { sequence });
        }
        next += 1;
        fresh.push(CallbackAccepted { contract, epoch: canister.epoch, seq: sequence, notification });
    }
    check_budget(&canister, fresh.len(), now)?;
    let version = |position: usize| canister.version + position as u64;
    let submission = |(position, accepted)| {
        Submission::new(contract, Payload::CallbackAccepted(accepted)).exactly(version(position))
    };
    Ok(fresh.into_iter().enumerate().map(submission).collect())
}

fn check_repeated(
    state: &State,
    canister: &Canister,
    contract: Principal,
    sequence: u64,
    notification: &cairn_events::payload::Notification,
) -> Result<(), CallbackError> {
    match state.accepted(contract, sequence) {
        Some(row) if row.epoch == canister.epoch && row.notification == *notification => Ok(()),
        _ => Err(CallbackError::Conflict { sequence }),
    }
}

fn check_budget(canister: &Canister, fresh: usize, now: u64) -> Result<(), CallbackError> {
    let spent = if canister.period == period(now) { canister.spent } else { 0 };
    if spent as usize + fresh > BUDGET as usize {
        let retry_at = period(now).checked_add(1).and_then(|next| next.checked_mul(PERIOD));
        return Err(CallbackError::BudgetExhausted { retry_at });
    }
    Ok(())
}
