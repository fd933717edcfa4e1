//! Whatever signers, strangers, guardians, ledgers, clocks and upgrades do.

use super::model::{Fate, Model, SimpleLedger};
use super::*;
use cairn_kit::api::multisig::RecoveryView;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

#[derive(Clone, Debug)]
enum Move {
    Propose(u8, Action),
    Approve(u8, u64),
    Reject(u8, u64),
    Cancel(u8, u64),
    Begin(u8, u64),
    Drive(u64, Fate),
    Freeze(u8),
    PlanRecovery(u8, Vec<u8>, u32),
    ApproveRecovery(u8),
    WithdrawRecovery(u8),
    ExecuteRecovery(u8),
    Wait(u64),
    Upgrade,
}

/// Signers, people who may become signers, the observer, the guardians.
fn arb_person() -> impl Strategy<Value = u8> {
    prop_oneof![12 => 1u8..6, 1 => 6u8..9, 1 => Just(OBSERVER), 1 => 100u8..102]
}

fn arb_proposal() -> impl Strategy<Value = u64> {
    0u64..14
}

fn arb_amount() -> impl Strategy<Value = u128> {
    prop_oneof![4 => 1u128..400, 1 => Just(LIMIT), 1 => Just(0u128), 1 => Just(u128::MAX)]
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
        8 => (arb_person(), arb_action()).prop_map(|(by, action)| Move::Propose(by, action)),
        24 => (arb_person(), arb_proposal()).prop_map(|(by, id)| Move::Approve(by, id)),
        2 => (arb_person(), arb_proposal()).prop_map(|(by, id)| Move::Reject(by, id)),
        1 => (arb_person(), arb_proposal()).prop_map(|(by, id)| Move::Cancel(by, id)),
        12 => (arb_person(), arb_proposal()).prop_map(|(by, id)| Move::Begin(by, id)),
        16 => (arb_proposal(), arb_fate()).prop_map(|(id, fate)| Move::Drive(id, fate)),
        1 => arb_person().prop_map(Move::Freeze),
        1 => (100u8..102, prop::collection::vec(1u8..9, 0..4), 0u32..4)
            .prop_map(|(by, signers, threshold)| Move::PlanRecovery(by, signers, threshold)),
        1 => (100u8..102).prop_map(Move::ApproveRecovery),
        1 => (100u8..102).prop_map(Move::WithdrawRecovery),
        1 => arb_person().prop_map(Move::ExecuteRecovery),
        6 => wait.prop_map(Move::Wait),
        2 => Just(Move::Upgrade),
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

    /// Makes one move; a refused one must have changed nothing.
    fn make(&mut self, step: Move) {
        let before = standing(&self.world);
        let now = self.world.now;
        let view = self.plan();
        let plan = view.as_ref().map_or(0, |view| view.plan);
        let refused = match step {
            Move::Wait(time) => return self.world.pass(time),
            Move::Upgrade => return self.world.upgrade(),
            Move::Drive(id, fate) => return self.drive(id, fate),
            Move::Propose(by, action) => match self.world.propose(by, action.clone()) {
                Ok(id) => return self.model.proposed(by, id, action),
                Err(refusal) => refusal,
            },
            Move::Approve(by, id) => match self.world.approve(by, id) {
                Ok(()) => return self.model.voted(by, id, true),
                Err(refusal) => refusal,
            },
            Move::Reject(by, id) => match self.world.reject(by, id) {
                Ok(()) => return self.model.voted(by, id, false),
                Err(refusal) => refusal,
            },
            Move::Cancel(by, id) => match self.world.wallet.cancel(person(by), id, now) {
                Ok(()) => return,
                Err(refusal) => refusal,
            },
            Move::Begin(by, id) => match self.world.begin(by, id) {
                Ok(()) => return self.model.began(id),
                Err(refusal) => refusal,
            },
            Move::Freeze(by) => match self.world.wallet.freeze_alone(person(by), String::new(), now) {
                Ok(()) => return self.model.frozen = true,
                Err(refusal) => refusal,
            },
            Move::PlanRecovery(by, signers, threshold) => {
                let named = signers.into_iter().map(signer).collect();
                match self.world.wallet.propose_recovery(person(by), named, threshold, now) {
                    Ok(plan) => return self.model.planned(by, plan),
                    Err(refusal) => refusal,
                }
            }
            Move::ApproveRecovery(by) => match self.world.wallet.approve_recovery(person(by), plan, now) {
                Ok(()) => return self.model.agreed(by, plan, true),
                Err(refusal) => refusal,
            },
            Move::WithdrawRecovery(by) => match self.world.wallet.withdraw_recovery(person(by), plan, now) {
                Ok(()) => return self.model.agreed(by, plan, false),
                Err(refusal) => refusal,
            },
            Move::ExecuteRecovery(by) => match self.world.wallet.execute_recovery(person(by), plan, now) {
                Ok(()) => {
                    let view = view.unwrap();
                    let due = view.executable_at.unwrap();
                    assert!(self.model.is_recovering() && due <= now, "recovered before its time");
                    let number = |who: Principal| (0..=255).find(|n| person(*n) == who).unwrap();
                    let signers: Vec<u8> = view.signers.iter().map(|it| number(it.principal)).collect();
                    return self.model.recovered(&signers, view.threshold);
                }
                Err(refusal) => refusal,
            },
        };
        assert_eq!(standing(&self.world), before, "refused, and yet changed: {refused}");
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
        history.make(Move::Propose(1, batch));
        history.make(Move::Begin(1, 0));
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
    assert!(payments >= 200 && changes >= 100 && recoveries >= 5 && doubts >= 10);
}
