//! Moves under faults drawn from a seed; `ARCHIVE_FAULTS=all` runs every single one.

use crate::stage::Stage;
use crate::verdict::violations;
use cairn_events::Principal;
use localnet::explore::Explorer;
use localnet::{Action, Incident, Message};

/// Single faults that are drawn. Each run searches every byte of every memory.
const SAMPLE: usize = 50;

/// What may happen to the messages of a move: whatever the network permits, and whatever happens to the log's canister.
/// Of the host's messages only those that cross the boundary are struck: `cairn-explore` strikes its others.
fn choice(audit: Principal, host: Principal) -> impl Fn(&Message) -> Vec<Action> + Send + Sync {
    move |message| {
        let ends = [message.caller, message.callee];
        if ends.contains(&host) && message.method != "getBodies" {
            return Vec::new();
        }
        let mut actions = Action::possible_at(message);
        if ends.contains(&audit) {
            let nothing = candid::encode_args(()).unwrap();
            actions.extend(Incident::of(audit, &nothing).map(Action::Before));
        }
        actions
    }
}

#[test]
fn a_move_survives_every_single_fault() {
    let stage = Stage::begin(56);
    let choice = choice(stage.log.audit, stage.host);
    let check = |stage: &mut Stage, ()| violations(stage);
    let mut explorer = Explorer::new(stage, Stage::play, check).faults(choice).threads(2);
    if std::env::var_os("ARCHIVE_FAULTS").is_none() {
        explorer = explorer.sample(56, SAMPLE);
    }
    let report = explorer.run();
    println!("{report}");
    assert!(report.violations.is_empty(), "{report}");
    assert!(report.messages > 30 && report.struck >= SAMPLE, "{report}");
}
