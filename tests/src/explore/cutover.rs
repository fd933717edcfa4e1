//! Every index built anew while the platform is at work (I12).

use super::flow::{go_on, wait};
use super::{Sightings, Stage};
use crate::rest;
use cairn::index::Indexes;
use cairn::platform::Platform;
use cairn_events::Payload;
use cairn_projections::{Contracts, Deployments, Payments, Projection, Users};
use std::time::Duration;

/// One rebuild after the other where a host has two, and somebody who buys meanwhile.
pub(super) fn play(stage: &mut Stage, seen: &mut Sightings) {
    for name in [Users::NAME, Payments::NAME, Contracts::NAME] {
        rebuild(stage, name);
    }
    let other = stage.ask_for_another();
    seen.asked(other);
    go_on(stage, seen);
    rebuild(stage, Deployments::NAME);
    wait(stage, seen, Duration::from_secs(10));
}

fn rebuild(stage: &mut Stage, name: &str) {
    let admin = stage.platform.admin;
    let host = stage.platform.hosts().into_iter().find_map(|(hosted, host)| (hosted == name).then_some(host));
    if let Some(host) = host {
        stage.platform.net.submit(host, admin, "rebuildProjection", (name.to_owned(),));
    }
}

/// What was reported of each rebuild is what the log gives natively, up to the event at which it was compared; and so is
/// what serves now, and what is rebuilt now.
pub(super) fn check(platform: &mut Platform, found: &mut Vec<String>) -> anyhow::Result<()> {
    rest::indexes(platform, found)?;
    let events = platform.events()?.to_vec();
    for event in &events {
        let Payload::ProjectionRebuilt(rebuilt) = &event.payload else { continue };
        let mut native = Indexes::default();
        let mut up_to = events.iter().take_while(|event| event.index <= rebuilt.checkpoint);
        up_to.try_for_each(|event| native.apply(event))?;
        let name = &rebuilt.projection;
        let digest = native.get(name).map(cairn::index::Index::digest);
        if !rebuilt.equal || Some(rebuilt.served) != digest || Some(rebuilt.rebuilt) != digest {
            let (index, checkpoint) = (event.index, rebuilt.checkpoint);
            found.push(format!(
                "I12: event {index} has other digests of {name} at event {checkpoint} than the log gives"
            ));
        }
    }
    Ok(())
}
