//! What a network replies to the command: Candid, from whoever sits at the address.

use super::truth::Truth;
use crate::mutation::Shape;
use crate::sample::Claim;
use crate::target::{Target, Verdict, ensure};
use cairn::source::{Queried, Source};
use cairn_events::answer::answer;
use cairn_events::codec::encode_event;
use cairn_events::question::{Answer, Question};
use cairn_kit::api::archive::ArchivedBodies;
use cairn_kit::api::audit::{AuditError, EventPage, Seen, Tip, TipCertificate};
use cairn_verifier::verify_answer;
use candid::encode_one;
use serde_bytes::ByteBuf;

/// From where on events are asked for.
const CURSOR: u64 = 3;

/// Says the same to everything.
struct Network<'a>(&'a [u8]);

impl Queried for Network<'_> {
    fn query(&mut self, _: &str, _: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        Ok(self.0.to_vec())
    }
}

/// A byte that says what was asked, and the reply.
pub struct Sources {
    truth: Truth,
    questions: Vec<Question>,
    corpus: Vec<Vec<u8>>,
}

fn pages(truth: &Truth) -> [EventPage; 2] {
    let events = truth.log.events.iter().skip(CURSOR as usize).take(4);
    let events: Vec<ByteBuf> = events.map(|event| ByteBuf::from(encode_event(event))).collect();
    let page = EventPage {
        events,
        archived: None,
        next: Some(7),
        log_length: truth.log.events.len() as u64,
        topic_head: None,
        last: truth.log.events.last().map(|event| Seen { index: event.index, hash: event.hash() }),
    };
    let mut archived = page.clone();
    archived.events[..2].fill(ByteBuf::new());
    archived.archived = Some(vec![ArchivedBodies { archive: truth.log.canister, indices: vec![3, 4] }]);
    [page, archived]
}

impl Sources {
    pub fn new() -> anyhow::Result<Sources> {
        let truth = Truth::new();
        let (records, claim) = (truth.records(), truth.claim());
        let (hash_tree, certificate) = (claim.hash_tree(), claim.certificate());
        let questions: Vec<Question> = truth.questions().into_iter().step_by(5).collect();
        let mut corpus = Vec::new();
        for page in pages(&truth) {
            corpus.push([vec![0], encode_one(Ok::<_, AuditError>(page))?].concat());
        }
        corpus.push([vec![1], encode_one(Ok::<_, AuditError>(tip(&claim)))?].concat());
        let end = TipCertificate {
            certificate: ByteBuf::from(certificate.clone()),
            hash_tree: ByteBuf::from(hash_tree.clone()),
        };
        corpus.push([vec![2], encode_one(Some(end))?].concat());
        for (number, question) in (3..).zip(&questions) {
            let proof = answer(&records, question).unwrap_or_default();
            let answer = Answer { hash_tree: hash_tree.clone(), certificate: certificate.clone(), ..proof };
            corpus.push([vec![number], encode_one(Ok::<_, AuditError>(answer))?].concat());
        }
        Ok(Sources { truth, questions, corpus })
    }

    fn check_answer(&self, question: &Question, reply: &[u8]) -> Result<Verdict, String> {
        let Ok(Ok(answer)) = Source(Network(reply)).answer(question) else { return Ok(Verdict::Refused) };
        let remembered = question.since.and_then(|since| self.truth.end(since));
        let verdict = verify_answer(question, &answer, &self.truth.policy, remembered);
        if let Ok(answered) = &verdict {
            self.truth.check(question, &answered.findings)?;
        }
        Ok(Verdict::from(&verdict))
    }

    fn check_certificate(&self, reply: &[u8]) -> Result<Verdict, String> {
        let Ok(end) = Source(Network(reply)).certificate() else { return Ok(Verdict::Refused) };
        let (hash_tree, certificate) = (end.hash_tree.into_vec(), end.certificate.into_vec());
        let answer = Answer { hash_tree, certificate, ..Answer::default() };
        let verdict = verify_answer(&Truth::end_of_log(), &answer, &self.truth.policy, None);
        if let Ok(answered) = &verdict {
            let is_true = self.truth.end(answered.tip.size).is_some_and(|end| end.root == answered.tip.root);
            ensure(is_true, || "an end that the log never had is accepted".to_owned())?;
        }
        Ok(Verdict::from(&verdict))
    }
}

fn tip(claim: &Claim) -> Tip {
    let Claim { log, size, last_hash, root, topics_size, topics_root, time, .. } = *claim;
    Tip { log, size, last_hash, root, timestamp: time, topics_size, topics_root }
}

/// A page that says that it goes on has events; archived bodies go where they lack, one for each.
fn check_page(reply: &[u8]) -> Result<Verdict, String> {
    let Ok(page) = Source(Network(reply)).page(CURSOR) else { return Ok(Verdict::Refused) };
    let goes_on = !page.events.is_empty() || CURSOR >= page.log_length;
    ensure(goes_on, || "a page without events, in the middle of the log".to_owned())?;
    let missing = page.events.iter().filter(|event| event.is_empty()).count();
    for count in [missing.saturating_sub(1), missing, missing + 1] {
        let mut whole = page.clone();
        let filled = whole.fill((0..count).map(|_| ByteBuf::from(b"body".to_vec())));
        ensure(filled == (count == missing), || format!("{count} bodies for {missing} events: {filled}"))?;
    }
    Ok(Verdict::Accepted)
}

impl Target for Sources {
    fn name(&self) -> &'static str {
        "source"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Bytes
    }

    fn memory(&self, length: usize) -> u64 {
        // Work is allowed by the reply's own length.
        16 * 1024 * 1024 + 1024 * length as u64
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        match input.split_first() {
            None => Ok(Verdict::Refused),
            Some((0, reply)) => check_page(reply),
            Some((1, reply)) => Ok(Verdict::from(&Source(Network(reply)).tip())),
            Some((2, reply)) => self.check_certificate(reply),
            Some((number, reply)) => {
                self.check_answer(&self.questions[usize::from(*number - 3) % self.questions.len()], reply)
            }
        }
    }
}
