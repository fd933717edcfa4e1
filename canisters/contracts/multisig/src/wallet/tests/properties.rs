//! Whatever signers, strangers, guardians, ledgers, clocks and upgrades do.

use super::model::{Fate, Model, SimpleLedger};
use super::*;
use cairn_kit::api::multisig::RecoveryView;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

/// Somebody.
#[derive(Clone, Copy, Debug)]
enum Who {
    /// One of the present signers.
    Signer(u8),
    /// Whoever that is.
    Person(u8),
}

#[derive(Clone, Debug)]
enum Move {
    Propose(Who, Action),
    // Proposals are counted from the newest one backwards.
    Approve(Who, u64),
    Reject(Who, u64),
    Cancel(Who, u64),
    Begin(Who, u64),
    Drive(u64, Fate),
    /// So many signers approve, one executes.
    Carry(u64, u8, Fate),
    Freeze(Who),
    PlanRecovery(u8, Vec<u8>, u32),
    ApproveRecovery(u8),
    WithdrawRecovery(u8),
    ExecuteRecovery(u8),
    /// Both guardians agree, and a day passes.
    Recover(Vec<u8>, u32),
    Wait(u64),
    Upgrade,
}

/// People who may be signers, or become some; the observer; the guardians.
fn arb_person() -> impl Strategy<Value = u8> {
    prop_oneof![8 => 1u8..9, 1 => Just(OBSERVER), 1 => 100u8..102]
}

fn arb_who() -> impl Strategy<Value = Who> {
    prop_oneof![8 => (0u8..8).prop_map(Who::Signer), 1 => arb_person().prop_map(Who::Person)]
}

fn arb_back() -> impl Strategy<Value = u64> {
    prop_oneof![6 => Just(0u64), 4 => 1u64..4, 1 => 4u64..12]
}

fn arb_amount() -> impl Strategy<Value = u128> {
    prop_oneof![24 => 1u128..400, 4 => Just(LIMIT), 1 => Just(0u128), 1 => Just(u128::MAX)]
}

fn arb_transfer() -> impl Strategy<Value = TokenTransfer> {
    (arb_amount(), prop::bool::weighted(0.8))
        .prop_map(|(amount, limited)| pay_on(if limited { LEDGER } else { OTHER_LEDGER }, amount))
}

fn arb_change() -> impl Strategy<Value = WalletChange> {
    let threshold = || prop::option::of(0u32..6);
    prop_oneof![
        3 => (arb_person(), threshold())
            .prop_map(|(n, threshold)| WalletChange::AddSigner { signer: signer(n), threshold }),
        4 => (arb_person(), threshold())
            .prop_map(|(n, threshold)| WalletChange::RemoveSigner { signer: person(n), threshold }),
        3 => (0u32..6).prop_map(|threshold| WalletChange::ChangeThreshold { threshold }),
        1 => arb_person().prop_map(|n| WalletChange::AddObserver(member(n))),
    ]
}

fn arb_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        5 => arb_transfer().prop_map(Action::Transfer),
        2 => prop::collection::vec(arb_transfer(), 0..4).prop_map(Action::BatchTransfer),
        1 => arb_amount().prop_map(|amount| Action::TokenApproval(TokenApproval {
            ledger: LEDGER,
            spender: Account { owner: person(201), subaccount: None },
            amount: Amount(amount),
            expected_allowance: None,
            expires_at: None,
        })),
        4 => arb_change().prop_map(Action::WalletModification),
        1 => Just(Action::EmergencyAction(EmergencyAct::FreezeWallet)),
        2 => Just(Action::EmergencyAction(EmergencyAct::UnfreezeWallet)),
        1 => Just(Action::EmergencyAction(EmergencyAct::DisableRecoveryMode)),
        1 => arb_transfer().prop_map(|paid| Action::EmergencyAction(EmergencyAct::EmergencyTransfer(paid))),
    ]
}

fn arb_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Answered),
        1 => Just(Fate::Refused),
        2 => Just(Fate::AnswerLost),
        2 => Just(Fate::Lost),
        1 => Just(Fate::NotSent),
        2 => Just(Fate::Upgraded),
    ]
}

fn arb_move() -> impl Strategy<Value = Move> {
    let wait =
        prop_oneof![4 => Just(20 * SECOND), 4 => Just(HOUR), 3 => Just(10 * HOUR), 1 => Just(DAY), 1 => Just(8 * DAY)];
    prop_oneof![
        10 => (arb_who(), arb_action()).prop_map(|(by, action)| Move::Propose(by, action)),
        10 => (arb_who(), arb_back()).prop_map(|(by, id)| Move::Approve(by, id)),
        2 => (arb_who(), arb_back()).prop_map(|(by, id)| Move::Reject(by, id)),
        1 => (arb_who(), arb_back()).prop_map(|(by, id)| Move::Cancel(by, id)),
        6 => (arb_who(), arb_back()).prop_map(|(by, id)| Move::Begin(by, id)),
        8 => (arb_back(), arb_fate()).prop_map(|(id, fate)| Move::Drive(id, fate)),
        8 => (arb_back(), 0u8..7, arb_fate()).prop_map(|(id, signers, fate)| Move::Carry(id, signers, fate)),
        1 => arb_who().prop_map(Move::Freeze),
        1 => (100u8..102, prop::collection::vec(1u8..9, 0..4), 0u32..4)
            .prop_map(|(by, signers, threshold)| Move::PlanRecovery(by, signers, threshold)),
        1 => (100u8..102).prop_map(Move::ApproveRecovery),
        1 => (100u8..102).prop_map(Move::WithdrawRecovery),
        1 => prop_oneof![Just(100u8), 1u8..9].prop_map(Move::ExecuteRecovery),
        1 => (prop::collection::vec(1u8..9, 1..4), 1u32..3)
            .prop_map(|(signers, threshold)| Move::Recover(signers, threshold)),
        5 => wait.prop_map(Move::Wait),
        1 => Just(Move::Upgrade),
    ]
}

/// Everything a refusal must leave as it was.
fn standing(world: &World) -> impl PartialEq + std::fmt::Debug + use<> {
    (world.wallet.charter().clone(), world.wallet.course().clone(), world.wallet.trail_length())
}

struct History {
    world: World,
    model: Model,
    ledger: SimpleLedger,
}

impl History {
    /// The plan under way, or else the first one.
    fn plan(&self) -> Option<RecoveryView> {
        let views = self.world.wallet.recovery_views();
        views.iter().find(|plan| plan.executable_at.is_some()).or(views.first()).cloned()
    }

    fn who(&self, who: Who) -> u8 {
        match who {
            Who::Person(person) => person,
            Who::Signer(n) => {
                let signers: Vec<u8> = self.model.signers.iter().copied().collect();
                signers[usize::from(n) % signers.len()]
            }
        }
    }

    fn id(&self, back: u64) -> u64 {
        self.world.wallet.info(0).proposals.wrapping_sub(back + 1)
    }

    /// Makes one move.
    fn make(&mut self, step: Move) {
        match step {
            Move::Wait(time) => self.world.pass(time),
            Move::Upgrade => self.world.upgrade(),
            Move::Drive(back, fate) => self.drive(self.id(back), fate),
            Move::Carry(back, signers, fate) => {
                for n in 0..signers {
                    self.command(Move::Approve(Who::Signer(n), back));
                }
                self.command(Move::Begin(Who::Signer(0), back));
                self.drive(self.id(back), fate);
            }
            Move::Recover(signers, threshold) => {
                self.command(Move::PlanRecovery(100, signers, threshold));
                self.command(Move::ApproveRecovery(101));
                self.world.pass(DAY);
                self.command(Move::ExecuteRecovery(100));
            }
            command => self.command(command),
        }
    }

    /// Has the wallet do something. What it refuses must have changed nothing.
    fn command(&mut self, command: Move) {
        let before = standing(&self.world);
        if let Err(refusal) = self.attempt(command) {
            assert_eq!(standing(&self.world), before, "refused, and yet changed: {refusal}");
        }
    }

    /// Has the wallet do something; what it does is told to the model.
    fn attempt(&mut self, command: Move) -> Result<(), WalletError> {
        let now = self.world.now;
        let view = self.plan();
        let plan = view.as_ref().map_or(0, |view| view.plan);
        match command {
            Move::Propose(who, action) => {
                let by = self.who(who);
                let id = self.world.propose(by, action.clone())?;
                self.model.proposed(by, id, action);
            }
            Move::Approve(who, back) => {
                let (by, id) = (self.who(who), self.id(back));
                self.world.approve(by, id)?;
                self.model.voted(by, id, true);
            }
            Move::Reject(who, back) => {
                let (by, id) = (self.who(who), self.id(back));
                self.world.reject(by, id)?;
                self.model.voted(by, id, false);
            }
            Move::Cancel(who, back) => self.world.wallet.cancel(person(self.who(who)), self.id(back), now)?,
            Move::Begin(who, back) => {
                let (by, id) = (self.who(who), self.id(back));
                self.world.begin(by, id)?;
                self.model.began(id);
            }
            Move::Freeze(who) => {
                self.world.wallet.freeze_alone(person(self.who(who)), String::new(), now)?;
                self.model.frozen = true;
            }
            Move::PlanRecovery(by, signers, threshold) => {
                let named = signers.into_iter().map(signer).collect();
                let plan = self.world.wallet.propose_recovery(person(by), named, threshold, now)?;
                self.model.planned(by, plan);
            }
            Move::ApproveRecovery(by) => {
                self.world.wallet.approve_recovery(person(by), plan, now)?;
                self.model.agreed(by, plan, true);
            }
            Move::WithdrawRecovery(by) => {
                self.world.wallet.withdraw_recovery(person(by), plan, now)?;
                self.model.agreed(by, plan, false);
            }
            Move::ExecuteRecovery(by) => {
                self.world.wallet.execute_recovery(person(by), plan, now)?;
                let view = view.unwrap();
                let due = view.executable_at.unwrap();
                assert!(self.model.is_recovering() && due <= now, "recovered before its time");
                let number = |who: Principal| (0..=255).find(|n| person(*n) == who).unwrap();
                let signers: Vec<u8> = view.signers.iter().map(|it| number(it.principal)).collect();
                self.model.recovered(&signers, view.threshold);
            }
            Move::Drive(..) | Move::Carry(..) | Move::Recover(..) | Move::Wait(_) | Move::Upgrade => {}
        }
        Ok(())
    }

    /// Lets the execution go on, every sending meeting the same fate.
    fn drive(&mut self, id: u64, fate: Fate) {
        self.world.wallet.interrupted(id, self.world.now);
        while let Some((item, attempt, payment)) = self.world.next_send(id) {
            self.model.check_sending(id);
            match self.ledger.meet(fate, (id, item), &payment, self.world.now) {
                Some(answer) => assert!(self.world.wallet.answered(id, item, attempt, answer, self.world.now)),
                None => {
                    self.world.upgrade();
                    return self.world.wallet.interrupted(id, self.world.now);
                }
            }
        }
    }

    fn check(&self) {
        self.model.compare(&self.world);
        assert!(self.ledger.times.values().all(|times| *times == 1), "a payment was made twice");
        assert!(self.ledger.busiest_day(LEDGER) <= LIMIT, "more than the limit left within a day");
    }
}

fn arb_history() -> impl Strategy<Value = (u8, u32, Vec<Move>)> {
    (1u8..6, 1u32..4, prop::collection::vec(arb_move(), 1..160))
}

/// Makes every move, and looks at everything after each.
fn replay((signers, threshold, moves): (u8, u32, Vec<Move>)) -> History {
    let threshold = threshold.min(signers.into());
    let (world, model) = (World::new(signers, threshold), Model::new(signers, threshold));
    let mut history = History { world, model, ledger: SimpleLedger::default() };
    for step in moves {
        history.make(step);
        history.check();
    }
    history
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// No payment without the approvals of as many present signers as it needs, none twice, none above the limit of a
    /// day, none from a frozen wallet; the threshold always within reach; refusals change nothing.
    #[test]
    fn money_moves_by_present_signers_only(history in arb_history()) {
        replay(history);
    }

    /// What is settled never changes again, and what was said to have failed did not happen.
    #[test]
    fn outcomes_are_final_and_true(
        fates in prop::collection::vec((arb_fate(), 0u64..40), 1..40),
        amounts in prop::collection::vec(1u128..200, 1..4),
    ) {
        use cairn_kit::api::multisig::EffectOutcome;
        let mut history = History {
            world: World::new(2, 1),
            model: Model::new(2, 1),
            ledger: SimpleLedger::default(),
        };
        let batch = Action::BatchTransfer(amounts.iter().map(|amount| pay_on(LEDGER, *amount)).collect());
        history.make(Move::Propose(Who::Person(1), batch));
        history.make(Move::Begin(Who::Person(1), 0));
        let mut settled: Vec<Option<EffectOutcome>> = vec![None; amounts.len()];
        for (fate, hours) in fates {
            history.make(Move::Drive(0, fate));
            history.make(Move::Wait(hours * HOUR));
            let view = history.world.wallet.proposal_view(0, history.world.now).unwrap();
            for (known, effect) in settled.iter_mut().zip(view.effects) {
                prop_assert!(known.is_none() || *known == effect.outcome, "{known:?} became {:?}", effect.outcome);
                let made = history.ledger.times.contains_key(&(0, effect.item));
                match &effect.outcome {
                    Some(EffectOutcome::Failed { .. }) => prop_assert!(!made),
                    Some(EffectOutcome::Transferred { .. }) => prop_assert!(made),
                    _ => {}
                }
                *known = effect.outcome;
            }
            history.check();
        }
    }
}

/// The histories above are worth something: money moves in them, members change, wallets are recovered.
#[test]
fn much_happens_in_random_histories() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut payments, mut changes, mut recoveries, mut doubts) = (0, 0, 0, 0);
    for _ in 0..200 {
        let history = replay(arb_history().new_tree(&mut runner).unwrap().current());
        payments += history.ledger.moved.len();
        changes += history.model.changes;
        recoveries += history.model.recoveries;
        doubts += usize::from(
            history
                .world
                .wallet
                .executing()
                .iter()
                .any(|id| history.world.wallet.proposal(*id).unwrap().effects.iter().any(|effect| effect.doubt)),
        );
    }
    println!("{payments} payments, {changes} changes, {recoveries} recoveries, {doubts} ends in doubt");
    assert!(payments >= 100 && changes >= 40 && recoveries >= 10 && doubts >= 20);
}
