//! Every kind of event has a largest encoded size.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod payloads;

use cairn_events::codec::encode_event;
use cairn_events::{Event, Kind, Topic};
use payloads::draw::{Largest, Random};
use payloads::event;

fn largest(kind: Kind) -> Event {
    event(kind, &mut Largest(u64::MAX))
}

#[test]
fn no_event_is_larger_than_its_kind_allows_and_no_bound_is_idle() {
    let mut table = String::new();
    let mut wrong = Vec::new();
    for kind in Kind::ALL {
        let (size, max) = (encode_event(&largest(*kind)).len(), kind.max_size());
        table += &format!("{:32} {size:6} of {max:6}\n", kind.btype());
        if size > max || max > 2 * size {
            wrong.push(kind);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}\n{table}");
}

#[test]
fn the_largest_events_are_within_their_bounds() {
    for kind in Kind::ALL {
        let event = largest(*kind);
        assert!(event.payload.is_bounded(), "{kind:?}");
        assert!(event.links.len() <= Topic::MAX, "{kind:?}");
        assert!(event.stream.to_string().len() <= cairn_events::Stream::MAX_TEXT);
    }
}

#[test]
fn random_events_are_smaller_than_the_largest() {
    for kind in Kind::ALL {
        let max = encode_event(&largest(*kind)).len();
        for seed in 0..200 {
            let random = event(*kind, &mut Random(cairn_events::testing::Dice(seed)));
            assert!(encode_event(&random).len() <= max, "{kind:?}, seed {seed}");
        }
    }
}

/// One more byte, or one more controller, than allowed is noticed.
#[test]
fn bounds_are_exact() {
    use cairn_events::payload::*;
    use cairn_events::{Hash, Payload};
    let refused = |payload: Payload| assert!(!payload.is_bounded(), "{payload:?}");
    for kind in Kind::ALL {
        let mut payload = largest(*kind).payload;
        match &mut payload {
            Payload::DeploymentRequested(p) => p.args.push(0),
            Payload::TemplatePublished(p) => p.version.push('x'),
            Payload::TemplateProposed(p) => {
                let mut longer = p.clone();
                longer.source_commit.push('0');
                refused(Payload::TemplateProposed(longer));
                p.notes.push('x');
            }
            Payload::TemplateWithdrawn(p) => p.reason.code.push('x'),
            Payload::ProjectionRebuilt(p) => p.projection.push('x'),
            Payload::Refused(p) => p.method.push('x'),
            Payload::DeploymentAbandoned(p) => p.reason.code.push('x'),
            Payload::DeploymentQuarantined(p) => p.reason.detail.push('x'),
            Payload::PaymentFailed(p) | Payload::RefundFailed(p) | Payload::ReleaseFailed(p) => p.reason.code.push('x'),
            Payload::CreationUnresolved(p) => p.reason.detail.push('x'),
            Payload::ArchiveUnresolved(p) => p.reason.detail.push('x'),
            Payload::InstallFailed(p) => p.reason.code.push('x'),
            Payload::ContractReclaimed(p) => p.reason.detail.push('x'),
            Payload::ContractRegistered(p) => {
                let mut more = p.clone();
                more.controllers.push(p.owner);
                refused(Payload::ContractRegistered(more));
                let mut longer = p.clone();
                longer.symbol = Some("x".repeat(ContractRegistered::MAX_SYMBOL + 1));
                refused(Payload::ContractRegistered(longer));
                p.name.push('x');
            }
            Payload::ContractObserved(p) => p.controllers.push(p.contract),
            Payload::QuestionAsked(p) => p.scope.push('x'),
            Payload::AuditCanisterChanged(p) => p.controllers.push(candid::Principal::anonymous()),
            Payload::ForkAlarmAcknowledged(p) => p.reason.code.push('x'),
            Payload::UpgradeRequested(p) => p.version.push('x'),
            Payload::RolloutStarted(p) => p.version.push('x'),
            Payload::ForceProposed(p) => p.version.push('x'),
            Payload::SnapshotTaken(p) => p.snapshot.push(0),
            Payload::RollbackIntended(p) => p.reason.code.push('x'),
            Payload::UpgradeRolledBack(p) => p.reason.detail.push('x'),
            Payload::UpgradeAbandoned(p) => p.reason.code.push('x'),
            Payload::RolloutChanged(p) => p.reason.detail.push('x'),
            Payload::TopUpUnresolved(p) => p.reason.code.push('x'),
            _ => continue,
        }
        refused(payload);
    }
    let reason = Reason::new(&"é".repeat(100), &"日".repeat(100));
    assert!(reason.code.len() <= Reason::MAX_CODE && reason.detail.len() <= Reason::MAX_DETAIL);
    assert_eq!(reason.digest, Hash::of(&["日".repeat(100).as_bytes()]));
}
