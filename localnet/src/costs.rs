//! What things cost, in cycles: the published formulas of an application subnet with 13 nodes.

use crate::config::Limits;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Nodes of the subnet whose prices and identity this network has.
pub(crate) const NODES: u32 = 13;
/// How often time is charged for.
pub(crate) const CHARGED_EVERY: Duration = Duration::from_secs(10);
const SECONDS_PER_DAY: u128 = 86_400;
const GIB: u128 = 1 << 30;

/// A price list, in cycles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costs {
    /// Creation of a canister by a canister.
    pub creation: u128,
    /// An inter-canister call.
    pub call: u128,
    /// Each byte of an inter-canister call: of its method name, its argument and its response.
    pub call_byte: u128,
    /// An ingress message.
    pub ingress: u128,
    /// Each byte of an ingress message.
    pub ingress_byte: u128,
    /// An execution that may change state.
    pub execution: u128,
    /// Ten instructions of such an execution.
    pub ten_instructions: u128,
    /// The same of code with a 64-bit memory.
    pub ten_instructions_wasm64: u128,
    /// A GiB of memory, used or allocated, for a second.
    pub gib_second: u128,
    /// A percent of compute allocation for a second.
    pub compute_percent_second: u128,
    /// An HTTPS outcall, for each node.
    pub outcall: u128,
    /// The same, for each pair of nodes.
    pub outcall_pair: u128,
    /// Each byte of an HTTPS outcall's request, for each node.
    pub outcall_request_byte: u128,
    /// Each byte that the response may have at most, for each node.
    pub outcall_response_byte: u128,
}

impl Costs {
    /// Only the creation of canisters costs, as on a 13-node subnet: tests need not fill up canisters.
    pub fn creation_only() -> Self {
        Self {
            creation: 500_000_000_000,
            call: 0,
            call_byte: 0,
            ingress: 0,
            ingress_byte: 0,
            execution: 0,
            ten_instructions: 0,
            ten_instructions_wasm64: 0,
            gib_second: 0,
            compute_percent_second: 0,
            outcall: 0,
            outcall_pair: 0,
            outcall_request_byte: 0,
            outcall_response_byte: 0,
        }
    }

    /// The published prices of an application subnet with 13 nodes.
    pub fn thirteen_nodes() -> Self {
        Self {
            creation: 500_000_000_000,
            call: 260_000,
            call_byte: 1_000,
            ingress: 1_200_000,
            ingress_byte: 2_000,
            execution: 5_000_000,
            ten_instructions: 10,
            ten_instructions_wasm64: 20,
            gib_second: 127_000,
            compute_percent_second: 10_000_000,
            outcall: 3_000_000,
            outcall_pair: 60_000,
            outcall_request_byte: 400,
            outcall_response_byte: 800,
        }
    }

    /// Whether time costs: memory and allocations are paid for.
    pub(crate) fn time_costs(&self) -> bool {
        self.gib_second > 0 || self.compute_percent_second > 0
    }

    /// An execution that may change state.
    pub(crate) fn execution(&self, instructions: u64, memory64: bool) -> u128 {
        let ten = if memory64 { self.ten_instructions_wasm64 } else { self.ten_instructions };
        self.execution.saturating_add(ten.saturating_mul(instructions.into()) / 10)
    }

    /// A call with so many bytes in method name and argument.
    pub(crate) fn call(&self, bytes: u64, limits: &Limits, memory64: bool) -> CallPrice {
        CallPrice {
            request: self.call.saturating_add(self.transmission(bytes)),
            response: self.transmission(limits.reply_bytes as u64),
            callback: self.execution(limits.update_instructions, memory64),
        }
    }

    /// So many bytes on their way between canisters.
    pub(crate) fn transmission(&self, bytes: u64) -> u128 {
        self.call_byte.saturating_mul(bytes.into())
    }

    /// An ingress message of so many bytes.
    pub(crate) fn ingress(&self, bytes: usize) -> u128 {
        self.ingress.saturating_add(self.ingress_byte.saturating_mul(bytes as u128))
    }

    /// What a canister that does nothing pays for a time.
    pub(crate) fn idle(&self, bytes: u64, compute_percent: u64, seconds: u64) -> u128 {
        let seconds = u128::from(seconds);
        let memory = u128::from(bytes).saturating_mul(self.gib_second).saturating_mul(seconds) / GIB;
        let compute = self.compute_percent_second.saturating_mul(compute_percent.into()).saturating_mul(seconds);
        memory.saturating_add(compute)
    }

    /// The same for a part of the price of a day, as the freezing threshold and the charges for time
    /// are reckoned.
    pub(crate) fn idle_share(&self, bytes: u64, compute_percent: u64, seconds: u64) -> u128 {
        let day = self.idle(bytes, compute_percent, SECONDS_PER_DAY as u64);
        day.saturating_mul(seconds.into()) / SECONDS_PER_DAY
    }

    /// An HTTPS outcall ("cost_http_request").
    pub(crate) fn outcall(&self, request_bytes: u64, max_response_bytes: u64) -> u128 {
        let nodes = u128::from(NODES);
        let request = self.outcall_request_byte.saturating_mul(request_bytes.into());
        let response = self.outcall_response_byte.saturating_mul(max_response_bytes.into());
        let fixed = self.outcall + self.outcall_pair * nodes;
        fixed.saturating_add(request).saturating_add(response).saturating_mul(nodes)
    }

    /// An HTTPS outcall by what it uses ("cost_http_request_v2"); free where outcalls are.
    pub(crate) fn metered_outcall(&self, outcall: &MeteredOutcall) -> u128 {
        if self.outcall == 0 {
            return 0;
        }
        let nodes = u128::from(NODES);
        let sum = [
            1_000_000 + 140_000 * nodes + 800 * nodes * nodes,
            50 * u128::from(outcall.request_bytes),
            50 * u128::from(outcall.raw_response_bytes),
            300 * u128::from(outcall.http_roundtrip_time_ms),
            u128::from(outcall.transform_instructions) / 13,
            (10 * nodes + 650) * u128::from(outcall.transformed_response_bytes),
        ];
        sum.iter().sum::<u128>() * nodes
    }
}

/// What a call takes from the balance of the canister that makes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallPrice {
    /// Burned at once.
    pub(crate) request: u128,
    /// Set aside for the transmission of the largest response.
    pub(crate) response: u128,
    /// Set aside for the longest callback.
    pub(crate) callback: u128,
}

impl CallPrice {
    pub(crate) fn total(&self) -> u128 {
        self.request.saturating_add(self.response).saturating_add(self.callback)
    }
}

/// What an HTTPS outcall uses.
#[derive(candid::CandidType, Deserialize)]
pub(crate) struct MeteredOutcall {
    request_bytes: u64,
    http_roundtrip_time_ms: u64,
    raw_response_bytes: u64,
    transformed_response_bytes: u64,
    transform_instructions: u64,
}
