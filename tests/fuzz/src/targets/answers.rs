//! Single answers: links, Merkle paths, topic map, growth, certificate.

use super::truth::Truth;
use crate::mutation::Shape;
use crate::target::{Target, Verdict};
use cairn_events::answer::answer;
use cairn_events::codec;
use cairn_events::question::{Answer, Question};
use cairn_verifier::verify_answer;

/// Questions with their answers, in CBOR.
pub struct Answers {
    truth: Truth,
    corpus: Vec<Vec<u8>>,
}

impl Answers {
    pub fn new() -> Answers {
        let truth = Truth::new();
        let (records, claim) = (truth.records(), truth.claim());
        let answered = |question: Question| {
            let proof = answer(&records, &question).unwrap();
            let answer = Answer { hash_tree: claim.hash_tree(), certificate: claim.certificate(), ..proof };
            codec::encode(&(question, answer))
        };
        let corpus = truth.questions().into_iter().map(answered).collect();
        Answers { truth, corpus }
    }
}

impl Target for Answers {
    fn name(&self) -> &'static str {
        "answer"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Cbor(0)
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let Ok((question, answer)) = codec::decode_trusted::<(Question, Answer)>(input) else {
            return Ok(Verdict::Refused);
        };
        let remembered = question.since.and_then(|since| self.truth.end(since));
        let verdict = verify_answer(&question, &answer, &self.truth.policy, remembered);
        if let Ok(answered) = &verdict {
            self.truth.check(&question, &answered.findings)?;
        }
        Ok(Verdict::from(&verdict))
    }
}
