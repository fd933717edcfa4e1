//! The targets.

mod answers;
mod arguments;
mod bundles;
mod calls;
mod certificates;
mod events;
mod exports;
mod interfaces;
mod modules;
mod policies;
mod questions;
mod requests;
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
        Box::new(bundles::Bundles::new()),
        Box::new(answers::Answers::new()),
        Box::new(certificates::Certificates::new()),
        Box::new(policies::Policies::new()),
        Box::new(events::Events::new()),
        Box::new(questions::Questions::new()),
        Box::new(arguments::Arguments::new()?),
        Box::new(calls::Calls::new()?),
        Box::new(interfaces::Interfaces::new()),
        Box::new(modules::Modules::new()?),
        Box::new(requests::Requests::new()?),
        Box::new(states::States::new()?),
    ])
}
