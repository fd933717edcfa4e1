//! Where all cycles are.

use super::{Message, Net};
use crate::canister::Status;
use serde::{Deserialize, Serialize};

/// All cycles of a network. What was minted is held, on its way, or burned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CyclesAccount {
    /// Balances of canisters.
    pub held: u128,
    /// In messages, in open calls, and set aside for responses that are to come.
    pub in_flight: u128,
    /// Paid for what was used, burned by canisters, and lost with deleted canisters.
    pub burned: u128,
    /// Given to canisters from nowhere.
    pub minted: u128,
}

impl CyclesAccount {
    /// Whether every cycle is where it belongs.
    pub fn is_balanced(&self) -> bool {
        self.held + self.in_flight + self.burned == self.minted
    }
}

impl Net {
    /// Where all cycles are.
    pub fn cycles_account(&self) -> CyclesAccount {
        let mut account =
            CyclesAccount { minted: self.minted_cycles, burned: self.lost_cycles, ..CyclesAccount::default() };
        for canister in self.canisters.values() {
            account.held += canister.cycles;
            account.burned += canister.burned;
            account.in_flight += canister.contexts.values().map(|call| call.cycles).sum::<u128>();
            if let Status::Stopping(requests) = &canister.status {
                account.in_flight += requests.iter().map(|request| request.cycles).sum::<u128>();
            }
            let prices = canister.callbacks.values().map(|callback| callback.call.price);
            account.in_flight += prices.map(|price| price.response + price.callback).sum::<u128>();
        }
        let held_by_faults = self.faults.held.iter().map(|held| &held.message.message);
        for message in self.schedule.messages().chain(held_by_faults) {
            account.in_flight += match message {
                Message::Request(request) => request.cycles,
                Message::Answer(answer) => answer.refund,
            };
        }
        account.in_flight += self.faults.drained.values().sum::<u128>();
        account
    }

    /// Notes that cycles come from nowhere.
    pub(crate) fn mint(&mut self, cycles: u128) {
        self.minted_cycles = self.minted_cycles.saturating_add(cycles);
    }
}
