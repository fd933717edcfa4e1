//! The cycles of a canister: what it must keep, what it pays in advance, what time costs it.

use crate::canister::Canister;
use crate::costs::{CHARGED_EVERY, Costs};
use crate::reject::Reject;

/// What decides how many cycles a canister must keep ("Freezing threshold").
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Upkeep {
    /// Bytes in use.
    pub(crate) memory_usage: u64,
    memory_allocation: u64,
    compute_percent: u64,
    freezing_seconds: u64,
}

impl Upkeep {
    fn memory(&self) -> u64 {
        self.memory_usage.max(self.memory_allocation)
    }

    /// Cycles that are not to be spent: what the canister would burn, idle, within its freezing
    /// threshold.
    pub(crate) fn frozen(&self, costs: &Costs) -> u128 {
        costs.idle_share(self.memory(), self.compute_percent, self.freezing_seconds)
    }

    /// Cycles an idle canister burns a day.
    pub(crate) fn per_day(&self, costs: &Costs) -> u128 {
        costs.idle(self.memory(), self.compute_percent, 86_400)
    }

    /// Cycles an idle canister burns in so many seconds.
    fn over(&self, costs: &Costs, seconds: u64) -> u128 {
        costs.idle_share(self.memory(), self.compute_percent, seconds)
    }
}

impl Canister {
    /// What the canister must keep cycles for; nothing of it is looked up where time is free.
    pub(crate) fn upkeep(&self, costs: &Costs) -> Upkeep {
        if !costs.time_costs() {
            return Upkeep::default();
        }
        Upkeep {
            memory_usage: self.memory_usage(),
            memory_allocation: self.settings.memory_allocation,
            compute_percent: self.settings.compute_allocation,
            freezing_seconds: self.settings.freezing_threshold,
        }
    }

    /// Cycles it may spend.
    pub(crate) fn liquid(&self, costs: &Costs) -> u128 {
        self.cycles.saturating_sub(self.upkeep(costs).frozen(costs))
    }

    /// Whether it is below its freezing threshold.
    pub(crate) fn is_frozen(&self, costs: &Costs) -> bool {
        self.cycles < self.upkeep(costs).frozen(costs)
    }

    /// Burns cycles; refused if the canister would freeze.
    pub(crate) fn pay(&mut self, costs: &Costs, price: u128) -> Result<(), Reject> {
        self.set_aside(costs, price)?;
        self.burned = self.burned.saturating_add(price);
        Ok(())
    }

    /// Takes cycles from the balance; refused if the canister would freeze.
    fn set_aside(&mut self, costs: &Costs, amount: u128) -> Result<(), Reject> {
        let liquid = if amount == 0 { 0 } else { self.liquid(costs) };
        if amount > liquid {
            return Err(Reject::out_of_cycles(self.id, amount - liquid));
        }
        self.cycles -= amount;
        Ok(())
    }

    /// Sets aside what an execution may cost at most.
    pub(crate) fn prepay(&mut self, costs: &Costs, limit: u64) -> Result<u128, Reject> {
        let price = costs.execution(limit, self.memory64());
        self.set_aside(costs, price)?;
        Ok(price)
    }

    /// Burns what an execution did cost, and gives back the rest of what was set aside for it.
    pub(crate) fn settle_execution(&mut self, costs: &Costs, prepaid: u128, instructions: u64) {
        self.settle_prepaid(prepaid, costs.execution(instructions, self.memory64()));
    }

    /// Burns a price out of what was set aside, and gives back the rest.
    pub(crate) fn settle_prepaid(&mut self, prepaid: u128, price: u128) {
        let price = price.min(prepaid);
        self.burned = self.burned.saturating_add(price);
        self.cycles = self.cycles.saturating_add(prepaid - price);
    }

    /// Whether it is time to charge for the time that passed.
    pub(crate) fn owes_for_time(&self, now: u64) -> bool {
        now.saturating_sub(self.charged_until) >= CHARGED_EVERY.as_nanos() as u64
    }

    /// Charges for the time since the last charge, at most what there is; whether that was enough.
    pub(crate) fn charge_for_time(&mut self, costs: &Costs, now: u64) -> bool {
        let seconds = now.saturating_sub(self.charged_until) / 1_000_000_000;
        self.charged_until += seconds * 1_000_000_000;
        let price = self.upkeep(costs).over(costs, seconds);
        let paid = price.min(self.cycles);
        self.cycles -= paid;
        self.burned = self.burned.saturating_add(paid);
        paid == price
    }

    pub(crate) fn memory64(&self) -> bool {
        self.code.as_ref().is_some_and(|code| code.compiled.info.memory64)
    }
}
