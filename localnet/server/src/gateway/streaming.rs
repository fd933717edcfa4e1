//! Bodies too large for one reply ("Response body streaming"): each chunk names the next.

use super::Gateway;
use super::canister_http::{CanisterResponse, bad_gateway};
use crate::api::Failure;
use axum::http::StatusCode;
use candid::{IDLArgs, IDLValue, Principal, idl_hash};

/// Bytes of a page, at most.
const MAX_PAGE: usize = 256 << 20;
/// Chunks that add nothing to a page, one after the other, at most: a canister could go on with them for ever.
const MAX_EMPTY: usize = 16;

/// Where the next chunk comes from. The token is whatever the canister likes.
struct Callback {
    canister: Principal,
    method: String,
    token: IDLValue,
}

impl Gateway {
    /// Collects the rest of a body.
    pub(super) async fn stream(
        &self,
        reply: &[u8],
        mut response: CanisterResponse,
    ) -> Result<CanisterResponse, Failure> {
        if !response.streams {
            return Ok(response);
        }
        let (mut next, mut empty) = (Some(callback(reply)?), 0);
        while let Some(Callback { canister, method, token }) = next.take() {
            let arg = IDLArgs::new(std::slice::from_ref(&token)).to_bytes().map_err(bad_gateway)?;
            let reply = self.network.query(canister, Principal::anonymous(), method.clone(), arg).await?;
            let reply = reply.map_err(super::unavailable)?;
            let (body, token) = chunk(&reply)?;
            empty = if body.is_empty() { empty + 1 } else { 0 };
            if empty > MAX_EMPTY {
                return Err(broken("the page does not end"));
            }
            response.body.extend(body);
            if response.body.len() > MAX_PAGE {
                return Err(broken("the page is too large"));
            }
            next = token.map(|token| Callback { canister, method, token });
        }
        Ok(response)
    }
}

fn callback(reply: &[u8]) -> Result<Callback, Failure> {
    let strategy = field(first(reply)?, "streaming_strategy").and_then(some);
    let Some(IDLValue::Variant(variant)) = strategy else {
        return Err(broken("the streaming strategy is no variant"));
    };
    let (callback, token) = (field(variant.0.val.clone(), "callback"), field(variant.0.val, "token"));
    match (callback, token) {
        (Some(IDLValue::Func(canister, method)), Some(token)) => Ok(Callback { canister, method, token }),
        _ => Err(broken("the streaming strategy has no callback or no token")),
    }
}

/// A chunk and the token of the next one.
fn chunk(reply: &[u8]) -> Result<(Vec<u8>, Option<IDLValue>), Failure> {
    let Some(chunk) = some(first(reply)?) else {
        return Ok((Vec::new(), None));
    };
    let body = match field(chunk.clone(), "body") {
        Some(IDLValue::Blob(body)) => body,
        Some(IDLValue::Vec(items)) if items.is_empty() => Vec::new(),
        _ => return Err(broken("a chunk has no body")),
    };
    Ok((body, field(chunk, "token").and_then(some)))
}

fn first(reply: &[u8]) -> Result<IDLValue, Failure> {
    let args = localnet::payload::decode_any(reply).map_err(bad_gateway)?;
    args.args.into_iter().next().ok_or_else(|| broken("an empty reply"))
}

fn field(record: IDLValue, name: &str) -> Option<IDLValue> {
    let IDLValue::Record(fields) = record else {
        return None;
    };
    fields.into_iter().find(|field| field.id.get_id() == idl_hash(name)).map(|field| field.val)
}

/// What an option holds; what is not an option is taken as it is.
fn some(value: IDLValue) -> Option<IDLValue> {
    match value {
        IDLValue::Opt(value) => Some(*value),
        IDLValue::None | IDLValue::Null => None,
        value => Some(value),
    }
}

fn broken(text: &str) -> Failure {
    Failure::new(StatusCode::BAD_GATEWAY, format!("the canister's HTTP interface: {text}"))
}
