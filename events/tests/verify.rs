//! A verifier accepts true logs and names what is wrong with others.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use cairn_events::payload::*;
use cairn_events::testing::{AUDIT, BACKEND, FACTORY, TestLog, principal, story};
use cairn_events::verify::{Fault, LogVerifier, Violation};
use cairn_events::{Event, Hash, Kind, Link, LogId, Payload, Stream, Timestamp, Topic, WriterRole};
use proptest::prelude::*;

fn verify(log: &TestLog, events: &[Event]) -> Result<LogVerifier, Violation> {
    let mut verifier = LogVerifier::new(log.canister, log.id);
    events.iter().try_for_each(|event| verifier.push(event).map(drop))?;
    Ok(verifier)
}

/// What is wrong with `log` when event `index` is altered. The verifier does not advance past it.
fn altered(log: &TestLog, index: usize, alter: impl FnOnce(&mut Event)) -> Fault {
    let mut verifier = verify(log, &log.events[..index]).unwrap();
    let (size, root) = (verifier.size(), verifier.root());
    let mut event = log.events[index].clone();
    alter(&mut event);
    let violation = verifier.push(&event).unwrap_err();
    assert_eq!(violation.index, index as u64);
    assert_eq!((verifier.size(), verifier.root()), (size, root), "a refused event leaves no trace");
    verifier.push(&log.events[index]).unwrap();
    violation.fault
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_story_verifies(seed: u64, deployments in 1u64..12) {
        let log = story(seed, deployments);
        let verifier = verify(&log, &log.events).unwrap();
        prop_assert_eq!(verifier.size(), log.events.len() as u64);
        prop_assert_eq!(verifier.last_hash(), log.events.last().map(Event::hash));
    }

    #[test]
    fn events_dropped_doubled_or_swapped_are_noticed(seed: u64, place: prop::sample::Index) {
        let log = story(seed, 4);
        let place = place.index(log.events.len() - 1);
        let mut dropped = log.events.clone();
        dropped.remove(place);
        prop_assert_eq!(verify(&log, &dropped).unwrap_err().fault, Fault::Index(place as u64 + 1));
        let mut doubled = log.events.clone();
        doubled.insert(place, log.events[place].clone());
        prop_assert_eq!(verify(&log, &doubled).unwrap_err().fault, Fault::Index(place as u64));
        let mut swapped = log.events.clone();
        swapped.swap(place, place + 1);
        prop_assert_eq!(verify(&log, &swapped).unwrap_err(), Violation { index: place as u64, fault: Fault::Index(place as u64 + 1) });
    }

    /// Nothing of an event can be altered, even together with everything that would have to fit it, but for the last
    /// event's content: the chain breaks after it.
    #[test]
    fn an_altered_content_breaks_the_chain(seed: u64, place: prop::sample::Index) {
        let log = story(seed, 4);
        let place = place.index(log.events.len() - 1);
        let mut events = log.events.clone();
        // A bystander of every rule but the chain: the correlation.
        events[place].correlation = Some(Hash([0xee; 32]));
        prop_assert_eq!(verify(&log, &events).unwrap_err(), Violation { index: place as u64 + 1, fault: Fault::Parent });
    }
}

/// The story that the following look at, and the place of an event by the backend late in it.
fn chapter() -> (TestLog, usize) {
    let log = story(11, 6);
    let place = log.events.iter().rposition(|event| event.payload.kind() == Kind::PaymentCaptured).unwrap();
    (log, place)
}

#[test]
fn the_position_is_checked() {
    let (log, at) = chapter();
    assert_eq!(altered(&log, at, |event| event.index += 1), Fault::Index(at as u64 + 1));
    assert_eq!(altered(&log, at, |event| event.schema = 2), Fault::Schema(2));
    let other = LogId(Hash([9; 32]));
    assert_eq!(altered(&log, at, |event| event.log = other), Fault::Log(other));
    assert_eq!(altered(&log, at, |event| event.parent = None), Fault::Parent);
    assert_eq!(altered(&log, at, |event| event.parent = Some(Hash([9; 32]))), Fault::Parent);
    let early = Timestamp(log.events[at - 1].timestamp.0 - 1);
    assert_eq!(altered(&log, at, |event| event.timestamp = early), Fault::Timestamp(early));
    assert_eq!(altered(&log, at, |event| event.causation = Some(at as u64)), Fault::Causation(at as u64));
}

#[test]
fn the_origin_is_checked() {
    let (log, at) = chapter();
    let stranger = principal(999);
    assert_eq!(altered(&log, at, |event| event.source = stranger), Fault::Source(stranger));
    let kind = Kind::PaymentCaptured.btype();
    assert_eq!(altered(&log, at, |event| event.source = principal(FACTORY)), Fault::Kind(kind));
    assert_eq!(altered(&log, at, |event| event.source = principal(AUDIT)), Fault::Kind(kind));
    assert_eq!(altered(&log, 0, |event| event.source = principal(BACKEND)), Fault::Source(principal(BACKEND)));
}

#[test]
fn a_writer_has_one_role_for_ever() {
    for (writer, role) in [(FACTORY, WriterRole::Host), (FACTORY, WriterRole::Factory), (BACKEND, WriterRole::Host)] {
        let (mut log, _) = chapter();
        let (index, writer) = (log.events.len() as u64, principal(writer));
        log.append(log.canister, principal(9), Payload::WriterRegistered(WriterRegistered { writer, role }));
        let violation = verify(&log, &log.events).unwrap_err();
        assert_eq!(violation, Violation { index, fault: Fault::Registered(writer) });
    }
}

#[test]
fn genesis_is_checked() {
    let (log, at) = chapter();
    let genesis = log.events[0].payload.clone();
    assert_eq!(altered(&log, at, |event| event.payload = genesis.clone()), Fault::Genesis);
    let second = log.events[1].payload.clone();
    assert_eq!(altered(&log, 0, |event| event.payload = second), Fault::Genesis);
    let seeded = |event: &mut Event| match &mut event.payload {
        Payload::Genesis(genesis) => genesis.seed = Bytes32::new([8; 32]),
        _ => panic!("event 0 is genesis"),
    };
    assert_eq!(altered(&log, 0, seeded), Fault::GenesisId);
    let mut elsewhere = LogVerifier::new(principal(77), log.id);
    assert_eq!(elsewhere.push(&log.events[0]).unwrap_err().fault, Fault::Genesis, "another canister's log");
}

#[test]
fn numbering_is_checked() {
    let (log, at) = chapter();
    let (seq, version) = (log.events[at].source_seq, log.events[at].stream_version);
    for found in [seq - 1, seq + 1] {
        let fault = Fault::SourceSequence { found, expected: seq };
        assert_eq!(altered(&log, at, |event| event.source_seq = found), fault);
    }
    for found in [version - 1, version + 1] {
        let fault = Fault::StreamVersion { found, expected: version };
        assert_eq!(altered(&log, at, |event| event.stream_version = found), fault);
    }
    assert_eq!(altered(&log, at, |event| event.stream = Stream::Platform), Fault::Stream(Stream::Platform));
}

#[test]
fn links_are_checked() {
    let (log, at) = chapter();
    let links = log.events[at].links.len();
    assert_eq!(altered(&log, at, |event| event.links.truncate(links - 1)), Fault::Links);
    assert_eq!(altered(&log, at, |event| event.links.push(Link::after(None))), Fault::Links);
    assert_eq!(altered(&log, at, |event| event.links.swap(0, 1)), Fault::Links);
    for place in 0..links {
        assert_eq!(altered(&log, at, |event| event.links[place].sequence += 1), Fault::Links);
        assert_eq!(altered(&log, at, |event| event.links[place].previous = Some((0, Hash([9; 32])))), Fault::Links);
    }
    // Another actor is another topic: its links are those of somebody else.
    let actor = principal(98_765);
    assert_eq!(altered(&log, at, |event| event.actor = actor), Fault::Links);
    assert!(Topic::of(&log.events[at]).contains(&Topic::Party(log.events[at].actor)));
}

#[test]
fn bounds_are_checked() {
    let log = story(11, 6);
    let at = log.events.iter().position(|event| event.payload.kind() == Kind::ContractRegistered).unwrap();
    let lengthen = |event: &mut Event| match &mut event.payload {
        Payload::ContractRegistered(registered) => registered.name = "x".repeat(ContractRegistered::MAX_NAME + 1),
        _ => panic!("not that kind"),
    };
    assert_eq!(altered(&log, at, lengthen), Fault::Bounds);
}

/// A story contains what it is meant to exercise.
#[test]
fn stories_come_to_every_end() {
    let events: Vec<Event> = (0..8).flat_map(|seed| story(seed, 12).events).collect();
    for kind in Kind::ALL {
        let told = events.iter().any(|event| event.payload.kind() == *kind);
        let elsewhere = matches!(
            kind,
            Kind::CanisterUpgraded
                | Kind::AdminGranted
                | Kind::AdminRevoked
                | Kind::ServiceConfigured
                | Kind::MaintenanceConfigured
                | Kind::TemplatePublished
                | Kind::ProjectionRebuilt
                | Kind::Refused
                | Kind::AuditorGranted
                | Kind::AuditorRevoked
                | Kind::OpeningErased
                | Kind::QuestionAsked
                | Kind::AuditCanisterChanged
                | Kind::ForkAlarmAcknowledged
                | Kind::ArchivingConfigured
                | Kind::ArchiveIntended
                | Kind::ArchiveCreated
                | Kind::ArchiveUnresolved
                | Kind::RangeMoved
                | Kind::TemplateProposed
                | Kind::TemplateConfirmed
                | Kind::TemplateWithdrawn
                | Kind::FactoryAdminGranted
                | Kind::FactoryAdminRevoked
                | Kind::UpgradeRequested
                | Kind::UpgradeIntended
                | Kind::SnapshotTaken
                | Kind::UpgradeInstalled
                | Kind::UpgradeConfirmed
                | Kind::RollbackIntended
                | Kind::UpgradeRolledBack
                | Kind::UpgradeAbandoned
                | Kind::UpgradeSettled
                | Kind::ControlReleased
                | Kind::AutoUpdateSet
                | Kind::RolloutStarted
                | Kind::RolloutChanged
                | Kind::TopUpIntended
                | Kind::ContractToppedUp
                | Kind::TopUpUnresolved
                | Kind::CyclesLow
                | Kind::CyclesRestored
                | Kind::CallbackQuarantined
                | Kind::ContractObserved
                | Kind::RoleAnswered
                | Kind::ForceProposed
        );
        assert!(told != elsewhere, "{kind:?}");
    }
}
