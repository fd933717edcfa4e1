//! Journal and host on a network where, at every message in turn, something goes wrong: every accepted event is applied
//! once and in order, every answer is true, nothing stays behind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails here says enough")]

use cairn_events::{Event, Hash, Payload, Stream, WriterRole, codec};
use cairn_kit::api::audit::{AuditError, AuditInit, EventPage, EventQuery, Filter, Order};
use cairn_kit::api::host::ProjectionStatus;
use localnet::{Fault, MessageId, MessageKind, Net, Principal, RejectCode};
use std::sync::OnceLock;
use std::time::Duration;

const CYCLES: u128 = 100_000_000_000_000;

struct World {
    net: Net,
    owner: Principal,
    audit: Principal,
    scribe: Principal,
}

/// What a caller brought.
struct Brought {
    id: MessageId,
    numbers: Vec<u64>,
    stale: bool,
}

fn module() -> &'static [u8] {
    static MODULE: OnceLock<Vec<u8>> = OnceLock::new();
    MODULE.get_or_init(|| cairn::artifacts::test_wasm("scribe").unwrap())
}

impl World {
    fn new() -> Self {
        let mut net = Net::default();
        let owner = Principal::self_authenticating(b"owner");
        let audit = net.create_canister(owner, CYCLES);
        let init = AuditInit { money_writer: owner };
        net.install(audit, owner, &cairn::artifacts::wasm("audit_storage").unwrap(), candid::encode_one(init).unwrap())
            .unwrap();
        let scribe = net.create_canister(owner, CYCLES);
        net.install(scribe, owner, module(), candid::encode_one(audit).unwrap()).unwrap();
        net.run_until_idle(100);
        let registered: Result<(), AuditError> =
            net.update(audit, owner, "registerWriter", (scribe, WriterRole::Host)).unwrap();
        registered.unwrap();
        let mut world = World { net, owner, audit, scribe };
        world.settle();
        world.net.clear_trace();
        world
    }

    fn fork(&self) -> Self {
        World { net: self.net.fork(), ..*self }
    }

    fn upgrade(&mut self) {
        self.net.upgrade(self.scribe, self.owner, module(), candid::encode_one(self.audit).unwrap()).unwrap();
    }

    fn bring(&mut self, numbers: Vec<u64>, stale: bool) -> Brought {
        let id = self.net.submit(self.scribe, self.owner, "write", (numbers.clone(), stale));
        Brought { id, numbers, stale }
    }

    /// Eight callers at once, one with a wrong claim.
    fn busy(&mut self) -> Vec<Brought> {
        (0..8).map(|n| self.bring(vec![10 * n, 10 * n + 1], n == 3)).collect()
    }

    fn settle(&mut self) {
        for _ in 0..40 {
            self.net.run_until_idle(200);
            self.net.advance(Duration::from_secs(5));
        }
        self.net.run_until_idle(200);
    }

    fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let query = EventQuery {
                filter: Filter::Stream(Stream::Canister(self.scribe)),
                order: Order::OldestFirst,
                from_time: None,
                until_time: None,
                cursor: Some(events.len() as u64),
                limit: 500,
            };
            let page: Result<EventPage, AuditError> =
                self.net.query(self.audit, self.owner, "getEvents", (query,)).unwrap();
            let page = page.unwrap();
            events.extend(page.events.iter().map(|bytes| codec::decode_event(bytes).unwrap()));
            if page.next.is_none() {
                return events;
            }
        }
    }

    /// The notes in the log: source sequence, number, index.
    fn logged(&mut self) -> Vec<(u64, u64, u64)> {
        let note = |event: Event| match event.payload {
            Payload::Refused(refused) => Some((event.source_seq, refused.reason.code.parse().unwrap(), event.index)),
            _ => None,
        };
        self.events().into_iter().filter_map(note).collect()
    }

    fn tally(&mut self) -> (ProjectionStatus, Hash) {
        let reply = self.net.query_raw(self.scribe, self.owner, "tally", candid::encode_args(()).unwrap()).unwrap();
        let (mut status, digest): (Vec<ProjectionStatus>, Option<Hash>) = candid::decode_args(&reply).unwrap();
        (status.remove(0), digest.unwrap())
    }

    fn notes(&mut self) -> Vec<(u64, u64)> {
        self.net.query(self.scribe, self.owner, "notes", ()).unwrap()
    }

    /// Submissions that wait, and that are in flight.
    fn outbox(&mut self) -> (u64, u64) {
        let reply = self.net.query_raw(self.scribe, self.owner, "outbox", candid::encode_args(()).unwrap()).unwrap();
        candid::decode_args(&reply).unwrap()
    }

    /// What must hold whatever happened, once it is over.
    fn check(&mut self, brought: &[Brought], what: &str) {
        let logged = self.logged();
        let applied: Vec<(u64, u64)> = self.notes();
        let expected: Vec<(u64, u64)> = logged.iter().map(|(seq, number, _)| (*seq, *number)).collect();
        assert_eq!(applied, expected, "{what}: what is in the log is applied, once and in order");
        assert_eq!(self.outbox(), (0, 0), "{what}: nothing is left behind");
        let (status, _) = self.tally();
        assert!(status.parked.is_none(), "{what}: {status:?}");
        assert_eq!(status.checkpoint.map_or(0, |checkpoint| checkpoint.sequence), status.feed_length, "{what}");
        for caller in brought {
            self.check_answer(caller, &logged, what);
        }
    }

    fn check_answer(&self, caller: &Brought, logged: &[(u64, u64, u64)], what: &str) {
        let own: Vec<u64> = logged
            .iter()
            .filter(|(_, number, _)| caller.numbers.contains(number))
            .map(|(_, _, index)| *index)
            .collect();
        assert!(own.is_empty() || own.len() == caller.numbers.len(), "{what}: all or nothing, once");
        assert!(own.is_empty() || !caller.stale, "{what}: a wrong claim is never accepted");
        match self.net.poll::<Result<Vec<u64>, String>>(&caller.id) {
            Some(Ok(Ok(indexes))) => assert_eq!(indexes, own, "{what}: the receipts are true"),
            Some(Ok(Err(failure))) if failure == "pending" => {}
            Some(Ok(Err(failure))) => assert!(own.is_empty(), "{what}: told '{failure}', but it is in the log"),
            // A trap, or an upgrade: the caller knows that it does not know.
            Some(Err(_)) | None => {}
        }
    }
}

#[test]
fn callers_share_batches_and_one_is_refused() {
    let mut world = World::new();
    let brought = world.busy();
    world.settle();
    world.check(&brought, "no fault");
    assert_eq!(world.logged().len(), 14);
    let appends =
        world.net.trace().iter().filter(|entry| entry.method == "append" && entry.kind == MessageKind::Request);
    let appends = appends.count();
    assert!(appends <= 4, "{appends} batches for eight callers");
}

#[test]
fn a_fault_at_any_message_loses_and_doubles_nothing() {
    let opened = World::new();
    let mut calm = opened.fork();
    calm.busy();
    calm.net.run_until_idle(100);
    let kinds = [
        MessageKind::Ingress,
        MessageKind::Request,
        MessageKind::ReplyCallback,
        MessageKind::RejectCallback,
        MessageKind::Timer,
    ];
    let mut struck = 0;
    for kind in kinds {
        let occurrences = calm.net.trace().iter().filter(|entry| entry.kind == kind).count() as u64 + 2;
        for occurrence in 1..=occurrences {
            let rejections =
                [RejectCode::SysTransient, RejectCode::CanisterError, RejectCode::SysUnknown].map(Fault::reject);
            let faults = rejections.into_iter().chain([Fault::trap(), Fault::delay(7)]);
            for fault in faults {
                let what = format!("{:?} at {kind:?} {occurrence}", fault.action);
                let mut world = opened.fork();
                world.net.inject(fault.kind(kind).occurrence(occurrence));
                let mut brought = world.busy();
                (0..6).for_each(|_| world.net.tick());
                brought.push(world.bring(vec![900], false));
                world.settle();
                struck += world.net.struck_faults().len();
                world.net.clear_faults();
                brought.push(world.bring(vec![901], false));
                world.settle();
                world.check(&brought, &what);
                assert_eq!(world.logged().last().map(|note| note.1), Some(901), "{what}: it goes on");
            }
        }
    }
    assert!(struck > 200, "only {struck} faults struck");
}

#[test]
fn an_upgrade_at_any_round_loses_nothing_and_is_told_once() {
    let opened = World::new();
    for rounds in 0..12 {
        for lost in [false, true] {
            let what = format!("upgrade after {rounds} rounds, reply lost: {lost}");
            let mut world = opened.fork();
            if lost {
                let callback = Fault::trap().method("append").kind(MessageKind::ReplyCallback);
                world.net.inject(callback);
            }
            let brought = world.busy();
            (0..rounds).for_each(|_| world.net.tick());
            // The network stops a canister before new code takes over: callbacks of the old one are let in first.
            world.net.stop(world.scribe, world.owner).unwrap();
            world.upgrade();
            world.net.start_canister(world.scribe, world.owner).unwrap();
            world.settle();
            world.check(&brought, &what);
            let upgrades = |event: &Event| match &event.payload {
                Payload::CanisterUpgraded(upgraded) => upgraded.module_hash,
                _ => None,
            };
            let told: Vec<Hash> = world.events().iter().filter_map(upgrades).collect();
            assert_eq!(told, vec![Hash(world.net.module_hash(world.scribe).unwrap())], "{what}");
        }
    }
}

#[test]
fn a_silent_log_is_waited_for() {
    let mut world = World::new();
    world.net.stop(world.audit, world.owner).unwrap();
    let mut brought = world.busy();
    world.net.advance(Duration::from_secs(600));
    world.net.run_until_idle(100);
    brought.extend(world.busy());
    world.net.run_until_idle(100);
    world.net.start_canister(world.audit, world.owner).unwrap();
    world.settle();
    let logged = world.logged();
    let applied: Vec<(u64, u64)> = world.notes();
    assert_eq!(applied.len(), logged.len());
    assert_eq!(world.outbox(), (0, 0));
}

#[test]
fn a_rebuild_under_fire_ends_equal() {
    let mut opened = World::new();
    for n in 0..20 {
        opened.bring((0..50).map(|m| 1000 + 50 * n + m).collect(), false);
        opened.settle();
    }
    for strike in 0..12 {
        let mut world = opened.fork();
        let rebuilt: Result<(), String> = world.net.update(world.scribe, world.owner, "rebuild", ()).unwrap();
        rebuilt.unwrap();
        let kind = if strike % 2 == 0 { MessageKind::ReplyCallback } else { MessageKind::Request };
        world.net.inject(Fault::trap().caller(world.scribe).kind(kind).occurrence(1 + strike / 2));
        world.net.run_until_idle(100);
        if strike % 3 == 0 {
            world.upgrade();
        }
        world.settle();
        let (status, _) = world.tally();
        let outcome = status.last_rebuild.unwrap_or_else(|| panic!("strike {strike}: {status:?}"));
        assert_eq!(outcome.served, outcome.rebuilt, "strike {strike}");
        assert!(status.rebuild.is_none());
        let reports = |event: &Event| matches!(&event.payload, Payload::ProjectionRebuilt(rebuilt) if rebuilt.equal);
        assert_eq!(world.events().into_iter().filter(reports).count(), 1, "strike {strike}: reported once");
        world.check(&[], "after the rebuild");
    }
}
