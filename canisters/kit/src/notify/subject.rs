//! What has a present state that a factory should know.

use cairn_events::Principal;
use cairn_events::payload::{ContractStatus, Notification, Role};
use ic_stable_structures::storable::{Bound, Storable};
use std::borrow::Cow;

/// What a contract is asked when notifications are numbered.
pub trait Subjects {
    /// Whether `who` has `role` now.
    fn has_role(&self, role: Role, who: Principal) -> bool;
    /// Whether strangers may see the contract listed.
    fn is_public(&self) -> bool;
    /// Where the contract stands.
    fn status(&self) -> ContractStatus;
    /// Up to `limit` of all who ever had a role, in order, from the one after `after`; and whether each has it now. Who
    /// had one keeps a row: when everything is told anew, they are told as gone.
    fn roles_after(&self, after: Option<(Role, Principal)>, limit: usize) -> Vec<(Role, Principal, bool)>;
}

/// Something that has a present state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Visibility,
    Status,
    Role(Role, Principal),
}

impl Subject {
    /// What is to be told of it now.
    pub fn standing(self, subjects: &dyn Subjects) -> Notification {
        match self {
            Subject::Visibility => Notification::VisibilityChanged(subjects.is_public()),
            Subject::Status => Notification::StatusChanged(subjects.status()),
            Subject::Role(role, who) => Notification::of_role(role, who, subjects.has_role(role, who)),
        }
    }

    fn tag(self) -> u8 {
        match self {
            Subject::Visibility => 0,
            Subject::Status => 1,
            Subject::Role(Role::Holder, _) => 2,
            Subject::Role(Role::Signer, _) => 3,
            Subject::Role(Role::Observer, _) => 4,
            Subject::Role(Role::Recipient, _) => 5,
            Subject::Role(Role::Participant, _) => 6,
            Subject::Role(Role::Member, _) => 7,
        }
    }

    /// The subject that a notification is about, unless it is told once.
    pub fn of(notification: &Notification) -> Option<Self> {
        match notification {
            Notification::VisibilityChanged(_) => Some(Subject::Visibility),
            Notification::StatusChanged(_) => Some(Subject::Status),
            other => other.role().map(|(role, who, _)| Subject::Role(role, who)),
        }
    }

    /// Reads a key.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (tag, principal) = bytes.split_first()?;
        let who = Principal::try_from_slice(principal).ok()?;
        Some(match tag {
            0 => Subject::Visibility,
            1 => Subject::Status,
            2 => Subject::Role(Role::Holder, who),
            3 => Subject::Role(Role::Signer, who),
            4 => Subject::Role(Role::Observer, who),
            5 => Subject::Role(Role::Recipient, who),
            6 => Subject::Role(Role::Participant, who),
            7 => Subject::Role(Role::Member, who),
            _ => return None,
        })
    }
}

impl Storable for Subject {
    const BOUND: Bound = Bound::Bounded { max_size: 30, is_fixed_size: false };

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.into_bytes())
    }

    fn into_bytes(self) -> Vec<u8> {
        let mut bytes = vec![self.tag()];
        if let Subject::Role(_, who) = self {
            bytes.extend_from_slice(who.as_slice());
        }
        bytes
    }

    fn from_bytes(bytes: Cow<'_, [u8]>) -> Self {
        Subject::read(&bytes).unwrap_or_else(|| ic_cdk::trap("stable memory is corrupt: subject"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written_and_keep_the_order() {
        let who = |byte: u8| Principal::from_slice(&[byte; 29]);
        let roles = Role::ALL.iter().flat_map(|role| [1, 200].map(|byte| Subject::Role(*role, who(byte))));
        let subjects: Vec<Subject> = [Subject::Visibility, Subject::Status].into_iter().chain(roles).collect();
        for subject in &subjects {
            assert_eq!(Subject::from_bytes(subject.to_bytes()), *subject);
        }
        let keys: Vec<Vec<u8>> = subjects.iter().map(|subject| subject.into_bytes()).collect();
        assert!(keys.is_sorted() && subjects.is_sorted());
        assert_eq!(Subject::read(&[8]), None);
    }
}
