//! Letting a platform come to rest.

use super::Platform;
use anyhow::{Result, bail};
use cairn_events::{Class, DeploymentId, Effect, Event, Payload, Stream};
use std::collections::BTreeSet;

/// Waits between looks, in seconds, and how often: first for what is just on its way, then for back-offs, at last for
/// what only the end of a ledger's deduplication window can decide.
const WAITS: [(u64, u32); 4] = [(15, 20), (120, 20), (3_700, 30), (90_000, 4)];

/// What a log says is not finished.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Deployments that are neither delivered and paid for, nor refunded, nor ended otherwise.
    pub deployments: BTreeSet<DeploymentId>,
    /// Intents without outcome.
    pub intents: BTreeSet<(Stream, Effect)>,
    /// Deliveries that are not registered yet.
    pub deliveries: BTreeSet<DeploymentId>,
}

impl Unfinished {
    /// What `events`, a whole log, leave unfinished.
    pub fn of(events: &[Event]) -> Self {
        let mut unfinished = Unfinished::default();
        events.iter().for_each(|event| unfinished.apply(event));
        unfinished
    }

    /// Whether everything is finished.
    pub fn is_empty(&self) -> bool {
        *self == Unfinished::default()
    }

    fn apply(&mut self, event: &Event) {
        match event.payload.kind().class() {
            Class::Intent(effect) => drop(self.intents.insert((event.stream, effect))),
            Class::Outcome(effect) => drop(self.intents.remove(&(event.stream, effect))),
            Class::Fact => {}
        }
        match &event.payload {
            Payload::DeploymentRequested(requested) => drop(self.deployments.insert(requested.deployment)),
            Payload::PaymentFailed(ended) => drop(self.deployments.remove(&ended.deployment)),
            Payload::EscrowReleased(ended) | Payload::RefundPaid(ended) => {
                self.deployments.remove(&ended.deployment);
            }
            Payload::DeploymentQuarantined(ended) => drop(self.deployments.remove(&ended.deployment)),
            Payload::DeliveryCommitted(committed) => drop(self.deliveries.insert(committed.deployment)),
            Payload::ContractRegistered(registered) => drop(self.deliveries.remove(&registered.deployment)),
            _ => {}
        }
    }
}

impl Platform {
    /// Runs messages and timers until everything is finished and the log has stopped growing.
    ///
    /// # Errors
    /// Something is never finished, however long one waits.
    pub fn settle(&mut self) -> Result<()> {
        let waits = WAITS.into_iter().flat_map(|(seconds, times)| (0..times).map(move |_| seconds));
        let mut last = None;
        for seconds in waits {
            self.net.run_until_idle(100_000);
            let events = self.events()?;
            let size = events.len();
            if last == Some(size) && Unfinished::of(events).is_empty() {
                return Ok(());
            }
            last = Some(size);
            self.pass(seconds);
        }
        let Unfinished { deployments, intents, deliveries } = Unfinished::of(self.events()?);
        bail!("not at rest: deployments {deployments:?}, intents {intents:?}, unregistered {deliveries:?}")
    }
}
