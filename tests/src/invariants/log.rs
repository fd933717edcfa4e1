//! I9, I10: the log keeps its own rules, and every effect is bracketed by intent and outcome.

use super::World;
use cairn_events::verify::LogVerifier;
use cairn_events::{Class, Effect, Kind, Payload, Stream};
use std::collections::BTreeMap;

pub(super) fn check(world: &World, found: &mut Vec<String>) {
    let mut verifier = LogVerifier::new(world.audit, world.log);
    for event in &world.events {
        if let Err(violation) = verifier.push(event) {
            found.push(format!("I10: {violation}"));
            return;
        }
    }
    brackets(world, found);
}

/// At most one intent per stream and effect is open at a time, each outcome has its intent, none is open at the end.
fn brackets(world: &World, found: &mut Vec<String>) {
    let mut open: BTreeMap<(Stream, Effect), u64> = BTreeMap::new();
    for event in &world.events {
        let kind = event.payload.kind();
        // The arbiter stands on the deployment's stream whoever writes it, and may come before any dispatch; and an upgrade
        // that was asked for may be refused before it begins.
        let needs_intent = !matches!(kind, Kind::DeploymentAbandoned | Kind::UpgradeAbandoned);
        match kind.class() {
            Class::Intent(effect) => {
                if let Some(earlier) = open.insert((event.stream, effect), event.index) {
                    found.push(format!("I9: {effect:?} intended at {earlier} and again at {}", event.index));
                }
            }
            Class::Outcome(effect) => {
                if open.remove(&(event.stream, effect)).is_none() && needs_intent {
                    found.push(format!("I9: outcome {} at {} has no intent", kind.btype(), event.index));
                }
            }
            Class::Fact => {
                if let Payload::DeploymentQuarantined(quarantined) = &event.payload {
                    open.remove(&(event.stream, quarantined.effect));
                }
            }
        }
    }
    for ((stream, effect), index) in open {
        found.push(format!("I9: {effect:?} of {stream}, intended at {index}, is open"));
    }
}
