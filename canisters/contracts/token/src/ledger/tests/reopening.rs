//! What stable memory must hold for a token to be opened.

use super::*;
use crate::memory::Memories;
use ic_stable_structures::DefaultMemoryImpl;

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
        let config = Config { layout: 1, ..ledger.config().unwrap().clone() };
        ledger.config.set(StoredConfig(Some(config)));
    };
    assert!(matches!(changed(&other_layout), OpenError::Layout { found: 1 }));
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
