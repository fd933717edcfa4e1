//! I17: each contract runs one published module, and what the log says of its upgrades is one true story.

use super::{CanisterState, World};
use cairn_events::{Event, Hash, Payload, Principal};
use localnet::{MessageKind, Observed};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(world: &World, found: &mut Vec<String>) {
    found.extend(stories(&world.events, &world.canisters));
}

/// Where the upgrade of a contract stands, by its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Chapter {
    /// None is under way.
    #[default]
    Peace,
    Requested,
    Intended,
    Saved,
    Installed,
    Confirmed,
    RollingBack,
    RolledBack,
    Abandoned,
}

/// What the log says of a contract.
#[derive(Default)]
struct Story {
    chapter: Chapter,
    module: Option<Hash>,
    former: Option<Hash>,
    epoch: u64,
    released: bool,
}

/// What is wrong with the upgrades that `events` tell of, or with the `canisters` at rest.
#[must_use]
pub fn stories(events: &[Event], canisters: &[CanisterState]) -> Vec<String> {
    let mut found = Vec::new();
    let mut published: BTreeSet<Hash> = BTreeSet::new();
    let mut stories: BTreeMap<Principal, Story> = BTreeMap::new();
    for event in events {
        if let Payload::TemplatePublished(template) = &event.payload {
            published.insert(template.module_hash);
        }
        if let Some(contract) = event.payload.contract()
            && let Err(problem) = stories.entry(contract).or_default().read(&event.payload)
        {
            found.push(format!("I17: event {} of contract {contract}: {problem}", event.index));
        }
    }
    for (contract, story) in &stories {
        let Some(module) = story.module else { continue };
        if !published.contains(&module) {
            found.push(format!("I17: {contract} runs {module}, which was never published"));
        }
        if story.chapter != Chapter::Peace {
            found.push(format!("I17: the upgrade of {contract} is left in {:?}", story.chapter));
        }
        let state = canisters.iter().find(|state| state.id == *contract);
        if !story.released && state.is_none_or(|state| state.module_hash != Some(module)) {
            found.push(format!("I17: {contract} does not run {module}, as the log says"));
        }
    }
    found
}

impl Story {
    /// Takes the next event of the contract; what cannot follow is a problem.
    fn read(&mut self, payload: &Payload) -> Result<(), String> {
        use Chapter::*;
        let (from, to): (&[Chapter], Chapter) = match payload {
            Payload::DeliveryCommitted(delivered) => {
                self.module = Some(delivered.module_hash);
                return Ok(());
            }
            Payload::ContractRegistered(registered) => {
                self.epoch = registered.epoch;
                return Ok(());
            }
            Payload::ControlReleased(_) => {
                self.released = true;
                return Ok(());
            }
            Payload::UpgradeRequested(_) => (&[Peace], Requested),
            Payload::UpgradeIntended(_) => (&[Requested], Intended),
            Payload::SnapshotTaken(_) => (&[Intended], Saved),
            Payload::UpgradeInstalled(_) => (&[Saved], Installed),
            Payload::UpgradeConfirmed(_) => (&[Installed], Confirmed),
            Payload::RollbackIntended(_) => (&[Installed], RollingBack),
            Payload::UpgradeRolledBack(_) => (&[RollingBack], RolledBack),
            // Of an upgrade that never began nothing is left to be settled.
            Payload::UpgradeAbandoned(_) if self.chapter == Requested => (&[Requested], Peace),
            Payload::UpgradeAbandoned(p) if p.reason.code == "control_lost" => {
                (&[Intended, Saved, Installed, RollingBack], Peace)
            }
            Payload::UpgradeAbandoned(_) => (&[Intended, Saved, Installed, RollingBack], Abandoned),
            Payload::UpgradeSettled(_) => (&[Confirmed, RolledBack, Abandoned], Peace),
            _ => return Ok(()),
        };
        if !from.contains(&self.chapter) {
            return Err(format!("{:?} follows {:?}", payload.kind(), self.chapter));
        }
        self.chapter = to;
        self.modules(payload)?;
        self.epochs(payload)
    }

    /// The module is the one that the story has come to.
    fn modules(&mut self, payload: &Payload) -> Result<(), String> {
        match payload {
            Payload::UpgradeIntended(p) if self.module != Some(p.from) => {
                Err(format!("it runs {:?}, not {}", self.module, p.from))
            }
            Payload::UpgradeIntended(p) => {
                (self.former, self.module) = (self.module, Some(p.to));
                Ok(())
            }
            Payload::SnapshotTaken(p) if self.former != Some(p.module_hash) => {
                Err("another module was saved".to_owned())
            }
            Payload::UpgradeInstalled(p) if self.module != Some(p.module_hash) => {
                Err("another module was installed".to_owned())
            }
            Payload::UpgradeConfirmed(p) if self.module != Some(p.module_hash) => {
                Err("another module was confirmed".to_owned())
            }
            Payload::UpgradeRolledBack(p) if self.former != Some(p.module_hash) => {
                Err("another module was restored".to_owned())
            }
            Payload::UpgradeRolledBack(_) | Payload::UpgradeAbandoned(_) => {
                self.module = self.former.take().or(self.module);
                Ok(())
            }
            Payload::UpgradeConfirmed(_) => {
                self.former = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whenever the contract serves with other code or state, its epoch is a later one.
    fn epochs(&mut self, payload: &Payload) -> Result<(), String> {
        let epoch = match payload {
            Payload::UpgradeConfirmed(p) => p.epoch,
            Payload::UpgradeRolledBack(p) => p.epoch,
            _ => return Ok(()),
        };
        let before = std::mem::replace(&mut self.epoch, epoch);
        if epoch > before { Ok(()) } else { Err(format!("epoch {epoch} after {before}")) }
    }
}

/// Calls that a contract made between its snapshot and the decision what becomes of it: the quarantine forbids them, or a
/// restored contract would have forgotten them.
#[must_use]
pub fn escaped(events: &[Event], observed: &[Observed]) -> Vec<String> {
    let mut windows: BTreeMap<Principal, Vec<(u64, u64)>> = BTreeMap::new();
    for event in events {
        let Some(contract) = event.payload.contract() else { continue };
        let time = event.timestamp.0;
        match &event.payload {
            Payload::SnapshotTaken(_) => windows.entry(contract).or_default().push((time, u64::MAX)),
            Payload::UpgradeConfirmed(_) | Payload::RollbackIntended(_) | Payload::UpgradeAbandoned(_) => {
                let open = windows.get_mut(&contract).and_then(|windows| windows.last_mut());
                if let Some((_, end)) = open.filter(|(_, end)| *end == u64::MAX) {
                    *end = time;
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for Observed { message, time, .. } in observed {
        let windows = windows.get(&message.caller).map(Vec::as_slice).unwrap_or_default();
        let is_inside = windows.iter().any(|(begin, end)| begin < time && time < end);
        if message.kind == MessageKind::Request && is_inside {
            found.push(format!("I17: {} called {} before it was confirmed", message.caller, message.method));
        }
    }
    found
}
