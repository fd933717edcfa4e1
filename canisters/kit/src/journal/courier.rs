//! Carries batches to the log: one at a time, by whoever finds nobody carrying, or by the timer.

use super::batch::Ticket;
use super::outbox::{Answer, Outbox, StoredOutbox};
use super::{AppendFailure, JournalConfig, JournalStatus, Recorded, Unacknowledged};
use crate::api::audit::{Appended, AuditError, Seen, Tip};
use crate::runtime::{self, CallFailure, Request};
use crate::stable::Slot;
use cairn_events::payload::CanisterUpgraded;
use cairn_events::{Payload, Principal, Receipt, Submission};
use std::cell::RefCell;
use std::time::Duration;

/// Rounds that a caller waits for another one's batch before it gives up waiting, not hope.
const MAX_ROUNDS: u32 = 500;
/// The first retry comes after this long, each further one after twice as long,
const MIN_RETRY: Duration = Duration::from_secs(1);
/// up to this.
const MAX_RETRY: Duration = Duration::from_secs(60);
/// A timer can be lost in a trap; this one comes again and again.
const WATCHDOG: Duration = Duration::from_secs(600);

/// The journal of this canister.
struct Journal {
    audit: Principal,
    apply: fn(&Recorded),
    slot: Slot<StoredOutbox>,
    outbox: Outbox,
    carrying: bool,
    /// When the timer fires, if one is set.
    due: Option<u64>,
    retries: u32,
    failures: u64,
    refusals: u64,
    problem: Option<String>,
}

thread_local! {
    static JOURNAL: RefCell<Option<Journal>> = const { RefCell::new(None) };
}

fn with<T>(act: impl FnOnce(&mut Journal) -> T) -> Option<T> {
    JOURNAL.with_borrow_mut(|journal| journal.as_mut().map(act))
}

/// Opens the journal in its memory.
pub fn open(config: JournalConfig) {
    let slot = Slot::open(config.memory);
    let outbox = Outbox::load(&slot.get()).unwrap_or_else(|error| ic_cdk::trap(error.to_string()));
    let journal = Journal {
        audit: config.audit,
        apply: config.apply,
        slot,
        outbox,
        carrying: false,
        due: None,
        retries: 0,
        failures: 0,
        refusals: 0,
        problem: None,
    };
    JOURNAL.set(Some(journal));
    runtime::every(WATCHDOG, || Box::pin(flush()));
    with(|journal| journal.arm(Duration::ZERO));
}

/// Notes an upgrade that the log is to know, and arms the timer that tells it.
pub fn owe_upgrade(instructions: u64) {
    with(|journal| {
        journal.outbox.owe_upgrade(instructions);
        journal.save();
        journal.arm(Duration::ZERO);
    });
}

/// Carries `submissions`, or waits until another caller has.
pub async fn append(submissions: Vec<Submission>) -> Answer {
    if submissions.is_empty() {
        return Ok(Vec::new());
    }
    let place = Place::take(submissions)?;
    for _ in 0..MAX_ROUNDS {
        if let Some(answer) = place.answer() {
            return answer;
        }
        match Load::take() {
            Some(load) => load.carry().await,
            None => runtime::yield_round().await,
        }
    }
    Err(place.leave())
}

/// Carries what is in the outbox, and what is owed.
pub async fn flush() {
    // Unless the watchdog came first, this is the timer that was set, or one that was lost.
    with(|journal| journal.due = journal.due.filter(|due| *due > runtime::now()));
    let in_flight = with(|journal| journal.outbox.in_flight() > 0) == Some(true);
    if let Some(load) = in_flight.then(Load::take).flatten() {
        load.carry().await;
    }
    if let Some(end) = with(|journal| journal.outbox.end_of_alarm()).flatten() {
        // Wanted until it is there.
        let _ = append(vec![end]).await;
    }
    if let Some(instructions) = with(|journal| journal.outbox.upgrade_to_report()).flatten() {
        let upgraded = CanisterUpgraded { module_hash: own_module().await, instructions };
        // What fails stays owed, and comes again with the timer.
        let _ = append(vec![Submission::new(runtime::id(), Payload::CanisterUpgraded(upgraded))]).await;
    }
    with(Journal::arm_if_needed);
}

/// Whether what `wanted` picks waits or is under way.
pub fn holds(wanted: impl Fn(&Payload) -> bool) -> bool {
    with(|journal| journal.outbox.payloads().any(wanted)) == Some(true)
}

/// Why nothing goes on, if the fork alarm is raised.
pub fn alarm() -> Option<String> {
    with(|journal| journal.outbox.alarm().map(|alarm| alarm.problem.clone())).flatten()
}

/// The last event of the log that is known.
pub fn seen() -> Option<Seen> {
    with(|journal| journal.outbox.seen()).flatten()
}

/// Takes notice of an event that the log has.
pub fn saw(seen: Seen) {
    with(|journal| {
        if journal.outbox.saw(seen) {
            journal.save();
        }
    });
}

/// Takes notice of the log's refusal.
pub fn meet(error: &AuditError) {
    with(|journal| {
        if journal.outbox.meet(error) {
            journal.failed(error.to_string());
            journal.save();
        }
    });
}

/// Raises the fork alarm.
pub fn contradicted(problem: String) {
    with(|journal| {
        journal.outbox.raise(problem.clone());
        journal.failed(problem);
        journal.save();
    });
}

/// Asks the log for its end; it must have the last event that is known.
pub async fn look() -> Result<(), Unacknowledged> {
    let Some((audit, seen)) = with(|journal| (journal.audit, journal.outbox.seen())) else {
        return Err(Unacknowledged::Silent("the journal is not open".to_owned()));
    };
    let answer: Result<Result<Tip, AuditError>, CallFailure> = runtime::call_or_refusal(audit, "getTip", (seen,)).await;
    match answer {
        Ok(Ok(tip)) => {
            tip.last().into_iter().for_each(saw);
            Ok(())
        }
        Ok(Err(error)) => {
            meet(&error);
            Err(Unacknowledged::Refused(error))
        }
        Err(failure) => Err(Unacknowledged::Silent(failure.to_string())),
    }
}

/// Ends the alarm on behalf of `by`, if the log is the one that is known.
pub async fn acknowledge(by: Principal) -> Result<(), Unacknowledged> {
    if alarm().is_none() {
        return Ok(());
    }
    look().await?;
    with(|journal| {
        journal.outbox.acknowledge(by);
        journal.save();
    });
    flush().await;
    if alarm().is_none() { Ok(()) } else { Err(Unacknowledged::Pending) }
}

/// Where the journal stands.
pub fn status() -> JournalStatus {
    let status = with(|journal| JournalStatus {
        waiting: journal.outbox.waiting() as u64,
        in_flight: journal.outbox.in_flight() as u64,
        next_seq: journal.outbox.applied() + 1,
        last_index: journal.outbox.last().map(|(index, _)| index),
        last_accepted: journal.outbox.last().map_or(0, |(_, time)| time),
        failures: journal.failures,
        refusals: journal.refusals,
        last_problem: journal.problem.clone(),
        alarm: journal.outbox.alarm().map(|alarm| alarm.problem.clone()),
    });
    status.unwrap_or_default()
}

impl Journal {
    fn save(&self) {
        self.slot.set(&self.outbox.store());
    }

    fn failed(&mut self, problem: String) {
        self.failures += 1;
        self.retries = self.retries.saturating_add(1);
        self.problem = Some(problem);
    }

    fn arm_if_needed(&mut self) {
        let wait = 1u32.checked_shl(self.retries.saturating_sub(1)).map_or(MAX_RETRY, |n| MIN_RETRY.saturating_mul(n));
        self.arm(wait.min(MAX_RETRY));
    }

    fn arm(&mut self, delay: Duration) {
        if self.due.is_none() && self.outbox.needs_timer() {
            self.due = Some(runtime::now().saturating_add(delay.as_nanos() as u64));
            runtime::after(delay, flush());
        }
    }

    /// Takes the log's answer into the outbox; the events to apply.
    fn settle(&mut self, reply: Result<Vec<u8>, CallFailure>) -> Vec<Recorded> {
        let answer = reply.and_then(|bytes| runtime::decode_or_refusal::<Appended, AuditError>(&bytes));
        let mut recorded = Vec::new();
        match answer {
            Ok(Ok(appended)) => match self.outbox.accepted(&appended.receipts) {
                Ok(accepted) => {
                    self.retries = 0;
                    recorded = accepted;
                }
                Err(contradiction) => self.failed(contradiction.to_string()),
            },
            Ok(Err(error)) => {
                self.refusals += 1;
                self.retries = self.retries.saturating_add(1);
                self.problem = Some(error.to_string());
                self.outbox.refused(&error);
            }
            Err(failure) => {
                self.failed(failure.to_string());
                if failure.not_executed() { self.outbox.unexecuted() } else { self.outbox.doubt() }
            }
        }
        self.save();
        recorded
    }
}

/// The right to carry the next batch. Dropped without having delivered, it leaves the batch in doubt and arms the timer:
/// all of that is possible in the cleanup after a trap, too.
struct Load {
    delivered: bool,
}

impl Load {
    fn take() -> Option<Self> {
        let free = with(|journal| !std::mem::replace(&mut journal.carrying, true))?;
        free.then(|| Load { delivered: false })
    }

    async fn carry(mut self) {
        let request = with(|journal| {
            let args = journal.outbox.prepare()?.args().to_vec();
            // In stable memory before it is sent: whatever happens from here on, it can be sent again.
            journal.save();
            Some(Request::new(journal.audit, "append", args))
        });
        if let Some(request) = request.flatten() {
            let reply = runtime::send(request).await;
            let (apply, recorded) = match with(|journal| (journal.apply, journal.settle(reply))) {
                Some(settled) => settled,
                None => return,
            };
            // The outbox is not borrowed here, and a trap undoes the settling as well.
            recorded.iter().for_each(apply);
        }
        self.delivered = true;
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        with(|journal| {
            journal.carrying = false;
            if !self.delivered {
                journal.outbox.interrupted();
                journal.failed("the callback trapped".to_owned());
            }
            journal.arm_if_needed();
        });
    }
}

/// A caller's place among those who wait; given up on drop, so that nobody is answered who is gone.
struct Place(Ticket);

impl Place {
    fn take(submissions: Vec<Submission>) -> Result<Self, AppendFailure> {
        let taken = with(|journal| journal.outbox.enqueue(submissions));
        taken.unwrap_or(Err(AppendFailure::NotReady("the journal is not open"))).map(Place)
    }

    fn answer(&self) -> Option<Result<Vec<Receipt>, AppendFailure>> {
        with(|journal| journal.outbox.take_answer(self.0)).flatten()
    }

    fn leave(self) -> AppendFailure {
        with(|journal| journal.outbox.leave(self.0)).unwrap_or(AppendFailure::Pending)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        with(|journal| journal.outbox.leave(self.0));
    }
}

/// Hash of the module that this canister runs, if the network tells.
async fn own_module() -> Option<cairn_events::Hash> {
    runtime::canister_info(runtime::id()).await.ok()?.module_hash
}
