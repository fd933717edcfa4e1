//! The HTTP interface of canisters: `/metrics` and `/health`.

use candid::{CandidType, Deserialize};
use serde_bytes::ByteBuf;

/// A request, as the HTTP gateway hands it on.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub struct HttpRequest {
    /// `GET` and so on.
    pub method: String,
    /// Path and query.
    pub url: String,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: ByteBuf,
}

/// The answer to it.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub struct HttpResponse {
    /// 200 and so on.
    pub status_code: u16,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: ByteBuf,
}
