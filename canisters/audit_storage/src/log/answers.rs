//! Questions of auditors: what [`cairn_events::answer`] needs of the log.

use super::key::Key;
use super::reserve::Means;
use super::{Log, broken};
use cairn_events::answer::{self, CertifiedTip, Records};
use cairn_events::payload::QuestionAsked;
use cairn_events::question::{About, Answer, Question};
use cairn_events::topic_map::MapProof;
use cairn_events::{Expected, Hash, Payload, Principal, Timestamp, Topic};
use cairn_kit::api::audit::{AuditError, AuditRequestError, AuditTemporaryError, AuditedQuestion, Tip};
use ic_stable_structures::Memory;
use serde_bytes::ByteBuf;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Bodies that were fetched from archives, by index.
pub type Fetched = BTreeMap<u64, ByteBuf>;

/// The records of the log, with bodies from archives.
struct Whole<'a, M: Memory> {
    log: &'a Log<M>,
    fetched: &'a Fetched,
    missing: RefCell<Vec<u64>>,
}

impl<M: Memory> Log<M> {
    /// The answer to a question, without the network's certificate. Bodies that are not here are among those `fetched`.
    ///
    /// # Errors
    /// [`AuditRequestError::Archived`] names the bodies that are not, and should be fetched;
    /// [`AuditRequestError::Question`] and [`AuditRequestError::OutOfBounds`] for what cannot be asked,
    /// [`AuditTemporaryError::Lagging`] if the topic map does not reach as far yet, by index or by time.
    pub fn answer(&self, question: &Question, fetched: &Fetched) -> Result<Answer, AuditError> {
        self.id()?;
        let size = self.columns.len();
        question.check().map_err(|problem| AuditError::Request(AuditRequestError::Question { problem }))?;
        let beyond = |what: &str, found| {
            AuditError::Request(AuditRequestError::OutOfBounds { what: what.to_owned(), found, bound: size })
        };
        if let Some(since) = question.since.filter(|since| *since > size) {
            return Err(beyond("since", since));
        }
        let reaches = question.span.reaches();
        if reaches > size {
            return Err(beyond("span", reaches));
        }
        let covered = self.topics.covered();
        let lagging = AuditError::Temporary(AuditTemporaryError::Lagging { covered, size });
        if matches!(question.about, About::Topics(_)) && reaches > covered {
            return Err(lagging);
        }
        let whole = Whole { log: self, fetched, missing: RefCell::default() };
        let answer = answer::answer(&whole, question).ok_or_else(|| broken("the records of an answer are missing"))?;
        // The page goes on to the end of the map, and nothing shows that the time asked about is over there.
        let is_open = question.span.ends_by_time() && answer.head.is_some() && answer.after.is_none();
        if is_open && covered < size {
            return Err(lagging);
        }
        let bodies = self.archived(whole.missing.into_inner());
        if bodies.is_empty() { Ok(answer) } else { Err(AuditError::Request(AuditRequestError::Archived { bodies })) }
    }
}

impl<M: Memory> Log<M> {
    /// Answers `caller`, who is entitled ([`Log::check_entitled`]), and appends an event about it: the digests of
    /// question and answer, under a salt that the log's secret gives. What the question remembers plays no part; bodies
    /// that are not here are among those `fetched`.
    ///
    /// # Errors
    /// As [`Log::answer`] and [`Log::append`].
    pub fn ask_audited(
        &mut self,
        caller: Principal,
        question: Question,
        fetched: &Fetched,
        means: &Means,
    ) -> Result<AuditedQuestion, AuditError> {
        let question = Question { since: None, ..question };
        let answer = self.answer(&question, fetched)?;
        let tip = self.certified_tip()?;
        let found = answer::verify(&question, &answer, &tip, None).map_err(|fault| broken(&fault.to_string()))?;
        let event = self.columns.len();
        let salt = self.salt(event)?;
        let ((complete_from, complete_until), count) = (found.complete, found.events.len() as u64);
        let (asked, answered) = (question.digest(&salt), found.digest(&salt));
        let public = question.topics().iter().all(Topic::is_public);
        let payload = Payload::QuestionAsked(QuestionAsked {
            question: asked,
            answer: answered,
            scope: question.scope(),
            count: public.then_some(count),
            complete_from: public.then_some(complete_from),
            complete_until: public.then_some(complete_until),
        });
        self.write(caller, payload, Expected::Any, means)?;
        Ok(AuditedQuestion { event, salt, question: asked, answer: answered, count, complete_from, complete_until })
    }

    /// The salt of the audited question that event `index` is about.
    fn salt(&self, index: u64) -> Result<Hash, AuditError> {
        let begun = self.who.begun.ok_or_else(|| broken("the log has no secret"))?;
        Ok(Hash::of_fields("cairn.question.salt", &[&begun.secret, &index.to_be_bytes()]))
    }

    /// The end of the log, as it is certified.
    pub(super) fn certified_tip(&self) -> Result<CertifiedTip, AuditError> {
        let Tip { log, size, last_hash, root, topics_size, topics_root, .. } = self.tip()?;
        Ok(CertifiedTip { log, size, last_hash, root, topics_size, topics_root })
    }
}

impl<M: Memory> Records for Whole<'_, M> {
    fn size(&self) -> u64 {
        self.log.columns.len()
    }

    fn event(&self, index: u64) -> Option<Vec<u8>> {
        let fetched = || self.fetched.get(&index).map(|body| body.to_vec());
        if let Some(body) = self.log.columns.event(index, &self.log.threads).or_else(fetched) {
            return Some(body);
        }
        // As long as the body that is missing, so that the page is the one that there will be with it.
        let size = self.log.columns.event_size(index);
        self.missing.borrow_mut().push(index);
        (size > 0).then(|| vec![0; size])
    }

    fn timestamp(&self, index: u64) -> Option<Timestamp> {
        self.log.columns.timestamp(index).map(Timestamp)
    }

    fn covered(&self) -> u64 {
        self.log.topics.covered()
    }

    fn count(&self, topic: &Topic) -> Option<u64> {
        let head = self.log.thread(&Key::topic(topic));
        Some(self.log.topics.count(&head, &self.log.records()))
    }

    fn position(&self, topic: &Topic, position: u64) -> Option<u64> {
        let head = self.log.thread(&Key::topic(topic));
        self.log.postings.reader(&head).get(position)
    }

    fn inclusion(&self, index: u64) -> Option<Vec<Hash>> {
        self.log.tree.inclusion(index, self.log.columns.len(), &self.log.columns)
    }

    fn consistency(&self, since: u64) -> Option<Vec<Hash>> {
        self.log.tree.consistency(since, self.log.columns.len(), &self.log.columns)
    }

    fn map_proof(&self, topic: &Topic) -> Option<MapProof> {
        self.log.topics.prove(topic, self.log.records())
    }
}
