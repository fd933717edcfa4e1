//! How upgrades of a token end, one by one.

use crate::scenario::{Play, Scenario};
use crate::yard::{SECOND, Yard, friend, owner};
use cairn::artifacts::wasm;
use cairn_events::payload::Consent;
use cairn_events::{Event, Kind, Payload};
use cairn_kit::api::factory::{FactoryError, FactoryRequestError as Request};
use cairn_kit::api::upgrade::{ContractResources, ForcedUpgrade, UpgradeInfo, UpgradeStep};
use cairn_tests::log_fixture::person;
use localnet::explore::Subject;
use localnet::{Fault, Incident, MessageKind, RejectCode};

#[test]
fn a_token_is_upgraded_with_its_state() {
    let mut yard = Yard::open(1, 1);
    let contract = yard.contract();
    yard.net().observe();
    let refused: Result<UpgradeInfo, FactoryError> = yard.call(friend(), "requestUpgrade", (contract, Some(SECOND)));
    assert_eq!(refused, Err(FactoryError::Request(Request::Unauthorized { caller: friend() })));
    let asked = yard.request(SECOND).unwrap();
    assert_eq!(asked.step, UpgradeStep::Queued);
    yard.settle(1);
    let upgrade = yard.last_upgrade();
    assert_eq!((upgrade.number, upgrade.step, upgrade.settled), (asked.number, UpgradeStep::Confirmed, true));
    assert_eq!(yard.runs(contract), Some(yard.second));
    yard.check();
    // It lives on: as soon as there is something to tell, everything is told in the new epoch.
    yard.send_to(contract, person(504), 1).unwrap();
    yard.settle(1);
    let in_new_epoch =
        |event: &&Event| matches!(&event.payload, Payload::CallbackAccepted(callback) if callback.epoch == 2);
    assert!(yard.works.log.events().unwrap().iter().filter(in_new_epoch).count() > 0);
    let resources: ContractResources = yard.call(owner(), "getContractResources", (contract,)).unwrap();
    assert_eq!(resources.module_hash, Some(yard.second));
}

/// New code that traps, that answers nothing, that is not well; and a contract that does not want any: nothing changes,
/// and the next version can be had.
#[test]
fn every_upgrade_ends_as_it_must() {
    for scenario in Scenario::ALL {
        let mut play = Play::new(scenario, 2);
        play.run();
        play.yard.settle(1);
        let upgrade = play.yard.last_upgrade();
        let (step, code) = scenario.end();
        assert_eq!((upgrade.step, upgrade.settled), (step, true), "{scenario:?}: {upgrade:?}");
        assert_eq!(upgrade.reason.map(|reason| reason.code).as_deref(), code, "{scenario:?}");
        let (_, sound) = play.sound;
        let expected = if scenario == Scenario::Sound { sound } else { play.before };
        assert_eq!(play.yard.runs(upgrade.contract), Some(expected), "{scenario:?}");
        assert_eq!(play.examine(), Vec::<String>::new(), "{scenario:?}");
    }
}

/// Once is not enough for the factory to believe that a contract is out of its reach, while new code answers nothing.
#[test]
fn a_network_that_does_not_speak_of_a_contract_does_not_end_its_upgrade() {
    let opened = Play::new(Scenario::Mute, 14);
    for occurrence in 1..=6 {
        for code in [RejectCode::DestinationInvalid, RejectCode::CanisterError] {
            let mut play = opened.fork();
            play.net().inject(Fault::reject(code).method("canister_info").occurrence(occurrence));
            play.run();
            assert!(!play.net().struck_faults().is_empty(), "{code:?} {occurrence}");
            assert_eq!(play.examine(), Vec::<String>::new(), "{code:?} {occurrence}");
        }
    }
}

#[test]
fn two_admins_together_upgrade_a_contract_that_refuses() {
    let mut play = Play::new(Scenario::Refused, 9);
    let ((version, sound), contract) = (play.sound, play.yard.contract());
    let [one, other] = play.yard.factory.admins;
    for _ in 0..2 {
        let alone: ForcedUpgrade = play.yard.call(one, "forceUpgrade", (contract, version)).unwrap();
        assert!(matches!(&alone, ForcedUpgrade::Proposed(proposal) if proposal.by == one), "{alone:?}");
    }
    play.yard.settle(1);
    assert_eq!(play.yard.runs(contract), Some(play.before), "one alone changes nothing");
    let both: ForcedUpgrade = play.yard.call(other, "forceUpgrade", (contract, version)).unwrap();
    assert!(matches!(&both, ForcedUpgrade::Requested(upgrade) if upgrade.forced), "{both:?}");
    play.yard.settle(1);
    let upgrade = play.yard.last_upgrade();
    assert_eq!((upgrade.step, upgrade.consent), (UpgradeStep::Confirmed, Consent::Admin), "{upgrade:?}");
    assert_eq!(play.yard.runs(contract), Some(sound));
    play.yard.check();
}

#[test]
fn a_request_is_withdrawn_as_long_as_the_upgrade_has_not_begun() {
    let mut yard = Yard::open(10, 1);
    let contract = yard.contract();
    yard.request(SECOND).unwrap();
    let () = yard.call(owner(), "cancelUpgrade", (contract,)).unwrap();
    yard.settle(1);
    let upgrade = yard.last_upgrade();
    assert_eq!((upgrade.step, upgrade.settled), (UpgradeStep::Abandoned, true), "{upgrade:?}");
    assert_eq!(upgrade.reason.unwrap().code, "cancelled");
    assert_eq!(yard.works.log.count(Kind::UpgradeIntended).unwrap(), 0);
    assert_eq!(yard.runs(contract), Some(yard.first));
    let again: Result<(), FactoryError> = yard.call(owner(), "cancelUpgrade", (contract,));
    assert_eq!(again, Err(FactoryError::Request(Request::NoUpgradeWaits { contract })));
    yard.check();
}

#[test]
fn a_contract_without_cycles_is_left_alone() {
    let mut yard = Yard::open(3, 1);
    let contract = yard.contract();
    let drain = Fault::before(Incident::DrainCycles { canister: contract }).callee(yard.factory.id);
    yard.net().inject(drain.method("requestUpgrade").kind(MessageKind::Ingress));
    yard.request(SECOND).unwrap();
    yard.settle(1);
    let upgrade = yard.last_upgrade();
    assert_eq!((upgrade.step, upgrade.settled), (UpgradeStep::Abandoned, true), "{upgrade:?}");
    assert_eq!(yard.works.log.count(Kind::UpgradeIntended).unwrap(), 0);
    yard.net().clear_faults();
    yard.upgrade(SECOND);
    yard.check();
}

#[test]
fn an_owner_takes_the_factory_off() {
    let mut yard = Yard::open(5, 1);
    let contract = yard.contract();
    yard.request(SECOND).unwrap();
    let () = yard.call(owner(), "releaseControl", (contract,)).unwrap();
    yard.settle(1);
    assert_eq!(yard.net().controllers(contract), Some(vec![owner()]));
    assert!(yard.upgrades().iter().all(|upgrade| upgrade.settled));
    assert!(matches!(yard.request(SECOND), Err(FactoryError::Request(Request::NotUpgradable { .. }))));
    assert_eq!(yard.works.log.count(Kind::ControlReleased).unwrap(), 1);
    yard.check();
}

/// The factory may be upgraded itself at any moment of an upgrade.
#[test]
fn the_factory_may_be_upgraded_at_any_moment() {
    let opened = Yard::open(6, 1);
    let module = wasm("token_factory").unwrap();
    for rounds in 0..40 {
        let mut yard = opened.fork();
        let (factory, admin, contract) = (yard.factory.id, yard.works.log.admin, yard.contract());
        let net = yard.net();
        net.observe();
        net.submit(factory, owner(), "requestUpgrade", (contract, Some(SECOND)));
        for _ in 0..rounds {
            net.tick();
        }
        net.upgrade(factory, admin, &module, candid::encode_args(()).unwrap()).unwrap();
        yard.settle(1);
        yard.request_anew(SECOND).unwrap();
        yard.settle(1);
        let upgrade = yard.last_upgrade();
        assert_eq!(upgrade.step, UpgradeStep::Confirmed, "after {rounds} rounds: {upgrade:?}");
        assert_eq!(yard.violations(), Vec::<String>::new(), "after {rounds} rounds");
        assert_eq!(yard.forgotten(), Vec::<String>::new(), "after {rounds} rounds");
    }
}
