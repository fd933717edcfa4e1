//! "Request: Query call".

use super::effective_canister::check_query;
use super::{Api, Failure, cbor};
use crate::network::now;
use crate::request::Kind;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use localnet::{Endpoint, NodeSignature, Reject};
use serde::Serialize;
use serde_bytes::ByteBuf;

pub(super) async fn at_canister(State(api): State<Api>, id: Path<String>, body: Bytes) -> Result<Response, Failure> {
    let endpoint = api.canister(&id)?;
    query(&api, endpoint, &body).await
}

pub(super) async fn at_subnet(State(api): State<Api>, id: Path<String>, body: Bytes) -> Result<Response, Failure> {
    let endpoint = api.subnet(&id)?;
    query(&api, endpoint, &body).await
}

async fn query(api: &Api, endpoint: Endpoint, body: &Bytes) -> Result<Response, Failure> {
    let envelope = api.authenticated(body)?.envelope;
    let sender = envelope.content.sender;
    let Kind::Query(call) = envelope.content.kind else {
        return Err(Failure::bad_request("this endpoint takes requests of type query"));
    };
    check_query(endpoint, &call)?;
    let response = api.network.query(call.canister_id, sender, call.method_name, call.arg).await?;
    let signature = api.network.facts.node.sign_response(&envelope.request_id, &response, now());
    Ok(cbor(StatusCode::OK, &QueryResponse::of(&response, signature)))
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum QueryResponse<'a> {
    Replied {
        reply: Reply<'a>,
        signatures: [Signature; 1],
    },
    Rejected {
        reject_code: u32,
        reject_message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        error_code: Option<&'a str>,
        signatures: [Signature; 1],
    },
}

#[derive(Serialize)]
struct Reply<'a> {
    #[serde(with = "serde_bytes")]
    arg: &'a [u8],
}

#[derive(Serialize)]
struct Signature {
    timestamp: u64,
    signature: ByteBuf,
    identity: ByteBuf,
}

impl<'a> QueryResponse<'a> {
    fn of(response: &'a Result<Vec<u8>, Reject>, signature: NodeSignature) -> Self {
        let signatures = [Signature {
            timestamp: signature.timestamp,
            signature: ByteBuf::from(signature.signature),
            identity: ByteBuf::from(signature.identity.as_slice()),
        }];
        match response {
            Ok(arg) => Self::Replied { reply: Reply { arg }, signatures },
            Err(reject) => Self::Rejected {
                reject_code: reject.code.number(),
                reject_message: &reject.message,
                error_code: reject.error_code(),
                signatures,
            },
        }
    }
}
