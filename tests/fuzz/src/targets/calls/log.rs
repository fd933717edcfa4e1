//! The methods of the log and of its archives.

use super::{Bounds, Method, method, plain, shown};
use cairn_events::payload::ArchivingConfigured;
use cairn_events::question::{About, Order, Question, Span};
use cairn_events::testing::{principal, story};
use cairn_events::{Event, Expected, Hash, LogId, Submission, Topic, WriterRole};
use cairn_kit::api::archive::ArchiveInit;
use cairn_kit::api::audit::{AppendArgs, AuditInit, EventQuery, Filter, Seen, WireSubmission};
use serde_bytes::ByteBuf;

/// Some events, as their writers submit them.
fn batch() -> AppendArgs {
    let submission = |event: &Event| {
        let submission = Submission::new(event.actor, event.payload.clone());
        WireSubmission::from(&Submission { expected: Expected::Exact(3), ..submission })
    };
    AppendArgs { first_seq: 1, submissions: story(1, 1).events.iter().take(5).map(submission).collect() }
}

fn is_readable(batch: &AppendArgs) -> bool {
    batch.submissions.iter().cloned().all(|wire| Submission::try_from(wire).is_ok())
}

fn question() -> Question {
    Question {
        about: About::Topics(vec![Topic::Contract(principal(5)), Topic::Party(principal(100))]),
        span: Span { until: Some(9), ..Span::default() },
        order: Order::NewestFirst,
        limit: 20,
        since: Some(4),
    }
}

fn query() -> EventQuery {
    EventQuery {
        filter: Filter::Topic(Topic::Party(principal(100))),
        order: Order::OldestFirst,
        from_time: Some(1),
        until_time: None,
        cursor: Some(7),
        limit: 20,
    }
}

pub(super) fn methods() -> anyhow::Result<Vec<Method>> {
    let seen = Some(Seen { index: 7, hash: Hash([1; 32]) });
    let archiving = ArchivingConfigured {
        enabled: true,
        keep: 1_000,
        range: 100,
        capacity: 1 << 30,
        cycles: 1 << 40,
        module_hash: Hash([2; 32]),
    };
    let module = ByteBuf::from(b"\0asm\x01\0\0\0".repeat(100));
    let bodies = vec![ByteBuf::from(b"body".to_vec()), ByteBuf::from(b"another".to_vec())];
    let of_streams = EventQuery { filter: Filter::Stream("contract/aaaaa-aa".parse()?), ..query() };
    Ok(vec![
        shown(Bounds::PLAIN, (AuditInit { money_writer: principal(2) },), |_| true)?.of(&["audit_storage.init"]),
        method(Bounds::PLAIN, (batch(), seen), |(batch, _)| is_readable(batch))?.of(&["audit_storage.append"]),
        method(Bounds::PLAIN, (question(),), |(question,)| question.check().is_ok())?.of(&[
            "audit_storage.askAudited",
            "audit_storage.getAnswer",
            "audit_storage.getWholeAnswer",
        ]),
        plain(Bounds::PLAIN, (query(), seen))?.of(&["audit_storage.getEvents", "audit_storage.getWholeEvents"]),
        plain(Bounds::PLAIN, (of_streams, seen))?.of(&["audit_storage.getEvents", "audit_storage.getWholeEvents"]),
        plain(Bounds::PLAIN, (seen,))?.of(&["audit_storage.getTip"]),
        plain(Bounds::PLAIN, (archiving,))?.of(&["audit_storage.configureArchiving"]),
        plain(Bounds::PLAIN, (principal(3), WriterRole::Factory))?.of(&["audit_storage.registerWriter"]),
        plain(Bounds::PLAIN, (module,))?.of(&["audit_storage.uploadArchiveModule"]),
        plain(Bounds::PLAIN, (ArchiveInit { log: LogId(Hash([3; 32])), from: 7 },))?.of(&["archive.init"]),
        plain(Bounds::PLAIN, (7_u64, bodies))?.of(&["archive.append"]),
        plain(Bounds::PLAIN, (vec![7_u64, 9, 1 << 40],))?.of(&["archive.getBodies"]),
    ])
}
