//! Faults: what may go wrong on the network, at a message of choice.
//!
//! A [`Plan`] is a value: a list of [`Fault`]s, and possibly an order in which independent messages are delivered.
//! It is written and read as JSON, and with the same start and calls it gives the same run, message by message.
//!
//! Only what the network permits happens, wherever a fault is aimed: a call without a deadline gets exactly one
//! response, which is never turned into a rejection; a request is rejected before it is executed, with the codes
//! that the network itself uses; an execution traps as a whole. A fault aimed at a message to which it cannot
//! happen passes it by.

mod action;
mod injector;
mod message;
mod plan;
mod possible;

pub use action::{Action, Answer, Incident};
pub use message::{Message, Observed};
pub use plan::{Fault, Plan};

pub(crate) use injector::{Held, Injector};
