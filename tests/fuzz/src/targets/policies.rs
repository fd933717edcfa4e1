//! Policies: text that an auditor wrote.

use super::truth::Truth;
use crate::mutation::Shape;
use crate::target::{Target, Verdict, ensure};
use cairn_events::Timestamp;
use cairn_verifier::{Freshness, Policy};

/// Policies as text.
pub struct Policies {
    corpus: Vec<Vec<u8>>,
}

impl Policies {
    pub fn new() -> Policies {
        let policy = Truth::new().policy;
        let fresh = Policy { freshness: Some(Freshness { seconds: 300, now: Timestamp(0) }), ..policy.clone() };
        Policies { corpus: [policy, fresh].map(|policy| policy.to_text().into_bytes()).to_vec() }
    }
}

impl Target for Policies {
    fn name(&self) -> &'static str {
        "policy"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Lines
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(Verdict::Refused) };
        let now = Timestamp(7);
        let policy = Policy::from_text(text, now);
        match &policy {
            Ok(read) => {
                let again = Policy::from_text(&read.to_text(), now);
                ensure(again == policy, || format!("what is written is read otherwise: {again:?}"))?;
            }
            Err(error) => {
                ensure(error.to_string().len() < 12 * input.len() + 200, || "a long-winded refusal".to_owned())?
            }
        }
        Ok(Verdict::from(&policy))
    }
}
