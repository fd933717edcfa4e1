//! The decision state, folded anew from the log in slices, beside the one in force. Compared and reported, never
//! swapped: work that is under way stands on the one in force.
//!
//! A check lives in the heap: an upgrade ends it.

use super::State;
use crate::{memory, platform};
use cairn_events::{Event, Family, Principal, Receipt, Topic, codec};
use cairn_kit::api::audit::{EventPage, EventQuery, Filter, Order};
use cairn_kit::api::backend::{BackendError, BackendTemporaryError, StateCheck, StateComparison};
use cairn_kit::journal::{self, Recorded};
use cairn_kit::{reading, runtime};
use std::cell::RefCell;
use std::time::Duration;

/// Events that one slice reads.
const SLICE: u32 = 200;
/// Each of our own events is in one of these families, and neither's rows depend on the other's.
const FAMILIES: [Family; 2] = [Family::Platform, Family::Deployments];
/// Times that the end of a feed is reached before our own events in flight are, before the check gives up.
const MAX_CATCH_UPS: u32 = 100;

/// A check under way.
struct Check {
    state: State,
    status: StateCheck,
    /// Where to read on, per family.
    cursors: [u64; FAMILIES.len()],
    catch_ups: u32,
}

thread_local! {
    static CHECK: RefCell<Option<Check>> = const { RefCell::new(None) };
}

/// Begins a check.
///
/// # Errors
/// [`BackendTemporaryError::Busy`]: one is under way.
pub fn begin() -> Result<(), BackendError> {
    CHECK.with_borrow_mut(|check| {
        let under_way = |check: &Check| check.status.result.is_none() && check.status.problem.is_none();
        if check.as_ref().is_some_and(under_way) {
            return Err(BackendTemporaryError::Busy);
        }
        let status =
            StateCheck { started_at: runtime::now(), folded: 0, of: own_events(), problem: None, result: None };
        let state = State::afresh(memory::REFOLDED);
        *check = Some(Check { state, status, cursors: [0; FAMILIES.len()], catch_ups: 0 });
        Ok(())
    })?;
    runtime::after(Duration::ZERO, slice(0));
    Ok(())
}

/// How the check stands, or how the last one ended.
pub fn status() -> Option<StateCheck> {
    CHECK.with_borrow(|check| check.as_ref().map(|check| check.status.clone()))
}

/// Our own events in the log that the state in force reflects.
fn own_events() -> u64 {
    journal::status().next_seq.saturating_sub(1)
}

/// Reads and folds one page of a family, then sets the next slice.
async fn slice(family: usize) {
    let Some((topic, cursor)) = with(|check| Some((*FAMILIES.get(family)?, *check.cursors.get(family)?))) else {
        return;
    };
    let result = page(topic, cursor).await;
    let next = with(|check| match result {
        Ok(page) => check.fold(family, &page),
        Err(problem) => {
            check.status.problem = Some(problem);
            None
        }
    });
    if let Some((family, wait)) = next {
        runtime::after(wait, async move { Box::pin(slice(family)).await });
    }
}

fn with<T>(act: impl FnOnce(&mut Check) -> Option<T>) -> Option<T> {
    CHECK.with_borrow_mut(|check| check.as_mut().and_then(act))
}

async fn page(family: Family, cursor: u64) -> Result<EventPage, String> {
    let query = EventQuery {
        filter: Filter::Topic(Topic::Family(family)),
        order: Order::OldestFirst,
        from_time: None,
        until_time: None,
        cursor: Some(cursor),
        limit: SLICE,
    };
    let audit = platform::setup().audit.ok_or("no log")?;
    let page = reading::page(audit, query, journal::seen()).await;
    page.map_err(|failure| failure.to_string())?.map_err(|error| error.to_string())
}

impl Check {
    /// Folds what is ours in a page; which family comes next, and after how long.
    fn fold(&mut self, family: usize, page: &EventPage) -> Option<(usize, Duration)> {
        let me = runtime::id();
        for bytes in &page.events {
            match codec::decode_event(bytes) {
                Ok(event) => self.fold_event(event, me),
                Err(error) => {
                    self.status.problem = Some(error.to_string());
                    return None;
                }
            }
        }
        let cursor = self.cursors.get_mut(family)?;
        *cursor = cursor.saturating_add(page.events.len() as u64);
        self.status.of = own_events();
        if page.next.is_some() {
            return Some((family, Duration::ZERO));
        }
        if let Some(next) = family.checked_add(1).filter(|next| *next < FAMILIES.len()) {
            return Some((next, Duration::ZERO));
        }
        self.compare()
    }

    fn fold_event(&mut self, event: Event, me: Principal) {
        if event.source != me {
            return;
        }
        let hash = event.hash();
        let Event { index, stream_version, timestamp, source_seq, actor, correlation, causation, payload, .. } = event;
        let receipt = Receipt { index, hash, stream_version, timestamp };
        self.state.apply(&Recorded { receipt, source_seq, actor, correlation, causation, payload });
        self.status.folded = self.status.folded.saturating_add(1);
    }

    /// Compares, if both reflect the same events; otherwise new ones came meanwhile, and are read first.
    fn compare(&mut self) -> Option<(usize, Duration)> {
        let StateCheck { folded, of, .. } = self.status;
        if folded == of {
            let (served, refolded) = (platform::state(State::digest), self.state.digest());
            self.status.result = Some(StateComparison { events: of, served, refolded, equal: served == refolded });
            return None;
        }
        self.catch_ups = self.catch_ups.saturating_add(1);
        if self.catch_ups > MAX_CATCH_UPS {
            self.status.problem = Some(format!("{folded} of our own events are in the log, {of} were expected"));
            return None;
        }
        Some((0, Duration::from_secs(1)))
    }
}
