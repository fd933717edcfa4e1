//! What of a batch is new: pure.

use super::{BUDGET, EPOCH_BUDGET, MAX_BATCH, MAX_MOVES, MAX_SPAN, is_move, next_period, period, unavailable};
use crate::kind::ContractKind;
use crate::state::{Canister, State};
use cairn_events::payload::{CallbackAccepted, CallbackQuarantined};
use cairn_events::{Hash, Payload, Principal};
use cairn_kit::api::factory::{CallbackError, NumberedNotification};

/// Why nothing of a batch is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What the contract is told.
    pub error: CallbackError,
    /// What the log is told, if it does not know yet.
    pub evidence: Option<Box<CallbackQuarantined>>,
}

impl From<CallbackError> for Refused {
    fn from(error: CallbackError) -> Self {
        Refused { error, evidence: None }
    }
}

/// What is to be recorded of `batch`: everything after the last accepted number, if all of it is acceptable.
///
/// # Errors
/// [`Refused`].
pub fn screen<K: ContractKind>(
    state: &State,
    caller: Principal,
    (contract, epoch): (Principal, u64),
    batch: &[NumberedNotification],
    now: u64,
) -> Result<Vec<CallbackAccepted>, Refused> {
    let canister = entitled(state, caller, (contract, epoch), batch.len())?;
    let mut next = canister.accepted + 1;
    let first = batch.first().map_or(next, |numbered| numbered.sequence);
    if first.saturating_sub(next) > MAX_SPAN {
        return Err(CallbackError::TooFarAhead { expected: next, found: first, span: MAX_SPAN }.into());
    }
    let mut fresh = Vec::new();
    for NumberedNotification { sequence, notification } in batch.iter().copied() {
        let content = CallbackAccepted { contract, epoch, seq: sequence, notification };
        if sequence < next {
            match fresh.iter().find(|new: &&CallbackAccepted| new.seq == sequence) {
                // A number twice in one batch.
                Some(new) if *new == content => {}
                Some(_) => return Err(CallbackError::Conflict { sequence, expected: canister.accepted + 1 }.into()),
                None => repeated(state, &canister, &content, now)?,
            }
            continue;
        }
        if sequence > next {
            return Err(CallbackError::Gap { expected: next }.into());
        }
        if !K::accepts(&notification) || !notification.is_whole() {
            return Err(CallbackError::NotOfThisKind { sequence }.into());
        }
        next += 1;
        fresh.push(content);
    }
    let moves = fresh.iter().filter(|new| is_move(&new.notification)).count();
    within_budget(state, contract, &canister, (fresh.len(), moves), now)?;
    Ok(fresh)
}

/// The caller's row, if it may tell anything in this epoch.
fn entitled(
    state: &State,
    caller: Principal,
    (contract, epoch): (Principal, u64),
    length: usize,
) -> Result<Canister, CallbackError> {
    let canister = state.canister(caller).ok_or(CallbackError::NotDeployedHere)?;
    if contract != caller {
        return Err(CallbackError::ContractMismatch);
    }
    if length == 0 || length > MAX_BATCH {
        return Err(CallbackError::BatchSize { found: length as u64, max: MAX_BATCH as u64 });
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
    Ok(canister)
}

/// The hash (ICRC-3) of what the log has, or would have, of a notification.
fn content_hash(content: &CallbackAccepted) -> Hash {
    Payload::CallbackAccepted(content.clone()).to_value().hash()
}

/// Whether `content` is what was accepted under its number.
fn repeated(state: &State, canister: &Canister, content: &CallbackAccepted, now: u64) -> Result<(), Refused> {
    let CallbackAccepted { contract, epoch, seq, notification } = *content;
    let error = CallbackError::Conflict { sequence: seq, expected: canister.accepted + 1 };
    let Some(row) = state.accepted(contract, seq).filter(|row| row.epoch == epoch) else { return Err(error.into()) };
    if row.notification == notification {
        return Ok(());
    }
    if row.quarantined || within_budget(state, contract, canister, (1, 0), now).is_err() {
        return Err(error.into());
    }
    let accepted = content_hash(&CallbackAccepted { notification: row.notification, ..content.clone() });
    let evidence = CallbackQuarantined { contract, epoch, seq, accepted, found: content_hash(content) };
    Err(Refused { error, evidence: Some(Box::new(evidence)) })
}

fn within_budget(
    state: &State,
    contract: Principal,
    canister: &Canister,
    (events, moves): (usize, usize),
    now: u64,
) -> Result<(), CallbackError> {
    let tally = state.callbacks().tally(contract);
    if events > 0 && tally.spent_in(canister.epoch).saturating_add(events as u64) > EPOCH_BUDGET {
        return Err(CallbackError::BudgetExhausted { retry_at: None });
    }
    let this_hour = period(now);
    let spent = if canister.period == this_hour { canister.spent } else { 0 };
    let moved = tally.moves.count(this_hour);
    if spent as usize + events > BUDGET as usize || (moves > 0 && moved as usize + moves > MAX_MOVES as usize) {
        return Err(CallbackError::BudgetExhausted { retry_at: next_period(now) });
    }
    Ok(())
}
