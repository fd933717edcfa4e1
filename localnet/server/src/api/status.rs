//! "Request: Status".

use super::{Api, cbor};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_bytes::ByteBuf;

#[derive(Serialize)]
struct Status {
    impl_version: &'static str,
    replica_health_status: &'static str,
    /// Of networks for development only: clients cannot know it otherwise.
    root_key: ByteBuf,
}

pub(super) async fn status(State(api): State<Api>) -> Response {
    let status = Status {
        impl_version: concat!("localnet ", env!("CARGO_PKG_VERSION")),
        replica_health_status: "healthy",
        root_key: ByteBuf::from(api.network.facts.root_key.clone()),
    };
    cbor(StatusCode::OK, &status)
}
