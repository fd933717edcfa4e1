//! One answer of the audit canister: its proof under a certificate under the policy.

use crate::certificate::{self, Certified};
use crate::{Failure, Policy};
use cairn_events::Timestamp;
use cairn_events::answer::{self, CertifiedTip, Findings, Remembered};
use cairn_events::question::{Answer, Question};

/// What an answer has shown, and as of when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The events, and what they are complete for.
    pub findings: Findings,
    /// The end of the log as the network has certified it.
    pub tip: CertifiedTip,
    /// When it did: nothing is said of later.
    pub certified_at: Timestamp,
}

/// Checks an answer to `question`. `remembered` is the end of the log that the question names as `since`.
///
/// # Errors
/// [`Failure`]: the first thing wrong.
pub fn verify_answer(
    question: &Question,
    answer: &Answer,
    policy: &Policy,
    remembered: Option<&Remembered>,
) -> Result<Answered, Failure> {
    let Certified { tip, at } = certificate::open(&answer.hash_tree, &answer.certificate, policy)?;
    let findings = answer::verify(question, answer, &tip, remembered)?;
    Ok(Answered { findings, tip, certified_at: at })
}
