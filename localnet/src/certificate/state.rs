//! The system state tree as of now, and certificates about it.

use super::children::Children;
use super::content::{canister_ranges, canister_tree, status_tree, subnet_tree};
use super::key::RootKey;
use super::tree::Tree;
use crate::canister::Canister;
use crate::net::Net;
use crate::representation::leb128;
use candid::Principal;
use ic_certification::Certificate;
use ic_certification::hash_tree::Hash;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A path in the state tree.
pub(super) type Path = Vec<Vec<u8>>;

/// CBOR's tag of self-described data, which certificates begin with.
const SELF_DESCRIBED: [u8; 3] = [0xd9, 0xd9, 0xf7];
const SEPARATOR: &[u8] = b"\x0Dic-state-root";

/// The state tree at one moment, with the root's signature once somebody needs it. It stays valid
/// while the network goes on.
#[derive(Debug)]
pub struct CertifiedState {
    tree: Tree,
    root: Hash,
    key: Arc<RootKey>,
    signature: OnceLock<Vec<u8>>,
}

impl CertifiedState {
    /// A certificate that reveals the time and these paths ("Certificate"): CBOR, signed with the
    /// root key, without delegation.
    pub fn certificate(&self, paths: &[Vec<Vec<u8>>]) -> Vec<u8> {
        let time = [b"time".to_vec()];
        let mut revealed: Vec<&[Vec<u8>]> = paths.iter().map(Vec::as_slice).collect();
        revealed.push(&time);
        let tree = self.tree.reveal(&revealed);
        let signature = self.signature.get_or_init(|| self.key.sign(&[SEPARATOR, &self.root].concat()));
        to_cbor(&Certificate { tree, signature: signature.clone(), delegation: None })
    }

    /// The certificate that a query of this canister sees ("Certified data").
    pub(crate) fn data_certificate(&self, id: Principal) -> Arc<[u8]> {
        let canister = [b"canister".to_vec(), id.as_slice().to_vec(), b"certified_data".to_vec()];
        self.certificate(&[canister.to_vec()]).into()
    }
}

/// The parts of the tree that are kept up to date: only what changed is hashed again.
#[derive(Clone, Default)]
pub(crate) struct Certifier {
    canisters: Children,
    /// What the subtrees in `canisters` were made of.
    known: BTreeMap<Principal, Known>,
    requests: Children,
    latest: Option<Arc<CertifiedState>>,
}

#[derive(Clone, PartialEq)]
struct Known {
    certified_data: Vec<u8>,
    controllers: Arc<[Principal]>,
    module_hash: Option<[u8; 32]>,
}

impl Known {
    fn is_current(&self, canister: &Canister) -> bool {
        self.module_hash == canister.code.as_ref().map(|code| code.compiled.hash)
            && self.certified_data == canister.certified_data
            && self.controllers == canister.controllers
    }
}

impl Net {
    /// A certificate that reveals the time and these paths, whoever may ask for them: CBOR, signed
    /// with the root key. [`Net::read_state_as`] applies the rules.
    pub fn read_state(&mut self, paths: &[Vec<Vec<u8>>]) -> Vec<u8> {
        self.certified_state().certificate(paths)
    }

    /// The state tree of this moment, ready to be certified from any thread.
    pub fn certified_state(&mut self) -> Arc<CertifiedState> {
        self.certify_canisters();
        self.certify_requests();
        let tree = Tree::node([
            ("canister", Tree::Node(self.certifier.canisters.clone())),
            ("canister_ranges", canister_ranges(&self.subnet)),
            ("request_status", Tree::Node(self.certifier.requests.clone())),
            ("subnet", subnet_tree(self)),
            ("time", Tree::leaf(leb128(self.subnet.time.into()))),
        ]);
        let root = tree.digest();
        match &self.certifier.latest {
            Some(state) if state.root == root => Arc::clone(state),
            _ => {
                let key = Arc::clone(&self.subnet.key);
                let state = Arc::new(CertifiedState { tree, root, key, signature: OnceLock::new() });
                self.certifier.latest = Some(Arc::clone(&state));
                state
            }
        }
    }

    fn certify_canisters(&mut self) {
        let Certifier { canisters, known, .. } = &mut self.certifier;
        for canister in self.canisters.values() {
            let id = &canister.id;
            if known.get(id).is_some_and(|known| known.is_current(canister)) {
                continue;
            }
            canisters.insert(id.as_slice(), canister_tree(canister));
            let now = Known {
                certified_data: canister.certified_data.clone(),
                controllers: Arc::clone(&canister.controllers),
                module_hash: canister.code.as_ref().map(|code| code.compiled.hash),
            };
            known.insert(*id, now);
        }
        if known.len() > self.canisters.keys().count() {
            known.retain(|id, _| {
                let exists = self.canisters.contains_key(id);
                if !exists {
                    canisters.remove(id.as_slice());
                }
                exists
            });
        }
    }

    fn certify_requests(&mut self) {
        for id in self.requests.take_changed() {
            match self.requests.status(&id) {
                Some(status) => self.certifier.requests.insert(id.as_bytes(), status_tree(status)),
                None => self.certifier.requests.remove(id.as_bytes()),
            }
        }
    }
}

pub(super) fn to_cbor(value: &impl Serialize) -> Vec<u8> {
    let mut encoded = SELF_DESCRIBED.to_vec();
    // Byte strings, arrays, maps and hash trees always have an encoding.
    encoded.extend(serde_cbor::to_vec(value).unwrap_or_default());
    encoded
}
