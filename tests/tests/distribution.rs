//! The distribution as compiled wasm, on our own ledger: funded, claimed of, upgraded, with replies lost at every await.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails here says enough")]

use cairn_events::merkle::{append, inclusion_proof, root};
use cairn_events::payload::ContractStatus;
use cairn_events::{Amount, Hash, Timestamp};
use cairn_kit::api::distribution::{
    Campaign, Category, ClaimArgs, ClaimReceipt, DAY, DistributionArgs, DistributionError, DistributionInit,
    DistributionRequestError as Request, Frequency, Funding, Membership, MerkleClaim, MerkleRoot, PayoutStatus,
    RecipientArgs, RecipientView, RegisterArgs, Schedule, Statistics, TokenInfo, merkle_leaf,
};
use cairn_kit::api::ledger::{InitArgs, LedgerArg};
use candid::utils::ArgumentEncoder;
use candid::{Nat, Principal, encode_args};
use icrc_ledger_types::icrc1::account::Account;
use icrc_ledger_types::icrc2::approve::{ApproveArgs, ApproveError};
use localnet::{Action, Fault, Incident, MessageKind, Net, RejectCode};
use std::time::Duration;

const FEE: u64 = 10_000;
const CYCLES: u128 = 10_000_000_000_000;
const TOTAL: u64 = 1_000_000_000;

fn person(n: u64) -> Principal {
    Principal::self_authenticating(n.to_be_bytes())
}

fn controller() -> Principal {
    person(0)
}

fn owner() -> Principal {
    person(1)
}

/// A network with a token of which the owner has plenty, and a distribution of it.
struct Stage {
    net: Net,
    token: Principal,
    contract: Principal,
}

fn category(name: &str, budget: u64, members: Membership, schedule: Schedule) -> Category {
    Category { name: name.to_owned(), budget: budget.into_amount(), members, schedule, initial_unlock: 0, start: None }
}

trait IntoAmount {
    fn into_amount(self) -> Amount;
}

impl IntoAmount for u64 {
    fn into_amount(self) -> Amount {
        Amount(self.into())
    }
}

impl Stage {
    /// Half at once for two people, a tenth by proof, the rest over a hundred days for one of the two.
    fn new() -> Self {
        let mut net = Net::default();
        let token = net.create_canister(controller(), CYCLES);
        let plenty = vec![(Account::from(owner()), Nat::from(10 * TOTAL))];
        let init = InitArgs {
            initial_balances: plenty,
            ..InitArgs::new(Account::from(controller()), "TT", "Test Token", FEE)
        };
        let ledger = encode_args((LedgerArg::Init(init),)).unwrap();
        net.install(token, controller(), &cairn::artifacts::wasm("token").unwrap(), ledger).unwrap();
        let contract = net.create_canister(controller(), CYCLES);
        let named = |n, category, amount: u64| RecipientArgs {
            recipient: person(n),
            category,
            amount: amount.into_amount(),
            note: None,
        };
        let args = DistributionArgs {
            title: "Seed round".to_owned(),
            description: String::new(),
            public: true,
            campaign: Campaign::Vesting,
            token: TokenInfo { ledger: token, symbol: "TT".to_owned(), decimals: 8 },
            total: TOTAL.into_amount(),
            categories: vec![
                category("At once", TOTAL / 2, Membership::Listed, Schedule::Instant),
                category("Proven", TOTAL / 10, Membership::Merkle, Schedule::Instant),
                category(
                    "Over time",
                    TOTAL / 10 * 4,
                    Membership::Listed,
                    Schedule::Linear { duration: 100 * DAY, frequency: Frequency::Daily },
                ),
            ],
            recipients: vec![named(2, 0, TOTAL / 4), named(3, 0, TOTAL / 4), named(2, 2, TOTAL / 10 * 4)],
            max_recipients: None,
            registration: None,
            start: Timestamp(net.now() + DAY),
            end: None,
            early_unlock: None,
            minimum_claim: Amount::ZERO,
            claim_limit: None,
            allow_cancel: true,
            allow_modification: true,
            refund_to: None,
        };
        let init = DistributionInit { args, owner: owner(), factory: None, epoch: None };
        net.install(contract, controller(), &wasm(), encode_args((init,)).unwrap()).unwrap();
        Stage { net, token, contract }
    }

    /// The same, funded by ICRC-2, at the start.
    fn funded() -> Self {
        let mut stage = Stage::new();
        stage.approve(TOTAL + FEE);
        let funding: Result<Funding, DistributionError> = stage.call(owner(), "depositTokens", (None::<[u8; 32]>,));
        assert_eq!(funding.unwrap().deposited, TOTAL.into_amount());
        stage.pass(Duration::from_secs(86_400));
        stage
    }

    fn approve(&mut self, amount: u64) {
        let args = ApproveArgs {
            from_subaccount: None,
            spender: Account::from(self.contract),
            amount: Nat::from(amount),
            expected_allowance: None,
            expires_at: None,
            fee: None,
            memo: None,
            created_at_time: None,
        };
        let approved: Result<Nat, ApproveError> =
            self.net.update(self.token, owner(), "icrc2_approve", (args,)).unwrap();
        approved.unwrap();
    }

    fn call<R>(&mut self, caller: Principal, method: &str, args: impl ArgumentEncoder) -> Result<R, DistributionError>
    where
        Result<R, DistributionError>: candid::CandidType + serde::de::DeserializeOwned,
    {
        self.net.update(self.contract, caller, method, args).unwrap()
    }

    fn claim(&mut self, n: u64) -> Result<ClaimReceipt, DistributionError> {
        self.call(person(n), "claim", (ClaimArgs::default(),))
    }

    fn pass(&mut self, time: Duration) {
        self.net.advance(time);
        self.net.run_until_idle(1_000);
    }

    fn upgrade(&mut self) {
        self.net.upgrade(self.contract, controller(), &wasm(), encode_args(()).unwrap()).unwrap();
    }

    fn balance(&mut self, of: Principal) -> u64 {
        let balance: Nat = self.net.query(self.token, person(9), "icrc1_balance_of", (Account::from(of),)).unwrap();
        u64::try_from(&balance.0).unwrap()
    }

    fn statistics(&mut self) -> Statistics {
        let statistics: Result<Statistics, DistributionError> =
            self.net.query(self.contract, person(9), "getStats", ()).unwrap();
        statistics.unwrap()
    }

    /// The invariant I18, against the ledger.
    fn check(&mut self) {
        let books = self.statistics();
        let accounted =
            [books.paid, books.fees, books.refunded, books.penalties, books.remaining, books.dust].map(|a| a.0);
        assert_eq!(books.deposited.0, accounted.into_iter().sum::<u128>(), "{books:?}");
        assert_eq!(books.open_transfers, 0);
        let held = self.balance(self.contract);
        assert_eq!(u128::from(held), books.remaining.0 + books.dust.0, "{books:?}");
    }
}

fn wasm() -> Vec<u8> {
    cairn::artifacts::test_wasm("distribution").unwrap()
}

#[test]
fn a_distribution_lives_from_funding_to_refund() {
    let mut stage = Stage::funded();
    let paid = stage.claim(2).unwrap();
    assert!(matches!(paid.status, PayoutStatus::Paid { block: Some(_) }));
    assert_eq!(stage.balance(person(2)), TOTAL / 4 - FEE);
    stage.upgrade();
    stage.pass(Duration::from_secs(50 * 86_400));
    stage.claim(2).unwrap();
    assert_eq!(stage.balance(person(2)), TOTAL / 4 + TOTAL / 10 * 2 - 2 * FEE);
    let before = stage.balance(owner());
    stage.call::<()>(owner(), "cancel", ()).unwrap();
    stage.pass(Duration::from_secs(60));
    assert_eq!(stage.balance(owner()), before + TOTAL - TOTAL / 4 - TOTAL / 10 * 2 - FEE);
    assert_eq!(stage.statistics().status, ContractStatus::Cancelled);
    stage.check();
}

#[test]
fn a_lost_reply_of_the_ledger_is_no_second_payment() {
    for action in [Action::Reject(RejectCode::SysUnknown, "lost".to_owned()), Action::Trap] {
        let mut stage = Stage::funded();
        let mut fault = Fault::new(action).method("icrc1_transfer").caller(stage.contract);
        fault = fault.kind(MessageKind::ReplyCallback);
        stage.net.inject(fault);
        let _ = stage.net.update_raw(stage.contract, person(3), "claim", encode_args((ClaimArgs::default(),)).unwrap());
        assert_eq!(stage.net.struck_faults().len(), 1);
        assert_eq!(stage.balance(person(3)), TOTAL / 4 - FEE, "the ledger has paid");
        stage.pass(Duration::from_secs(7_300));
        assert_eq!(stage.balance(person(3)), TOTAL / 4 - FEE);
        stage.check();
        let view: Result<RecipientView, DistributionError> =
            stage.net.query(stage.contract, person(9), "getRecipient", (person(3),)).unwrap();
        assert_eq!(view.unwrap().open_transfer, None);
    }
}

#[test]
fn an_upgrade_at_every_message_of_a_claim_pays_once() {
    for kind in [MessageKind::Request, MessageKind::ReplyCallback] {
        for method in ["icrc1_fee", "icrc1_transfer"] {
            let mut stage = Stage::new();
            stage.approve(TOTAL + FEE);
            let _: Result<Funding, DistributionError> = stage.call(owner(), "depositTokens", (None::<[u8; 32]>,));
            stage.pass(Duration::from_secs(86_400));
            let incident = Incident::Upgrade { canister: stage.contract, arg: encode_args(()).unwrap() };
            stage.net.inject(Fault::before(incident).method(method).caller(stage.contract).kind(kind));
            let args = encode_args((ClaimArgs::default(),)).unwrap();
            let _ = stage.net.update_raw(stage.contract, person(3), "claim", args);
            stage.net.clear_faults();
            stage.pass(Duration::from_secs(7_300));
            if stage.balance(person(3)) == 0 {
                stage.claim(3).unwrap();
            }
            assert_eq!(stage.balance(person(3)), TOTAL / 4 - FEE, "{method} {kind:?}");
            assert!(stage.claim(3).is_err());
            stage.check();
        }
    }
}

#[test]
fn a_deposit_whose_reply_is_lost_is_made_once() {
    let mut stage = Stage::new();
    stage.approve(2 * (TOTAL + FEE));
    let lost = Fault::reject(RejectCode::SysUnknown).method("icrc2_transfer_from").kind(MessageKind::ReplyCallback);
    stage.net.inject(lost);
    let funding: Result<Funding, DistributionError> = stage.call(owner(), "depositTokens", (None::<[u8; 32]>,));
    assert_eq!(funding.unwrap().status, PayoutStatus::Pending);
    let again: Result<Funding, DistributionError> = stage.call(owner(), "depositTokens", (None::<[u8; 32]>,));
    assert!(matches!(again, Err(DistributionError::Temporary(_))));
    stage.pass(Duration::from_secs(7_300));
    assert_eq!(stage.statistics().status, ContractStatus::Active);
    assert_eq!(stage.balance(stage.contract), TOTAL);
    stage.check();
}

/// A tree of a million leaves would take minutes here; the path of one of a thousand is half as long.
#[test]
fn a_proof_is_good_for_one_allocation() {
    let mut stage = Stage::funded();
    let account = |n: u64| cairn_events::payload::Account { owner: person(n), subaccount: None };
    let allocation = Amount(u128::from(TOTAL) / 10_000);
    let mut nodes: Vec<Hash> = Vec::new();
    for n in 0..1_000 {
        let leaf = merkle_leaf(stage.contract, 1, n, account(n + 100), allocation);
        let pushed = append(n, &leaf, &nodes).unwrap();
        nodes.extend(pushed);
    }
    let tree = MerkleRoot { category: 1, root: root(1_000, &nodes).unwrap(), leaves: 1_000 };
    stage.call::<()>(owner(), "setMerkleRoot", (tree,)).unwrap();
    let claim = |n: u64| MerkleClaim {
        category: 1,
        index: n,
        account: account(n + 100),
        allocation,
        proof: inclusion_proof(n, 1_000, &nodes).unwrap(),
    };
    let paid: ClaimReceipt = stage.call(person(107), "claimWithMerkleProof", (claim(7),)).unwrap();
    assert_eq!(paid.claimed, allocation);
    let again = stage.call::<ClaimReceipt>(person(107), "claimWithMerkleProof", (claim(7),));
    assert_eq!(again, Err(Request::NothingLeft.into()));
    let forged = MerkleClaim { account: account(108), ..claim(7) };
    let forged = stage.call::<ClaimReceipt>(person(108), "claimWithMerkleProof", (forged,));
    assert!(matches!(forged, Err(DistributionError::Request(Request::InvalidProof { .. }))));
    stage.check();
}

/// What the claim of one person takes does not depend on how many people there are.
#[test]
fn a_claim_costs_the_same_however_many_people_there_are() {
    let mut costs = Vec::new();
    for people in [0, 2_000_u64] {
        let mut stage = Stage::new();
        let list: Vec<Principal> = (0..people).map(|n| person(1_000 + n)).collect();
        for page in list.chunks(500) {
            stage.call::<()>(owner(), "addToBlacklist", (page.to_vec(),)).unwrap();
        }
        stage.approve(TOTAL + FEE);
        let _: Result<Funding, DistributionError> = stage.call(owner(), "depositTokens", (None::<[u8; 32]>,));
        stage.pass(Duration::from_secs(86_400));
        stage.net.clear_trace();
        stage.claim(3).unwrap();
        costs.push(stage.net.trace().iter().map(|entry| entry.instructions).sum::<u64>());
    }
    println!("a claim: {} instructions, beside 2,000 people: {}", costs[0], costs[1]);
    assert!(costs[1] < costs[0] * 2, "{costs:?}");
}

#[test]
fn strangers_change_nothing_by_any_method() {
    let mut stage = Stage::funded();
    let people = vec![person(2)];
    let calls: Vec<(&str, Vec<u8>)> = vec![
        ("registerForCampaign", encode_args((RegisterArgs { category: 0, nfts: vec![] },)).unwrap()),
        ("claim", encode_args((ClaimArgs::default(),)).unwrap()),
        ("claimAll", encode_args(()).unwrap()),
        ("earlyUnlockWithPenalty", encode_args((None::<u32>, None::<[u8; 32]>)).unwrap()),
        ("retryTransfer", encode_args((0_u64,)).unwrap()),
        ("depositTokens", encode_args((None::<[u8; 32]>,)).unwrap()),
        ("activate", encode_args(()).unwrap()),
        ("addRecipients", encode_args((Vec::<RecipientArgs>::new(),)).unwrap()),
        ("removeRecipients", encode_args((vec![(person(2), 0_u32)],)).unwrap()),
        ("addToWhitelist", encode_args((0_u32, &people)).unwrap()),
        ("removeFromWhitelist", encode_args((0_u32, &people)).unwrap()),
        ("addToBlacklist", encode_args((&people,)).unwrap()),
        ("removeFromBlacklist", encode_args((&people,)).unwrap()),
        ("pause", encode_args(()).unwrap()),
        ("resume", encode_args(()).unwrap()),
        ("pauseCategory", encode_args((0_u32,)).unwrap()),
        ("resumeCategory", encode_args((0_u32,)).unwrap()),
        ("cancel", encode_args(()).unwrap()),
        ("setVisibility", encode_args((false,)).unwrap()),
        ("confirmUpgrade", encode_args(()).unwrap()),
    ];
    let before = stage.net.stable_memory(stage.contract);
    for caller in [Principal::anonymous(), person(9), controller()] {
        for (method, args) in &calls {
            let reply = stage.net.update_raw(stage.contract, caller, method, args.clone());
            if let Ok(reply) = reply {
                let refused: Result<candid::Reserved, candid::Reserved> = candid::decode_one(&reply).unwrap();
                assert!(refused.is_err(), "{method} by {caller}");
            }
            assert_eq!(stage.net.stable_memory(stage.contract), before, "{method} by {caller}");
        }
    }
}
