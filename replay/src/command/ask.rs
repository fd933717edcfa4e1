//! Questions to the audit canister of a network.

use super::arguments::{Asked, Network, Topics};
use super::policy::policy;
use super::{Exit, Failed, moment};
use crate::network::Remote;
use crate::source::Source;
use crate::verify::Policy;
use cairn_events::Topic;
use cairn_events::question::{About, Answer, Order, Question, Span};
use cairn_kit::api::audit::{AuditError, AuditRequestError, EventPage};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// How often a question is asked that may be answered a little later.
const ATTEMPTS: u32 = 10;
/// How long until it is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// An audit canister that is asked, and what is trusted.
pub struct Asking {
    /// Who is asked.
    pub source: Source<Remote>,
    policy: Policy,
}

impl Asking {
    /// The canister that the policy names, on the network named.
    pub fn new(network: &Network) -> Result<Asking, Failed> {
        Asking::of(&network.url, policy(&network.trust)?, network.identity.as_deref())
    }

    /// The canister that `policy` names, on the network at `url`, asked by who has the key in the file `identity`, or
    /// anonymously.
    pub fn of(url: &str, policy: Policy, identity: Option<&Path>) -> Result<Asking, Failed> {
        let remote = remote(url, &policy, identity)?;
        Ok(Asking { source: Source(remote), policy })
    }

    /// What is trusted, now: answers come as long as one asks, and none may be too old when it comes.
    pub fn policy(&self) -> Policy {
        self.policy.live(moment::now())
    }

    /// The answer, not verified. Nodes differ in how far they are: what one does not know yet is asked again.
    pub fn answer(&mut self, question: &Question) -> Result<Answer, Failed> {
        let mut attempt = 1;
        loop {
            match self.source.answer(question).map_err(unreachable)? {
                Ok(answer) => return Ok(answer),
                Err(refusal) if attempt < ATTEMPTS && may_pass(&refusal) => sleep(PAUSE),
                Err(refusal) => {
                    let message = format_args!("the audit canister refuses: {refusal}; ask something else");
                    return Err(Failed::new(Exit::Network, message));
                }
            }
            attempt += 1;
        }
    }
}

impl Asking {
    /// The events from `cursor` on, as many as fit, not verified. Nodes differ in how far they are: one that has none yet
    /// is given time.
    pub fn page(&mut self, cursor: u64) -> Result<EventPage, Failed> {
        for attempt in 1.. {
            let page = self.source.page(cursor).map_err(unreachable)?;
            if !page.events.is_empty() {
                return Ok(page);
            }
            if attempt == ATTEMPTS {
                break;
            }
            sleep(PAUSE);
        }
        Err(Failed::new(Exit::Network, format_args!("the audit canister has no event {cursor}; ask again later")))
    }
}

#[cfg(feature = "network")]
fn remote(url: &str, policy: &Policy, identity: Option<&Path>) -> Result<Remote, Failed> {
    use {super::policy::read, crate::identity};
    let unreadable = |path: &Path, error| Failed::new(Exit::Malformed, format_args!("{}: {error}", path.display()));
    let identity = match identity {
        Some(path) => identity::read(&read(path)?).map_err(|error| unreadable(path, error))?,
        None => identity::nobody(),
    };
    Remote::new(url, policy.canister, identity).map_err(unreachable)
}

#[cfg(not(feature = "network"))]
fn remote(url: &str, _: &Policy, _: Option<&Path>) -> Result<Remote, Failed> {
    let message = format_args!("this command was built for files alone; build it with --features network to ask {url}");
    Err(Failed::new(Exit::Usage, message))
}

/// Asks for the proof of the log's end alone.
pub fn end_of_log() -> Question {
    Question { about: About::Everything, span: Span::default(), order: Order::OldestFirst, limit: 0, since: None }
}

/// A network that does not answer.
pub fn unreachable(error: anyhow::Error) -> Failed {
    Failed::new(Exit::Network, format_args!("{error:#}; check --network, and the canister in the policy"))
}

fn may_pass(refusal: &AuditError) -> bool {
    match refusal {
        AuditError::Temporary(_) => true,
        AuditError::Request(AuditRequestError::OutOfBounds { what, .. }) => what == "since",
        _ => false,
    }
}

impl Topics {
    /// Which events.
    pub fn about(&self) -> About {
        let topics: Vec<Topic> = (self.family.iter().copied().map(Topic::Family))
            .chain(self.party.iter().copied().map(Topic::Party))
            .chain(self.contract.iter().copied().map(Topic::Contract))
            .chain(self.deployment.iter().copied().map(Topic::Deployment))
            .chain(self.service.iter().copied().map(Topic::Service))
            .collect();
        if topics.is_empty() { About::Everything } else { About::Topics(topics) }
    }
}

impl Asked {
    /// Within which part of the log.
    pub fn span(&self) -> Span {
        let time = |time: Option<cairn_events::Timestamp>| time.map(|time| time.0);
        let (from_time, until_time) = (time(self.from_time), time(self.until_time));
        match self.event {
            Some(index) => Span { from: index, until: index.checked_add(1), from_time, until_time },
            None => Span { from: self.from, until: self.until, from_time, until_time },
        }
    }
}
