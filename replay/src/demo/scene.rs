//! The stage: a platform, its people, and what was noticed.

use super::Tell;
use super::people::{self, Person};
use super::uses::Use;
use crate::platform::{Options, Pending, Platform};
use anyhow::{Context, Result};
use cairn_events::Timestamp;
use cairn_kit::api::backend::{BackendError, DeploymentStatus, DeploymentView};

/// Empty canisters that the factory of tokens keeps ready.
pub const POOL: u32 = 24;
/// Those that the other factories do.
const OTHER_POOLS: u32 = 4;
/// How long after the beginning the evening comes, in nanoseconds.
const DAYTIME: u64 = 12 * 3_600_000_000_000;
/// Rounds after which an answer must have come.
const ROUNDS: u64 = 5_000;

/// The stage.
pub struct Scene<'a> {
    /// The platform.
    pub platform: Platform,
    /// Everybody who pays.
    pub people: Vec<Person>,
    /// When locks and airdrops open.
    pub evening: Timestamp,
    /// The wallets, locks and airdrops that are in use.
    pub uses: Vec<Use>,
    /// Requests that were refused before money moved.
    pub refused: u64,
    /// Upgrades in the middle of work.
    pub upgraded: u64,
    /// What was not as it should be.
    pub problems: Vec<String>,
    tell: Tell<'a>,
}

/// How many of a wave's requests were answered how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// With a contract.
    pub delivered: u64,
    /// With a failure and a refund, done or under way.
    pub refunded: u64,
    /// With a record of something still under way.
    pub open: u64,
    /// With an error.
    pub refused: u64,
}

/// A platform that sells everything there is, tokens in large numbers.
pub fn options(seed: u64) -> Options {
    Options { seed, pool: POOL, every_service: true, other_pools: Some(OTHER_POOLS), ..Options::default() }
}

impl<'a> Scene<'a> {
    /// A stage with everybody on it, and nothing paid yet.
    pub fn new(platform: Platform, tell: Tell<'a>) -> Self {
        let evening = Timestamp(platform.net.now().saturating_add(DAYTIME));
        let (people, uses, problems) = (people::all(), Vec::new(), Vec::new());
        Scene { platform, people, evening, uses, refused: 0, upgraded: 0, problems, tell }
    }

    /// Tells a line.
    pub fn tell(&mut self, line: impl AsRef<str>) {
        (self.tell)(line.as_ref());
    }

    /// Notes what is wrong, if it is.
    pub fn expect(&mut self, fine: bool, problem: impl FnOnce() -> String) {
        if !fine {
            let problem = problem();
            self.tell(format!("  NOT AS IT SHOULD BE: {problem}"));
            self.problems.push(problem);
        }
    }

    /// Shows the canisters, and gives everybody what they will need.
    pub fn introduce(&mut self) -> Result<()> {
        let log = self.platform.log;
        self.tell(format!("An embedded Internet Computer runs. The auditor notes its root key and log {log}."));
        for (package, id) in self.platform.canisters() {
            let size = self.platform.net.memory_sizes(id).map_or(0, |(heap, _)| heap >> 10);
            self.tell(format!("  {package:<20} {id}  {size} KiB of heap"));
        }
        let (price, fee) = (self.platform.price, self.platform.ledger_fee);
        self.tell(format!("A contract of any kind costs {price}, and two ledger fees of {fee}."));
        let needs: Vec<_> = self.people.iter().map(|person| (person.id, person.orders)).collect();
        for (id, orders) in needs {
            self.platform.afford(id, orders)?;
        }
        let people = self.people.len();
        self.tell(format!("{people} people got fee tokens and approved the backend to take the price."));
        Ok(())
    }

    /// Waits for the answers to a wave.
    pub fn answers(&mut self, wave: &[Pending]) -> Result<Answers> {
        for _ in 0..ROUNDS {
            if wave.iter().all(|pending| self.platform.answer(pending).is_some()) {
                break;
            }
            self.platform.net.tick();
        }
        let mut answers = Answers::default();
        for pending in wave {
            let answer = self.platform.answer(pending).context("a call was never answered")?;
            answers.count(answer.map_err(anyhow::Error::from)?);
        }
        Ok(answers)
    }
}

impl Answers {
    /// Counts an answer.
    pub fn count(&mut self, answer: Result<DeploymentView, BackendError>) {
        match answer.map(|view| view.status) {
            Ok(DeploymentStatus::Delivered { .. }) => self.delivered += 1,
            Ok(DeploymentStatus::Refunding { .. } | DeploymentStatus::Refunded { .. }) => self.refunded += 1,
            Ok(_) => self.open += 1,
            Err(_) => self.refused += 1,
        }
    }
}

impl std::fmt::Display for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Answers { delivered, refunded, open, refused } = self;
        write!(f, "{delivered} delivered, {refunded} failed and refunded, {open} still under way, {refused} refused")
    }
}
