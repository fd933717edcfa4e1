//! Allowances: given and used (ICRC-2), listed (ICRC-103).

use super::*;

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
    args.feature_flags = Some(cairn_kit::api::ledger::FeatureFlags { icrc2: false });
    let mut ledger = ledger_with(args);
    assert_eq!(ledger.approve(allow(account(1), account(2), 1), START), Err(Other::Icrc2Disabled.into()));
    let refused = ledger.transfer(spend(account(2), account(1), account(3), 1), START);
    assert_eq!(refused, Err(Other::Icrc2Disabled.into()));
}
