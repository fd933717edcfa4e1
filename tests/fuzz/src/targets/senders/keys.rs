//! Keys of every kind that users may have, but for those of canisters.

use crate::targets::identities::KEYS;
use crate::tree::Item;
use anyhow::Context as _;
use data_encoding::BASE64URL_NOPAD;
use ic_agent::Identity;
use ic_agent::identity::BasicIdentity;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// More than a chain of delegations may have.
const PLAIN: u8 = 22;
/// Bytes of a signature, unless it is wrapped.
const SIGNATURE: usize = 64;
/// Bytes of a coordinate of a point on P-256.
const COORDINATE: usize = 32;
/// The tag that says "this is CBOR".
const SELF_DESCRIBED: u64 = 55_799;

/// A key that signs.
pub struct Key {
    identity: Arc<dyn Identity>,
    /// Its public half, in DER.
    pub public: Vec<u8>,
    /// Whether it lies in an authenticator (WebAuthn).
    authenticator: bool,
}

/// Keys of Ed25519, then two of ECDSA on other curves, then one in an authenticator.
pub fn all() -> anyhow::Result<Vec<Key>> {
    let mut keys = Vec::new();
    for seed in 1..=PLAIN {
        keys.push(Key::of(Arc::new(BasicIdentity::from_raw_key(&[seed; 32])), false)?);
    }
    let [_, secp256k1, p256, other] = KEYS.map(|pem| cairn::identity::read(pem.as_bytes()));
    keys.extend([Key::of(secp256k1?, false)?, Key::of(p256?, false)?, Key::of(other?, true)?]);
    Ok(keys)
}

/// Whether nothing of a signature is changed.
pub fn is_whole(spoiled: &[u8]) -> bool {
    spoiled.iter().take(SIGNATURE).all(|change| *change == 0)
}

impl Key {
    fn of(identity: Arc<dyn Identity>, authenticator: bool) -> anyhow::Result<Key> {
        let public = identity.public_key().context("a key without its public half")?;
        let public = if authenticator { wrapped(&public) } else { public };
        Ok(Key { identity, public, authenticator })
    }

    /// Signs a message; then the signature is spoiled.
    pub fn sign(&self, message: &[u8], spoiled: &[u8]) -> Result<Vec<u8>, String> {
        if !self.authenticator {
            return self.bare(message, spoiled);
        }
        let challenge = BASE64URL_NOPAD.encode(message);
        let client = format!(r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"http://localhost"}}"#);
        let authenticator_data = vec![5_u8; 37];
        let signed = [authenticator_data.as_slice(), &Sha256::digest(&client)].concat();
        let assertion = Item::map([
            ("signature", Item::bytes(numbers(&self.bare(&signed, spoiled)?))),
            ("client_data_json", Item::text(&client)),
            ("authenticator_data", Item::bytes(authenticator_data)),
        ]);
        Ok(Item::Tag(SELF_DESCRIBED, Box::new(assertion)).write())
    }

    fn bare(&self, message: &[u8], spoiled: &[u8]) -> Result<Vec<u8>, String> {
        let mut signature = self.identity.sign_arbitrary(message)?.signature.ok_or("it does not sign")?;
        signature.iter_mut().zip(spoiled).for_each(|(byte, change)| *byte ^= change);
        Ok(signature)
    }
}

/// DER of less than 128 bytes.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, content.len() as u8][..], content].concat()
}

/// A bare signature, two numbers, in DER.
fn numbers(bare: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let digits = &bytes[zeros.min(bytes.len() - 1)..];
        // A first bit that is set would make it negative.
        let sign: &[u8] = if digits[0] & 0x80 == 0 { &[] } else { &[0] };
        der(2, &[sign, digits].concat())
    };
    let (r, s) = bare.split_at(bare.len() / 2);
    der(0x30, &[number(r), number(s)].concat())
}

/// A key on P-256 as authenticators have it: in COSE (RFC 9053), in DER.
fn wrapped(public: &[u8]) -> Vec<u8> {
    let (x, y) = public[public.len() - 2 * COORDINATE..].split_at(COORDINATE);
    let (plus, minus) = (|number| Item::Plain(0, number), |number: u64| Item::Plain(1, number - 1));
    let (kind, algorithm, curve) = ([plus(1), plus(2)], [plus(3), minus(7)], [minus(1), plus(1)]);
    let point = [minus(2), Item::bytes(x), minus(3), Item::bytes(y)];
    let key = Item::Map([kind, algorithm, curve].into_iter().flatten().chain(point).collect()).write();
    let scheme = der(6, &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xb8, 0x43, 0x01, 0x01]);
    der(0x30, &[der(0x30, &scheme), der(3, &[&[0_u8][..], key.as_slice()].concat())].concat())
}
