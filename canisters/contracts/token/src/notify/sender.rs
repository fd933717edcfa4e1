//! The timer that empties the outbox: one batch in flight, bounded-wait, never on the path of a reply.

use super::outbox::Outcome;
use super::wire::{NotifyReply, Numbered};
use crate::state;
use cairn_events::Timestamp;
use candid::{DecoderConfig, Encode, Principal};
use ic_cdk::call::Call;
use ic_cdk_timers::TimerId;
use std::cell::Cell;
use std::time::Duration;

/// How long changes gather before they are numbered.
const GATHERING: Duration = Duration::from_secs(2);
/// How long an answer is waited for, in seconds; without one the batch is sent again.
const TIMEOUT_SECONDS: u32 = 120;
/// The waiting time after a trap in our own callback.
const AFTER_TRAP: Duration = Duration::from_secs(30);
/// Work that decoding the factory's reply may cost.
const REPLY_QUOTA: usize = 100_000;

thread_local! {
    static TIMER: Cell<Option<TimerId>> = const { Cell::new(None) };
    static IN_FLIGHT: Cell<bool> = const { Cell::new(false) };
}

/// Whether a batch is on its way.
pub fn is_in_flight() -> bool {
    IN_FLIGHT.get()
}

/// Arms the timer if there is something to send and no timer yet. Cheap when there is nothing to do.
pub fn wake() {
    match TIMER.get() {
        Some(_) => revive(),
        None if !IN_FLIGHT.get() => resume(),
        None => {}
    }
}

/// Sets the network's one timer again if it is lost: the network forgets it when it fires, also if that message traps,
/// and the library of timers does not notice.
fn revive() {
    const AT_ONCE: u64 = 1;
    let set_before = ic_cdk::api::global_timer_set(AT_ONCE);
    if set_before != 0 {
        ic_cdk::api::global_timer_set(set_before);
    }
}

/// Arms the timer for the time when the next attempt is due, as after an upgrade, which forgets timers.
pub fn resume() {
    let due = state::read(|ledger| {
        let notified = ledger.config().is_ok_and(|config| config.factory.is_some());
        ledger.outbox().due_in(now()).filter(|_| notified)
    });
    if let Some(nanoseconds) = due {
        arm(Duration::from_nanos(nanoseconds).max(GATHERING));
    }
}

fn disarm() {
    if let Some(timer) = TIMER.take() {
        ic_cdk_timers::clear_timer(timer);
    }
}

fn arm(delay: Duration) {
    disarm();
    // An interval, which the delivery ends when it begins: should that message trap, the timer is still there.
    TIMER.set(Some(ic_cdk_timers::set_timer_interval(delay, deliver)));
    // The library sets the network's timer only if this one comes before all that it believes set.
    revive();
}

fn now() -> Timestamp {
    Timestamp(ic_cdk::api::time())
}

/// A delivery under way. However it ends, by answer or by trap, the way is free again and the timer armed.
#[must_use]
struct Delivery;

impl Delivery {
    fn begin() -> Option<Self> {
        disarm();
        (!IN_FLIGHT.replace(true)).then_some(Delivery)
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        IN_FLIGHT.set(false);
        if ic_cdk::futures::is_recovering_from_trap() {
            // A cleanup callback: what the trap undid is still numbered and will be sent again. Little is allowed here,
            // so this only arms a timer.
            arm(AFTER_TRAP);
        } else {
            resume();
        }
    }
}

async fn deliver() {
    let Some(_delivery) = Delivery::begin() else { return };
    let Some((factory, batch)) = state::mutate(|ledger| {
        let factory = ledger.config().ok()?.factory?;
        let (outbox, accounts) = ledger.outbox_mut();
        Some((factory, outbox.next_batch(accounts)))
    }) else {
        return;
    };
    if batch.is_empty() {
        return;
    }
    let outcome = send(factory, &batch).await;
    state::mutate(|ledger| ledger.outbox_mut().0.settle(outcome, now()));
}

async fn send(factory: Principal, batch: &[Numbered]) -> Outcome {
    let arguments = match Encode!(&ic_cdk::api::canister_self(), &batch) {
        Ok(arguments) => arguments,
        Err(error) => return Outcome::Unknown(error.to_string()),
    };
    let call = Call::bounded_wait(factory, "notifyBatch").take_raw_args(arguments).change_timeout(TIMEOUT_SECONDS);
    match call.await {
        Ok(response) => decode(&response),
        Err(error) => Outcome::Unknown(error.to_string()),
    }
}

fn decode(reply: &[u8]) -> Outcome {
    let mut quota = DecoderConfig::new();
    quota.set_decoding_quota(REPLY_QUOTA).set_skipping_quota(REPLY_QUOTA);
    match candid::utils::decode_one_with_config::<NotifyReply>(reply, &quota) {
        Ok(answer) => Outcome::Answered(answer),
        Err(_) => Outcome::Unknown("the answer cannot be read".to_owned()),
    }
}
