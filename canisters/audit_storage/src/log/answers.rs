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

impl<M: Memory> Log<M> {
    /// The answer to a question, without the network's certificate.
    ///
    /// # Errors
    /// [`AuditRequestError::Question`] and [`AuditRequestError::OutOfBounds`] for what cannot be asked,
    /// [`AuditTemporaryError::Lagging`] if the topic map does not reach as far yet.
    pub fn answer(&self, question: &Question) -> Result<Answer, AuditError> {
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
        if matches!(question.about, About::Topics(_)) && reaches > covered {
            return Err(AuditError::Temporary(AuditTemporaryError::Lagging { covered, size }));
        }
        answer::answer(self, question).ok_or_else(|| broken("the records of an answer are missing"))
    }
}

impl<M: Memory> Log<M> {
    /// Answers `caller`, who is entitled ([`Log::check_entitled`]), and appends an event about it: the digests of question and answer, under a
    /// salt that the log's secret gives. What the question remembers plays no part.
    ///
    /// # Errors
    /// As [`Log::answer`] and [`Log::append`].
    pub fn ask_audited(
        &mut self,
        caller: Principal,
        question: Question,
        means: &Means,
    ) -> Result<AuditedQuestion, AuditError> {
        let question = Question { since: None, ..question };
        let answer = self.answer(&question)?;
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

impl<M: Memory> Records for Log<M> {
    fn size(&self) -> u64 {
        self.columns.len()
    }

    fn event(&self, index: u64) -> Option<Vec<u8>> {
        self.columns.event(index)
    }

    fn timestamp(&self, index: u64) -> Option<Timestamp> {
        self.columns.timestamp(index).map(Timestamp)
    }

    fn count(&self, topic: &Topic) -> Option<u64> {
        Some(self.threads.find(&Key::topic(topic)).map_or(0, |(thread, _)| self.topics.count(thread)))
    }

    fn position(&self, topic: &Topic, position: u64) -> Option<u64> {
        let head = self.thread(&Key::topic(topic));
        self.postings.reader(head.tail, head.count).get(position)
    }

    fn inclusion(&self, index: u64) -> Option<Vec<Hash>> {
        self.tree.inclusion(index, self.columns.len())
    }

    fn consistency(&self, since: u64) -> Option<Vec<Hash>> {
        self.tree.consistency(since, self.columns.len())
    }

    fn map_proof(&self, topic: &Topic) -> Option<MapProof> {
        self.topics.prove(topic, &self.threads, &self.columns)
    }
}
