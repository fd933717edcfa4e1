//! Telling the factory: that the token is deployed, and who begins and ceases to hold it.
//!
//! Nothing of this is on the path of a reply. A transfer leaves the owner's name in the [`Outbox`]; a timer numbers what
//! has gathered, sends it, and keeps it until the factory has acknowledged it. What changes back before it is numbered
//! is never sent.

mod outbox;
mod sender;
mod wire;

#[cfg(test)]
mod tests;

pub use outbox::{Outbox, OutboxState, Outcome};
pub use sender::{is_in_flight, resume, wake};
pub use wire::{Accepted, CallbackError, Notification, NotificationStatus, NotifyReply, Numbered};
