//! The projection host: read models of the log, kept in stable memory.
//!
//! Each hosted projection follows the topic of its family with a timer, and at once when [`nudge`]d. An event is
//! applied only if it is the next one by number, index and hash; anything else, and any event that this code cannot
//! read, parks the projection where everyone sees it. Rebuilding makes the rows anew beside those that serve. When both
//! stand at the same event their digests are compared, the outcome is appended to the log, and in the message that sees
//! it accepted the new rows take over.
//!
//! A canister calls [`init`] in `init` and `post_upgrade`, [`recorded`] first thing in its journal's `apply`, [`read`]
//! in its queries.

mod attest;
mod hosted;
mod puller;
mod rows;

pub use hosted::Memories;
pub use puller::{PULL_EVERY, follow};

use crate::access::Admin;
use crate::api::host::{DigestCertificate, ProjectionStatus, RebuildError, Reflected};
use crate::http::Metrics;
use crate::journal::Recorded;
use crate::runtime;
use cairn_events::Principal;
use cairn_projections::{Definition, Projection, Tables};
use hosted::Hosted;
use std::cell::RefCell;

/// What a host needs to know.
pub struct HostConfig {
    /// The log.
    pub audit: Principal,
    /// The projections, each with its memories.
    pub projections: Vec<(Definition, Memories)>,
    /// Whether the digests become the canister's certified data: only where nothing else does.
    pub certify: bool,
}

/// The projections of this canister.
struct Host {
    audit: Principal,
    hosted: Vec<Hosted>,
    certify: bool,
}

thread_local! {
    static HOST: RefCell<Option<Host>> = const { RefCell::new(None) };
}

fn with<T>(act: impl FnOnce(&mut Host) -> T) -> Option<T> {
    HOST.with_borrow_mut(|host| host.as_mut().map(act))
}

/// Opens the projections and arms their timer, in `init` and in `post_upgrade`. A projection whose logic has a new
/// version is rebuilt at once, its old rows serving meanwhile; one that was parked tries again.
pub fn init(config: HostConfig) {
    let hosted = config.projections.into_iter().map(|(definition, memories)| Hosted::open(definition, memories));
    HOST.set(Some(Host { audit: config.audit, hosted: hosted.collect(), certify: config.certify }));
    with(|host| host.certify());
    runtime::every(PULL_EVERY, || Box::pin(follow()));
    nudge();
}

/// Follows the log as soon as this message is done. Cheap: many nudges make one pull.
pub fn nudge() {
    puller::nudge();
}

/// Takes notice of an event of this canister: the outcome of a rebuild swaps the rows. Other events are not looked at.
pub fn recorded(event: &Recorded) {
    with(|host| {
        if host.hosted.iter_mut().any(|hosted| hosted.recorded(event)) {
            host.certify();
        }
    });
}

/// Answers from the rows of `P`, with the checkpoint they reflect, and whether they stay there; `None` if it is not
/// hosted here.
pub fn read<P: Projection, T>(query: impl FnOnce(&dyn Tables) -> T) -> Option<Reflected<T>> {
    HOST.with_borrow(|host| {
        let hosted = host.as_ref()?.hosted.iter().find(|hosted| hosted.name() == P::NAME)?;
        Some(Reflected { content: query(hosted.serving()), checkpoint: hosted.checkpoint(), halted: hosted.halted() })
    })
}

/// Begins to rebuild the projection `name`; its [`status`] shows the progress.
///
/// # Errors
/// [`RebuildError`]: nothing was begun.
pub fn rebuild(name: &str, admin: Admin) -> Result<(), RebuildError> {
    with(|host| {
        if let Some(busy) = host.hosted.iter().find(|hosted| hosted.is_rebuilding()) {
            return Err(RebuildError::UnderWay { name: busy.name().to_owned() });
        }
        let hosted = host.hosted.iter_mut().find(|hosted| hosted.name() == name).ok_or_else(|| not_hosted(name))?;
        hosted.begin_rebuild(admin.principal(), runtime::now());
        Ok(())
    })
    .unwrap_or_else(|| Err(not_hosted(name)))?;
    nudge();
    Ok(())
}

/// How every projection stands.
pub fn status() -> Vec<ProjectionStatus> {
    with(|host| host.hosted.iter().map(Hosted::status).collect()).unwrap_or_default()
}

/// What is wrong, for `/health`.
///
/// # Errors
/// The names of the projections that are parked, and why.
pub fn health() -> Result<(), String> {
    let parked = |status: ProjectionStatus| Some(format!("{} is parked: {}", status.name, status.parked?));
    let problems: Vec<String> = status().into_iter().filter_map(parked).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}

/// The digests of the last rebuilds under the network's certificate. In queries only, and only where [`HostConfig`] says
/// `certify`.
pub fn certificate() -> Option<DigestCertificate> {
    let tree = with(|host| host.certify.then(|| attest::tree(&host.hosted))).flatten()?;
    attest::certificate(&tree)
}

/// What every host shows.
pub fn metrics(metrics: &mut Metrics) {
    let all = status();
    let each =
        |figure: fn(&ProjectionStatus) -> u64| all.iter().map(move |status| (status.name.as_str(), figure(status)));
    let applied = |status: &ProjectionStatus| status.checkpoint.map_or(0, |checkpoint| checkpoint.sequence);
    metrics
        .labelled("projection_applied", "Events applied.", "name", each(applied))
        .labelled("projection_feed", "Events that the feed has.", "name", each(|status| status.feed_length))
        .labelled(
            "projection_parked",
            "1 if it has stopped.",
            "name",
            each(|status| u64::from(status.parked.is_some())),
        )
        .labelled(
            "projection_rebuilding",
            "1 if it is being rebuilt.",
            "name",
            each(|status| u64::from(status.rebuild.is_some())),
        );
}

impl Host {
    fn certify(&self) {
        if self.certify {
            runtime::certify(attest::tree(&self.hosted).digest());
        }
    }
}

fn not_hosted(name: &str) -> RebuildError {
    RebuildError::NotHosted { name: name.chars().take(32).collect() }
}

#[cfg(test)]
mod tests;
