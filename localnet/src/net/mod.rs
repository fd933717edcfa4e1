//! The network: canisters, queues, clock.

mod account;
mod callback;
mod clock;
mod composite;
mod deliver;
mod digest;
mod expiry;
mod faults;
mod ingress;
mod inspection;
mod install;
mod native;
mod query;
mod request_status;
mod saved;
mod schedule;
mod task;
mod view;

pub use account::CyclesAccount;
pub(crate) use faults::Blow;
pub use ingress::Ingress;
pub use native::NativeCanister;
pub use request_status::MessageId;
pub(crate) use request_status::RequestStatus;
pub(crate) use saved::NetState;
pub use view::View;

use crate::call_context::Origin;
use crate::canisters::Canisters;
use crate::certificate::Certifier;
use crate::config::Config;
use crate::execution::Response;
use crate::management::HttpHandler;
use crate::reject::Reject;
use crate::subnet::{FIRST_CANISTER, LAST_CANISTER, Subnet, canister_id};
use crate::trace::TraceEntry;
use candid::Principal;
use expiry::Expiries;
use faults::Faults;
use ic_management_canister_types::{HttpRequestArgs, HttpRequestResult};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use request_status::Requests;
use schedule::{Queued, Schedule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use task::Agenda;

/// A request on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) origin: Origin,
    pub(crate) caller: Principal,
    pub(crate) callee: Principal,
    pub(crate) method: String,
    #[serde(with = "crate::state::shared")]
    pub(crate) arg: Arc<[u8]>,
    pub(crate) cycles: u128,
    /// When the caller stops waiting; 0 if it waits for good.
    pub(crate) deadline: u64,
}

/// A response on its way to the canister that made the call.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Answer {
    to: Principal,
    callback: u64,
    response: Response,
    refund: u128,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Message {
    Request(Request),
    Answer(Answer),
}

/// An Internet Computer of one subnet, in process.
pub struct Net {
    pub(crate) subnet: Subnet,
    pub(crate) canisters: Canisters,
    schedule: Schedule,
    expiries: Expiries,
    agenda: Agenda,
    natives: Arc<BTreeMap<Principal, Arc<dyn NativeCanister>>>,
    pub(crate) requests: Requests,
    issued: u64,
    next_canister: u64,
    rng: ChaCha20Rng,
    faults: Faults,
    trace: Vec<TraceEntry>,
    last_instructions: u64,
    /// Cycles that came from nowhere: provisional creations and gifts.
    minted_cycles: u128,
    /// Cycles that were burned by no canister that is left: fees, deleted canisters, lost refunds.
    pub(crate) lost_cycles: u128,
    /// Executions that may change state, so far.
    transactions: u64,
    pub(crate) certifier: Certifier,
    http_handler: Option<Arc<HttpHandler>>,
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
            schedule: Schedule::default(),
            expiries: Expiries::default(),
            agenda: Agenda::default(),
            natives: Arc::default(),
            requests: Requests::default(),
            issued: 0,
            next_canister: FIRST_CANISTER,
            faults: Faults::default(),
            trace: Vec::new(),
            last_instructions: 0,
            minted_cycles: 0,
            lost_cycles: 0,
            transactions: 0,
            certifier: Certifier::default(),
            http_handler: None,
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
            schedule: self.schedule.clone(),
            expiries: self.expiries.clone(),
            agenda: self.agenda.clone(),
            natives: self.natives.clone(),
            requests: self.requests.clone(),
            issued: self.issued,
            next_canister: self.next_canister,
            rng: self.rng.clone(),
            faults: self.faults.clone(),
            trace: Vec::new(),
            last_instructions: self.last_instructions,
            minted_cycles: self.minted_cycles,
            lost_cycles: self.lost_cycles,
            transactions: self.transactions,
            certifier: self.certifier.clone(),
            http_handler: self.http_handler.clone(),
        }
    }

    /// Sets what answers the HTTP requests of canisters; without it they are rejected. Equal requests must
    /// get equal answers, or runs are not repeatable.
    pub fn set_http_handler(
        &mut self,
        handler: impl Fn(&HttpRequestArgs) -> Result<HttpRequestResult, String> + Send + Sync + 'static,
    ) {
        self.http_handler = Some(Arc::new(handler));
    }

    pub(crate) fn http_handler(&self) -> Option<Arc<HttpHandler>> {
        self.http_handler.clone()
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

    /// Executions that may have changed state, so far.
    pub(crate) fn transactions(&self) -> u64 {
        self.transactions
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
        self.transactions += 1;
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

    pub(crate) fn has_messages_to(&self, id: Principal) -> bool {
        self.schedule.has_messages_to(id)
    }

    fn process(&mut self, queued: Queued) {
        if let Message::Request(request) = &queued.message
            && expiry::has_expired(request.deadline, self.subnet.time)
        {
            return self.drop_expired(request);
        }
        self.deliver(queued);
    }

    /// Has all canisters pay for the time that passed; who cannot is uninstalled.
    fn charge_for_time(&mut self) {
        let Subnet { config, time, .. } = &self.subnet;
        if !config.costs.time_costs() {
            return;
        }
        let due = self.canisters.values().filter(|canister| canister.owes_for_time(*time));
        let mut ruined = Vec::new();
        for id in due.map(|canister| canister.id).collect::<Vec<_>>() {
            if let Some(canister) = self.canisters.get_mut(&id)
                && !canister.charge_for_time(&config.costs, *time)
            {
                ruined.push(id);
            }
        }
        ruined.into_iter().for_each(|id| self.uninstall_out_of_cycles(id));
    }

    /// Sends a response to whoever waits for it.
    pub(crate) fn respond(&mut self, origin: Origin, response: Response, refund: u128) {
        let refund = if self.subnet.config.loses_refunds() { 0 } else { refund };
        match origin {
            Origin::Ingress(id) => {
                self.lost_cycles = self.lost_cycles.saturating_add(refund);
                self.finish_ingress(id, response);
            }
            Origin::Canister { id, callback } => {
                self.schedule.send(Message::Answer(Answer { to: id, callback, response, refund }));
            }
            // Nobody is left to take them.
            Origin::Task => self.lost_cycles = self.lost_cycles.saturating_add(refund),
        }
    }
}
