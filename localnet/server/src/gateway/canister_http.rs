//! What gateway and canister say to each other, in Candid ("HTTP Gateway Protocol").

use crate::api::Failure;
use axum::http::StatusCode;
use candid::{CandidType, Reserved};
use serde::Deserialize;
use serde_bytes::{ByteBuf, Bytes};

/// The newest version of response certification that is understood.
const CERTIFICATE_VERSION: u16 = 2;

/// A request to a page.
#[derive(Clone, Debug)]
pub(super) struct CanisterRequest {
    pub(super) method: String,
    /// Path and query.
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

#[derive(CandidType)]
struct HttpRequest<'a> {
    method: &'a str,
    url: &'a str,
    headers: &'a [(String, String)],
    body: &'a Bytes,
    certificate_version: Option<u16>,
}

impl CanisterRequest {
    /// The argument of `http_request` and `http_request_update`.
    pub(super) fn encode(&self) -> Result<Vec<u8>, Failure> {
        candid::encode_one(HttpRequest {
            method: &self.method,
            url: &self.url,
            headers: &self.headers,
            body: Bytes::new(&self.body),
            certificate_version: Some(CERTIFICATE_VERSION),
        })
        .map_err(bad_gateway)
    }
}

/// A page.
#[derive(Clone, Debug)]
pub(super) struct CanisterResponse {
    pub(super) status_code: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// The request is to be made again as an update.
    pub(super) upgrade: Option<bool>,
    /// There is more of the body.
    pub(super) streams: bool,
}

#[derive(CandidType, Deserialize)]
struct HttpResponse {
    status_code: u16,
    headers: Vec<(String, String)>,
    body: ByteBuf,
    upgrade: Option<bool>,
    streaming_strategy: Option<Reserved>,
}

impl CanisterResponse {
    /// The reply of `http_request` and `http_request_update`.
    pub(super) fn decode(reply: &[u8]) -> Result<Self, Failure> {
        let response: HttpResponse = localnet::payload::decode(reply).map_err(bad_gateway)?;
        Ok(Self {
            status_code: response.status_code,
            headers: response.headers,
            body: response.body.into_vec(),
            upgrade: response.upgrade,
            streams: response.streaming_strategy.is_some(),
        })
    }
}

pub(super) fn bad_gateway(error: candid::Error) -> Failure {
    Failure::new(StatusCode::BAD_GATEWAY, format!("the canister's HTTP interface: {error}"))
}
