//! Moves bodies to archives, a range at a time, by timers: nobody waits for it.
//!
//! What there is to do is [`crate::log::archiving`]'s to say, from stable memory; so an interruption anywhere only means
//! that the next timer asks again. One step at a time; after a failure the next one waits, longer each time.

mod management;

use crate::log::archiving::Next;
use crate::state;
use cairn_events::payload::{ArchiveIntended, Reason};
use cairn_events::{Hash, Principal};
use cairn_kit::api::archive::{ArchiveError, Holdings};
use cairn_kit::api::audit::ArchivingStatus;
use cairn_kit::guard::Guards;
use cairn_kit::runtime;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::time::Duration;

/// How often somebody looks whether there is something to move.
const LOOK: Duration = Duration::from_secs(30);
/// The longest waiting time after failures.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

thread_local! {
    static STEPPING: Guards<()> = Guards::new(1);
    static LOOKING: Cell<bool> = const { Cell::new(false) };
    static FAILURES: Cell<u32> = const { Cell::new(0) };
    static NOT_BEFORE: Cell<u64> = const { Cell::new(0) };
    static PROBLEM: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Begins to look after archiving, if it is configured: when installed, after every upgrade, when an admin configures
/// it.
pub fn begin() {
    if !state::read(|log| log.archiving().is_active()) || LOOKING.replace(true) {
        return;
    }
    runtime::every(LOOK, || Box::pin(look()));
}

/// Forgets earlier failures and begins at once: an admin has configured archiving.
pub fn begin_anew() {
    FAILURES.set(0);
    NOT_BEFORE.set(0);
    PROBLEM.set(None);
    begin();
    runtime::after(Duration::ZERO, look());
}

/// How archiving stands.
pub fn status() -> ArchivingStatus {
    let problem = PROBLEM.with_borrow(Clone::clone);
    ArchivingStatus { problem, ..state::read(|log| log.archiving_status()) }
}

/// What is wrong with archiving, for `/health`.
///
/// # Errors
/// Why it does not go on.
pub fn health() -> Result<(), String> {
    if let Some(number) = state::read(|log| log.archiving().halted()) {
        return Err(format!("it is not known whether archive {number} was created; configure archiving anew to go on"));
    }
    match PROBLEM.with_borrow(Clone::clone) {
        Some(problem) => Err(format!("archiving: {problem}")),
        None => Ok(()),
    }
}

async fn look() {
    if runtime::now() < NOT_BEFORE.get() {
        return;
    }
    let Ok(guard) = STEPPING.with(|guards| guards.acquire(())) else { return };
    let done = step().await;
    drop(guard);
    match done {
        Ok(more) => {
            FAILURES.set(0);
            PROBLEM.set(None);
            if more {
                runtime::after(Duration::ZERO, look());
            }
        }
        Err(problem) => {
            let failures = FAILURES.get();
            let wait = LOOK.saturating_mul(1 << failures.min(7)).min(LONGEST_WAIT);
            FAILURES.set(failures.saturating_add(1));
            NOT_BEFORE.set(runtime::now().saturating_add(wait.as_nanos() as u64));
            PROBLEM.set(Some(problem));
        }
    }
}

/// Does what is next; whether there may be more.
async fn step() -> Result<bool, String> {
    let means = state::means();
    match state::read(|log| log.next_of_archiving(&means)) {
        Next::Rest => return Ok(false),
        Next::Intend => state::write(|log, means| log.intend_archive(means)).map_err(text)?,
        Next::Create(intent) => create(intent).await?,
        Next::Close => close(Reason::new("unknown", "the reply was lost"))?,
        Next::Install(archive, intent) => install(archive, intent).await?,
        Next::Move(archive, range) => move_range(archive, range).await?,
    }
    Ok(true)
}

/// Asks for the canister. Its id exists in the reply only: the message that receives it writes it down, and does nothing
/// else that could fail.
async fn create(intent: ArchiveIntended) -> Result<(), String> {
    state::note(|log| log.note_asked(true));
    match management::create_canister(intent.cycles).await {
        Ok(archive) => state::note(|log| log.note_created(archive)),
        Err(failure) if failure.not_executed() => {
            state::note(|log| log.note_asked(false));
            return Err(failure.to_string());
        }
        Err(failure) => close(failure.reason())?,
    }
    Ok(())
}

fn close(reason: Reason) -> Result<(), String> {
    state::write(|log, means| log.close_creation(reason, means)).map_err(text)
}

/// Installs the module, or records the archive once the network says that it runs it.
async fn install(archive: Principal, intent: ArchiveIntended) -> Result<(), String> {
    match management::module_hash(archive).await.map_err(text)? {
        None => {
            let argument = state::read(|log| log.archive_init(&intent)).map_err(text)?;
            let argument = candid::encode_one(argument).map_err(text)?;
            management::install(archive, state::read(|log| log.module()), argument).await.map_err(text)
        }
        Some(module) if module == intent.module_hash => {
            state::write(|log, means| log.record_archive(module, means)).map_err(text)
        }
        Some(module) => Err(format!("archive {archive} runs another module: {module}")),
    }
}

/// Copies a range, has its digest read back, and gives it up here if that is right.
async fn move_range(archive: Principal, range: Range<u64>) -> Result<(), String> {
    let bodies = state::read(|log| log.range_bodies(range.clone())).map_err(text)?;
    let taken: Result<Holdings, ArchiveError> =
        runtime::call(archive, "append", (range.start, bodies)).await.map_err(text)?;
    taken.map_err(text)?;
    let digest: Result<Hash, ArchiveError> =
        runtime::call(archive, "readBack", (range.start, range.end)).await.map_err(text)?;
    let digest = digest.map_err(text)?;
    state::write(|log, means| log.record_move(archive, range, digest, means)).map_err(text)
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
