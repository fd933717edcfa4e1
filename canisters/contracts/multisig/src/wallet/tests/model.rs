//! What must hold, said a second time and more simply: who is a signer, whose word is in force, what a ledger has done.
//!
//! The model learns from commands that succeeded. It shares no rule with the wallet but its types.

use super::*;
use cairn_kit::api::multisig::WalletPhase;
use std::collections::{BTreeMap, BTreeSet};

/// A simple ledger that executes a payment once, and forgets it after a day.
#[derive(Default)]
pub struct SimpleLedger {
    /// `created_at_time` of what it has executed.
    executed: BTreeSet<u64>,
    /// What left, from which ledger, and when.
    pub moved: Vec<(Principal, u128, Timestamp)>,
    /// How often each item of each proposal was executed.
    pub times: BTreeMap<(u64, u32), u32>,
}

/// What happens to a sending.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    /// It arrives, and so does the answer.
    Answered,
    /// It arrives, and the ledger has no funds.
    Refused,
    /// It arrives, the answer does not.
    AnswerLost,
    /// It does not arrive, and nobody knows.
    Lost,
    /// It does not arrive, and that is known.
    NotSent,
    /// It arrives, and the wallet is upgraded before the answer.
    Upgraded,
}

impl SimpleLedger {
    fn execute(&mut self, key: (u64, u32), payment: &Payment, now: Timestamp) -> Answer {
        let (ledger, amount, frozen) = match payment {
            Payment::Transfer(transfer, frozen) => (transfer.ledger, transfer.amount, frozen),
            Payment::Approve(approval, frozen) => (approval.ledger, approval.amount, frozen),
            Payment::Call(_) => panic!("no calls are proposed"),
        };
        if frozen.created_at + DAY < now.0 {
            return Answer::TooOld;
        }
        if self.executed.insert(frozen.created_at) {
            self.moved.push((ledger, amount.0, now));
            *self.times.entry(key).or_default() += 1;
        }
        done()
    }

    /// The answer to a sending, `None` if there is none in time.
    pub fn meet(&mut self, fate: Fate, key: (u64, u32), payment: &Payment, now: Timestamp) -> Option<Answer> {
        let silence = || Some(Answer::Unknown("silence".to_owned()));
        match fate {
            Fate::Answered => Some(self.execute(key, payment, now)),
            Fate::Refused => Some(Answer::Refused("no funds".to_owned())),
            Fate::AnswerLost => {
                self.execute(key, payment, now);
                silence()
            }
            Fate::Lost => silence(),
            Fate::NotSent => Some(Answer::NotSent("no cycles".to_owned())),
            Fate::Upgraded => {
                self.execute(key, payment, now);
                None
            }
        }
    }

    /// The most that left `ledger` within any 24 hours.
    pub fn busiest_day(&self, ledger: Principal) -> u128 {
        let of_ledger: Vec<_> = self.moved.iter().filter(|(from, ..)| *from == ledger).collect();
        let day = |end: Timestamp| {
            let within = of_ledger.iter().filter(|(_, _, at)| *at <= end && at.0 + DAY > end.0);
            within.map(|(_, amount, _)| amount).sum()
        };
        of_ledger.iter().map(|(_, _, at)| day(*at)).max().unwrap_or(0)
    }
}

/// Who signs, and whose word is in force.
pub struct Model {
    pub signers: BTreeSet<u8>,
    pub threshold: u32,
    /// The approvals of present signers, by proposal.
    approvals: BTreeMap<u64, BTreeSet<u8>>,
    actions: BTreeMap<u64, Action>,
    begun: BTreeSet<u64>,
    pub frozen: bool,
    /// Whose plan of recovery it is, and which guardians agree, by plan.
    plans: BTreeMap<u64, (u8, BTreeSet<u8>)>,
    /// How often what happened.
    pub changes: u32,
    pub recoveries: u32,
}

impl Model {
    pub fn new(signers: u8, threshold: u32) -> Self {
        Model {
            signers: (1..=signers).collect(),
            threshold,
            approvals: BTreeMap::new(),
            actions: BTreeMap::new(),
            begun: BTreeSet::new(),
            frozen: false,
            plans: BTreeMap::new(),
            changes: 0,
            recoveries: 0,
        }
    }

    /// Whether both guardians agree to a plan.
    pub fn is_recovering(&self) -> bool {
        self.plans.values().any(|(_, guardians)| guardians.len() >= 2)
    }

    pub fn planned(&mut self, by: u8, plan: u64) {
        assert!(!self.is_recovering());
        self.plans.retain(|_, (owner, _)| *owner != by);
        self.plans.insert(plan, (by, [by].into()));
    }

    pub fn agreed(&mut self, by: u8, plan: u64, agrees: bool) {
        let guardians = &mut self.plans.get_mut(&plan).unwrap().1;
        assert!(if agrees { guardians.insert(by) } else { guardians.remove(&by) }, "nothing has changed");
    }

    pub fn proposed(&mut self, by: u8, id: u64, action: Action) {
        assert!(self.signers.contains(&by), "{by} is no signer");
        self.approvals.insert(id, [by].into());
        self.actions.insert(id, action);
    }

    pub fn voted(&mut self, by: u8, id: u64, approves: bool) {
        assert!(self.signers.contains(&by) && !self.begun.contains(&id), "{by} may not vote on {id}");
        let approvals = self.approvals.entry(id).or_default();
        if approves {
            approvals.insert(by);
        } else {
            approvals.remove(&by);
        }
    }

    /// What a proposal needs, at least, by what it would do.
    fn needed(&self, action: &Action) -> u32 {
        let (signers, threshold) = (self.signers.len() as u32, self.threshold);
        let high = (threshold + 1).max(signers * 2 / 3).min(signers);
        match action {
            Action::EmergencyAction(EmergencyAct::EmergencyTransfer(_) | EmergencyAct::DisableRecoveryMode) => signers,
            Action::EmergencyAction(EmergencyAct::UnfreezeWallet) => high,
            Action::WalletModification(WalletChange::RemoveSigner { .. }) => high.min(signers - 1).max(threshold),
            Action::WalletModification(WalletChange::AddObserver(_)) => threshold,
            Action::WalletModification(_) => high,
            _ => threshold,
        }
    }

    /// That the present signers stand behind what is about to be done.
    pub fn check_authority(&self, id: u64) {
        let action = &self.actions[&id];
        let approvals = self.approvals[&id].len() as u32;
        assert!(self.approvals[&id].is_subset(&self.signers));
        assert!(approvals >= self.needed(action), "{id}: {approvals} of {} for {action:?}", self.needed(action));
        assert!(approvals >= self.threshold);
    }

    /// That what leaves may leave now.
    pub fn check_sending(&self, id: u64) {
        self.check_authority(id);
        assert!(self.begun.contains(&id), "{id} was not begun");
        assert!(!self.is_recovering(), "{id} is sent while the wallet is recovered");
        let rescue = matches!(self.actions[&id], Action::EmergencyAction(EmergencyAct::EmergencyTransfer(_)));
        assert!(!self.frozen || rescue, "{id} is sent from a frozen wallet");
    }

    pub fn began(&mut self, id: u64) {
        self.check_authority(id);
        assert!(self.begun.insert(id), "{id} is executed twice");
        match self.actions[&id].clone() {
            Action::WalletModification(change) => {
                self.changes += 1;
                self.change(&change);
            }
            Action::EmergencyAction(EmergencyAct::FreezeWallet) => self.frozen = true,
            Action::EmergencyAction(EmergencyAct::UnfreezeWallet) => self.frozen = false,
            Action::EmergencyAction(EmergencyAct::DisableRecoveryMode) => self.plans.clear(),
            _ => {}
        }
    }

    fn change(&mut self, change: &WalletChange) {
        let number = |who: Principal| (0..=255).find(|n| person(*n) == who).unwrap();
        let threshold = match change {
            WalletChange::AddSigner { signer, threshold } => {
                self.signers.insert(number(signer.principal));
                *threshold
            }
            WalletChange::RemoveSigner { signer, threshold } => {
                self.leave(number(*signer));
                *threshold
            }
            WalletChange::ChangeThreshold { threshold } => Some(*threshold),
            _ => None,
        };
        self.threshold = threshold.unwrap_or(self.threshold);
    }

    fn leave(&mut self, signer: u8) {
        self.signers.remove(&signer);
        for approvals in self.approvals.values_mut() {
            approvals.remove(&signer);
        }
    }

    pub fn recovered(&mut self, signers: &[u8], threshold: u32) {
        self.approvals.values_mut().for_each(BTreeSet::clear);
        self.signers = signers.iter().copied().collect();
        self.threshold = threshold;
        self.frozen = false;
        self.plans.clear();
        self.recoveries += 1;
    }

    /// That the wallet is as the model says, and can go on.
    pub fn compare(&self, world: &World) {
        let charter = world.wallet.charter();
        let signers: BTreeSet<Principal> = charter.signers().map(|member| member.principal).collect();
        assert_eq!(signers, self.signers.iter().map(|n| person(*n)).collect());
        assert_eq!(charter.rules.threshold, self.threshold);
        assert!(self.threshold >= 1 && self.threshold as usize <= self.signers.len(), "the threshold is out of reach");
        assert_eq!(world.wallet.examine(), Ok(()));
        let phase = world.wallet.info(0).phase;
        let expected = match (self.is_recovering(), self.frozen) {
            (true, _) => matches!(phase, WalletPhase::Recovering { .. }),
            (false, true) => matches!(phase, WalletPhase::Frozen { .. }),
            (false, false) => matches!(phase, WalletPhase::Active),
        };
        assert!(expected, "{phase:?}");
    }
}
