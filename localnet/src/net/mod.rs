//! The network: canisters, queues, clock.

mod callback;
mod composite;
mod deliver;
mod digest;
mod faults;
mod ingress;
mod inspection;
mod install;
mod order;
mod query;
mod task;
mod view;

pub(crate) use faults::Blow;
pub use ingress::MessageId;
pub use view::View;

use crate::call_context::Origin;
use crate::canisters::Canisters;
use crate::certificate::Certifier;
use crate::config::Config;
use crate::execution::Response;
use crate::reject::Reject;
use crate::subnet::{FIRST_CANISTER, LAST_CANISTER, Subnet, canister_id};
use crate::trace::TraceEntry;
use candid::Principal;
use faults::Faults;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// A request on its way.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) origin: Origin,
    pub(crate) caller: Principal,
    pub(crate) callee: Principal,
    pub(crate) method: String,
    pub(crate) arg: Arc<[u8]>,
    pub(crate) cycles: u128,
    /// When the caller stops waiting; 0 if it waits for good.
    pub(crate) deadline: u64,
}

/// A response on its way to the canister that made the call.
#[derive(Clone, Debug)]
struct Answer {
    to: Principal,
    callback: u64,
    response: Response,
    refund: u128,
}

#[derive(Clone, Debug)]
enum Message {
    Request(Request),
    Answer(Answer),
}

#[derive(Clone, Debug)]
struct Queued {
    /// The round before which it is not delivered.
    not_before: u64,
    /// Whether faults had their chance already.
    examined: bool,
    message: Message,
}

/// An Internet Computer of one subnet, in process.
pub struct Net {
    pub(crate) subnet: Subnet,
    pub(crate) canisters: Canisters,
    queue: VecDeque<Queued>,
    ingress: BTreeMap<MessageId, Option<Response>>,
    issued: u64,
    next_canister: u64,
    rng: ChaCha20Rng,
    faults: Faults,
    trace: Vec<TraceEntry>,
    last_instructions: u64,
    pub(crate) certifier: Certifier,
}

impl Default for Net {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl Net {
    /// An empty network.
    pub fn new(config: Config) -> Self {
        Self {
            rng: ChaCha20Rng::seed_from_u64(config.seed),
            subnet: Subnet::new(config),
            canisters: Canisters::default(),
            queue: VecDeque::new(),
            ingress: BTreeMap::new(),
            issued: 0,
            next_canister: FIRST_CANISTER,
            faults: Faults::default(),
            trace: Vec::new(),
            last_instructions: 0,
            certifier: Certifier::default(),
        }
    }

    /// A second network in the same state, independent from now on. Canisters, heaps and stable
    /// memories are shared until one side writes; live instances serve both sides. The fork's trace
    /// begins empty.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            subnet: self.subnet.clone(),
            canisters: self.canisters.clone(),
            queue: self.queue.clone(),
            ingress: self.ingress.clone(),
            issued: self.issued,
            next_canister: self.next_canister,
            rng: self.rng.clone(),
            faults: self.faults.clone(),
            trace: Vec::new(),
            last_instructions: self.last_instructions,
            certifier: self.certifier.clone(),
        }
    }

    /// Executes one round: due timers, then the messages that were queued when it began. Messages
    /// they send are delivered in the next round.
    pub fn tick(&mut self) {
        self.subnet.round += 1;
        let step = u64::try_from(self.subnet.config.round_duration.as_nanos()).unwrap_or(u64::MAX);
        self.subnet.time = self.subnet.time.saturating_add(step);
        self.resume_after_faults();
        self.run_tasks();
        self.reorder();
        for _ in 0..self.queue.len() {
            let Some(queued) = self.queue.pop_front() else {
                break;
            };
            self.process(queued);
        }
    }

    /// Rounds until no message is on its way and no timer is due, at most `max_rounds`; how many
    /// there were.
    pub fn run_until_idle(&mut self, max_rounds: u64) -> u64 {
        for round in 0..max_rounds {
            if self.is_idle() {
                return round;
            }
            self.tick();
        }
        max_rounds
    }

    /// Whether no message is on its way and no timer is due.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && !self.is_timer_due()
    }

    /// Moves the clock; what falls due runs in the rounds that follow.
    pub fn advance(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.subnet.time = self.subnet.time.saturating_add(nanos);
    }

    /// The clock, in nanoseconds since 1970.
    pub fn now(&self) -> u64 {
        self.subnet.time
    }

    /// Rounds so far.
    pub fn round(&self) -> u64 {
        self.subnet.round
    }

    /// Every message executed so far, in order.
    pub fn trace(&self) -> &[TraceEntry] {
        &self.trace
    }

    /// Empties the trace.
    pub fn clear_trace(&mut self) {
        self.trace.clear();
    }

    /// Instructions of the last execution.
    pub fn last_instructions(&self) -> u64 {
        self.last_instructions
    }

    /// Records a call to the management canister; the instructions of an installation are recorded
    /// with its steps.
    pub(crate) fn record_management(&mut self, entry: TraceEntry) {
        if self.subnet.config.trace {
            self.trace.push(entry);
        }
    }

    fn record(&mut self, entry: TraceEntry) {
        self.last_instructions = entry.instructions;
        if self.subnet.config.trace {
            self.trace.push(entry);
        }
    }

    pub(crate) fn random_bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// The id of the next canister, if the range is not used up.
    pub(crate) fn allocate_canister_id(&mut self) -> Result<Principal, Reject> {
        loop {
            let number = self.next_canister;
            if number > LAST_CANISTER {
                return Err(Reject::canister_error(101, "the range of canister ids is used up"));
            }
            self.next_canister += 1;
            let id = canister_id(number);
            // An id may have been taken by a provisional creation that named it.
            if !self.canisters.contains_key(&id) {
                return Ok(id);
            }
        }
    }

    fn enqueue(&mut self, message: Message) {
        self.queue.push_back(Queued { not_before: 0, examined: false, message });
    }

    fn process(&mut self, queued: Queued) {
        if queued.not_before > self.subnet.round {
            self.queue.push_back(queued);
            return;
        }
        self.deliver(queued);
    }

    /// Sends a response to whoever waits for it.
    pub(crate) fn respond(&mut self, origin: Origin, response: Response, refund: u128) {
        match origin {
            Origin::Ingress(id) => {
                self.set_status(id, Some(response));
            }
            Origin::Canister { id, callback } => {
                self.enqueue(Message::Answer(Answer { to: id, callback, response, refund }))
            }
            Origin::Task => {}
        }
    }
}
