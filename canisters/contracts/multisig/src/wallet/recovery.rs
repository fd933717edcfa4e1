//! Freezing, and what guardians can do when the signers cannot.
//!
//! An owner or a guardian freezes the wallet alone, at once; signers end that by a proposal, and who was overruled must
//! wait a day. Guardians plan a recovery: new signers and a threshold. Once enough of them agree the wallet stands still
//! for a delay, in which all signers together can stop it by a proposal; afterwards the signers are replaced, and with
//! them every approval.

use super::{Charter, Moment, Wallet, later, refuse};
use cairn_events::{Principal, Timestamp};
use cairn_kit::api::multisig::{
    EmergencyAct, MemberRole, NewSigner, RecoveryRules, TrailEvent, WalletChange, WalletError, WalletRequestError,
    WalletTemporaryError, length,
};
use cairn_kit::notify::Subjects as _;
use serde::{Deserialize, Serialize};

/// Most bytes of a reason.
const MAX_REASON: usize = 200;
/// Nanoseconds that an overruled member cannot do so again: a day.
pub const COOLING: u64 = 86_400_000_000_000;

/// Who waits, and until when.
pub type Cooling = (Principal, Timestamp);

/// A freeze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Who froze.
    #[serde(rename = "b")]
    pub by: Principal,
    /// When.
    #[serde(rename = "t")]
    pub at: Timestamp,
    /// Why, as was said.
    #[serde(rename = "r")]
    pub reason: String,
}

/// A plan that enough guardians agree to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Armed {
    /// The plan.
    #[serde(rename = "p")]
    pub plan: u64,
    /// When it can be executed.
    #[serde(rename = "t")]
    pub executable_at: Timestamp,
}

/// A guardian's plan of recovery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its number.
    #[serde(rename = "n")]
    pub number: u64,
    /// Whose it is.
    #[serde(rename = "p")]
    pub proposer: Principal,
    /// When it was proposed.
    #[serde(rename = "t")]
    pub proposed_at: Timestamp,
    /// Who would be signers.
    #[serde(rename = "s")]
    pub signers: Vec<NewSigner>,
    /// The threshold from then on.
    #[serde(rename = "h")]
    pub threshold: u32,
    /// Who agrees, with the entry of the trail that recorded it.
    #[serde(rename = "a")]
    pub approvals: Vec<(Principal, u64)>,
}

impl Plan {
    /// The present guardians who agree.
    pub fn approvers<'a>(&'a self, charter: &'a Charter) -> impl Iterator<Item = Principal> + 'a {
        let counts = |who: Principal, entry: u64| charter.guardians().any(|it| it.principal == who && it.since < entry);
        self.approvals.iter().filter(move |(who, entry)| counts(*who, *entry)).map(|(who, _)| *who)
    }

    fn approval_count(&self, charter: &Charter) -> u32 {
        u32::try_from(self.approvers(charter).count()).unwrap_or(u32::MAX)
    }
}

/// Whether a change touches those who guard: not while the wallet is frozen, which may be against its signers.
pub fn concerns_guardians(change: &WalletChange) -> bool {
    matches!(
        change,
        WalletChange::AddGuardian(_) | WalletChange::RemoveGuardian(_) | WalletChange::ChangeRecovery { .. }
    )
}

impl Wallet {
    /// Freezes the wallet at once. Only owners and guardians may.
    ///
    /// # Errors
    /// If it is frozen, or the caller was overruled within the last day.
    pub fn freeze_alone(&mut self, caller: Principal, reason: String, now: Timestamp) -> Result<(), WalletError> {
        self.require(caller, MemberRole::freezes, now)?;
        length("reason", reason.len(), 0, MAX_REASON, "bytes")?;
        if self.course().freeze.is_some() {
            return Err(refuse(WalletRequestError::NoChange { what: "the wallet is frozen".to_owned() }));
        }
        require_cool(&self.course().cooling, caller, now)?;
        require_cool(&self.course().stopped, caller, now)?;
        self.freeze_by(caller, reason, now);
        Ok(())
    }

    pub(super) fn freeze_by(&mut self, by: Principal, reason: String, now: Timestamp) {
        let before = self.status();
        self.record(by, TrailEvent::Frozen { reason: reason.clone() }, now);
        let mut course = self.course().clone();
        course.freeze = Some(Freeze { by, at: now, reason });
        self.set_course(course);
        self.announce_status(before);
    }

    pub(super) fn unfreeze(&mut self, by: Principal, proposal: u64, now: Timestamp) {
        let before = self.status();
        self.record(by, TrailEvent::Unfrozen { proposal }, now);
        let mut course = self.course().clone();
        if let Some(freeze) = course.freeze.take() {
            cool(&mut course.cooling, [freeze.by], now);
        }
        self.set_course(course);
        self.announce_status(before);
    }

    fn recovery_rules(&self) -> Result<RecoveryRules, WalletError> {
        self.charter().rules.recovery.ok_or_else(|| refuse(WalletRequestError::RecoveryDisabled))
    }

    fn require_guardian(&self, caller: Principal, now: Timestamp) -> Result<RecoveryRules, WalletError> {
        self.require(caller, |role| role == MemberRole::Guardian, now)?;
        self.recovery_rules()
    }

    fn plan(&self, number: u64) -> Result<Plan, WalletError> {
        let found = self.course().plans.iter().find(|plan| plan.number == number);
        found.cloned().ok_or_else(|| refuse(WalletRequestError::UnknownPlan { plan: number }))
    }

    /// That the wallet could be as a plan wants it.
    fn check_plan(&self, signers: &[NewSigner], threshold: u32, now: Timestamp) -> Result<(), WalletError> {
        let next = self.charter().recovered(signers, threshold, Moment { entry: self.trail_length(), at: now })?;
        self.check_newcomers(&next)
    }

    /// Since when the freeze or the recovery is in force that `act` would end; `None` if it would end neither.
    pub(super) fn standing_since(&self, act: &EmergencyAct) -> Option<Timestamp> {
        match act {
            EmergencyAct::UnfreezeWallet => self.course().freeze.as_ref().map(|freeze| freeze.at),
            EmergencyAct::DisableRecoveryMode => {
                // While a recovery is under way its rules do not change.
                let (armed, rules) = (self.course().armed.as_ref()?, self.charter().rules.recovery?);
                Some(Timestamp(armed.executable_at.0.saturating_sub(rules.delay)))
            }
            EmergencyAct::FreezeWallet | EmergencyAct::EmergencyTransfer(_) => None,
        }
    }

    fn require_unarmed(&self) -> Result<(), WalletError> {
        match &self.course().armed {
            Some(armed) => Err(later(WalletTemporaryError::Recovering { executable_at: armed.executable_at })),
            None => Ok(()),
        }
    }

    /// Plans a recovery, in place of the caller's last plan, and agrees to it. Only guardians may.
    ///
    /// # Errors
    /// If the wallet could not be so, or is being recovered; if a recovery of the caller's was stopped within the last day.
    pub fn propose_recovery(
        &mut self,
        caller: Principal,
        signers: Vec<NewSigner>,
        threshold: u32,
        now: Timestamp,
    ) -> Result<u64, WalletError> {
        let rules = self.require_guardian(caller, now)?;
        self.require_unarmed()?;
        require_cool(&self.course().stopped, caller, now)?;
        self.check_plan(&signers, threshold, now)?;
        let number = self.course().plans_made;
        let event = TrailEvent::RecoveryProposed { plan: number, signers: signers.clone(), threshold };
        let entry = self.record(caller, event, now);
        let approvals = vec![(caller, entry)];
        let plan = Plan { number, proposer: caller, proposed_at: now, signers, threshold, approvals };
        let mut course = self.course().clone();
        course.plans_made = number.saturating_add(1);
        course.plans.retain(|known| known.proposer != caller);
        course.plans.push(plan);
        self.set_course(course);
        self.arm(number, rules, now);
        Ok(number)
    }

    /// Agrees to a plan. Only guardians may. With enough of them the delay begins.
    ///
    /// # Errors
    /// If there is no such plan, or the wallet could not be so any more, the caller has agreed, or the wallet is being
    /// recovered; if a recovery of the caller's was stopped within the last day.
    pub fn approve_recovery(&mut self, caller: Principal, number: u64, now: Timestamp) -> Result<(), WalletError> {
        let rules = self.require_guardian(caller, now)?;
        self.require_unarmed()?;
        require_cool(&self.course().stopped, caller, now)?;
        let plan = self.plan(number)?;
        if plan.approvers(self.charter()).any(|who| who == caller) {
            return Err(refuse(WalletRequestError::NoChange { what: "the caller agrees already".to_owned() }));
        }
        // Members can have changed since it was proposed. Once it is armed they cannot: what is armed can be executed.
        self.check_plan(&plan.signers, plan.threshold, now)?;
        let entry = self.record(caller, TrailEvent::RecoveryApproved { plan: number }, now);
        self.change_plan(number, |plan| {
            plan.approvals.retain(|(who, _)| *who != caller);
            plan.approvals.push((caller, entry));
        });
        self.arm(number, rules, now);
        Ok(())
    }

    /// Does not agree any more. Only guardians may. If too few are left, the recovery is stopped, as if by the signers: who
    /// could agree again at once would keep them from ever deciding on it.
    ///
    /// # Errors
    /// If there is no such plan, or the caller has not agreed.
    pub fn withdraw_recovery(&mut self, caller: Principal, number: u64, now: Timestamp) -> Result<(), WalletError> {
        let rules = self.require_guardian(caller, now)?;
        let plan = self.plan(number)?;
        if plan.approvers(self.charter()).all(|who| who != caller) {
            return Err(refuse(WalletRequestError::NoChange { what: "the caller does not agree".to_owned() }));
        }
        self.record(caller, TrailEvent::RecoveryWithdrawn { plan: number }, now);
        self.change_plan(number, |plan| plan.approvals.retain(|(who, _)| *who != caller));
        let armed = self.course().armed.as_ref().is_some_and(|armed| armed.plan == number);
        if armed && self.plan(number)?.approval_count(self.charter()) < rules.threshold {
            self.disarm(caller, now);
            let mut course = self.course().clone();
            cool(&mut course.stopped, [caller], now);
            self.set_course(course);
        }
        Ok(())
    }

    /// Replaces the signers by those of a plan whose delay has passed, and unfreezes the wallet. Only guardians and the
    /// plan's signers may.
    ///
    /// # Errors
    /// If the plan is not due.
    pub fn execute_recovery(&mut self, caller: Principal, number: u64, now: Timestamp) -> Result<(), WalletError> {
        if caller == Principal::anonymous() {
            return Err(refuse(WalletRequestError::Anonymous));
        }
        let plan = self.course().plans.iter().find(|plan| plan.number == number).cloned();
        let named = plan.iter().flat_map(|plan| &plan.signers).any(|signer| signer.principal == caller);
        if !named && self.charter().role(caller) != Some(MemberRole::Guardian) {
            return Err(refuse(WalletRequestError::Unauthorized { caller }));
        }
        let rules = self.recovery_rules()?;
        let plan = plan.ok_or_else(|| refuse(WalletRequestError::UnknownPlan { plan: number }))?;
        let approvals = plan.approval_count(self.charter());
        let due = self.course().armed.as_ref().filter(|armed| armed.plan == number).map(|armed| armed.executable_at);
        if approvals < rules.threshold || due.is_none_or(|due| now < due) {
            let required = rules.threshold;
            return Err(later(WalletTemporaryError::RecoveryNotDue { approvals, required, due }));
        }
        let moment = Moment { entry: self.trail_length(), at: now };
        let next = self.charter().recovered(&plan.signers, plan.threshold, moment)?;
        let before = self.status();
        self.record(caller, TrailEvent::Recovered { plan: number }, now);
        let mut course = self.course().clone();
        (course.freeze, course.armed) = (None, None);
        course.plans.clear();
        course.cooling.clear();
        course.stopped.clear();
        self.set_course(course);
        self.adopt(next);
        self.announce_status(before);
        Ok(())
    }

    /// Ends the recovery under way, and every plan: the signers have decided so.
    pub(super) fn stop_recovery(&mut self, by: Principal, now: Timestamp) {
        let armed = self.course().armed.as_ref().and_then(|armed| self.plan(armed.plan).ok());
        let agreed: Vec<Principal> = armed.iter().flat_map(|plan| plan.approvers(self.charter())).collect();
        self.disarm(by, now);
        let mut course = self.course().clone();
        course.plans.clear();
        cool(&mut course.stopped, agreed, now);
        self.set_course(course);
    }

    /// Begins the delay if enough guardians agree.
    fn arm(&mut self, number: u64, rules: RecoveryRules, now: Timestamp) {
        let Ok(plan) = self.plan(number) else { return };
        if plan.approval_count(self.charter()) < rules.threshold {
            return;
        }
        let before = self.status();
        let executable_at = Timestamp(now.0.saturating_add(rules.delay));
        self.record(self.id(), TrailEvent::RecoveryArmed { plan: number, executable_at }, now);
        let mut course = self.course().clone();
        course.armed = Some(Armed { plan: number, executable_at });
        self.set_course(course);
        self.announce_status(before);
    }

    fn disarm(&mut self, by: Principal, now: Timestamp) {
        let before = self.status();
        let mut course = self.course().clone();
        let Some(Armed { plan, .. }) = course.armed.take() else { return };
        self.set_course(course);
        self.record(by, TrailEvent::RecoveryStopped { plan }, now);
        self.announce_status(before);
    }

    fn change_plan(&mut self, number: u64, change: impl FnOnce(&mut Plan)) {
        let mut course = self.course().clone();
        if let Some(plan) = course.plans.iter_mut().find(|plan| plan.number == number) {
            change(plan);
        }
        self.set_course(course);
    }
}

/// Whoever was overruled waits before repeating it: the signers have time to decide what becomes of them.
fn require_cool(cooling: &[Cooling], caller: Principal, now: Timestamp) -> Result<(), WalletError> {
    match cooling.iter().find(|(who, until)| *who == caller && *until > now) {
        Some((_, until)) => Err(later(WalletTemporaryError::CoolingDown { until: *until })),
        None => Ok(()),
    }
}

/// These were overruled: see [`COOLING`].
fn cool(cooling: &mut Vec<Cooling>, who: impl IntoIterator<Item = Principal>, now: Timestamp) {
    cooling.retain(|(_, until)| *until > now);
    let until = Timestamp(now.0.saturating_add(COOLING));
    cooling.extend(who.into_iter().map(|who| (who, until)));
}
