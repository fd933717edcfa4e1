//! Which versions there are, and which may follow which. What upgrades know of templates is asked here.

use crate::state::{State, Template};
use cairn_events::Hash;
use std::cmp::Ordering;

/// The template of this version.
pub fn target(state: &State, version: &str) -> Option<Template> {
    state.template(version)
}

/// The version that new contracts get.
pub fn current(state: &State) -> Option<String> {
    state.current_template().map(|(version, _)| version)
}

/// Whether a contract that runs the module `from` may be upgraded to the version `to`: never to an earlier one.
///
/// # Errors
/// Why not.
pub fn eligible(state: &State, from: Hash, to: &str) -> Result<(), String> {
    let known = state.versions_of(from);
    match known.iter().find(|known| order(known, to) != Ordering::Less) {
        Some(known) => Err(format!("it runs version {known}, and {to} is no later one")),
        None => Ok(()),
    }
}

/// The order of versions: by their numbers, from left to right.
fn order(one: &str, other: &str) -> Ordering {
    let numbers = |version: &str| version.split('.').map(|part| part.parse::<u64>().ok()).collect::<Vec<_>>();
    numbers(one).cmp(&numbers(other)).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        for (one, other) in [("1", "2"), ("1.9.0", "1.10.0"), ("1.0", "1.0.1"), ("2.0.0", "10.0.0")] {
            assert_eq!(order(one, other), Ordering::Less, "{one} {other}");
            assert_eq!(order(other, one), Ordering::Greater, "{one} {other}");
            assert_eq!(order(one, one), Ordering::Equal);
        }
    }
}
