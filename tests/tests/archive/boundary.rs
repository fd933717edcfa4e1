//! Where the boundary between log and archives is, nobody who reads can tell.

use crate::archiving::{configure, events, page, pass, policy, settings, status, verified};
use cairn::artifacts::wasm;
use cairn::platform::{Platform, token, user};
use cairn::verify::verify_answer;
use cairn_events::payload::{AdminGranted, RangeMoved};
use cairn_events::question::{About, Answer, Question, Span};
use cairn_events::{Event, Family, Hash, Payload, Principal, Submission, Topic};
use cairn_kit::api::archive::{ArchiveError, ArchiveRequestError, Holdings};
use cairn_kit::api::audit::{ArchivingStatus, AuditError, AuditRequestError, AuditedQuestion, Order};
use cairn_projections::{Contracts, Deployments, Payments, Projection, Users};
use cairn_tests::log_fixture::{LogFixture, person};
use candid::Nat;
use icrc_ledger_types::icrc3::archive::{GetArchivesArgs, GetArchivesResult};
use icrc_ledger_types::icrc3::blocks::{GetBlocksRequest, GetBlocksResult};
use serde_bytes::ByteBuf;
use std::time::Duration;

#[test]
fn a_log_is_archived_while_it_grows() {
    let mut log = LogFixture::begin(51).unwrap();
    let audit = log.audit;
    log.grow_callbacks(1, 700).unwrap();
    let before = events(&mut log.net, audit, "getEvents");
    configure(&mut log.net, audit, log.admin, &settings(200, 150));
    for n in 7..50 {
        log.net.advance(Duration::from_secs(31));
        log.grow_callbacks(100 * n, 100 * n + 100).unwrap();
    }
    pass(&mut log.net, 10, Duration::from_secs(31));
    let ArchivingStatus { archives, kept_from, problem, .. } = status(&mut log.net, audit);
    assert_eq!(problem, None);
    assert!(kept_from > 4_000 && archives.len() >= 2, "{kept_from} in {archives:?}");
    let all = verified(&mut log.net, audit);
    assert_eq!(all[..before.len()], before);
    let moved: Vec<&RangeMoved> = all
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::RangeMoved(moved) => Some(moved),
            _ => None,
        })
        .collect();
    assert!(moved.windows(2).all(|pair| pair[0].until == pair[1].from), "{moved:?}");
    assert_eq!(moved.last().map(|moved| moved.until), Some(kept_from));
    // The next upgrade opens everything again.
    let module = wasm("audit_storage").unwrap();
    log.net.upgrade(audit, log.admin, &module, candid::encode_args(()).unwrap()).unwrap();
    log.grow_callbacks(5_000, 5_400).unwrap();
    pass(&mut log.net, 10, Duration::from_secs(31));
    assert!(status(&mut log.net, audit).kept_from > kept_from);
    assert_eq!(verified(&mut log.net, audit)[..all.len()], all);
}

/// A log of which a part is archived; its archive.
fn archived(seed: u64) -> (LogFixture, Principal) {
    let mut log = LogFixture::begin(seed).unwrap();
    let admin = AdminGranted { admin: log.admin };
    log.append(log.gateway, &[Submission::new(log.admin, Payload::AdminGranted(admin))]).unwrap();
    log.grow_callbacks(1, 200).unwrap();
    configure(&mut log.net, log.audit, log.admin, &settings(40, 50));
    pass(&mut log.net, 10, Duration::from_secs(31));
    let status = status(&mut log.net, log.audit);
    assert_eq!(status.kept_from, 150, "{status:?}");
    let archive = status.archives[0].archive;
    (log, archive)
}

#[test]
fn an_archive_is_the_logs_alone_and_open_to_readers() {
    let (mut log, archive) = archived(52);
    assert_eq!(log.net.controllers(archive), Some(vec![log.audit]));
    assert_eq!(log.net.module_hash(archive), Some(settings(1, 10).module_hash.0));
    let before = log.net.stable_memory(archive);
    for caller in [Principal::anonymous(), log.admin, log.gateway, person(9)] {
        let refused = ArchiveError::Request(ArchiveRequestError::Unauthorized { caller });
        let bodies = vec![ByteBuf::from([1])];
        let append: Result<Holdings, ArchiveError> =
            log.net.update(archive, caller, "append", (150_u64, bodies)).unwrap();
        assert_eq!(append.as_ref().err(), Some(&refused));
        let read: Result<Hash, ArchiveError> = log.net.update(archive, caller, "readBack", (0_u64, 1_u64)).unwrap();
        assert_eq!(read.as_ref().err(), Some(&refused));
    }
    assert!(log.net.stable_memory(archive) == before);
    let before = log.net.stable_memory(log.audit);
    for caller in [Principal::anonymous(), log.gateway, log.factory, person(9)] {
        let refused = AuditError::Request(AuditRequestError::Unauthorized { caller });
        let module = ByteBuf::from([1]);
        let upload: Result<Hash, AuditError> =
            log.net.update(log.audit, caller, "uploadArchiveModule", (module,)).unwrap();
        assert_eq!(upload.as_ref().err(), Some(&refused));
        let configured: Result<(), AuditError> =
            log.net.update(log.audit, caller, "configureArchiving", (settings(1, 10),)).unwrap();
        assert_eq!(configured.as_ref().err(), Some(&refused));
    }
    assert!(log.net.stable_memory(log.audit) == before);
    let held: Holdings = log.net.query(archive, person(9), "getHoldings", ()).unwrap();
    assert_eq!((held.audit, held.from, held.until), (log.audit, 0, 150));
}

#[test]
fn pages_and_answers_cross_the_boundary() {
    let (mut log, archive) = archived(53);
    let audit = log.audit;
    let all = verified(&mut log.net, audit);
    let across = page(&mut log.net, audit, "getEvents", Some(100));
    let elsewhere = across.archived.clone().unwrap();
    assert_eq!((elsewhere.len(), elsewhere[0].archive), (1, archive));
    assert_eq!(elsewhere[0].indices, (100..150).collect::<Vec<u64>>());
    let empty: Vec<bool> = across.events.iter().map(|body| body.is_empty()).collect();
    assert!(empty[..50].iter().all(|empty| *empty) && empty[50..].iter().all(|empty| !*empty));
    let bodies: Result<Vec<ByteBuf>, ArchiveError> =
        log.net.query(archive, person(9), "getBodies", (&elsewhere[0].indices,)).unwrap();
    let mut filled = across;
    assert!(filled.fill(bodies.unwrap()));
    assert_eq!(filled.events, page(&mut log.net, audit, "getWholeEvents", Some(100)).events);
    // Answers, about what is archived, what is not, and both.
    let policy = policy(&mut log.net, audit);
    let Payload::CallbackAccepted(callback) = &all[10].payload else { panic!("{:?}", all[10]) };
    let topics = [Topic::Contract(callback.contract), Topic::Family(Family::Platform)];
    let abouts = topics.map(|topic| About::Topics(vec![topic])).into_iter().chain([About::Everything]);
    let span = |from, until| Span { from, until, ..Span::default() };
    for about in abouts {
        for span in [span(0, Some(140)), span(100, None), span(160, None)] {
            let order = Order::OldestFirst;
            let question = Question { about: about.clone(), span, order, limit: 100, since: None };
            let whole: Result<Answer, AuditError> =
                log.net.query(audit, person(9), "getWholeAnswer", (&question,)).unwrap();
            let findings = verify_answer(&question, &whole.unwrap(), &policy, None).unwrap().findings;
            let fits = |event: &&Event| {
                about.includes(event)
                    && !span.begins_after(event.index, event.timestamp)
                    && !span.ends_before(event.index, event.timestamp)
            };
            let expected: Vec<&Event> = all.iter().filter(fits).take(100).collect();
            assert_eq!(findings.events.iter().collect::<Vec<_>>(), expected);
            let plain: Result<Answer, AuditError> = log.net.query(audit, person(9), "getAnswer", (&question,)).unwrap();
            match plain {
                Ok(answer) => assert!(verify_answer(&question, &answer, &policy, None).is_ok()),
                Err(AuditError::Request(AuditRequestError::Archived { bodies })) => {
                    assert!(bodies.iter().all(|group| group.archive == archive) && !bodies.is_empty());
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    // Through the log itself, too.
    let question = Question {
        about: About::Topics(vec![topics[0]]),
        span: span(0, Some(140)),
        order: Order::OldestFirst,
        limit: 20,
        since: None,
    };
    let asked: Result<AuditedQuestion, AuditError> =
        log.net.update(audit, log.admin, "askAudited", (&question,)).unwrap();
    let asked = asked.unwrap();
    let mine = all[..140].iter().filter(|event| event.payload.contract() == Some(callback.contract)).count();
    assert_eq!((asked.count, asked.complete_until), (mine as u64, 140));
}

#[test]
fn blocks_are_where_the_standard_says() {
    let (mut log, archive) = archived(54);
    let audit = log.audit;
    let all = verified(&mut log.net, audit);
    let held: GetArchivesResult =
        log.net.query(audit, person(9), "icrc3_get_archives", (GetArchivesArgs { from: None },)).unwrap();
    let held: Vec<_> = held.into_iter().map(|info| (info.canister_id, info.start, info.end)).collect();
    assert_eq!(held, [(archive, Nat::from(0_u8), Nat::from(149_u8))]);
    let after = GetArchivesArgs { from: Some(archive) };
    let none: GetArchivesResult = log.net.query(audit, person(9), "icrc3_get_archives", (after,)).unwrap();
    assert!(none.is_empty());
    let ranges = [(120_u64, 60_u64), (0, 10), (170, 1_000)];
    let request = |(start, length): (u64, u64)| GetBlocksRequest { start: start.into(), length: length.into() };
    let result: GetBlocksResult =
        log.net.query(audit, person(9), "icrc3_get_blocks", (ranges.map(request).to_vec(),)).unwrap();
    let mut blocks = result.blocks;
    assert_eq!(result.log_length, Nat::from(all.len()));
    assert_eq!(result.archived_blocks.len(), 2);
    for part in result.archived_blocks {
        assert_eq!((part.callback.canister_id, part.callback.method.as_str()), (archive, "icrc3_get_blocks"));
        let part: GetBlocksResult = log.net.query(archive, person(9), "icrc3_get_blocks", (part.args,)).unwrap();
        assert!(part.archived_blocks.is_empty() && part.log_length == 150_u8);
        blocks.extend(part.blocks);
    }
    let mut found: Vec<(u64, Hash)> =
        blocks.into_iter().map(|block| (block.id.0.try_into().unwrap(), Hash(block.block.hash()))).collect();
    found.sort();
    let wanted = (0..10).chain(120..180).chain(170..all.len() as u64);
    let mut expected: Vec<(u64, Hash)> = wanted.map(|index| (index, all[index as usize].hash())).collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn projections_follow_and_are_rebuilt_across_the_boundary() {
    let mut platform = Platform::boot(55).unwrap();
    let (audit, admin) = (platform.audit, platform.admin);
    configure(&mut platform.net, audit, admin, &settings(10, 20));
    for n in 0..3 {
        let owner = user(&format!("buyer {n}"));
        platform.afford(owner, 1).unwrap();
        let order = platform.order(token(owner, "Across", "ACR"));
        platform.create_token(owner, order, "only").unwrap().unwrap();
        platform.settle().unwrap();
    }
    pass(&mut platform.net, 10, Duration::from_secs(31));
    assert!(status(&mut platform.net, audit).kept_from >= 40);
    for name in [Users::NAME, Deployments::NAME, Payments::NAME, Contracts::NAME] {
        let outcome = platform.rebuild(name).unwrap();
        assert_eq!(outcome.served, outcome.rebuilt, "{name}");
    }
    let events = platform.events().unwrap().len() as u64;
    assert_eq!(verified(&mut platform.net, audit).len() as u64, events);
}
