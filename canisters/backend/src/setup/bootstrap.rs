//! What this canister needs once before it can work: randomness, the log's identity, its first admin.

use crate::platform;
use crate::setup::{Secrets, watch};
use cairn_events::payload::AdminGranted;
use cairn_events::{Payload, Principal, Submission};
use cairn_kit::api::audit::{AuditError, Tip};
use cairn_kit::api::backend::{BackendError, BackendTemporaryError};
use cairn_kit::journal;
use cairn_kit::runtime::{self, CallFailure};
use std::time::Duration;

/// Wait before the second attempt; doubled for each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Sees to it that what is missing is fetched; in `init` and `post_upgrade`.
pub fn start() {
    runtime::after(Duration::ZERO, series(FIRST_WAIT));
}

/// One attempt. The next one is set before the first await, so that a trap cannot end the series. When nothing is missing
/// the audit canister is looked at: what it is at the start is on record.
async fn series(wait: Duration) {
    if is_complete() {
        return watch::look().await;
    }
    runtime::after(wait, async move { Box::pin(series((wait * 2).min(LONGEST_WAIT))).await });
    // What is missing is tried again.
    let _ = complete().await;
}

fn is_complete() -> bool {
    let setup = platform::setup();
    setup.secrets.is_some() && setup.log.is_some() && platform::state(|state| !state.admins().all().is_empty())
}

/// Fetches what is missing.
///
/// # Errors
/// [`BackendTemporaryError::NotSetUp`] names it.
pub async fn complete() -> Result<(), BackendError> {
    if platform::setup().secrets.is_none() {
        let seed = runtime::randomness().await.map_err(|failure| missing(&format!("randomness: {failure}")))?;
        platform::change_setup(|setup| {
            setup.secrets.get_or_insert_with(|| Secrets::new(&seed));
        });
    }
    if platform::setup().log.is_none() {
        let audit = platform::setup().audit.ok_or_else(|| missing("the log"))?;
        let reply: Result<Result<Tip, AuditError>, CallFailure> = runtime::call_or_refusal(audit, "getTip", ()).await;
        let tip = reply.map_err(|failure| missing(&format!("the log: {failure}")))?;
        let tip = tip.map_err(|error| missing(&format!("the log: {error}")))?;
        platform::change_setup(|setup| setup.log = Some(tip.log));
    }
    let granting = |payload: &Payload| matches!(payload, Payload::AdminGranted(_));
    if platform::state(|state| state.admins().all().is_empty()) && !journal::holds(granting) {
        let installer = platform::setup().installer.ok_or_else(|| missing("the installer"))?;
        let granted = Submission::new(installer, Payload::AdminGranted(AdminGranted { admin: installer }));
        journal::append(vec![granted]).await.map_err(|failure| missing(&format!("the first admin: {failure}")))?;
    }
    Ok(())
}

/// As [`complete`], before the first admin is recorded, if it is that first admin who asks.
///
/// # Errors
/// As [`complete`].
pub async fn complete_for(caller: Principal) -> Result<(), BackendError> {
    if !is_complete() && platform::setup().installer == Some(caller) { complete().await } else { Ok(()) }
}

fn missing(what: &str) -> BackendError {
    BackendTemporaryError::NotSetUp { missing: what.to_owned() }.into()
}
