use super::*;
use crate::campaign::Stage;
use crate::memory::{self, Memories};
use cairn_events::Principal;
use cairn_events::payload::Subaccount;
use cairn_kit::api::distribution::{
    Campaign as Kind, Category, ClaimArgs, DistributionArgs, DistributionError, DistributionInit, Membership,
    RecipientArgs, Schedule, TokenInfo,
};
use cairn_kit::notify::{self, Outbox};
use cairn_kit::runtime::testing::{Network, run, run_all};
use cairn_kit::runtime::{CallFailure, Request as Call, Task};
use candid::Nat;
use ic_stable_structures::DefaultMemoryImpl;
use icrc_ledger_types::icrc::generic_value::ICRC3Value;
use icrc_ledger_types::icrc1::account::Account as LedgerAccount;
use icrc_ledger_types::icrc1::transfer::{TransferArg, TransferError};
use icrc_ledger_types::icrc3::blocks::{BlockWithId, GetBlocksResult};
use std::cell::RefCell;
use std::future::Future as _;
use std::rc::Rc;
use std::task::{Context, Waker};

const DAY: u64 = 86_400;

fn id(n: u8) -> Principal {
    Principal::from_slice(&[n, 1])
}

/// A ledger that counts what it executes, and whose replies can be lost.
#[derive(Default)]
struct Ledger {
    executed: Vec<TransferArg>,
    lose: u32,
    swallow: u32,
    closed: bool,
    logless: bool,
    fee: u64,
    minter: Option<Principal>,
}

impl Ledger {
    fn answer(&mut self, request: &Call) -> Result<Vec<u8>, CallFailure> {
        let silence = || CallFailure::rejected(6, "silence");
        match request.method {
            "icrc1_fee" => Ok(candid::encode_one(Nat::from(self.fee)).unwrap()),
            "icrc1_minting_account" => Ok(candid::encode_one(self.minter.map(LedgerAccount::from)).unwrap()),
            "icrc1_balance_of" => {
                let left: u128 = self.executed.iter().map(|made| u128::try_from(&made.amount.0).unwrap() + 10).sum();
                Ok(candid::encode_one(Nat::from(1_000 - left)).unwrap())
            }
            "icrc3_get_blocks" if self.logless => Err(CallFailure::rejected(5, "no such method")),
            "icrc3_get_blocks" => {
                let time = ("ts".to_owned(), ICRC3Value::Nat(Nat::from(0u8)));
                let block = BlockWithId { id: Nat::from(0u8), block: ICRC3Value::Map([time].into()) };
                let page =
                    GetBlocksResult { log_length: Nat::from(1u8), blocks: vec![block], archived_blocks: Vec::new() };
                Ok(candid::encode_one(page).unwrap())
            }
            "icrc1_transfer" => {
                if self.swallow > 0 {
                    self.swallow -= 1;
                    return Err(silence());
                }
                let (arg,): (TransferArg,) = candid::decode_args(&request.args).unwrap();
                let reply = match self.executed.iter().position(|made| *made == arg) {
                    _ if self.closed => Err(TransferError::TooOld),
                    Some(block) => Err(TransferError::Duplicate { duplicate_of: Nat::from(block) }),
                    None => {
                        self.executed.push(arg);
                        Ok(Nat::from(self.executed.len() - 1))
                    }
                };
                if self.lose > 0 {
                    self.lose -= 1;
                    return Err(silence());
                }
                Ok(candid::encode_one(reply).unwrap())
            }
            other => panic!("{other}"),
        }
    }
}

struct Canister {
    network: Rc<Network>,
    ledger: Rc<RefCell<Ledger>>,
    memory: DefaultMemoryImpl,
}

impl Canister {
    /// Funded: 600 for person 1, 400 for person 2, unlocked.
    fn new() -> Self {
        Canister::ending(None)
    }

    /// The same, with an end.
    fn ending(end: Option<Timestamp>) -> Self {
        let network = Network::install();
        let ledger = Rc::new(RefCell::new(Ledger { fee: 10, ..Ledger::default() }));
        let answering = ledger.clone();
        network.respond(move |request| answering.borrow_mut().answer(request));
        let canister = Canister { network, ledger, memory: DefaultMemoryImpl::default() };
        let category = Category {
            name: "All".to_owned(),
            budget: Amount(1_000),
            members: Membership::Listed,
            schedule: Schedule::Instant,
            initial_unlock: 0,
            start: None,
        };
        let named = |n, amount| RecipientArgs { recipient: id(n), category: 0, amount: Amount(amount), note: None };
        let args = DistributionArgs {
            title: "Airdrop".to_owned(),
            description: String::new(),
            public: true,
            campaign: Kind::Airdrop,
            token: TokenInfo { ledger: id(99), symbol: "TT".to_owned(), decimals: 8 },
            total: Amount(1_000),
            categories: vec![category],
            recipients: vec![named(1, 600), named(2, 400)],
            max_recipients: None,
            registration: None,
            start: Timestamp(1),
            end,
            early_unlock: None,
            minimum_claim: Amount::ZERO,
            claim_limit: None,
            allow_cancel: true,
            allow_modification: true,
            refund_to: None,
        };
        let init = DistributionInit { args, owner: id(8), factory: None, epoch: None };
        let memories = Memories::new(canister.memory.clone());
        let campaign = Campaign::create(&memories, runtime::id(), init, now()).unwrap();
        canister.begin(&memories, campaign);
        state::mutate(|campaign| campaign.recognise(id(8), Amount(1_000), Amount::ZERO, now())).unwrap();
        canister
    }

    fn begin(&self, memories: &Memories, campaign: Campaign) {
        let outbox = Outbox::open(notify::Memories {
            state: memories.get(memory::OUTBOX),
            changes: memories.get(memory::OUTBOX_CHANGES),
            numbered: memories.get(memory::OUTBOX_NUMBERED),
            facts: memories.get(memory::OUTBOX_FACTS),
        });
        state::install(campaign, outbox);
        resume();
    }

    /// All but stable memory is lost.
    fn upgrade(&self) {
        let memories = Memories::new(self.memory.clone());
        let campaign = Campaign::open(&memories, runtime::id()).unwrap();
        self.begin(&memories, campaign);
    }

    fn pass(&self, seconds: u64) {
        self.network.advance(Duration::from_secs(seconds));
    }

    /// The arguments of every attempt.
    fn attempts(&self) -> Vec<Vec<u8>> {
        let sent = self.network.sent();
        sent.into_iter().filter(|request| request.method == "icrc1_transfer").map(|request| request.args).collect()
    }

    fn executed(&self) -> usize {
        self.ledger.borrow().executed.len()
    }
}

fn begin(n: u8) -> Result<u64, DistributionError> {
    state::mutate(|campaign| campaign.begin_claim(id(n), &ClaimArgs::default(), Amount(10), now()))
}

fn claim(n: u8) -> Outcome {
    run(advance(begin(n).unwrap()))
}

#[test]
fn a_lost_reply_is_asked_for_again_with_the_same_arguments() {
    let canister = Canister::new();
    canister.ledger.borrow_mut().lose = 3;
    assert_eq!(claim(1), Outcome::Open);
    assert!(matches!(begin(1), Err(DistributionError::Temporary(Temporary::Busy { .. }))));
    canister.pass(600);
    let attempts = canister.attempts();
    assert_eq!(attempts.len(), 4);
    assert!(attempts.iter().all(|attempt| *attempt == attempts[0]), "frozen");
    assert_eq!(canister.executed(), 1);
    let view = state::read(|campaign| campaign.recipient_view(id(1), now())).unwrap();
    assert_eq!((view.received, view.fees, view.open_transfer), (Amount(590), Amount(10), None));
}

/// W: parallel calls were paid repeatedly.
#[test]
fn whoever_works_on_a_transfer_works_on_it_alone() {
    let canister = Canister::new();
    let transfer = begin(1).unwrap();
    let tasks: Vec<Task<Outcome>> = vec![Box::pin(advance(transfer)), Box::pin(advance(transfer)), {
        Box::pin(async {
            round().await;
            Outcome::Open
        })
    }];
    assert_eq!(run_all(tasks), [Outcome::Paid(Some(0)), Outcome::Open, Outcome::Open]);
    assert_eq!(canister.attempts().len(), 1);
    assert_eq!(in_flight(), 0);
}

/// W: after an upgrade no timer was armed again.
#[test]
fn an_upgrade_while_a_reply_is_awaited_pays_once() {
    let canister = Canister::new();
    let transfer = begin(1).unwrap();
    let mut interrupted = Box::pin(advance(transfer));
    assert!(interrupted.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!((canister.executed(), in_flight()), (1, 1));
    drop(interrupted);
    canister.upgrade();
    canister.pass(60);
    assert_eq!((canister.executed(), canister.attempts().len()), (1, 2));
    assert_eq!(state::read(Campaign::books).paid, Amount(590));
    assert_eq!(claim(2), Outcome::Paid(Some(1)));
}

#[test]
fn a_cancelled_distribution_pays_back_by_itself() {
    let canister = Canister::new();
    canister.ledger.borrow_mut().swallow = 2;
    claim(1);
    state::mutate(|campaign| campaign.cancel(id(8), now())).unwrap();
    rearm();
    canister.pass(600);
    let books = state::read(Campaign::books);
    assert_eq!((books.stage, books.paid, books.refunded), (Stage::Cancelled, Amount(590), Amount(390)));
    assert_eq!((books.remaining, canister.executed()), (Amount::ZERO, 2));
}

#[test]
fn what_the_ledgers_log_does_not_have_can_be_claimed_again() {
    let canister = Canister::new();
    canister.ledger.borrow_mut().swallow = 1;
    claim(1);
    canister.ledger.borrow_mut().closed = true;
    canister.pass(2 * DAY);
    let asked = canister.network.sent().iter().filter(|request| request.method == "icrc3_get_blocks").count();
    assert_eq!(asked, 3, "its length, where to begin, and the one block that there is");
    canister.ledger.borrow_mut().closed = false;
    assert_eq!(claim(1), Outcome::Paid(Some(0)));
    assert!(state::read(Campaign::books).balanced());
}

#[test]
fn the_fee_is_asked_for_once() {
    let canister = Canister::new();
    assert_eq!(run(fee()), Ok(Amount(10)));
    assert_eq!(run(fee()), Ok(Amount(10)));
    assert_eq!(canister.network.sent().len(), 1);
}

#[test]
fn one_too_many_waits() {
    let canister = Canister::new();
    let transfer = begin(1).unwrap();
    let taken: Vec<_> = (1_000..1_000 + AT_ONCE as u64).map(|id| acquire(id).unwrap()).collect();
    assert_eq!(run(advance(transfer)), Outcome::Open);
    assert!(state::read(|campaign| campaign.next_due(now())).unwrap() > now(), "no timer runs in vain");
    assert!(canister.attempts().is_empty());
    drop(taken);
    canister.pass(60);
    assert_eq!(canister.executed(), 1);
}

/// Whoever was told that a claim is pending finds what has become of it.
#[test]
fn what_waited_and_failed_is_in_the_history() {
    let canister = Canister::new();
    let transfer = begin(1).unwrap();
    let taken: Vec<_> = (1_000..1_000 + AT_ONCE as u64).map(|id| acquire(id).unwrap()).collect();
    assert_eq!(run(advance(transfer)), Outcome::Open);
    drop(taken);
    canister.ledger.borrow_mut().closed = true;
    canister.pass(60);
    let history = state::read(|campaign| campaign.history_view(id(1), None, None));
    assert_eq!(
        history.iter().map(|entry| entry.failure.clone()).collect::<Vec<_>>(),
        [Some("refused: too old".to_owned())]
    );
    canister.ledger.borrow_mut().closed = false;
    assert_eq!(claim(1), Outcome::Paid(Some(0)));
}

/// A remembered fee that has fallen: small claims were refused for ever, and what was left over was written off.
#[test]
fn a_fee_that_has_fallen_is_asked_for_before_anything_is_refused_or_written_off() {
    let canister = Canister::new();
    state::mutate(|campaign| campaign.learn_fee(Amount(700)));
    let payout = |campaign: &mut Campaign, fee, now| campaign.begin_claim(id(1), &ClaimArgs::default(), fee, now);
    let transfer = run(super::begin(payout)).unwrap();
    assert_eq!(run(advance(transfer)), Outcome::Paid(Some(0)));
    assert_eq!(state::read(Campaign::books).paid, Amount(590));
    state::mutate(|campaign| campaign.learn_fee(Amount(700)));
    state::mutate(|campaign| campaign.cancel(id(8), now())).unwrap();
    rearm();
    canister.pass(60);
    let books = state::read(Campaign::books);
    assert_eq!((books.refunded, books.dust), (Amount(390), Amount::ZERO));
}

#[test]
fn a_claim_below_the_fee_asks_the_ledger_once() {
    let canister = Canister::new();
    canister.ledger.borrow_mut().fee = 600;
    let payout = |campaign: &mut Campaign, fee, now| campaign.begin_claim(id(1), &ClaimArgs::default(), fee, now);
    for asked in [1, 2] {
        let refused = run(super::begin(payout));
        let below = Request::BelowMinimum { found: Amount(600), minimum: Amount(601), fee: Amount(600) };
        assert_eq!(refused, Err(below.into()));
        assert_eq!(canister.network.sent().len(), asked);
    }
    let stranger = |campaign: &mut Campaign, fee, now| campaign.begin_claim(id(7), &ClaimArgs::default(), fee, now);
    assert!(run(super::begin(stranger)).is_err());
    assert_eq!(canister.network.sent().len(), 2, "nothing is asked for strangers");
}

/// A ledger that takes its time: what is due meanwhile is put off, not looked at in one round after the other.
#[test]
fn the_timer_does_not_run_in_vain_while_a_ledger_is_awaited() {
    let canister = Canister::new();
    let transfer = begin(1).unwrap();
    let mut waiting = Box::pin(advance(transfer));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    rearm();
    let rounds = canister.network.advance(Duration::from_secs(60));
    assert!(rounds <= 7, "{rounds} rounds in a minute");
    assert_eq!(run(waiting), Outcome::Paid(Some(0)));
    assert_eq!((canister.executed(), canister.attempts().len()), (1, 1));
}

/// Every regular round left one more timer for the end, all of which then fired at once.
#[test]
fn timers_do_not_heap_up_before_the_end() {
    let canister = Canister::ending(Some(Timestamp(101 * 3_600_000_000_000 / 2)));
    rearm();
    assert_eq!(canister.network.advance(Duration::from_secs(51 * 3_600)), 51 + 1, "hours, and the end");
    assert_eq!(state::read(Campaign::books).stage, Stage::Completed);
    assert_eq!(state::read(Campaign::books).refunded, Amount(990));
}

/// A refund to the minting account is a burn, which has no fee.
#[test]
fn the_ledger_is_asked_who_mints() {
    let canister = Canister::new();
    canister.ledger.borrow_mut().minter = Some(id(8));
    state::mutate(|campaign| campaign.cancel(id(8), now())).unwrap();
    rearm();
    canister.pass(60);
    let burned = canister.ledger.borrow().executed[0].clone();
    assert_eq!((burned.amount, burned.fee), (Nat::from(1_000u16), Some(Nat::from(0u8))));
    let minting = Account { owner: id(8), subaccount: None };
    let other = Account { subaccount: Some(Subaccount([1; 32])), ..minting };
    assert!(run(burns(minting)));
    assert!(!run(burns(other)), "whose holder can claim to it");
}

/// A ledger without a log is asked what it holds, once its window has closed and its log has not answered for days.
#[test]
fn a_ledger_without_a_log_is_asked_what_it_holds() {
    for (lost, paid) in [(true, 590), (false, 0)] {
        let canister = Canister::new();
        {
            let mut ledger = canister.ledger.borrow_mut();
            (ledger.logless, ledger.lose, ledger.swallow) = (true, u32::from(lost), u32::from(!lost));
        }
        assert_eq!(claim(1), Outcome::Open);
        canister.ledger.borrow_mut().closed = true;
        canister.pass(4 * DAY);
        let books = state::read(Campaign::books);
        assert_eq!((books.paid, books.in_flight, books.quarantined), (Amount(paid), Amount::ZERO, 0));
        let asked = canister.network.sent();
        let count = |method| asked.iter().filter(|request| request.method == method).count();
        assert_eq!(count("icrc1_balance_of"), 1);
        assert!(count("icrc3_get_blocks") < 200, "once an hour, not ten times");
    }
}
