//! The endpoints of the interface specification ("HTTPS Interface").

mod call;
mod effective_canister;
mod failure;
mod query;
mod read_state;
mod status;

pub(crate) use failure::Failure;

use crate::network::{Network, now};
use crate::request::{Authenticated, Envelope, authenticate, to_cbor};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use localnet::{Endpoint, Principal};
use serde::Serialize;
use std::time::Duration;
use tower_http::cors::{Any, CorsLayer};

/// Bytes of a request: an argument of 2 MiB with its envelope.
const MAX_REQUEST: usize = 4 << 20;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) network: Network,
    /// How long a synchronous call is waited for.
    pub(crate) patience: Duration,
}

/// All endpoints of the interface; scripts of any page may use them.
pub(crate) fn router(api: Api) -> Router {
    let mut router = Router::new().route("/api/v2/status", get(status::status));
    for version in ["v2", "v3"] {
        router = router
            .route(&format!("/api/{version}/canister/{{id}}/query"), post(query::at_canister))
            .route(&format!("/api/{version}/subnet/{{id}}/query"), post(query::at_subnet))
            .route(&format!("/api/{version}/canister/{{id}}/read_state"), post(read_state::at_canister))
            .route(&format!("/api/{version}/subnet/{{id}}/read_state"), post(read_state::at_subnet));
    }
    for version in ["v3", "v4"] {
        router = router
            .route(&format!("/api/{version}/canister/{{id}}/call"), post(call::at_canister))
            .route(&format!("/api/{version}/subnet/{{id}}/call"), post(call::at_subnet));
    }
    let cors = CorsLayer::new().allow_origin(Any).allow_methods([Method::GET, Method::POST]).allow_headers(Any);
    router
        .route("/api/v2/canister/{id}/call", post(call::asynchronous))
        .with_state(api)
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .layer(cors)
}

impl Api {
    fn authenticated(&self, body: &Bytes) -> Result<Authenticated, Failure> {
        Ok(authenticate(Envelope::decode(body)?, now(), &self.network.facts.root_key)?)
    }

    /// The endpoint of a canister, which must be of this network.
    fn canister(&self, Path(id): &Path<String>) -> Result<Endpoint, Failure> {
        let id = principal(id)?;
        let (first, last) = self.network.facts.canister_range;
        let management = Principal::management_canister();
        if (first..=last).contains(&id) || id == management {
            Ok(Endpoint::Canister(id))
        } else {
            Err(Failure::bad_request(format!("canister {id} does not belong to any subnet")))
        }
    }

    /// The endpoint of a subnet, which must be the one there is.
    fn subnet(&self, Path(id): &Path<String>) -> Result<Endpoint, Failure> {
        let id = principal(id)?;
        if id == self.network.facts.subnet {
            Ok(Endpoint::Subnet(id))
        } else {
            Err(Failure::bad_request(format!("there is no subnet {id}")))
        }
    }
}

fn principal(text: &str) -> Result<Principal, Failure> {
    Principal::from_text(text).map_err(|error| Failure::bad_request(format!("{text}: {error}")))
}

/// A response in CBOR.
fn cbor(status: StatusCode, body: &impl Serialize) -> Response {
    (status, [(CONTENT_TYPE, "application/cbor")], to_cbor(body)).into_response()
}
