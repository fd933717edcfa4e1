//! The HTTP gateway: web pages of canisters ("HTTP Gateway Protocol").

mod canister_http;
mod origin;
mod streaming;
mod verification;

use crate::api::Failure;
use crate::network::Network;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use canister_http::{CanisterRequest, CanisterResponse};
use localnet::Principal;
use std::time::Duration;
use tower_http::cors::CorsLayer;

/// Bytes of a request's body.
const MAX_BODY: usize = 2 << 20;
/// Headers that describe the connection, not the page.
const OF_THE_CONNECTION: [&str; 4] = ["connection", "content-length", "keep-alive", "transfer-encoding"];

/// What the gateway needs.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) network: Network,
    /// How long an update is waited for.
    pub(crate) patience: Duration,
}

/// Every path that is not an endpoint of the interface.
pub(crate) fn router(gateway: Gateway) -> Router {
    Router::new().fallback(page).with_state(gateway).layer(CorsLayer::permissive())
}

async fn page(State(gateway): State<Gateway>, request: Request) -> Result<Response, Failure> {
    let canister = origin::canister(request.uri(), request.headers()).ok_or_else(|| {
        let text = "no canister: ask for http://<canister-id>.localhost:<port>/ or add ?canisterId=<canister-id>";
        Failure::new(StatusCode::BAD_REQUEST, text)
    })?;
    let request = read(request).await?;
    let response = gateway.answer(canister, &request).await?;
    write(response)
}

impl Gateway {
    async fn answer(&self, canister: Principal, request: &CanisterRequest) -> Result<CanisterResponse, Failure> {
        let arg = request.encode()?;
        let reply = self.query(canister, "http_request", arg.clone()).await?;
        let mut response = CanisterResponse::decode(&reply)?;
        if response.upgrade == Some(true) {
            // What an update replies is certified as a whole: there is nothing left to verify.
            let reply = self.update(canister, "http_request_update", arg).await?;
            response = CanisterResponse::decode(&reply)?;
            return self.stream(&reply, response).await;
        }
        let response = self.stream(&reply, response).await?;
        verification::check(request, &response, canister, &self.network.facts.root_key)?;
        Ok(response)
    }

    async fn query(&self, canister: Principal, method: &'static str, arg: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let reply = self.network.query(canister, Principal::anonymous(), method.to_owned(), arg).await?;
        reply.map_err(unavailable)
    }

    async fn update(&self, canister: Principal, method: &'static str, arg: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let anyone = Principal::anonymous();
        let submitted = self.network.with(move |net| net.submit_raw(canister, anyone, method, arg)).await?;
        let waited = tokio::time::timeout(self.patience, async {
            loop {
                if let Some(response) = self.network.with(move |net| net.take_response(&submitted)).await? {
                    return response.map_err(unavailable);
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.map_err(|_| Failure::new(StatusCode::GATEWAY_TIMEOUT, "the update takes too long"))?
    }
}

/// A canister that does not answer, as the browser is told.
fn unavailable(reject: localnet::Reject) -> Failure {
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, reject.to_string())
}

async fn read(request: Request) -> Result<CanisterRequest, Failure> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY)
        .await
        .map_err(|error| Failure::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()))?;
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let url = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    Ok(CanisterRequest {
        method: parts.method.to_string(),
        url: url.to_owned(),
        headers: parts.headers.iter().map(header).collect(),
        body: body.to_vec(),
    })
}

fn write(response: CanisterResponse) -> Result<Response, Failure> {
    let bad = |what: &dyn std::fmt::Display| {
        Failure::new(StatusCode::BAD_GATEWAY, format!("the canister's response: {what}"))
    };
    let mut builder = Response::builder().status(response.status_code);
    for (name, value) in response.headers {
        if !OF_THE_CONNECTION.contains(&name.to_ascii_lowercase().as_str()) {
            builder = builder.header(name, value);
        }
    }
    builder.body(Body::from(response.body)).map_err(|error| bad(&error))
}
