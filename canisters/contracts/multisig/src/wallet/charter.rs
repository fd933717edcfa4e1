//! Who belongs to a wallet and how it decides: what signers change by [`WalletChange`]s. Pure.

use super::refuse;
use cairn_events::{Principal, Timestamp};
use cairn_kit::api::multisig::{
    InvalidWallet, MAX_GUARDIANS, MAX_OBSERVERS, MAX_SIGNERS, MemberRole, MultisigArgs, NewMember, NewSigner,
    SignerRole, WalletChange, WalletError, WalletRequestError, WalletRules, check_member, check_title, length,
};
use serde::{Deserialize, Serialize};

/// Somebody with a role. Everybody has one at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    #[serde(rename = "p")]
    pub principal: Principal,
    /// For people.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which role.
    #[serde(rename = "r")]
    pub role: MemberRole,
    /// Entry of the trail since which: votes cast before do not count.
    #[serde(rename = "e")]
    pub since: u64,
    /// When that was.
    #[serde(rename = "t")]
    pub at: Timestamp,
}

/// When a change happens: the entry of the trail that will record it, and the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The number of the entry.
    pub entry: u64,
    /// The time.
    pub at: Timestamp,
}

/// Who belongs to a wallet, and how it decides. Its rules can always be lived by: see [`WalletRules::validate`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charter {
    /// The wallet's name.
    #[serde(rename = "n")]
    pub name: String,
    /// Its description.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether strangers may read it.
    #[serde(rename = "v")]
    pub public: bool,
    /// Everybody with a role.
    #[serde(rename = "m")]
    pub members: Vec<Member>,
    /// How it is decided.
    #[serde(rename = "r")]
    pub rules: WalletRules,
}

impl Charter {
    /// The charter that a creator asks for.
    ///
    /// # Errors
    /// As [`MultisigArgs::validate`].
    pub fn new(args: MultisigArgs, at: Timestamp) -> Result<Self, InvalidWallet> {
        args.validate()?;
        let moment = Moment { entry: 0, at };
        let signers = args.signers.into_iter().map(|signer| Member::signer(signer, moment));
        let observers = args.observers.into_iter().map(|member| Member::other(member, MemberRole::Observer, moment));
        let guardians = args.guardians.into_iter().map(|member| Member::other(member, MemberRole::Guardian, moment));
        Ok(Charter {
            members: signers.chain(observers).chain(guardians).collect(),
            name: args.name,
            description: args.description,
            public: args.public,
            rules: args.rules,
        })
    }

    /// The member `principal`.
    pub fn member(&self, principal: Principal) -> Option<&Member> {
        self.members.iter().find(|member| member.principal == principal)
    }

    /// The role of `principal`.
    pub fn role(&self, principal: Principal) -> Option<MemberRole> {
        self.member(principal).map(|member| member.role)
    }

    /// Those who vote.
    pub fn signers(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.role.votes())
    }

    /// Those who guard.
    pub fn guardians(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.role == MemberRole::Guardian)
    }

    /// How many vote.
    pub fn signer_count(&self) -> u32 {
        u32::try_from(self.signers().count()).unwrap_or(u32::MAX)
    }

    /// The charter after `change`, which entry `moment` of the trail records.
    ///
    /// # Errors
    /// If the change is not possible, changes nothing, or leaves a wallet that cannot be, above all one whose threshold
    /// its signers could not reach.
    pub fn changed(&self, change: &WalletChange, moment: Moment) -> Result<Charter, WalletError> {
        let mut next = self.clone();
        next.change(change.clone(), moment)?;
        next.validate()?;
        if next == *self {
            return Err(refuse(WalletRequestError::NoChange { what: "the wallet is so already".to_owned() }));
        }
        Ok(next)
    }

    /// The charter with `signers` in place of the present ones. Observers may become signers, guardians may not.
    ///
    /// # Errors
    /// As [`Charter::changed`].
    pub fn recovered(&self, signers: &[NewSigner], threshold: u32, moment: Moment) -> Result<Charter, WalletError> {
        let mut next = self.clone();
        next.members.retain(|member| !member.role.votes());
        for signer in signers {
            if next.role(signer.principal) == Some(MemberRole::Observer) {
                next.members.retain(|member| member.principal != signer.principal);
            }
            next.add("signers", Member::signer(signer.clone(), moment))?;
        }
        next.rules.threshold = threshold;
        next.validate()?;
        Ok(next)
    }

    /// What holds of every wallet at any time.
    fn validate(&self) -> Result<(), WalletError> {
        let of = |role: MemberRole| self.members.iter().filter(|member| member.role == role).count();
        let signers = self.signers().count();
        check_title(&self.name, self.description.as_deref())?;
        length("signers", signers, 1, MAX_SIGNERS, "members")?;
        length("observers", of(MemberRole::Observer), 0, MAX_OBSERVERS, "members")?;
        length("guardians", of(MemberRole::Guardian), 0, MAX_GUARDIANS, "members")?;
        self.rules.validate(signers, of(MemberRole::Guardian))?;
        Ok(())
    }

    fn change(&mut self, change: WalletChange, moment: Moment) -> Result<(), WalletError> {
        match change {
            WalletChange::AddSigner { signer, threshold } => {
                self.add("signer", Member::signer(signer, moment))?;
                self.rules.threshold = threshold.unwrap_or(self.rules.threshold);
            }
            WalletChange::RemoveSigner { signer, threshold } => {
                self.remove(signer, "signer", MemberRole::votes)?;
                self.rules.threshold = threshold.unwrap_or(self.rules.threshold);
            }
            WalletChange::UpdateSignerRole { signer, role } => {
                let found = self.members.iter_mut().find(|member| member.principal == signer && member.role.votes());
                found.ok_or_else(|| not_member(signer, "signer"))?.role = role_of(role);
            }
            WalletChange::ChangeThreshold { threshold } => self.rules.threshold = threshold,
            WalletChange::AddObserver(member) => {
                self.add("observer", Member::other(member, MemberRole::Observer, moment))?;
            }
            WalletChange::RemoveObserver(who) => self.remove(who, "observer", |role| role == MemberRole::Observer)?,
            WalletChange::AddGuardian(member) => {
                self.add("guardian", Member::other(member, MemberRole::Guardian, moment))?;
            }
            WalletChange::RemoveGuardian(who) => self.remove(who, "guardian", |role| role == MemberRole::Guardian)?,
            WalletChange::ChangeVisibility { public } => self.public = public,
            WalletChange::Rename { name, description } => (self.name, self.description) = (name, description),
            WalletChange::ChangeTimes { timelock, proposal_lifetime } => {
                (self.rules.timelock, self.rules.proposal_lifetime) = (timelock, proposal_lifetime);
            }
            WalletChange::ChangeConsensus { required } => self.rules.consensus_for_changes = required,
            WalletChange::SetAssetPolicy(policy) => {
                self.rules.policies.retain(|known| known.ledger != policy.ledger);
                self.rules.policies.push(policy);
                self.rules.policies.sort_by_key(|policy| policy.ledger);
            }
            WalletChange::RemoveAssetPolicy(ledger) => self.rules.policies.retain(|known| known.ledger != ledger),
            WalletChange::ChangeRecovery { rules } => self.rules.recovery = rules,
        }
        Ok(())
    }

    fn add(&mut self, field: &str, member: Member) -> Result<(), WalletError> {
        check_member(field, member.principal, member.name.as_deref())?;
        if let Some(role) = self.role(member.principal) {
            return Err(refuse(WalletRequestError::AlreadyMember { principal: member.principal, role }));
        }
        self.members.push(member);
        Ok(())
    }

    fn remove(&mut self, who: Principal, role: &str, is: fn(MemberRole) -> bool) -> Result<(), WalletError> {
        let before = self.members.len();
        self.members.retain(|member| member.principal != who || !is(member.role));
        if self.members.len() == before { Err(not_member(who, role)) } else { Ok(()) }
    }
}

impl Member {
    fn signer(signer: NewSigner, moment: Moment) -> Self {
        let NewSigner { principal, name, role } = signer;
        Member { principal, name, role: role_of(role), since: moment.entry, at: moment.at }
    }

    fn other(member: NewMember, role: MemberRole, moment: Moment) -> Self {
        let NewMember { principal, name } = member;
        Member { principal, name, role, since: moment.entry, at: moment.at }
    }
}

fn role_of(role: SignerRole) -> MemberRole {
    match role {
        SignerRole::Owner => MemberRole::Owner,
        SignerRole::Signer => MemberRole::Signer,
    }
}

fn not_member(principal: Principal, role: &str) -> WalletError {
    refuse(WalletRequestError::NotMember { principal, role: role.to_owned() })
}
