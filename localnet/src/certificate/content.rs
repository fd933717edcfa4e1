//! What stands in the state tree ("The system state tree").

use super::state::to_cbor;
use super::tree::Tree;
use crate::canister::Canister;
use crate::compiled::Compiled;
use crate::net::{Net, RequestStatus};
use crate::representation::leb128;
use crate::subnet::{FIRST_ID, LAST_CANISTER, Subnet, canister_id};
use candid::Principal;
use serde::Serialize;
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

/// "Canister information" and "Certified data".
pub(super) fn canister_tree(canister: &Canister) -> Tree {
    let controllers: Vec<ByteBuf> = canister.controllers.iter().map(bytes).collect();
    let mut fields = vec![
        ("certified_data", Tree::leaf(canister.certified_data.as_slice())),
        ("controllers", Tree::leaf(to_cbor(&controllers))),
    ];
    if let Some(code) = &canister.code {
        let metadata = code.compiled.metadata.get_or_init(|| metadata_tree(&code.compiled));
        fields.push(("metadata", metadata.clone()));
        fields.push(("module_hash", Tree::leaf(code.compiled.hash.as_slice())));
    }
    Tree::node(fields)
}

fn metadata_tree(compiled: &Compiled) -> Tree {
    let sections = compiled.info.metadata.iter();
    Tree::node(sections.map(|(name, section)| (name, Tree::leaf(section.content.as_slice()))))
}

/// "Subnet information".
pub(super) fn subnet_tree(net: &Net) -> Tree {
    let subnet = &net.subnet;
    let node = Tree::node([("public_key", Tree::leaf(subnet.node.public_key()))]);
    let fields = [
        ("canister_ranges", Tree::leaf(ranges())),
        ("metrics", Tree::leaf(to_cbor(&Metrics::of(net)))),
        ("node", Tree::node([(subnet.node.id(), node)])),
        ("public_key", Tree::leaf(&*subnet.root_key)),
        ("type", Tree::leaf(b"application".as_slice())),
    ];
    Tree::node([(subnet.id, Tree::node(fields))])
}

/// The canister ids of the subnet once more, as certificates of newer endpoints have them.
pub(super) fn canister_ranges(subnet: &Subnet) -> Tree {
    let first = canister_id(FIRST_ID);
    Tree::node([(subnet.id, Tree::node([(first, Tree::leaf(ranges()))]))])
}

fn ranges() -> Vec<u8> {
    to_cbor(&[(bytes(&canister_id(FIRST_ID)), bytes(&canister_id(LAST_CANISTER)))])
}

/// "Subnet information", the metrics.
#[derive(Serialize)]
struct Metrics {
    num_canisters: u64,
    canister_state_bytes: u64,
    /// The low and the high half.
    consumed_cycles_total: BTreeMap<u8, u64>,
    update_transactions_total: u64,
}

impl Metrics {
    fn of(net: &Net) -> Self {
        let size = |canister: &Canister| {
            let code = canister.code.as_ref();
            code.map_or(0, |code| code.image.heap.bytes() as u64).saturating_add(canister.stable.bytes())
        };
        let consumed = net.cycles_account().burned;
        let mut halves = BTreeMap::from([(0, consumed as u64)]);
        if let Ok(high @ 1..) = u64::try_from(consumed >> 64) {
            halves.insert(1, high);
        }
        Self {
            num_canisters: net.canisters.keys().count() as u64,
            canister_state_bytes: net.canisters.values().map(size).sum(),
            consumed_cycles_total: halves,
            update_transactions_total: net.transactions(),
        }
    }
}

/// "Request status".
pub(super) fn status_tree(status: &RequestStatus) -> Tree {
    let text = |text: &str| Tree::leaf(text.as_bytes());
    let mut fields = vec![("status", text(status.name()))];
    match status {
        RequestStatus::Replied(reply) => fields.push(("reply", Tree::leaf(reply.as_slice()))),
        RequestStatus::Rejected(reject) => {
            fields.push(("reject_code", Tree::leaf(leb128(reject.code.number().into()))));
            fields.push(("reject_message", text(&reject.message)));
            fields.extend(reject.error_code().map(|code| ("error_code", text(code))));
        }
        RequestStatus::Received | RequestStatus::Processing | RequestStatus::Done => {}
    }
    Tree::node(fields)
}

fn bytes(principal: &Principal) -> ByteBuf {
    ByteBuf::from(principal.as_slice().to_vec())
}
