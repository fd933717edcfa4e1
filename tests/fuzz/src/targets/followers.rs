//! What a follower of a feed remembers between its runs: text in a file.

use super::truth::Truth;
use crate::mutation::Shape;
use crate::target::{Target, Verdict, ensure};
use anyhow::Context as _;
use cairn::follow::{Digits, Feed, Seen};
use cairn_events::answer::{self, answer};
use cairn_events::question::{About, Answer};
use cairn_events::testing::TestRecords;
use cairn_events::{Event, Family, Timestamp, Topic};
use cairn_verifier::verify_answer;

/// What was seen of feeds, as JSON.
pub struct Followers {
    truth: Truth,
    records: TestRecords,
    /// The end of the log, with its certificate.
    end: Answer,
    feeds: Vec<Feed>,
    corpus: Vec<Vec<u8>>,
}

impl Followers {
    pub fn new() -> anyhow::Result<Followers> {
        let truth = Truth::new();
        let abouts = [About::Everything, About::Topics(vec![Topic::Family(Family::Money)])];
        let feeds: Vec<Feed> = abouts.iter().filter_map(Feed::of).collect();
        let mut corpus = Vec::new();
        for feed in &feeds {
            let mut seen = Seen::nothing(truth.log.id, feed, 0);
            corpus.push(serde_json::to_vec_pretty(&seen)?);
            for size in [5, 12, truth.log.events.len()] {
                go_on(&mut seen, feed, &TestRecords::of(&truth.log, size, size))?;
                corpus.push(serde_json::to_vec_pretty(&seen)?);
            }
        }
        let claim = truth.claim();
        let end = Answer { hash_tree: claim.hash_tree(), certificate: claim.certificate(), ..Answer::default() };
        Ok(Followers { records: truth.records(), end, feeds, corpus, truth })
    }

    /// Follows the feed to its end, from what was seen; whether that worked.
    fn follow(&self, mut seen: Seen, feed: &Feed) -> Result<bool, String> {
        if seen.check(self.truth.log.id, feed).is_err() {
            return Ok(false);
        }
        let (question, known) = (seen.question(feed), seen.end());
        let Some(proof) = answer(&self.records, &question) else { return Ok(false) };
        let Answer { hash_tree, certificate, .. } = self.end.clone();
        let answer = Answer { hash_tree, certificate, ..proof };
        let Ok(answered) = verify_answer(&question, &answer, &self.truth.policy, known.as_ref()) else {
            return Ok(false);
        };
        let was_true = known.is_none_or(|known| self.truth.end(known.size) == Some(&known));
        ensure(was_true, || "the log is said to continue what it never was".to_owned())?;
        for event in &answered.findings.events {
            let before = seen.last;
            if seen.take(feed, event).is_err() {
                return Ok(false);
            }
            let follows = before.is_none_or(|before| self.precedes(&before, event, feed));
            ensure(follows, || format!("event {} is said to follow on another than it does", event.index))?;
        }
        Ok(true)
    }

    /// Whether what was seen last is the event before this one in the feed.
    fn precedes(&self, (number, index, Digits(hash)): &(u64, u64, Digits), event: &Event, feed: &Feed) -> bool {
        let about = feed.about();
        let earlier = self.truth.log.events.iter().take_while(|other| other.index < event.index);
        let earlier: Vec<&Event> = earlier.filter(|other| about.includes(other)).collect();
        earlier.last().is_some_and(|last| (*number, *index, *hash) == (earlier.len() as u64, last.index, last.hash()))
    }
}

/// Takes in what the log has at this time.
fn go_on(seen: &mut Seen, feed: &Feed, records: &TestRecords) -> anyhow::Result<()> {
    let (question, tip) = (seen.question(feed), records.tip().context("no end")?);
    let proof = answer(records, &question).context("no answer")?;
    let findings = answer::verify(&question, &proof, &tip, seen.end().as_ref())?;
    for event in &findings.events {
        seen.take(feed, event)?;
    }
    seen.reach(findings.complete.1, &tip, Timestamp(1));
    Ok(())
}

impl Target for Followers {
    fn name(&self) -> &'static str {
        "follow"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Lines
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(Verdict::Refused) };
        let Ok(seen) = serde_json::from_str::<Seen>(text) else { return Ok(Verdict::Refused) };
        let written = serde_json::to_string(&seen).map_err(|error| error.to_string())?;
        let again = serde_json::from_str::<Seen>(&written);
        ensure(again.is_ok_and(|again| again == seen), || "what is written is read otherwise".to_owned())?;
        let mut verdict = Verdict::Refused;
        for feed in &self.feeds {
            if self.follow(seen.clone(), feed)? {
                verdict = Verdict::Accepted;
            }
        }
        Ok(verdict)
    }
}
