//! The smallest writer and host of projections: it notes numbers in the log, keeps those that were accepted, and hosts a
//! projection that counts them. What tests of journal and host run, with every kind of fault.

use cairn_events::payload::{Reason, Refused};
use cairn_events::{Event, Family, Payload, Principal, Submission};
use cairn_kit::access::{Admin, Caller};
use cairn_kit::api::host::ProjectionStatus;
use cairn_kit::host::{self, HostConfig, Memories};
use cairn_kit::journal::{self, JournalConfig, Recorded};
use cairn_kit::layout;
use cairn_projections::{Definition, Projection, Table, Tables, digest};
use ic_cdk::{init, post_upgrade, query, update};
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};
use ic_stable_structures::{DefaultMemoryImpl, StableBTreeMap};
use std::cell::RefCell;

type Memory = cairn_kit::stable::Memory;

/// Memories, by what they hold.
mod memory {
    pub const LAYOUT: u8 = 0;
    pub const JOURNAL: u8 = 1;
    pub const NOTES: u8 = 2;
    pub const HOST: [u8; 3] = [3, 4, 5];
}

const LAYOUT: u32 = 1;

thread_local! {
    static MEMORIES: MemoryManager<DefaultMemoryImpl> = MemoryManager::init(DefaultMemoryImpl::default());
    /// Accepted notes: source sequence -> number.
    static NOTES: RefCell<StableBTreeMap<u64, u64, Memory>> = RefCell::new(StableBTreeMap::init(open(memory::NOTES)));
}

fn open(id: u8) -> Memory {
    MEMORIES.with(|memories| memories.get(MemoryId::new(id)))
}

/// How often each number was noted, as the log tells it.
struct Tally;

const TALLY: Table<u64, u64> = Table::new(1);

impl Projection for Tally {
    const NAME: &'static str = "tally";
    const VERSION: u32 = 1;
    const FAMILY: Family = Family::Platform;

    fn apply(tables: &mut dyn Tables, event: &Event) {
        if let Some(number) = number(&event.payload) {
            TALLY.upsert(tables, &number, |count| *count += 1);
        }
    }
}

/// A note: the kind of event that every role may write.
fn note(number: u64) -> Submission {
    let refused = Refused { method: "note".to_owned(), reason: Reason::new(&number.to_string(), "") };
    Submission::new(ic_cdk::api::canister_self(), Payload::Refused(refused))
}

fn number(payload: &Payload) -> Option<u64> {
    match payload {
        Payload::Refused(refused) => refused.reason.code.parse().ok(),
        _ => None,
    }
}

fn apply(event: &Recorded) {
    host::recorded(event);
    if let Some(number) = number(&event.payload) {
        NOTES.with_borrow_mut(|notes| notes.insert(event.source_seq, number));
    }
}

fn start(audit: Principal) {
    journal::init(JournalConfig { audit, apply, memory: open(memory::JOURNAL) });
    let [state, rows, spare] = memory::HOST.map(open);
    let projections = vec![(Definition::of::<Tally>(), Memories { state, rows, spare })];
    host::init(HostConfig { audit, projections, certify: true });
}

#[init]
fn init(audit: Principal) {
    if let Err(error) = layout::begin(&open(memory::LAYOUT), LAYOUT) {
        ic_cdk::trap(error.to_string());
    }
    start(audit);
}

#[post_upgrade]
fn post_upgrade(audit: Principal) {
    if let Err(error) = layout::check(&open(memory::LAYOUT), LAYOUT) {
        ic_cdk::trap(error.to_string());
    }
    start(audit);
    journal::upgraded(ic_cdk::api::instruction_counter());
}

/// Notes numbers, all of them or none; with a wrong stream version if `stale`. Gives their indexes. For anyone named.
#[update]
async fn write(numbers: Vec<u64>, stale: bool) -> Result<Vec<u64>, String> {
    Caller::authenticate(ic_cdk::api::msg_caller()).map_err(|denied| denied.to_string())?;
    let submission = |number: u64| if stale { note(number).exactly(1_000_000) } else { note(number) };
    let receipts = journal::append(numbers.into_iter().map(submission).collect()).await;
    receipts.map(|receipts| receipts.iter().map(|receipt| receipt.index).collect()).map_err(|failure| match failure {
        journal::AppendFailure::Pending => "pending".to_owned(),
        other => format!("none: {other}"),
    })
}

/// The accepted notes, by source sequence. For anyone.
#[query]
fn notes() -> Vec<(u64, u64)> {
    NOTES.with_borrow(|notes| notes.iter().map(|entry| entry.into_pair()).collect())
}

/// How many submissions wait, and how many are in flight. For anyone.
#[query]
fn outbox() -> (u64, u64) {
    let status = journal::status();
    (status.waiting, status.in_flight)
}

/// How the projection stands, and its digest. For anyone.
#[query]
fn tally() -> (Vec<ProjectionStatus>, Option<cairn_events::Hash>) {
    (host::status(), host::read::<Tally, _>(|tables| digest(tables)).map(|reflected| reflected.content))
}

/// Rebuilds the projection. For controllers.
#[update]
fn rebuild() -> Result<(), String> {
    let admin = Admin::controller(ic_cdk::api::msg_caller()).map_err(|denied| denied.to_string())?;
    host::rebuild(Tally::NAME, admin).map_err(|error| error.to_string())
}
