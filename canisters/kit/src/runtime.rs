//! Everything a canister asks of the network, behind one trait, so that flows are tested natively.
//!
//! Code calls the free functions of this module; they go to [`Ic`], or to what a test has put in its place
//! (feature `testing`: see [`testing::Network`]).

mod call;
mod ic;
mod management;
#[cfg(feature = "testing")]
pub mod testing;

pub use call::{
    CallFailure, Request, Wait, ask, call, call_bounded, call_or_refusal, call_with_cycles, decode_bounded,
    decode_or_refusal,
};
pub use ic::{Ic, timers};
pub use management::{CanisterInfo, canister_info, create_canister};

use crate::stable::Memory;
use cairn_events::Principal;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

/// A future that stays in its canister.
pub type Task<T> = Pin<Box<dyn Future<Output = T>>>;

/// The platform as a canister sees it. The caller of a message is not here: entry points pass it on.
pub trait Runtime {
    /// The network's time, in nanoseconds since 1970.
    fn now(&self) -> u64;
    /// This canister.
    fn id(&self) -> Principal;
    /// Whether `principal` controls this canister.
    fn is_controller(&self, principal: Principal) -> bool;
    /// Cycles held.
    fn cycles(&self) -> u128;
    /// Bytes of stable memory.
    fn stable_bytes(&self) -> u64;
    /// Instructions that the current message has used.
    fn instructions(&self) -> u64;
    /// Takes up the work of this canister, where the code before left it; `memory` is for this alone. First thing when
    /// code is installed or upgraded. Traps, so that the old code stays, where answers to its calls would find other code
    /// than they need: see `ic::tickets`.
    fn take_up(&self, memory: Memory) {
        drop(memory);
    }
    /// Runs `task` in a message of its own, after `delay`. Upgrades forget it.
    fn after(&self, delay: Duration, task: Task<()>);
    /// Runs what `task` gives, in a message of its own, again and again, one at a time. Upgrades forget it.
    fn every(&self, interval: Duration, task: Box<dyn FnMut() -> Task<()>>);
    /// Sees to it that what is set to run will run: the network forgets its one timer in a trap.
    fn revive(&self) {}
    /// Sets the 32 bytes that the network certifies. Not possible in a cleanup callback.
    fn certify(&self, data: [u8; 32]);
    /// The network's certificate of those bytes; in queries only.
    fn data_certificate(&self) -> Option<Vec<u8>>;
    /// Sends `request`; the reply's bytes.
    fn send(&self, request: Request) -> Task<Result<Vec<u8>, CallFailure>>;
    /// As [`Runtime::send`], in a composite query: there are no timers to look after.
    fn ask(&self, request: Request) -> Task<Result<Vec<u8>, CallFailure>> {
        self.send(request)
    }
}

thread_local! {
    static RUNTIME: RefCell<Rc<dyn Runtime>> = RefCell::new(Rc::new(Ic));
}

fn current() -> Rc<dyn Runtime> {
    RUNTIME.with_borrow(Rc::clone)
}

/// See [`Runtime::now`].
pub fn now() -> u64 {
    current().now()
}

/// See [`Runtime::id`].
pub fn id() -> Principal {
    current().id()
}

/// See [`Runtime::is_controller`].
pub fn is_controller(principal: Principal) -> bool {
    current().is_controller(principal)
}

/// See [`Runtime::cycles`].
pub fn cycles() -> u128 {
    current().cycles()
}

/// See [`Runtime::stable_bytes`].
pub fn stable_bytes() -> u64 {
    current().stable_bytes()
}

/// See [`Runtime::instructions`].
pub fn instructions() -> u64 {
    current().instructions()
}

/// See [`Runtime::take_up`].
pub fn take_up(memory: Memory) {
    current().take_up(memory);
}

/// See [`Runtime::after`].
pub fn after(delay: Duration, task: impl Future<Output = ()> + 'static) {
    current().after(delay, Box::pin(task));
}

/// See [`Runtime::every`].
pub fn every(interval: Duration, task: impl FnMut() -> Task<()> + 'static) {
    current().every(interval, Box::new(task));
}

/// See [`Runtime::revive`].
pub fn revive() {
    current().revive();
}

/// See [`Runtime::certify`].
pub fn certify(data: [u8; 32]) {
    current().certify(data);
}

/// See [`Runtime::data_certificate`].
pub fn data_certificate() -> Option<Vec<u8>> {
    current().data_certificate()
}

/// See [`Runtime::send`]; for requests whose bytes are encoded already. Otherwise [`call`] or [`call_bounded`].
///
/// # Errors
/// [`CallFailure`].
pub async fn send(request: Request) -> Result<Vec<u8>, CallFailure> {
    current().send(request).await
}

/// 32 random bytes from the network, unknown to anyone before the call.
///
/// # Errors
/// [`CallFailure`] of the call to the management canister.
pub async fn randomness() -> Result<[u8; 32], CallFailure> {
    let bytes: serde_bytes::ByteBuf = call(Principal::management_canister(), "raw_rand", ()).await?;
    <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| CallFailure::undecodable("raw_rand gave no 32 bytes"))
}

/// Lets other messages of this canister run first: the way to wait for something that another call context does.
/// A failure to send is no matter to the waiting one, who counts its rounds.
pub async fn yield_round() {
    let request = Request::new(id(), YIELD, Vec::new()).bounded();
    let _ = current().send(request).await;
}

/// The canister's own no-op, exported by this crate.
const YIELD: &str = "cairn_yield";

/// Does nothing, so that whoever awaits it resumes in a later message. Only the canister itself may call it.
#[ic_cdk::update(name = "cairn_yield", hidden = true)]
fn yielded() {
    if ic_cdk::api::msg_caller() != ic_cdk::api::canister_self() {
        ic_cdk::trap("only the canister itself may call this");
    }
}
