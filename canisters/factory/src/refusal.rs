//! What is said, and recorded, when something is refused or fails.

use cairn_events::payload::{Reason, Refused};
use cairn_events::{Payload, Principal, Submission};
use cairn_kit::api::InternalError;
use cairn_kit::api::audit::AuditError;
use cairn_kit::api::factory::{FactoryError, FactoryTemporaryError};
use cairn_kit::journal::{self, AppendFailure};
use cairn_kit::runtime::{self, CallFailure};
use std::time::Duration;

/// Has a refusal to the holder of a role recorded; errors that call for another attempt are no refusals.
pub fn record(caller: Principal, method: &str, error: &FactoryError) {
    let FactoryError::Request(request) = error else { return };
    let reason = Reason::new("refused", &request.to_string());
    let refused = Payload::Refused(Refused { method: method.to_owned(), reason });
    runtime::after(Duration::ZERO, async move {
        // Nothing depends on it: if the log cannot take it now, the reply to the caller still says why.
        let _ = journal::append(vec![Submission::new(caller, refused)]).await;
    });
}

/// Another attempt may succeed.
pub fn interrupted(detail: impl Into<String>) -> FactoryError {
    FactoryError::Temporary(FactoryTemporaryError::Interrupted { detail: detail.into() })
}

/// The fork alarm stays.
pub fn alarmed(problem: impl ToString) -> FactoryError {
    FactoryError::Temporary(FactoryTemporaryError::ForkAlarm { problem: problem.to_string() })
}

/// Something is wrong on our side.
pub fn internal(message: impl Into<String>) -> FactoryError {
    FactoryError::Internal(InternalError { message: message.into() })
}

/// The log did not take an event.
pub fn append_failed(failure: AppendFailure) -> FactoryError {
    match failure {
        AppendFailure::Refused(AuditError::Request(error)) => internal(format!("the log refused: {error}")),
        other => interrupted(other.to_string()),
    }
}

/// The management canister did not do as asked.
pub fn call_failed(failure: CallFailure) -> FactoryError {
    interrupted(failure.to_string())
}
