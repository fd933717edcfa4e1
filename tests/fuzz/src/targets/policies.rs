//! Policies: text that an auditor wrote. Of all that there can be, one is about the log that is shown.

use super::truth::Truth;
use crate::mutation::Shape;
use crate::target::{Target, Verdict, ensure};
use cairn_events::Timestamp;
use cairn_events::question::Answer;
use cairn_verifier::{Freshness, Policy, verify_answer};

/// Policies as text.
pub struct Policies {
    truth: Truth,
    /// The end of the log, with its certificate.
    end: Answer,
    corpus: Vec<Vec<u8>>,
}

impl Policies {
    pub fn new() -> Policies {
        let truth = Truth::new();
        let (policy, claim) = (truth.policy.clone(), truth.claim());
        let fresh = Policy { freshness: Some(Freshness { seconds: 300, now: Timestamp(0) }), ..policy.clone() };
        let end = Answer { hash_tree: claim.hash_tree(), certificate: claim.certificate(), ..Answer::default() };
        Policies { truth, end, corpus: [policy, fresh].map(|policy| policy.to_text().into_bytes()).to_vec() }
    }

    /// That the log is accepted under the policy that is about it, and under no other.
    fn check_end(&self, policy: &Policy) -> Result<(), String> {
        let policy = policy.archival();
        let accepted = verify_answer(&Truth::end_of_log(), &self.end, &policy, None).is_ok();
        let is_true = policy == self.truth.policy;
        ensure(accepted == is_true, || format!("accepted: {accepted} under the policy {policy:?}"))
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
                self.check_end(read)?;
            }
            Err(error) => {
                ensure(error.to_string().len() < 12 * input.len() + 200, || "a long-winded refusal".to_owned())?
            }
        }
        Ok(Verdict::from(&policy))
    }
}
