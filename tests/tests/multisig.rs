//! The multisig wallet as compiled wasm, with our token as its ledger: payments, upgrades in between, strangers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails here says enough")]

use cairn_events::payload::Account;
use cairn_events::{Amount, Timestamp};
use cairn_kit::api::ledger::{InitArgs, LedgerArg, ledger_account};
use cairn_kit::api::multisig::{
    Action, AssetPolicy, ContractCall, EffectOutcome, EmergencyAct, MAX_LIFETIME, MIN_RECOVERY_DELAY, MultisigArgs,
    NewMember, NewSigner, ProposalArgs, ProposalPage, ProposalStatus, ProposalView, RecoveryRules, SignerRole,
    TokenTransfer, TrailPage, TrailTip, WalletError, WalletInfo, WalletInit, WalletPhase, WalletRequestError,
    WalletRules, WalletTemporaryError,
};
use cairn_tests::methods::{Method, updates};
use candid::{Nat, Principal, encode_args};
use localnet::{Fault, MessageKind, Net};
use serde_bytes::ByteBuf;
use std::time::Duration;

const FEE: u128 = 10_000;
const CYCLES: u128 = 10_000_000_000_000;
const FUNDS: u128 = 1_000_000_000;

fn person(n: u64) -> Principal {
    Principal::self_authenticating(n.to_be_bytes())
}

fn args(public: bool) -> MultisigArgs {
    let signer = |n| NewSigner { principal: person(n), name: None, role: SignerRole::Owner };
    MultisigArgs {
        name: "Treasury".to_owned(),
        description: None,
        signers: vec![signer(1), signer(2), signer(3)],
        observers: vec![NewMember { principal: person(4), name: None }],
        guardians: vec![NewMember { principal: person(5), name: None }],
        rules: WalletRules {
            threshold: 2,
            timelock: 0,
            proposal_lifetime: MAX_LIFETIME,
            consensus_for_changes: false,
            policies: Vec::new(),
            recovery: Some(RecoveryRules { threshold: 1, delay: MIN_RECOVERY_DELAY }),
        },
        public,
    }
}

/// A network with a token and a wallet that holds some of it.
struct World {
    net: Net,
    token: Principal,
    wallet: Principal,
}

fn wasm() -> Vec<u8> {
    cairn::artifacts::test_wasm("multisig").unwrap()
}

impl World {
    fn new(args: MultisigArgs) -> Self {
        let mut net = Net::default();
        let token = net.create_canister(person(0), CYCLES);
        let wallet = net.create_canister(person(0), CYCLES);
        let account = |owner| ledger_account(Account { owner, subaccount: None });
        let ledger = LedgerArg::Init(InitArgs {
            initial_balances: vec![(account(wallet), Nat::from(FUNDS))],
            ..InitArgs::new(account(person(0)), "TT", "Test Token", FEE)
        });
        let ledger = encode_args((ledger,)).unwrap();
        net.install(token, person(0), &cairn::artifacts::wasm("token").unwrap(), ledger).unwrap();
        let init = WalletInit { wallet: args, creator: person(1), factory: None, epoch: 0 };
        net.install(wallet, person(0), &wasm(), encode_args((init,)).unwrap()).unwrap();
        World { net, token, wallet }
    }

    fn upgrade(&mut self) {
        self.net.upgrade(self.wallet, person(0), &wasm(), encode_args(()).unwrap()).unwrap();
    }

    fn balance(&mut self, owner: Principal) -> u128 {
        let account = ledger_account(Account { owner, subaccount: None });
        let balance: Nat = self.net.query(self.token, person(9), "icrc1_balance_of", (account,)).unwrap();
        u128::try_from(balance.0).unwrap()
    }

    fn transfer(&self, amount: u128) -> TokenTransfer {
        let to = Account { owner: person(7), subaccount: None };
        TokenTransfer { ledger: self.token, to, amount: Amount(amount), memo: None }
    }

    fn propose(&mut self, by: u64, action: Action) -> Result<u64, WalletError> {
        let args = ProposalArgs {
            title: "Title".to_owned(),
            description: String::new(),
            action,
            lifetime: None,
            depends_on: Vec::new(),
        };
        self.net.update(self.wallet, person(by), "createProposal", (args,)).unwrap()
    }

    fn approve(&mut self, by: u64, id: u64) -> Result<ProposalView, WalletError> {
        let note: Option<String> = None;
        self.net.update(self.wallet, person(by), "approveProposal", (id, note)).unwrap()
    }

    fn execute(&mut self, by: u64, id: u64) -> Result<ProposalView, WalletError> {
        self.net.update(self.wallet, person(by), "executeProposal", (id,)).unwrap()
    }

    fn approved(&mut self, action: Action, approvals: u64) -> u64 {
        let id = self.propose(1, action).unwrap();
        for by in 2..=approvals {
            self.approve(by, id).unwrap();
        }
        id
    }

    fn proposal(&mut self, id: u64) -> ProposalView {
        let view: Result<ProposalView, WalletError> =
            self.net.query(self.wallet, person(4), "getProposal", (id,)).unwrap();
        view.unwrap()
    }

    fn pass(&mut self, seconds: u64) {
        self.net.advance(Duration::from_secs(seconds));
        self.net.run_until_idle(1_000);
    }
}

#[test]
fn a_payment_is_made_by_two_of_three_with_upgrades_in_between() {
    let mut world = World::new(args(false));
    let transfer = world.transfer(5_000_000);
    let id = world.propose(1, Action::Transfer(transfer)).unwrap();
    world.upgrade();
    let early = world.execute(1, id).unwrap_err();
    let few = WalletRequestError::NotApproved { proposal: id, approvals: 1, required: 2 };
    assert_eq!(early, WalletError::Request(few));
    assert_eq!(world.approve(2, id).unwrap().status, ProposalStatus::Approved);
    world.upgrade();
    let executed = world.execute(3, id).unwrap();
    assert_eq!(executed.status, ProposalStatus::Executed);
    assert!(matches!(executed.effects.as_slice(), [effect] if effect.fee == Some(Amount(FEE))));
    let (to, wallet) = (person(7), world.wallet);
    assert_eq!((world.balance(to), world.balance(wallet)), (5_000_000, FUNDS - 5_000_000 - FEE));
    let again = world.execute(1, id).unwrap_err();
    let over = WalletRequestError::NotOpen { proposal: id, status: ProposalStatus::Executed };
    assert_eq!(again, WalletError::Request(over));
    assert_eq!(world.balance(to), 5_000_000);
}

#[test]
fn an_answer_that_is_lost_is_made_up_for_by_the_timer() {
    let mut world = World::new(args(false));
    let transfer = world.transfer(5_000_000);
    let id = world.approved(Action::Transfer(transfer), 2);
    world.net.inject(Fault::trap().method("icrc1_transfer").kind(MessageKind::ReplyCallback));
    let trapped: Result<Result<ProposalView, WalletError>, _> =
        world.net.update(world.wallet, person(1), "executeProposal", (id,));
    trapped.unwrap_err();
    assert_eq!(world.net.struck_faults().len(), 1);
    assert_eq!(world.proposal(id).status, ProposalStatus::Executing);
    world.pass(400);
    world.pass(400);
    let view = world.proposal(id);
    assert_eq!(view.status, ProposalStatus::Executed, "{view:?}");
    assert_eq!(world.balance(person(7)), 5_000_000, "once");
}

#[test]
fn what_an_upgrade_interrupts_goes_on_afterwards() {
    let mut world = World::new(args(false));
    let batch = vec![world.transfer(1_000), world.transfer(1_000), world.transfer(2_000)];
    let id = world.approved(Action::BatchTransfer(batch), 2);
    world.net.submit(world.wallet, person(1), "executeProposal", (id,));
    // A few rounds, so that something is under way, then other code: answers to the old one are dropped.
    for _ in 0..3 {
        world.net.tick();
    }
    world.upgrade();
    world.pass(400);
    world.pass(1_000);
    assert_eq!(world.proposal(id).status, ProposalStatus::Executed, "{:?}", world.proposal(id));
    assert_eq!(world.balance(person(7)), 4_000, "each once");
}

#[test]
fn a_freeze_stops_payments_and_the_daily_limit_holds() {
    let world = World::new(args(false));
    let token = world.token;
    let mut limited = args(false);
    limited.rules.policies = vec![AssetPolicy { ledger: token, daily_limit: Some(Amount(1_000)), large_amount: None }];
    // The ledger's id is the same on every such network.
    let mut world = World::new(limited);
    assert_eq!(world.token, token);
    let (one, other) = (world.transfer(1_000), world.transfer(1));
    let (one, other) = (world.approved(Action::Transfer(one), 2), world.approved(Action::Transfer(other), 2));
    let frozen: Result<(), WalletError> = world.net.update(world.wallet, person(5), "freezeWallet", ("why",)).unwrap();
    frozen.unwrap();
    assert!(matches!(world.execute(1, one), Err(WalletError::Temporary(WalletTemporaryError::Frozen { .. }))));
    let unfreeze = world.approved(Action::EmergencyAction(EmergencyAct::UnfreezeWallet), 3);
    world.execute(1, unfreeze).unwrap();
    world.execute(1, one).unwrap();
    let refused = world.execute(1, other).unwrap_err();
    let WalletError::Temporary(WalletTemporaryError::DailyLimit { retry_at: Timestamp(at), .. }) = refused else {
        panic!("{refused:?}")
    };
    let wait = at - world.net.now();
    world.pass(wait / 1_000_000_000 + 1);
    world.execute(1, other).unwrap();
    assert_eq!(world.balance(person(7)), 1_001);
}

#[test]
fn calls_reach_other_canisters_and_never_the_wallet() {
    let mut world = World::new(args(false));
    let call = |canister, method: &str| {
        let args = ByteBuf::from(encode_args(()).unwrap());
        Action::ContractCall(ContractCall { canister, method: method.to_owned(), args, cycles: 0 })
    };
    let (wallet, token) = (world.wallet, world.token);
    assert!(matches!(
        world.propose(1, call(wallet, "executeProposal")),
        Err(WalletError::Request(WalletRequestError::ForbiddenCall { .. }))
    ));
    let id = world.approved(call(token, "icrc1_symbol"), 3);
    let view = world.execute(1, id).unwrap();
    let Some(EffectOutcome::Replied { reply, .. }) = view.effects.first().and_then(|effect| effect.outcome.clone())
    else {
        panic!("{view:?}")
    };
    assert_eq!(candid::decode_one::<String>(&reply).unwrap(), "TT");
}

#[test]
fn a_private_wallet_is_read_by_its_members_and_a_public_one_by_all() {
    for public in [false, true] {
        let mut world = World::new(args(public));
        let wallet = world.wallet;
        for (reader, may) in [(person(1), true), (person(4), true), (person(5), true), (person(77), public)] {
            let info: Result<WalletInfo, WalletError> = world.net.query(wallet, reader, "getWalletInfo", ()).unwrap();
            assert_eq!(info.is_ok(), may);
            let none: (Option<u64>, Option<u32>) = (None, None);
            let trail: Result<TrailPage, WalletError> = world.net.query(wallet, reader, "getEvents", none).unwrap();
            assert_eq!(trail.is_ok(), may);
            let pages = (None::<u64>, None::<u32>, None::<ProposalStatus>);
            let page: Result<ProposalPage, WalletError> =
                world.net.query(wallet, reader, "getProposals", pages).unwrap();
            assert_eq!(page.is_ok(), may);
            let tip: Result<TrailTip, WalletError> = world.net.query(wallet, reader, "getEventsTip", ()).unwrap();
            assert_eq!(tip.is_ok(), may);
        }
        let info: Result<WalletInfo, WalletError> = world.net.query(wallet, person(1), "getWalletInfo", ()).unwrap();
        assert_eq!(info.unwrap().phase, WalletPhase::Active);
    }
}

#[test]
fn the_trail_hashes_to_what_is_certified() {
    let mut world = World::new(args(true));
    let transfer = world.transfer(5);
    let id = world.approved(Action::Transfer(transfer), 2);
    world.execute(1, id).unwrap();
    let none: (Option<u64>, Option<u32>) = (None, None);
    let trail: Result<TrailPage, WalletError> = world.net.query(world.wallet, person(9), "getEvents", none).unwrap();
    let entries = trail.unwrap().entries;
    for pair in entries.windows(2) {
        let [one, other] = pair else { panic!("two") };
        assert_eq!(other.parent, Some(one.hash().unwrap()));
    }
    let tip = entries.last().unwrap().hash().unwrap();
    assert_eq!(world.net.certified_data(world.wallet), Some(tip.as_bytes().to_vec()));
}

// ---- strangers ----

#[test]
fn strangers_change_nothing_by_whatever_method() {
    let mut world = World::new(args(true));
    let transfer = world.transfer(5);
    world.approved(Action::Transfer(transfer), 2);
    let methods = updates(&world.net, world.wallet);
    assert!(methods.len() >= 14, "{methods:?}");
    let before = (world.net.stable_memory(world.wallet), world.net.certified_data(world.wallet));
    for Method { name: method, argument } in methods {
        for caller in [Principal::anonymous(), person(77), person(4)] {
            let _ = world.net.update_raw(world.wallet, caller, &method, argument.clone());
            let after = (world.net.stable_memory(world.wallet), world.net.certified_data(world.wallet));
            assert!(after == before, "{method} by {caller} changed something");
        }
    }
}
