//! Settings of an instance: seed, clock, prices, limits.

use crate::costs::Costs;
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
    /// Prices, in cycles: by default only the creation of canisters costs.
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
