//! The audit canister as compiled wasm: genesis, appends, certificates, upgrades, and who is turned away.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails here says enough")]

use cairn::verify::{Policy, verify};
use cairn_events::payload::{Account, DeploymentAbandoned, DeploymentDispatched, DeploymentRequested, Reason};
use cairn_events::topic::Service;
use cairn_events::{
    Amount, DeploymentId, Event, Hash, Opening, Payload, Principal, Stream, Submission, Topic, WriterRole, codec,
};
use cairn_kit::api::audit::{
    AppendArgs, Appended, AuditError, AuditInit, AuditRequestError, AuditTemporaryError, EventPage, EventQuery, Filter,
    Order, Tip, WireSubmission, Writer,
};
use cairn_tests::log_fixture::{CYCLES, LogFixture, callback, person};
use cairn_tests::page;
use localnet::{Config, Fault, Limits, MessageKind, Net, RejectCode};
use std::time::Duration;

fn tip(log: &mut LogFixture) -> Tip {
    let tip: Result<Tip, AuditError> = log.net.query(log.audit, Principal::anonymous(), "getTip", ()).unwrap();
    tip.unwrap()
}

/// The generator's events; who signs them does not matter to those that are refused.
fn batch(from: u64, count: u64) -> Vec<Submission> {
    (from..from + count).map(|n| callback(person(3), n)).collect()
}

fn args(first_seq: u64, batch: &[Submission]) -> AppendArgs {
    AppendArgs { first_seq, submissions: batch.iter().map(WireSubmission::from).collect() }
}

fn append_as(log: &mut LogFixture, writer: Principal, args: AppendArgs) -> Result<Appended, AuditError> {
    log.net.update(log.audit, writer, "append", (args,)).unwrap()
}

fn events(log: &mut LogFixture, filter: Filter) -> Vec<Event> {
    let mut query =
        EventQuery { filter, order: Order::OldestFirst, from_time: None, until_time: None, cursor: None, limit: 40 };
    let mut events = Vec::new();
    loop {
        let page: Result<EventPage, AuditError> =
            log.net.query(log.audit, Principal::anonymous(), "getEvents", (query.clone(),)).unwrap();
        let page = page.unwrap();
        events.extend(page.events.iter().map(|bytes| codec::decode_event(bytes).unwrap()));
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return events,
        }
    }
}

/// Everything a request could change, once the topic map has caught up.
fn state(log: &mut LogFixture) -> (Vec<u8>, Vec<u8>) {
    log.net.run_until_idle(20);
    (log.net.stable_memory(log.audit).unwrap(), log.net.certified_data(log.audit).unwrap())
}

/// The whole log, as an auditor checks it: chain, links, tree, certificate against the network's root key.
fn audit(log: &mut LogFixture) {
    let tip = tip(log);
    let file = cairn::export::export(&mut log.net, log.audit, |_, _| {}).unwrap();
    let policy = Policy::new(&log.net.root_key(), &log.audit.to_text(), &tip.log.to_string()).unwrap();
    let verdict = verify(&file, &policy).unwrap();
    assert_eq!(verdict.events, tip.size);
    let another = Policy::new(&log.net.root_key(), &person(9).to_text(), &tip.log.to_string()).unwrap();
    assert!(verify(&file, &another).is_err());
}

#[test]
fn every_append_is_certified_in_its_own_message() {
    let mut log = LogFixture::begin(1).unwrap();
    audit(&mut log);
    let mut next = 1;
    for count in [1, 100, 7] {
        let batch = batch(next, count);
        let before = log.net.certified_data(log.audit);
        let receipts = log.append(log.factory, &batch).unwrap();
        next += count;
        assert_ne!(log.net.certified_data(log.audit), before);
        audit(&mut log);
        let last = events(&mut log, Filter::All).pop().unwrap();
        assert_eq!(receipts.last().map(|receipt| (receipt.index, receipt.hash)), Some((last.index, last.hash())));
    }
    let contract = match callback(log.factory, 5).payload {
        Payload::CallbackAccepted(callback) => callback.contract,
        other => panic!("{other:?}"),
    };
    let about = events(&mut log, Filter::Topic(Topic::Contract(contract)));
    assert!(!about.is_empty() && about.iter().all(|event| event.payload.contract() == Some(contract)));
}

#[test]
fn a_repetition_gets_the_first_receipts_and_changes_nothing() {
    let mut log = LogFixture::begin(2).unwrap();
    let first = args(1, &batch(1, 30));
    let factory = log.factory;
    let accepted = append_as(&mut log, factory, first.clone()).unwrap();
    append_as(&mut log, factory, args(31, &batch(31, 5))).unwrap();
    let before = state(&mut log);
    log.net.advance(Duration::from_secs(3_600));
    assert_eq!(append_as(&mut log, factory, first).unwrap().receipts, accepted.receipts);
    let other = append_as(&mut log, factory, args(3, &batch(77, 1)));
    assert!(matches!(other, Err(AuditError::Request(AuditRequestError::SequenceReused { seq: 3, .. }))));
    assert!(state(&mut log) == before);
}

#[test]
fn an_upgrade_keeps_everything_and_is_an_event() {
    let mut log = LogFixture::begin(3).unwrap();
    log.grow_callbacks(1, 250).unwrap();
    let (tip_before, before) = (tip(&mut log), log.net.certified_data(log.audit));
    let wasm = cairn::artifacts::wasm("audit_storage").unwrap();
    log.net.upgrade(log.audit, log.admin, &wasm, candid::encode_args(()).unwrap()).unwrap();
    assert_eq!(tip(&mut log), tip_before);
    assert_eq!(log.net.certified_data(log.audit), before);
    audit(&mut log);
    log.net.run_until_idle(100);
    let life = Filter::Stream(Stream::Canister(log.audit));
    let upgrades = events(&mut log, life);
    let [Payload::CanisterUpgraded(upgraded)] = &upgrades.iter().map(|e| e.payload.clone()).collect::<Vec<_>>()[..]
    else {
        panic!("{upgrades:?}");
    };
    assert_eq!(upgraded.module_hash.map(|hash| hash.0), log.net.module_hash(log.audit));
    assert!(upgraded.instructions > 0);
    audit(&mut log);
    log.append(log.factory, &batch(1_000, 3)).unwrap();
    audit(&mut log);
}

#[test]
fn an_upgrade_to_a_log_that_is_not_whole_is_rolled_back() {
    let mut log = LogFixture::begin(4).unwrap();
    let token = cairn::artifacts::wasm("token").unwrap();
    let before = state(&mut log);
    let refused = log.net.upgrade(log.audit, log.admin, &token, candid::encode_args(()).unwrap());
    assert!(refused.is_err());
    assert!(state(&mut log) == before);
    log.append(log.factory, &batch(1, 1)).unwrap();
}

#[test]
fn strangers_write_nothing() {
    let mut log = LogFixture::begin(5).unwrap();
    let before = state(&mut log);
    let (anonymous, gateway) = (Principal::anonymous(), log.gateway);
    for stranger in [person(77), anonymous, log.admin] {
        let refusal = append_as(&mut log, stranger, args(1, &batch(1, 1)));
        assert_eq!(refusal, Err(AuditError::Request(AuditRequestError::NotAWriter { caller: stranger })));
        // Not even what cannot be read is looked at.
        let garbage = log.net.update_raw(log.audit, stranger, "append", vec![0xff; 1_000_000]).unwrap();
        let refusal: Result<Appended, AuditError> = candid::decode_one(&garbage).unwrap();
        assert_eq!(refusal, Err(AuditError::Request(AuditRequestError::NotAWriter { caller: stranger })));
    }
    for stranger in [person(77), anonymous, log.factory] {
        for method in ["registerWriter", "setupWhitelist"] {
            let arguments = match method {
                "registerWriter" => candid::encode_args((person(77), WriterRole::Factory)),
                _ => candid::encode_args((gateway,)),
            };
            let reply = log.net.update_raw(log.audit, stranger, method, arguments.unwrap()).unwrap();
            let refusal: Result<(), AuditError> = candid::decode_one(&reply).unwrap();
            assert_eq!(refusal, Err(AuditError::Request(AuditRequestError::Unauthorized { caller: stranger })));
        }
    }
    assert!(state(&mut log) == before);
    let (_, metrics) = page::get(&mut log.net, log.audit, "/metrics").unwrap();
    assert!(metrics.contains("audit_strangers_refused_total 12\n"), "{metrics}");
}

#[test]
fn the_gateway_and_controllers_register_writers() {
    let mut log = LogFixture::begin(6).unwrap();
    let (audit, admin, gateway) = (log.audit, log.admin, log.gateway);
    for caller in [gateway, admin, gateway] {
        let done: Result<(), AuditError> =
            log.net.update(audit, caller, "registerWriter", (person(50), WriterRole::Host)).unwrap();
        assert_eq!(done, Ok(()));
        let done: Result<(), AuditError> = log.net.update(audit, caller, "setupWhitelist", (gateway,)).unwrap();
        assert_eq!(done, Ok(()));
    }
    let other: Result<(), AuditError> = log.net.update(audit, admin, "setupWhitelist", (person(50),)).unwrap();
    assert!(matches!(other, Err(AuditError::Request(AuditRequestError::WriterConflict { .. }))));
    let writers: Result<Vec<Writer>, AuditError> = log.net.query(audit, admin, "getWriters", ()).unwrap();
    let roles: Vec<WriterRole> = writers.unwrap().iter().map(|writer| writer.role).collect();
    assert_eq!(roles, [WriterRole::Log, WriterRole::Gateway, WriterRole::Factory, WriterRole::Host]);
}

#[test]
fn what_is_malformed_changes_nothing() {
    let mut log = LogFixture::begin(7).unwrap();
    let before = state(&mut log);
    let good = candid::encode_one(args(1, &batch(1, 2))).unwrap();
    let bad =
        [Vec::new(), b"DIDL".to_vec(), vec![0xff; 100], good[..good.len() - 1].to_vec(), [&good[..], &[0]].concat()];
    for argument in bad {
        let reject = log.net.update_raw(log.audit, log.factory, "append", argument).unwrap_err();
        assert_eq!(reject.code, RejectCode::CanisterError);
    }
    for method in ["registerWriter", "setupWhitelist"] {
        assert!(log.net.update_raw(log.audit, log.admin, method, b"DIDL\x00\x01\x7d".to_vec()).is_err());
    }
    assert!(state(&mut log) == before);
    log.net.update_raw(log.audit, log.factory, "append", good).unwrap();
}

#[test]
fn the_log_begins_even_if_randomness_is_late() {
    let mut net = Net::new(Config { seed: 8, ..Config::default() });
    let (admin, gateway) = (person(1), person(2));
    let audit = net.create_canister(admin, CYCLES);
    net.inject(Fault::reject(RejectCode::SysTransient).method("raw_rand").occurrence(1));
    net.inject(Fault::trap().method("raw_rand").kind(MessageKind::ReplyCallback).occurrence(2));
    let init = candid::encode_one(AuditInit { money_writer: gateway }).unwrap();
    net.install(audit, admin, &cairn::artifacts::wasm("audit_storage").unwrap(), init).unwrap();
    net.run_until_idle(100);
    let early: Result<Tip, AuditError> = net.query(audit, admin, "getTip", ()).unwrap();
    assert_eq!(early, Err(AuditError::Temporary(AuditTemporaryError::NotReady)));
    let refused: Result<Appended, AuditError> =
        net.update(audit, gateway, "append", (AppendArgs { first_seq: 1, submissions: vec![] },)).unwrap();
    assert_eq!(refused, Err(AuditError::Temporary(AuditTemporaryError::NotReady)));
    for _ in 0..10 {
        net.advance(Duration::from_secs(2));
        net.run_until_idle(100);
    }
    let tip: Result<Tip, AuditError> = net.query(audit, admin, "getTip", ()).unwrap();
    assert_eq!(tip.unwrap().size, 1, "event 0, once");
}

fn request(n: u64, payer: Principal, args: usize) -> DeploymentRequested {
    let account = Account { owner: payer, subaccount: None };
    DeploymentRequested {
        deployment: DeploymentId(Hash::of(&[&n.to_be_bytes()])),
        owner: payer,
        service: Service::Token,
        factory: person(3),
        request: Hash([2; 32]),
        args: vec![1; args].into(),
        ledger: person(41),
        price: Amount(100),
        ledger_fee: Amount(1),
        from: account,
        treasury: account,
        billing: None,
    }
}

#[test]
fn when_the_network_gives_no_more_memory_what_was_begun_still_ends() {
    // A little more than the log takes at first, and less than one bucket more.
    let limits = Limits { stable_bytes: 157_000_000, ..Limits::default() };
    let mut net = Net::new(Config { seed: 10, limits, ..Config::default() });
    let (admin, gateway, payer) = (person(1), person(2), person(40));
    let audit = net.create_canister(admin, CYCLES);
    let init = candid::encode_one(AuditInit { money_writer: gateway }).unwrap();
    net.install(audit, admin, &cairn::artifacts::wasm("audit_storage").unwrap(), init).unwrap();
    net.run_until_idle(100);
    let mut next = 1;
    let mut append = |net: &mut Net, batch: &[Submission]| -> Result<Appended, AuditError> {
        let reply: Result<Appended, AuditError> = net.update(audit, gateway, "append", (args(next, batch),)).unwrap();
        next += if reply.is_ok() { batch.len() as u64 } else { 0 };
        reply
    };
    let deployment = request(0, payer, 0).deployment;
    let dispatched = Payload::DeploymentDispatched(DeploymentDispatched { deployment, factory: person(3) });
    append(&mut net, &[Submission::new(payer, dispatched).exactly(0)]).unwrap();
    let heavy: Vec<Submission> = (1..=27)
        .map(|n| Submission::new(payer, Payload::DeploymentRequested(request(n, payer, DeploymentRequested::MAX_ARGS))))
        .collect();
    let refusal = loop {
        let before = net.certified_data(audit);
        if let Err(refusal) = append(&mut net, &heavy) {
            assert_eq!(net.certified_data(audit), before);
            break refusal;
        }
    };
    assert_eq!(refusal, AuditError::Temporary(AuditTemporaryError::ReserveExhausted { open_intents: 1 }));
    let abandoned = DeploymentAbandoned { deployment, reason: Reason::new("timeout", "no room left") };
    append(&mut net, &[Submission::new(payer, Payload::DeploymentAbandoned(abandoned)).exactly(1)]).unwrap();
}

#[test]
fn an_opening_is_for_its_actor_only() {
    let mut log = LogFixture::begin(9).unwrap();
    let (payer, gateway) = (person(40), log.gateway);
    let opening = Opening { salt: [7; 32], content: b"purchase order 4711".to_vec() };
    let request = DeploymentRequested { billing: Some(opening.commitment()), ..request(1, payer, 3) };
    let submission =
        Submission::new(payer, Payload::DeploymentRequested(request)).exactly(0).opened_by(opening.clone());
    let index = log.append(gateway, &[submission]).unwrap()[0].index;
    let mut ask = |caller| -> Result<Option<Opening>, AuditError> {
        log.net.query(log.audit, caller, "getOpening", (index, opening.commitment())).unwrap()
    };
    assert_eq!(ask(payer), Ok(Some(opening.clone())));
    for other in [gateway, person(1), Principal::anonymous()] {
        assert_eq!(ask(other), Err(AuditError::Request(AuditRequestError::Unauthorized { caller: other })));
    }
    let file = cairn::export::export(&mut log.net, log.audit, |_, _| {}).unwrap();
    assert!(!file.windows(opening.content.len()).any(|window| window == opening.content));
    audit(&mut log);
}
