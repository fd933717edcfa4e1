//! Questions, as callers send them: whatever can be asked is answered with what is true.

use super::truth::Truth;
use crate::mutation::Shape;
use crate::target::{Target, Verdict};
use cairn_events::answer::{self, answer};
use cairn_events::codec;
use cairn_events::question::Question;
use cairn_events::testing::TestRecords;

/// Questions, in CBOR and in Candid.
pub struct Questions {
    truth: Truth,
    records: TestRecords,
    corpus: Vec<Vec<u8>>,
}

impl Questions {
    pub fn new() -> Questions {
        let truth = Truth::new();
        let questions = truth.questions();
        let candid = questions.iter().step_by(4).filter_map(|question| candid::encode_one(question).ok());
        let corpus = questions.iter().map(codec::encode).chain(candid).collect();
        Questions { records: truth.records(), corpus, truth }
    }
}

impl Target for Questions {
    fn name(&self) -> &'static str {
        "question"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Cbor(0)
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let question = match input.strip_prefix(b"DIDL") {
            Some(_) => candid::decode_one::<Question>(input).ok(),
            None => codec::decode_trusted::<Question>(input).ok(),
        };
        let Some(question) = question.filter(|question| question.check().is_ok()) else { return Ok(Verdict::Refused) };
        let _ = (question.scope(), question.digest(&self.truth.log.id.0));
        let Some(answered) = answer(&self.records, &question) else { return Ok(Verdict::Refused) };
        let remembered = question.since.and_then(|since| self.truth.end(since));
        let tip = self.records.tip().ok_or("the log has no end")?;
        match answer::verify(&question, &answered, &tip, remembered) {
            Ok(findings) => self.truth.check(&question, &findings).map(|()| Verdict::Accepted),
            // The log does not reach as far as the question.
            Err(answer::Untrue::Behind { asked, .. }) if asked > tip.size => Ok(Verdict::Refused),
            Err(untrue) => Err(format!("a true answer to {question:?} is refused: {untrue}")),
        }
    }
}
