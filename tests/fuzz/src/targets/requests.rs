//! Requests to localnet's HTTP interface: envelopes in CBOR, public keys in DER, delegations.

use super::server::{Served, post};
use crate::mutation::Shape;
use crate::target::{Target, Verdict};
use crate::tree::Item;
use anyhow::Context as _;
use localnet::Principal;

/// Envelopes as clients send them.
pub struct Requests {
    /// Has the endpoints.
    _served: Served,
    endpoints: Vec<String>,
    corpus: Vec<Vec<u8>>,
}

fn content(kind: &str, sender: &[u8], canister: Principal) -> Item {
    let paths = Item::Array(vec![Item::Array(vec![Item::bytes(*b"time")])]);
    Item::map([
        ("request_type", Item::text(kind)),
        ("sender", Item::bytes(sender)),
        ("ingress_expiry", Item::Plain(0, 1 << 60)),
        ("nonce", Item::bytes(*b"1234")),
        ("canister_id", Item::bytes(canister.as_slice())),
        ("method_name", Item::text("noop")),
        ("arg", Item::bytes(*b"DIDL\0\0")),
        ("paths", paths),
    ])
}

/// Public keys of the kinds that users may have: Ed25519, ECDSA on secp256k1 and P-256, a canister's.
const KEYS: [&str; 4] = [
    "302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "3056301006072a8648ce3d020106052b8104000a0342000479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\
     483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
    "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898\
     c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    "3020300c060a2b0601040183b8430102031000080000000000000001010102030405",
];

fn signed(kind: &str, canister: Principal, public: &[u8]) -> Item {
    let sender = Principal::self_authenticating(public);
    let delegation = Item::map([
        ("pubkey", Item::bytes(public)),
        ("expiration", Item::Plain(0, u64::MAX)),
        ("targets", Item::Array(vec![Item::bytes(canister.as_slice())])),
    ]);
    let link = Item::map([("delegation", delegation), ("signature", Item::bytes([7; 64]))]);
    let signature = Item::Tag(
        55_799,
        Box::new(Item::map([("certificate", Item::bytes([1; 40])), ("tree", Item::Array(vec![Item::Plain(0, 0)]))])),
    );
    Item::map([
        ("content", content(kind, sender.as_slice(), canister)),
        ("sender_pubkey", Item::bytes(public)),
        ("sender_sig", Item::bytes(signature.write())),
        ("sender_delegation", Item::Array(vec![link])),
    ])
}

impl Requests {
    pub fn new() -> anyhow::Result<Requests> {
        let served = Served::new()?;
        let canister = served.canister;
        let endpoints = [("v2", "query"), ("v2", "read_state"), ("v2", "call"), ("v3", "call")];
        let endpoints = endpoints.map(|(version, name)| served.endpoint(version, name)).to_vec();
        let anonymous = Principal::anonymous();
        let unsigned = |kind| Item::map([("content", content(kind, anonymous.as_slice(), canister))]);
        let mut corpus = ["query", "read_state", "call"].map(unsigned).to_vec();
        for key in KEYS {
            let key = hex::decode(key).context("a key")?;
            corpus.extend(["query", "call"].map(|kind| signed(kind, canister, &key)));
        }
        let corpus = corpus.iter().map(|item| Item::Tag(55_799, Box::new(item.clone())).write()).collect();
        Ok(Requests { _served: served, endpoints, corpus })
    }
}

/// Makes the sender of a request the one whose key it shows: what comes after that is to be reached.
fn with_sender_of_its_key(input: &[u8]) -> Option<Vec<u8>> {
    let mut item = Item::read(input)?;
    let Item::Tag(_, envelope) = &mut item else { return None };
    let Item::Map(entries) = envelope.as_mut() else { return None };
    let value =
        |entries: &[Item], name: &str| entries.iter().position(|item| *item == Item::text(name)).map(|at| at + 1);
    let key = match entries.get(value(entries, "sender_pubkey")?)? {
        Item::Bytes(key) => key.clone(),
        other => other.write(),
    };
    let place = value(entries, "content")?;
    let Item::Map(content) = entries.get_mut(place)? else { return None };
    let place = value(content, "sender")?;
    *content.get_mut(place)? = Item::bytes(Principal::self_authenticating(&key).as_slice());
    Some(item.write())
}

impl Target for Requests {
    fn name(&self) -> &'static str {
        "request"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Cbor(0)
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let body = with_sender_of_its_key(input).unwrap_or_else(|| input.to_vec());
        let endpoint = &self.endpoints[input.len() % self.endpoints.len()];
        post(endpoint, body)
    }
}
