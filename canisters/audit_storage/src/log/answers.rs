//! Questions of auditors: what [`cairn_events::answer`] needs of the log.

use super::key::Key;
use super::{Log, broken};
use cairn_events::answer::{self, Records};
use cairn_events::question::{About, Answer, Question};
use cairn_events::topic_map::MapProof;
use cairn_events::{Hash, Timestamp, Topic};
use cairn_kit::api::audit::{AuditError, AuditRequestError, AuditTemporaryError};
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
