//! Archiving as admins switch it on, and a log as readers find it, wherever its bodies lie.

use cairn::artifacts::wasm;
use cairn::export::export;
use cairn::verify::{Policy, verify};
use cairn_events::payload::ArchivingConfigured;
use cairn_events::{Event, Hash, Principal, codec};
use cairn_kit::api::audit::{ArchivingStatus, AuditError, EventPage, EventQuery, Filter, Order, Seen, Tip};
use flate2::Compression;
use flate2::read::GzEncoder;
use localnet::Net;
use serde_bytes::ByteBuf;
use std::io::Read as _;
use std::sync::LazyLock;
use std::time::Duration;

/// The module as an admin uploads it: compressed, since a message is too small for it.
pub static MODULE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut packed = Vec::new();
    GzEncoder::new(wasm("archive").unwrap().as_slice(), Compression::best()).read_to_end(&mut packed).unwrap();
    packed
});

pub fn settings(keep: u64, range: u64) -> ArchivingConfigured {
    let module_hash = Hash::of(&[&MODULE]);
    let cycles = 2_000_000_000_000;
    ArchivingConfigured { enabled: true, keep, range, capacity: 1_000_000, cycles, module_hash }
}

pub fn configure(net: &mut Net, audit: Principal, admin: Principal, settings: &ArchivingConfigured) {
    let module = ByteBuf::from(MODULE.clone());
    let hash: Result<Hash, AuditError> = net.update(audit, admin, "uploadArchiveModule", (module,)).unwrap();
    assert_eq!(hash, Ok(settings.module_hash));
    let done: Result<(), AuditError> = net.update(audit, admin, "configureArchiving", (settings,)).unwrap();
    done.unwrap();
}

/// Lets the timers do what they have to, back-off included.
pub fn pass(net: &mut Net, times: usize, each: Duration) {
    for _ in 0..times {
        net.advance(each);
        net.run_until_idle(300);
    }
}

pub fn status(net: &mut Net, audit: Principal) -> ArchivingStatus {
    net.query(audit, Principal::anonymous(), "getArchiving", ()).unwrap()
}

fn tip(net: &mut Net, audit: Principal) -> Tip {
    let tip: Result<Tip, AuditError> = net.query(audit, Principal::anonymous(), "getTip", (None::<Seen>,)).unwrap();
    tip.unwrap()
}

pub fn policy(net: &mut Net, audit: Principal) -> Policy {
    Policy::new(&net.root_key(), &audit.to_text(), &tip(net, audit).log.to_string()).unwrap()
}

/// All events, wherever they are, the export of which has been verified to the last field.
pub fn verified(net: &mut Net, audit: Principal) -> Vec<Event> {
    let (policy, size) = (policy(net, audit), tip(net, audit).size);
    let file = export(net, audit, |_, _| {}).unwrap();
    assert_eq!(verify(&file, &policy).unwrap().events, size);
    events(net, audit, "getWholeEvents")
}

fn query(cursor: Option<u64>) -> EventQuery {
    let (filter, order) = (Filter::All, Order::OldestFirst);
    EventQuery { filter, order, from_time: None, until_time: None, cursor, limit: 100 }
}

pub fn page(net: &mut Net, audit: Principal, method: &str, cursor: Option<u64>) -> EventPage {
    let page: Result<EventPage, AuditError> =
        net.query(audit, Principal::anonymous(), method, (query(cursor), None::<Seen>)).unwrap();
    page.unwrap()
}

pub fn events(net: &mut Net, audit: Principal, method: &str) -> Vec<Event> {
    let (mut events, mut cursor) = (Vec::new(), None);
    loop {
        let page = page(net, audit, method, cursor);
        events.extend(page.events.iter().map(|body| codec::decode_event(body).unwrap()));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return events,
        }
    }
}
