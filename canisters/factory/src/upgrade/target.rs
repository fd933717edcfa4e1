//! Which versions there are, and which may follow which. What upgrades know of templates is asked here.

use crate::state::{State, Template};
use crate::template::registry::upgrade_target;
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

/// Whether a contract that runs the module `from` may be upgraded to the version `to`, by the registry's rule.
///
/// # Errors
/// Why not.
pub fn eligible(state: &State, from: Hash, to: &str) -> Result<(), String> {
    let to = to.parse::<Version>().map_err(|error| error.to_string())?;
    upgrade_target(state.templates(), from, to).map(drop).map_err(|refusal| refusal.to_string())
}
