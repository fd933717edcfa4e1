//! Which versions there are, and which may follow which. What upgrades know of templates is asked here.

use crate::state::{State, Template};
use cairn_events::{Hash, Version};

/// The template of this version, if contracts may be upgraded to it: published, not withdrawn, and of our own kind.
pub fn target(state: &State, version: &str) -> Option<Template> {
    let template = state.templates().version(version.parse().ok()?)?;
    (template.withdrawn.is_none() && !template.is_foreign()).then_some(template)
}

/// The version that new contracts get.
pub fn current(state: &State) -> Option<String> {
    state.current_template().map(|(version, _)| version.to_string())
}

/// Whether a contract that runs the module `from` may be upgraded to the version `to`: only to a later one, from one that
/// this one can take over.
///
/// # Errors
/// Why not.
pub fn eligible(state: &State, from: Hash, to: &str) -> Result<(), String> {
    let Some((running, template)) = state.templates().of_module(from) else {
        return Err("it runs code that was never published here".to_owned());
    };
    if template.is_foreign() {
        return Err("it runs somebody else's code".to_owned());
    }
    let to = to.parse::<Version>().map_err(|error| error.to_string())?;
    if to <= running {
        return Err(format!("it runs version {running}, and {to} is no later one"));
    }
    let oldest = state.templates().version(to).and_then(|template| template.upgrades_from());
    match oldest.filter(|oldest| running < *oldest) {
        Some(oldest) => Err(format!("it runs version {running}, and {to} takes over from {oldest} on")),
        None => Ok(()),
    }
}
