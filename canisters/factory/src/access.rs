//! Who may call what: permits that only these checks make.

use crate::memory::{self, memory};
use crate::{metrics, refusal, state};
use cairn_events::Principal;
use cairn_kit::access::{Admin, Admins, Caller};
use cairn_kit::api::factory::{FactoryError, FactoryRequestError};
use cairn_kit::journal;
use std::cell::RefCell;

thread_local! {
    static ADMINS: RefCell<Admins> = RefCell::new(Admins::open(memory(memory::ADMINS)));
}

/// Makes the installer the first admin; in `init`.
pub fn begin(installer: Principal) {
    ADMINS.with_borrow_mut(|admins| admins.grant(installer));
}

/// The permit of an admin: the installer, or a controller of the factory.
///
/// # Errors
/// [`FactoryRequestError::Unauthorized`]. Strangers are counted, not logged.
pub fn admin(caller: Principal) -> Result<Admin, FactoryError> {
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

fn turned_away(caller: Principal) -> FactoryError {
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
