//! The timer that empties the outbox: one batch in flight, bounded-wait, never on the path of a reply.

use super::outbox::{Outbox, Outcome};
use super::subject::Subjects;
use crate::api::factory::{CallbackError, NotificationsAccepted, NumberedNotification};
use crate::quarantine;
use crate::runtime::timers::{self, TimerId};
use crate::runtime::{self, Request, Wait};
use cairn_events::{Principal, Timestamp};
use candid::{DecoderConfig, Encode};
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

/// Where the contract keeps its outbox: gives the visitor the outbox, and what to ask of the contract's state.
pub type Desk = fn(&mut dyn FnMut(&mut Outbox, &dyn Subjects));

thread_local! {
    static DESK: Cell<Option<Desk>> = const { Cell::new(None) };
    static TIMER: Cell<Option<TimerId>> = const { Cell::new(None) };
    static IN_FLIGHT: Cell<bool> = const { Cell::new(false) };
}

/// Says where the outbox is, and arms the timer if there is something to send; last in `init` and `post_upgrade`.
pub fn open(desk: Desk) {
    DESK.set(Some(desk));
    resume();
}

fn visit<T>(mut visitor: impl FnMut(&mut Outbox, &dyn Subjects) -> T) -> Option<T> {
    let mut seen = None;
    if let Some(desk) = DESK.get() {
        desk(&mut |outbox, subjects| seen = Some(visitor(outbox, subjects)));
    }
    seen
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
    if quarantine::is_active() {
        return;
    }
    if let Some(nanoseconds) = visit(|outbox, _| outbox.due_in(now())).flatten() {
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
    Timestamp(runtime::now())
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
    let numbered = visit(|outbox, subjects| {
        let (factory, epoch) = (outbox.factory()?, outbox.state().epoch);
        Some((factory, epoch, outbox.next_batch(subjects)))
    });
    let Some((factory, epoch, batch)) = numbered.flatten().filter(|(_, _, batch)| !batch.is_empty()) else { return };
    let outcome = send(factory, epoch, &batch).await;
    visit(|outbox, _| outbox.settle(outcome.clone(), now()));
}

async fn send(factory: Principal, epoch: u64, batch: &[NumberedNotification]) -> Outcome {
    let arguments = match Encode!(&runtime::id(), &epoch, &batch) {
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
    match candid::utils::decode_one_with_config::<Result<NotificationsAccepted, CallbackError>>(reply, &quota) {
        Ok(answer) => Outcome::Answered(answer),
        Err(_) => Outcome::Unknown("the answer cannot be read".to_owned()),
    }
}
