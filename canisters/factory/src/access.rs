//! Who may call what.

use crate::state;
use cairn_events::Principal;
use cairn_kit::api::factory::{FactoryError, FactoryRequestError};
use cairn_kit::runtime;

/// What a caller must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The installer, or a controller of the factory.
    Admin,
    /// The whitelisted backend.
    Backend,
}

/// Whether `caller` is what it must be. Entry points pass the message's caller, before any await.
///
/// # Errors
/// [`FactoryRequestError::Unauthorized`]. Strangers are counted, not logged.
pub fn require(role: Role, caller: Principal) -> Result<(), FactoryError> {
    let settings = state::read(|state| state.settings());
    let known = settings.is_some_and(|settings| match role {
        Role::Admin => settings.installer == caller || runtime::is_controller(caller),
        Role::Backend => settings.backend == Some(caller),
    });
    if known && caller != Principal::anonymous() {
        return Ok(());
    }
    crate::metrics::count_stranger();
    Err(FactoryError::Request(FactoryRequestError::Unauthorized { caller }))
}

/// Whitelists the backend: the first one, or the same again.
///
/// # Errors
/// [`FactoryRequestError::Unauthorized`], [`FactoryRequestError::AlreadyWhitelisted`].
pub fn whitelist(caller: Principal, backend: Principal) -> Result<(), FactoryError> {
    require(Role::Admin, caller)?;
    let Some(mut settings) = state::read(|state| state.settings()) else {
        return Err(FactoryError::Request(FactoryRequestError::Unauthorized { caller }));
    };
    match settings.backend {
        Some(known) if known != backend => {
            let error = FactoryError::Request(FactoryRequestError::AlreadyWhitelisted { backend: known });
            crate::refusal::record(caller, "setupWhitelist", &error);
            Err(error)
        }
        _ => {
            settings.backend = Some(backend);
            state::change(|state| state.set_settings(settings));
            Ok(())
        }
    }
}
