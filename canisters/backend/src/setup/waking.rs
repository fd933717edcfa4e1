//! Waking those who follow the log. The network forgets a canister's timer if the message that it sets off traps; who
//! only pulls hears of nobody else, and would sleep until somebody needs it.

use crate::platform;
use crate::state::State;
use cairn_events::Principal;
use cairn_kit::runtime::{self, Request};
use std::time::Duration;

/// Time between two rounds.
const EVERY: Duration = Duration::from_secs(900);
/// The encoding of no arguments.
const NOTHING: &[u8] = b"DIDL\0\0";

/// Begins to wake; in `init` and `post_upgrade`.
pub fn start() {
    runtime::every(EVERY, || Box::pin(round()));
}

/// Wakes everyone. Who does not answer has its turn again in the next round.
async fn round() {
    for canister in followers() {
        let _ = runtime::send(Request::new(canister, "wake", NOTHING.to_vec()).bounded()).await;
    }
}

fn followers() -> Vec<Principal> {
    let factories = platform::state(State::config).services.into_values().filter_map(|row| row.factory);
    platform::setup().invoices.into_iter().chain(factories).collect()
}
