//! What is seen of the log while a flow is played, and what was answered (I11, I14).

use super::flow::Asked;
use super::private::Private;
use crate::invariants::World;
use cairn::platform::Platform;
use cairn_events::verify::LogVerifier;
use cairn_events::{Hash, Payload};
use cairn_kit::api::audit::Tip;
use cairn_kit::api::backend::{BackendError, DeploymentView};
use std::collections::BTreeMap;

/// Cycles below which the log takes on no new work.
const RESERVE: u128 = 100_000_000_000;

/// Ends of the log as they were shown, and the requests that were made.
#[derive(Default)]
pub struct Sightings {
    certified: Option<Vec<u8>>,
    tips: Vec<Tip>,
    violated: Vec<String>,
    /// Whether the log had less than its reserve when it was last looked at.
    short: bool,
    asked: Vec<Asked>,
    /// What was done about the private reference.
    pub(super) private: Option<Private>,
}

impl Sightings {
    pub(super) fn asked(&mut self, asked: Asked) {
        self.asked.push(asked);
    }

    /// Looks at the log's end. It is certified in the message that moves it: both change together, or neither does.
    pub(super) fn look(&mut self, platform: &mut Platform) {
        let certified = platform.net.certified_data(platform.audit);
        let short = platform.net.cycles(platform.audit).is_some_and(|cycles| cycles < RESERVE);
        let was_short = std::mem::replace(&mut self.short, short);
        if certified == self.certified {
            return;
        }
        self.certified = certified;
        if short && was_short && begins_work(platform, self.tips.last()) {
            self.violated.push("I8: new work was begun when the log had less than its reserve".to_owned());
        }
        // A canister that is stopped or short of everything answers no query; later ones will show the same.
        let Ok(tip) = platform.tip() else { return };
        if self.tips.last().is_some_and(|last| (last.size, last.topics_size) == (tip.size, tip.topics_size)) {
            self.violated.push(format!("I11: the certified data changed, the log's end did not: {} events", tip.size));
        }
        self.tips.push(tip);
    }

    /// I11: every end of the log that was ever shown is in the log as it is now. I14: what was answered is so.
    pub(super) fn check(&self, platform: &Platform, world: &World, found: &mut Vec<String>) {
        found.extend(self.violated.iter().cloned());
        let wanted: BTreeMap<u64, &Tip> = self.tips.iter().map(|tip| (tip.size, tip)).collect();
        let maps: BTreeMap<u64, Hash> = self.tips.iter().map(|tip| (tip.topics_size, tip.topics_root)).collect();
        let mut verifier = LogVerifier::new(world.audit, world.log);
        for event in &world.events {
            if verifier.push(event).is_err() {
                break; // I10 says what is wrong.
            }
            if maps.get(&verifier.size()).is_some_and(|root| Some(*root) != verifier.topics_root()) {
                found.push(format!("I11: the topic map of {} events was shown otherwise than it is", verifier.size()));
            }
            let Some(tip) = wanted.get(&verifier.size()) else { continue };
            if (Some(tip.last_hash), tip.root) != (verifier.last_hash(), verifier.root()) {
                found.push(format!("I11: the log of {} events was shown otherwise than it is", tip.size));
            }
        }
        if wanted.keys().last().is_some_and(|size| *size > verifier.size()) {
            found.push("I11: events were shown that are not in the log".to_owned());
        }
        for asked in &self.asked {
            answer(platform, world, asked, found);
        }
    }
}

/// Whether the log's latest events, after `last`, begin new work.
fn begins_work(platform: &mut Platform, last: Option<&Tip>) -> bool {
    let from = last.map_or(u64::MAX, |tip| tip.size);
    let begins = |payload: &Payload| matches!(payload, Payload::PaymentIntended(_) | Payload::CreationIntended(_));
    platform.events().is_ok_and(|events| events.iter().any(|event| event.index >= from && begins(&event.payload)))
}

/// I14: an answer with a record stands in the log; what the request was refused for is recorded nowhere.
fn answer(platform: &Platform, world: &World, asked: &Asked, found: &mut Vec<String>) {
    let id = platform.deployment_id(asked.owner, &asked.request_id);
    let recorded = world
        .events
        .iter()
        .any(|event| matches!(&event.payload, Payload::DeploymentRequested(request) if request.deployment == id));
    match platform.answer(asked) {
        None => found.push("I13: a request was never answered".to_owned()),
        Some(Ok(Ok(DeploymentView { id: answered, .. }))) if answered != id || !recorded => {
            found.push(format!("I14: {answered} was answered, {id} is recorded: {recorded}"));
        }
        Some(Ok(Err(BackendError::Internal(error)))) => found.push(format!("I14: {error}")),
        Some(_) => {}
    }
}
