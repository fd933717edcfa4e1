//! "Request: Read state".

use super::{Api, Failure, cbor};
use crate::request::{Kind, Targets};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use localnet::{Endpoint, MessageId, Net};
use serde::Serialize;
use serde_bytes::ByteBuf;

pub(super) async fn at_canister(State(api): State<Api>, id: Path<String>, body: Bytes) -> Result<Response, Failure> {
    let endpoint = api.canister(&id)?;
    read_state(&api, endpoint, &body).await
}

pub(super) async fn at_subnet(State(api): State<Api>, id: Path<String>, body: Bytes) -> Result<Response, Failure> {
    let endpoint = api.subnet(&id)?;
    read_state(&api, endpoint, &body).await
}

#[derive(Serialize)]
struct ReadState {
    certificate: ByteBuf,
}

async fn read_state(api: &Api, endpoint: Endpoint, body: &Bytes) -> Result<Response, Failure> {
    let request = api.authenticated(body)?;
    let sender = request.envelope.content.sender;
    let Kind::ReadState { paths } = request.envelope.content.kind else {
        return Err(Failure::bad_request("this endpoint takes requests of type read_state"));
    };
    let targets = request.targets;
    let read = api.network.with(move |net| {
        check_targets(net, &targets, &paths)?;
        Ok::<_, Failure>(net.read_state_as(sender, endpoint, &paths)?)
    });
    let certificate = ByteBuf::from(read.await??);
    Ok(cbor(StatusCode::OK, &ReadState { certificate }))
}

/// A delegated sender sees only what concerns the canisters it may act on.
fn check_targets(net: &Net, targets: &Targets, paths: &[Vec<Vec<u8>>]) -> Result<(), Failure> {
    for path in paths {
        let labels: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
        let concerned = match labels.as_slice() {
            [b"canister", id, ..] => localnet::Principal::try_from_slice(id).ok(),
            [b"request_status", id, ..] => {
                let id = <[u8; 32]>::try_from(*id).ok();
                id.and_then(|id| net.ingress(&MessageId::new(id))).map(|ingress| ingress.canister_id)
            }
            _ => None,
        };
        if let Some(canister) = concerned
            && !targets.include(canister)
        {
            let text = format!("the delegation does not extend to the canister {canister}");
            return Err(Failure::new(StatusCode::FORBIDDEN, text));
        }
    }
    Ok(())
}
