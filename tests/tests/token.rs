//! The token as compiled wasm: the public conformance suite, certificates, upgrades, costs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails here says enough")]

use anyhow::Context as _;
use async_trait::async_trait;
use cairn_kit::api::ledger::{InitArgs, LedgerArg};
use candid::utils::{ArgumentDecoder, ArgumentEncoder};
use candid::{CandidType, Nat, Principal, encode_args};
use ic_cbor::{CertificateToCbor as _, HashTreeToCbor as _};
use ic_certificate_verification::VerifyCertificate as _;
use ic_certification::{Certificate, HashTree, LookupResult};
use icrc_ledger_types::icrc::generic_metadata_value::MetadataValue;
use icrc_ledger_types::icrc::generic_value::ICRC3Value;
use icrc_ledger_types::icrc1::account::Account;
use icrc_ledger_types::icrc1::transfer::{TransferArg, TransferError};
use icrc_ledger_types::icrc2::approve::{ApproveArgs, ApproveError};
use icrc_ledger_types::icrc2::transfer_from::{TransferFromArgs, TransferFromError};
use icrc_ledger_types::icrc3::blocks::{GetBlocksRequest, GetBlocksResult, ICRC3DataCertificate};
use icrc1_test_env::LedgerEnv;
use localnet::{Config, Fault, MessageKind, Metering, Net};
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

const FEE: u64 = 10_000;
const CYCLES: u128 = 10_000_000_000_000;

fn person(n: u64) -> Principal {
    Principal::self_authenticating(n.to_be_bytes())
}

fn account(n: u64) -> Account {
    Account::from(person(n))
}

fn init(balances: Vec<(Account, Nat)>, factory: Option<Principal>) -> Vec<u8> {
    let arg = LedgerArg::Init(InitArgs {
        metadata: vec![("icrc1:logo".to_owned(), MetadataValue::Text("data:,".to_owned()))],
        initial_balances: balances,
        factory,
        ..InitArgs::new(account(0), "TT", "Test Token", FEE)
    });
    encode_args((arg,)).unwrap()
}

fn wasm() -> Vec<u8> {
    cairn::artifacts::wasm("token").unwrap()
}

/// A network with one token; person 1 has a billion tokens.
fn network() -> (Net, Principal) {
    // The reference ledger's figures were taken by operators.
    let mut net = Net::new(Config { metering: Metering::Operators, ..Config::default() });
    let token = install(&mut net, None);
    (net, token)
}

/// The same with a factory to be notified: a canister without code, so that every notification is rejected.
fn network_with_factory() -> (Net, Principal) {
    let mut net = Net::default();
    let factory = net.create_canister(person(0), CYCLES);
    let token = install(&mut net, Some(factory));
    (net, token)
}

fn install(net: &mut Net, factory: Option<Principal>) -> Principal {
    let token = net.create_canister(person(0), CYCLES);
    let balances = vec![(account(1), Nat::from(1_000_000_000_000_000u64))];
    net.install(token, person(0), &wasm(), init(balances, factory)).unwrap();
    token
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
    let env = Ledger { net: Rc::new(RefCell::new(net)), token, caller: person(1), next: Rc::new(Cell::new(1_000)) };
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
    transfer_from(&mut net, token, 3, 2, 4).unwrap();
    let transfer_from_cost = cost(&net);
    transfer(&mut net, token, 2, account(1_000), 100).unwrap();
    let newcomer_cost = cost(&net);
    println!(
        "transfer {transfer_cost}, approve {approve_cost}, transfer_from {transfer_from_cost}, to a newcomer {newcomer_cost}"
    );
    assert!(transfer_cost < 480_000, "transfer: {transfer_cost}");
    assert!(approve_cost < 480_000, "approve: {approve_cost}");
    assert!(transfer_from_cost < 540_000, "transfer_from: {transfer_from_cost}");
}

// ---- certificates ----

/// The leaf under `label`.
fn leaf(tree: &HashTree, label: &str) -> Vec<u8> {
    match tree.lookup_path([label.as_bytes()]) {
        LookupResult::Found(value) => value.to_vec(),
        other => panic!("{label}: {other:?}"),
    }
}

/// Checks the tip certificate with the public verifier, and the log down from it; returns the length of the log.
fn verify_log(net: &mut Net, token: Principal) -> u64 {
    let tip: Option<ICRC3DataCertificate> = net.query(token, person(9), "icrc3_get_tip_certificate", ()).unwrap();
    let tip = tip.expect("a query has a certificate");
    let certificate = Certificate::from_cbor(&tip.certificate).unwrap();
    let now = u128::from(net.now());
    certificate.verify(token.as_slice(), &net.root_key(), &now, &300_000_000_000).unwrap();
    let tree = HashTree::from_cbor(&tip.hash_tree).unwrap();
    let path: [&[u8]; 3] = [b"canister", token.as_slice(), b"certified_data"];
    assert_eq!(certificate.tree.lookup_path(path), LookupResult::Found(&tree.digest()));

    let index = leaf(&tree, "last_block_index");
    let last = index.iter().rev().fold(0u64, |n, byte| n << 7 | u64::from(byte & 0x7f));
    let mut expected = leaf(&tree, "last_block_hash");
    for id in (0..=last).rev() {
        let ask = vec![GetBlocksRequest { start: Nat::from(id), length: Nat::from(1u8) }];
        let answer: GetBlocksResult = net.query(token, person(9), "icrc3_get_blocks", (ask,)).unwrap();
        assert_eq!(answer.log_length, Nat::from(last + 1));
        let mut blocks = answer.blocks;
        let block = blocks.pop().expect("one block");
        assert!(blocks.is_empty(), "only one was asked for");
        assert_eq!(block.block.clone().hash().to_vec(), expected, "block {id}");
        let ICRC3Value::Map(fields) = block.block else { panic!("a map") };
        expected = match fields.get("phash") {
            Some(ICRC3Value::Blob(hash)) => hash.to_vec(),
            None => vec![],
            other => panic!("{other:?}"),
        };
        assert_eq!(expected.is_empty(), id == 0, "only block 0 has no parent");
    }
    last + 1
}

#[test]
fn the_whole_log_is_verified_from_the_certified_tip() {
    let (mut net, token) = network();
    assert_eq!(verify_log(&mut net, token), 1);
    transfer(&mut net, token, 1, account(2), 1_000_000).unwrap();
    approve(&mut net, token, 2, 3, 100_000).unwrap();
    transfer_from(&mut net, token, 3, 2, 4).unwrap();
    transfer(&mut net, token, 0, account(5), 7).unwrap();
    transfer(&mut net, token, 1, account(0), 20_000).unwrap();
    assert_eq!(verify_log(&mut net, token), 6);
}

#[test]
fn long_answers_are_cut_at_a_hundred_blocks() {
    let (mut net, token) = network();
    for n in 0..130 {
        transfer(&mut net, token, 1, account(n + 2), 1).unwrap();
    }
    let ask = vec![
        GetBlocksRequest { start: Nat::from(100u8), length: Nat::from(u128::MAX) },
        GetBlocksRequest { start: Nat::from(0u8), length: Nat::from(1_000u16) },
        GetBlocksRequest { start: Nat::from(u128::MAX), length: Nat::from(1u8) },
    ];
    let answer: GetBlocksResult = net.query(token, person(9), "icrc3_get_blocks", (ask,)).unwrap();
    assert_eq!(answer.blocks.len(), 100);
    let ids: Vec<Nat> = answer.blocks.into_iter().map(|block| block.id).collect();
    assert_eq!(ids.iter().filter(|id| **id >= 100u8).count(), 31);
}

// ---- upgrades ----

fn balance(net: &mut Net, token: Principal, of: u64) -> Nat {
    net.query(token, person(9), "icrc1_balance_of", (account(of),)).unwrap()
}

#[test]
fn an_upgrade_keeps_everything_and_costs_the_same_whatever_the_history() {
    let (mut net, token) = network();
    let once = TransferArg {
        from_subaccount: None,
        to: account(2),
        fee: Some(Nat::from(FEE)),
        created_at_time: Some(net.now()),
        memo: None,
        amount: Nat::from(1_000_000u64),
    };
    let block: Result<Nat, TransferError> = net.update(token, person(1), "icrc1_transfer", (once.clone(),)).unwrap();
    approve(&mut net, token, 2, 3, 500_000).unwrap();
    let certified = net.certified_data(token);
    let mut costs = Vec::new();
    for round in 0..2 {
        net.upgrade(token, person(0), &wasm(), encode_args(()).unwrap()).unwrap();
        costs.push(net.trace().iter().rev().find(|entry| entry.kind == MessageKind::Install).unwrap().instructions);
        if round == 0 {
            assert_eq!(net.certified_data(token), certified);
            for n in 0..300 {
                transfer(&mut net, token, 1, account(n + 10), 1).unwrap();
            }
        }
    }
    println!("upgrade after 3 blocks: {} instructions, after 303: {}", costs[0], costs[1]);
    assert!(costs[1] < costs[0] * 5 / 4, "{costs:?}");
    let again: Result<Nat, TransferError> = net.update(token, person(1), "icrc1_transfer", (once,)).unwrap();
    assert_eq!(again, Err(TransferError::Duplicate { duplicate_of: block.unwrap() }));
    transfer_from(&mut net, token, 3, 2, 4).unwrap();
    assert_eq!(balance(&mut net, token, 4), Nat::from(5u8));
    verify_log(&mut net, token);
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let (mut net, token) = network();
    let before = (net.stable_memory(token), net.certified_data(token));
    net.update_raw(token, person(1), "icrc1_transfer", b"DIDL\x00\x00".to_vec()).unwrap_err();
    net.update_raw(token, person(1), "icrc1_transfer", b"garbage".to_vec()).unwrap_err();
    let anonymous: Result<Nat, TransferError> = net
        .update(
            token,
            Principal::anonymous(),
            "icrc1_transfer",
            (TransferArg {
                from_subaccount: None,
                to: account(2),
                fee: None,
                created_at_time: None,
                memo: None,
                amount: Nat::from(1u8),
            },),
        )
        .unwrap();
    assert!(matches!(anonymous, Err(TransferError::GenericError { .. })));
    let install_again = net.upgrade(token, person(0), &wasm(), init(vec![], None)).unwrap_err();
    assert!(install_again.message.contains("must be Upgrade"), "{install_again:?}");
    assert_eq!((net.stable_memory(token), net.certified_data(token)), before);
    let empty = net.create_canister(person(0), CYCLES);
    let twice = vec![(account(0), Nat::from(1u8))];
    let refused = net.install(empty, person(0), &wasm(), init(twice, None)).unwrap_err();
    assert!(refused.message.contains("the minting account holds nothing"), "{refused:?}");
}

// ---- notifications ----

#[derive(CandidType, serde::Deserialize, Debug)]
#[allow(non_snake_case, reason = "names of the interface")]
struct NotificationStatus {
    pending: u64,
    unacknowledged: u64,
    acknowledgedThrough: u64,
    inFlight: bool,
    failures: u32,
}

fn status(net: &mut Net, token: Principal) -> NotificationStatus {
    net.query(token, person(9), "getNotificationStatus", ()).unwrap()
}

fn let_pass(net: &mut Net, seconds: u64) {
    net.advance(Duration::from_secs(seconds));
    net.run_until_idle(100);
}

/// Every batch fails, none is lost, and the attempts become rare.
#[test]
fn what_the_factory_does_not_take_is_kept_and_sent_again() {
    let (mut net, token) = network_with_factory();
    let_pass(&mut net, 3);
    let first = status(&mut net, token);
    assert_eq!((first.unacknowledged, first.failures, first.inFlight), (2, 1, false));
    let_pass(&mut net, 20);
    assert_eq!(status(&mut net, token).failures, 1, "no attempt within half a minute");
    let_pass(&mut net, 11);
    assert_eq!(status(&mut net, token).failures, 2);
    transfer(&mut net, token, 1, account(2), 1_000).unwrap();
    net.upgrade(token, person(0), &wasm(), encode_args(()).unwrap()).unwrap();
    let_pass(&mut net, 61);
    let third = status(&mut net, token);
    assert_eq!((third.failures, third.unacknowledged, third.pending), (3, 2, 1), "{third:?}");
    assert_eq!(third.acknowledgedThrough, 0);
}

/// A trap in the message that would begin a delivery does not end the deliveries.
#[test]
fn a_trap_at_the_timer_does_not_stop_the_notifications() {
    let (mut net, token) = network_with_factory();
    net.inject(Fault::trap().method("cairn_timer").kind(MessageKind::Request));
    let_pass(&mut net, 3);
    assert_eq!(net.struck_faults().len(), 1);
    assert_eq!(status(&mut net, token).failures, 0, "nothing was sent");
    let_pass(&mut net, 3);
    assert_eq!(status(&mut net, token).failures, 1);
}

/// A trap in the token's own callback undoes what the callback did, and nothing else: the way is free again, and the
/// batch is sent once more.
#[test]
fn a_trap_in_the_callback_leaves_no_guard_and_loses_nothing() {
    let (mut net, token) = network_with_factory();
    let certified = net.certified_data(token);
    net.inject(Fault::trap().method("notifyBatch").kind(MessageKind::RejectCallback));
    let_pass(&mut net, 3);
    assert_eq!(net.struck_faults().len(), 1);
    let after = status(&mut net, token);
    assert_eq!((after.inFlight, after.unacknowledged, after.failures), (false, 2, 0), "{after:?}");
    assert_eq!(net.certified_data(token), certified);
    let_pass(&mut net, 31);
    assert_eq!(status(&mut net, token).failures, 1, "it was sent again");
    assert_eq!(net.open_calls(token), 0);
    net.stop(token, person(0)).unwrap();
}
