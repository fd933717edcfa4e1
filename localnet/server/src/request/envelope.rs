//! The envelope of a request ("Authentication").

use super::cbor::Fields;
use super::{Content, Malformed};
use localnet::Principal;
use serde_cbor::Value;

/// A request with what authenticates it.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) content: Content,
    /// The representation-independent hash of the content as it was received.
    pub(crate) request_id: [u8; 32],
    pub(super) sender_pubkey: Option<Vec<u8>>,
    pub(super) sender_sig: Option<Vec<u8>>,
    pub(super) sender_delegation: Vec<SignedDelegation>,
}

/// One link of a delegation chain.
#[derive(Clone, Debug)]
pub(super) struct SignedDelegation {
    /// Hash of the delegation as it was received.
    pub(super) hash: [u8; 32],
    pub(super) pubkey: Vec<u8>,
    pub(super) expiration: u64,
    pub(super) targets: Option<Vec<Principal>>,
    /// Whether only queries and `read_state` are delegated.
    pub(super) queries_only: bool,
    pub(super) signature: Vec<u8>,
}

impl Envelope {
    /// Reads the body of a request.
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut envelope = Fields::decode(body)?;
        let content = envelope.take("content").ok_or_else(|| Malformed::new("the content is missing"))?;
        let content = Fields::of(content, "the content")?;
        let delegations = match envelope.take("sender_delegation") {
            None => Vec::new(),
            Some(Value::Array(links)) => links.into_iter().map(SignedDelegation::of).collect::<Result<_, _>>()?,
            Some(_) => return Err(Malformed::new("sender_delegation is not an array")),
        };
        Ok(Self {
            request_id: content.hash()?,
            content: Content::of(&content)?,
            sender_pubkey: envelope.optional_bytes("sender_pubkey")?,
            sender_sig: envelope.optional_bytes("sender_sig")?,
            sender_delegation: delegations,
        })
    }
}

impl SignedDelegation {
    fn of(link: Value) -> Result<Self, Malformed> {
        let mut link = Fields::of(link, "a signed delegation")?;
        let delegation = link.take("delegation").ok_or_else(|| Malformed::new("a delegation is missing"))?;
        let delegation = Fields::of(delegation, "a delegation")?;
        let targets = match delegation.get("targets") {
            None => None,
            Some(_) => Some(delegation.array("targets")?.iter().map(principal).collect::<Result<_, _>>()?),
        };
        let queries_only = match delegation.get("permissions") {
            None => false,
            Some(_) => match delegation.text("permissions")?.as_str() {
                "all" => false,
                "queries" => true,
                other => return Err(Malformed(format!("there are no delegation permissions {other:?}"))),
            },
        };
        Ok(Self {
            hash: delegation.hash()?,
            queries_only,
            pubkey: delegation.bytes("pubkey")?,
            expiration: delegation.nat("expiration")?,
            targets,
            signature: link.bytes("signature")?,
        })
    }
}

fn principal(value: &Value) -> Result<Principal, Malformed> {
    match value {
        Value::Bytes(bytes) => Principal::try_from_slice(bytes).map_err(|error| Malformed(error.to_string())),
        _ => Err(Malformed::new("a principal is not a blob")),
    }
}
