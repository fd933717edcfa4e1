//! What ends by itself when its time has come: bounded-wait calls and requests to stop.
//!
//! Interface specification, "Call expiry" and "IC method stop_canister".

use super::{Answer, Message, Net};
use crate::call_context::StopRequest;
use crate::canister::Status;
use crate::execution::Response;
use crate::reject::Reject;
use candid::Principal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a request to stop is kept waiting for open calls.
const STOP_TIMEOUT: Duration = Duration::from_secs(300);
const SECOND: u64 = 1_000_000_000;

/// What is waited for, by the time at which the waiting ends.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Expiries {
    /// Deadline, caller and callback of each bounded-wait call.
    calls: BTreeSet<(u64, Principal, u64)>,
    /// End of the oldest request to stop, by canister.
    stops: BTreeSet<(u64, Principal)>,
}

impl Expiries {
    /// The time of the first one.
    pub(super) fn first(&self) -> Option<u64> {
        let call = self.calls.first().map(|(deadline, ..)| deadline.saturating_add(SECOND));
        let stop = self.stops.first().map(|(end, _)| *end);
        call.into_iter().chain(stop).min()
    }

    pub(super) fn wait_for_call(&mut self, deadline: u64, caller: Principal, callback: u64) {
        if deadline > 0 {
            self.calls.insert((deadline, caller, callback));
        }
    }

    pub(super) fn call_ended(&mut self, deadline: u64, caller: Principal, callback: u64) {
        if deadline > 0 {
            self.calls.remove(&(deadline, caller, callback));
        }
    }
}

/// The deadline of a call made now: the network keeps deadlines in whole seconds.
pub(super) fn deadline(time: u64, timeout_seconds: u32) -> u64 {
    let now = time - time % SECOND;
    now.saturating_add(u64::from(timeout_seconds).saturating_mul(SECOND))
}

/// Whether a deadline has passed; 0 is none.
pub(super) fn has_expired(deadline: u64, time: u64) -> bool {
    deadline > 0 && deadline < time - time % SECOND
}

impl Net {
    /// Rejects what has waited too long.
    pub(super) fn expire(&mut self) {
        let time = self.subnet.time;
        while let Some(&(deadline, to, callback)) = self.expiries.calls.first()
            && has_expired(deadline, time)
        {
            self.expiries.calls.pop_first();
            let response = Err(Reject::deadline_expired());
            self.schedule.send(Message::Answer(Answer { to, callback, response, refund: 0 }));
        }
        while let Some(&(end, id)) = self.expiries.stops.first()
            && end <= time
        {
            self.expiries.stops.pop_first();
            self.give_up_stopping(id);
        }
    }

    /// Rejects the requests to stop that have waited too long; the canister stays stopping.
    fn give_up_stopping(&mut self, id: Principal) {
        let time = self.subnet.time;
        let Some(Status::Stopping(requests)) = self.canisters.get_mut(&id).map(|canister| &mut canister.status) else {
            return;
        };
        let (expired, waiting) = std::mem::take(requests).into_iter().partition(|request| stop_end(request) <= time);
        *requests = waiting;
        if let Some(oldest) = requests.first() {
            self.expiries.stops.insert((stop_end(oldest), id));
        }
        let expired: Vec<StopRequest> = expired;
        for request in expired {
            self.respond(request.origin, Err(Reject::stop_timed_out()), request.cycles);
        }
    }

    /// Notes a request to stop that waits for open calls.
    pub(crate) fn wait_for_stop(&mut self, id: Principal, request: &StopRequest) {
        self.expiries.stops.insert((stop_end(request), id));
    }

    /// Answers all requests to stop a canister that waited.
    pub(crate) fn answer_stops(&mut self, id: Principal, requests: Vec<StopRequest>, response: &Response) {
        for request in requests {
            self.expiries.stops.remove(&(stop_end(&request), id));
            self.respond(request.origin, response.clone(), request.cycles);
        }
    }
}

fn stop_end(request: &StopRequest) -> u64 {
    request.time.saturating_add(u64::try_from(STOP_TIMEOUT.as_nanos()).unwrap_or(u64::MAX))
}
