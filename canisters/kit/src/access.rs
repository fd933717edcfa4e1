//! Who calls: permits that only a check can make, so that what needs one cannot forget it.

use crate::stable::{Memory, PrincipalKey};
use cairn_events::Principal;
use ic_stable_structures::StableBTreeMap;

/// A caller who has an identity: the proof that the anonymous principal was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller(Principal);

/// An admin: the proof that the caller's role was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admin(Principal);

/// Why a caller is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Anonymous callers own nothing and decide nothing.
    #[error("anonymous callers are refused")]
    Anonymous,
    /// Not an admin.
    #[error("{0} is no admin")]
    NotAdmin(Principal),
}

impl Caller {
    /// The caller, unless anonymous. Entry points pass `ic_cdk::api::msg_caller()`, before any await.
    ///
    /// # Errors
    /// [`Denied::Anonymous`].
    pub fn authenticate(caller: Principal) -> Result<Self, Denied> {
        if caller == Principal::anonymous() { Err(Denied::Anonymous) } else { Ok(Caller(caller)) }
    }

    /// Who it is.
    pub fn principal(self) -> Principal {
        self.0
    }
}

impl Admin {
    /// The permit of a controller of this canister.
    ///
    /// # Errors
    /// [`Denied`] if the caller is anonymous or none.
    pub fn controller(caller: Principal) -> Result<Self, Denied> {
        let caller = Caller::authenticate(caller)?.principal();
        if crate::runtime::is_controller(caller) { Ok(Admin(caller)) } else { Err(Denied::NotAdmin(caller)) }
    }

    /// Who it is.
    pub fn principal(self) -> Principal {
        self.0
    }
}

/// The most admins there can be.
pub const MAX_ADMINS: u64 = 100;

/// The admins, in stable memory. Changed by the journal's `apply` only, like all decision state.
pub struct Admins {
    members: StableBTreeMap<PrincipalKey, (), Memory>,
}

impl Admins {
    /// The admins in `memory`.
    pub fn open(memory: Memory) -> Self {
        Admins { members: StableBTreeMap::init(memory) }
    }

    /// Makes `admin` one of them; to be called for the event that says so.
    pub fn grant(&mut self, admin: Principal) {
        self.members.insert(PrincipalKey(admin), ());
    }

    /// Makes `admin` none of them; to be called for the event that says so.
    pub fn revoke(&mut self, admin: Principal) {
        self.members.remove(&PrincipalKey(admin));
    }

    /// Whether `principal` is one of them.
    pub fn contains(&self, principal: Principal) -> bool {
        self.members.contains_key(&PrincipalKey(principal))
    }

    /// Whether another one can be granted.
    pub fn has_room(&self) -> bool {
        self.members.len() < MAX_ADMINS
    }

    /// All of them; at most [`MAX_ADMINS`].
    pub fn all(&self) -> Vec<Principal> {
        self.members.keys().map(|key| key.0).collect()
    }

    /// The caller's permit as an admin.
    ///
    /// # Errors
    /// [`Denied`] if the caller is anonymous or none.
    pub fn require(&self, caller: Principal) -> Result<Admin, Denied> {
        let caller = Caller::authenticate(caller)?.principal();
        if self.contains(caller) { Ok(Admin(caller)) } else { Err(Denied::NotAdmin(caller)) }
    }

    /// As [`Admins::require`]; controllers of the canister count too, so that the first admin can be granted.
    ///
    /// # Errors
    /// [`Denied`] if the caller is anonymous or neither.
    pub fn require_or_controller(&self, caller: Principal) -> Result<Admin, Denied> {
        let caller = Caller::authenticate(caller)?.principal();
        if crate::runtime::is_controller(caller) { Ok(Admin(caller)) } else { self.require(caller) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ic_stable_structures::DefaultMemoryImpl;
    use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};

    #[test]
    fn permits_come_from_checks() {
        let mut admins = Admins::open(MemoryManager::init(DefaultMemoryImpl::default()).get(MemoryId::new(0)));
        let (alice, bob) = (Principal::from_slice(&[1]), Principal::from_slice(&[2]));
        admins.grant(alice);
        assert_eq!(admins.require(alice).unwrap().principal(), alice);
        assert_eq!(admins.require(bob), Err(Denied::NotAdmin(bob)));
        assert_eq!(admins.require(Principal::anonymous()), Err(Denied::Anonymous));
        assert_eq!(admins.all(), vec![alice]);
        admins.revoke(alice);
        assert_eq!(admins.require(alice), Err(Denied::NotAdmin(alice)));
    }
}
