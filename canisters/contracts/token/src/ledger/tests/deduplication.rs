//! Repeated transactions (ICRC-1, "Transaction deduplication").

use super::*;

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
