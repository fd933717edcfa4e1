//! The timer that empties the outbox: one batch in flight, bounded-wait, never on the path of a reply.

use super::outbox::Outcome;
use super::wire::{NotifyReply, Numbered};
use crate::state;
use cairn_events::Timestamp;
use cairn_kit::runtime::timers::{self, TimerId};
use cairn_kit::runtime::{self, Request, Wait};
use candid::{DecoderConfig, Encode, Principal};
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
        Some(_) => timers::revive(),
        None if !IN_FLIGHT.get() => resume(),
        None => {}
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
        timers::clear(timer);
    }
}

fn arm(delay: Duration) {
    disarm();
    // An interval, which the delivery ends when it begins: should that message trap, the timer is still there.
    TIMER.set(Some(timers::every(delay, Box::new(|| Box::pin(deliver())))));
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
    let Some((factory, epoch, batch)) = state::mutate(|ledger| {
        let config = ledger.config().ok()?;
        let (factory, epoch) = (config.factory?, config.callback_epoch);
        let (outbox, accounts) = ledger.outbox_mut();
        Some((factory, epoch, outbox.next_batch(accounts)))
    }) else {
        return;
    };
    if batch.is_empty() {
        return;
    }
    let outcome = send(factory, epoch, &batch).await;
    state::mutate(|ledger| ledger.outbox_mut().0.settle(outcome, now()));
}

async fn send(factory: Principal, epoch: u64, batch: &[Numbered]) -> Outcome {
    let arguments = match Encode!(&ic_cdk::api::canister_self(), &epoch, &batch) {
        Ok(arguments) => arguments,
        Err(error) => return Outcome::Unknown(error.to_string()),
    };
    let mut request = Request::new(factory, "notifyBatch", arguments);
    request.wait = Wait::Bounded(TIMEOUT_SECONDS);
    match runtime::send(request).await {
        Ok(reply) => decode(&reply),
        Err(failure) => Outcome::Unknown(failure.to_string()),
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
