//! One execution: what the canister is told, and what it did.
//!
//! The System API reads and writes only this. Effects (calls, the answer, cycles, certified data,
//! the timer) are applied by the network after the execution succeeded; after a trap they are dropped
//! with it.

use crate::account::Upkeep;
use crate::config::Limits;
use crate::costs::{CallPrice, Costs};
use crate::entry::Entry;
use crate::log::Printed;
use crate::reject::Reject;
use crate::stable::StableMemory;
use candid::Principal;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A function in the canister's table with its environment ("ic0.call_new").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Closure {
    pub(crate) fun: u32,
    pub(crate) env: u64,
}

/// A call made with `ic0.call_perform`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OutgoingCall {
    pub(crate) callee: Principal,
    pub(crate) method: String,
    pub(crate) arg: Vec<u8>,
    pub(crate) cycles: u128,
    /// What the caller has paid and set aside for it.
    pub(crate) price: CallPrice,
    pub(crate) reply: Closure,
    pub(crate) reject: Closure,
    pub(crate) cleanup: Option<Closure>,
    /// Seconds a best-effort response is waited for; none for a guaranteed one.
    pub(crate) timeout_seconds: Option<u32>,
}

/// The answer to a call.
pub(crate) type Response = Result<Vec<u8>, Reject>;

/// What does not change during an execution.
#[derive(Clone)]
pub(crate) struct Facts {
    pub(crate) entry: Entry,
    pub(crate) canister: Principal,
    pub(crate) caller: Principal,
    pub(crate) time: u64,
    pub(crate) arg: Arc<[u8]>,
    pub(crate) method: String,
    /// Set in a reject callback.
    pub(crate) reject: Option<Reject>,
    pub(crate) cycles_refunded: u128,
    /// When the caller stops waiting; 0 if the response is guaranteed.
    pub(crate) deadline: u64,
    pub(crate) status: u32,
    pub(crate) version: u64,
    pub(crate) controllers: Arc<[Principal]>,
    pub(crate) environment: Arc<[(String, String)]>,
    pub(crate) root_key: Arc<[u8]>,
    pub(crate) subnet: Principal,
    /// Whether the call was answered by an earlier execution of the same call context.
    pub(crate) answered: bool,
    /// Instructions of earlier executions of the same call context.
    pub(crate) earlier_instructions: u64,
    pub(crate) instruction_limit: u64,
    pub(crate) reply_limit: usize,
    /// Bytes of the heap beyond which the execution traps, if it is of a kind that does.
    pub(crate) wasm_memory_limit: Option<u64>,
    /// Whether the code has a 64-bit memory.
    pub(crate) memory64: bool,
    /// Whether memory grows only as far as the balance covers its upkeep.
    pub(crate) growth_must_be_covered: bool,
    pub(crate) costs: Costs,
    pub(crate) limits: Limits,
    pub(crate) certificate: Option<Arc<[u8]>>,
    /// A query called by a query, which gets no certificate.
    pub(crate) nested: bool,
    pub(crate) replicated: bool,
    /// A fault: no memory is to be had.
    pub(crate) growth_refused: bool,
    /// A fault: the call whose `ic0.call_perform` fails, counted from 1.
    pub(crate) refused_call: Option<u64>,
}

/// What an execution changes.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) stable: StableMemory,
    pub(crate) balance: u128,
    /// What decides how much of the balance is frozen; grows with the memories.
    pub(crate) upkeep: Upkeep,
    /// Cycles that were taken from the balance for good.
    pub(crate) burned: u128,
    /// Cycles of the call that are not accepted yet.
    pub(crate) cycles_available: u128,
    pub(crate) cycles_accepted: u128,
    pub(crate) certified_data: Option<Vec<u8>>,
    /// Deadline of the global timer; 0 if it is not set.
    pub(crate) timer: u64,
    pub(crate) reply_data: Vec<u8>,
    pub(crate) response: Option<Response>,
    pub(crate) calls: Vec<OutgoingCall>,
    /// Times that `ic0.call_perform` was called.
    pub(crate) performed: u64,
    /// Between `ic0.call_new` and `ic0.call_perform`.
    pub(crate) pending_call: Option<OutgoingCall>,
    /// How many calls to a canister are outstanding already.
    pub(crate) outstanding: std::collections::BTreeMap<Principal, usize>,
    pub(crate) accepted_message: bool,
    /// What was printed; kept even if the execution traps.
    pub(crate) log: Printed,
}

/// Facts and effects of the running execution.
pub(crate) struct Execution {
    pub(crate) facts: Facts,
    pub(crate) effects: Effects,
}

impl Execution {
    /// Cycles that can be spent without falling below the freezing threshold ("Liquid cycles balance").
    pub(crate) fn liquid(&self) -> u128 {
        self.effects.balance.saturating_sub(self.effects.upkeep.frozen(&self.facts.costs))
    }

    /// Notes that a memory grows; refused if the canister would freeze.
    pub(crate) fn grow_memory(&mut self, bytes: u64) -> Result<(), Violation> {
        let upkeep = &mut self.effects.upkeep;
        upkeep.memory_usage = upkeep.memory_usage.saturating_add(bytes);
        let missing = upkeep.frozen(&self.facts.costs).saturating_sub(self.effects.balance);
        if missing > 0 && self.facts.growth_must_be_covered {
            return Err(Violation::GrowthOutOfCycles { bytes, missing });
        }
        Ok(())
    }
}

/// How an execution ended without finishing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("Canister called `ic0.trap` with message: '{0}'")]
    Trap(String),
    #[error("Canister violated contract: {0}")]
    Contract(String),
    #[error("Canister trapped: {0}")]
    Memory(&'static str),
    #[error(
        "Canister exceeded its current Wasm memory limit of {limit} bytes. The peak Wasm memory usage was {bytes} bytes."
    )]
    WasmMemoryLimit { bytes: u64, limit: u64 },
    #[error("Canister is out of cycles: it needs {needed} cycles and can spend {held}")]
    OutOfCycles { needed: u128, held: u128 },
    #[error(
        "Canister cannot grow memory by {bytes} bytes due to insufficient cycles. At least {missing} additional cycles are required."
    )]
    GrowthOutOfCycles { bytes: u64, missing: u128 },
    /// Not the canister's doing: the execution is repeated with a certificate.
    #[error("the certificate is being prepared")]
    CertificateWanted,
}

impl Violation {
    pub(crate) fn contract(text: impl Into<String>) -> Self {
        Self::Contract(text.into())
    }

    /// Error code of the network ("Error codes").
    pub(crate) fn number(&self) -> u32 {
        match self {
            Self::Trap(_) => 503,
            Self::Contract(_) => 504,
            Self::Memory(_) | Self::CertificateWanted => 502,
            Self::OutOfCycles { .. } => 501,
            Self::GrowthOutOfCycles { .. } => 532,
            Self::WasmMemoryLimit { .. } => 539,
        }
    }
}
