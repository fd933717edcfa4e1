//! What the network permits, and where.

use super::action::{Action, Answer, Incident};
use super::message::Message;
use crate::reject::RejectCode;
use crate::trace::MessageKind;
use candid::Principal;
use std::time::Duration;

/// Rounds that a delay takes, in a fault that is not aimed more precisely.
const LATER: u64 = 4;
/// Executions for which memory is refused, likewise.
const SHORT_OF_MEMORY: u64 = 3;
/// Bytes of an oversized reply: as many as the network carries.
const OVERSIZED: usize = 2 << 20;

impl Action {
    /// Whether the network could do this to such a message.
    pub fn is_possible_at(&self, message: &Message) -> bool {
        let to_management = message.callee == Principal::management_canister();
        match self {
            Self::Reject(code, _) => match code {
                // What a canister rejects, it has executed.
                RejectCode::CanisterReject => false,
                RejectCode::SysUnknown => message.bounded_wait && (message.is_request() || is_reply(message)),
                _ => message.is_request(),
            },
            Self::LateExecution(_) => message.bounded_wait && message.kind == MessageKind::Request,
            // The management canister is the network itself.
            Self::Answer(_) => !to_management && (message.kind == MessageKind::Request || is_reply(message)),
            Self::Silence => !to_management && (message.kind == MessageKind::Request || message.is_response()),
            Self::RefuseGrowth(_) | Self::RefuseCall(_) => message.is_response() || !to_management,
            Self::Trap | Self::Delay(_) | Self::Before(_) => true,
        }
    }

    /// Every action that could happen to such a message whoever its callee is, each in one strength. Of what a
    /// callee might make up see [`Answer::garbage`], of canisters [`Incident::of`].
    pub fn possible_at(message: &Message) -> Vec<Self> {
        let rejections = [
            RejectCode::SysFatal,
            RejectCode::SysTransient,
            RejectCode::DestinationInvalid,
            RejectCode::CanisterError,
            RejectCode::SysUnknown,
        ];
        let rejections = rejections.map(|code| Self::Reject(code, "injected fault".to_owned()));
        let others = [
            Self::Trap,
            Self::Delay(LATER),
            Self::LateExecution(LATER),
            Self::Silence,
            Self::RefuseGrowth(SHORT_OF_MEMORY),
            Self::RefuseCall(1),
            Self::Before(Incident::Clock(Duration::from_secs(60))),
            Self::Before(Incident::Clock(Duration::from_secs(25 * 3_600))),
        ];
        rejections.into_iter().chain(others).filter(|action| action.is_possible_at(message)).collect()
    }
}

impl Answer {
    /// Answers that no caller should be harmed by: nothing, nonsense, as much as the network carries, a rejection.
    pub fn garbage() -> [Self; 4] {
        [
            Self::Reply(Vec::new()),
            Self::Reply(b"DIDL\x01\x6d\x7f\x01\x00\x80\xc2\xd7\x2f".to_vec()),
            Self::Oversized(OVERSIZED),
            Self::Reject("no".to_owned()),
        ]
    }
}

impl Incident {
    /// What may happen to a canister at any time and leaves its state alone, each in one strength; `upgrade_arg` is
    /// what its `canister_post_upgrade` takes.
    pub fn of(canister: Principal, upgrade_arg: &[u8]) -> [Self; 4] {
        [
            Self::Stop { canister, rounds: Some(LATER) },
            Self::Stop { canister, rounds: None },
            Self::Upgrade { canister, arg: upgrade_arg.to_vec() },
            Self::DrainCycles { canister },
        ]
    }
}

fn is_reply(message: &Message) -> bool {
    message.kind == MessageKind::ReplyCallback
}
