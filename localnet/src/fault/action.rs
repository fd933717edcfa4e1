//! What can happen.

use crate::reject::RejectCode;
use candid::Principal;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What happens to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// A request is not delivered but rejected; its cycles are refunded. With the codes that the network itself
    /// gives: `SysFatal`, `SysTransient`, `DestinationInvalid`, `CanisterError` (the callee is stopped, say), and
    /// `SysUnknown` if the caller waits for a bounded time.
    ///
    /// At the reply to a bounded-wait call, `SysUnknown`: the callee has executed, its reply is lost.
    Reject(RejectCode, String),
    /// The message is executed and then rolled back as if it had trapped at its very end. At a request this is the
    /// callee's trap; at a callback the caller's, whose cleanup then runs.
    Trap,
    /// The message is delivered so many rounds later.
    Delay(u64),
    /// A request whose caller waits for a bounded time: the caller is told at once that the outcome is unknown, the
    /// callee executes so many rounds later, and nobody hears of it.
    LateExecution(u64),
    /// A callee that answers what it likes: at a request instead of executing it, at a reply in the place of it.
    Answer(Answer),
    /// No answer comes, until the faults end. At a request the callee holds the call open and has not worked on it;
    /// at a response it has. Whoever waits for a bounded time hears at the deadline that the outcome is unknown.
    Silence,
    /// The canister that executes this message gets no more memory, stable or heap, in this and the executions that
    /// follow: so many in all.
    RefuseGrowth(u64),
    /// In the execution of this message the n-th `ic0.call_perform`, counted from 1, finds the output queue full.
    RefuseCall(u64),
    /// Just before the message is delivered, something happens to a canister, or to the clock.
    Before(Incident),
}

/// An answer that a callee made up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// These bytes.
    Reply(#[serde(with = "serde_bytes")] Vec<u8>),
    /// So many bytes, all zero, up to what the network carries.
    Oversized(usize),
    /// A rejection of the canister's own (`CanisterReject`).
    Reject(String),
}

/// What may happen to a canister between two messages, by its controllers or by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Incident {
    /// It is asked to stop, and started again after so many rounds; else when the faults end.
    Stop {
        /// Which canister.
        canister: Principal,
        /// Rounds until it is started.
        rounds: Option<u64>,
    },
    /// It is upgraded to the module it runs; callbacks may be outstanding. An upgrade that traps changes nothing.
    Upgrade {
        /// Which canister.
        canister: Principal,
        /// Argument of `canister_post_upgrade`.
        #[serde(with = "serde_bytes")]
        arg: Vec<u8>,
    },
    /// It is reinstalled with the module it runs, and has forgotten everything.
    Reinstall {
        /// Which canister.
        canister: Principal,
        /// Argument of `canister_init`.
        #[serde(with = "serde_bytes")]
        arg: Vec<u8>,
    },
    /// It is set back to where it was when the plan was applied.
    LoadSnapshot {
        /// Which canister.
        canister: Principal,
    },
    /// Its cycles are spent: nothing is left but what keeps it from being uninstalled. They come back when the
    /// faults end.
    DrainCycles {
        /// Which canister.
        canister: Principal,
    },
    /// The clock jumps.
    Clock(Duration),
}

impl Incident {
    /// The canister that it happens to.
    pub fn canister(&self) -> Option<Principal> {
        match self {
            Self::Stop { canister, .. }
            | Self::Upgrade { canister, .. }
            | Self::Reinstall { canister, .. }
            | Self::LoadSnapshot { canister }
            | Self::DrainCycles { canister } => Some(*canister),
            Self::Clock(_) => None,
        }
    }
}
