//! Calls whose late answers do no harm.
//!
//! The development kit gives the network the address of a future, and believes the address that comes back. After an
//! upgrade without a stop that address means nothing: the heap is another. Here the network is given a [`Ticket`]; an
//! answer to a ticket that this code has not given is dropped.

use super::tickets::{self, Places, Ticket};
use crate::runtime::{CallFailure, Request, Wait};
use ic_cdk::api;
use ic_cdk_executor::{MethodHandle, TaskHandle};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

type Reply = Result<Vec<u8>, CallFailure>;

/// A call that somebody awaits.
enum Awaited {
    /// Its answer is on its way.
    Sent { waker: Waker, method: MethodHandle, task: Option<TaskHandle> },
    /// Its answer is there.
    Answered(Reply),
}

thread_local! {
    static AWAITED: RefCell<BTreeMap<Ticket, Awaited>> = const { RefCell::new(BTreeMap::new()) };
}

fn take(ticket: Ticket) -> Option<Awaited> {
    AWAITED.with_borrow_mut(|awaited| awaited.remove(&ticket))
}

fn put(ticket: Ticket, call: Awaited) {
    AWAITED.with_borrow_mut(|awaited| awaited.insert(ticket, call));
}

/// Where this module's code takes answers.
pub fn places() -> Places {
    [answered as *const () as usize as u32, abandoned as *const () as usize as u32]
}

/// A call: sent when first polled, as futures are.
pub struct Call {
    request: Option<Request>,
    ticket: Option<Ticket>,
}

impl Call {
    /// The call that makes `request`.
    pub fn new(request: Request) -> Self {
        Call { request: Some(request), ticket: None }
    }
}

impl Future for Call {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Reply> {
        let waker = context.waker().clone();
        if let Some(request) = self.request.take() {
            let ticket = match send(&request) {
                Ok(ticket) => ticket,
                Err(unsent) => return Poll::Ready(Err(unsent)),
            };
            let (method, task) = (ic_cdk_executor::extend_current_method_context(), TaskHandle::current());
            put(ticket, Awaited::Sent { waker, method, task });
            self.ticket = Some(ticket);
            return Poll::Pending;
        }
        match self.ticket.and_then(|ticket| Some((ticket, take(ticket)?))) {
            Some((_, Awaited::Answered(reply))) => {
                self.ticket = None;
                Poll::Ready(reply)
            }
            Some((ticket, Awaited::Sent { method, task, .. })) => {
                put(ticket, Awaited::Sent { waker, method, task });
                Poll::Pending
            }
            None => ic_cdk::trap("a call was awaited on after its end"),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        drop(self.ticket.and_then(take));
    }
}

/// Hands `request` to the network. An answer will come under the ticket, unless there is an error.
#[allow(unsafe_code)]
fn send(request: &Request) -> Result<Ticket, CallFailure> {
    let (method, args) = (request.method, request.args.as_slice());
    let cost = api::cost_call(method.len() as u64, args.len() as u64).saturating_add(request.cycles);
    let liquid = api::canister_liquid_cycle_balance();
    if liquid < cost {
        return Err(CallFailure::unsent(&format!("the call takes {cost} cycles, there are {liquid} to spend")));
    }
    let ticket = tickets::next();
    let environment = ticket as usize;
    // SAFETY: both functions may be called at any time with any number: they only look it up.
    unsafe {
        ic0::call_new(request.to.as_slice(), method, answered, environment, answered, environment);
        ic0::call_on_cleanup(abandoned, environment);
    }
    if let Wait::Bounded(seconds) = request.wait {
        ic0::call_with_best_effort_response(seconds);
    }
    ic0::call_data_append(args);
    if request.cycles > 0 {
        ic0::call_cycles_add128(request.cycles);
    }
    match ic0::call_perform() {
        0 => Ok(ticket),
        code => Err(CallFailure::unsent(&format!("the network does not take the call: code {code}"))),
    }
}

/// Takes an answer, or the news that there is none, and goes on with what awaits it.
extern "C" fn answered(environment: usize) {
    let ticket = environment as Ticket;
    let Some(Awaited::Sent { waker, method, .. }) = take(ticket) else { return };
    let reply = match api::msg_reject_code() {
        0 => Ok(api::msg_arg_data()),
        code => Err(CallFailure::rejected(code, &api::msg_reject_msg())),
    };
    put(ticket, Awaited::Answered(reply));
    ic_cdk_executor::in_callback_executor_context_for(method, || waker.wake());
}

/// Ends what awaited the answer: taking it trapped, and what that did is undone.
extern "C" fn abandoned(environment: usize) {
    let Some(Awaited::Sent { method, task, .. }) = take(environment as Ticket) else { return };
    ic_cdk_executor::in_trap_recovery_context_for(method, || {
        ic_cdk_executor::cancel_all_tasks_attached_to_current_method();
        if let Some(task) = task {
            ic_cdk_executor::cancel_task(&task);
        }
    });
}
