//! An embedded Internet Computer for one machine, deterministic.
//!
//! It runs canister WebAssembly in process: the System API of the interface specification on
//! wasmtime, messages with call contexts and callbacks, traps that roll back, timers, cycles, stable
//! memory, upgrades, the management canister. Time is virtual, randomness comes from a seed, one
//! scheduler orders everything: the same seed and calls give the same state and the same trace.
//!
//! ```no_run
//! use localnet::{Fault, MessageKind, Net, Principal, Reject, RejectCode};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Reject> {
//! # let wasm: Vec<u8> = Vec::new();
//! let mut net = Net::default();
//! let owner = Principal::self_authenticating(b"owner");
//! let user = Principal::self_authenticating(b"user");
//!
//! // A canister with ten trillion cycles; arguments of `init` are Candid bytes.
//! let counter = net.create_canister(owner, 10_000_000_000_000);
//! net.install(counter, owner, &wasm, candid::encode_args((1_u64,)).unwrap())?;
//!
//! // Candid tuples in, one value out (`()` for an empty reply). An update runs rounds until the
//! // response is there.
//! let next: u64 = net.update(counter, user, "add", (2_u64,))?;
//! let value: u64 = net.query(counter, user, "get", ())?;
//! assert_eq!(next, value);
//!
//! // Many calls at once: submit, run rounds, ask for the responses.
//! let one = net.submit(counter, user, "add", (1_u64,));
//! let two = net.submit(counter, user, "add", (1_u64,));
//! net.tick(); // one round
//! net.upgrade(counter, owner, &wasm, candid::encode_args((1_u64,)).unwrap())?; // in between
//! net.run_until_idle(100); // until no message is on its way and no timer is due
//! let _first: Option<Result<u64, Reject>> = net.poll(&one);
//! let _second: Option<Result<u64, Reject>> = net.poll(&two);
//!
//! // Timers: move the clock, then run the rounds.
//! net.advance(Duration::from_secs(60));
//! net.run_until_idle(100);
//!
//! // Faults: the second call of `transfer` is rejected; the callback of `append` traps at its end.
//! net.inject(Fault::reject(RejectCode::SysTransient).method("transfer").occurrence(2));
//! net.inject(Fault::trap().method("append").kind(MessageKind::ReplyCallback));
//!
//! // A second network in the same state, to try something on.
//! let mut other = net.fork();
//! other.update::<u64>(counter, user, "add", (2_u64,))?;
//!
//! // Every message: round, kind, caller, callee, method, outcome, instructions, cycles.
//! for entry in net.trace() {
//!     println!("{entry:?}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! **Rounds.** [`Net::tick`] runs the due timers, then the messages that were sent before the round
//! began; what they send is delivered in the next round. Messages arrive in the order they were sent in,
//! or, if a [`Plan`] says so, in any order that the network could choose. [`Net::install`],
//! [`Net::upgrade`], [`Net::create_canister`] and the like act at once, between rounds. Methods of the
//! management canister can also be called as on the network, by users and canisters, at `aaaaa-aa`.
//!
//! **Time** moves with the rounds and by [`Net::advance`]. A server that follows the wall clock sets it
//! ([`Net::set_time`]), runs a round, and sleeps until [`Net::next_due`] or the next call.
//!
//! **HTTP requests** of canisters are answered by the function given to [`Net::set_http_handler`], and
//! rejected without one: nothing leaves the process.
//!
//! **Rollback.** After each execution the pages it may have written to, as the kernel tells
//! ([`DirtyPages`]), are compared with the last committed state: what differs is taken over, or put
//! back. Stable memory is a persistent table of pages: the execution writes to a clone of it.
//!
//! **Instructions** are weighed as the network weighs them, system calls and changed pages included, or
//! counted one per WebAssembly operator ([`Metering`]).
//!
//! **Cycles** follow a price list: by default only the creation of canisters costs, with
//! [`Costs::thirteen_nodes`] everything does that costs on an application subnet, time included.

mod account;
mod call_context;
mod canister;
mod canisters;
mod certificate;
mod compiled;
mod config;
mod costs;
mod entry;
mod execution;
pub mod explore;
mod fault;
mod growth;
mod heap;
mod image;
mod live_heap;
mod log;
mod management;
mod mapping;
mod metering;
mod module;
mod module_cache;
mod net;
mod page;
mod page_table;
pub mod payload;
mod pool;
mod reject;
mod representation;
mod sabotage;
mod sandbox;
mod settings;
mod snapshot;
mod stable;
mod state;
mod subnet;
mod system_api;
mod trace;

pub use candid::Principal;
pub use certificate::{CertifiedState, Endpoint, Forbidden, Node, NodeSignature};
pub use config::{Config, DirtyPages, Limits};
pub use costs::Costs;
pub use fault::{Action, Answer, Fault, Incident, Message, Observed, Plan};
pub use ic_management_canister_types as management_types;
pub use log::LogLine;
pub use metering::Metering;
pub use net::{CyclesAccount, Ingress, MessageId, NativeCanister, Net, View};
pub use reject::{Reject, RejectCode};
pub use representation::Value;
#[cfg(feature = "sabotage")]
pub use sabotage::Sabotage;
pub use state::StateError;
pub use trace::{MessageKind, Outcome, TraceEntry};
