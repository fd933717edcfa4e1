//! Certificates, their delegations, and canisters' trees: signed anew after they were changed, so that what lies behind
//! the signatures is reached, too.

use super::truth::Truth;
use crate::mutation::Shape;
use crate::sample::{der, key};
use crate::target::{Target, Verdict, ensure};
use crate::tree::Item;
use cairn_events::question::Answer;
use cairn_verifier::verify_answer;
use ic_cbor::HashTreeToCbor;
use ic_certification::HashTree;

/// The tag that says "this is CBOR".
const SELF_DESCRIBED: u64 = 55_799;
/// A subnet.
const SUBNET: [u8; 29] = [5; 29];

/// `[state tree, tree of the delegation or null, canister's tree]`, unsigned.
pub struct Certificates {
    truth: Truth,
    corpus: Vec<Vec<u8>>,
    /// The digest of the canister's tree, as the state trees have it.
    certified: [u8; 32],
}

fn label(name: impl Into<Vec<u8>>, child: Item) -> Item {
    Item::Array(vec![Item::Plain(0, 2), Item::Bytes(name.into()), child])
}

fn leaf(content: impl Into<Vec<u8>>) -> Item {
    Item::Array(vec![Item::Plain(0, 3), Item::Bytes(content.into())])
}

fn fork(left: Item, right: Item) -> Item {
    Item::Array(vec![Item::Plain(0, 1), left, right])
}

/// A canister ranges' leaf.
fn ranges(of: &[(&[u8], &[u8])]) -> Item {
    let pair = |(from, to): &(&[u8], &[u8])| Item::Array(vec![Item::bytes(*from), Item::bytes(*to)]);
    leaf(Item::Tag(SELF_DESCRIBED, Box::new(Item::Array(of.iter().map(pair).collect()))).write())
}

/// The digest of a tree; of no tree, none in particular.
fn digest(tree: &Item) -> [u8; 32] {
    HashTree::from_cbor(&tree.write()).map(|tree| tree.digest()).unwrap_or_default()
}

/// A certificate of `tree`.
fn sealed(tree: &Item, signer: u8, delegation: Option<Item>) -> Vec<u8> {
    let message = [b"\x0Dic-state-root".to_vec(), digest(tree).to_vec()].concat();
    let signature = Item::bytes(key(signer).sign(&message).serialize());
    let entries = [("tree", tree.clone()), ("signature", signature)].into_iter();
    let entries = entries.chain(delegation.map(|delegation| ("delegation", delegation)));
    Item::Tag(SELF_DESCRIBED, Box::new(Item::map(entries))).write()
}

impl Certificates {
    pub fn new() -> Certificates {
        let truth = Truth::new();
        let claim = truth.claim();
        let own = Item::read(&claim.hash_tree()[3..]).unwrap();
        let certified = digest(&own);
        let canister = truth.policy.canister;
        let id = canister.as_slice();
        let state = |data: Item| {
            fork(
                label("canister", label(id, label("certified_data", data))),
                label("time", leaf([0x80_u8, 0x80, 0x40])),
            )
        };
        let told = |ranges: Item| fork(ranges, label("subnet", label(SUBNET, label("public_key", leaf(der(&key(5)))))));
        let shard = |list| label("canister_ranges", label(SUBNET, label(id, list)));
        let older = label(
            "subnet",
            label(SUBNET, fork(label("canister_ranges", ranges(&[(id, id)])), label("public_key", leaf(der(&key(5)))))),
        );
        let delegations = [
            Item::Plain(7, 22),
            told(shard(ranges(&[(id, id)]))),
            told(shard(ranges(&[(&[0], &[1; 10]), (id, &[255; 29])]))),
            older,
        ];
        let corpus = delegations.map(|told| Item::Array(vec![state(leaf(certified)), told, own.clone()]).write());
        Certificates { truth, corpus: corpus.to_vec(), certified }
    }

    /// Signs what was changed.
    fn sign(&self, state: &Item, told: &Item, own: &Item) -> (Vec<u8>, Vec<u8>) {
        let own = Item::Tag(SELF_DESCRIBED, Box::new(own.clone()));
        let Item::Tag(_, tree) = &own else { unreachable!() };
        // The state certifies the canister's tree as it has become.
        let state = Item::read(&replaced(&state.write(), &self.certified, &digest(tree))).unwrap_or(state.clone());
        let certificate = match told {
            Item::Plain(7, _) => sealed(&state, 1, None),
            told => {
                let told = Item::bytes(sealed(told, 1, None));
                let delegation = Item::map([("subnet_id", Item::bytes(SUBNET)), ("certificate", told)]);
                sealed(&state, 5, Some(delegation))
            }
        };
        (own.write(), certificate)
    }
}

fn replaced(bytes: &[u8], from: &[u8; 32], to: &[u8; 32]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(at) = bytes.windows(32).position(|window| window == from) {
        bytes[at..at + 32].copy_from_slice(to);
    }
    bytes
}

impl Target for Certificates {
    fn name(&self) -> &'static str {
        "certificate"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Cbor(0)
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let (hash_tree, certificate) = match Item::read(input) {
            Some(Item::Array(parts)) if parts.len() == 3 => self.sign(&parts[0], &parts[1], &parts[2]),
            _ => (input.to_vec(), input.to_vec()),
        };
        let answer = Answer { hash_tree, certificate, ..Answer::default() };
        let verdict = verify_answer(&Truth::end_of_log(), &answer, &self.truth.policy, None);
        if let Ok(answered) = &verdict {
            ensure(answered.tip.log == self.truth.policy.log, || "the end of another log is accepted".to_owned())?;
        }
        Ok(Verdict::from(&verdict))
    }
}
