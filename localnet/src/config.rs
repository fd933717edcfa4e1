//! Settings of an instance: seed, clock, prices, limits.

use crate::metering::Metering;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of a [`Net`](crate::Net). The defaults suit tests.
#[derive(Clone, Debug)]
pub struct Config {
    /// Everything random comes from here: root key, `raw_rand`.
    pub seed: u64,
    /// Time of the first round, nanoseconds since 1970-01-01.
    pub time: u64,
    /// How far the clock moves with each round.
    pub round_duration: Duration,
    /// Rounds after which [`Net::update`](crate::Net::update) stops waiting for a response.
    pub max_rounds: u64,
    /// What counts as an instruction.
    pub metering: Metering,
    /// Prices, in cycles.
    pub costs: Costs,
    /// Limits of messages and executions.
    pub limits: Limits,
    /// Whether the trace of messages is kept.
    pub trace: bool,
    /// Where compiled modules are kept between runs. A directory to which others can write is not used.
    pub cache_dir: Option<PathBuf>,
    /// A rule that is broken on purpose.
    #[cfg(feature = "sabotage")]
    pub sabotage: Option<crate::sabotage::Sabotage>,
    /// How it is found out what an execution has written to.
    pub dirty_pages: DirtyPages,
}

/// How it is found out what an execution has written to a heap. Results are the same, costs are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DirtyPages {
    /// The kernel's page map tells; the cost follows what was touched. Where there is none (systems
    /// other than Linux, some sandboxes), as [`DirtyPages::Compared`].
    #[default]
    PageMap,
    /// The whole heap is compared with the committed one.
    Compared,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 0,
            time: 1_767_225_600_000_000_000, // 2026-01-01
            round_duration: Duration::from_millis(1),
            max_rounds: 10_000,
            metering: Metering::default(),
            costs: Costs::creation_only(),
            limits: Limits::default(),
            trace: true,
            cache_dir: Some(std::env::temp_dir().join("localnet-modules")),
            #[cfg(feature = "sabotage")]
            sabotage: crate::sabotage::Sabotage::by_default(),
            dirty_pages: DirtyPages::default(),
        }
    }
}

/// What things cost, in cycles: a fixed model, by default nothing but the creation of canisters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costs {
    /// Creation of a canister by a canister.
    pub creation: u128,
    /// An inter-canister call.
    pub call: u128,
    /// Each byte of an inter-canister call's method name and argument.
    pub call_byte: u128,
    /// An ingress message.
    pub ingress: u128,
    /// Each byte of an ingress message.
    pub ingress_byte: u128,
    /// An execution that may change state.
    pub execution: u128,
    /// A thousand instructions of such an execution.
    pub kilo_instructions: u128,
    /// Balance below which a canister cannot spend.
    pub freezing_balance: u128,
}

impl Costs {
    /// Only the creation of canisters costs, as on a 13-node subnet.
    pub fn creation_only() -> Self {
        Self {
            creation: 500_000_000_000,
            call: 0,
            call_byte: 0,
            ingress: 0,
            ingress_byte: 0,
            execution: 0,
            kilo_instructions: 0,
            freezing_balance: 0,
        }
    }

    /// The published prices of a 13-node subnet, storage left out.
    pub fn thirteen_nodes() -> Self {
        Self {
            creation: 500_000_000_000,
            call: 260_000,
            call_byte: 1_000,
            ingress: 1_200_000,
            ingress_byte: 2_000,
            execution: 5_000_000,
            kilo_instructions: 1_000,
            freezing_balance: 0,
        }
    }

    /// Price of a call ("ic0.cost_call").
    pub fn call_price(&self, method_name_size: u64, payload_size: u64) -> u128 {
        let bytes = u128::from(method_name_size) + u128::from(payload_size);
        self.call.saturating_add(self.call_byte.saturating_mul(bytes))
    }

    /// Price of an execution that may change state.
    pub fn execution_price(&self, instructions: u64) -> u128 {
        let executed = self.kilo_instructions.saturating_mul(u128::from(instructions)) / 1_000;
        self.execution.saturating_add(executed)
    }

    /// Price of receiving an ingress message.
    pub fn ingress_price(&self, bytes: usize) -> u128 {
        let bytes = u128::try_from(bytes).unwrap_or(u128::MAX);
        self.ingress.saturating_add(self.ingress_byte.saturating_mul(bytes))
    }
}

/// Limits of messages and executions, by default the network's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Instructions of an update, a callback or a timer.
    pub update_instructions: u64,
    /// Instructions of a query that is not replicated.
    pub query_instructions: u64,
    /// Instructions of an installation or upgrade.
    pub install_instructions: u64,
    /// Instructions of `canister_inspect_message`.
    pub inspect_instructions: u64,
    /// Bytes of an ingress message's argument.
    pub ingress_bytes: usize,
    /// Bytes of an inter-canister request's argument, within the subnet.
    pub request_bytes: usize,
    /// Bytes of a replicated response.
    pub reply_bytes: usize,
    /// Bytes of a query's response.
    pub query_reply_bytes: usize,
    /// Calls that may be outstanding from one canister to another.
    pub queue_messages: usize,
    /// Bytes of stable memory of a canister.
    pub stable_bytes: u64,
    /// Bytes of an installed module once unpacked.
    pub module_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1 << 20;
        Self {
            update_instructions: 40_000_000_000,
            query_instructions: 5_000_000_000,
            install_instructions: 300_000_000_000,
            inspect_instructions: 200_000_000,
            ingress_bytes: 2 * MIB,
            request_bytes: 10 * MIB,
            reply_bytes: 2 * MIB,
            query_reply_bytes: 3 * MIB,
            queue_messages: 500,
            stable_bytes: 500 << 30,
            module_bytes: 100 * MIB,
        }
    }
}
