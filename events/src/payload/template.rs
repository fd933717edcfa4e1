//! How a module becomes a template of a factory: one admin proposes it, another one confirms it, and time passes.

use super::Reason;
use crate::topic::Service;
use crate::{Hash, Timestamp, Version};
use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

/// Whom a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
pub enum Channel {
    /// For everyone: new contracts are made from the newest one.
    #[serde(rename = "stable")]
    Stable,
    /// For those who want to try it.
    #[serde(rename = "beta")]
    Beta,
}

/// An admin wants a module to become a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateProposed {
    /// The service that it serves.
    pub service: Service,
    /// Its version.
    pub version: Version,
    /// SHA-256 of the module, computed by the factory.
    pub module_hash: Hash,
    /// Bytes of the module.
    pub size: u64,
    /// Whom it is for.
    pub channel: Channel,
    /// The oldest version whose contracts it can take over; absent if it is any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upgrades_from: Option<Version>,
    /// SHA-256 of its Candid interface, as text.
    pub interface: Hash,
    /// The commit of the source that it is built from, in hexadecimal digits.
    pub source_commit: String,
    /// What is new.
    pub notes: String,
    /// Whether it is somebody else's code, which knows nothing of factories: contracts of it are never upgraded.
    pub foreign: bool,
}

impl TemplateProposed {
    /// Bytes of the release notes.
    pub const MAX_NOTES: usize = 1_000;
    /// Digits of a commit at least: SHA-1.
    pub const MIN_COMMIT: usize = 40;
    /// Digits of a commit at most: SHA-256.
    pub const MAX_COMMIT: usize = 64;

    pub(super) fn is_bounded(&self) -> bool {
        self.notes.len() <= Self::MAX_NOTES && self.source_commit.len() <= Self::MAX_COMMIT
    }
}

/// Another admin has built the same module from the same source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateConfirmed {
    /// The service that it serves.
    pub service: Service,
    /// Its version.
    pub version: Version,
    /// SHA-256 of the module that the second person has built.
    pub module_hash: Hash,
    /// It is not published before this time.
    pub from: Timestamp,
}

/// A template is installed no more, and nothing is upgraded to it; or it will not be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateWithdrawn {
    /// The service that it served.
    pub service: Service,
    /// Its version.
    pub version: Version,
    /// Why.
    pub reason: Reason,
}

/// A person became an admin of the source, a factory. Gives no right anywhere else, unlike
/// [`AdminGranted`](super::AdminGranted).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactoryAdminGranted {
    /// The new admin.
    pub admin: Principal,
    /// From this time on they count as a second person: nobody makes one up and publishes with it at once.
    pub from: Timestamp,
}

/// A person is an admin of the source no more. What they proposed there falls; what they confirmed takes another second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactoryAdminRevoked {
    /// Who was one.
    pub admin: Principal,
}
