//! Requests to localnet from people who sign them, by keys of every kind and through delegations: signed anew after
//! they were changed, so that what lies behind the signatures is reached. How a request was made says whether it is to
//! be taken.

mod keys;

use super::server::{Served, post};
use crate::mutation::Shape;
use crate::target::{Target, Verdict, ensure};
use ic_agent::agent::{Envelope, EnvelopeContent};
use ic_agent::identity::{Delegation, DelegationPermissions, SignedDelegation};
use keys::{Key, is_whole};
use localnet::Principal;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

/// Links of a chain, names of canisters in a link, bytes of a nonce: as many as there may be.
const LINKS: usize = 20;
const TARGETS: usize = 1_000;
const NONCE: usize = 32;
/// More links show nothing new.
const TRIED: usize = 30;

/// How a request is made. Keys, canisters and kinds of requests go by numbers, times by seconds from now.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Made {
    kind: u8,
    /// Whose key stands first.
    owner: u8,
    /// Whose key has the sender that the request names.
    sender: u8,
    chain: Vec<Link>,
    signer: u8,
    /// What is changed of the signature.
    spoiled: ByteBuf,
    expires: i32,
    nonce: Option<ByteBuf>,
    method: String,
    argument: ByteBuf,
}

/// A delegation.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Link {
    to: u8,
    signer: u8,
    spoiled: ByteBuf,
    expires: i32,
    targets: Option<Vec<u8>>,
    queries_only: Option<bool>,
}

/// The kinds of requests, by number, and their endpoints.
const KINDS: [&str; 3] = ["query", "call", "read_state"];
const CALL: usize = 1;
const READ_STATE: usize = 2;

impl Made {
    fn kind(&self) -> usize {
        usize::from(self.kind) % KINDS.len()
    }
}

/// Requests, and how they are signed, in CBOR.
pub struct Senders {
    served: Served,
    keys: Vec<Key>,
    corpus: Vec<Vec<u8>>,
}

/// A query by one key, or through delegations to the others.
fn through(keys: &[u8]) -> Made {
    let link = |pair: &[u8]| Link {
        to: pair[1],
        signer: pair[0],
        spoiled: ByteBuf::new(),
        expires: 3_600,
        targets: None,
        queries_only: None,
    };
    Made {
        kind: 0,
        owner: keys[0],
        sender: keys[0],
        chain: keys.windows(2).map(link).collect(),
        signer: keys[keys.len() - 1],
        spoiled: ByteBuf::new(),
        expires: 240,
        nonce: Some(ByteBuf::from(vec![7; 8])),
        method: "noop".to_owned(),
        argument: ByteBuf::from(b"DIDL\0\0".to_vec()),
    }
}

fn examples(keys: u8) -> Vec<Made> {
    let long: Vec<u8> = (0..=LINKS as u8).collect();
    let mut examples: Vec<Made> = (0..keys).rev().take(5).map(|key| through(&[key])).collect();
    examples.extend([through(&[0, 1]), through(&[keys - 1, keys - 2, 3, keys - 3]), through(&long)]);
    let mut bound = through(&[2, 3, 4]);
    bound.chain[0].targets = Some(vec![0, 1]);
    bound.chain[1].targets = Some(vec![2, 0]);
    bound.chain[1].queries_only = Some(false);
    let reading = Made { kind: READ_STATE as u8, nonce: None, ..bound.clone() };
    examples.extend([Made { kind: CALL as u8, ..bound.clone() }, reading, bound.clone()]);
    bound.chain[0].queries_only = Some(true);
    examples.extend([Made { kind: CALL as u8, ..bound.clone() }, bound]);
    examples
}

fn permissions(queries_only: bool) -> DelegationPermissions {
    if queries_only { DelegationPermissions::Queries } else { DelegationPermissions::All }
}

/// A time, so many seconds from now.
fn at(seconds: i32) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    now.saturating_add_signed(i64::from(seconds) * 1_000_000_000)
}

/// Whether that time is within bounds when it arrives; nothing where that is a matter of moments.
fn in_time(seconds: i32, most: Option<i32>) -> Option<bool> {
    match seconds {
        ..-5 => Some(false),
        60.. if most.is_none_or(|most| seconds <= most - 60) => Some(true),
        _ if most.is_some_and(|most| seconds > most + 120) => Some(false),
        _ => None,
    }
}

impl Senders {
    pub fn new() -> anyhow::Result<Senders> {
        let (served, keys) = (Served::new()?, keys::all()?);
        let mut corpus = Vec::new();
        for made in examples(u8::try_from(keys.len())?) {
            let mut bytes = Vec::new();
            ciborium::into_writer(&made, &mut bytes)?;
            corpus.push(bytes);
        }
        Ok(Senders { served, keys, corpus })
    }

    fn number(&self, key: u8) -> usize {
        usize::from(key) % self.keys.len()
    }

    fn key(&self, key: u8) -> &Key {
        &self.keys[self.number(key)]
    }

    fn content(&self, made: &Made) -> EnvelopeContent {
        let (ingress_expiry, nonce) = (at(made.expires), made.nonce.clone().map(ByteBuf::into_vec));
        let sender = Principal::self_authenticating(&self.key(made.sender).public);
        let (canister_id, method_name, arg) = (self.served.canister, made.method.clone(), made.argument.to_vec());
        match made.kind() {
            CALL => EnvelopeContent::Call {
                nonce,
                ingress_expiry,
                sender,
                canister_id,
                method_name,
                arg,
                sender_info: None,
            },
            READ_STATE => EnvelopeContent::ReadState { ingress_expiry, sender, paths: vec![vec!["time".into()]] },
            _ => EnvelopeContent::Query {
                ingress_expiry,
                sender,
                canister_id,
                method_name,
                arg,
                nonce,
                sender_info: None,
            },
        }
    }

    fn delegation(&self, link: &Link) -> Result<SignedDelegation, String> {
        // Number 0 is the canister that requests are about.
        let other = |number: u8| Principal::self_authenticating([number]);
        let target = |number: &u8| if *number == 0 { self.served.canister } else { other(*number) };
        let delegation = Delegation {
            pubkey: self.key(link.to).public.clone(),
            expiration: at(link.expires),
            targets: link.targets.as_ref().map(|targets| targets.iter().map(target).collect()),
            permissions: link.queries_only.map(permissions),
        };
        let signature = self.key(link.signer).sign(&delegation.signable(), &link.spoiled)?;
        Ok(SignedDelegation { delegation, signature })
    }

    fn envelope(&self, made: &Made) -> Result<Vec<u8>, String> {
        let content = self.content(made);
        let signature = self.key(made.signer).sign(&content.to_request_id().signable(), &made.spoiled)?;
        let chain: Vec<SignedDelegation> =
            made.chain.iter().map(|link| self.delegation(link)).collect::<Result<_, _>>()?;
        let envelope = Envelope {
            content: Cow::Owned(content),
            sender_pubkey: Some(self.key(made.owner).public.clone()),
            sender_sig: Some(signature),
            sender_delegation: (!chain.is_empty()).then_some(chain),
        };
        Ok(envelope.encode_bytes())
    }

    /// Whether a request made so is to be taken; nothing where that is a matter of moments.
    fn expected(&self, made: &Made) -> Option<bool> {
        let mut holder = self.number(made.owner);
        let mut known = BTreeSet::from([holder]);
        let mut conditions = vec![
            in_time(made.expires, Some(360)),
            Some(self.number(made.sender) == holder),
            Some(made.kind() == READ_STATE || made.nonce.as_ref().is_none_or(|nonce| nonce.len() <= NONCE)),
            Some(made.chain.len() <= LINKS),
        ];
        for Link { to, signer, spoiled, expires, targets, queries_only } in &made.chain {
            let targets = targets.as_deref();
            conditions.extend([
                in_time(*expires, None),
                Some(self.number(*signer) == holder && is_whole(spoiled)),
                Some(targets.is_none_or(|targets| targets.len() <= TARGETS)),
                Some(made.kind() == READ_STATE || targets.is_none_or(|targets| targets.contains(&0))),
                Some(made.kind() != CALL || *queries_only != Some(true)),
            ]);
            holder = self.number(*to);
            // Nobody passes on what they were given before.
            conditions.push(Some(known.insert(holder)));
        }
        conditions.push(Some(self.number(made.signer) == holder && is_whole(&made.spoiled)));
        if conditions.contains(&Some(false)) {
            return Some(false);
        }
        conditions.into_iter().all(|condition| condition == Some(true)).then_some(true)
    }
}

impl Target for Senders {
    fn name(&self) -> &'static str {
        "sender"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Cbor(0)
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let Ok(mut made) = ciborium::from_reader::<Made, _>(input) else { return Ok(Verdict::Refused) };
        made.chain.truncate(TRIED);
        let version = if made.kind() == CALL { "v2" } else { "v3" };
        let endpoint = self.served.endpoint(version, KINDS[made.kind()]);
        let verdict = post(&endpoint, self.envelope(&made)?)?;
        let expected = self.expected(&made);
        let is_right = expected.is_none_or(|expected| expected == (verdict == Verdict::Accepted));
        ensure(is_right, || format!("{verdict:?}, expected: {expected:?}: {made:?}"))?;
        Ok(verdict)
    }
}
