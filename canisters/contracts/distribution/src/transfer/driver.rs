//! Takes transfers from step to step: the call that made one does, and the timer does for what was interrupted.
//!
//! Before a call the step is in stable memory; after it, its outcome. Whatever is lost in between, an upgrade, a trap, a
//! reply, the next step repeats the same call.

use super::ledger;
use super::settlement::Failure;
use crate::campaign::{Answer, Campaign, Payback, Step};
use crate::state;
use cairn_events::payload::Account;
use cairn_events::{Amount, Timestamp};
use cairn_kit::api::distribution::{
    DistributionError, DistributionRequestError as Request, DistributionTemporaryError as Temporary,
};
use cairn_kit::api::ledger::ledger_account;
use cairn_kit::guard::{Guard, GuardError, Guards};
use cairn_kit::{quarantine, runtime};
use icrc_ledger_types::icrc1::account::Account as LedgerAccount;
use std::cell::Cell;
use std::time::Duration;

/// Transfers that are worked on at once.
const AT_ONCE: usize = 50;
/// Transfers that one round of the timer takes on.
const PER_ROUND: usize = 20;
/// Pages of a ledger's log that one step reads.
const PAGES: usize = 10;
/// How often the timer looks, whatever it was told: a trap may have cost it an appointment.
const REGULARLY: Duration = Duration::from_secs(3_600);

thread_local! {
    static AT_WORK: Guards<u64> = Guards::new(AT_ONCE);
    static ROUND: Guards<()> = Guards::new(1);
    static APPOINTMENT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// What has become of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was made, in this block, if it is known.
    Paid(Option<u64>),
    /// It was not, and never will be.
    Failed(Failure),
    /// Open: the timer goes on.
    Open,
}

/// How many transfers are being worked on in this very moment.
pub fn in_flight() -> usize {
    AT_WORK.with(Guards::held)
}

fn acquire(transfer: u64) -> Result<Guard<u64>, GuardError> {
    AT_WORK.with(|guards| guards.acquire(transfer))
}

/// The network's time.
pub fn now() -> Timestamp {
    Timestamp(runtime::now())
}

/// Takes transfer `id` one step further: an attempt, or a part of a search.
pub async fn advance(id: u64) -> Outcome {
    let outcome = match acquire(id) {
        Ok(guard) => guarded(&guard).await,
        // Also if it is being worked on: what is due and not put off would call for one round after the other.
        Err(GuardError::Busy | GuardError::TooMany { .. }) => {
            state::mutate(|campaign| campaign.put_off_transfer(id, now()));
            Outcome::Open
        }
    };
    rearm();
    outcome
}

async fn guarded(guard: &Guard<u64>) -> Outcome {
    let id = *guard.key();
    for _ in 0..PAGES {
        let ledger = state::read(Campaign::ledger);
        let outcome = match state::mutate(|campaign| campaign.step(id, now())) {
            None => return Outcome::Open,
            Some(Step::Send(transfer)) => {
                let reply = ledger::attempt(ledger, &transfer).await;
                return state::mutate(|campaign| campaign.replied(id, reply, now()));
            }
            Some(Step::Search(question)) => {
                let (start, count) = question;
                let answer = ledger::blocks(ledger, start, count).await;
                match answer {
                    Ok((length, blocks)) => state::mutate(|campaign| campaign.searched(id, length, &blocks, now())),
                    Err(failure) => {
                        return state::mutate(|campaign| campaign.search_failed(id, &failure.to_string(), now()));
                    }
                }
            }
            Some(Step::Weigh(before)) => {
                let balance = ledger::balance(ledger, runtime::id()).await;
                return state::mutate(|campaign| match balance {
                    Ok(balance) => campaign.weighed(id, &before, balance, now()),
                    Err(failure) => campaign.weighing_failed(id, &failure.to_string(), now()),
                });
            }
        };
        if outcome != Outcome::Open {
            return outcome;
        }
    }
    Outcome::Open
}

/// The ledger's fee: as it is known, or asked for.
///
/// # Errors
/// The ledger did not answer.
pub async fn fee() -> Answer<Amount> {
    match state::read(Campaign::ledger_fee) {
        Some(fee) => Ok(fee),
        None => quote().await,
    }
}

/// The ledger's fee, asked for.
async fn quote() -> Answer<Amount> {
    let canister = state::read(Campaign::ledger);
    let fee = ledger::fee(canister).await;
    let fee = fee.map_err(|failure| Temporary::Unreachable { canister, detail: failure.to_string() })?;
    state::mutate(|campaign| campaign.learn_fee(fee));
    Ok(fee)
}

/// Begins a payout at the ledger's fee. A ledger tells of a fee that has risen by refusing it; of one that has fallen
/// nobody hears who is refused for it here: so nobody is before it was asked for anew.
///
/// # Errors
/// As `begin`; the ledger did not answer.
pub async fn begin(begin: impl Fn(&mut Campaign, Amount, Timestamp) -> Answer<u64>) -> Answer<u64> {
    let remembered = state::read(Campaign::ledger_fee).is_some();
    let asked = fee().await?;
    match state::mutate(|campaign| begin(campaign, asked, now())) {
        Err(DistributionError::Request(Request::BelowMinimum { found, fee, .. }))
            if remembered && found > Amount::ZERO && found <= fee =>
        {
            let fee = quote().await?;
            state::mutate(|campaign| begin(campaign, fee, now()))
        }
        begun => begun,
    }
}

/// Arms the timers: after an install, an upgrade, the end of a quarantine.
pub fn resume() {
    runtime::every(REGULARLY, || Box::pin(round()));
    APPOINTMENT.set(None);
    rearm();
}

/// Sees to it that the timer looks when something is due.
pub fn rearm() {
    if quarantine::is_active() {
        return;
    }
    let Some(due) = state::read(|campaign| campaign.next_due(now())) else { return };
    // What is further off is seen to in time by the regular rounds; each of them would leave one more timer for it.
    if due.0.saturating_sub(now().0) > REGULARLY.as_nanos() as u64 {
        return;
    }
    if APPOINTMENT.get().is_some_and(|made| made <= due.0 && made >= now().0) {
        return;
    }
    APPOINTMENT.set(Some(due.0));
    runtime::after(Duration::from_nanos(due.0.saturating_sub(now().0)), round());
}

/// One round of the timer: the clock's own changes, what is due, what is owed to the owner.
pub async fn round() {
    if quarantine::is_active() {
        return;
    }
    let Ok(guard) = ROUND.with(|guards| guards.acquire(())) else { return };
    APPOINTMENT.set(None);
    state::mutate(|campaign| campaign.pass_time(now()));
    for id in state::read(|campaign| campaign.due(now(), PER_ROUND)) {
        advance(id).await;
    }
    pay_back().await;
    drop(guard);
    rearm();
}

/// Pays penalties, and what is left over once the distribution has ended.
async fn pay_back() {
    for payback in [Payback::Penalty, Payback::Refund] {
        if !state::read(|campaign| campaign.owes(payback, now())) {
            continue;
        }
        let Ok(fee) = quote().await else {
            state::mutate(|campaign| campaign.put_off(now()));
            return;
        };
        let minting = minting_account().await;
        if let Some(id) = state::mutate(|campaign| campaign.begin_payback(payback, fee, minting, now())) {
            advance(id).await;
        }
    }
}

/// Whether the ledger burns what it is told to pay `account`: then it refuses any fee but none.
pub async fn burns(account: Account) -> bool {
    minting_account().await == Some(ledger_account(account))
}

/// Who does not say has none, as far as we can know: then the ledger refuses, and it is tried again.
async fn minting_account() -> Option<LedgerAccount> {
    ledger::minting_account(state::read(Campaign::ledger)).await.ok().flatten()
}

#[cfg(test)]
mod tests;
