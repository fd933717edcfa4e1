//! Changes of the wallet.

use super::*;
use crate::wallet::News;
use cairn_events::payload::Role;
use cairn_kit::api::multisig::{InvalidWallet, MemberRole};
use cairn_kit::notify::Subjects as _;

#[test]
fn every_change_does_what_it_says() {
    let mut world = World::new(3, 1);
    let rules = RecoveryRules { threshold: 1, delay: 2 * MIN_RECOVERY_DELAY };
    let policy = AssetPolicy { ledger: OTHER_LEDGER, daily_limit: Some(Amount(9)), large_amount: None };
    let changes = [
        WalletChange::AddSigner { signer: signer(4), threshold: Some(2) },
        WalletChange::UpdateSignerRole { signer: person(4), role: SignerRole::Owner },
        WalletChange::ChangeThreshold { threshold: 3 },
        WalletChange::RemoveSigner { signer: person(4), threshold: Some(2) },
        WalletChange::AddObserver(member(91)),
        WalletChange::RemoveObserver(person(OBSERVER)),
        WalletChange::AddGuardian(member(102)),
        WalletChange::RemoveGuardian(person(100)),
        WalletChange::ChangeVisibility { public: true },
        WalletChange::Rename { name: "Vault".to_owned(), description: Some("d".to_owned()) },
        WalletChange::ChangeTimes { timelock: HOUR, proposal_lifetime: DAY },
    ];
    for change in changes {
        world.change(change, 3).unwrap();
    }
    world.wallet.take_news();
    let charter = world.wallet.charter().clone();
    assert_eq!((charter.signer_count(), charter.rules.threshold), (3, 2));
    assert_eq!(charter.role(person(91)), Some(MemberRole::Observer));
    assert_eq!((charter.role(person(OBSERVER)), charter.role(person(100))), (None, None));
    assert_eq!(charter.role(person(102)), Some(MemberRole::Guardian));
    assert!(charter.public && charter.name == "Vault");
    assert_eq!((charter.rules.timelock, charter.rules.proposal_lifetime), (HOUR, DAY));
    for change in [
        WalletChange::SetAssetPolicy(policy),
        WalletChange::RemoveAssetPolicy(LEDGER),
        WalletChange::ChangeRecovery { rules: Some(rules) },
        WalletChange::ChangeConsensus { required: true },
    ] {
        let id = world.approved(Action::WalletModification(change), 3);
        assert!(matches!(temporary(world.begin(1, id).unwrap_err()), WalletTemporaryError::Timelocked { .. }));
        world.pass(HOUR);
        world.begin(1, id).unwrap();
    }
    let rules_now = &world.wallet.charter().rules;
    assert_eq!((rules_now.policies.as_slice(), rules_now.recovery), ([policy].as_slice(), Some(rules)));
    assert!(rules_now.consensus_for_changes);
}

#[test]
fn the_threshold_stays_within_reach() {
    let mut world = World::new(3, 2);
    world.change(remove(3), 2).unwrap();
    let unreachable = InvalidWallet::Threshold { threshold: 2, signers: 1 };
    let refused = request(world.propose(1, Action::WalletModification(remove(2))).unwrap_err());
    assert_eq!(refused, WalletRequestError::Invalid(unreachable));
    let both = WalletChange::RemoveSigner { signer: person(2), threshold: Some(1) };
    world.change(both, 2).unwrap();
    assert!(world.propose(1, Action::WalletModification(remove(1))).is_err(), "a wallet has a signer");
}

#[test]
fn guardians_stay_enough_for_the_recovery() {
    let mut world = World::new(3, 2);
    let refused = world.propose(1, Action::WalletModification(WalletChange::RemoveGuardian(person(100)))).unwrap_err();
    let few = InvalidWallet::RecoveryThreshold { threshold: 2, guardians: 1 };
    assert_eq!(request(refused), WalletRequestError::Invalid(few));
    world.change(WalletChange::ChangeRecovery { rules: None }, 3).unwrap();
    world.change(WalletChange::RemoveGuardian(person(100)), 3).unwrap();
}

#[test]
fn one_lost_key_can_be_removed() {
    let mut two_of_three = World::new(3, 2);
    two_of_three.change(remove(3), 2).unwrap();
    let mut three_of_five = World::new(5, 3);
    three_of_five.change(remove(5), 4).unwrap();
    let mut strict = args(3, 2);
    strict.rules.consensus_for_changes = true;
    World::of(strict).change(remove(3), 2).unwrap();
    let mut all = World::new(3, 3);
    let id = all
        .approved(Action::WalletModification(WalletChange::RemoveSigner { signer: person(3), threshold: Some(2) }), 2);
    assert!(all.begin(1, id).is_err(), "all of three are all of three");
}

#[test]
fn a_removed_signer_counts_for_nothing_and_begins_anew_when_added_again() {
    let mut world = World::new(4, 2);
    let id = world.propose(4, pay(5)).unwrap();
    world.approve(3, id).unwrap();
    assert_eq!(world.status(id), ProposalStatus::Approved);
    world.change(remove(4), 3).unwrap();
    assert_eq!(world.status(id), ProposalStatus::Pending);
    assert!(world.begin(1, id).is_err());
    world.change(WalletChange::AddSigner { signer: signer(4), threshold: None }, 3).unwrap();
    assert_eq!(world.status(id), ProposalStatus::Pending, "the approval of the former time stays void");
    world.approve(4, id).unwrap();
    assert_eq!(world.status(id), ProposalStatus::Approved);
}

#[test]
fn the_factory_hears_of_roles_and_visibility() {
    let mut world = World::new(2, 1);
    let first = world.wallet.take_news();
    for who in [person(1), person(2)] {
        assert!(first.contains(&News::Role(Role::Signer, who, true)));
    }
    assert!(first.contains(&News::Role(Role::Observer, person(OBSERVER), true)));
    assert_eq!(first.len(), 3);
    world.change(WalletChange::RemoveSigner { signer: person(2), threshold: None }, 2).unwrap();
    assert!(world.wallet.take_news().contains(&News::Role(Role::Signer, person(2), false)));
    world.change(WalletChange::ChangeVisibility { public: true }, 1).unwrap();
    assert!(world.wallet.take_news().contains(&News::Visibility(true)));
    let everybody = world.wallet.roles_after(None, 10);
    assert_eq!(everybody.len(), 3);
    assert!(everybody.contains(&(Role::Signer, person(2), false)));
    let mut paged = Vec::new();
    while let Some(last) = world.wallet.roles_after(paged.last().map(|(role, who, _)| (*role, *who)), 1).pop() {
        paged.push(last);
    }
    assert_eq!(paged, everybody);
}
