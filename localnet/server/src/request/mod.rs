//! Requests as clients send them: an envelope in CBOR, its content authenticated.
//!
//! Interface specification, "HTTPS Interface" and "Authentication".

mod authentication;
mod cbor;
mod content;
mod envelope;

pub(crate) use authentication::{Authenticated, Targets, authenticate};
pub(crate) use cbor::to_cbor;
pub(crate) use content::{CallContent, Content, Kind};
pub(crate) use envelope::Envelope;

/// Why a request is not even looked at: the client's mistake, HTTP status 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) String);

impl Malformed {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}
