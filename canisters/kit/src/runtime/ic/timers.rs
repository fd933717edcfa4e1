//! Many timers over the network's one.
//!
//! What is due runs in a message of its own, which the canister sends to itself: a trap in it undoes nothing else. The
//! network forgets its timer when it fires, also if that message traps; [`revive`] sets it again.

use super::calls::Call;
use super::tickets::{self, Ticket};
use crate::runtime::{CallFailure, Request, Task, Wait};
use ic_cdk::api;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Maker = Box<dyn FnMut() -> Task<()>>;

/// A timer that can be cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerId(Ticket);

/// What runs when its time has come.
enum Job {
    /// Once; `None` as soon as it has begun.
    Once(Option<Task<()>>),
    /// Every so many nanoseconds, one after the other; `None` while the next one is being made.
    Every { interval: u64, make: Option<Maker>, busy: bool },
}

/// Jobs, and when they are due.
#[derive(Default)]
struct Timers {
    due: BTreeSet<(u64, Ticket)>,
    jobs: BTreeMap<Ticket, Job>,
}

thread_local! {
    static TIMERS: RefCell<Timers> = RefCell::default();
}

/// The method by which the canister lets a job run.
const METHOD: &str = "cairn_timer";
/// For how long the end of a job is awaited, in seconds; afterwards it counts as ended.
const AWAITED_SECONDS: u32 = 300;
/// How long to wait before a job is tried again that could not be begun.
const AGAIN: u64 = 1_000_000_000;
/// Jobs that one firing begins.
const AT_ONCE: usize = 50;

/// Runs `task` once, after `delay`.
pub fn after(delay: Duration, task: Task<()>) {
    add(delay, Job::Once(Some(task)));
}

/// Runs what `make` gives, every `interval`, one at a time, until cleared.
pub fn every(interval: Duration, make: Maker) -> TimerId {
    add(interval, Job::Every { interval: nanoseconds(interval), make: Some(make), busy: false })
}

/// Forgets a timer. What has begun goes on.
pub fn clear(timer: TimerId) {
    let job = TIMERS.with_borrow_mut(|timers| {
        timers.due.retain(|(_, job)| *job != timer.0);
        timers.jobs.remove(&timer.0)
    });
    drop(job);
    revive();
}

/// Sets the network's timer to what is due first.
pub fn revive() {
    let first = TIMERS.with_borrow(|timers| timers.due.first().map(|(due, _)| *due));
    api::global_timer_set(first.unwrap_or_default());
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn add(delay: Duration, job: Job) -> TimerId {
    let ticket = tickets::next();
    TIMERS.with_borrow_mut(|timers| {
        timers.jobs.insert(ticket, job);
        // Zero would mean that there is no timer.
        timers.due.insert((api::time().saturating_add(nanoseconds(delay)).max(1), ticket));
    });
    revive();
    TimerId(ticket)
}

impl Timers {
    /// What is due and can begin, in order. Jobs that repeat are due again.
    fn begin(&mut self, now: u64) -> Vec<Ticket> {
        let mut begun = Vec::new();
        while let Some((due, ticket)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            if begun.len() >= AT_ONCE {
                break;
            }
            self.due.remove(&(due, ticket));
            match self.jobs.get_mut(&ticket) {
                Some(Job::Every { interval, busy, .. }) => {
                    self.due.insert((now.saturating_add(*interval).max(now + 1), ticket));
                    if !std::mem::replace(busy, true) {
                        begun.push(ticket);
                    }
                }
                Some(Job::Once(Some(_))) => begun.push(ticket),
                Some(Job::Once(None)) | None => {}
            }
        }
        begun
    }

    /// What becomes of a job, now that the message that ran it is over. If it was not, or perhaps not, begun, it is due
    /// again.
    fn end(&mut self, ticket: Ticket, begun: bool, now: u64) -> Option<Job> {
        match self.jobs.get_mut(&ticket)? {
            Job::Every { busy, .. } => *busy = false,
            Job::Once(Some(_)) if !begun => drop(self.due.insert((now.saturating_add(AGAIN), ticket))),
            Job::Once(_) => return self.jobs.remove(&ticket),
        }
        None
    }
}

/// Whether the message that was to run a job has run, well or badly.
fn has_run(outcome: &Result<Vec<u8>, CallFailure>) -> bool {
    !matches!(outcome, Err(CallFailure::NotExecuted { code: 0 | 2, .. } | CallFailure::Unknown { code: 6, .. }))
}

/// A job's message on its way. However that ends, also by a trap where its answer is taken, the job can be due again.
struct Running {
    ticket: Ticket,
    begun: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        let job = TIMERS.with_borrow_mut(|timers| timers.end(self.ticket, self.begun, api::time()));
        drop(job);
        revive();
    }
}

/// The network's timer has fired: lets each job that is due run in a message of its own.
#[allow(unsafe_code)]
// SAFETY: the network's name for this entry point, which no other code of a canister gives.
#[unsafe(export_name = "canister_global_timer")]
extern "C" fn fired() {
    ic_cdk_executor::in_tracking_executor_context(|| {
        let due = TIMERS.with_borrow_mut(|timers| timers.begin(api::time()));
        for ticket in due {
            ic_cdk::futures::spawn(begin(ticket));
        }
        revive();
    });
}

async fn begin(ticket: Ticket) {
    let mut running = Running { ticket, begun: false };
    let mut request = Request::new(api::canister_self(), METHOD, ticket.to_le_bytes().to_vec());
    request.wait = Wait::Bounded(AWAITED_SECONDS);
    running.begun = has_run(&Call::new(request).await);
}

/// Runs a job that is due. Only the canister itself may call it.
#[ic_cdk::update(name = "cairn_timer", hidden = true, decode_with = "ticket")]
async fn run(ticket: Option<Ticket>) {
    if api::msg_caller() != api::canister_self() {
        ic_cdk::trap("only the canister itself may call this");
    }
    if let Some(task) = ticket.and_then(task) {
        task.await;
    }
}

fn ticket(argument: Vec<u8>) -> Option<Ticket> {
    argument.try_into().ok().map(Ticket::from_le_bytes)
}

/// The job's next task. Its maker is called outside the table, since it may set timers.
fn task(ticket: Ticket) -> Option<Task<()>> {
    let (once, make) = TIMERS.with_borrow_mut(|timers| match timers.jobs.get_mut(&ticket)? {
        Job::Once(task) => Some((task.take(), None)),
        Job::Every { make, .. } => Some((None, make.take())),
    })?;
    let Some(mut maker) = make else { return once };
    let task = maker();
    TIMERS.with_borrow_mut(|timers| {
        if let Some(Job::Every { make, .. }) = timers.jobs.get_mut(&ticket) {
            *make = Some(maker);
        }
    });
    Some(task)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timers(jobs: Vec<(u64, Job)>) -> Timers {
        let mut timers = Timers::default();
        for (ticket, (due, job)) in (0..).zip(jobs) {
            timers.due.insert((due, ticket));
            timers.jobs.insert(ticket, job);
        }
        timers
    }

    fn once() -> Job {
        Job::Once(Some(Box::pin(async {})))
    }

    fn every(interval: u64) -> Job {
        Job::Every { interval, make: Some(Box::new(|| Box::pin(async {}))), busy: false }
    }

    #[test]
    fn what_is_due_begins_in_order_and_once() {
        let mut timers = timers(vec![(30, once()), (10, once()), (50, once())]);
        assert_eq!(timers.begin(40), [1, 0]);
        assert_eq!(timers.begin(40), [] as [Ticket; 0]);
        assert!(timers.end(1, true, 41).is_some());
        assert_eq!(timers.begin(50), [2]);
    }

    #[test]
    fn an_interval_waits_for_its_last_job() {
        let mut timers = timers(vec![(10, every(10))]);
        assert_eq!(timers.begin(10), [0]);
        assert_eq!(timers.begin(25), [] as [Ticket; 0]);
        assert!(timers.end(0, true, 30).is_none());
        assert_eq!(timers.begin(34), [] as [Ticket; 0]);
        assert_eq!(timers.begin(35), [0]);
    }

    #[test]
    fn what_could_not_begin_is_tried_again_and_what_began_is_not() {
        for (failure, run) in [
            (CallFailure::unsent("no cycles"), false),
            (CallFailure::rejected(2, "for now"), false),
            (CallFailure::rejected(6, "silence"), false),
            (CallFailure::rejected(5, "a trap"), true),
        ] {
            let mut timers = timers(vec![(10, once())]);
            assert_eq!(timers.begin(10), [0]);
            assert_eq!(has_run(&Err(failure.clone())), run, "{failure}");
            assert_eq!(timers.end(0, run, 10).is_some(), run, "{failure}");
            assert_eq!(timers.begin(10 + AGAIN).len(), usize::from(!run), "{failure}");
        }
        let mut begun = timers(vec![(10, Job::Once(None))]);
        assert!(begun.end(0, false, 10).is_some());
    }

    #[test]
    fn a_firing_begins_a_bounded_number() {
        let mut timers = timers((0..120).map(|_| (1, once())).collect());
        assert_eq!([timers.begin(1).len(), timers.begin(1).len(), timers.begin(1).len()], [50, 50, 20]);
    }
}
