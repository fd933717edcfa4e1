//! The one wallet of this canister, and its notifications.

use crate::memory::{self, Memories};
use crate::wallet::Wallet;
use cairn_kit::notify::{self, Outbox, Subjects};
use cairn_kit::runtime;
use std::cell::RefCell;

/// What the canister holds.
struct Contract {
    wallet: Wallet,
    outbox: Outbox,
}

thread_local! {
    static CONTRACT: RefCell<Option<Contract>> = const { RefCell::new(None) };
}

/// Opens the outbox in `memories`.
pub fn outbox_in(memories: &Memories) -> Outbox {
    Outbox::open(notify::Memories {
        state: memories.get(memory::NOTIFY_STATE),
        changes: memories.get(memory::NOTIFY_CHANGES),
        numbered: memories.get(memory::NOTIFY_NUMBERED),
        facts: memories.get(memory::NOTIFY_FACTS),
    })
}

/// Puts the wallet in place, at install and after an upgrade.
pub fn install(wallet: Wallet, outbox: Outbox) {
    CONTRACT.set(Some(Contract { wallet, outbox }));
    // What is new since the beginning, and the certificate of the tip.
    mutate(|_| ());
    certify();
}

/// Reads the wallet. Traps if there is none: no method can be called before the install is over.
pub fn read<R>(reader: impl FnOnce(&Wallet) -> R) -> R {
    CONTRACT.with_borrow(|contract| match contract {
        Some(contract) => reader(&contract.wallet),
        None => ic_cdk::trap("the wallet is not installed"),
    })
}

/// Changes the wallet, leaves what is new in the outbox, and certifies a new tip of the trail: all in this message.
pub fn mutate<R>(change: impl FnOnce(&mut Wallet) -> R) -> R {
    let (result, grown) = with(|Contract { wallet, outbox }| {
        let before = wallet.trail_length();
        let result = change(wallet);
        let id = wallet.id();
        wallet.take_news().into_iter().for_each(|news| news.tell(id, outbox));
        (result, wallet.trail_length() > before)
    });
    if grown {
        certify();
    }
    result
}

/// Certifies the hash of the trail's last entry.
fn certify() {
    if let Some(tip) = read(Wallet::tip) {
        runtime::certify(*tip.as_bytes());
    }
}

/// Reads the outbox.
pub fn outbox<R>(reader: impl FnOnce(&Outbox) -> R) -> R {
    CONTRACT.with_borrow(|contract| match contract {
        Some(contract) => reader(&contract.outbox),
        None => ic_cdk::trap("the wallet is not installed"),
    })
}

/// Where the notifications are: see [`notify::Desk`].
pub fn desk(visitor: &mut dyn FnMut(&mut Outbox, &dyn Subjects)) {
    with(|Contract { wallet, outbox }| visitor(outbox, wallet));
}

fn with<R>(change: impl FnOnce(&mut Contract) -> R) -> R {
    CONTRACT.with_borrow_mut(|contract| match contract {
        Some(contract) => change(contract),
        None => ic_cdk::trap("the wallet is not installed"),
    })
}
