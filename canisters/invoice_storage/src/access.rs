//! Who may see what. The permits here are made by checks only.

use crate::memory::{self, memory};
use crate::monitor;
use cairn_events::Principal;
use cairn_kit::access::{Admin, Admins, Caller};
use cairn_kit::api::InternalError;
use cairn_kit::api::invoice::{InvoiceError, InvoiceRequestError};
use cairn_kit::stable::Slot;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;

/// What the canister was told by people.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// The log.
    #[serde(rename = "a")]
    pub audit: Principal,
    /// The backend, which may see every invoice.
    #[serde(rename = "b", skip_serializing_if = "Option::is_none", default)]
    pub backend: Option<Principal>,
}

thread_local! {
    static SETTINGS: RefCell<Slot<Option<Settings>>> = RefCell::new(Slot::open(memory(memory::SETTINGS)));
    static ADMINS: RefCell<Admins> = RefCell::new(Admins::open(memory(memory::ADMINS)));
}

/// Keeps the log's id and makes the installer the first admin; in `init`.
pub fn begin(installer: Principal, audit: Principal) {
    SETTINGS.with_borrow_mut(|slot| slot.set(&Some(Settings { audit, backend: None })));
    ADMINS.with_borrow_mut(|admins| admins.grant(installer));
}

/// The settings, if the canister was ever installed.
pub fn settings() -> Option<Settings> {
    SETTINGS.with_borrow(Slot::get)
}

/// How many admins there are.
pub fn admins() -> usize {
    ADMINS.with_borrow(|admins| admins.all().len())
}

/// Somebody who may see every invoice: the proof that the role was looked up.
#[derive(Clone, Copy, Debug)]
pub struct Overseer(());

/// The permit of an admin: the installer, or a controller of this canister.
///
/// # Errors
/// [`InvoiceRequestError::Unauthorized`]. Strangers are counted, not logged.
pub fn admin(caller: Principal) -> Result<Admin, InvoiceError> {
    ADMINS.with_borrow(|admins| admins.require_or_controller(caller)).map_err(|_| turned_away(caller))
}

/// The permit of an admin or of the whitelisted backend.
///
/// # Errors
/// As [`admin`].
pub fn overseer(caller: Principal) -> Result<Overseer, InvoiceError> {
    let backend = settings().and_then(|settings| settings.backend);
    if backend != Some(caller) {
        admin(caller)?;
    }
    Ok(Overseer(()))
}

/// The permit of somebody with an identity.
///
/// # Errors
/// [`InvoiceRequestError::Unauthorized`] for the anonymous caller.
pub fn person(caller: Principal) -> Result<Caller, InvoiceError> {
    Caller::authenticate(caller).map_err(|_| turned_away(caller))
}

fn turned_away(caller: Principal) -> InvoiceError {
    monitor::count_stranger();
    InvoiceError::Request(InvoiceRequestError::Unauthorized { caller })
}

/// Whitelists the backend: the first one, or the same again.
///
/// # Errors
/// [`InvoiceRequestError::AlreadyWhitelisted`], [`InvoiceRequestError::NotABackend`].
pub fn whitelist(_: Admin, backend: Principal) -> Result<(), InvoiceError> {
    if [Principal::anonymous(), Principal::management_canister()].contains(&backend) {
        return Err(InvoiceError::Request(InvoiceRequestError::NotABackend { backend }));
    }
    let Some(mut settings) = settings() else {
        return Err(InvoiceError::Internal(InternalError { message: "there are no settings".to_owned() }));
    };
    match settings.backend {
        Some(known) if known != backend => {
            Err(InvoiceError::Request(InvoiceRequestError::AlreadyWhitelisted { backend: known }))
        }
        _ => {
            settings.backend = Some(backend);
            SETTINGS.with_borrow_mut(|slot| slot.set(&Some(settings)));
            Ok(())
        }
    }
}
