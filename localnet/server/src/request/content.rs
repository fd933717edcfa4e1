//! The content of a request ("Request: Call", "Request: Query call", "Request: Read state").

use super::Malformed;
use super::cbor::Fields;
use localnet::Principal;
use serde_cbor::Value;

/// Bytes of a nonce, at most.
const MAX_NONCE: usize = 32;

/// What is asked for, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) sender: Principal,
    /// After this time the request is void, nanoseconds since 1970.
    pub(crate) ingress_expiry: u64,
    pub(crate) kind: Kind,
}

/// The kinds of request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Call(CallContent),
    Query(CallContent),
    ReadState { paths: Vec<Vec<Vec<u8>>> },
}

/// A method with its argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallContent {
    pub(crate) canister_id: Principal,
    pub(crate) method_name: String,
    pub(crate) arg: Vec<u8>,
}

impl Content {
    pub(super) fn of(fields: &Fields) -> Result<Self, Malformed> {
        if fields.optional_bytes("nonce")?.is_some_and(|nonce| nonce.len() > MAX_NONCE) {
            return Err(Malformed(format!("a nonce has at most {MAX_NONCE} bytes")));
        }
        if fields.get("sender_info").is_some() {
            return Err(Malformed::new("this network has no certified sender information"));
        }
        let kind = match fields.text("request_type")?.as_str() {
            "call" => Kind::Call(CallContent::of(fields)?),
            "query" => Kind::Query(CallContent::of(fields)?),
            "read_state" => Kind::ReadState { paths: paths(fields)? },
            other => return Err(Malformed(format!("there is no request type {other:?}"))),
        };
        Ok(Self { sender: principal(fields, "sender")?, ingress_expiry: fields.nat("ingress_expiry")?, kind })
    }
}

impl CallContent {
    fn of(fields: &Fields) -> Result<Self, Malformed> {
        Ok(Self {
            canister_id: principal(fields, "canister_id")?,
            method_name: fields.text("method_name")?,
            arg: fields.bytes("arg")?,
        })
    }
}

fn principal(fields: &Fields, name: &str) -> Result<Principal, Malformed> {
    Principal::try_from_slice(&fields.bytes(name)?).map_err(|error| Malformed(format!("{name}: {error}")))
}

fn paths(fields: &Fields) -> Result<Vec<Vec<Vec<u8>>>, Malformed> {
    let label = |label: &Value| match label {
        Value::Bytes(label) => Ok(label.clone()),
        _ => Err(Malformed::new("a label of a path is not a blob")),
    };
    let path = |path: &Value| match path {
        Value::Array(labels) => labels.iter().map(label).collect(),
        _ => Err(Malformed::new("a path is not an array")),
    };
    fields.array("paths")?.iter().map(path).collect()
}
