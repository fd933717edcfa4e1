//! Performs what the wallet has decided: sends, waits, brings the answers back. Run by the call that executes a proposal
//! and by the timer alike.

use crate::wallet::{Answer, MAX_EXECUTING, MAX_RESCUES, Payment, Step};
use crate::{ledger, state};
use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::guard::Guards;
use cairn_kit::runtime;
use std::collections::BTreeMap;

/// Most executions at once: all that there can be.
const MAX_AT_ONCE: usize = MAX_EXECUTING + MAX_RESCUES;

thread_local! {
    static GUARDS: Guards<u64> = Guards::new(MAX_AT_ONCE);
}

fn now() -> Timestamp {
    Timestamp(runtime::now())
}

/// Goes on with the execution of proposal `id` as far as possible now. Does nothing if somebody else is at it.
pub async fn drive(id: u64) {
    let Ok(_guard) = GUARDS.with(|guards| guards.acquire(id)) else { return };
    // We are alone: whatever was sent before has lost who waited for its answer.
    state::mutate(|wallet| wallet.interrupted(id, now()));
    let mut fees = BTreeMap::new();
    while let Some(step) = state::mutate(|wallet| wallet.next_step(id, now())) {
        match step {
            // What is minted or burnt is free, whatever the ledger says of its fee.
            Step::Quote { item, ledger, again: true, to: Some(to) } if ledger::mints_or_burns(ledger, to).await => {
                state::mutate(|wallet| wallet.quoted(id, item, Ok(Amount(0)), now()));
            }
            Step::Quote { item, ledger, again, .. } => {
                let fee = fee(&mut fees, ledger, again).await;
                state::mutate(|wallet| wallet.quoted(id, item, fee, now()));
            }
            Step::Send { item, attempt, payment } => {
                let answer = perform(payment).await;
                state::mutate(|wallet| wallet.answered(id, item, attempt, answer, now()));
            }
        }
    }
}

/// The ledger's fee: asked for once in a drive, unless what it said did not hold.
async fn fee(known: &mut BTreeMap<Principal, Amount>, ledger: Principal, again: bool) -> Result<Amount, String> {
    match known.get(&ledger) {
        Some(fee) if !again => Ok(*fee),
        _ => {
            let fee = ledger::fee(ledger).await?;
            known.insert(ledger, fee);
            Ok(fee)
        }
    }
}

async fn perform(payment: Payment) -> Answer {
    match payment {
        Payment::Transfer(transfer, frozen) => ledger::transfer(&transfer, &frozen).await,
        Payment::Approve(approval, frozen) => ledger::approve(&approval, &frozen).await,
        Payment::Call(call) => ledger::call(&call).await,
    }
}

/// Asks every watched ledger for the wallet's balance. One that does not answer leaves what it said last.
pub async fn refresh_balances() {
    for ledger in state::read(|wallet| wallet.watched()) {
        let asked_at = now();
        if let Ok(balance) = ledger::balance(ledger, runtime::id()).await {
            state::mutate(|wallet| wallet.note_balance(ledger, balance, asked_at));
        }
    }
}

#[cfg(test)]
mod tests;
