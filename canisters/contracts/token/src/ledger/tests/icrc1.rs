//! Transfers, mints and burns (ICRC-1), and the errors of either standard.

use super::*;
use icrc_ledger_types::icrc1::transfer::{Memo, TransferArg, TransferError};
use icrc_ledger_types::icrc2::approve::ApproveError;
use icrc_ledger_types::icrc2::transfer_from::TransferFromError;

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
