use super::*;

fn person(n: u8) -> Principal {
    Principal::self_authenticating([n])
}

fn signer(n: u8) -> NewSigner {
    NewSigner { principal: person(n), name: None, role: SignerRole::Signer }
}

fn member(n: u8) -> NewMember {
    NewMember { principal: person(n), name: None }
}

fn args() -> MultisigArgs {
    MultisigArgs {
        name: "Treasury".to_owned(),
        description: None,
        signers: vec![signer(1), signer(2), signer(3)],
        observers: vec![member(4)],
        guardians: vec![member(5), member(6)],
        rules: WalletRules {
            threshold: 2,
            timelock: 0,
            proposal_lifetime: MAX_LIFETIME,
            consensus_for_changes: false,
            policies: vec![AssetPolicy { ledger: person(9), daily_limit: Some(Amount(10)), large_amount: None }],
            recovery: Some(RecoveryRules { threshold: 2, delay: MIN_RECOVERY_DELAY }),
        },
        public: false,
    }
}

fn refused(change: impl FnOnce(&mut MultisigArgs)) -> InvalidWallet {
    let mut changed = args();
    change(&mut changed);
    changed.validate().unwrap_err()
}

#[test]
fn a_sound_wallet_is_accepted() {
    assert_eq!(args().validate(), Ok(()));
    assert_eq!(args().validate_for(person(1)), Ok(()));
    assert_eq!(args().validate_for(person(4)), Err(InvalidWallet::CreatorNotSigner { creator: person(4) }));
}

#[test]
fn thresholds_are_within_the_signers_alone() {
    for threshold in [0, 4, u32::MAX] {
        assert_eq!(
            refused(|args| args.rules.threshold = threshold),
            InvalidWallet::Threshold { threshold, signers: 3 }
        );
    }
    let one = refused(|args| args.signers.truncate(1));
    assert_eq!(one, InvalidWallet::Threshold { threshold: 2, signers: 1 });
    let none = refused(|args| args.signers.clear());
    assert_eq!(none.field(), "signers");
    let guardians = refused(|args| args.guardians.truncate(1));
    assert_eq!(guardians, InvalidWallet::RecoveryThreshold { threshold: 2, guardians: 1 });
}

#[test]
fn everybody_is_somebody_and_has_one_role() {
    let again = NewSigner { name: Some("other name".to_owned()), role: SignerRole::Owner, ..signer(1) };
    assert_eq!(refused(|args| args.signers.push(again)), InvalidWallet::Duplicate { principal: person(1) });
    assert_eq!(refused(|args| args.observers.push(member(2))), InvalidWallet::Duplicate { principal: person(2) });
    assert_eq!(refused(|args| args.guardians.push(member(4))), InvalidWallet::Duplicate { principal: person(4) });
    for nobody in [Principal::anonymous(), Principal::management_canister()] {
        let refusal = refused(|args| args.observers.push(NewMember { principal: nobody, name: None }));
        assert_eq!(refusal, InvalidWallet::NoMember { field: "observers".to_owned(), principal: nobody });
    }
}

#[test]
fn lengths_times_and_policies_are_bounded() {
    assert_eq!(refused(|args| args.name.clear()).field(), "name");
    assert_eq!(refused(|args| args.name = "n".repeat(101)).field(), "name");
    assert_eq!(refused(|args| args.name = "é".repeat(65)).field(), "name");
    assert_eq!(refused(|args| args.description = Some("d".repeat(501))).field(), "description");
    assert_eq!(refused(|args| args.signers[0].name = Some("n".repeat(65))).field(), "signers");
    assert_eq!(refused(|args| args.signers = (0..51).map(signer).collect()).field(), "signers");
    assert_eq!(refused(|args| args.rules.timelock = MAX_TIMELOCK + 1).field(), "rules.timelock");
    assert_eq!(refused(|args| args.rules.proposal_lifetime = MIN_LIFETIME - 1).field(), "rules.proposal_lifetime");
    assert_eq!(refused(|args| args.rules.proposal_lifetime = MAX_LIFETIME + 1).field(), "rules.proposal_lifetime");
    let dead_before_it_may_live = refused(|args| {
        args.rules.timelock = MAX_TIMELOCK;
        args.rules.proposal_lifetime = MAX_TIMELOCK;
    });
    assert_eq!(dead_before_it_may_live.field(), "rules.proposal_lifetime");
    assert_eq!(refused(|args| args.rules.policies[0].daily_limit = None).field(), "rules.policies");
    assert_eq!(refused(|args| args.rules.policies[0].daily_limit = Some(Amount(0))).field(), "rules.policies");
    assert_eq!(refused(|args| args.rules.policies[0].ledger = Principal::anonymous()).field(), "rules.policies");
    assert_eq!(refused(|args| args.rules.policies.push(args.rules.policies[0])).field(), "rules.policies");
    let recovery = |delay| refused(|args| args.rules.recovery = Some(RecoveryRules { threshold: 1, delay }));
    assert_eq!(recovery(MIN_RECOVERY_DELAY - 1).field(), "rules.recovery");
    assert_eq!(recovery(MAX_RECOVERY_DELAY + 1).field(), "rules.recovery");
}

#[test]
fn entries_are_chained_by_hashes_that_cover_every_field() {
    let entry = TrailEntry {
        number: 3,
        at: cairn_events::Timestamp(7),
        actor: person(1),
        event: TrailEvent::Approved { proposal: 2 },
        parent: Some(cairn_events::Hash([1; 32])),
    };
    let hash = entry.hash().unwrap();
    let others = [
        TrailEntry { number: 4, ..entry.clone() },
        TrailEntry { at: cairn_events::Timestamp(8), ..entry.clone() },
        TrailEntry { actor: person(2), ..entry.clone() },
        TrailEntry { event: TrailEvent::Opposed { proposal: 2 }, ..entry.clone() },
        TrailEntry { parent: None, ..entry },
    ];
    assert!(others.iter().all(|other| other.hash().unwrap() != hash));
}
