//! Rounds and the clock: virtual time that moves with each round, or real time that the embedder sets.

use super::Net;
use std::time::Duration;

impl Net {
    /// Executes one round: what has expired, due timers and heartbeats, then the messages that were sent
    /// before. Messages they send are delivered in the next round.
    pub fn tick(&mut self) {
        self.subnet.round += 1;
        let step = u64::try_from(self.subnet.config.round_duration.as_nanos()).unwrap_or(u64::MAX);
        self.subnet.time = self.subnet.time.saturating_add(step);
        self.resume_after_faults();
        self.requests.prune(self.subnet.time);
        self.expire();
        self.charge_for_time();
        self.run_tasks();
        self.schedule.begin_round(self.subnet.round);
        loop {
            self.run_low_memory_hooks();
            let Some(queued) = self.schedule.next(self.faults.order.as_mut()) else {
                break;
            };
            self.process(queued);
        }
    }

    /// Rounds until no message is on its way and nothing is due, at most `max_rounds`; how many there
    /// were.
    pub fn run_until_idle(&mut self, max_rounds: u64) -> u64 {
        for round in 0..max_rounds {
            if self.is_idle() {
                return round;
            }
            self.tick();
        }
        max_rounds
    }

    /// Whether no message is on its way and no timer or deadline is due. Heartbeats do not count: they
    /// come with every round.
    pub fn is_idle(&self) -> bool {
        self.schedule.is_empty() && !self.agenda.has_hooks() && self.first_expiry().is_none_or(|due| due > self.now())
    }

    /// When there is something to do for a round, in nanoseconds since 1970: now if messages are on their
    /// way or canisters have heartbeats, else the first timer or deadline; none if nothing happens until
    /// someone calls. A server sets the clock ([`Net::set_time`]), runs [`Net::tick`], and waits until
    /// then or until the next call.
    pub fn next_due(&self) -> Option<u64> {
        if !self.schedule.is_empty() || self.agenda.has_hooks() || self.agenda.has_heartbeats() {
            return Some(self.now());
        }
        self.first_expiry()
    }

    fn first_expiry(&self) -> Option<u64> {
        self.agenda.first_timer().into_iter().chain(self.expiries.first()).min()
    }

    /// Moves the clock; what falls due runs in the rounds that follow.
    pub fn advance(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.subnet.time = self.subnet.time.saturating_add(nanos);
    }

    /// Sets the clock to a time in nanoseconds since 1970; it never goes back. Real time is this before
    /// each round, and [`Config::round_duration`](crate::Config::round_duration) zero.
    pub fn set_time(&mut self, nanos: u64) {
        self.subnet.time = self.subnet.time.max(nanos);
    }

    /// The clock, in nanoseconds since 1970.
    pub fn now(&self) -> u64 {
        self.subnet.time
    }

    /// Rounds so far.
    pub fn round(&self) -> u64 {
        self.subnet.round
    }
}
