//! What the factory knows of templates and of those who publish them: folded from events.

use super::Map;
use crate::memory::{self, memory};
use cairn_events::payload::{
    Channel, Reason, TemplateConfirmed, TemplateProposed, TemplatePublished, TemplateWithdrawn,
};
use cairn_events::{Hash, Payload, Principal, Timestamp, Version};
use cairn_kit::journal::Recorded;
use cairn_kit::stable::{Cbor, HashKey, Memory, PrincipalKey};
use ic_stable_structures::StableBTreeMap;
use ic_stable_structures::storable::{Bound, Storable};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A version as a key, ordered as versions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionKey(pub Version);

impl Storable for VersionKey {
    const BOUND: Bound = Bound::Bounded { max_size: 12, is_fixed_size: true };

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.into_bytes())
    }

    fn into_bytes(self) -> Vec<u8> {
        self.0.to_bytes().to_vec()
    }

    fn from_bytes(bytes: Cow<'_, [u8]>) -> Self {
        VersionKey(Version::from_bytes(&bytes).unwrap_or_else(|| ic_cdk::trap("stable memory is corrupt: version key")))
    }
}

/// A published template. Only its withdrawal ever changes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// SHA-256 of the module.
    #[serde(rename = "h")]
    pub hash: Hash,
    /// Bytes of the module.
    #[serde(rename = "s")]
    pub size: u64,
    /// What it was proposed as; absent for one that was published without a proposal, as earlier code allowed.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none", default)]
    pub proposed: Option<TemplateProposed>,
    /// When it was published.
    #[serde(rename = "t")]
    pub published: Timestamp,
    /// Index of `TemplatePublished`.
    #[serde(rename = "x")]
    pub index: u64,
    /// Why it is installed no more.
    #[serde(rename = "w", skip_serializing_if = "Option::is_none", default)]
    pub withdrawn: Option<Reason>,
}

impl Template {
    /// Whom it is for.
    pub fn channel(&self) -> Channel {
        self.proposed.as_ref().map_or(Channel::Stable, |terms| terms.channel)
    }

    /// The oldest version whose contracts it can take over; any if absent.
    pub fn upgrades_from(&self) -> Option<Version> {
        self.proposed.as_ref().and_then(|terms| terms.upgrades_from)
    }

    /// Hash of its interface, if that is known.
    pub fn interface(&self) -> Option<Hash> {
        self.proposed.as_ref().map(|terms| terms.interface)
    }

    /// Whether it is somebody else's code, of which contracts are never upgraded.
    pub fn is_foreign(&self) -> bool {
        self.proposed.as_ref().is_some_and(|terms| terms.foreign)
    }

    /// Whether new contracts may be made from it.
    pub fn is_installable(&self) -> bool {
        self.withdrawn.is_none() && self.channel() == Channel::Stable
    }
}

/// A template that is not published yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What was proposed.
    #[serde(rename = "p")]
    pub proposed: TemplateProposed,
    /// By whom.
    #[serde(rename = "b")]
    pub by: Principal,
    /// When.
    #[serde(rename = "t")]
    pub at: Timestamp,
    /// Index of `TemplateProposed`.
    #[serde(rename = "x")]
    pub index: u64,
    /// The second person's word.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none", default)]
    pub confirmed: Option<Confirmation>,
}

/// The second person's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Who it is.
    #[serde(rename = "b")]
    pub by: Principal,
    /// The earliest publication.
    #[serde(rename = "f")]
    pub from: Timestamp,
    /// Index of `TemplateConfirmed`.
    #[serde(rename = "x")]
    pub index: u64,
}

/// Templates, proposals, and the admins that were granted.
pub struct Templates {
    versions: Map<VersionKey, Template>,
    modules: StableBTreeMap<HashKey, VersionKey, Memory>,
    proposals: Map<VersionKey, Proposal>,
    grants: Map<PrincipalKey, Timestamp>,
}

impl Templates {
    /// What the memories hold.
    pub(super) fn open() -> Self {
        Templates {
            versions: Map::init(memory(memory::TEMPLATES)),
            modules: StableBTreeMap::init(memory(memory::TEMPLATE_VERSIONS)),
            proposals: Map::init(memory(memory::PROPOSALS)),
            grants: Map::init(memory(memory::GRANTS)),
        }
    }

    /// Folds an event of this part: total.
    pub(super) fn apply(&mut self, recorded: &Recorded) {
        match &recorded.payload {
            Payload::TemplateProposed(proposed) => {
                let proposal = Proposal {
                    proposed: proposed.clone(),
                    by: recorded.actor,
                    at: recorded.receipt.timestamp,
                    index: recorded.receipt.index,
                    confirmed: None,
                };
                self.proposals.insert(VersionKey(proposed.version), Cbor(proposal));
            }
            Payload::TemplateConfirmed(confirmed) => self.confirmed(recorded, confirmed),
            Payload::TemplatePublished(published) => self.published(recorded, published),
            Payload::TemplateWithdrawn(withdrawn) => self.withdrawn(withdrawn),
            Payload::FactoryAdminGranted(granted) => {
                self.grants.insert(PrincipalKey(granted.admin), Cbor(granted.from));
            }
            Payload::FactoryAdminRevoked(revoked) => self.revoked(revoked.admin),
            _ => {}
        }
    }

    fn confirmed(&mut self, recorded: &Recorded, confirmed: &TemplateConfirmed) {
        let Some(mut proposal) = self.proposal(confirmed.version) else { return };
        let (by, from, index) = (recorded.actor, confirmed.from, recorded.receipt.index);
        proposal.confirmed = Some(Confirmation { by, from, index });
        self.proposals.insert(VersionKey(confirmed.version), Cbor(proposal));
    }

    fn published(&mut self, recorded: &Recorded, published: &TemplatePublished) {
        // What has no version of this form was never published by this code, and a published version never changes.
        let Ok(version) = published.version.parse::<Version>() else { return };
        if self.versions.contains_key(&VersionKey(version)) {
            return;
        }
        let proposal = self.proposals.remove(&VersionKey(version)).map(|row| row.0.proposed);
        let template = Template {
            hash: published.module_hash,
            size: published.size,
            proposed: proposal.filter(|proposed| proposed.module_hash == published.module_hash),
            published: recorded.receipt.timestamp,
            index: recorded.receipt.index,
            withdrawn: None,
        };
        self.versions.insert(VersionKey(version), Cbor(template));
        self.modules.insert(HashKey(published.module_hash), VersionKey(version));
    }

    fn withdrawn(&mut self, withdrawn: &TemplateWithdrawn) {
        if self.proposals.remove(&VersionKey(withdrawn.version)).is_some() {
            return;
        }
        let Some(mut template) = self.version(withdrawn.version) else { return };
        template.withdrawn = Some(withdrawn.reason.clone());
        self.versions.insert(VersionKey(withdrawn.version), Cbor(template));
    }

    fn revoked(&mut self, admin: Principal) {
        self.grants.remove(&PrincipalKey(admin));
        for mut proposal in self.proposals() {
            let version = VersionKey(proposal.proposed.version);
            if proposal.by == admin {
                self.proposals.remove(&version);
            } else if proposal.confirmed.is_some_and(|confirmation| confirmation.by == admin) {
                proposal.confirmed = None;
                self.proposals.insert(version, Cbor(proposal));
            }
        }
    }

    /// The published template of this version, withdrawn or not.
    pub fn version(&self, version: Version) -> Option<Template> {
        self.versions.get(&VersionKey(version)).map(|row| row.0)
    }

    /// The published template with this module, withdrawn or not.
    pub fn of_module(&self, module: Hash) -> Option<(Version, Template)> {
        let VersionKey(version) = self.modules.get(&HashKey(module))?;
        Some((version, self.version(version)?))
    }

    /// Whether new contracts may be made from this module.
    pub fn is_installable(&self, module: Hash) -> bool {
        self.of_module(module).is_some_and(|(_, template)| template.is_installable())
    }

    /// What new contracts are made from: the highest version that is for everyone and not withdrawn.
    pub fn newest(&self) -> Option<Version> {
        self.before(None).find(|(_, template)| template.is_installable()).map(|(version, _)| version)
    }

    /// The highest version ever published in a channel.
    pub fn last_of(&self, channel: Channel) -> Option<Version> {
        self.before(None).find(|(_, template)| template.channel() == channel).map(|(version, _)| version)
    }

    /// The version that clients of `version` may know: the highest one before it for everyone, with its major number.
    pub fn previous(&self, version: Version) -> Option<(Version, Template)> {
        let same_line = |(earlier, _): &(Version, Template)| earlier.major == version.major;
        self.before(Some(version)).take_while(same_line).find(|(_, template)| template.channel() == Channel::Stable)
    }

    /// Published templates below `version`, or all; the highest first.
    pub fn before(&self, version: Option<Version>) -> impl Iterator<Item = (Version, Template)> + '_ {
        let rows = match version {
            Some(version) => self.versions.range(..VersionKey(version)),
            None => self.versions.range(..),
        };
        rows.rev().map(|row| (row.key().0, row.value().0))
    }

    /// How many templates were published.
    pub fn count(&self) -> u64 {
        self.versions.len()
    }

    /// The open proposal of this version.
    pub fn proposal(&self, version: Version) -> Option<Proposal> {
        self.proposals.get(&VersionKey(version)).map(|row| row.0)
    }

    /// Every open proposal, by version.
    pub fn proposals(&self) -> Vec<Proposal> {
        self.proposals.values().map(|row| row.0).collect()
    }

    /// How many proposals are open.
    pub fn proposal_count(&self) -> u64 {
        self.proposals.len()
    }

    /// The time from which on a granted admin counts as a second person.
    pub fn granted(&self, admin: Principal) -> Option<Timestamp> {
        self.grants.get(&PrincipalKey(admin)).map(|row| row.0)
    }
}

#[cfg(test)]
pub(crate) use folded::FoldedTemplates;

#[cfg(test)]
mod folded {
    use super::*;
    use std::collections::BTreeMap;

    /// Everything of this part.
    #[derive(Debug, PartialEq, Eq)]
    pub struct FoldedTemplates {
        pub versions: BTreeMap<Version, Template>,
        pub modules: BTreeMap<Hash, Version>,
        pub proposals: BTreeMap<Version, Proposal>,
        pub grants: BTreeMap<Principal, Timestamp>,
    }

    impl Templates {
        pub(crate) fn folded(&self) -> FoldedTemplates {
            FoldedTemplates {
                versions: self.versions.iter().map(|row| (row.key().0, row.value().0)).collect(),
                modules: self.modules.iter().map(|row| (row.key().0, row.value().0)).collect(),
                proposals: self.proposals.iter().map(|row| (row.key().0, row.value().0)).collect(),
                grants: self.grants.iter().map(|row| (row.key().0, row.value().0)).collect(),
            }
        }
    }
}
