//! Certified pages ("Response Verification"): one that claims to be certified must be.

use super::canister_http::{CanisterRequest, CanisterResponse};
use crate::api::Failure;
use crate::network::now;
use axum::http::StatusCode;
use ic_http_certification::{HttpRequest, HttpResponse, Method};
use ic_response_verification::verify_request_response_pair;
use localnet::Principal;
use std::time::Duration;

const CERTIFICATE: &str = "ic-certificate";
/// How old a certificate may be.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);
/// The lowest version of certification that is accepted.
const MIN_VERSION: u8 = 1;

/// Refuses a page whose certificate does not fit it. Pages without a certificate pass: this gateway
/// serves one machine.
pub(super) fn check(
    request: &CanisterRequest,
    response: &CanisterResponse,
    canister: Principal,
    root_key: &[u8],
) -> Result<(), Failure> {
    if !response.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(CERTIFICATE)) {
        return Ok(());
    }
    let refused = |error: &dyn std::fmt::Display| {
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, format!("Response verification failed: {error}"))
    };
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|error| refused(&error))?;
    let asked = HttpRequest::builder()
        .with_method(method)
        .with_url(request.url.clone())
        .with_headers(request.headers.clone())
        .with_body(request.body.clone())
        .build();
    let status = StatusCode::from_u16(response.status_code).map_err(|error| refused(&error))?;
    let answered = HttpResponse::builder()
        .with_status_code(status)
        .with_headers(response.headers.clone())
        .with_body(response.body.clone())
        .build();
    let (now, age) = (u128::from(now()), MAX_AGE.as_nanos());
    verify_request_response_pair(asked, answered, canister.as_slice(), now, age, root_key, MIN_VERSION)
        .map(drop)
        .map_err(|error| refused(&error))
}
