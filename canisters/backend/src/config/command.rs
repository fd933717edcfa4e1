//! What admins do: set a value, grant the role, say who may audit; and what controllers do: turn an admin out. What is
//! refused to them is recorded, since they hold a role.

use super::change::{Conflict, Facts};
use super::key::{BadSetting, Setting};
use crate::state::State;
use crate::{ledger, platform};
use cairn_events::payload::{AdminGranted, AdminRevoked, AuditorGranted, AuditorRevoked, Reason, Refused};
use cairn_events::{Payload, Principal, Submission, Timestamp};
use cairn_kit::access::{Admin, MAX_ADMINS};
use cairn_kit::api::backend::{BackendError, BackendRequestError, BackendTemporaryError};
use cairn_kit::guard::Guards;
use cairn_kit::journal;

#[cfg(test)]
mod tests;

/// The most auditors that there can be, expired ones included.
pub const MAX_AUDITORS: u64 = 100;
/// The longest grant in nanoseconds: 366 days.
const MAX_GRANT: u64 = 366 * 24 * 3_600 * 1_000_000_000;

thread_local! {
    /// One change at a time: each is decided on what is in force.
    static CHANGING: Guards<()> = Guards::new(1);
}

/// Puts `value` into force under `key`.
///
/// # Errors
/// [`BackendError`] names key, value and bound, or what does not answer. The refusal of a request is recorded.
pub async fn set_value(admin: Admin, key: &str, value: &str) -> Result<(), BackendError> {
    let result = change(admin, key, value).await;
    recorded(admin, "adminSetConfigValue", result).await
}

/// Makes `candidate` an admin.
///
/// # Errors
/// [`BackendError`]; the refusal of a request is recorded.
pub async fn add_admin(admin: Admin, candidate: Principal) -> Result<(), BackendError> {
    let result = grant(admin, candidate).await;
    recorded(admin, "adminAddAdmin", result).await
}

/// Makes `person` an admin no more, unless they are the only one. Repeating is harmless.
///
/// # Errors
/// [`BackendError`]; the refusal of a request is recorded.
pub async fn revoke_admin(controller: Admin, person: Principal) -> Result<(), BackendError> {
    let result = turn_out(controller, person).await;
    recorded(controller, "revokeAdmin", result).await
}

/// Lets `auditor` read what is private until a time; once more replaces the grant.
///
/// # Errors
/// [`BackendError`]; the refusal of a request is recorded.
pub async fn grant_auditor(admin: Admin, auditor: Principal, until: Timestamp) -> Result<(), BackendError> {
    let result = admit_auditor(admin, auditor, until).await;
    recorded(admin, "adminGrantAuditor", result).await
}

/// Ends what `auditor` was granted.
///
/// # Errors
/// [`BackendError`]; the refusal of a request is recorded.
pub async fn revoke_auditor(admin: Admin, auditor: Principal) -> Result<(), BackendError> {
    let result = dismiss_auditor(admin, auditor).await;
    recorded(admin, "adminRevokeAuditor", result).await
}

/// Ends the fork alarm, if the log is again the one that is known.
///
/// # Errors
/// [`BackendTemporaryError`]: it stays.
pub async fn acknowledge_alarm(admin: Admin) -> Result<(), BackendError> {
    let acknowledged = journal::acknowledge(admin).await;
    acknowledged.map_err(|problem| BackendTemporaryError::ForkAlarm { problem: problem.to_string() }.into())
}

async fn change(admin: Admin, key: &str, value: &str) -> Result<(), BackendError> {
    let setting = Setting::parse(key, value)?;
    let _changing = CHANGING.with(|changing| changing.acquire(())).map_err(|_| BackendTemporaryError::Busy)?;
    let (config, payment) = (platform::state(State::config), platform::setup().payment);
    let mut facts = Facts::new();
    for ledger in setting.ledgers(&config, &payment) {
        let answer = ledger::facts(ledger)
            .await
            .map_err(|failure| BackendTemporaryError::Unreachable { canister: ledger, detail: failure.to_string() })?;
        facts.insert(ledger, answer);
    }
    let events = setting.events(&config, &payment, &facts)?;
    // The ledgers took their time.
    let admin = platform::require_admin(admin.principal())?;
    append(admin, events).await?;
    platform::change_setup(|setup| setup.payment = setting.payment(setup.payment));
    Ok(())
}

async fn grant(admin: Admin, candidate: Principal) -> Result<(), BackendError> {
    if candidate == Principal::anonymous() || candidate == Principal::management_canister() {
        return Err(invalid("admin", format!("{candidate} is nobody")));
    }
    ensure_settled()?;
    let (known, room) = platform::state(|state| (state.admins().contains(candidate), state.admins().has_room()));
    match (known, room) {
        (true, _) => Ok(()),
        (_, false) => Err(BackendRequestError::Quota { found: MAX_ADMINS, max: MAX_ADMINS }.into()),
        _ => append(admin, vec![Payload::AdminGranted(AdminGranted { admin: candidate })]).await,
    }
}

async fn turn_out(controller: Admin, person: Principal) -> Result<(), BackendError> {
    ensure_settled()?;
    let admins = platform::state(|state| state.admins().all());
    if !admins.contains(&person) {
        return Ok(());
    }
    // Without any admin, the installer would become one again.
    if admins.len() == 1 {
        return Err(invalid("admin", format!("{person} is the only one: add another one first")));
    }
    append(controller, vec![Payload::AdminRevoked(AdminRevoked { admin: person })]).await
}

/// That it is known who is an admin: nobody is about to come or to go. A guard would be held by a change that
/// waits for a ledger, and an admin who has a ledger could keep controllers out with it.
fn ensure_settled() -> Result<(), BackendError> {
    let coming_or_going = |payload: &Payload| matches!(payload, Payload::AdminGranted(_) | Payload::AdminRevoked(_));
    if journal::holds(coming_or_going) { Err(BackendTemporaryError::Busy.into()) } else { Ok(()) }
}

async fn admit_auditor(admin: Admin, auditor: Principal, until: Timestamp) -> Result<(), BackendError> {
    if auditor == Principal::anonymous() || auditor == Principal::management_canister() {
        return Err(invalid("auditor", format!("{auditor} is nobody")));
    }
    let now = platform::now();
    let last = Timestamp(now.0.saturating_add(MAX_GRANT));
    if until <= now || until > last {
        return Err(invalid("until", format!("{until}; after {now}, at most {last}")));
    }
    let _changing = CHANGING.with(|changing| changing.acquire(())).map_err(|_| BackendTemporaryError::Busy)?;
    let (known, auditors) = platform::state(|state| (state.auditor_until(auditor), state.auditors().len() as u64));
    match known {
        Some(known) if known == until => Ok(()),
        None if auditors >= MAX_AUDITORS => {
            Err(BackendRequestError::Quota { found: auditors, max: MAX_AUDITORS }.into())
        }
        _ => append(admin, vec![Payload::AuditorGranted(AuditorGranted { auditor, until })]).await,
    }
}

async fn dismiss_auditor(admin: Admin, auditor: Principal) -> Result<(), BackendError> {
    let _changing = CHANGING.with(|changing| changing.acquire(())).map_err(|_| BackendTemporaryError::Busy)?;
    if platform::state(|state| state.auditor_until(auditor)).is_none() {
        return Err(BackendRequestError::NotFound { what: format!("auditor {auditor}") }.into());
    }
    append(admin, vec![Payload::AuditorRevoked(AuditorRevoked { auditor })]).await
}

async fn append(admin: Admin, events: Vec<Payload>) -> Result<(), BackendError> {
    let submissions = events.into_iter().map(|event| Submission::new(admin.principal(), event)).collect();
    let appended = journal::append(submissions).await;
    appended.map(|_| ()).map_err(|failure| BackendTemporaryError::NotSetUp { missing: failure.to_string() }.into())
}

/// Records the refusal of a request. If the log cannot take it now, the metrics of the journal show that.
pub async fn recorded<T>(admin: Admin, method: &str, result: Result<T, BackendError>) -> Result<T, BackendError> {
    if let Err(BackendError::Request(refusal)) = &result {
        let refused = Refused { method: method.to_owned(), reason: Reason::new("request", &refusal.to_string()) };
        let _ = journal::append(vec![Submission::new(admin.principal(), Payload::Refused(refused))]).await;
    }
    result
}

impl From<BadSetting> for BackendError {
    fn from(bad: BadSetting) -> Self {
        invalid(bad.field, bad.problem)
    }
}

impl From<Conflict> for BackendError {
    fn from(conflict: Conflict) -> Self {
        match conflict {
            Conflict::Price { .. } | Conflict::MintingTreasury => invalid("value", conflict.to_string()),
            Conflict::Missing(_) | Conflict::NoFactory(_) => {
                BackendTemporaryError::NotSetUp { missing: conflict.to_string() }.into()
            }
        }
    }
}

fn invalid(field: &str, problem: String) -> BackendError {
    BackendRequestError::Invalid { field: field.to_owned(), problem }.into()
}
