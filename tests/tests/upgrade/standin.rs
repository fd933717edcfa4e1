//! Modules that stand in for a token's next version and behave in a way of their own.

use crate::interface::{TOKEN, methods};
use cairn_events::Principal;
use cairn_kit::api::contract::{ConfirmError, ContractHealth};
use candid::{CandidType, Nat};
use std::collections::BTreeMap;

/// Where the answers lie in memory.
const ANSWERS: usize = 1_024;

/// A module with the methods of a token. Those without an answer do nothing: whoever calls them hears that there is none.
/// Stable memory is left alone.
#[derive(Default)]
pub struct StandIn {
    answers: BTreeMap<&'static str, Vec<u8>>,
    post_upgrade: String,
}

impl StandIn {
    /// One that answers nothing.
    pub fn mute() -> Self {
        StandIn::default()
    }

    /// One that answers its factory as a contract does that is well.
    pub fn well() -> Self {
        StandIn::mute()
            .answering("canUpgrade", &Ok::<(), String>(()))
            .answering("getContractHealth", &health(None))
            .answering("confirmUpgrade", &Ok::<(), ConfirmError>(()))
    }

    /// One that says that something is wrong with it.
    pub fn unwell() -> Self {
        StandIn::well().answering("getContractHealth", &health(Some("its books do not add up")))
    }

    /// One that does not want to be upgraded.
    pub fn reluctant() -> Self {
        StandIn::well().answering("canUpgrade", &Err::<(), String>("not today".to_owned()))
    }

    /// Traps when it is to take the place of other code.
    pub fn trapping(mut self) -> Self {
        self.post_upgrade = "(unreachable)".to_owned();
        self
    }

    /// The same, in these canisters only.
    pub fn trapping_in(mut self, canisters: &[Principal]) -> Self {
        // The first eight bytes of an id are the canister's number.
        let number = |id: &Principal| u64::from_le_bytes(id.as_slice()[..8].try_into().unwrap());
        self.post_upgrade = "(call $self (i32.const 0) (i32.const 0) (i32.const 8))".to_owned();
        for id in canisters {
            let is_it = format!("(i64.eq (i64.load (i32.const 0)) (i64.const {}))", number(id));
            self.post_upgrade += &format!("(if {is_it} (then (unreachable)))");
        }
        self
    }

    fn answering(mut self, method: &'static str, answer: &impl CandidType) -> Self {
        self.answers.insert(method, candid::encode_one(answer).unwrap());
        self
    }

    /// The module.
    pub fn module(&self) -> Vec<u8> {
        let (mut functions, mut data) = (String::new(), Vec::<u8>::new());
        for method in methods(TOKEN) {
            let body = self.answers.get(method.name.as_str()).map(|answer| {
                let (address, length) = (ANSWERS + data.len(), answer.len());
                data.extend(answer);
                format!("(call $append (i32.const {address}) (i32.const {length})) (call $reply)")
            });
            functions += &format!("(func (export \"{}\") {})", method.export(), body.unwrap_or_default());
        }
        let data: String = data.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let post_upgrade = &self.post_upgrade;
        let text = format!(
            r#"(module
                (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
                (import "ic0" "msg_reply" (func $reply))
                (import "ic0" "canister_self_copy" (func $self (param i32 i32 i32)))
                (memory (export "memory") 1)
                (data (i32.const {ANSWERS}) "{data}")
                (func (export "canister_post_upgrade") {post_upgrade})
                {functions})"#
        );
        wat::parse_str(text).unwrap()
    }
}

/// What a contract says of itself. A problem is believed only in quarantine.
fn health(problem: Option<&str>) -> ContractHealth {
    ContractHealth {
        problem: problem.map(str::to_owned),
        quarantined: problem.is_some(),
        epoch: 1,
        cycles: Nat::from(0_u8),
        stableBytes: 0,
    }
}
