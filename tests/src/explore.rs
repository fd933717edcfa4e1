//! The payment flow under every single fault, at every message it produces.
//!
//! A [`Flow`] is a way a deployment can go; it is played on a fork of a [`Stage`], under a plan of faults. Then the
//! faults end, the clock moves past the ledger's window, everything comes to rest, and every invariant is checked.

mod contracts;
mod cutover;
mod distribution;
mod effects;
mod flow;
mod private;
pub mod sabotage;
mod sightings;
mod stage;
mod verdict;
mod wanted;

pub use flow::Flow;
pub use sightings::Sightings;
pub use stage::Stage;
pub use wanted::Wanted;

use localnet::explore::Explorer;

/// Plays `flow` on forks of `stage`, under faults.
pub fn explorer(
    flow: Flow,
    stage: Stage,
) -> Explorer<
    'static,
    Stage,
    impl Fn(&mut Stage) -> Sightings + Send + Sync,
    impl Fn(&mut Stage, Sightings) -> Vec<String> + Send + Sync,
> {
    let choice = stage.choice(flow);
    Explorer::new(
        stage,
        move |stage: &mut Stage| flow.play(stage),
        move |stage: &mut Stage, seen| verdict::violations(flow, stage, &seen),
    )
    .faults(choice)
}
