//! Bundles: questions with all pages of their answers.

use super::truth::Truth;
use crate::mutation::Shape;
use crate::sample::{first, pages};
use crate::target::{Target, Verdict, ensure};
use cairn_verifier::{Bundle, bundle};

/// Questions with all pages of their answers.
pub struct Bundles {
    truth: Truth,
    corpus: Vec<Vec<u8>>,
}

impl Bundles {
    pub fn new() -> Bundles {
        let truth = Truth::new();
        let size = truth.log.events.len();
        let logs = [first(&truth.log, size - 3), truth.log.clone()];
        let bundle = |(about, span)| {
            let pages = pages(&logs, &about, span, 6);
            Bundle { about, span, pages }.to_bytes()
        };
        let asked = truth.questions().into_iter().step_by(3).map(|question| (question.about, question.span));
        let corpus = asked.map(bundle).collect();
        Bundles { truth, corpus }
    }
}

impl Target for Bundles {
    fn name(&self) -> &'static str {
        "bundle"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        // Magic and version.
        Shape::Cbor(12)
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        if let Ok(read) = Bundle::from_bytes(input) {
            ensure(read.to_bytes() == input, || "a bundle in two forms".to_owned())?;
        }
        let verdict = bundle::verify(input, &self.truth.policy);
        match &verdict {
            Ok(proven) => {
                let true_ones = self.truth.search(&proven.about, &proven.span, proven.complete);
                ensure(proven.events.iter().eq(true_ones), || {
                    format!("a false bundle about {:?} {:?} is accepted", proven.about, proven.span)
                })?;
            }
            Err(failure) => ensure(!failure.to_string().is_empty(), || "no reason is given".to_owned())?,
        }
        Ok(Verdict::from(&verdict))
    }
}
