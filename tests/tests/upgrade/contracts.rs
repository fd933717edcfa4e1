//! Upgrades of wallets and distributions, which hold third parties' money; and cycles for contracts.

use crate::estate::{CONTENT, Estate, SECOND, SHARE, buyer, friend};
use cairn::platform::{account, payment, user};
use cairn_events::payload::{Consent, ContractToppedUp};
use cairn_events::topic::Service;
use cairn_events::{Amount, Kind, Payload, Principal};
use cairn_kit::api::distribution::{ClaimReceipt, DistributionError, Statistics};
use cairn_kit::api::factory::{FactoryError, FactoryRequestError as Request};
use cairn_kit::api::multisig::{ProposalView, WalletError, WalletInfo};
use cairn_kit::api::upgrade::{UpgradeInfo, UpgradePolicy, UpgradeStep};
use localnet::{Action, Fault};

/// What the wallet pays at a time.
const PAYMENT: Amount = Amount(1_000_000);
/// Cycles that are deposited.
const DEPOSIT: u64 = 100_000_000_000;

/// What the log tells of an upgrade that succeeds.
const STORY: [Kind; 6] = [
    Kind::UpgradeRequested,
    Kind::UpgradeIntended,
    Kind::SnapshotTaken,
    Kind::UpgradeInstalled,
    Kind::UpgradeConfirmed,
    Kind::UpgradeSettled,
];

/// What the log tells of upgrades of a contract.
fn story(estate: &mut Estate, contract: Principal) -> Vec<Kind> {
    let about = estate.platform.events().unwrap().iter().filter(|event| event.payload.contract() == Some(contract));
    about.map(|event| event.payload.kind()).filter(|kind| STORY.contains(kind)).collect()
}

fn info(estate: &mut Estate, wallet: Principal) -> WalletInfo {
    estate.platform.ask::<WalletInfo, WalletError>(wallet, "getWalletInfo", ()).unwrap()
}

#[test]
fn a_wallet_is_upgraded_by_its_own_proposal() {
    let mut estate = Estate::open();
    let (wallet, factory) = (estate.contract(Service::Multisig), estate.factory(Service::Multisig));
    let pay = payment(estate.platform.ledger, user("payee"), PAYMENT);
    estate.platform.transfer(buyer(), account(wallet.id), CONTENT).unwrap();
    let first = estate.propose(pay.clone());
    let paid = estate.carry_out(first);
    let open = estate.propose(pay);
    for signer in [buyer(), friend()] {
        let alone: Result<UpgradeInfo, FactoryError> =
            factory.call(&mut estate.platform.net, signer, "requestUpgrade", (wallet.id, Some(SECOND)));
        assert_eq!(alone, Err(FactoryError::Request(Request::Unauthorized { caller: signer })));
    }
    let before = info(&mut estate, wallet.id);

    let upgrade = estate.upgrade(wallet);
    assert_eq!((upgrade.consent, upgrade.version.as_str()), (Consent::Contract, SECOND));
    let policy: UpgradePolicy = factory.ask(&mut estate.platform.net, "getUpgradePolicy", (wallet.id,));
    assert_eq!((policy.module_hash, policy.upgrade), (wallet.second, None));
    assert_eq!(story(&mut estate, wallet.id), STORY);

    let after = info(&mut estate, wallet.id);
    assert_eq!((after.name, after.members, after.rules), (before.name, before.members, before.rules));
    assert_eq!(after.proposals, before.proposals + 1, "the one that asked for the upgrade");
    let known = estate.platform.ask::<ProposalView, WalletError>(wallet.id, "getProposal", (first,)).unwrap();
    assert_eq!(known, paid);
    estate.carry_out(open);
    assert_eq!(estate.platform.balance(account(user("payee"))).unwrap(), Amount(2 * PAYMENT.0));
    estate.rest();
}

#[test]
fn a_distribution_is_upgraded_between_two_claims() {
    let mut estate = Estate::open();
    let (distribution, factory) = (estate.contract(Service::Distribution), estate.factory(Service::Distribution));
    estate.fund_distribution();
    let funds = estate.platform.balance(account(friend())).unwrap();
    let first = estate.claim().unwrap();
    assert!(Amount::ZERO < first.claimed && first.claimed < SHARE, "{first:?}");
    let refused: Result<UpgradeInfo, FactoryError> =
        factory.call(&mut estate.platform.net, friend(), "requestUpgrade", (distribution.id, Some(SECOND)));
    assert_eq!(refused, Err(FactoryError::Request(Request::Unauthorized { caller: friend() })));

    let upgrade = estate.upgrade(distribution);
    assert_eq!((upgrade.consent, upgrade.version.as_str()), (Consent::Owner, SECOND));
    assert_eq!(story(&mut estate, distribution.id), STORY);

    estate.pass_days(6);
    let second = estate.claim().unwrap();
    assert_eq!(first.claimed.0 + second.claimed.0, SHARE.0);
    assert!(estate.claim().is_err(), "nothing is left");
    let received = Amount(funds.0 + first.amount.0 + second.amount.0);
    assert_eq!(estate.platform.balance(account(friend())).unwrap(), received);
    let books = estate.platform.ask::<Statistics, DistributionError>(distribution.id, "getStats", ()).unwrap();
    assert_eq!((books.paid.0, books.fees.0), (first.amount.0 + second.amount.0, first.fee.0 + second.fee.0));
    assert_eq!(books.deposited.0, books.paid.0 + books.fees.0 + books.remaining.0 + books.dust.0);
    estate.rest();
}

/// Other code would get the answer that it waits for.
#[test]
fn a_distribution_that_waits_for_its_ledger_is_left_alone() {
    let mut estate = Estate::open();
    let distribution = estate.contract(Service::Distribution);
    let first = estate.runs(distribution);
    estate.fund_distribution();
    let silence = Fault::new(Action::Silence).callee(estate.platform.ledger).caller(distribution.id);
    estate.platform.net.inject(silence.method("icrc1_transfer"));
    let claim = estate.platform.net.submit(distribution.id, friend(), "claimAll", ());
    estate.platform.net.run_until_idle(10_000);
    assert_eq!(estate.platform.net.struck_faults().len(), 1);
    let before = estate.platform.net.stable_memory(distribution.id);

    estate.ask_for_upgrade(distribution);
    estate.platform.net.run_until_idle(10_000);
    let upgrade = estate.last_upgrade(distribution);
    assert_eq!((upgrade.step, upgrade.settled), (UpgradeStep::Abandoned, true), "{upgrade:?}");
    let reason = upgrade.reason.unwrap();
    assert!(reason.code == "refused" && reason.detail.starts_with("1 transfers wait"), "{reason:?}");
    assert!(estate.platform.net.stable_memory(distribution.id) == before, "it was touched");
    assert_eq!(estate.runs(distribution), first);
    assert_eq!(story(&mut estate, distribution.id), [Kind::UpgradeRequested]);

    // Once the ledger has answered, nothing keeps it from being upgraded.
    estate.platform.net.clear_faults();
    estate.platform.net.run_until_idle(10_000);
    let paid = estate.platform.net.poll::<Result<ClaimReceipt, DistributionError>>(&claim);
    assert!(matches!(&paid, Some(Ok(Ok(receipt))) if receipt.claimed > Amount::ZERO), "{paid:?}");
    estate.upgrade(distribution);
}

/// A wallet is a canister that has cycles and spends them when its signers say so.
#[test]
fn a_contract_gets_the_cycles_that_another_one_sends() {
    let mut estate = Estate::open();
    let [token, wallet] = [Service::Token, Service::Multisig].map(|service| estate.contract(service).id);
    let factory = estate.factory(Service::Token).id;
    let cycles = |estate: &Estate| [token, wallet, factory].map(|id| estate.platform.net.cycles(id).unwrap());
    let before = cycles(&estate);
    estate.have_called(factory, "topUpContract", (token,), DEPOSIT);
    estate.rest();
    let deposit = u128::from(DEPOSIT);
    let after = [before[0] + deposit, before[1] - deposit, before[2]];
    assert_eq!(cycles(&estate), after, "the token has it, of the wallet, and the factory has lost nothing");

    // What is too little to be worth an event comes back.
    estate.have_called(factory, "topUpContract", (token,), 1);
    estate.rest();
    assert_eq!(cycles(&estate), after);
    let deposits = estate.platform.events().unwrap().iter().filter_map(|event| match &event.payload {
        Payload::ContractToppedUp(deposit) => Some(deposit),
        _ => None,
    });
    assert_eq!(deposits.collect::<Vec<_>>(), [&ContractToppedUp { contract: token, cycles: DEPOSIT }]);
}
