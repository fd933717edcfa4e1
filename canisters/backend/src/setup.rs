//! What the platform consists of, as far as no event tells, and this canister's secrets.

pub mod bootstrap;
pub mod microservices;
pub mod monitor;
pub mod waking;
pub mod watch;

use crate::config::change::Payment;
use cairn_events::{Hash, LogId, Principal};
use serde::{Deserialize, Serialize};

/// What was set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The canister of the log.
    #[serde(rename = "a")]
    pub audit: Option<Principal>,
    /// Who installed this canister: the first admin.
    #[serde(rename = "i")]
    pub installer: Option<Principal>,
    /// The log, once it has begun.
    #[serde(rename = "l")]
    pub log: Option<LogId>,
    /// The host of the payment projection.
    #[serde(rename = "v")]
    pub invoices: Option<Principal>,
    /// What holds for prices to come.
    #[serde(rename = "p")]
    pub payment: Payment,
    /// The secrets, once the network has given randomness.
    #[serde(rename = "s")]
    pub secrets: Option<Secrets>,
    /// When this canister was last installed or upgraded, in nanoseconds.
    #[serde(rename = "u")]
    pub upgraded_at: u64,
}

/// Secrets from the network's randomness. They are as secret as a canister's memory is: node operators could read it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// Keys digests of private fields. Never changes.
    #[serde(rename = "k", with = "serde_bytes")]
    pub key: [u8; 32],
    /// The source of salts: replaced by every draw, so that it tells nothing about earlier ones.
    #[serde(rename = "r", with = "serde_bytes")]
    ratchet: [u8; 32],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// Secrets from 32 random bytes.
    pub fn new(seed: &[u8; 32]) -> Self {
        Secrets { key: derive("cairn.key", seed), ratchet: derive("cairn.ratchet", seed) }
    }

    /// The next 256 random bits; each is drawn once.
    pub fn draw(&mut self) -> [u8; 32] {
        let drawn = derive("cairn.salt", &self.ratchet);
        self.ratchet = derive("cairn.ratchet", &self.ratchet);
        drawn
    }
}

fn derive(domain: &str, secret: &[u8; 32]) -> [u8; 32] {
    Hash::of_fields(domain, &[secret]).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_differ_and_leave_no_trace() {
        let mut secrets = Secrets::new(&[7; 32]);
        let before = secrets.clone();
        let (first, second) = (secrets.draw(), secrets.draw());
        assert_ne!(first, second);
        assert_eq!(secrets.key, before.key);
        assert_ne!(secrets.ratchet, before.ratchet);
        assert!(![secrets.ratchet, secrets.key].contains(&first));
        assert_ne!(Secrets::new(&[8; 32]).draw(), first);
    }
}
