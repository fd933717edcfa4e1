//! The node that answers queries, and its signature on them ("Request: Query call").

use crate::reject::Reject;
use crate::representation::Value;
use candid::Principal;
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};

/// Beginning of an Ed25519 public key in DER (RFC 8410).
const DER_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const SEPARATOR: &[u8] = b"\x0Bic-response";

/// The one node of the subnet: an Ed25519 key derived from the seed, listed in the state tree.
#[derive(Debug)]
pub struct Node {
    key: SigningKey,
}

/// A node's signature on the response to a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSignature {
    /// When it was made, nanoseconds since 1970.
    pub timestamp: u64,
    /// The signature, 64 bytes.
    pub signature: [u8; 64],
    /// Who made it.
    pub identity: Principal,
}

impl Node {
    /// The node of a seed.
    pub(crate) fn from_seed(seed: u64) -> Self {
        let secret = Sha256::new().chain_update(b"localnet node key").chain_update(seed.to_be_bytes()).finalize();
        Self { key: SigningKey::from_bytes(&secret.into()) }
    }

    /// The public key in DER.
    pub fn public_key(&self) -> Vec<u8> {
        [DER_PREFIX.as_slice(), self.key.verifying_key().as_bytes()].concat()
    }

    /// The principal of the node.
    pub fn id(&self) -> Principal {
        Principal::self_authenticating(self.public_key())
    }

    /// Signs the response to the query with this request id.
    pub fn sign_response(
        &self,
        request_id: &[u8; 32],
        response: &Result<Vec<u8>, Reject>,
        timestamp: u64,
    ) -> NodeSignature {
        let mut fields = vec![("request_id", Value::Bytes(request_id)), ("timestamp", Value::Nat(timestamp.into()))];
        match response {
            Ok(reply) => {
                fields.push(("status", Value::Text("replied")));
                fields.push(("reply", Value::Map(vec![("arg", Value::Bytes(reply))])));
            }
            Err(reject) => {
                fields.push(("status", Value::Text("rejected")));
                fields.push(("reject_code", Value::Nat(reject.code.number().into())));
                fields.push(("reject_message", Value::Text(&reject.message)));
                fields.extend(reject.error_code().map(|code| ("error_code", Value::Text(code))));
            }
        }
        let message = [SEPARATOR, &Value::Map(fields).hash()].concat();
        NodeSignature { timestamp, signature: self.key.sign(&message).to_bytes(), identity: self.id() }
    }
}
