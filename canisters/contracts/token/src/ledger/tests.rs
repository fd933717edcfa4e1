//! The ledger's rules, standard by standard.

mod deduplication;
mod holders;
mod icrc1;
mod icrc2;
mod properties;
mod reopening;

use super::fixtures::{FEE, START, account, init_args, ledger, ledger_with, minter};
use super::*;
use crate::block::Operation;
use candid::{Nat, Principal};

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
