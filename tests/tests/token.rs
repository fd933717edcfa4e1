//! The token as compiled wasm: the public conformance suite, certificates, upgrades, costs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails here says enough")]

use anyhow::Context as _;
use async_trait::async_trait;
use candid::utils::{ArgumentDecoder, ArgumentEncoder};
use candid::{CandidType, Nat, Principal, encode_args};
use icrc_ledger_types::icrc1::account::Account;
use icrc_ledger_types::icrc1::transfer::{TransferArg, TransferError};
use icrc_ledger_types::icrc2::approve::{ApproveArgs, ApproveError};
use icrc_ledger_types::icrc2::transfer_from::{TransferFromArgs, TransferFromError};
use icrc1_test_env::LedgerEnv;
use localnet::{MessageKind, Net};
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

const FEE: u64 = 10_000;
const CYCLES: u128 = 10_000_000_000_000;

/// The argument of the reference ledger, and nothing that only ours knows.
#[derive(CandidType)]
enum LedgerArg {
    Init(InitArgs),
}

#[derive(CandidType)]
struct InitArgs {
    minting_account: Account,
    fee_collector_account: Option<Account>,
    transfer_fee: Nat,
    token_symbol: String,
    token_name: String,
    metadata: Vec<(String, Value)>,
    initial_balances: Vec<(Account, Nat)>,
    archive_options: ArchiveOptions,
}

#[derive(CandidType)]
enum Value {
    Text(String),
}

#[derive(CandidType)]
struct ArchiveOptions {
    num_blocks_to_archive: u64,
    trigger_threshold: u64,
    controller_id: Principal,
}

fn person(n: u64) -> Principal {
    Principal::self_authenticating(n.to_be_bytes())
}

fn account(n: u64) -> Account {
    Account::from(person(n))
}

fn init(balances: Vec<(Account, Nat)>) -> Vec<u8> {
    let arg = LedgerArg::Init(InitArgs {
        minting_account: account(0),
        fee_collector_account: None,
        transfer_fee: Nat::from(FEE),
        token_symbol: "TT".to_owned(),
        token_name: "Test Token".to_owned(),
        metadata: vec![("icrc1:logo".to_owned(), Value::Text("data:,".to_owned()))],
        initial_balances: balances,
        archive_options: ArchiveOptions {
            num_blocks_to_archive: 1_000,
            trigger_threshold: 2_000,
            controller_id: person(0),
        },
    });
    encode_args((arg,)).unwrap()
}

fn wasm() -> Vec<u8> {
    cairn::artifacts::wasm("token").unwrap()
}

/// A network with one token; person 1 has a billion tokens.
fn network() -> (Net, Principal) {
    let mut net = Net::default();
    let token = net.create_canister(person(0), CYCLES);
    let balances = vec![(account(1), Nat::from(1_000_000_000_000_000u64))];
    net.install(token, person(0), &wasm(), init(balances)).unwrap();
    (net, token)
}

fn transfer(net: &mut Net, token: Principal, from: u64, to: Account, amount: u64) -> Result<Nat, TransferError> {
    let arg = TransferArg {
        from_subaccount: None,
        to,
        fee: None,
        created_at_time: Some(net.now()),
        memo: None,
        amount: Nat::from(amount),
    };
    net.update(token, person(from), "icrc1_transfer", (arg,)).unwrap()
}

fn approve(net: &mut Net, token: Principal, from: u64, spender: u64, amount: u64) -> Result<Nat, ApproveError> {
    let arg = ApproveArgs {
        from_subaccount: None,
        spender: account(spender),
        amount: Nat::from(amount),
        expected_allowance: None,
        expires_at: None,
        fee: None,
        memo: None,
        created_at_time: Some(net.now()),
    };
    net.update(token, person(from), "icrc2_approve", (arg,)).unwrap()
}

fn transfer_from(net: &mut Net, token: Principal, spender: u64, from: u64, to: u64) -> Result<Nat, TransferFromError> {
    let arg = TransferFromArgs {
        spender_subaccount: None,
        from: account(from),
        to: account(to),
        amount: Nat::from(5u8),
        fee: None,
        memo: None,
        created_at_time: Some(net.now()),
    };
    net.update(token, person(spender), "icrc2_transfer_from", (arg,)).unwrap()
}

// ---- the public suite ----

#[derive(Clone)]
struct Ledger {
    net: Rc<RefCell<Net>>,
    token: Principal,
    caller: Principal,
    next: Rc<Cell<u64>>,
}

#[async_trait(?Send)]
impl LedgerEnv for Ledger {
    fn fork(&self) -> Self {
        self.next.set(self.next.get() + 1);
        Ledger { caller: person(self.next.get()), ..self.clone() }
    }

    fn principal(&self) -> Principal {
        self.caller
    }

    async fn time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.net.borrow().now())
    }

    async fn query<Input, Output>(&self, method: &str, input: Input) -> anyhow::Result<Output>
    where
        Input: ArgumentEncoder + std::fmt::Debug,
        Output: for<'a> ArgumentDecoder<'a>,
    {
        let reply = self.net.borrow_mut().query_raw(self.token, self.caller, method, encode_args(input)?);
        Ok(candid::decode_args(&reply.map_err(|reject| anyhow::anyhow!("{reject:?}")).context(method.to_owned())?)?)
    }

    async fn update<Input, Output>(&self, method: &str, input: Input) -> anyhow::Result<Output>
    where
        Input: ArgumentEncoder + std::fmt::Debug,
        Output: for<'a> ArgumentDecoder<'a>,
    {
        let reply = self.net.borrow_mut().update_raw(self.token, self.caller, method, encode_args(input)?);
        Ok(candid::decode_args(&reply.map_err(|reject| anyhow::anyhow!("{reject:?}")).context(method.to_owned())?)?)
    }
}

/// Runs a future that never really waits.
fn complete<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

#[test]
fn the_public_conformance_suite_passes() {
    let (net, token) = network();
    let env =
        Ledger { net: Rc::new(RefCell::new(net)), token, caller: person(1), next: Rc::new(Cell::new(1_000)) };
    let passed = complete(async {
        let tests = icrc1_test_suite::test_suite(env).await;
        assert_eq!(tests.len(), 16, "the suite sees ICRC-1 and ICRC-2");
        icrc1_test_suite::execute_tests(tests).await
    });
    assert!(passed);
}

// ---- costs ----

/// Instructions of the last call by a person.
fn cost(net: &Net) -> u64 {
    net.trace().iter().rev().find(|entry| entry.kind == MessageKind::Ingress).unwrap().instructions
}

/// Half of what the reference ledger takes for the same call, measured in the same way.
#[test]
fn calls_cost_at_most_half_of_the_reference_ledger() {
    let (mut net, token) = network();
    for n in 2..300 {
        transfer(&mut net, token, 1, account(n), 1_000_000_000).unwrap();
    }
    transfer(&mut net, token, 2, account(3), 100).unwrap();
    let transfer_cost = cost(&net);
    approve(&mut net, token, 2, 3, 1_000_000).unwrap();
    let approve_cost = cost(&net);
 for l in net.logs(token).iter().rev().take(16).rev() { println!("{}", l.text); }
    transfer_from(&mut net, token, 3, 2, 4).unwrap();
    let transfer_from_cost = cost(&net);
    transfer(&mut net, token, 2, account(1_000), 100).unwrap();
    let newcomer_cost = cost(&net);
    println!("transfer {transfer_cost}, approve {approve_cost}, transfer_from {transfer_from_cost}, to a newcomer {newcomer_cost}");
    assert!(transfer_cost < 480_000, "transfer: {transfer_cost}");
    assert!(approve_cost < 480_000, "approve: {approve_cost}");
    assert!(transfer_from_cost < 540_000, "transfer_from: {transfer_from_cost}");
}
