//! What can only be asked of a platform at rest: that its tip is certified, its indexes are those of the log, and that
//! nothing is held that would keep a canister from stopping (I11 to I13).

use anyhow::Context as _;
use cairn::index::Indexes;
use cairn::platform::Platform;
use cairn::verify::verify;

/// Everything that is wrong with a platform at rest; empty if it is as it should be. Works on forks: changes nothing.
///
/// # Errors
/// A canister does not answer.
pub fn unrest(platform: &Platform) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    certified(&mut platform.fork(), &mut found)?;
    indexes(&mut platform.fork(), &mut found)?;
    stoppable(&mut platform.fork(), &mut found);
    Ok(found)
}

/// I11: an auditor accepts the log, up to the certified tip.
///
/// # Errors
/// A canister does not answer.
pub fn certified(platform: &mut Platform, found: &mut Vec<String>) -> anyhow::Result<()> {
    let export = platform.export()?;
    match verify(&export, &platform.policy()) {
        Ok(verdict) if verdict.events == platform.events()?.len() as u64 => {}
        Ok(verdict) => found.push(format!("I11: the certificate covers {} events only", verdict.events)),
        Err(failure) => found.push(format!("I11: {failure}")),
    }
    Ok(())
}

/// I12: every hosted index has applied all of its feed, and equals the one that is rebuilt, on the host and natively.
///
/// # Errors
/// A canister does not answer.
pub fn indexes(platform: &mut Platform, found: &mut Vec<String>) -> anyhow::Result<()> {
    let events = platform.events()?.to_vec();
    for (name, _) in platform.hosts() {
        let status = platform.projection(name)?;
        let mut native = Indexes::default();
        events.iter().try_for_each(|event| native.apply(event))?;
        let index = native.get(name).context("no such projection")?;
        if status.checkpoint.as_ref() != index.checkpoint() {
            found.push(format!("I12: {name} stands at {:?}, its feed at {:?}", status.checkpoint, index.checkpoint()));
            continue;
        }
        if status.checkpoint.is_none() {
            continue; // A feed without events: there is nothing to rebuild.
        }
        let outcome = platform.rebuild(name)?;
        if outcome.served != index.digest() || outcome.rebuilt != index.digest() {
            found.push(format!(
                "I12: {name}: served {}, rebuilt {}, native {}",
                outcome.served,
                outcome.rebuilt,
                index.digest()
            ));
        }
    }
    Ok(())
}

/// I13: no canister waits for an answer, so each of them stops, and is stopped afterwards.
pub fn stoppable(platform: &mut Platform, found: &mut Vec<String>) {
    let admin = platform.admin;
    for (package, id) in platform.canisters() {
        if let Err(reject) = platform.net.stop(id, admin) {
            found.push(format!("I13: {package} does not stop: {reject}"));
        }
    }
}
