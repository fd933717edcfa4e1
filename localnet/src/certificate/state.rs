//! The system state tree and certificates about it.

use super::key::RootKey;
use super::tree::Tree;
use crate::canister::Canister;
use crate::compiled::Compiled;
use crate::execution::Response;
use crate::net::{MessageId, Net};
use crate::subnet::{FIRST_CANISTER, LAST_CANISTER, Subnet, canister_id};
use candid::Principal;
use ic_certification::Certificate;
use ic_certification::hash_tree::Hash;
use serde::Serialize;
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A path in the state tree.
type Path = Vec<Vec<u8>>;

/// CBOR's tag of self-described data, which certificates begin with.
const SELF_DESCRIBED: [u8; 3] = [0xd9, 0xd9, 0xf7];
const SEPARATOR: &[u8] = b"\x0Dic-state-root";

/// What is remembered between certificates: they are asked for more often than the tree changes.
#[derive(Clone, Default)]
pub(crate) struct Certifier {
    signed: Option<(Hash, Vec<u8>)>,
    canisters: BTreeMap<Principal, Hashed>,
    /// Root of the statuses of calls; cleared when one of them changes.
    pub(crate) request_status: Option<Hash>,
}

/// The hash of a canister's subtree, and what it was computed from.
#[derive(Clone)]
struct Hashed {
    certified_data: Vec<u8>,
    controllers: Arc<[Principal]>,
    module_hash: Option<[u8; 32]>,
    digest: Hash,
}

/// The state tree at one moment, with the root's signature once somebody needs it. It stays valid
/// while the network goes on.
pub(crate) struct CertifiedState {
    tree: Tree,
    key: Arc<RootKey>,
    signature: OnceLock<Vec<u8>>,
}

impl CertifiedState {
    /// The certificate a query of this canister sees ("Certified data").
    pub(crate) fn data_certificate(&self, id: Principal) -> Arc<[u8]> {
        let path = [b"canister".to_vec(), id.as_slice().to_vec(), b"certified_data".to_vec()];
        let tree = self.tree.reveal(&[&path, &[b"time".to_vec()]]);
        let signature = self.signature.get_or_init(|| self.key.sign(&[SEPARATOR, &tree.digest()].concat()));
        to_cbor(&Certificate { tree, signature: signature.clone(), delegation: None }).into()
    }
}

impl Net {
    /// The state tree of this moment, with all certified data.
    pub(crate) fn certified_state(&mut self) -> Arc<CertifiedState> {
        let tree = self.state_tree(&[vec![b"canister".to_vec()]]);
        Arc::new(CertifiedState { tree, key: Arc::clone(&self.subnet.key), signature: OnceLock::new() })
    }

    /// A certificate that reveals the time and these paths ("Request: Read state"): CBOR, signed with
    /// the root key.
    pub fn read_state(&mut self, paths: &[Vec<Vec<u8>>]) -> Vec<u8> {
        self.certificate(paths)
    }

    fn certificate(&mut self, paths: &[Path]) -> Vec<u8> {
        let tree = self.state_tree(paths);
        let time = [b"time".to_vec()];
        let mut revealed: Vec<&[Vec<u8>]> = paths.iter().map(Vec::as_slice).collect();
        revealed.push(&time);
        let view = tree.reveal(&revealed);
        let root = view.digest();
        let signature = match &self.certifier.signed {
            Some((signed, signature)) if *signed == root => signature.clone(),
            _ => {
                let signature = self.subnet.key.sign(&[SEPARATOR, &root].concat());
                self.certifier.signed = Some((root, signature.clone()));
                signature
            }
        };
        to_cbor(&Certificate { tree: view, signature, delegation: None })
    }

    fn state_tree(&mut self, paths: &[Path]) -> Tree {
        let canisters = self.canisters.values().map(|canister| {
            let wanted = |field: Option<&[u8]>| {
                paths.iter().any(|path| match path.as_slice() {
                    [first, rest @ ..] if first == b"canister" => {
                        rest.first().is_none_or(|id| id == canister.id.as_slice())
                            && field.is_none_or(|field| rest.get(1).is_none_or(|name| name == field))
                    }
                    path => path.is_empty(),
                })
            };
            let tree = if wanted(None) {
                canister_tree(canister, wanted(Some(b"metadata")))
            } else {
                Tree::Digest(self.certifier.canister_digest(canister))
            };
            (canister.id.as_slice(), tree)
        });
        let canisters = Tree::node(canisters);
        Tree::node([
            ("canister", canisters),
            ("canister_ranges", canister_ranges(&self.subnet)),
            ("request_status", self.request_status(paths)),
            ("subnet", subnet_tree(&self.subnet)),
            ("time", Tree::Leaf(leb128(self.subnet.time.into()))),
        ])
    }

    fn request_status(&mut self, paths: &[Path]) -> Tree {
        let wanted = paths.iter().any(|path| path.first().is_none_or(|first| first == b"request_status"));
        if let (false, Some(digest)) = (wanted, self.certifier.request_status) {
            return Tree::Digest(digest);
        }
        let requests = self.ingress_statuses();
        let tree = Tree::node(requests.map(|(id, response)| (id.request_id(), status_tree(response))));
        self.certifier.request_status = Some(tree.digest());
        tree
    }
}

impl Certifier {
    fn canister_digest(&mut self, canister: &Canister) -> Hash {
        let module_hash = canister.code.as_ref().map(|code| code.compiled.hash);
        if let Some(hashed) = self.canisters.get(&canister.id)
            && hashed.module_hash == module_hash
            && hashed.certified_data == canister.certified_data
            && hashed.controllers == canister.controllers
        {
            return hashed.digest;
        }
        let digest = canister_tree(canister, false).digest();
        let hashed = Hashed {
            certified_data: canister.certified_data.clone(),
            controllers: Arc::clone(&canister.controllers),
            module_hash,
            digest,
        };
        self.canisters.insert(canister.id, hashed);
        digest
    }
}

fn canister_tree(canister: &Canister, with_metadata: bool) -> Tree {
    let controllers: Vec<ByteBuf> = canister.controllers.iter().map(bytes).collect();
    let mut fields = vec![
        ("certified_data", Tree::Leaf(canister.certified_data.clone())),
        ("controllers", Tree::Leaf(to_cbor(&controllers))),
    ];
    if let Some(code) = &canister.code {
        let metadata = if with_metadata {
            metadata_tree(&code.compiled)
        } else {
            let digest = code.compiled.metadata_digest.get_or_init(|| metadata_tree(&code.compiled).digest());
            Tree::Digest(*digest)
        };
        fields.push(("metadata", metadata));
        fields.push(("module_hash", Tree::Leaf(code.compiled.hash.to_vec())));
    }
    Tree::node(fields)
}

fn metadata_tree(compiled: &Compiled) -> Tree {
    let sections = compiled.info.metadata.iter();
    Tree::node(sections.map(|(name, section)| (name.as_bytes(), Tree::Leaf(section.content.clone()))))
}

fn subnet_tree(subnet: &Subnet) -> Tree {
    let fields = [
        ("canister_ranges", Tree::Leaf(to_cbor(&[range()]))),
        ("public_key", Tree::Leaf(subnet.root_key.to_vec())),
        ("type", Tree::Leaf(b"application".to_vec())),
    ];
    Tree::node([(subnet.id.as_slice(), Tree::node(fields))])
}

fn canister_ranges(subnet: &Subnet) -> Tree {
    let first = canister_id(FIRST_CANISTER);
    let ranges = Tree::Leaf(to_cbor(&[range()]));
    Tree::node([(subnet.id.as_slice(), Tree::node([(first.as_slice(), ranges)]))])
}

fn range() -> (ByteBuf, ByteBuf) {
    (bytes(&canister_id(FIRST_CANISTER)), bytes(&canister_id(LAST_CANISTER)))
}

fn status_tree(response: Option<&Response>) -> Tree {
    let text = |text: &str| Tree::Leaf(text.as_bytes().to_vec());
    match response {
        None => Tree::node([("status", text("processing"))]),
        Some(Ok(reply)) => Tree::node([("status", text("replied")), ("reply", Tree::Leaf(reply.clone()))]),
        Some(Err(reject)) => {
            let code = leb128(reject.code.number().into());
            let mut fields = vec![
                ("status", text("rejected")),
                ("reject_code", Tree::Leaf(code)),
                ("reject_message", text(&reject.message)),
            ];
            fields.extend(reject.error_code().map(|code| ("error_code", text(code))));
            Tree::node(fields)
        }
    }
}

fn bytes(principal: &Principal) -> ByteBuf {
    ByteBuf::from(principal.as_slice().to_vec())
}

fn to_cbor(value: &impl Serialize) -> Vec<u8> {
    let mut encoded = SELF_DESCRIBED.to_vec();
    // Byte strings, arrays and hash trees always have an encoding.
    encoded.extend(serde_cbor::to_vec(value).unwrap_or_default());
    encoded
}

fn leb128(mut value: u128) -> Vec<u8> {
    let mut encoded = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            encoded.push(low);
            return encoded;
        }
        encoded.push(low | 0x80);
    }
}

impl MessageId {
    /// The 32 bytes under which the state tree holds the status of the call ("Request status").
    pub fn request_id(&self) -> [u8; 32] {
        use sha2::Digest;
        let mut hasher = sha2::Sha256::new();
        hasher.update(b"localnet request");
        hasher.update(self.number().to_be_bytes());
        hasher.finalize().into()
    }
}
