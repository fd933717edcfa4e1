//! "Request: Call", synchronous, and "Request: Asynchronous Call".

use super::effective_canister::check_call;
use super::{Api, Failure, cbor};
use crate::network::{CallOutcome, Gone};
use crate::request::Kind;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use localnet::{Endpoint, Ingress, Principal, Reject};
use serde::Serialize;
use serde_bytes::ByteBuf;

pub(super) async fn at_canister(State(api): State<Api>, id: Path<String>, body: Bytes) -> Result<Response, Failure> {
    let endpoint = api.canister(&id)?;
    synchronous(&api, endpoint, &body).await
}

pub(super) async fn at_subnet(State(api): State<Api>, id: Path<String>, body: Bytes) -> Result<Response, Failure> {
    let endpoint = api.subnet(&id)?;
    synchronous(&api, endpoint, &body).await
}

/// Answers at once: accepted, or why not.
pub(super) async fn asynchronous(State(api): State<Api>, id: Path<String>, body: Bytes) -> Result<Response, Failure> {
    let endpoint = api.canister(&id)?;
    let ingress = ingress(&api, endpoint, &body)?;
    accept(&api, ingress).await
}

/// Takes a call without waiting for its response.
async fn accept(api: &Api, ingress: Ingress) -> Result<Response, Failure> {
    match api.network.with(|net| net.submit_ingress(ingress)).await? {
        Ok(_) => Ok(StatusCode::ACCEPTED.into_response()),
        Err(reject) => Ok(refused(&reject)),
    }
}

/// Answers with the certified response; after a while, that the call was accepted.
async fn synchronous(api: &Api, endpoint: Endpoint, body: &Bytes) -> Result<Response, Failure> {
    let ingress = ingress(api, endpoint, body)?;
    if api.patience.is_zero() {
        return accept(api, ingress).await;
    }
    let path = vec![b"request_status".to_vec(), ingress.request_id.to_vec()];
    let outcome = api.network.call(ingress)?;
    match tokio::time::timeout(api.patience, outcome).await {
        Err(_) => Ok(StatusCode::ACCEPTED.into_response()),
        Ok(Err(_)) => Err(Gone.into()),
        Ok(Ok(CallOutcome::Refused(reject))) => Ok(refused(&reject)),
        Ok(Ok(CallOutcome::Finished(state))) => {
            let certificate = ByteBuf::from(state.certificate(&[path]));
            Ok(cbor(StatusCode::OK, &Replied { status: "replied", certificate }))
        }
    }
}

fn ingress(api: &Api, endpoint: Endpoint, body: &Bytes) -> Result<Ingress, Failure> {
    let envelope = api.authenticated(body)?.envelope;
    let Kind::Call(call) = envelope.content.kind else {
        return Err(Failure::bad_request("this endpoint takes requests of type call"));
    };
    check_call(endpoint, &call)?;
    Ok(Ingress {
        request_id: envelope.request_id,
        sender: envelope.content.sender,
        canister_id: call.canister_id,
        effective_canister_id: match endpoint {
            Endpoint::Canister(id) => id,
            Endpoint::Subnet(_) => Principal::management_canister(),
        },
        method: call.method_name,
        arg: call.arg,
        expiry: envelope.content.ingress_expiry,
    })
}

#[derive(Serialize)]
struct Replied {
    status: &'static str,
    certificate: ByteBuf,
}

#[derive(Serialize)]
struct Refused<'a> {
    status: &'static str,
    reject_code: u32,
    reject_message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
}

fn refused(reject: &Reject) -> Response {
    cbor(
        StatusCode::OK,
        &Refused {
            status: "non_replicated_rejection",
            reject_code: reject.code.number(),
            reject_message: &reject.message,
            error_code: reject.error_code(),
        },
    )
}
