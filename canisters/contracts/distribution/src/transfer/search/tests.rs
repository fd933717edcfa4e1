use super::*;
use crate::transfer::{Claim, memo};
use cairn_events::payload::Subaccount;
use candid::Nat;
use proptest::prelude::*;
use serde_bytes::ByteBuf;

const HOUR: u64 = 3_600 * 1_000_000_000;

fn canister() -> Principal {
    Principal::from_slice(&[7, 7])
}

fn person(n: u8) -> Account {
    Account { owner: Principal::from_slice(&[n]), subaccount: Some(Subaccount([n; 32])) }
}

fn transfer(purpose: Purpose) -> Transfer {
    let created_at = Timestamp(1_000 * HOUR);
    let mut transfer = Transfer::new(purpose, person(1), Amount(90), Amount(10), memo(canister(), 5), created_at);
    transfer.sent(Timestamp(1_001 * HOUR));
    transfer
}

fn payout() -> Transfer {
    transfer(Purpose::Claim(Claim { recipient: person(1).owner, parts: Vec::new() }))
}

fn account(Account { owner, subaccount }: Account) -> ICRC3Value {
    let blob = |bytes: &[u8]| ICRC3Value::Blob(ByteBuf::from(bytes));
    let owner = blob(owner.as_slice());
    ICRC3Value::Array(std::iter::once(owner).chain(subaccount.map(|subaccount| blob(&subaccount.0))).collect())
}

fn map<const N: usize>(fields: [(&str, ICRC3Value); N]) -> ICRC3Value {
    ICRC3Value::Map(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn ours() -> Account {
    Account { owner: canister(), subaccount: None }
}

fn block(id: u64, time: u64, tx: ICRC3Value) -> BlockWithId {
    BlockWithId { id: Nat::from(id), block: map([("ts", ICRC3Value::Nat(Nat::from(time))), ("tx", tx)]) }
}

fn tx(from: Account, to: Account, amount: u128, memo: &[u8]) -> ICRC3Value {
    map([
        ("from", account(from)),
        ("to", account(to)),
        ("amt", ICRC3Value::Nat(Nat::from(amount))),
        ("memo", ICRC3Value::Blob(ByteBuf::from(memo))),
    ])
}

/// Runs a search over a whole log; answers hold at most `page` blocks. The result, and the questions it took.
fn search(transfer: &Transfer, log: &[BlockWithId], page: usize) -> (Found, usize) {
    let mut state = Search::Begin;
    for asked in 1.. {
        let (start, count) = state.question();
        let blocks: Vec<_> = log.iter().skip(start as usize).take((count as usize).min(page)).cloned().collect();
        match state.answer(transfer, canister(), log.len() as u64, &blocks) {
            Found::Go(next) => state = next,
            found => return (found, asked),
        }
    }
    unreachable!()
}

/// A log with a block every second around the time of the transfer, which is at `place`, if it is.
fn log(transfer: &Transfer, length: u64, place: Option<u64>) -> Vec<BlockWithId> {
    let start = transfer.created_at.0 - length / 2 * 1_000_000_000;
    let other = || tx(person(3), person(4), 5, b"other");
    let this = || tx(ours(), transfer.account, transfer.amount.0, transfer.memo.as_bytes());
    (0..length).map(|n| block(n, start + n * 1_000_000_000, if Some(n) == place { this() } else { other() })).collect()
}

proptest! {
    #[test]
    fn what_is_there_is_found_and_nothing_else(length in 1..3_000_u64, place in 0..3_000_u64, page in 1..60_usize) {
        let payout = payout();
        // No attempt is executed before its time, but for the ledger's lag.
        let place = place.max(length / 2);
        let log = log(&payout, length, Some(place));
        let (found, asked) = search(&payout, &log, page);
        prop_assert_eq!(found, if place < length { Found::Block(place) } else { Found::Nothing });
        prop_assert!(asked <= 16 + 2_200 / page.min(50) + 1, "{} questions", asked);
    }
}

#[test]
fn blocks_after_the_last_attempt_are_not_read() {
    let payout = payout();
    let late = payout.last_sent.0 + UNDER_WAY + 1;
    let log = [block(0, late, tx(ours(), payout.account, 90, payout.memo.as_bytes()))];
    assert_eq!(search(&payout, &log, 1).0, Found::Nothing);
}

#[test]
fn a_memo_of_ours_in_a_strangers_transfer_is_not_it() {
    let payout = payout();
    let memo = payout.memo.as_bytes();
    let at = payout.created_at.0;
    for stranger in [
        tx(person(2), payout.account, 90, memo),
        tx(ours(), person(2), 90, memo),
        tx(ours(), payout.account, 91, memo),
        tx(ours(), payout.account, 90, &[0; 32]),
        map([]),
    ] {
        assert_eq!(search(&payout, &[block(0, at, stranger)], 1).0, Found::Nothing);
    }
    let deposit = transfer(Purpose::Deposit);
    let plain = tx(deposit.account, ours(), 90, memo);
    assert_eq!(search(&deposit, &[block(0, at, plain.clone())], 1).0, Found::Nothing, "a gift, not our deposit");
    let ICRC3Value::Map(mut fields) = plain else { unreachable!() };
    fields.insert("spender".to_owned(), account(ours()));
    assert_eq!(search(&deposit, &[block(0, at, ICRC3Value::Map(fields))], 1).0, Found::Block(0));
}

/// To pay the minting account is to burn: such a block names nobody who was paid.
#[test]
fn what_was_burned_is_found() {
    let refund = transfer(Purpose::Refund);
    let ICRC3Value::Map(mut fields) = tx(ours(), ours(), 90, refund.memo.as_bytes()) else { unreachable!() };
    fields.remove("to");
    let burned = block(0, refund.created_at.0, ICRC3Value::Map(fields.clone()));
    assert_eq!(search(&refund, &[burned], 1).0, Found::Block(0));
    fields.insert("from".to_owned(), account(person(2)));
    let theirs = block(0, refund.created_at.0, ICRC3Value::Map(fields));
    assert_eq!(search(&refund, &[theirs], 1).0, Found::Nothing);
}

#[test]
fn what_cannot_be_read_is_not_taken_for_absence() {
    let payout = payout();
    let unreadable = |found| matches!(found, Found::Unreadable(_));
    let scan = Search::Scan { next: 3, length: 9 };
    assert!(unreadable(scan.answer(&payout, canister(), 9, &[])));
    let wrong = [block(4, payout.created_at.0, map([]))];
    assert!(unreadable(scan.answer(&payout, canister(), 9, &wrong)));
    let timeless = [BlockWithId { id: Nat::from(3u8), block: map([]) }];
    assert!(unreadable(scan.answer(&payout, canister(), 9, &timeless)));
    assert!(unreadable(search(&payout, &[], 1).0), "a ledger that has moved our money has a log");
    let locate = Search::Locate { low: 0, high: 9, length: 9 };
    assert!(unreadable(locate.answer(&payout, canister(), 9, &wrong[..0])));
}
