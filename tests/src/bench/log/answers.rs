//! Certified answers: what twenty events cost, and how many bytes prove them.

use super::{Row, crowd, tip};
use crate::log_fixture::LogFixture;
use anyhow::{Context as _, anyhow};
use cairn::verify::{Policy, verify_answer};
use cairn_events::question::{About, Answer, Order, Question, Span};
use cairn_events::{Family, Principal, Topic, answer};
use cairn_kit::api::audit::{AuditError, Proof, TipCertificate};
use std::time::Instant;

/// Times that an answer is checked.
const CHECKS: u32 = 200;

pub(super) fn measure(log: &mut LogFixture, scale: u64) -> anyhow::Result<Vec<Row>> {
    // Of event `scale / 3`: somewhere in the middle, by the generator. What is about a person is for that person.
    let (contract, holder) = crowd::cast(scale / 3);
    let about = |topics: &[Topic]| About::Topics(topics.to_vec());
    let all = Span::default();
    let middle = Span { from: scale / 2, ..all };
    let one = Span { from: scale / 3, until: Some(scale / 3 + 1), ..all };
    let families = [Topic::Family(Family::Contracts), Topic::Contract(contract)];
    let asked = [
        ("answer/topic", "receipt/topic", about(&[Topic::Contract(contract)]), all),
        ("answer/range", "receipt/range", About::Everything, middle),
        ("answer/both", "receipt/both", about(&families), all),
        ("answer/one", "receipt/one", About::Everything, one),
        ("answer/scattered", "receipt/scattered", about(&[Topic::Party(holder)]), all),
        ("answer/absent", "receipt/absent", about(&[Topic::Contract(Principal::anonymous())]), all),
    ];
    let log_id = tip(log)?.log.to_string();
    let policy = Policy::new(&log.net.root_key(), &log.audit.to_text(), &log_id)?;
    let (mut rows, mut slowest) = (Vec::new(), 0);
    for (cost, size, about, span) in asked {
        let question = Question { about, span, order: Order::OldestFirst, limit: 20, since: None };
        let answer: Result<Answer, AuditError> =
            log.net.query(log.audit, holder, "getAnswer", (&question,)).map_err(|e| anyhow!("{e}"))?;
        rows.push(Row::instructions(cost, scale, log.net.last_instructions()));
        let answer = answer?;
        let tip = verify_answer(&question, &answer, &policy, None)?.tip;
        let begin = Instant::now();
        for _ in 0..CHECKS {
            answer::verify(&question, &answer, &tip, None)?;
        }
        slowest = slowest.max((begin.elapsed() / CHECKS).as_micros());
        let receipt = Answer { certificate: Vec::new(), events: Vec::new(), ..answer };
        let value = candid::encode_one(receipt)?.len() as u64;
        rows.push(Row { name: size, scale, value, unit: "bytes" });
    }
    rows.push(Row { name: "answer/check", scale, value: slowest as u64, unit: "us, the slowest" });
    rows.push(Row { name: "receipt/inclusion", scale, value: inclusion(log, scale / 3)?, unit: "bytes" });
    Ok(rows)
}

/// Bytes that prove a single event, beside it and the certificate: its path, and the labelled tree.
fn inclusion(log: &mut LogFixture, index: u64) -> anyhow::Result<u64> {
    let (audit, anyone, size) = (log.audit, Principal::anonymous(), tip(log)?.size);
    let proof: Result<Proof, AuditError> =
        log.net.query(audit, anyone, "getInclusionProof", (index, size)).map_err(|e| anyhow!("{e}"))?;
    let tip: Option<TipCertificate> =
        log.net.query(audit, anyone, "icrc3_get_tip_certificate", ()).map_err(|e| anyhow!("{e}"))?;
    let tree = tip.context("a log that has events")?.hash_tree;
    Ok((candid::encode_one(proof?)?.len() + tree.len()) as u64)
}
