//! The state machine against a model of the log, under every order of events; then the courier over a scripted network.

mod courier;
mod outbox;

use super::*;
use crate::api::audit::{AppendArgs, AuditRequestError};
use cairn_events::payload::MaintenanceConfigured;
use cairn_events::{Stream, Timestamp};

fn principal(byte: u8) -> Principal {
    Principal::from_slice(&[byte])
}

/// A submission that carries a number of its own, as its cause.
fn numbered(number: u64) -> Submission {
    let payload = Payload::MaintenanceConfigured(MaintenanceConfigured { maintenance: true });
    Submission::new(principal(1), payload).caused_by(number)
}

/// A log that accepts what it gets, and refuses the numbers it is told to.
#[derive(Clone, Debug, Default)]
struct Log {
    /// The number that each accepted submission carries.
    accepted: Vec<u64>,
    refuse: Option<u64>,
}

impl Log {
    fn append(&mut self, args: &AppendArgs) -> Result<Vec<Receipt>, AuditError> {
        let numbers: Vec<u64> = args.submissions.iter().map(|wire| wire.causation.unwrap()).collect();
        let begin = args.first_seq as usize - 1;
        if begin < self.accepted.len() {
            assert_eq!(self.accepted[begin..begin + numbers.len()], numbers, "a number was used twice");
        } else {
            assert_eq!(begin, self.accepted.len(), "a gap in the numbering");
            if let Some(position) = numbers.iter().position(|number| self.refuse == Some(*number)) {
                let (stream, position) = (Stream::Platform, position as u32);
                let error = AuditRequestError::StreamVersion { position, stream, expected: 1, actual: 2 };
                return Err(AuditError::Request(error));
            }
            self.accepted.extend(&numbers);
        }
        Ok((begin..begin + numbers.len()).map(receipt).collect())
    }
}

/// The receipt of the event at this place: other writers' events lie between.
fn receipt(place: usize) -> Receipt {
    let index = 10 * place as u64 + 3;
    Receipt { index, hash: Hash([7; 32]), stream_version: 1, timestamp: Timestamp(index) }
}
