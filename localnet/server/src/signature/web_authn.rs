//! Signatures of Web Authentication ("Web Authentication"): ECDSA on P-256 (ES256) by an
//! authenticator.

use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::{EncodedPoint, FieldBytes};
use serde::Deserialize;
use serde_bytes::ByteBuf;
use serde_cbor::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

// Labels and values of COSE keys (RFC 9053).
const KEY_TYPE: Value = Value::Integer(1);
const ALGORITHM: Value = Value::Integer(3);
const CURVE: Value = Value::Integer(-1);
const X: Value = Value::Integer(-2);
const Y: Value = Value::Integer(-3);
const EC2: Value = Value::Integer(2);
const ES256: Value = Value::Integer(-7);
const P256: Value = Value::Integer(1);

/// Reads a COSE key.
pub(super) fn key(cose: &[u8]) -> Result<VerifyingKey, String> {
    let key: BTreeMap<Value, Value> = serde_cbor::from_slice(cose).map_err(|error| error.to_string())?;
    let is = |label, value| key.get(&label) == Some(&value);
    if !is(KEY_TYPE, EC2) || !is(ALGORITHM, ES256) || !is(CURVE, P256) {
        return Err("of COSE keys only ES256 on P-256 is supported".to_owned());
    }
    let coordinate = |label| match key.get(&label) {
        Some(Value::Bytes(bytes)) if bytes.len() == 32 => Ok(FieldBytes::clone_from_slice(bytes)),
        _ => Err("a coordinate has 32 bytes".to_owned()),
    };
    let point = EncodedPoint::from_affine_coordinates(&coordinate(X)?, &coordinate(Y)?, false);
    VerifyingKey::from_encoded_point(&point).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
struct Assertion {
    authenticator_data: ByteBuf,
    /// Text; some clients send bytes.
    client_data_json: ByteBuf,
    signature: ByteBuf,
}

#[derive(Deserialize)]
struct ClientData {
    r#type: String,
    /// The signed message in base64url.
    challenge: String,
}

/// Checks an assertion: it answers the challenge that the message is.
pub(super) fn verify(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> Result<(), String> {
    let assertion: Assertion =
        serde_cbor::from_slice(signature).map_err(|error| format!("not an assertion: {error}"))?;
    let client: ClientData = serde_json::from_slice(&assertion.client_data_json)
        .map_err(|error| format!("client_data_json cannot be read: {error}"))?;
    if client.r#type != "webauthn.get" {
        return Err(format!("an assertion is of type webauthn.get, not {:?}", client.r#type));
    }
    let challenge = data_encoding::BASE64URL_NOPAD.decode(client.challenge.trim_end_matches('=').as_bytes());
    if challenge.as_deref() != Ok(message) {
        return Err("the challenge is not the message".to_owned());
    }
    let signature = Signature::from_der(&assertion.signature).map_err(|error| error.to_string())?;
    let signed = [assertion.authenticator_data.as_slice(), &Sha256::digest(&assertion.client_data_json)].concat();
    key.verify(&signed, &signature).map_err(|error| error.to_string())
}
