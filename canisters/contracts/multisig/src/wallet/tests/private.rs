//! Private wallets are private.

use super::*;
use crate::wallet::News;

#[test]
fn strangers_read_public_wallets_only() {
    let mut private = World::new(2, 1);
    for reader in [person(1), person(OBSERVER), person(100)] {
        assert_eq!(private.wallet.require_reader(reader), Ok(()));
    }
    for stranger in [person(77), Principal::anonymous(), FACTORY] {
        let refused = request(private.wallet.require_reader(stranger).unwrap_err());
        assert_eq!(refused, WalletRequestError::Unauthorized { caller: stranger });
    }
    private.change(WalletChange::ChangeVisibility { public: true }, 2).unwrap();
    assert_eq!(private.wallet.require_reader(person(77)), Ok(()));
    private.change(WalletChange::ChangeVisibility { public: false }, 2).unwrap();
    assert!(private.wallet.require_reader(person(77)).is_err());
}

#[test]
fn the_proposals_of_private_wallets_are_not_told() {
    for public in [false, true] {
        let mut world = World::of(MultisigArgs { public, ..args(2, 2) });
        let id = world.propose(1, pay(5)).unwrap();
        assert_eq!(world.wallet.take_news().contains(&News::Proposed(id, person(1))), public);
    }
}

#[test]
fn the_payments_of_private_wallets_are_not_told() {
    for public in [false, true] {
        let mut world = World::of(MultisigArgs { public, ..args(1, 1) });
        let id = world.approved(pay(5), 1);
        world.begin(1, id).unwrap();
        world.drive(id, &done());
        let paid = News::Paid { ledger: LEDGER, to: person(200), amount: Amount(5) };
        assert_eq!(world.wallet.take_news().contains(&paid), public);
    }
}
