//! The targets.

mod answers;
mod bundles;
mod calls;
mod certificates;
mod compact;
mod events;
mod exports;
mod folder;
mod followers;
mod identities;
mod interfaces;
mod modules;
mod names;
mod parts;
mod policies;
mod proofs;
mod questions;
mod replies;
mod requests;
mod senders;
mod server;
mod sources;
mod states;
mod truth;

use crate::target::Target;

/// Every target.
///
/// # Errors
/// One cannot be set up.
pub fn all() -> anyhow::Result<Vec<Box<dyn Target>>> {
    Ok(vec![
        Box::new(exports::Exports::of_bytes()),
        Box::new(exports::Exports::of_text()),
        Box::new(parts::Parts::new()?),
        Box::new(bundles::Bundles::new()),
        Box::new(answers::Answers::new()),
        Box::new(sources::Sources::new()?),
        Box::new(followers::Followers::new()?),
        Box::new(proofs::Proofs::new()),
        Box::new(certificates::Certificates::new()),
        Box::new(policies::Policies::new()),
        Box::new(identities::Identities::new()),
        Box::new(events::Events::new()),
        Box::new(compact::Compact::new()),
        Box::new(names::Names::new()),
        Box::new(questions::Questions::new()),
        Box::new(calls::Calls::new()?),
        Box::new(replies::Replies::new()?),
        Box::new(interfaces::Interfaces::new()),
        Box::new(modules::Modules::new()?),
        Box::new(requests::Requests::new()?),
        Box::new(senders::Senders::new()?),
        Box::new(states::States::new()?),
    ])
}
