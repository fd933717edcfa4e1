//! Freezing and recovery.

use super::*;
use crate::wallet::recovery::COOLING;
use crate::wallet::{News, Phase};
use cairn_events::payload::ContractStatus;
use cairn_kit::api::multisig::MemberRole;

fn freeze(world: &mut World, by: u8) -> Result<(), WalletError> {
    world.wallet.freeze_alone(person(by), "a key is lost".to_owned(), world.now)
}

fn unfreeze(world: &mut World, approvals: u8) -> Result<(), WalletError> {
    let id = world.approved(Action::EmergencyAction(EmergencyAct::UnfreezeWallet), approvals);
    world.begin(1, id)
}

#[test]
fn owners_and_guardians_freeze_alone_and_signers_unfreeze_together() {
    let mut world = World::new(3, 2);
    for nobody in [2, OBSERVER, 77] {
        assert!(freeze(&mut world, nobody).is_err());
    }
    freeze(&mut world, 1).unwrap();
    assert!(world.wallet.take_news().contains(&News::Status(ContractStatus::Active, ContractStatus::Frozen)));
    assert!(matches!(request(freeze(&mut world, 100).unwrap_err()), WalletRequestError::NoChange { .. }));
    assert!(unfreeze(&mut world, 2).is_err(), "that is of high risk");
    unfreeze(&mut world, 3).unwrap();
    assert!(world.wallet.take_news().contains(&News::Status(ContractStatus::Frozen, ContractStatus::Active)));
}

#[test]
fn who_was_overruled_waits_a_day() {
    let mut world = World::new(3, 2);
    freeze(&mut world, 100).unwrap();
    unfreeze(&mut world, 3).unwrap();
    assert!(matches!(temporary(freeze(&mut world, 100).unwrap_err()), WalletTemporaryError::CoolingDown { .. }));
    freeze(&mut world, 101).unwrap();
    unfreeze(&mut world, 3).unwrap();
    world.pass(COOLING);
    freeze(&mut world, 100).unwrap();
}

#[test]
fn nothing_leaves_a_frozen_wallet_but_what_all_have_approved() {
    let mut world = World::new(3, 2);
    let before = world.approved(pay(5), 3);
    freeze(&mut world, 100).unwrap();
    assert!(matches!(temporary(world.begin(1, before).unwrap_err()), WalletTemporaryError::Frozen { .. }));
    let called = world.approved(call(person(5), "go"), 3);
    assert!(world.begin(1, called).is_err());
    let rescue = Action::EmergencyAction(EmergencyAct::EmergencyTransfer(pay_on(LEDGER, 5)));
    let id = world.approved(rescue, 2);
    assert!(world.begin(1, id).is_err());
    world.approve(3, id).unwrap();
    world.begin(1, id).unwrap();
    assert_eq!(world.drive(id, &done()).len(), 1);
}

#[test]
fn guardians_are_safe_from_signers_of_a_frozen_wallet() {
    let mut world = World::new(3, 2);
    freeze(&mut world, 100).unwrap();
    for change in [WalletChange::ChangeRecovery { rules: None }, WalletChange::AddGuardian(member(102))] {
        let refused = temporary(world.change(change, 3).unwrap_err());
        assert!(matches!(refused, WalletTemporaryError::Frozen { .. }));
    }
    world.change(remove(3), 3).unwrap();
}

#[test]
fn guardians_replace_the_signers_after_the_delay() {
    let mut world = World::new(3, 2);
    let stale = world.approved(pay(5), 3);
    let now = world.now;
    let plan = world.wallet.propose_recovery(person(100), vec![signer(1), signer(8), signer(9)], 2, now).unwrap();
    assert!(matches!(world.wallet.phase(), Phase::Active), "one of two is too few");
    assert!(world.wallet.approve_recovery(person(100), plan, now).is_err());
    world.wallet.approve_recovery(person(101), plan, now).unwrap();
    assert!(matches!(world.wallet.phase(), Phase::Recovering(_)));
    assert!(matches!(temporary(world.begin(1, stale).unwrap_err()), WalletTemporaryError::Recovering { .. }));
    assert!(world.change(remove(3), 3).is_err());
    let early = temporary(world.wallet.execute_recovery(person(8), plan, now).unwrap_err());
    assert!(matches!(early, WalletTemporaryError::RecoveryNotDue { approvals: 2, required: 2, .. }));
    assert!(world.wallet.execute_recovery(person(2), plan, now).is_err(), "not the plan's");
    world.upgrade();
    world.pass(MIN_RECOVERY_DELAY);
    world.wallet.execute_recovery(person(8), plan, world.now).unwrap();
    assert!(matches!(world.wallet.phase(), Phase::Active));
    let charter = world.wallet.charter();
    assert_eq!(charter.role(person(8)), Some(MemberRole::Signer));
    assert_eq!((charter.role(person(2)), charter.signer_count(), charter.rules.threshold), (None, 3, 2));
    assert_eq!(world.status(stale), ProposalStatus::Pending, "no approval of before counts, not even of who stayed");
    assert!(world.wallet.recovery_views().is_empty());
}

#[test]
fn all_signers_together_stop_a_recovery() {
    let mut world = World::new(3, 2);
    let now = world.now;
    let plan = world.wallet.propose_recovery(person(100), vec![signer(8)], 1, now).unwrap();
    world.wallet.approve_recovery(person(101), plan, now).unwrap();
    let stop = Action::EmergencyAction(EmergencyAct::DisableRecoveryMode);
    let id = world.approved(stop, 2);
    assert!(world.begin(1, id).is_err());
    world.approve(3, id).unwrap();
    world.begin(1, id).unwrap();
    assert!(matches!(world.wallet.phase(), Phase::Active));
    // Those who were overruled do not begin again at once, while the signers decide what becomes of them.
    for guardian in [100, 101] {
        let again = world.wallet.propose_recovery(person(guardian), vec![signer(8)], 1, world.now).unwrap_err();
        assert!(matches!(again, WalletError::Temporary(WalletTemporaryError::CoolingDown { .. })), "{again:?}");
        assert!(world.wallet.freeze_alone(person(guardian), String::new(), world.now).is_err());
    }
    world.pass(MIN_RECOVERY_DELAY);
    let gone = world.wallet.execute_recovery(person(100), plan, world.now).unwrap_err();
    assert_eq!(request(gone), WalletRequestError::UnknownPlan { plan });
    world.wallet.propose_recovery(person(100), vec![signer(8)], 1, world.now).unwrap();
}

#[test]
fn a_guardian_who_withdraws_stops_a_recovery() {
    let mut world = World::new(3, 2);
    let now = world.now;
    let plan = world.wallet.propose_recovery(person(100), vec![signer(8)], 1, now).unwrap();
    world.wallet.approve_recovery(person(101), plan, now).unwrap();
    world.wallet.withdraw_recovery(person(100), plan, now).unwrap();
    assert!(matches!(world.wallet.phase(), Phase::Active));
    assert!(world.wallet.withdraw_recovery(person(100), plan, now).is_err());
    // Who goes back and forth would keep the signers from deciding on the recovery: it begins anew each time.
    let again = world.wallet.approve_recovery(person(100), plan, now).unwrap_err();
    assert!(matches!(temporary(again), WalletTemporaryError::CoolingDown { .. }));
    world.pass(MIN_RECOVERY_DELAY);
    assert!(world.wallet.execute_recovery(person(100), plan, world.now).is_err());
    world.wallet.approve_recovery(person(100), plan, world.now).unwrap();
    assert!(matches!(world.wallet.phase(), Phase::Recovering(_)));
}

/// Else those who can unfreeze, fewer than can stop a recovery, would stop it by unfreezing.
#[test]
fn who_froze_in_vain_can_still_recover() {
    let mut world = World::new(3, 2);
    freeze(&mut world, 100).unwrap();
    unfreeze(&mut world, 3).unwrap();
    assert!(matches!(temporary(freeze(&mut world, 100).unwrap_err()), WalletTemporaryError::CoolingDown { .. }));
    let plan = world.wallet.propose_recovery(person(100), vec![signer(8)], 1, world.now).unwrap();
    world.wallet.approve_recovery(person(101), plan, world.now).unwrap();
    assert!(matches!(world.wallet.phase(), Phase::Recovering(_)));
}

#[test]
fn plans_that_cannot_be_are_refused() {
    let mut world = World::new(3, 2);
    let now = world.now;
    let before = world.wallet.trail_length();
    let bad = [
        (vec![], 1),
        (vec![signer(8)], 0),
        (vec![signer(8)], 2),
        (vec![signer(8), signer(8)], 1),
        (vec![signer(100)], 1),
        (vec![NewSigner { principal: Principal::anonymous(), ..signer(8) }], 1),
        (vec![NewSigner { principal: WALLET, ..signer(8) }], 1),
        ((0..51).map(signer).collect(), 1),
    ];
    for (signers, threshold) in bad {
        let refused = world.wallet.propose_recovery(person(100), signers, threshold, now);
        assert!(matches!(refused, Err(WalletError::Request(_))), "{refused:?}");
    }
    let stranger = world.wallet.propose_recovery(person(1), vec![signer(8)], 1, now).unwrap_err();
    assert_eq!(request(stranger), WalletRequestError::Unauthorized { caller: person(1) });
    assert_eq!(world.wallet.trail_length(), before);
    world.wallet.propose_recovery(person(100), vec![signer(OBSERVER)], 1, now).unwrap();
    world.wallet.propose_recovery(person(100), vec![signer(8)], 1, now).unwrap();
    assert_eq!(world.wallet.recovery_views().len(), 1, "each guardian has one plan");
    let mut off = args(3, 2);
    off.rules.recovery = None;
    let mut world = World::of(off);
    let refused = world.wallet.propose_recovery(person(100), vec![signer(8)], 1, now).unwrap_err();
    assert_eq!(request(refused), WalletRequestError::RecoveryDisabled);
}

/// Else one signer could lift the next freeze, or stop the next recovery, with the approvals of others for the last one.
#[test]
fn approvals_that_were_to_end_a_freeze_do_not_end_the_next() {
    let mut world = World::new(3, 2);
    freeze(&mut world, 100).unwrap();
    let [first, spare] = [(); 2].map(|()| world.approved(Action::EmergencyAction(EmergencyAct::UnfreezeWallet), 3));
    world.begin(1, first).unwrap();
    world.pass(HOUR);
    freeze(&mut world, 101).unwrap();
    assert!(matches!(request(world.begin(1, spare).unwrap_err()), WalletRequestError::NoChange { .. }));
    assert!(matches!(world.wallet.phase(), Phase::Frozen(_)));
    unfreeze(&mut world, 3).unwrap();
}

#[test]
fn approvals_that_were_to_stop_a_recovery_do_not_stop_the_next() {
    let mut world = World::new(3, 2);
    let arm = |world: &mut World| {
        let plan = world.wallet.propose_recovery(person(100), vec![signer(8)], 1, world.now).unwrap();
        world.wallet.approve_recovery(person(101), plan, world.now).unwrap();
    };
    let stop = || Action::EmergencyAction(EmergencyAct::DisableRecoveryMode);
    arm(&mut world);
    let [first, spare] = [(); 2].map(|()| world.approved(stop(), 3));
    world.begin(1, first).unwrap();
    world.pass(24 * HOUR);
    arm(&mut world);
    assert!(matches!(request(world.begin(1, spare).unwrap_err()), WalletRequestError::NoChange { .. }));
    assert!(matches!(world.wallet.phase(), Phase::Recovering(_)));
    let again = world.approved(stop(), 3);
    world.begin(1, again).unwrap();
    assert!(matches!(world.wallet.phase(), Phase::Active));
}

/// Else the wallet would stand still for a recovery that cannot be.
#[test]
fn a_plan_that_cannot_be_any_more_is_not_agreed_to() {
    let mut world = World::new(3, 2);
    let plan = world.wallet.propose_recovery(person(100), vec![signer(8)], 1, world.now).unwrap();
    world.change(WalletChange::AddGuardian(member(8)), 3).unwrap();
    let before = world.wallet.trail_length();
    let refused = request(world.wallet.approve_recovery(person(101), plan, world.now).unwrap_err());
    assert_eq!(refused, WalletRequestError::AlreadyMember { principal: person(8), role: MemberRole::Guardian });
    assert!(matches!(world.wallet.phase(), Phase::Active));
    assert_eq!(world.wallet.trail_length(), before);
}
