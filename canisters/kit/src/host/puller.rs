//! Follows the log: asks for pages, hands them to the projections, carries the outcome of rebuilds into the log.

use super::hosted::{Hosted, Side};
use super::{Host, with};
use crate::journal::{self, AppendFailure};
use crate::{reading, runtime};
use std::cell::Cell;
use std::time::Duration;

/// How often the log is asked for news.
pub const PULL_EVERY: Duration = Duration::from_secs(5);
/// Pages in one go; then a timer goes on, so that the canister can be stopped in between.
const MAX_PAGES: usize = 20;

thread_local! {
    static FOLLOWING: Cell<bool> = const { Cell::new(false) };
    static NUDGED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Arms a timer that follows the log at once. One that was lost in a trap counts for a while only.
pub fn nudge() {
    let now = runtime::now();
    let lost = now.saturating_sub(PULL_EVERY.as_nanos() as u64);
    if NUDGED.get().is_none_or(|at| at < lost) {
        NUDGED.set(Some(now));
        runtime::after(Duration::ZERO, async {
            NUDGED.set(None);
            follow().await;
        });
    }
}

/// Follows the log to its end, or for as many pages as one message chain should take. Does nothing if another one does,
/// or while the log is not the one that is known.
pub async fn follow() {
    if journal::alarm().is_some() {
        return;
    }
    let Some(following) = Following::take() else { return };
    let mut pages = 0;
    for number in 0..with(|host| host.hosted.len()).unwrap_or_default() {
        pages += pull(number, Side::Serving, MAX_PAGES - pages).await;
        pages += pull(number, Side::Rebuilt, MAX_PAGES - pages).await;
        conclude(number).await;
    }
    following.finish(pages >= MAX_PAGES);
}

/// The right to follow, given back on drop.
struct Following {
    finished: bool,
}

impl Following {
    fn take() -> Option<Self> {
        (!FOLLOWING.replace(true)).then(|| Following { finished: false })
    }

    fn finish(mut self, more: bool) {
        self.finished = true;
        if more {
            nudge();
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        FOLLOWING.set(false);
    }
}

/// A page on its way into the rows: a trap there is held against the projection.
struct Taking {
    number: usize,
    side: Side,
    taken: bool,
}

impl Drop for Taking {
    fn drop(&mut self) {
        if !self.taken {
            on(self.number, |hosted| hosted.interrupted(self.side));
        }
    }
}

fn on<T>(number: usize, act: impl FnOnce(&mut Hosted) -> T) -> Option<T> {
    with(|host: &mut Host| host.hosted.get_mut(number).map(act)).flatten()
}

/// Asks for at most `most` pages for one side of one projection; how many came.
async fn pull(number: usize, side: Side, most: usize) -> usize {
    let mut pages = 0;
    while pages < most {
        let Some(question) = on(number, |hosted| hosted.question(side)).flatten() else { break };
        let Some(audit) = with(|host| host.audit) else { break };
        let mut taking = Taking { number, side, taken: false };
        let answer = reading::page(audit, question, journal::seen()).await;
        pages += 1;
        let more = match answer {
            Ok(Ok(page)) => {
                page.last.into_iter().for_each(journal::saw);
                on(number, |hosted| hosted.take(side, &page)).unwrap_or_default()
            }
            Ok(Err(error)) => {
                journal::meet(&error);
                stop(number, error.to_string())
            }
            Err(failure) => stop(number, failure.to_string()),
        };
        taking.taken = true;
        if !more {
            break;
        }
    }
    pages
}

fn stop(number: usize, problem: String) -> bool {
    on(number, |hosted| hosted.failed(problem));
    false
}

/// Compares and reports, if a rebuild is that far.
async fn conclude(number: usize) {
    if on(number, |hosted| hosted.is_comparing()) != Some(true) {
        return;
    }
    while on(number, Hosted::compare) == Some(false) {
        runtime::yield_round().await;
    }
    // What is on its way already must not be reported twice.
    if journal::status().in_flight > 0 {
        return;
    }
    let Some(report) = on(number, |hosted| hosted.report()).flatten() else { return };
    if let Err(AppendFailure::Refused(error)) = journal::append(vec![report]).await {
        on(number, |hosted| hosted.abandon_rebuild(format!("the log refused the outcome: {error}")));
    }
}
