//! A contract in tests, as far as it tells of itself.

use super::Subjects;
use cairn_events::Principal;
use cairn_events::payload::{ContractStatus, Role};
use std::collections::BTreeMap;

/// A contract: who ever had which role, whether it is public, where it stands.
#[derive(Clone, Debug)]
pub struct People {
    /// Whether they have it still.
    pub roles: BTreeMap<(Role, Principal), bool>,
    /// Whether strangers may see it listed.
    pub public: bool,
    /// Where it stands.
    pub status: ContractStatus,
}

impl Subjects for People {
    fn has_role(&self, role: Role, who: Principal) -> bool {
        self.roles.get(&(role, who)).copied().unwrap_or_default()
    }
    fn is_public(&self) -> bool {
        self.public
    }
    fn status(&self) -> ContractStatus {
        self.status
    }
    fn roles_after(&self, after: Option<(Role, Principal)>, limit: usize) -> Vec<(Role, Principal, bool)> {
        let later = self.roles.iter().filter(|(key, _)| after.is_none_or(|after| **key > after));
        later.take(limit).map(|((role, who), has)| (*role, *who, *has)).collect()
    }
}
