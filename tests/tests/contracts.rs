//! Wallets, distributions and locks on canister wasm: bought like tokens, refused before money moves, and alive without
//! their factory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails here says enough")]

use cairn::platform::{Options, Platform, account, payment, token, user, wallet};
use cairn_events::payload::{CallbackAccepted, ContractStatus, Movement, Notification, ProposalCreated};
use cairn_events::topic::Service;
use cairn_events::{Amount, Payload, Principal, Timestamp};
use cairn_kit::api::backend::{BackendError, BackendRequestError, CreateDistributionArgs};
use cairn_kit::api::contract::NotificationStatus;
use cairn_kit::api::distribution::{
    Campaign, Category, ClaimArgs, ClaimReceipt, DistributionArgs, DistributionError, Frequency, Funding, Membership,
    PayoutStatus, RecipientArgs, Schedule, Statistics, TokenInfo,
};
use cairn_kit::api::factory::{CallbackError, NotificationsAccepted};
use cairn_kit::api::multisig::{EffectOutcome, ProposalStatus, ProposalView, WalletError};
use cairn_tests::invariants;
use cairn_tests::witness::witness;
use std::sync::{LazyLock, Mutex, PoisonError};

/// What is put into contracts.
const CONTENT: Amount = Amount(100_000_000);
const HOUR: u64 = 3_600;

/// A platform that sells everything, booted once; every test has a fork of its own.
static BOOTED: LazyLock<Mutex<Platform>> = LazyLock::new(|| {
    let mut platform = Platform::boot_with(Options { seed: 41, every_service: true, ..Options::default() }).unwrap();
    let (buyer, friend) = (user("buyer"), user("friend"));
    platform.afford(buyer, 5).unwrap();
    for person in [buyer, friend] {
        platform.fund(person, Amount(10 * CONTENT.0)).unwrap();
    }
    platform.settle().unwrap();
    Mutex::new(platform)
});

fn open() -> (Platform, Principal, Principal) {
    let booted = BOOTED.lock().unwrap_or_else(PoisonError::into_inner);
    (booted.fork(), user("buyer"), user("friend"))
}

/// Brings the platform to rest; no invariant may be violated.
fn rest(platform: &mut Platform) {
    platform.settle().unwrap();
    let world = witness(platform).unwrap();
    let violations = invariants::violations(&world);
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

fn buy_wallet(platform: &mut Platform, buyer: Principal, friend: Principal) -> Principal {
    let order = platform.order_wallet(wallet("Two of us", &[buyer, friend], 2));
    platform.create_wallet(buyer, order, "wallet").unwrap().unwrap();
    platform.settle().unwrap();
    platform.contract_of(buyer, "wallet").unwrap().unwrap()
}

fn in_hours(platform: &Platform, hours: u64) -> Timestamp {
    Timestamp(platform.net.now() + hours * HOUR * 1_000_000_000)
}

fn buy_lock(platform: &mut Platform, buyer: Principal, friend: Principal) -> Principal {
    let order = platform.order_lock(platform.lock(CONTENT, friend, in_hours(platform, 5)));
    platform.create_lock(buyer, order, "lock").unwrap().unwrap();
    platform.settle().unwrap();
    platform.contract_of(buyer, "lock").unwrap().unwrap()
}

/// Two sign, and the wallet pays.
fn pay(platform: &mut Platform, wallet: Principal, signers: [Principal; 2], amount: Amount) -> ProposalView {
    let [one, other] = signers;
    platform.transfer(one, account(wallet), Amount(amount.0 + platform.ledger_fee.0)).unwrap();
    let proposal = payment(platform.ledger, user("payee"), amount);
    let id = platform.call::<u64, WalletError>(wallet, one, "createProposal", (proposal,)).unwrap();
    for signer in [one, other] {
        // Whether who proposes approves is the wallet's business.
        let _: Result<ProposalView, WalletError> =
            platform.net.update(wallet, signer, "approveProposal", (id, None::<String>)).unwrap();
    }
    platform.call::<ProposalView, WalletError>(wallet, one, "executeProposal", (id,)).unwrap()
}

#[test]
fn a_wallet_is_bought_and_pays_what_two_have_signed() {
    let (mut platform, buyer, friend) = open();
    let wallet = buy_wallet(&mut platform, buyer, friend);
    let controllers = platform.net.controllers(wallet).unwrap();
    assert!(controllers.contains(&wallet) && !controllers.contains(&buyer), "nobody can install code in it alone");
    let done = pay(&mut platform, wallet, [buyer, friend], CONTENT);
    assert_eq!(done.status, ProposalStatus::Executed);
    assert!(matches!(done.effects.first().unwrap().outcome, Some(EffectOutcome::Transferred { .. })));
    assert_eq!(platform.balance(account(user("payee"))).unwrap(), CONTENT);
    rest(&mut platform);
    let told = platform.events().unwrap().iter().filter_map(|event| match &event.payload {
        Payload::CallbackAccepted(callback) if callback.contract == wallet => Some(callback.notification),
        _ => None,
    });
    let told: Vec<Notification> = told.collect();
    for signer in [buyer, friend] {
        assert!(told.contains(&Notification::SignerAdded(signer)), "{told:?}");
    }
    assert!(told.iter().any(|one| matches!(one, Notification::ProposalCreated(_))), "{told:?}");
}

#[test]
fn a_lock_is_bought_and_pays_once_on_its_day() {
    let (mut platform, buyer, friend) = open();
    let lock = buy_lock(&mut platform, buyer, friend);
    platform.transfer(buyer, account(lock), CONTENT).unwrap();
    platform.call::<Funding, DistributionError>(lock, buyer, "activate", ()).unwrap();
    let claim = |platform: &mut Platform| -> Result<ClaimReceipt, DistributionError> {
        platform.net.update(lock, friend, "claim", (ClaimArgs::default(),)).unwrap()
    };
    assert!(claim(&mut platform).is_err(), "not before its day");
    platform.pass(5 * HOUR);
    let before = platform.balance(account(friend)).unwrap();
    let paid = claim(&mut platform).unwrap();
    assert!(matches!(paid.status, PayoutStatus::Paid { .. }), "{paid:?}");
    assert_eq!(paid.amount, Amount(CONTENT.0 - platform.ledger_fee.0), "who claims bears the fee");
    assert!(claim(&mut platform).is_err(), "once");
    assert_eq!(platform.balance(account(friend)).unwrap(), Amount(before.0 + paid.amount.0));
    rest(&mut platform);
    let statistics = platform.ask::<Statistics, DistributionError>(lock, "getStats", ()).unwrap();
    assert_eq!((statistics.paid, statistics.remaining), (paid.amount, Amount::ZERO));
    assert_eq!(statistics.status, ContractStatus::Completed);
}

fn airdrop(platform: &Platform, people: &[Principal]) -> DistributionArgs {
    let share = Amount(CONTENT.0 / people.len() as u128);
    let total = Amount(share.0 * people.len() as u128);
    let day = 86_400_000_000_000;
    let vesting = Schedule::Linear { duration: 10 * day, frequency: Frequency::Daily };
    let recipient = |person: &Principal| RecipientArgs { recipient: *person, category: 0, amount: share, note: None };
    DistributionArgs {
        title: "Airdrop".to_owned(),
        description: String::new(),
        public: true,
        campaign: Campaign::Vesting,
        token: TokenInfo { ledger: platform.ledger, symbol: "FEE".to_owned(), decimals: 8 },
        total,
        categories: vec![Category {
            name: "All".to_owned(),
            budget: total,
            members: Membership::Listed,
            schedule: vesting,
            initial_unlock: 1_000,
            start: None,
        }],
        recipients: people.iter().map(recipient).collect(),
        max_recipients: None,
        registration: None,
        start: in_hours(platform, 1),
        end: None,
        early_unlock: None,
        minimum_claim: Amount::ZERO,
        claim_limit: None,
        allow_cancel: true,
        allow_modification: true,
        refund_to: None,
    }
}

fn order(platform: &Platform, distribution: DistributionArgs) -> CreateDistributionArgs {
    CreateDistributionArgs { distribution, agreed: platform.agreed(), from_subaccount: None, billing_reference: None }
}

#[test]
fn a_distribution_vests_to_the_last_unit() {
    let (mut platform, buyer, friend) = open();
    let people = [friend, user("third"), user("fourth")];
    let order = order(&platform, airdrop(&platform, &people));
    platform.create(buyer, "createDistribution", order, "airdrop").unwrap().unwrap();
    platform.settle().unwrap();
    let contract = platform.contract_of(buyer, "airdrop").unwrap().unwrap();
    let share = Amount(CONTENT.0 / 3);
    platform.transfer(buyer, account(contract), Amount(share.0 * 3)).unwrap();
    platform.call::<Funding, DistributionError>(contract, buyer, "activate", ()).unwrap();
    let (mut claimed, mut received) = (0, 0);
    for _ in 0..12 {
        platform.pass(24 * HOUR);
        let receipt: Result<ClaimReceipt, DistributionError> =
            platform.net.update(contract, friend, "claimAll", ()).unwrap();
        if let Ok(receipt) = receipt {
            claimed += receipt.claimed.0;
            received += receipt.amount.0;
        }
        assert!(claimed <= share.0);
    }
    assert_eq!(claimed, share.0, "nothing is left over and nothing too much");
    let statistics = platform.ask::<Statistics, DistributionError>(contract, "getStats", ()).unwrap();
    assert_eq!((statistics.paid.0, statistics.fees.0), (received, share.0 - received));
    let gone = statistics.paid.0 + statistics.fees.0 + statistics.refunded.0 + statistics.penalties.0;
    assert_eq!(statistics.deposited.0, gone + statistics.remaining.0 + statistics.dust.0);
    rest(&mut platform);
}

/// What is wrong is refused before anything is recorded or moved.
#[test]
fn what_cannot_be_is_refused_before_money_moves() {
    let (mut platform, buyer, friend) = open();
    let (events, funds) = (platform.events().unwrap().len(), platform.balance(account(buyer)).unwrap());
    let refused = |platform: &mut Platform, answer: Result<_, BackendError>, field: &str| {
        match answer.map(drop).unwrap_err() {
            BackendError::Request(BackendRequestError::Invalid { field: named, problem }) => {
                assert_eq!(named, field, "{problem}");
            }
            other => panic!("{other}"),
        }
        assert_eq!(platform.events().unwrap().len(), events);
        assert_eq!(platform.balance(account(buyer)).unwrap(), funds);
    };
    for (threshold, signers, field) in [
        (0, vec![buyer, friend], "wallet.rules.threshold"),
        (3, vec![buyer, friend], "wallet.rules.threshold"),
        (1, vec![buyer, buyer], "wallet.signers"),
        (1, vec![friend], "wallet.signers"),
        (1, vec![buyer, Principal::anonymous()], "wallet.signers"),
    ] {
        let order = platform.order_wallet(wallet("Wrong", &signers, threshold));
        let answer = platform.create_wallet(buyer, order, "wrong").unwrap();
        refused(&mut platform, answer, field);
    }
    let past = platform.order_lock(platform.lock(CONTENT, friend, Timestamp(platform.net.now())));
    let answer = platform.create_lock(buyer, past, "wrong").unwrap();
    refused(&mut platform, answer, "lock.unlock_at");
    let nobody = platform.order_lock(platform.lock(CONTENT, Principal::anonymous(), in_hours(&platform, 2)));
    let answer = platform.create_lock(buyer, nobody, "wrong").unwrap();
    refused(&mut platform, answer, "lock.recipients[0].recipient");
    let twice = order(&platform, airdrop(&platform, &[friend, friend]));
    let answer = platform.create(buyer, "createDistribution", twice, "wrong").unwrap();
    refused(&mut platform, answer, "distribution.recipients[1]");
    let mut late = airdrop(&platform, &[friend]);
    late.start = Timestamp(1);
    let late = order(&platform, late);
    let answer = platform.create(buyer, "createDistribution", late, "wrong").unwrap();
    refused(&mut platform, answer, "distribution.start");
}

/// A repeated request is answered with the same record, even when its time has passed.
#[test]
fn a_lock_asked_for_again_after_its_day_is_the_same_lock() {
    let (mut platform, buyer, friend) = open();
    let order = platform.order_lock(platform.lock(CONTENT, friend, in_hours(&platform, 1)));
    let first = platform.create_lock(buyer, order.clone(), "lock").unwrap().unwrap();
    platform.settle().unwrap();
    platform.pass(2 * HOUR);
    let again = platform.create_lock(buyer, order, "lock").unwrap().unwrap();
    assert_eq!(again.id, first.id);
}

/// Contracts need their factory to be told of, not to live.
#[test]
fn contracts_work_while_their_factory_is_stopped() {
    let (mut platform, buyer, friend) = open();
    let order = platform.order(token(buyer, "Moon", "MOON"));
    platform.create_token(buyer, order, "token").unwrap().unwrap();
    let (wallet, lock) = (buy_wallet(&mut platform, buyer, friend), buy_lock(&mut platform, buyer, friend));
    platform.settle().unwrap();
    let token = platform.contract_of(buyer, "token").unwrap().unwrap();
    let admin = platform.admin;
    for (_, factory) in platform.factories() {
        platform.net.stop(factory, admin).unwrap();
    }
    platform.transfer_on(token, buyer, account(friend), Amount(5)).unwrap();
    assert_eq!(platform.balance_at(token, account(friend)).unwrap(), Amount(5));
    assert_eq!(pay(&mut platform, wallet, [buyer, friend], CONTENT).status, ProposalStatus::Executed);
    platform.transfer(buyer, account(lock), CONTENT).unwrap();
    platform.call::<Funding, DistributionError>(lock, buyer, "activate", ()).unwrap();
    platform.pass(6 * HOUR);
    let arguments = (ClaimArgs::default(),);
    platform.call::<ClaimReceipt, DistributionError>(lock, friend, "claim", arguments).unwrap();
    for (_, factory) in platform.factories() {
        platform.net.start_canister(factory, admin).unwrap();
    }
    // What they had to tell waits for the factory, however long.
    platform.pass(6 * HOUR);
    rest(&mut platform);
    let heard = platform.events().unwrap().iter().any(|event| {
        matches!(&event.payload, Payload::CallbackAccepted(callback)
            if callback.contract == token && callback.notification == Notification::HolderAdded(friend))
    });
    assert!(heard);
}

/// Every endpoint that contracts tell their factory by, what it is to record of `who`, and which contracts may say it. No
/// factory here makes contracts with participants or members.
fn notifications(who: Principal) -> [(&'static str, Notification, &'static [Service]); 19] {
    use Notification as N;
    use Service::{Distribution, Multisig, Token};
    let movement = |from, to| Movement { token: None, from, to, amount: Amount(7) };
    let (transfer, mint, burn) = (movement(Some(who), Some(who)), movement(None, Some(who)), movement(Some(who), None));
    [
        ("notifyDeploymentComplete", N::DeploymentComplete, &[Token, Multisig, Distribution]),
        ("notifyHolderAdded", N::HolderAdded(who), &[Token]),
        ("notifyHolderRemoved", N::HolderRemoved(who), &[Token]),
        ("notifySignerAdded", N::SignerAdded(who), &[Multisig]),
        ("notifySignerRemoved", N::SignerRemoved(who), &[Multisig]),
        ("notifyObserverAdded", N::ObserverAdded(who), &[Multisig]),
        ("notifyObserverRemoved", N::ObserverRemoved(who), &[Multisig]),
        ("notifyRecipientAdded", N::RecipientAdded(who), &[Distribution]),
        ("notifyRecipientRemoved", N::RecipientRemoved(who), &[Distribution]),
        ("notifyParticipantAdded", N::ParticipantAdded(who), &[]),
        ("notifyParticipantRemoved", N::ParticipantRemoved(who), &[]),
        ("notifyMemberAdded", N::MemberAdded(who), &[]),
        ("notifyMemberRemoved", N::MemberRemoved(who), &[]),
        ("notifyProposalCreated", N::ProposalCreated(ProposalCreated { proposal: 5, proposer: who }), &[Multisig]),
        ("notifyTransfer", N::Transfer(transfer), &[Token, Multisig]),
        ("notifyMint", N::Mint(mint), &[Token]),
        ("notifyBurn", N::Burn(burn), &[Token]),
        ("notifyVisibilityChanged", N::VisibilityChanged(false), &[Multisig, Distribution]),
        ("notifyStatusChanged", N::StatusChanged(ContractStatus::Frozen), &[Multisig, Distribution]),
    ]
}

/// What the endpoint is called with that says `notification`, under its number.
fn arguments((contract, epoch, sequence): (Principal, u64, u64), notification: Notification) -> Vec<u8> {
    use Notification as N;
    let encoded = match notification {
        N::DeploymentComplete => candid::encode_args((contract, epoch, sequence)),
        N::ProposalCreated(ProposalCreated { proposal, proposer }) => {
            candid::encode_args((contract, epoch, sequence, proposal, proposer))
        }
        N::Transfer(movement) | N::Mint(movement) | N::Burn(movement) => {
            candid::encode_args((contract, epoch, sequence, movement))
        }
        N::VisibilityChanged(public) => candid::encode_args((contract, epoch, sequence, public)),
        N::StatusChanged(status) => candid::encode_args((contract, epoch, sequence, status)),
        role => {
            let (_, who, _) = role.role().unwrap();
            candid::encode_args((contract, epoch, sequence, who))
        }
    };
    encoded.unwrap()
}

/// Each endpoint records exactly what it is called by, for contracts that may say it, and nothing for others.
#[test]
fn each_notification_is_recorded_as_it_was_told() {
    let (mut platform, buyer, friend) = open();
    let order = platform.order(token(buyer, "Moon", "MOON"));
    platform.create_token(buyer, order, "token").unwrap().unwrap();
    let (wallet, lock) = (buy_wallet(&mut platform, buyer, friend), buy_lock(&mut platform, buyer, friend));
    let token = platform.contract_of(buyer, "token").unwrap().unwrap();
    for (service, contract) in [(Service::Token, token), (Service::Multisig, wallet), (Service::Distribution, lock)] {
        let factory = platform.factory_of(service).unwrap();
        let told: NotificationStatus =
            platform.net.query(contract, Principal::anonymous(), "getNotificationStatus", ()).unwrap();
        let (epoch, mut sequence) = (told.epoch, told.acknowledgedThrough + 1);
        for (method, notification, speakers) in notifications(user("somebody")) {
            let before = platform.events().unwrap().len();
            let argument = arguments((contract, epoch, sequence), notification);
            let reply = platform.net.update_raw(factory, contract, method, argument).unwrap();
            let reply: Result<NotificationsAccepted, CallbackError> = candid::decode_one(&reply).unwrap();
            let recorded: Vec<Payload> =
                platform.events().unwrap().iter().skip(before).map(|event| event.payload.clone()).collect();
            if speakers.contains(&service) {
                assert_eq!(reply, Ok(NotificationsAccepted { accepted_through: sequence }), "{method}");
                let accepted = CallbackAccepted { contract, epoch, seq: sequence, notification };
                assert_eq!(recorded, [Payload::CallbackAccepted(accepted)], "{method}");
                sequence += 1;
            } else {
                assert_eq!(reply, Err(CallbackError::NotOfThisKind { sequence }), "{method} of {contract}");
                assert!(recorded.is_empty(), "{method} of {contract}: {recorded:?}");
            }
        }
    }
}
