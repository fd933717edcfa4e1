use super::fixtures::{FEE, START, account, init_args, ledger, ledger_with, minter};
use super::model::Model;
use super::*;
use crate::block::Operation;
use crate::memory::Memories;
use candid::{Nat, Principal};
use ic_stable_structures::DefaultMemoryImpl;
use icrc_ledger_types::icrc1::transfer::{Memo, TransferArg, TransferError};
use icrc_ledger_types::icrc2::approve::ApproveError;
use icrc_ledger_types::icrc2::transfer_from::TransferFromError;
use proptest::prelude::*;

fn pay(from: Account, to: Account, amount: u128) -> Transfer {
    Transfer { from, to, spender: None, amount: Amount(amount), fee: None, memo: None, created_at: None }
}

fn spend(spender: Account, from: Account, to: Account, amount: u128) -> Transfer {
    Transfer { spender: Some(spender), ..pay(from, to, amount) }
}

fn allow(from: Account, spender: Account, amount: u128) -> Approval {
    Approval {
        from,
        spender,
        amount: Amount(amount),
        expected_allowance: None,
        expires_at: None,
        fee: None,
        memo: None,
        created_at: None,
    }
}

/// A ledger on which person 1 holds `amount`.
fn funded(amount: u128) -> Ledger {
    let mut args = init_args();
    args.initial_balances = vec![(account(1), Nat::from(amount))];
    ledger_with(args)
}

fn later(nanoseconds: u64) -> Timestamp {
    Timestamp(START.0 + nanoseconds)
}

#[test]
fn initial_balances_are_minted_as_blocks() {
    let ledger = funded(500);
    let (block, _) = ledger.block(BlockIndex(0)).unwrap().unwrap();
    assert_eq!((block.transaction.operation, block.transaction.to), (Operation::Mint, Some(account(1))));
    assert_eq!((ledger.total_supply(), ledger.log_length()), (Amount(500), 1));
}

#[test]
fn a_transfer_moves_amount_and_burns_the_fee() {
    let mut ledger = funded(100 * FEE);
    ledger.transfer(pay(account(1), account(2), 3 * FEE), START).unwrap();
    assert_eq!(ledger.balance(&account(1)), Amount(96 * FEE));
    assert_eq!(ledger.balance(&account(2)), Amount(3 * FEE));
    assert_eq!(ledger.total_supply(), Amount(99 * FEE));
}

#[test]
fn a_collector_gets_the_fees_of_transfers_only() {
    let mut args = init_args();
    args.fee_collector_account = Some(account(9));
    args.initial_balances = vec![(account(1), Nat::from(100 * FEE))];
    let mut ledger = ledger_with(args);
    ledger.transfer(pay(account(1), account(2), FEE), START).unwrap();
    assert_eq!((ledger.balance(&account(9)), ledger.total_supply()), (Amount(FEE), Amount(100 * FEE)));
    let (block, _) = ledger.block(BlockIndex(1)).unwrap().unwrap();
    assert_eq!(block.fee_collector, Some(account(9)));
    ledger.approve(allow(account(1), account(2), 5), START).unwrap();
    assert_eq!((ledger.balance(&account(9)), ledger.total_supply()), (Amount(FEE), Amount(99 * FEE)));
    // The collector pays itself: it stands on both sides of the same transfer.
    ledger.transfer(pay(account(9), account(9), 0), START).unwrap();
    assert_eq!(ledger.balance(&account(9)), Amount(FEE));
}

#[test]
fn a_transfer_to_oneself_costs_the_fee() {
    let mut ledger = funded(10 * FEE);
    ledger.transfer(pay(account(1), account(1), 9 * FEE), START).unwrap();
    assert_eq!(ledger.balance(&account(1)), Amount(9 * FEE));
    let refused = ledger.transfer(pay(account(1), account(1), 9 * FEE), START);
    assert_eq!(refused, Err(Refusal::InsufficientFunds { balance: Amount(9 * FEE) }));
}

#[test]
fn the_minting_account_mints_and_burns_without_a_fee() {
    let mut ledger = ledger();
    ledger.transfer(pay(minter(), account(1), 50_000), START).unwrap();
    assert_eq!((ledger.balance(&account(1)), ledger.balance(&minter())), (Amount(50_000), Amount(0)));
    ledger.transfer(pay(account(1), minter(), 20_000), START).unwrap();
    assert_eq!((ledger.balance(&account(1)), ledger.total_supply()), (Amount(30_000), Amount(30_000)));
    assert_eq!(ledger.balance(&minter()), Amount(0));
    let with_fee = Transfer { fee: Some(Amount(FEE)), ..pay(minter(), account(1), 1) };
    assert_eq!(ledger.transfer(with_fee, START), Err(Refusal::BadFee { expected: Amount(0) }));
    let free = Transfer { fee: Some(Amount(0)), ..pay(minter(), account(1), 1) };
    assert!(ledger.transfer(free, START).is_ok());
    assert_eq!(ledger.transfer(pay(minter(), minter(), 1), START), Err(Other::MintToMinter.into()));
}

#[test]
fn burns_have_a_minimum() {
    let mut ledger = funded(3 * FEE / 2);
    let refused = ledger.transfer(pay(account(1), minter(), FEE - 1), START);
    assert_eq!(refused, Err(Refusal::BadBurn { minimum: Amount(FEE) }));
    ledger.transfer(pay(account(1), minter(), FEE), START).unwrap();
    let refused = ledger.transfer(pay(account(1), minter(), FEE / 2 - 1), START);
    assert_eq!(refused, Err(Refusal::BadBurn { minimum: Amount(FEE / 2) }), "a rest below the fee goes as a whole");
    ledger.transfer(pay(account(1), minter(), FEE / 2), START).unwrap();
    let refused = ledger.transfer(pay(account(1), minter(), 0), START);
    assert_eq!(refused, Err(Refusal::BadBurn { minimum: Amount(1) }));
}

#[test]
fn supply_never_overflows() {
    let mut ledger = ledger();
    ledger.transfer(pay(minter(), account(1), u128::MAX), START).unwrap();
    assert_eq!(ledger.transfer(pay(minter(), account(2), 1), START), Err(Other::SupplyOverflow.into()));
    let refused = ledger.transfer(pay(account(1), account(2), u128::MAX), START);
    assert_eq!(refused, Err(Refusal::InsufficientFunds { balance: Amount(u128::MAX) }));
}

#[test]
fn nobody_anonymous_acts() {
    let mut ledger = funded(100 * FEE);
    let nobody = Account::from(Principal::anonymous());
    assert_eq!(ledger.transfer(pay(nobody, account(2), 1), START), Err(Other::Anonymous.into()));
    assert_eq!(ledger.transfer(spend(nobody, account(1), account(2), 1), START), Err(Other::Anonymous.into()));
    assert_eq!(ledger.approve(allow(nobody, account(2), 1), START), Err(Other::Anonymous.into()));
    assert_eq!(ledger.log_length(), 1);
}

#[test]
fn arguments_out_of_range_get_typed_errors() {
    let huge = Nat::from(u128::MAX) + Nat::from(1u8);
    let caller = account(1).owner;
    let arg = TransferArg {
        from_subaccount: None,
        to: account(2),
        fee: None,
        created_at_time: None,
        memo: Some(Memo::from(vec![0; 33])),
        amount: huge.clone(),
    };
    let refused = Transfer::from_transfer(caller, arg.clone()).unwrap_err();
    assert_eq!(refused, Other::NumberTooLarge { field: "amount" }.into());
    let error = TransferError::from(refused);
    assert!(matches!(error, TransferError::GenericError { error_code, .. } if error_code == 3u8));
    let small = TransferArg { amount: Nat::from(1u8), ..arg.clone() };
    let refused = funded(100 * FEE).transfer(Transfer::from_transfer(caller, small.clone()).unwrap(), START);
    assert_eq!(refused, Err(Other::MemoTooLong { length: 33, maximum: 32 }.into()));
    let fee = Transfer::from_transfer(caller, TransferArg { fee: Some(huge), ..small }).unwrap_err();
    assert_eq!(fee, Other::NumberTooLarge { field: "fee" }.into());
}

#[test]
fn refusals_reach_callers_in_the_standards_variants() {
    let fee = Refusal::BadFee { expected: Amount(7) };
    assert_eq!(TransferError::from(fee.clone()), TransferError::BadFee { expected_fee: Nat::from(7u8) });
    assert_eq!(ApproveError::from(fee.clone()), ApproveError::BadFee { expected_fee: Nat::from(7u8) });
    assert_eq!(TransferFromError::from(fee), TransferFromError::BadFee { expected_fee: Nat::from(7u8) });
    let short = Refusal::InsufficientAllowance { allowance: Amount(1) };
    let expected = TransferFromError::InsufficientAllowance { allowance: Nat::from(1u8) };
    assert_eq!(TransferFromError::from(short), expected);
    assert_eq!(
        ApproveError::from(Refusal::Expired { ledger_time: START }),
        ApproveError::Expired { ledger_time: START.0 }
    );
    assert_eq!(ApproveError::from(Refusal::TooOld), ApproveError::TooOld);
}

// ---- deduplication ----

#[test]
fn a_repeated_transaction_is_answered_with_its_block_whatever_has_changed_since() {
    let mut ledger = funded(10 * FEE);
    let once = Transfer { created_at: Some(START), ..pay(account(1), account(2), 9 * FEE) };
    let block = ledger.transfer(once.clone(), START).unwrap();
    assert_eq!(ledger.balance(&account(1)), Amount(0), "a second execution could not be paid");
    ledger.reconfigure(UpgradeArgs { transfer_fee: Some(Nat::from(1u8)), ..Default::default() }).unwrap();
    assert_eq!(ledger.transfer(once.clone(), later(5)), Err(Refusal::Duplicate { of: block }));
    let named = Transfer { fee: Some(Amount(FEE)), ..once };
    assert_eq!(ledger.transfer(named, later(5)), Err(Refusal::BadFee { expected: Amount(1) }));
}

#[test]
fn an_allowance_that_is_used_up_or_expired_does_not_hide_a_duplicate() {
    let mut ledger = funded(100 * FEE);
    let approval = Approval {
        created_at: Some(START),
        expires_at: Some(later(10)),
        expected_allowance: Some(Amount(0)),
        ..allow(account(1), account(2), 2 * FEE)
    };
    let approved = ledger.approve(approval.clone(), START).unwrap();
    let spent = Transfer { created_at: Some(START), ..spend(account(2), account(1), account(3), FEE) };
    let block = ledger.transfer(spent.clone(), START).unwrap();
    assert_eq!(ledger.transfer(spent, later(1)), Err(Refusal::Duplicate { of: block }));
    assert_eq!(ledger.approve(approval, later(11)), Err(Refusal::Duplicate { of: approved }));
}

#[test]
fn every_argument_and_the_caller_count() {
    let mut ledger = funded(1_000 * FEE);
    ledger.transfer(pay(account(1), account(2), 100 * FEE), START).unwrap();
    let base = Transfer { created_at: Some(START), ..pay(account(1), account(3), FEE) };
    let variations = [
        base.clone(),
        Transfer { amount: Amount(FEE + 1), ..base.clone() },
        Transfer { fee: Some(Amount(FEE)), ..base.clone() },
        Transfer { memo: Some(serde_bytes::ByteBuf::new()), ..base.clone() },
        Transfer { from: account(2), ..base.clone() },
        Transfer { to: account(4), ..base.clone() },
        Transfer { to: Account { owner: account(3).owner, subaccount: Some([0; 32]) }, ..base.clone() },
        Transfer { created_at: Some(later(1)), ..base.clone() },
        Transfer { spender: Some(account(1)), ..base.clone() },
    ];
    for transfer in &variations {
        ledger.transfer(transfer.clone(), START).unwrap();
    }
    for transfer in variations {
        assert!(matches!(ledger.transfer(transfer, START), Err(Refusal::Duplicate { .. })));
    }
    let unmarked = pay(account(1), account(3), FEE);
    assert!(ledger.transfer(unmarked.clone(), START).is_ok() && ledger.transfer(unmarked, START).is_ok());
}

#[test]
fn the_window_is_a_day_and_a_minute_on_either_side() {
    let mut ledger = funded(1_000 * FEE);
    let now = later(WINDOW * 3);
    let at = |time: u64| Transfer { created_at: Some(Timestamp(time)), ..pay(account(1), account(2), 1) };
    let oldest = now.0 - WINDOW - PERMITTED_DRIFT;
    assert_eq!(ledger.transfer(at(oldest - 1), now), Err(Refusal::TooOld));
    assert!(ledger.transfer(at(oldest), now).is_ok());
    let latest = now.0 + PERMITTED_DRIFT;
    assert_eq!(ledger.transfer(at(latest + 1), now), Err(Refusal::CreatedInFuture { ledger_time: now }));
    assert!(ledger.transfer(at(latest), now).is_ok());
    assert!(matches!(ledger.transfer(at(oldest), now), Err(Refusal::Duplicate { .. })));
    assert_eq!(ledger.transfer(at(oldest), Timestamp(now.0 + 1)), Err(Refusal::TooOld));
}

#[test]
fn what_is_too_old_is_forgotten_bit_by_bit() {
    let mut ledger = funded(1_000 * FEE);
    let at = |time: u64| Transfer { created_at: Some(Timestamp(time)), ..pay(account(1), account(2), 1) };
    for n in 0..10 {
        ledger.transfer(at(START.0 + n), START).unwrap();
    }
    assert_eq!(ledger.sizes().recent, 10);
    let next_days = later(2 * WINDOW);
    let mut sizes = Vec::new();
    for n in 0..6 {
        ledger.transfer(at(next_days.0 + n), next_days).unwrap();
        sizes.push(ledger.sizes().recent);
    }
    assert_eq!(sizes, [9, 8, 7, 6, 5, 6]);
}

// ---- allowances ----

#[test]
fn an_allowance_covers_amount_and_fee_and_shrinks_by_both() {
    let mut ledger = funded(100 * FEE);
    ledger.approve(allow(account(1), account(2), 5 * FEE), START).unwrap();
    let refused = ledger.transfer(spend(account(2), account(1), account(3), 4 * FEE + 1), START);
    assert_eq!(refused, Err(Refusal::InsufficientAllowance { allowance: Amount(5 * FEE) }));
    ledger.transfer(spend(account(2), account(1), account(3), 3 * FEE), START).unwrap();
    assert_eq!(ledger.allowance(&account(1), &account(2), START).unwrap().amount, Amount(FEE));
    ledger.transfer(spend(account(2), account(1), account(3), 0), START).unwrap();
    assert_eq!(ledger.allowance(&account(1), &account(2), START), None);
    assert_eq!(ledger.sizes().allowances, 0, "an allowance used up is gone");
}

#[test]
fn a_burn_uses_an_allowance_without_a_fee_and_minting_is_not_delegated() {
    let mut ledger = funded(100 * FEE);
    ledger.approve(allow(account(1), account(2), 2 * FEE), START).unwrap();
    ledger.transfer(spend(account(2), account(1), minter(), 2 * FEE), START).unwrap();
    assert_eq!(ledger.balance(&account(1)), Amount(97 * FEE));
    let (block, _) = ledger.block(BlockIndex(2)).unwrap().unwrap();
    assert_eq!((block.transaction.operation, block.transaction.spender), (Operation::Burn, Some(account(2))));
    assert_eq!(ledger.approve(allow(minter(), account(2), 5), START), Err(Other::DelegatedMint.into()));
    let refused = ledger.transfer(spend(account(2), minter(), account(2), 5), START);
    assert_eq!(refused, Err(Other::DelegatedMint.into()));
}

#[test]
fn owners_need_no_allowance_for_their_own_account_and_get_none() {
    let mut ledger = funded(100 * FEE);
    ledger.transfer(spend(account(1), account(1), account(2), FEE), START).unwrap();
    let mut savings = account(1);
    savings.subaccount = Some([1; 32]);
    assert_eq!(ledger.approve(allow(account(1), savings, 5), START), Err(Other::SelfApproval.into()));
    let refused = ledger.transfer(spend(savings, account(1), account(2), FEE), START);
    assert_eq!(refused, Err(Refusal::InsufficientAllowance { allowance: Amount(0) }));
}

#[test]
fn approvals_set_and_check_what_they_replace() {
    let mut ledger = funded(100 * FEE);
    ledger.approve(allow(account(1), account(2), 5), START).unwrap();
    let expecting =
        |expected| Approval { expected_allowance: Some(Amount(expected)), ..allow(account(1), account(2), 9) };
    assert_eq!(ledger.approve(expecting(4), START), Err(Refusal::AllowanceChanged { current: Amount(5) }));
    ledger.approve(expecting(5), START).unwrap();
    assert_eq!(ledger.allowance(&account(1), &account(2), START).unwrap().amount, Amount(9));
    ledger.approve(allow(account(1), account(2), 0), START).unwrap();
    assert_eq!(ledger.sizes().allowances, 0);
    assert_eq!(ledger.balance(&account(1)), Amount(97 * FEE));
    let poor = ledger.approve(allow(account(5), account(2), 5), START);
    assert_eq!(poor, Err(Refusal::InsufficientFunds { balance: Amount(0) }));
}

#[test]
fn an_allowance_ends_at_its_time() {
    let mut ledger = funded(100 * FEE);
    let until = |end| Approval { expires_at: Some(end), ..allow(account(1), account(2), 50 * FEE) };
    assert_eq!(ledger.approve(until(START), START), Err(Refusal::Expired { ledger_time: START }));
    ledger.approve(until(later(10)), START).unwrap();
    assert!(ledger.allowance(&account(1), &account(2), later(9)).is_some());
    assert_eq!(ledger.allowance(&account(1), &account(2), later(10)), None);
    let late = ledger.transfer(spend(account(2), account(1), account(3), 1), later(10));
    assert_eq!(late, Err(Refusal::InsufficientAllowance { allowance: Amount(0) }));
    let expecting_nothing = Approval { expected_allowance: Some(Amount(0)), ..allow(account(1), account(2), 1) };
    ledger.approve(expecting_nothing, later(10)).unwrap();
}

#[test]
fn expired_allowances_are_removed_bit_by_bit() {
    let mut ledger = funded(1_000 * FEE);
    let until = |spender, end| Approval { expires_at: Some(end), ..allow(account(1), account(spender), 5) };
    for spender in 2..12 {
        ledger.approve(until(spender, later(10)), START).unwrap();
    }
    // Renewed and used allowances leave nothing behind in the queue.
    ledger.approve(until(2, later(500)), START).unwrap();
    ledger.approve(allow(account(1), account(3), 5), START).unwrap();
    let mut counts = Vec::new();
    for spender in 20..26 {
        ledger.approve(until(spender, later(1_000)), later(100)).unwrap();
        counts.push(ledger.sizes().allowances);
    }
    assert_eq!(counts, [9, 8, 7, 6, 7, 8], "eight had expired");
    assert!(ledger.allowance(&account(1), &account(3), later(100)).is_some());
    assert!(ledger.allowance(&account(1), &account(2), later(100)).is_some());
}

#[test]
fn allowances_are_listed_by_owner_in_order() {
    let mut ledger = funded(1_000 * FEE);
    let mut savings = account(1);
    savings.subaccount = Some([1; 32]);
    ledger.transfer(pay(account(1), savings, 100 * FEE), START).unwrap();
    ledger.transfer(pay(account(1), account(2), 100 * FEE), START).unwrap();
    let mut expected = Vec::new();
    for (from, spender) in [(account(1), account(3)), (savings, account(4)), (account(1), account(5))] {
        ledger.approve(allow(from, spender, 7), START).unwrap();
        expected.push((from, spender));
    }
    ledger.approve(allow(account(2), account(3), 7), START).unwrap();
    ledger.approve(Approval { expires_at: Some(later(1)), ..allow(account(1), account(6), 7) }, START).unwrap();
    expected.sort();
    let pairs = |page: Vec<(Account, Account, Allowance)>| page.into_iter().map(|(f, s, _)| (f, s)).collect::<Vec<_>>();
    assert_eq!(pairs(ledger.allowances(&account(1), None, later(5), 10)), expected);
    assert_eq!(pairs(ledger.allowances(&account(1), None, later(5), 2)), expected[..2]);
    let (from, previous) = expected[0];
    assert_eq!(pairs(ledger.allowances(&from, Some(&previous), later(5), 10)), expected[1..]);
    assert!(ledger.allowances(&account(9), None, later(5), 10).is_empty());
}

#[test]
fn icrc2_can_be_switched_off() {
    let mut args = init_args();
    args.feature_flags = Some(crate::config::FeatureFlags { icrc2: false });
    let mut ledger = ledger_with(args);
    assert_eq!(ledger.approve(allow(account(1), account(2), 1), START), Err(Other::Icrc2Disabled.into()));
    let refused = ledger.transfer(spend(account(2), account(1), account(3), 1), START);
    assert_eq!(refused, Err(Other::Icrc2Disabled.into()));
}

// ---- stable memory ----

#[test]
fn everything_is_found_again_after_an_upgrade() {
    let memory = DefaultMemoryImpl::default();
    let mut args = init_args();
    args.initial_balances = vec![(account(1), Nat::from(100 * FEE))];
    args.factory = Some(account(200).owner);
    let mut ledger = crate::lifecycle::new_ledger(&Memories::new(memory.clone()), args, START).unwrap();
    let once = Transfer { created_at: Some(START), ..pay(account(1), account(2), FEE) };
    let block = ledger.transfer(once.clone(), START).unwrap();
    ledger.approve(allow(account(1), account(3), 5 * FEE), START).unwrap();
    let (tip, sizes, supply) = (ledger.tip(), ledger.sizes(), ledger.total_supply());
    drop(ledger);
    let mut ledger = Ledger::open(&Memories::new(memory)).unwrap();
    assert_eq!((ledger.tip(), ledger.sizes(), ledger.total_supply()), (tip, sizes, supply));
    assert_eq!(ledger.transfer(once, START), Err(Refusal::Duplicate { of: block }));
    ledger.transfer(spend(account(3), account(1), account(2), FEE), START).unwrap();
    assert!(ledger.outbox().has_work());
}

#[test]
fn stable_memory_that_is_no_token_is_refused() {
    let empty = Ledger::open(&Memories::new(DefaultMemoryImpl::default()));
    assert!(matches!(empty, Err(OpenError::NotAToken)));

    let changed = |change: &dyn Fn(&mut Ledger)| {
        let memory = DefaultMemoryImpl::default();
        let mut args = init_args();
        args.initial_balances = vec![(account(1), Nat::from(FEE)), (account(2), Nat::from(FEE))];
        let mut ledger = crate::lifecycle::new_ledger(&Memories::new(memory.clone()), args, START).unwrap();
        change(&mut ledger);
        Ledger::open(&Memories::new(memory)).map(|_| ()).unwrap_err()
    };
    let other_layout = |ledger: &mut Ledger| {
        let config = Config { layout: 2, ..ledger.config().unwrap().clone() };
        ledger.config.set(StoredConfig(Some(config)));
    };
    assert!(matches!(changed(&other_layout), OpenError::Layout { found: 2 }));
    let other_hash = |ledger: &mut Ledger| {
        let tip = ledger.tip().map(|tip| Tip { hash: cairn_events::Hash([0; 32]), ..tip });
        ledger.totals.set(Totals { tip, ..*ledger.totals.get() });
    };
    assert!(matches!(changed(&other_hash), OpenError::Tip { .. }));
    let shorter = |ledger: &mut Ledger| {
        let tip = ledger.tip().map(|tip| Tip { index: BlockIndex(0), ..tip });
        ledger.totals.set(Totals { tip, ..*ledger.totals.get() });
    };
    assert!(matches!(changed(&shorter), OpenError::Tip { .. }));
    let unconfigured = |ledger: &mut Ledger| {
        ledger.config.set(StoredConfig(None));
    };
    assert!(matches!(changed(&unconfigured), OpenError::NotAToken));
}

// ---- against a model ----

#[derive(Clone, Debug)]
enum Step {
    Transfer(Transfer),
    Approve(Approval),
    Wait(u64),
}

fn arb_person() -> impl Strategy<Value = Account> {
    let owner = prop_oneof![8 => 1u8..5, 1 => Just(255u8), 1 => Just(9u8)].prop_map(account);
    (owner, prop_oneof![4 => Just(None), 1 => Just(Some([0; 32])), 2 => Just(Some([1; 32]))])
        .prop_map(|(person, subaccount)| Account { subaccount, ..person })
}

fn arb_units() -> impl Strategy<Value = Amount> {
    prop_oneof![
        6 => (0u128..20).prop_map(|n| Amount(n * FEE / 2)),
        1 => Just(Amount(u128::MAX)),
        1 => Just(Amount(u128::MAX - FEE)),
    ]
}

fn arb_named_fee() -> impl Strategy<Value = Option<Amount>> {
    prop_oneof![4 => Just(None), 2 => Just(Some(Amount(FEE))), 1 => Just(Some(Amount(0))), 1 => Just(Some(Amount(1)))]
}

fn arb_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![(0u64..4).prop_map(later), Just(later(WINDOW)), Just(Timestamp(u64::MAX)), Just(Timestamp(0))]
}

fn arb_memo() -> impl Strategy<Value = Option<serde_bytes::ByteBuf>> {
    let bytes = prop_oneof![Just(0usize), Just(1), Just(32), Just(33)];
    prop::option::weighted(0.2, bytes.prop_map(|length| serde_bytes::ByteBuf::from(vec![1; length])))
}

fn arb_step() -> impl Strategy<Value = Step> {
    let transfer = (
        (arb_person(), arb_person(), prop::option::weighted(0.4, arb_person())),
        (arb_units(), arb_named_fee(), arb_memo(), prop::option::weighted(0.3, arb_time())),
    )
        .prop_map(|((from, to, spender), (amount, fee, memo, created_at))| {
            Step::Transfer(Transfer { from, to, spender, amount, fee, memo, created_at })
        });
    let approve = (
        (arb_person(), arb_person(), arb_units(), prop::option::weighted(0.2, arb_units())),
        (prop::option::weighted(0.4, arb_time()), arb_named_fee(), prop::option::weighted(0.3, arb_time())),
    )
        .prop_map(|((from, spender, amount, expected_allowance), (expires_at, fee, created_at))| {
            let memo = None;
            Step::Approve(Approval { from, spender, amount, expected_allowance, expires_at, fee, memo, created_at })
        });
    let wait = prop_oneof![Just(1), Just(WINDOW / 2), Just(WINDOW + PERMITTED_DRIFT)];
    prop_oneof![6 => transfer, 3 => approve, 1 => wait.prop_map(Step::Wait)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The same answer as the model to everything, the same balances and allowances, and a log that chains.
    #[test]
    fn the_ledger_agrees_with_the_model(
        collector in prop::option::of(Just(account(9))),
        steps in prop::collection::vec(arb_step(), 1..60),
    ) {
        let mut args = init_args();
        args.fee_collector_account = collector;
        let mut ledger = ledger_with(args);
        let mut model = Model::new(minter(), collector, Amount(FEE));
        for n in 1..5 {
            let mint = pay(minter(), account(n), 40 * FEE);
            prop_assert_eq!(ledger.transfer(mint.clone(), START), model.transfer(mint, START));
        }
        let mut now = START;
        for step in steps {
            match step {
                Step::Wait(time) => now = Timestamp(now.0 + time),
                Step::Transfer(transfer) => {
                    prop_assert_eq!(ledger.transfer(transfer.clone(), now), model.transfer(transfer, now));
                }
                Step::Approve(approval) => {
                    prop_assert_eq!(ledger.approve(approval.clone(), now), model.approve(approval, now));
                }
            }
            model.compare(&ledger, now)?;
        }
    }
}
