//! Proposals, approvals, rejections.

use super::*;

#[test]
fn only_signers_decide() {
    let mut world = World::new(3, 2);
    let id = world.propose(1, pay(5)).unwrap();
    let before = world.wallet.trail_length();
    for nobody in [person(OBSERVER), person(100), person(77)] {
        let refused = WalletError::Request(WalletRequestError::Unauthorized { caller: nobody });
        let now = world.now;
        assert_eq!(world.wallet.propose(nobody, proposal(pay(5)), now), Err(refused.clone()));
        assert_eq!(world.wallet.approve(nobody, id, None, now), Err(refused.clone()));
        assert_eq!(world.wallet.reject(nobody, id, None, now), Err(refused.clone()));
        assert_eq!(world.wallet.cancel(nobody, id, now), Err(refused.clone()));
        assert_eq!(world.wallet.begin(nobody, id, CYCLES, now), Err(refused.clone()));
        assert_eq!(world.wallet.watch(nobody, LEDGER, now), Err(refused));
    }
    let anonymous = world.wallet.approve(Principal::anonymous(), id, None, world.now);
    assert_eq!(anonymous, Err(WalletError::Request(WalletRequestError::Anonymous)));
    assert_eq!(world.wallet.trail_length(), before);
}

#[test]
fn proposing_is_approving_and_nobody_counts_twice() {
    let mut world = World::new(3, 2);
    let id = world.propose(1, pay(5)).unwrap();
    assert_eq!(world.status(id), ProposalStatus::Pending);
    let again = WalletRequestError::AlreadyVoted { proposal: id, signer: person(1) };
    assert_eq!(request(world.approve(1, id).unwrap_err()), again);
    let few = WalletRequestError::NotApproved { proposal: id, approvals: 1, required: 2 };
    assert_eq!(request(world.begin(1, id).unwrap_err()), few);
    world.approve(2, id).unwrap();
    assert_eq!(world.status(id), ProposalStatus::Approved);
}

#[test]
fn a_word_can_be_taken_back_until_the_execution() {
    let mut world = World::new(3, 2);
    let id = world.approved(pay(5), 2);
    world.reject(2, id).unwrap();
    assert_eq!(world.status(id), ProposalStatus::Pending);
    assert!(world.begin(1, id).is_err());
    world.approve(2, id).unwrap();
    world.begin(1, id).unwrap();
    assert_eq!(temporary(world.reject(2, id).unwrap_err()), WalletTemporaryError::Busy);
}

#[test]
fn a_proposal_that_can_never_be_approved_is_rejected() {
    let mut world = World::new(3, 2);
    let id = world.propose(1, pay(5)).unwrap();
    world.reject(2, id).unwrap();
    assert_eq!(world.status(id), ProposalStatus::Pending);
    world.reject(3, id).unwrap();
    assert_eq!(world.status(id), ProposalStatus::Rejected);
    let over = WalletRequestError::NotOpen { proposal: id, status: ProposalStatus::Rejected };
    assert_eq!(request(world.approve(2, id).unwrap_err()), over);
    assert_eq!(request(world.begin(1, id).unwrap_err()), over);
}

#[test]
fn only_who_proposed_cancels() {
    let mut world = World::new(3, 2);
    let id = world.approved(pay(5), 2);
    let refused = world.wallet.cancel(person(2), id, world.now).unwrap_err();
    assert_eq!(request(refused), WalletRequestError::NotProposer { proposal: id, proposer: person(1) });
    world.wallet.cancel(person(1), id, world.now).unwrap();
    assert_eq!(world.status(id), ProposalStatus::Cancelled);
    assert!(world.begin(1, id).is_err() && world.wallet.cancel(person(1), id, world.now).is_err());
}

#[test]
fn proposals_expire() {
    let mut world = World::new(3, 2);
    let short = ProposalArgs { lifetime: Some(MIN_LIFETIME), ..proposal(pay(5)) };
    let id = world.wallet.propose(person(1), short, world.now).unwrap();
    world.approve(2, id).unwrap();
    world.pass(MIN_LIFETIME - 1);
    assert_eq!(world.status(id), ProposalStatus::Approved);
    world.pass(1);
    let over = WalletRequestError::NotOpen { proposal: id, status: ProposalStatus::Expired };
    assert_eq!(request(world.begin(1, id).unwrap_err()), over);
    assert_eq!(request(world.approve(3, id).unwrap_err()), over);
    for lifetime in [0, MIN_LIFETIME - 1, MAX_LIFETIME + 1, u64::MAX] {
        let wrong = ProposalArgs { lifetime: Some(lifetime), ..proposal(pay(5)) };
        let refused = world.wallet.propose(person(1), wrong, world.now).unwrap_err();
        assert!(matches!(request(refused), WalletRequestError::TimeOutOfRange { .. }));
    }
}

#[test]
fn nobody_fills_the_wallet_with_proposals() {
    let mut world = World::new(2, 2);
    let first = world.propose(1, pay(1)).unwrap();
    for _ in 1..crate::wallet::voting::MAX_OPEN {
        world.propose(1, pay(1)).unwrap();
    }
    let full = request(world.propose(1, pay(1)).unwrap_err());
    assert!(matches!(full, WalletRequestError::TooManyOpen { found: 20, max: 20 }), "{full:?}");
    world.propose(2, pay(1)).unwrap();
    world.wallet.cancel(person(1), first, world.now).unwrap();
    world.propose(1, pay(1)).unwrap();
    assert!(world.propose(1, pay(1)).is_err());
    world.pass(MAX_LIFETIME);
    world.propose(1, pay(1)).unwrap();
}

#[test]
fn nobody_fills_the_memory_by_changing_their_mind() {
    let mut world = World::new(3, 2);
    let id = world.propose(1, pay(1)).unwrap();
    let mut words = 0;
    let refused = loop {
        match if words % 2 == 0 { world.approve(2, id) } else { world.reject(2, id) } {
            Ok(()) => words += 1,
            Err(refused) => break temporary(refused),
        }
    };
    assert!(matches!(refused, WalletTemporaryError::RateLimited { .. }), "{refused:?}");
    assert_eq!(words, crate::wallet::budget::BUDGET);
    world.pass(HOUR);
    world.propose(2, pay(1)).unwrap();
}

#[test]
fn dependencies_are_executed_first() {
    let mut world = World::new(2, 1);
    let first = world.propose(1, pay(5)).unwrap();
    let on = |dependency| ProposalArgs { depends_on: vec![dependency], ..proposal(pay(6)) };
    let second = world.wallet.propose(person(1), on(first), world.now).unwrap();
    let unmet = request(world.begin(1, second).unwrap_err());
    let status = ProposalStatus::Approved;
    assert_eq!(unmet, WalletRequestError::DependencyUnmet { proposal: second, dependency: first, status });
    world.begin(1, first).unwrap();
    world.drive(first, &done());
    world.begin(1, second).unwrap();
    let unknown = request(world.wallet.propose(person(1), on(99), world.now).unwrap_err());
    assert_eq!(unknown, WalletRequestError::UnknownProposal { proposal: 99 });
    let failed = world.propose(1, pay(5)).unwrap();
    world.begin(1, failed).unwrap();
    world.drive(failed, &Answer::Refused("no".to_owned()));
    let third = world.wallet.propose(person(1), on(failed), world.now).unwrap();
    assert!(world.begin(1, third).is_err(), "what failed was not executed");
}

#[test]
fn bad_actions_are_refused_and_change_nothing() {
    let mut world = World::new(3, 2);
    let to = |owner| TokenTransfer { to: Account { owner, subaccount: None }, ..pay_on(LEDGER, 5) };
    let memo = TokenTransfer { memo: Some(ByteBuf::from(vec![0; 33])), ..pay_on(LEDGER, 5) };
    let approval = TokenApproval {
        ledger: LEDGER,
        spender: Account { owner: person(5), subaccount: None },
        amount: Amount(5),
        expected_allowance: None,
        expires_at: Some(world.now.0),
    };
    let own = TokenApproval { spender: Account { owner: WALLET, subaccount: None }, ..approval.clone() };
    let managed = |canister: Principal| {
        #[derive(candid::CandidType)]
        struct Target {
            canister_id: Principal,
        }
        let args = candid::encode_one(Target { canister_id: canister }).unwrap();
        let canister = Principal::management_canister();
        Action::ContractCall(ContractCall { canister, method: "stop_canister".into(), args: args.into(), cycles: 0 })
    };
    let itself = NewSigner { principal: WALLET, ..signer(9) };
    let bad = [
        pay(0),
        Action::Transfer(to(Principal::anonymous())),
        Action::Transfer(to(Principal::management_canister())),
        Action::Transfer(to(WALLET)),
        Action::Transfer(memo),
        Action::Transfer(pay_on(WALLET, 5)),
        Action::Transfer(pay_on(Principal::anonymous(), 5)),
        Action::BatchTransfer(vec![]),
        Action::BatchTransfer(vec![pay_on(LEDGER, 1); 51]),
        Action::BatchTransfer(vec![pay_on(LEDGER, 1), pay_on(LEDGER, 0)]),
        Action::BatchTransfer(vec![pay_on(LEDGER, u128::MAX), pay_on(LEDGER, 1)]),
        Action::TokenApproval(approval),
        Action::TokenApproval(own),
        call(WALLET, "executeProposal"),
        call(WALLET, "anything"),
        call(Principal::anonymous(), "go"),
        call(person(5), ""),
        call(person(5), &"m".repeat(65)),
        call(person(5), "icrc1_transfer"),
        call(person(5), "icrc2_approve"),
        call(person(5), "icrc37_transfer_from"),
        call(person(5), "icrc37_approve_tokens"),
        call(person(5), "icrc37_approve_collection"),
        call(LEDGER, "icrc7_transfer"),
        call(LEDGER, "anything"),
        call(FACTORY, "notifyBatch"),
        call(FACTORY, "notifyTransfer"),
        call(Principal::management_canister(), "update_settings"),
        call(Principal::management_canister(), "install_chunked_code"),
        call(Principal::management_canister(), "raw_rand"),
        managed(WALLET),
        Action::EmergencyAction(EmergencyAct::UnfreezeWallet),
        Action::EmergencyAction(EmergencyAct::DisableRecoveryMode),
        Action::EmergencyAction(EmergencyAct::EmergencyTransfer(pay_on(LEDGER, 0))),
        Action::WalletModification(WalletChange::ChangeThreshold { threshold: 0 }),
        Action::WalletModification(WalletChange::ChangeThreshold { threshold: 4 }),
        Action::WalletModification(WalletChange::ChangeThreshold { threshold: 2 }),
        Action::WalletModification(WalletChange::AddSigner { signer: signer(2), threshold: None }),
        Action::WalletModification(WalletChange::AddSigner {
            signer: NewSigner { principal: Principal::anonymous(), ..signer(9) },
            threshold: None,
        }),
        Action::WalletModification(WalletChange::AddSigner { signer: itself, threshold: None }),
        Action::WalletModification(WalletChange::AddGuardian(NewMember { principal: WALLET, name: None })),
        Action::WalletModification(WalletChange::AddObserver(NewMember { principal: WALLET, name: None })),
        Action::WalletModification(remove(9)),
        Action::WalletModification(remove(OBSERVER)),
        Action::WalletModification(WalletChange::AddObserver(member(1))),
        Action::WalletModification(WalletChange::RemoveObserver(person(1))),
        Action::WalletModification(WalletChange::RemoveGuardian(person(100))),
    ];
    let before = (world.wallet.charter().clone(), world.wallet.course().clone(), world.wallet.trail_length());
    for action in bad {
        let refused = world.propose(1, action.clone());
        assert!(matches!(refused, Err(WalletError::Request(_))), "{action:?}: {refused:?}");
    }
    let after = (world.wallet.charter().clone(), world.wallet.course().clone(), world.wallet.trail_length());
    assert_eq!(before, after);
    world.propose(1, managed(person(5))).unwrap();
    world.propose(1, call(FACTORY, "requestUpgrade")).unwrap();
    world.wallet.watch(person(1), OTHER_LEDGER, world.now).unwrap();
    assert!(world.propose(1, call(OTHER_LEDGER, "anything")).is_err(), "a watched ledger");
}

/// NFTs that were sent to the wallet could never leave it.
#[test]
fn an_nft_leaves_if_every_signer_approves() {
    let mut world = World::new(4, 1);
    let id = world.approved(call(person(5), "icrc7_transfer"), 3);
    let few = WalletRequestError::NotApproved { proposal: id, approvals: 3, required: 4 };
    assert_eq!(request(world.begin(1, id).unwrap_err()), few);
    world.approve(4, id).unwrap();
    world.begin(1, id).unwrap();
    let (_, _, payment) = world.next_send(id).unwrap();
    assert!(matches!(payment, Payment::Call(sent) if sent.canister == person(5) && sent.method == "icrc7_transfer"));
}

#[test]
fn what_the_wallet_counts_does_not_leave_as_an_nft() {
    let mut world = World::new(2, 1);
    let id = world.approved(call(OTHER_LEDGER, "icrc7_transfer"), 2);
    world.wallet.watch(person(1), OTHER_LEDGER, world.now).unwrap();
    let refused = request(world.begin(1, id).unwrap_err());
    assert!(matches!(refused, WalletRequestError::ForbiddenCall { .. }), "{refused:?}");
}

#[test]
fn texts_are_bounded() {
    let mut world = World::new(3, 2);
    let wrong = [
        ProposalArgs { title: String::new(), ..proposal(pay(5)) },
        ProposalArgs { title: "t".repeat(101), ..proposal(pay(5)) },
        ProposalArgs { description: "d".repeat(2_001), ..proposal(pay(5)) },
        ProposalArgs { depends_on: vec![0; 11], ..proposal(pay(5)) },
    ];
    for args in wrong {
        let refused = world.wallet.propose(person(1), args, world.now).unwrap_err();
        assert!(matches!(request(refused), WalletRequestError::Invalid(_)));
    }
    let id = world.propose(1, pay(5)).unwrap();
    assert!(world.wallet.approve(person(2), id, Some("n".repeat(201)), world.now).is_err());
    world.wallet.approve(person(2), id, Some("n".repeat(200)), world.now).unwrap();
}
