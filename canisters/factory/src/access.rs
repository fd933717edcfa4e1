//! Who may call what: permits that only these checks make.

use crate::memory::{self, memory};
use crate::state::{self, State};
use crate::{metrics, refusal};
use cairn_events::payload::{FactoryAdminGranted, FactoryAdminRevoked};
use cairn_events::{Payload, Principal, Submission, Timestamp};
use cairn_kit::access::{Admin, Admins, Caller, MAX_ADMINS};
use cairn_kit::api::factory::{FactoryError, FactoryRequestError, FactoryTemporaryError};
use cairn_kit::guard::Guards;
use cairn_kit::journal::{self, Recorded};
use cairn_kit::runtime;
use std::cell::RefCell;

thread_local! {
    static ADMINS: RefCell<Admins> = RefCell::new(Admins::open(memory(memory::ADMINS)));
    static GRANTING: Guards<()> = Guards::new(1);
}

/// Makes the installer the first admin; in `init`.
pub fn begin(installer: Principal) {
    ADMINS.with_borrow_mut(|admins| admins.grant(installer));
}

/// Folds an event by which admins come and go.
pub fn recorded(recorded: &Recorded) {
    match &recorded.payload {
        Payload::FactoryAdminGranted(granted) => ADMINS.with_borrow_mut(|admins| admins.grant(granted.admin)),
        Payload::FactoryAdminRevoked(revoked) => ADMINS.with_borrow_mut(|admins| admins.revoke(revoked.admin)),
        _ => {}
    }
}

/// Every admin by name: the installer, and those who were granted.
pub fn admins() -> Vec<Principal> {
    ADMINS.with_borrow(Admins::all)
}

/// Makes somebody an admin. Once the factory sells, they count as a second person only after the delay that publication
/// has, too: nobody makes up a second person and publishes with it in haste.
///
/// # Errors
/// [`FactoryError::Request`] for nobody, or if there are too many. Repeating is harmless.
pub async fn grant(admin: Admin, candidate: Principal) -> Result<(), FactoryError> {
    if candidate == Principal::anonymous() || candidate == Principal::management_canister() {
        let (field, problem) = ("admin".to_owned(), format!("{candidate} is nobody"));
        return Err(FactoryError::Request(FactoryRequestError::InvalidArgs { field, problem }));
    }
    let _guard = GRANTING.with(|guards| guards.acquire(())).map_err(|_| busy())?;
    ensure_settled()?;
    match ADMINS.with_borrow(|admins| (admins.contains(candidate), admins.has_room())) {
        (true, _) => return Ok(()),
        (false, false) => {
            let (what, found, bound) = ("admins".to_owned(), MAX_ADMINS + 1, MAX_ADMINS);
            return Err(FactoryError::Request(FactoryRequestError::OutOfBounds { what, found, bound }));
        }
        (false, true) => {}
    }
    let delay = state::read(|state| if state.is_being_set_up() { 0 } else { state.publish_delay() });
    let from = Timestamp(runtime::now().saturating_add(delay));
    append(admin, Payload::FactoryAdminGranted(FactoryAdminGranted { admin: candidate, from })).await
}

/// Makes somebody an admin no more; what they proposed falls, and so does their word for what others proposed. Only for
/// controllers: one bad admin must not be able to turn out the good ones.
///
/// # Errors
/// [`FactoryRequestError::Unauthorized`] for anybody else. Repeating is harmless.
pub async fn revoke(caller: Principal, admin: Principal) -> Result<(), FactoryError> {
    let controller = Admin::controller(caller).map_err(|_| turned_away(caller))?;
    let _guard = GRANTING.with(|guards| guards.acquire(())).map_err(|_| busy())?;
    ensure_settled()?;
    if !ADMINS.with_borrow(|admins| admins.contains(admin)) {
        return Ok(());
    }
    append(controller, Payload::FactoryAdminRevoked(FactoryAdminRevoked { admin })).await
}

fn busy() -> FactoryError {
    FactoryError::Temporary(FactoryTemporaryError::Busy)
}

/// That nothing is under way, of which it is not known whether the log has it.
fn ensure_settled() -> Result<(), FactoryError> {
    let coming_or_going =
        |payload: &Payload| matches!(payload, Payload::FactoryAdminGranted(_) | Payload::FactoryAdminRevoked(_));
    if journal::holds(coming_or_going) { Err(busy()) } else { Ok(()) }
}

async fn append(by: Admin, payload: Payload) -> Result<(), FactoryError> {
    let appended = journal::append(vec![Submission::new(by.principal(), payload)]).await;
    appended.map(|_| ()).map_err(refusal::append_failed)
}

/// Whether `person` may decide for this factory, now.
pub fn is_admin(person: Principal) -> bool {
    !is_leaving(person) && ADMINS.with_borrow(|admins| admins.require_or_controller(person)).is_ok()
}

/// Whether the log is about to hear that `person` is an admin no more: what they said now would come after that.
fn is_leaving(person: Principal) -> bool {
    journal::holds(|payload| matches!(payload, Payload::FactoryAdminRevoked(revoked) if revoked.admin == person))
}

/// Whether `admin` may agree to what `first` proposed: another person, and both of them count. Whoever made up a person
/// might else have that person propose, and agree at once.
///
/// # Errors
/// [`FactoryRequestError::SamePerson`]; as [`counted`].
pub fn second_person(state: &State, admin: Admin, first: Principal, now: u64) -> Result<(), FactoryError> {
    let person = admin.principal();
    if person == first {
        return Err(FactoryError::Request(FactoryRequestError::SamePerson { person }));
    }
    counted(state, first, now)?;
    counted(state, person, now)
}

/// That `person` counts as one of two at the time `at`: an admin, known by name for long enough.
///
/// # Errors
/// [`FactoryRequestError::NotByName`] for a mere controller; [`FactoryTemporaryError::TooEarly`] for an admin of late,
/// [`FactoryTemporaryError::Busy`] for one who is being revoked.
pub fn counted(state: &State, person: Principal, at: u64) -> Result<(), FactoryError> {
    if is_leaving(person) {
        return Err(busy());
    }
    if !ADMINS.with_borrow(|admins| admins.contains(person)) {
        return Err(FactoryError::Request(FactoryRequestError::NotByName { person }));
    }
    match state.templates().granted(person) {
        Some(from) if at < from.0 => Err(FactoryError::Temporary(FactoryTemporaryError::TooEarly { at: from.0 })),
        _ => Ok(()),
    }
}

/// The permit of an admin: the installer, one who was granted, or a controller of the factory.
///
/// # Errors
/// [`FactoryRequestError::Unauthorized`]. Strangers are counted, not logged. [`FactoryTemporaryError::Busy`] for one who is
/// being revoked.
pub fn admin(caller: Principal) -> Result<Admin, FactoryError> {
    if is_leaving(caller) {
        return Err(busy());
    }
    ADMINS.with_borrow(|admins| admins.require_or_controller(caller)).map_err(|_| turned_away(caller))
}

/// The whitelisted backend: the proof that the caller is it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend(Principal);

impl Backend {
    /// Who it is.
    pub fn principal(self) -> Principal {
        self.0
    }
}

/// Anyone who has an identity.
///
/// # Errors
/// As [`admin`].
pub fn person(caller: Principal) -> Result<Caller, FactoryError> {
    Caller::authenticate(caller).map_err(|_| turned_away(caller))
}

/// The permit of the whitelisted backend.
///
/// # Errors
/// As [`admin`].
pub fn backend(caller: Principal) -> Result<Backend, FactoryError> {
    let known = state::read(|state| state.settings()).and_then(|settings| settings.backend);
    if known == Some(caller) { Ok(Backend(caller)) } else { Err(turned_away(caller)) }
}

/// The refusal of a caller who has no role. Strangers are counted, not logged.
pub(crate) fn turned_away(caller: Principal) -> FactoryError {
    metrics::count_stranger();
    FactoryError::Request(FactoryRequestError::Unauthorized { caller })
}

/// Ends the fork alarm, if the log is again the one that is known.
///
/// # Errors
/// [`FactoryError::Temporary`]: it stays.
pub async fn acknowledge_alarm(admin: Admin) -> Result<(), FactoryError> {
    journal::acknowledge(admin).await.map_err(refusal::alarmed)
}

/// Whitelists the backend: the first one, or the same again.
///
/// # Errors
/// [`FactoryRequestError::AlreadyWhitelisted`]; also for somebody who can be nobody's backend.
pub fn whitelist(admin: Admin, backend: Principal) -> Result<(), FactoryError> {
    if backend == Principal::anonymous() {
        return Err(turned_away(backend));
    }
    let Some(mut settings) = state::read(|state| state.settings()) else {
        return Err(refusal::internal("there are no settings"));
    };
    match settings.backend {
        Some(known) if known != backend => {
            let error = FactoryError::Request(FactoryRequestError::AlreadyWhitelisted { backend: known });
            refusal::record(admin.principal(), "setupWhitelist", &error);
            Err(error)
        }
        _ => {
            settings.backend = Some(backend);
            state::change(|state| state.set_settings(settings));
            Ok(())
        }
    }
}
