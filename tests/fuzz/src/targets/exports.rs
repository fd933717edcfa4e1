//! Exports of whole logs, as bytes and as text.

use super::truth::Truth;
use crate::mutation::Shape;
use crate::sample::{Claim, events, first};
use crate::target::{Target, Verdict, ensure};
use cairn_verifier::{Form, Sections, verify};

/// Whole logs with their certificates.
pub struct Exports {
    truth: Truth,
    corpus: Vec<Vec<u8>>,
    name: &'static str,
    shape: Shape,
}

impl Exports {
    /// Exports as bytes.
    pub fn of_bytes() -> Exports {
        Exports::new("export", Shape::Sections { counted: true }, &[Form::Binary])
    }

    /// Exports as JSON Lines and CSV.
    pub fn of_text() -> Exports {
        Exports::new("text", Shape::Lines, &[Form::Lines, Form::Table])
    }

    fn new(name: &'static str, shape: Shape, forms: &[Form]) -> Exports {
        let truth = Truth::new();
        let export = |(form, size): (&Form, usize)| {
            let log = first(&truth.log, size);
            let (claim, events) = (Claim::of(&log), events(&log));
            let events = events.iter().map(|event| event.into()).collect();
            let (hash_tree, certificate) = (claim.hash_tree().into(), claim.certificate().into());
            form.write(&Sections { events, hash_tree, certificate }).unwrap()
        };
        let sizes = [4, 9, truth.log.events.len()];
        let corpus = forms.iter().flat_map(|form| sizes.map(|size| (form, size))).map(export).collect();
        Exports { truth, corpus, name, shape }
    }
}

impl Target for Exports {
    fn name(&self) -> &'static str {
        self.name
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        self.shape
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let verdict = verify(input, &self.truth.policy);
        ensure(verdict.is_err() || self.corpus.iter().any(|valid| valid == input), || {
            "another export than those certified is accepted".to_owned()
        })?;
        if let Err(failure) = &verdict {
            ensure(!failure.to_string().is_empty(), || "no reason is given".to_owned())?;
        }
        // What commands read that verify nothing.
        let _ = Sections::parse(input).and_then(|sections| sections.decoded());
        Ok(Verdict::from(&verdict))
    }
}
