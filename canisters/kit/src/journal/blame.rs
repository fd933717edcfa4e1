//! Whose fault a refused batch is, and what they are told.

use super::AppendFailure;
use super::batch::Batch;
use crate::api::audit::{AuditError, AuditRequestError, AuditTemporaryError};

/// Position of the refused submission in its group, and the numbers of the groups to blame.
pub fn blame(batch: &Batch, error: &AuditError) -> (Option<usize>, Vec<usize>) {
    if let Some((group, position)) = position(error).and_then(|position| batch.locate(position as usize)) {
        return (Some(position), vec![group]);
    }
    let numbered = batch.groups.iter().enumerate();
    let intents: Vec<usize> = numbered.filter(|(_, group)| group.has_intent()).map(|(number, _)| number).collect();
    match error {
        AuditError::Temporary(AuditTemporaryError::ReserveExhausted { .. }) if !intents.is_empty() => (None, intents),
        _ => (None, (0..batch.groups.len()).collect()),
    }
}

/// What the blamed caller is told: the error, with the position counted in its own submissions.
pub fn failure(error: &AuditError, own_position: Option<usize>) -> AppendFailure {
    if *error == AuditError::Temporary(AuditTemporaryError::NotReady) {
        return AppendFailure::NotReady("it has not begun yet");
    }
    let mut error = error.clone();
    if let (Some(position), Some(own)) = (position_mut(&mut error), own_position) {
        *position = own as u32;
    }
    AppendFailure::Refused(error)
}

fn position(error: &AuditError) -> Option<u32> {
    position_mut(&mut error.clone()).copied()
}

fn position_mut(error: &mut AuditError) -> Option<&mut u32> {
    use AuditRequestError as E;
    match error {
        AuditError::Request(
            E::Malformed { position, .. }
            | E::KindNotAllowed { position, .. }
            | E::TooLarge { position, .. }
            | E::StreamVersion { position, .. }
            | E::IntentConflict { position }
            | E::Causation { position, .. }
            | E::Opening { position }
            | E::Erasure { position, .. },
        ) => Some(position),
        _ => None,
    }
}
