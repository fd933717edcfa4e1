//! From an approved proposal to its outcome.
//!
//! An execution begins once. Changes of the wallet happen in that moment; payments and calls become effects, which the
//! driver performs one by one: it asks for the next step, sends what the step says, and brings the answer back. The
//! right to send is looked up anew before every sending, since signers, freezes and limits change in between.

use super::effect::Repeat;
use super::risk::required;
use super::screen::outflow;
use super::spending::PERIOD;
use super::{Answer, Begun, Effect, Frozen, Moment, News, Phase, Proposal, Stage, Wallet, later, refuse};
use cairn_events::payload::Account;
use cairn_events::{Amount, Hash, Principal, Timestamp};
use cairn_kit::api::multisig::{
    Action, ContractCall, EffectOutcome, EmergencyAct, ProposalStatus, TokenApproval, TokenTransfer, TrailEvent,
    WalletError, WalletRequestError, WalletTemporaryError,
};
use serde_bytes::ByteBuf;

/// Cycles that calls leave to the wallet, so that it can go on.
pub const CYCLES_RESERVE: u64 = 200_000_000_000;
/// Most proposals in execution at once.
pub const MAX_EXECUTING: usize = 20;
/// Places beside those for emergency payments: nothing that hangs keeps money from being rescued.
pub const MAX_RESCUES: usize = 5;

/// What the driver is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask the ledger for its fee.
    Quote {
        /// For which payment.
        item: u32,
        /// Whom.
        ledger: Principal,
        /// Whether what it said last did not hold.
        again: bool,
        /// Whom it is to pay; nobody if it is to allow something.
        to: Option<Account>,
    },
    /// Send. The attempt is recorded already.
    Send {
        /// Which payment or call.
        item: u32,
        /// Which attempt.
        attempt: u32,
        /// What.
        payment: Payment,
    },
}

/// What is sent, with every argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payment {
    /// `icrc1_transfer`.
    Transfer(TokenTransfer, Frozen),
    /// `icrc2_approve`.
    Approve(TokenApproval, Frozen),
    /// A method of a contract.
    Call(ContractCall),
}

/// Whether an effect may be sent now.
enum Permission {
    Granted,
    /// Not now; nobody knows until when.
    Suspended,
    /// Not any more.
    Lost(&'static str),
}

impl Wallet {
    /// Begins the execution of proposal `id`; `cycles` is what the wallet holds. Only signers may.
    ///
    /// # Errors
    /// Everything that stands against it, as of now. Nothing has happened then.
    pub fn begin(&mut self, caller: Principal, id: u64, cycles: u64, now: Timestamp) -> Result<(), WalletError> {
        self.require_signer(caller, now)?;
        let mut proposal = self.open_proposal(id, now)?;
        self.check_ready(id, &proposal, cycles, now)?;
        let approvers = proposal.tally(self.charter()).approvers;
        let required = required(&proposal.action, self.charter());
        // The change is recorded by the entry after the one that begins the execution.
        let moment = Moment { entry: self.trail_length().saturating_add(1), at: now };
        let next = match &proposal.action {
            Action::WalletModification(change) => Some((self.charter().changed(change, moment)?, change.clone())),
            _ => None,
        };
        self.record(caller, TrailEvent::ExecutionBegun { proposal: id, approvers, required }, now);
        proposal.begun = Some(Begun { by: caller, at: now });
        self.close(id, &mut proposal, Stage::Executing);
        if let Some((charter, change)) = next {
            self.record(caller, TrailEvent::Changed { proposal: id, change }, now);
            self.adopt(charter);
        }
        match &proposal.action {
            Action::EmergencyAction(EmergencyAct::FreezeWallet) => {
                self.freeze_by(caller, format!("proposal {id}"), now);
            }
            Action::EmergencyAction(EmergencyAct::UnfreezeWallet) => self.unfreeze(caller, id, now),
            Action::EmergencyAction(EmergencyAct::DisableRecoveryMode) => self.stop_recovery(caller, now),
            action => proposal.effects = vec![Effect::planned(now); effects(action)],
        }
        let mut course = self.course().clone();
        course.executing.push(id);
        self.set_course(course);
        self.conclude(id, &mut proposal, now);
        self.set_proposal(id, proposal);
        Ok(())
    }

    fn check_ready(&self, id: u64, proposal: &Proposal, cycles: u64, now: Timestamp) -> Result<(), WalletError> {
        let (approvals, required) =
            (proposal.tally(self.charter()).approvals(), required(&proposal.action, self.charter()));
        if approvals < required {
            return Err(refuse(WalletRequestError::NotApproved { proposal: id, approvals, required }));
        }
        self.check_phase(&proposal.action)?;
        let until = proposal.earliest_execution(self.charter());
        if now < until {
            return Err(later(WalletTemporaryError::Timelocked { until }));
        }
        for dependency in &proposal.depends_on {
            let status = self.proposal(*dependency)?.status(self.charter(), now);
            if status != ProposalStatus::Executed {
                let dependency = *dependency;
                return Err(refuse(WalletRequestError::DependencyUnmet { proposal: id, dependency, status }));
            }
        }
        self.screen(&proposal.action, now)?;
        self.check_occasion(proposal)?;
        for (ledger, amount) in outflow(&proposal.action)? {
            self.spending.check(ledger, self.daily_limit(ledger), amount, now).map_err(later)?;
        }
        if let Action::ContractCall(call) = &proposal.action {
            let needed = call.cycles.saturating_add(CYCLES_RESERVE);
            if cycles < needed {
                return Err(later(WalletTemporaryError::CyclesLow { balance: cycles, required: needed }));
            }
        }
        // What is over at once needs no place: whatever hangs, the wallet can be frozen and changed.
        let places = match proposal.action {
            Action::EmergencyAction(_) => MAX_EXECUTING + MAX_RESCUES,
            _ => MAX_EXECUTING,
        };
        if effects(&proposal.action) > 0 && self.course().executing.len() >= places {
            return Err(later(WalletTemporaryError::Busy));
        }
        Ok(())
    }

    /// That what `proposal` would end is what it was proposed for: approvals that were to end one freeze, or one recovery,
    /// are no approvals to end the next.
    fn check_occasion(&self, proposal: &Proposal) -> Result<(), WalletError> {
        let Action::EmergencyAction(act) = &proposal.action else { return Ok(()) };
        if self.standing_since(act).is_some_and(|since| proposal.proposed_at < since) {
            return Err(refuse(WalletRequestError::NoChange { what: "what it was to end is over".to_owned() }));
        }
        Ok(())
    }

    /// Whether the wallet's phase allows `action`: frozen, it changes and acts in emergencies only, and its guardians
    /// are safe; while it is being recovered, only the recovery can be stopped.
    fn check_phase(&self, action: &Action) -> Result<(), WalletError> {
        match self.phase() {
            Phase::Active => Ok(()),
            Phase::Frozen(freeze) => {
                let allowed = match action {
                    Action::EmergencyAction(_) => true,
                    Action::WalletModification(change) => !super::recovery::concerns_guardians(change),
                    _ => false,
                };
                if allowed { Ok(()) } else { Err(later(WalletTemporaryError::Frozen { since: freeze.at })) }
            }
            Phase::Recovering(armed) => match action {
                Action::EmergencyAction(EmergencyAct::DisableRecoveryMode | EmergencyAct::FreezeWallet) => Ok(()),
                _ => Err(later(WalletTemporaryError::Recovering { executable_at: armed.executable_at })),
            },
        }
    }

    /// The limit on what leaves through `ledger` within 24 hours.
    pub(super) fn daily_limit(&self, ledger: Principal) -> Option<Amount> {
        let policy = self.charter().rules.policies.iter().find(|policy| policy.ledger == ledger);
        policy.and_then(|policy| policy.daily_limit)
    }

    /// Proposals being executed.
    pub fn executing(&self) -> Vec<u64> {
        self.course().executing.clone()
    }

    /// When the next effect is due, if one is. Effects that a freeze suspends are not.
    pub fn next_due(&self) -> Option<Timestamp> {
        let proposals = self.course().executing.iter().filter_map(|id| self.proposals.get(id));
        let active = proposals.filter(|row| self.check_phase(&row.0.action).is_ok());
        active.flat_map(|row| row.0.effects.into_iter().filter_map(|effect| effect.due())).min()
    }

    /// Whether an answer is awaited.
    pub fn is_awaiting(&self) -> bool {
        let proposals = self.course().executing.iter().filter_map(|id| self.proposals.get(id));
        let mut effects = proposals.flat_map(|row| row.0.effects);
        effects.any(|effect| effect.state == super::EffectState::Sent)
    }

    /// Nobody drives proposal `id` any more: what was sent without an answer is in doubt. First thing of every drive.
    pub fn interrupted(&mut self, id: u64, now: Timestamp) {
        let Ok(mut proposal) = self.proposal(id) else { return };
        let repeat = repeat(&proposal.action);
        for item in 0..proposal.effects.len() {
            if let Some(effect) = proposal.effects.get_mut(item) {
                let before = effect.outcome().is_some();
                effect.interrupted(repeat, now);
                if !before && effect.outcome().is_some() {
                    self.settled(id, item, &mut proposal, now);
                }
            }
        }
        self.conclude(id, &mut proposal, now);
        self.set_proposal(id, proposal);
    }

    /// The next step of proposal `id`, recorded as done; `None` if nothing is to be done now.
    pub fn next_step(&mut self, id: u64, now: Timestamp) -> Option<Step> {
        let mut proposal = self.proposal(id).ok().filter(|proposal| proposal.stage == Stage::Executing)?;
        let mut step = None;
        for item in 0..proposal.effects.len() {
            step = self.step_of(id, item, &mut proposal, now);
            if step.is_some() {
                break;
            }
        }
        self.conclude(id, &mut proposal, now);
        self.set_proposal(id, proposal);
        step
    }

    /// The step of one effect, if it is due.
    fn step_of(&mut self, id: u64, item: usize, proposal: &mut Proposal, now: Timestamp) -> Option<Step> {
        proposal.effects.get(item)?.due().filter(|due| *due <= now)?;
        match self.permission(proposal, item, now) {
            Permission::Suspended => return None,
            Permission::Lost(reason) => {
                proposal.effects.get_mut(item)?.close(reason);
                self.settled(id, item, proposal, now);
                return None;
            }
            Permission::Granted => {}
        }
        let number = u32::try_from(item).ok()?;
        let Some((ledger, amount)) = money(&proposal.action, item) else {
            let Action::ContractCall(call) = &proposal.action else { return None };
            let payment = Payment::Call(call.clone());
            let attempt = proposal.effects.get_mut(item)?.send();
            return Some(Step::Send { item: number, attempt, payment });
        };
        let effect = proposal.effects.get_mut(item)?;
        effect.take_up(now);
        effect.refresh(now);
        let Some(frozen) = effect.frozen.clone() else {
            let to = transfer(&proposal.action, item).map(|transfer| transfer.to);
            return Some(Step::Quote { item: number, ledger, again: effect.quotes > 0, to });
        };
        // Every sending is a payment as of now to the limit; an attempt before it counts no more.
        let limit = self.daily_limit(ledger);
        match self.spending.count(ledger, limit, amount, effect.counted, now) {
            Ok(period) => effect.counted = Some(period),
            Err(refusal) => {
                effect.postpone(retry_at(&refusal, now), now);
                self.settled(id, item, proposal, now);
                return None;
            }
        }
        let attempt = effect.send();
        let payment = payment(&proposal.action, item, frozen)?;
        Some(Step::Send { item: number, attempt, payment })
    }

    fn permission(&self, proposal: &Proposal, item: usize, now: Timestamp) -> Permission {
        // What may have been done already is asked after, so that it is known.
        let undone = proposal.effects.get(item).is_some_and(|effect| !effect.doubt);
        if !proposal.is_approved(self.charter()) {
            return Permission::Lost("present signers do not approve any more");
        }
        if undone && now >= proposal.expires_at {
            return Permission::Lost("the proposal expired before this was done");
        }
        if self.check_phase(&proposal.action).is_err() {
            return Permission::Suspended;
        }
        Permission::Granted
    }

    /// The ledger's fee for one payment: what it will carry is fixed from now on.
    pub fn quoted(&mut self, id: u64, item: u32, fee: Result<Amount, String>, now: Timestamp) {
        let Ok(mut proposal) = self.proposal(id) else { return };
        let index = item as usize;
        let quote = fee.map(|fee| self.freeze(id, item, &proposal.action, fee, now));
        let Some(effect) = proposal.effects.get_mut(index) else { return };
        let before = effect.outcome().is_some();
        effect.quoted(quote, now);
        if !before && effect.outcome().is_some() {
            self.settled(id, index, &mut proposal, now);
        }
        self.conclude(id, &mut proposal, now);
        self.set_proposal(id, proposal);
    }

    fn freeze(&mut self, id: u64, item: u32, action: &Action, fee: Amount, now: Timestamp) -> Frozen {
        let mut course = self.course().clone();
        // A ledger takes two equal payments of one time for one.
        let created_at = now.0.max(course.last_created_at.saturating_add(1));
        course.last_created_at = created_at;
        self.set_course(course);
        let wanted = transfer(action, item as usize).and_then(|transfer| transfer.memo.clone());
        let memo = wanted.unwrap_or_else(|| {
            let (wallet, id, item) = (self.id(), id.to_be_bytes(), item.to_be_bytes());
            let hash = Hash::of_fields("cairn.multisig.payment", &[wallet.as_slice(), &id, &item]);
            ByteBuf::from(hash.as_bytes().to_vec())
        });
        Frozen { fee, memo, created_at }
    }

    /// The answer to an attempt; whether it was the present one. An old one changes nothing.
    pub fn answered(&mut self, id: u64, item: u32, attempt: u32, answer: Answer, now: Timestamp) -> bool {
        let Ok(mut proposal) = self.proposal(id) else { return false };
        let (index, repeat) = (item as usize, repeat(&proposal.action));
        let Some(effect) = proposal.effects.get_mut(index) else { return false };
        if !effect.answered(repeat, attempt, answer, now) {
            return false;
        }
        if effect.outcome().is_some() {
            self.settled(id, index, &mut proposal, now);
        }
        self.conclude(id, &mut proposal, now);
        self.set_proposal(id, proposal);
        true
    }

    /// Records what became of an effect, and gives back what certainly did not leave.
    fn settled(&mut self, id: u64, item: usize, proposal: &mut Proposal, now: Timestamp) {
        let Some(effect) = proposal.effects.get_mut(item) else { return };
        let Some(outcome) = effect.outcome().cloned() else { return };
        let money = money(&proposal.action, item);
        if let (EffectOutcome::Failed { .. }, Some(period), Some((ledger, amount))) = (&outcome, effect.counted, money)
        {
            self.spending.take_back(ledger, amount, period);
            effect.counted = None;
        }
        if let (EffectOutcome::Transferred { .. }, Some(paid)) = (&outcome, transfer(&proposal.action, item))
            && self.charter().public
        {
            let TokenTransfer { ledger, to: Account { owner: to, .. }, amount, .. } = *paid;
            self.announce(News::Paid { ledger, to, amount });
        }
        let item = u32::try_from(item).unwrap_or(u32::MAX);
        self.record(self.id(), TrailEvent::EffectSettled { proposal: id, item, outcome }, now);
    }

    /// Ends the execution if everything is settled.
    fn conclude(&mut self, id: u64, proposal: &mut Proposal, now: Timestamp) {
        let Some(success) = proposal.conclusion().filter(|_| proposal.stage == Stage::Executing) else { return };
        proposal.stage = if success { Stage::Executed } else { Stage::Failed };
        self.record(self.id(), TrailEvent::Executed { proposal: id, success }, now);
        let mut course = self.course().clone();
        course.executing.retain(|executing| *executing != id);
        self.set_course(course);
    }
}

/// When what the daily limit refused is looked at again.
fn retry_at(refusal: &WalletTemporaryError, now: Timestamp) -> Timestamp {
    match refusal {
        WalletTemporaryError::DailyLimit { retry_at, .. } if *retry_at > now => *retry_at,
        // More than the whole limit: another limit may come.
        _ => Timestamp(now.0.saturating_add(PERIOD)),
    }
}

/// How many payments or calls `action` is.
fn effects(action: &Action) -> usize {
    match action {
        Action::Transfer(_)
        | Action::TokenApproval(_)
        | Action::ContractCall(_)
        | Action::EmergencyAction(EmergencyAct::EmergencyTransfer(_)) => 1,
        Action::BatchTransfer(transfers) => transfers.len(),
        Action::WalletModification(_) | Action::EmergencyAction(_) => 0,
    }
}

fn repeat(action: &Action) -> Repeat {
    match action {
        Action::ContractCall(_) => Repeat::Never,
        _ => Repeat::Deduplicated,
    }
}

/// The payment that is item `item` of `action`.
fn transfer(action: &Action, item: usize) -> Option<&TokenTransfer> {
    match action {
        Action::Transfer(transfer) | Action::EmergencyAction(EmergencyAct::EmergencyTransfer(transfer)) => {
            Some(transfer)
        }
        Action::BatchTransfer(transfers) => transfers.get(item),
        _ => None,
    }
}

/// What item `item` of `action` takes, from which ledger; `None` for calls.
fn money(action: &Action, item: usize) -> Option<(Principal, Amount)> {
    match action {
        Action::TokenApproval(approval) => Some((approval.ledger, approval.amount)),
        _ => transfer(action, item).map(|transfer| (transfer.ledger, transfer.amount)),
    }
}

fn payment(action: &Action, item: usize, frozen: Frozen) -> Option<Payment> {
    match action {
        Action::TokenApproval(approval) => Some(Payment::Approve(approval.clone(), frozen)),
        _ => transfer(action, item).map(|transfer| Payment::Transfer(transfer.clone(), frozen)),
    }
}
