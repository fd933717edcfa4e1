//! Answers to requests that fail before the network sees them.

use crate::network::Gone;
use crate::request::Malformed;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use localnet::Forbidden;

/// An HTTP status with a text for people.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    text: String,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    pub(super) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Self::bad_request(malformed.0)
    }
}

impl From<Gone> for Failure {
    fn from(gone: Gone) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, gone.to_string())
    }
}

impl From<Forbidden> for Failure {
    fn from(forbidden: Forbidden) -> Self {
        let status = match forbidden {
            Forbidden::NotAllowed(_) => StatusCode::FORBIDDEN,
            Forbidden::NoSuchPath(_) => StatusCode::NOT_FOUND,
            Forbidden::TooManyPaths(_) | Forbidden::PathTooLong(_) => StatusCode::NOT_FOUND,
            Forbidden::SeveralRequests => StatusCode::BAD_REQUEST,
        };
        Self::new(status, forbidden.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, self.text).into_response()
    }
}
