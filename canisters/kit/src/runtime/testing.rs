//! A scripted network, for native tests of flows.
//!
//! ```
//! use cairn_kit::runtime::{self, testing::{Network, run}};
//! use cairn_events::Principal;
//! let ledger = Principal::from_slice(&[9]);
//! let network = Network::install();
//! network.answer(move |request| {
//!     assert_eq!((request.to, request.method), (ledger, "icrc1_fee"));
//!     Ok(candid::encode_one(candid::Nat::from(10u8)).unwrap())
//! });
//! let fee: candid::Nat = run(runtime::call_bounded(ledger, "icrc1_fee", (), 100)).unwrap();
//! assert_eq!(fee, 10u8);
//! ```

use super::{CallFailure, RUNTIME, Request, Runtime, Task};
use cairn_events::Principal;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

type Reply = Result<Vec<u8>, CallFailure>;
type Answer = Box<dyn FnOnce(&Request) -> Reply>;
type Maker = Box<dyn FnMut() -> Task<()>>;
type Responder = Rc<dyn Fn(&Request) -> Reply>;

struct Interval {
    due: u64,
    every: u64,
    make: Maker,
}

/// The scripted network of this thread.
pub struct Network {
    now: Cell<u64>,
    id: Principal,
    answers: RefCell<VecDeque<Answer>>,
    responder: RefCell<Option<Responder>>,
    sent: RefCell<Vec<Request>>,
    timers: RefCell<Vec<(u64, Task<()>)>>,
    intervals: RefCell<Vec<Interval>>,
    controllers: RefCell<Vec<Principal>>,
    certified: Cell<Option<[u8; 32]>>,
    instructions: Cell<u64>,
}

impl Network {
    /// A fresh network for this thread, in place of the last one. Time starts at one second.
    pub fn install() -> Rc<Self> {
        let network = Rc::new(Network {
            now: Cell::new(1_000_000_000),
            id: Principal::from_slice(&[0xca, 0x11]),
            answers: RefCell::default(),
            responder: RefCell::default(),
            sent: RefCell::default(),
            timers: RefCell::default(),
            intervals: RefCell::default(),
            controllers: RefCell::default(),
            certified: Cell::default(),
            instructions: Cell::default(),
        });
        RUNTIME.with_borrow_mut(|runtime| *runtime = network.clone());
        network
    }

    /// Scripts the answer to the next call that has none yet.
    pub fn answer(&self, answer: impl FnOnce(&Request) -> Reply + 'static) {
        self.answers.borrow_mut().push_back(Box::new(answer));
    }

    /// Answers every call that no scripted answer is left for.
    pub fn respond(&self, responder: impl Fn(&Request) -> Reply + 'static) {
        *self.responder.borrow_mut() = Some(Rc::new(responder));
    }

    /// Every call sent so far, without the rounds yielded.
    pub fn sent(&self) -> Vec<Request> {
        self.sent.borrow().clone()
    }

    /// Has every message have taken so many instructions, whenever it looks.
    pub fn exhaust(&self, instructions: u64) {
        self.instructions.set(instructions);
    }

    /// Makes `principal` a controller.
    pub fn control(&self, principal: Principal) {
        self.controllers.borrow_mut().push(principal);
    }

    /// What is certified.
    pub fn certified(&self) -> Option<[u8; 32]> {
        self.certified.get()
    }

    /// Lets time pass and runs the timers that are due, in order; how many ran.
    pub fn advance(&self, time: Duration) -> usize {
        let until = self.now.get() + time.as_nanos() as u64;
        let mut ran = 0;
        while let Some((due, task)) = self.next_timer(until) {
            self.now.set(due.max(self.now.get()));
            run(task);
            ran += 1;
        }
        self.now.set(until);
        ran
    }

    fn next_timer(&self, until: u64) -> Option<(u64, Task<()>)> {
        for interval in self.intervals.borrow_mut().iter_mut().filter(|interval| interval.due <= until) {
            self.timers.borrow_mut().push((interval.due, (interval.make)()));
            interval.due += interval.every;
        }
        let mut timers = self.timers.borrow_mut();
        let next = timers.iter().enumerate().filter(|(_, (due, _))| *due <= until).min_by_key(|(_, (due, _))| *due)?.0;
        Some(timers.remove(next))
    }

    fn reply(&self, request: &Request) -> Reply {
        if request.to == self.id && request.method == super::YIELD {
            return candid::encode_args(()).map_err(|error| CallFailure::undecodable(&error.to_string()));
        }
        self.sent.borrow_mut().push(request.clone());
        let scripted = self.answers.borrow_mut().pop_front();
        let responder = self.responder.borrow().clone();
        match (scripted, responder) {
            (Some(answer), _) => answer(request),
            (None, Some(responder)) => responder(request),
            (None, None) => Err(CallFailure::rejected(3, "nothing is scripted for this call")),
        }
    }
}

impl Runtime for Network {
    fn now(&self) -> u64 {
        self.now.get()
    }

    fn id(&self) -> Principal {
        self.id
    }

    fn is_controller(&self, principal: Principal) -> bool {
        self.controllers.borrow().contains(&principal)
    }

    fn cycles(&self) -> u128 {
        1_000_000_000_000
    }

    fn stable_bytes(&self) -> u64 {
        0
    }

    fn instructions(&self) -> u64 {
        self.instructions.get()
    }

    fn after(&self, delay: Duration, task: Task<()>) {
        self.timers.borrow_mut().push((self.now.get() + delay.as_nanos() as u64, task));
    }

    fn every(&self, interval: Duration, make: Maker) {
        let every = interval.as_nanos() as u64;
        self.intervals.borrow_mut().push(Interval { due: self.now.get() + every, every, make });
    }

    fn certify(&self, data: [u8; 32]) {
        self.certified.set(Some(data));
    }

    fn data_certificate(&self) -> Option<Vec<u8>> {
        self.certified.get().map(|data| data.to_vec())
    }

    fn send(&self, request: Request) -> Task<Reply> {
        let reply = self.reply(&request);
        let mut waited = false;
        // One round passes between sending and the reply, so that concurrent flows interleave as they do on the network.
        Box::pin(std::future::poll_fn(move |context| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(reply.clone());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }))
    }
}

/// Runs `future` to its end.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// Runs `futures` in turns, one round each, to their ends: concurrent calls of one canister.
pub fn run_all<T>(futures: Vec<Task<T>>) -> Vec<T> {
    let mut outputs: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    let mut running: Vec<Option<Task<T>>> = futures.into_iter().map(Some).collect();
    while running.iter().any(Option::is_some) {
        for (task, output) in running.iter_mut().zip(&mut outputs) {
            let Some(future) = task else { continue };
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                *output = Some(value);
                *task = None;
            }
        }
    }
    outputs.into_iter().flatten().collect()
}
