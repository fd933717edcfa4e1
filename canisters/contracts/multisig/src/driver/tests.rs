//! Whole executions, on a scripted network.

use super::*;
use crate::memory::Memories;
use crate::state;
use crate::wallet::Wallet;
use cairn_events::payload::Account;
use cairn_kit::api::ledger::ledger_account;
use cairn_kit::api::multisig::{
    Action, ContractCall, EffectOutcome, MAX_LIFETIME, MultisigArgs, NewSigner, ProposalArgs, ProposalStatus,
    ProposalView, SignerRole, TokenTransfer, WalletInit, WalletRules,
};
use cairn_kit::runtime::testing::{Network, run, run_all};
use cairn_kit::runtime::{CallFailure, Request, Task};
use candid::{Decode, Nat, encode_one};
use ic_stable_structures::DefaultMemoryImpl;
use icrc_ledger_types::icrc1::transfer::{TransferArg, TransferError};
use serde_bytes::ByteBuf;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

const LEDGER: Principal = Principal::from_slice(&[0x1e, 1]);
const CONTRACT: Principal = Principal::from_slice(&[0xc0, 1]);
const SIGNER: Principal = Principal::from_slice(&[1, 1, 1]);
/// What the ledger mints from.
const MINTING: Account = Account { owner: Principal::from_slice(&[0x11]), subaccount: None };

fn install() -> DefaultMemoryImpl {
    let memory = DefaultMemoryImpl::default();
    let wallet = MultisigArgs {
        name: "Treasury".to_owned(),
        description: None,
        signers: vec![NewSigner { principal: SIGNER, name: None, role: SignerRole::Owner }],
        observers: Vec::new(),
        guardians: Vec::new(),
        rules: WalletRules {
            threshold: 1,
            timelock: 0,
            proposal_lifetime: MAX_LIFETIME,
            consensus_for_changes: false,
            policies: Vec::new(),
            recovery: None,
        },
        public: true,
    };
    let init = WalletInit { wallet, creator: SIGNER, factory: None, epoch: 0 };
    let memories = Memories::new(memory.clone());
    let wallet = Wallet::create(&memories, runtime::id(), init, now()).unwrap();
    state::install(wallet, state::outbox_in(&memories));
    memory
}

fn upgrade(memory: &DefaultMemoryImpl) {
    let memories = Memories::new(memory.clone());
    state::install(Wallet::open(&memories).unwrap(), state::outbox_in(&memories));
}

fn begin(action: Action) -> u64 {
    let args =
        ProposalArgs { title: "T".to_owned(), description: String::new(), action, lifetime: None, depends_on: vec![] };
    state::mutate(|wallet| {
        let id = wallet.propose(SIGNER, args, now()).unwrap();
        wallet.begin(SIGNER, id, u64::MAX, now()).unwrap();
        id
    })
}

fn pay(amount: u128) -> TokenTransfer {
    let to = Account { owner: Principal::from_slice(&[9]), subaccount: None };
    TokenTransfer { ledger: LEDGER, to, amount: Amount(amount), memo: None }
}

fn view(id: u64) -> ProposalView {
    state::read(|wallet| wallet.proposal_view(id, now()).unwrap())
}

fn transfers(network: &Network) -> Vec<TransferArg> {
    let sent = network.sent().into_iter().filter(|request| request.method == "icrc1_transfer");
    sent.map(|request| Decode!(&request.args, TransferArg).unwrap()).collect()
}

/// Answers for the fee, and in turn what `answers` say to transfers.
fn ledger(network: &Network, answers: Vec<Result<Result<Nat, TransferError>, CallFailure>>) {
    let answers = RefCell::new(answers.into_iter());
    network.respond(move |request: &Request| match request.method {
        "icrc1_fee" => Ok(encode_one(Nat::from(10_u8)).unwrap()),
        "icrc1_minting_account" => Ok(encode_one(Some(ledger_account(MINTING))).unwrap()),
        "icrc1_transfer" => answers.borrow_mut().next().unwrap().map(|reply| encode_one(reply).unwrap()),
        other => panic!("{other}"),
    });
}

fn block(n: u8) -> Result<Result<Nat, TransferError>, CallFailure> {
    Ok(Ok(Nat::from(n)))
}

#[test]
fn a_payment_carries_its_fee_and_its_time() {
    let network = Network::install();
    install();
    ledger(&network, vec![block(7)]);
    let id = begin(Action::Transfer(pay(5)));
    run(drive(id));
    let [sent] = transfers(&network).try_into().unwrap();
    assert_eq!((sent.amount, sent.fee), (Nat::from(5_u8), Some(Nat::from(10_u8))));
    assert!(sent.created_at_time.is_some() && sent.memo.is_some());
    assert_eq!(view(id).status, ProposalStatus::Executed);
    assert_eq!(view(id).effects[0].outcome, Some(EffectOutcome::Transferred { block: Amount(7) }));
    assert_eq!(network.certified(), state::read(|wallet| wallet.tip()).map(|tip| tip.0));
}

/// Ledgers take no fee for it, and refuse whoever offers one.
#[test]
fn burning_is_free() {
    let network = Network::install();
    install();
    let refused = || Ok(Err(TransferError::BadFee { expected_fee: Nat::from(0_u8) }));
    ledger(&network, vec![refused(), block(7), refused(), block(8)]);
    for (to, fees) in [(MINTING, [10_u8, 0]), (pay(5).to, [10, 10])] {
        let id = begin(Action::Transfer(TokenTransfer { to, ..pay(5) }));
        run(drive(id));
        assert_eq!(view(id).status, ProposalStatus::Executed);
        let sent: Vec<_> = transfers(&network).into_iter().rev().take(2).rev().map(|sent| sent.fee.unwrap()).collect();
        assert_eq!(sent, fees.map(Nat::from));
    }
}

#[test]
fn a_batch_asks_for_the_fee_once() {
    let network = Network::install();
    install();
    ledger(&network, vec![block(1), block(2), block(3)]);
    let id = begin(Action::BatchTransfer(vec![pay(1), pay(1), pay(2)]));
    run(drive(id));
    assert_eq!(network.sent().iter().filter(|request| request.method == "icrc1_fee").count(), 1);
    assert_eq!(view(id).status, ProposalStatus::Executed);
}

#[test]
fn two_drives_of_one_execution_send_once() {
    let network = Network::install();
    install();
    ledger(&network, vec![block(7)]);
    let id = begin(Action::Transfer(pay(5)));
    let both: Vec<Task<()>> = vec![Box::pin(drive(id)), Box::pin(drive(id))];
    run_all(both);
    assert_eq!(transfers(&network).len(), 1);
    assert_eq!(view(id).status, ProposalStatus::Executed);
}

#[test]
fn silence_is_followed_by_the_same_payment_until_the_ledger_knows_it() {
    let network = Network::install();
    install();
    let duplicate = Ok(Err(TransferError::Duplicate { duplicate_of: Nat::from(4_u8) }));
    let funds = Ok(Err(TransferError::InsufficientFunds { balance: Nat::from(0_u8) }));
    ledger(&network, vec![Err(CallFailure::rejected(6, "timeout")), funds, duplicate]);
    let id = begin(Action::Transfer(pay(5)));
    for _ in 0..3 {
        run(drive(id));
        network.advance(Duration::from_secs(3_600));
    }
    let sent = transfers(&network);
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|again| *again == sent[0]), "the same arguments each time");
    assert_eq!(view(id).effects[0].outcome, Some(EffectOutcome::Transferred { block: Amount(4) }));
}

#[test]
fn what_an_upgrade_interrupts_is_taken_up_again() {
    let network = Network::install();
    let memory = install();
    ledger(&network, vec![block(7), Ok(Err(TransferError::Duplicate { duplicate_of: Nat::from(7_u8) }))]);
    let id = begin(Action::Transfer(pay(5)));
    // Polled until it has sent, and then forgotten, as an upgrade does.
    let mut forgotten: Task<()> = Box::pin(drive(id));
    while transfers(&network).is_empty() {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(forgotten.as_mut().poll(&mut context).is_pending());
    }
    drop(forgotten);
    upgrade(&memory);
    assert!(state::read(|wallet| wallet.is_awaiting()));
    run(drive(id));
    assert_eq!(transfers(&network).len(), 1, "not at once");
    network.advance(Duration::from_secs(60));
    run(drive(id));
    let sent = transfers(&network);
    assert!(sent.len() == 2 && sent[0] == sent[1]);
    assert_eq!(view(id).status, ProposalStatus::Executed);
}

#[test]
fn a_ledger_that_does_not_say_its_fee_gets_no_payment() {
    let network = Network::install();
    install();
    network.respond(|_| Err(CallFailure::rejected(3, "no such canister")));
    let id = begin(Action::Transfer(pay(5)));
    for _ in 0..400 {
        run(drive(id));
        network.advance(Duration::from_secs(1_800));
    }
    assert!(transfers(&network).is_empty());
    assert_eq!(view(id).status, ProposalStatus::Failed);
}

#[test]
fn a_call_is_made_once_and_its_reply_kept() {
    let network = Network::install();
    install();
    let requests = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&requests);
    network.respond(move |request| {
        seen.borrow_mut().push(request.clone());
        Ok(vec![5; 3_000])
    });
    let call =
        |cycles| ContractCall { canister: CONTRACT, method: "go".to_owned(), args: ByteBuf::from(vec![1, 2]), cycles };
    let id = begin(Action::ContractCall(call(9)));
    run(drive(id));
    run(drive(id));
    let [request] = requests.borrow().clone().try_into().unwrap();
    assert_eq!((request.to, request.method, request.args, request.cycles), (CONTRACT, "go", vec![1, 2], 9));
    let Some(EffectOutcome::Replied { reply, .. }) = view(id).effects[0].outcome.clone() else { panic!("a reply") };
    assert_eq!(reply.len(), 1_000);
    network.respond(|_| Err(CallFailure::rejected(5, "trapped")));
    let id = begin(Action::ContractCall(call(0)));
    run(drive(id));
    run(drive(id));
    assert!(matches!(view(id).effects[0].outcome, Some(EffectOutcome::Unknown { .. })));
}

#[test]
fn balances_come_from_ledgers_that_answer() {
    let network = Network::install();
    install();
    let silent = Principal::from_slice(&[0x1e, 2]);
    state::mutate(|wallet| {
        wallet.watch(SIGNER, LEDGER, now()).unwrap();
        wallet.watch(SIGNER, silent, now()).unwrap();
    });
    network.respond(move |request| match request.to {
        to if to == silent => Err(CallFailure::rejected(6, "timeout")),
        _ => Ok(encode_one(Nat::from(12_u8)).unwrap()),
    });
    run(refresh_balances());
    let said: Vec<_> = state::read(|wallet| wallet.asset_views(now())).into_iter().map(|it| it.balance).collect();
    assert_eq!(said, [Some(Amount(12)), None]);
}
