//! The end: every index thrown away and rebuilt, the log exported and verified offline.

use super::scene::Scene;
use crate::index::Indexes;
use crate::verify::{Failure, verify};
use anyhow::Result;
use cairn_events::{Event, Hash, Principal};

/// What was proven.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// The log with its certificate.
    pub export: Vec<u8>,
    /// See [`super::Outcome::chain_verified`].
    pub chain_verified: bool,
    /// See [`super::Outcome::certificate_verified`].
    pub certificate_verified: bool,
    /// See [`super::Outcome::digests_equal`].
    pub digests_equal: bool,
    /// See [`super::Outcome::rebuilt`].
    pub rebuilt: u64,
}

/// Rebuilds, compares, exports, verifies.
pub fn run(scene: &mut Scene<'_>) -> Result<Proof> {
    let mut proof = Proof { digests_equal: true, ..Proof::default() };
    scene.tell("Every index is thrown away and rebuilt from the log, on its host and natively:");
    for host in scene.platform.every_host() {
        rebuild(scene, host, &mut proof)?;
    }
    scene.platform.settle()?;
    scene.tell("The log is exported and verified offline, trusting the auditor's note alone:");
    proof.export = scene.platform.export()?;
    let verdict = verify(&proof.export, &scene.platform.policy());
    // The certificate is only looked at once the chain is whole.
    proof.chain_verified = matches!(verdict, Ok(_) | Err(Failure::Certificate(_)));
    proof.certificate_verified = verdict.is_ok();
    match verdict {
        Ok(verdict) => {
            let (events, bytes, root) = (verdict.events, proof.export.len(), verdict.root);
            scene.tell(format!("  {events} events in {bytes} bytes, every hash, link and number checked"));
            scene.tell(format!("  certified by the network: Merkle root {root}"));
        }
        Err(failure) => scene.expect(false, || format!("the export does not verify: {failure}")),
    }
    Ok(proof)
}

fn rebuild(scene: &mut Scene<'_>, (name, host): (&'static str, Principal), proof: &mut Proof) -> Result<()> {
    let outcome = scene.platform.rebuild_at(name, host)?;
    proof.rebuilt += 1;
    let native = native(scene.platform.events()?, name, outcome.checkpoint)?;
    let equal = outcome.served == outcome.rebuilt && Some(outcome.rebuilt) == native;
    proof.digests_equal &= equal;
    let (digest, canisters) = (outcome.rebuilt, scene.platform.canisters());
    let package = canisters.iter().find_map(|(package, id)| (*id == host).then_some(*package)).unwrap_or_default();
    let verdict = if equal { "equal" } else { "DIFFERENT" };
    scene.tell(format!("  {name:<12} {package:<20} served, rebuilt and native digests are {verdict}: {digest}"));
    scene.expect(equal, || {
        format!("{name} of {package}: served {}, rebuilt {digest}, native {native:?}", outcome.served)
    });
    Ok(())
}

/// The digest of the projection `name` after the event `checkpoint`, folded natively.
fn native(events: &[Event], name: &str, checkpoint: u64) -> Result<Option<Hash>> {
    let mut indexes = Indexes::default();
    for event in events.iter().take_while(|event| event.index <= checkpoint) {
        indexes.apply(event)?;
    }
    Ok(indexes.get(name).map(|index| index.digest()))
}
