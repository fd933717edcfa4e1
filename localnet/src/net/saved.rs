//! The part of a network that a saved state holds as it is: everything but the canisters.

use super::Net;
use super::expiry::Expiries;
use super::faults::Faults;
use super::request_status::Requests;
use super::schedule::Schedule;
use super::task::Agenda;
use crate::canisters::Canisters;
use crate::certificate::Certifier;
use crate::config::Config;
use crate::subnet::Subnet;
use crate::trace::TraceEntry;
use rand_chacha::ChaCha20Rng;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything of a [`Net`] that is neither a canister, nor given with its configuration, nor derived.
#[derive(Serialize, Deserialize)]
pub(crate) struct NetState {
    time: u64,
    round: u64,
    schedule: Schedule,
    expiries: Expiries,
    agenda: Agenda,
    requests: Requests,
    issued: u64,
    next_canister: u64,
    rng: ChaCha20Rng,
    faults: Faults,
    trace: Vec<TraceEntry>,
    last_instructions: u64,
    minted_cycles: u128,
    lost_cycles: u128,
    transactions: u64,
}

impl Net {
    /// What a saved state holds besides the canisters. Every field is named here: what is not taken over
    /// must be left out on purpose.
    pub(crate) fn state(&self) -> NetState {
        let Self {
            subnet,
            canisters: _,
            schedule,
            expiries,
            agenda,
            requests,
            issued,
            next_canister,
            rng,
            faults,
            trace,
            last_instructions,
            minted_cycles,
            lost_cycles,
            transactions,
            // The embedder provides them again.
            natives: _,
            certifier: _,
            http_handler: _,
        } = self;
        NetState {
            time: subnet.time,
            round: subnet.round,
            schedule: schedule.clone(),
            expiries: expiries.clone(),
            agenda: agenda.clone(),
            requests: requests.clone(),
            issued: *issued,
            next_canister: *next_canister,
            rng: rng.clone(),
            faults: faults.clone(),
            trace: trace.clone(),
            last_instructions: *last_instructions,
            minted_cycles: *minted_cycles,
            lost_cycles: *lost_cycles,
            transactions: *transactions,
        }
    }

    /// A network that goes on from a saved state.
    pub(crate) fn with_state(config: Config, state: NetState, canisters: Canisters) -> Self {
        let mut net = Self {
            subnet: Subnet { time: state.time, round: state.round, ..Subnet::new(config) },
            canisters,
            schedule: state.schedule,
            expiries: state.expiries,
            agenda: state.agenda,
            natives: Arc::default(),
            requests: state.requests.restored(),
            issued: state.issued,
            next_canister: state.next_canister,
            rng: state.rng,
            faults: state.faults,
            trace: state.trace,
            last_instructions: state.last_instructions,
            minted_cycles: state.minted_cycles,
            lost_cycles: state.lost_cycles,
            transactions: state.transactions,
            certifier: Certifier::default(),
            http_handler: None,
        };
        net.save_for_faults();
        net
    }
}
