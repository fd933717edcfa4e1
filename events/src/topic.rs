//! Topics: what an auditor can ask "everything about" of.
//!
//! The topics of an event are a pure function of it, so that no writer can leave one out. Per topic the event links
//! to the topic's previous event: a filtered answer is chained by itself.

use crate::{DeploymentId, Event, Hash, Payload};
use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

/// A family of kinds: the feed that a projection follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
pub enum Family {
    /// Configuration, writers, admins, upgrades, rebuilds, refusals.
    #[serde(rename = "platform")]
    Platform,
    /// The course of deployments.
    #[serde(rename = "deployments")]
    Deployments,
    /// Payments, refunds, releases, and what decides between them.
    #[serde(rename = "money")]
    Money,
    /// The life of contract canisters and what they report.
    #[serde(rename = "contracts")]
    Contracts,
}

/// A contract kind that people pay for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
pub enum Service {
    /// A token ledger.
    #[serde(rename = "token_factory")]
    Token,
    /// A multisig wallet.
    #[serde(rename = "multisig_factory")]
    Multisig,
    /// An airdrop or a vesting schedule.
    #[serde(rename = "distribution_factory")]
    Distribution,
    /// A DAO.
    #[serde(rename = "dao_factory")]
    Dao,
    /// A launchpad sale.
    #[serde(rename = "launchpad_factory")]
    Launchpad,
}

impl Service {
    /// Every service.
    pub const ALL: [Service; 5] =
        [Service::Token, Service::Multisig, Service::Distribution, Service::Dao, Service::Launchpad];

    /// The service's name in configuration keys.
    pub fn name(self) -> &'static str {
        match self {
            Service::Token => "token_factory",
            Service::Multisig => "multisig_factory",
            Service::Distribution => "distribution_factory",
            Service::Dao => "dao_factory",
            Service::Launchpad => "launchpad_factory",
        }
    }

    /// The service of this name.
    pub fn from_name(name: &str) -> Option<Service> {
        Service::ALL.into_iter().find(|service| service.name() == name)
    }
}

/// Something that events are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
pub enum Topic {
    /// A feed.
    #[serde(rename = "family")]
    Family(Family),
    /// A principal that acted or is named: user, owner, holder, admin, writer.
    #[serde(rename = "party")]
    Party(Principal),
    /// A contract canister.
    #[serde(rename = "contract")]
    Contract(Principal),
    /// A deployment.
    #[serde(rename = "deployment")]
    Deployment(DeploymentId),
    /// A service.
    #[serde(rename = "service")]
    Service(Service),
}

impl Topic {
    /// The most topics an event has.
    pub const MAX: usize = 8;

    /// The topic's key: a tag and at most 32 bytes. Keys are for ever, as the links depend on them.
    pub fn key(&self) -> Vec<u8> {
        let (tag, bytes): (u8, &[u8]) = match self {
            Topic::Family(family) => (1, &[*family as u8]),
            Topic::Party(principal) => (2, principal.as_slice()),
            Topic::Contract(principal) => (3, principal.as_slice()),
            Topic::Deployment(id) => (4, id.0.as_bytes()),
            Topic::Service(service) => (5, &[*service as u8]),
        };
        let mut key = Vec::with_capacity(1 + bytes.len());
        key.push(tag);
        key.extend_from_slice(bytes);
        key
    }

    /// The topics of an event by `actor` with this payload, in the order of their links. Source and order are part
    /// of the encoding.
    pub fn derive(actor: Principal, payload: &Payload) -> Vec<Topic> {
        let mut topics: Vec<Topic> = payload.kind().families().iter().copied().map(Topic::Family).collect();
        let mut add = |topic| {
            if !topics.contains(&topic) && topics.len() < Topic::MAX {
                topics.push(topic);
            }
        };
        payload.deployment().into_iter().map(Topic::Deployment).for_each(&mut add);
        payload.contract().into_iter().map(Topic::Contract).for_each(&mut add);
        payload.service().into_iter().map(Topic::Service).for_each(&mut add);
        add(Topic::Party(actor));
        payload.parties().into_iter().flatten().map(Topic::Party).for_each(&mut add);
        topics
    }

    /// Whether everyone may know how many events it has, and which: not so for people, whose events stand in the log
    /// for whoever reads all of it, but are not gathered for everyone.
    pub fn is_public(&self) -> bool {
        match self {
            Topic::Family(_) | Topic::Contract(_) | Topic::Deployment(_) | Topic::Service(_) => true,
            Topic::Party(_) => false,
        }
    }

    /// The topics of `event`.
    pub fn of(event: &Event) -> Vec<Topic> {
        Topic::derive(event.actor, &event.payload)
    }
}

/// An event's place in one of its topics: the `sequence`-th, after `previous`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Link {
    /// 1 for the topic's first event.
    pub sequence: u64,
    /// Index and hash of the topic's previous event; absent for the first.
    pub previous: Option<(u64, Hash)>,
}

/// Length of an encoded link.
const LINK_BYTES: usize = 48;

impl Link {
    /// The link of a topic's next event.
    #[must_use]
    pub fn after(head: Option<&TopicHead>) -> Link {
        match head {
            None => Link { sequence: 1, previous: None },
            Some(head) => Link { sequence: head.count + 1, previous: Some((head.index, head.hash)) },
        }
    }

    /// 48 bytes: sequence and previous index, big-endian, and previous hash; zeros where there is no previous event.
    pub fn to_bytes(self) -> [u8; LINK_BYTES] {
        let (index, hash) = self.previous.unwrap_or((0, Hash([0; 32])));
        let mut bytes = [0; LINK_BYTES];
        let (numbers, digest) = bytes.split_at_mut(16);
        numbers.copy_from_slice([self.sequence.to_be_bytes(), index.to_be_bytes()].as_flattened());
        digest.copy_from_slice(&hash.0);
        bytes
    }

    /// Reads [`Link::to_bytes`]; `None` for anything it does not write.
    pub fn from_bytes(bytes: &[u8]) -> Option<Link> {
        let (sequence, rest) = bytes.split_first_chunk::<8>()?;
        let (index, hash) = rest.split_first_chunk::<8>()?;
        let (sequence, index, hash) =
            (u64::from_be_bytes(*sequence), u64::from_be_bytes(*index), Hash::from_slice(hash)?);
        match sequence {
            0 => None,
            1 if index == 0 && hash == Hash([0; 32]) => Some(Link { sequence, previous: None }),
            1 => None,
            _ => Some(Link { sequence, previous: Some((index, hash)) }),
        }
    }
}

impl Serialize for Link {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_bytes())
    }
}

/// Reading and writing the list of links; apart from `Link`'s own `Deserialize`, which is the Candid one.
pub(crate) mod links {
    use super::{LINK_BYTES, Link};
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_bytes::ByteArray;

    pub fn serialize<S: Serializer>(links: &[Link], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(links)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Link>, D::Error> {
        let items = Vec::<ByteArray<LINK_BYTES>>::deserialize(deserializer)?;
        let link =
            |bytes: &ByteArray<_>| Link::from_bytes(&**bytes).ok_or_else(|| D::Error::custom("malformed topic link"));
        items.iter().map(link).collect()
    }
}

/// The last event of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct TopicHead {
    /// How many events the topic has.
    pub count: u64,
    /// Index of the last one.
    pub index: u64,
    /// Hash of the last one.
    pub hash: Hash,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_one_encoding() {
        let first = Link::after(None);
        let next = Link::after(Some(&TopicHead { count: 1, index: 9, hash: Hash([3; 32]) }));
        for link in [first, next] {
            assert_eq!(Link::from_bytes(&link.to_bytes()), Some(link));
        }
        let mut bytes = first.to_bytes();
        bytes[47] = 1;
        assert_eq!(Link::from_bytes(&bytes), None, "a first link names no previous event");
        assert_eq!(Link::from_bytes(&[0; 48]), None);
        assert_eq!(Link::from_bytes(&next.to_bytes()[..47]), None);
    }
}
