//! Upgrades of token contracts as compiled wasm: confirmed, refused, rolled back, under every fault of the network.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails here says enough")]

use cairn::artifacts::{annotated, wasm};
use cairn_events::payload::Channel;
use cairn_events::{Event, Hash, Kind, Payload, Principal};
use cairn_kit::api::contract::ContractHealth;
use cairn_kit::api::factory::{Delivered, FactoryError, FactoryRequestError as Request, PublishedTemplate};
use cairn_kit::api::template::{ProposeTemplate, TemplateProposal};
use cairn_kit::api::upgrade::{
    Canary, ContractResources, RolloutArgs, RolloutInfo, RolloutStatus, UpgradeInfo, UpgradePage, UpgradeStep,
};
use cairn_tests::factory_fixture::FactoryFixture;
use cairn_tests::invariants::CanisterState;
use cairn_tests::invariants::upgrades::{escaped, stories};
use cairn_tests::log_fixture::person;
use candid::{CandidType, Nat};
use icrc_ledger_types::icrc1::account::Account as LedgerAccount;
use icrc_ledger_types::icrc1::transfer::{TransferArg, TransferError};
use localnet::explore::{Explorer, Subject};
use localnet::management_types::CanisterStatusType;
use localnet::{Action, Fault, Incident, Message, MessageKind, Net};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// What the owner of a token has.
const SUPPLY: u64 = 100_000_000_000_000;
const SENT: u64 = 1_234;
const FEE: u64 = 10_000;
/// Seconds between a version's confirmation and its publication.
const DELAY: u64 = 60;

/// A factory with delivered tokens, and the second version of their module.
struct Yard {
    works: FactoryFixture,
    first: Hash,
    second: Hash,
    contracts: Vec<Principal>,
}

impl Subject for Yard {
    fn fork(&self) -> Self {
        Yard { works: self.works.fork(), contracts: self.contracts.clone(), ..*self }
    }

    fn net(&mut self) -> &mut Net {
        &mut self.works.log.net
    }
}

fn owner() -> Principal {
    person(501)
}

fn second_admin() -> Principal {
    person(503)
}

/// A small module, packed: then nobody looks whether it has the methods that it should have.
fn packed(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, &wat::parse_str(text).unwrap()).unwrap();
    packed.finish().unwrap()
}

fn friend() -> Principal {
    person(502)
}

impl Yard {
    fn open(seed: u64, contracts: u64) -> Yard {
        let works = FactoryFixture::begin(seed, 2, Some(DELAY)).unwrap();
        let (admin, none) = (works.log.admin, Hash([0; 32]));
        let mut yard = Yard { works, first: none, second: none, contracts: Vec::new() };
        let () = yard.call::<_, FactoryError>(admin, "grantAdmin", (second_admin(),)).unwrap();
        let token = wasm("token").unwrap();
        yard.first = yard.publish("1.0.0", &token);
        yard.works.settle();
        for number in 0..contracts {
            yard.deliver(number);
            yard.works.settle();
        }
        yard.second = yard.publish("2.0.0", &annotated(token, "icp:public edition", b"second"));
        yard.works.settle();
        yard
    }

    fn contract(&self) -> Principal {
        self.contracts[0]
    }

    fn call<T, E>(&mut self, caller: Principal, method: &str, args: impl candid::utils::ArgumentEncoder) -> Result<T, E>
    where
        T: CandidType + DeserializeOwned,
        E: CandidType + DeserializeOwned,
    {
        self.works.call(caller, method, args).unwrap()
    }

    /// The first version alone, later ones by two persons and after the delay.
    fn publish(&mut self, version: &str, module: &[u8]) -> Hash {
        let (admin, hash) = (self.works.log.admin, self.works.upload(module).unwrap());
        if version != "1.0.0" {
            let proposal = ProposeTemplate {
                version: version.to_owned(),
                module_hash: hash,
                channel: Channel::Stable,
                upgrades_from: None,
                interface: include_str!("../../canisters/contracts/token/token.did").to_owned(),
                source_commit: "0".repeat(40),
                notes: String::new(),
                foreign: false,
            };
            let _: TemplateProposal = self.call::<_, FactoryError>(admin, "proposeTemplate", (proposal,)).unwrap();
            let _: TemplateProposal =
                self.call::<_, FactoryError>(second_admin(), "confirmTemplate", (version, hash)).unwrap();
            self.works.log.net.advance(Duration::from_secs(DELAY));
        }
        let published: PublishedTemplate =
            self.call::<_, FactoryError>(admin, "publishTemplate", (version, hash)).unwrap();
        assert_eq!(published.module_hash, hash);
        hash
    }

    /// Delivers a token, and has some of it sent: it has a history.
    fn deliver(&mut self, number: u64) {
        let (gateway, template) = (self.works.log.gateway, self.first);
        let args = self.works.dispatch(number, owner(), template).unwrap();
        let delivered: Delivered = self.call::<_, FactoryError>(gateway, "createContract", (owner(), args)).unwrap();
        self.contracts.push(delivered.contract);
        self.works.settle();
        self.send(delivered.contract, SENT).unwrap();
    }

    fn send(&mut self, contract: Principal, amount: u64) -> Result<Nat, String> {
        self.send_to(contract, friend(), amount)
    }

    fn send_to(&mut self, contract: Principal, to: Principal, amount: u64) -> Result<Nat, String> {
        let args = TransferArg {
            from_subaccount: None,
            to: LedgerAccount { owner: to, subaccount: None },
            fee: None,
            created_at_time: None,
            memo: None,
            amount: Nat::from(amount),
        };
        let sent =
            self.works.log.net.update::<Result<Nat, TransferError>>(contract, owner(), "icrc1_transfer", (args,));
        sent.map_err(|reject| reject.to_string())?.map_err(|error| format!("{error:?}"))
    }

    /// What owner and friend have.
    fn balances(&mut self, contract: Principal) -> Result<(Nat, Nat), String> {
        let mut of = |owner| {
            let account = LedgerAccount { owner, subaccount: None };
            self.works.log.net.query::<Nat>(contract, person(99), "icrc1_balance_of", (account,))
        };
        let (one, other) = (of(owner()), of(friend()));
        Ok((one.map_err(|reject| reject.to_string())?, other.map_err(|reject| reject.to_string())?))
    }

    fn request(&mut self, version: &str) -> Result<UpgradeInfo, FactoryError> {
        self.call(owner(), "requestUpgrade", (self.contract(), Some(version)))
    }

    fn upgrades(&mut self) -> Vec<UpgradeInfo> {
        let args = (None::<Principal>, None::<u64>, Some(100_u32));
        let page: Result<UpgradePage, FactoryError> =
            self.works.log.net.query(self.works.factory, person(99), "getUpgrades", args).unwrap();
        page.unwrap().upgrades
    }

    /// What is wrong at rest.
    fn violations(&mut self) -> Vec<String> {
        let events = self.works.log.events().unwrap();
        let net = &self.works.log.net;
        let canisters: Vec<CanisterState> = net
            .canisters()
            .into_iter()
            .map(|id| CanisterState {
                id,
                module_hash: net.module_hash(id).map(Hash),
                controllers: net.controllers(id).unwrap_or_default().into_iter().collect(),
            })
            .collect();
        let mut found = stories(&events, &canisters);
        found.extend(escaped(&events, net.observed()));
        for contract in self.contracts.clone() {
            let status = self.works.log.net.canister_status(contract);
            if status != Some(CanisterStatusType::Running) {
                found.push(format!("I17: {contract} does not run: {status:?}"));
            }
            let health: Result<ContractHealth, _> =
                self.works.log.net.query(contract, person(99), "getContractHealth", ());
            if !health.as_ref().is_ok_and(|health| health.problem.is_none() && !health.quarantined) {
                found.push(format!("I17: {contract} is not well: {health:?}"));
            }
            let expected = (Nat::from(SUPPLY - SENT - FEE), Nat::from(SENT));
            match self.balances(contract) {
                Ok(balances) if balances == expected => {}
                other => found.push(format!("I17: {contract} has forgotten something: {other:?}")),
            }
        }
        found
    }

    #[track_caller]
    fn check(&mut self) {
        assert_eq!(self.violations(), Vec::<String>::new());
    }
}

#[test]
fn a_token_is_upgraded_with_its_state() {
    let mut yard = Yard::open(1, 1);
    let contract = yard.contract();
    yard.works.log.net.observe();
    let refused: Result<UpgradeInfo, FactoryError> = yard.call(friend(), "requestUpgrade", (contract, Some("2.0.0")));
    assert_eq!(refused, Err(FactoryError::Request(Request::Unauthorized { caller: friend() })));
    let asked = yard.request("2.0.0").unwrap();
    assert_eq!(asked.step, UpgradeStep::Queued);
    yard.works.settle();
    let upgrade = yard.upgrades().remove(0);
    assert_eq!((upgrade.number, upgrade.step, upgrade.settled), (asked.number, UpgradeStep::Confirmed, true));
    assert_eq!(yard.works.log.net.module_hash(contract).map(Hash), Some(yard.second));
    yard.check();
    // It lives on: as soon as there is something to tell, everything is told in the new epoch.
    yard.send_to(contract, person(504), 1).unwrap();
    yard.works.settle();
    let in_new_epoch =
        |event: &&Event| matches!(&event.payload, Payload::CallbackAccepted(callback) if callback.epoch == 2);
    assert!(yard.works.log.events().unwrap().iter().filter(in_new_epoch).count() > 0);
    let resources: Result<ContractResources, FactoryError> = yard.call(owner(), "getContractResources", (contract,));
    assert_eq!(resources.unwrap().module_hash, Some(yard.second));
}

/// New code that traps, and new code that answers nothing.
#[test]
fn a_bad_module_changes_nothing() {
    let traps = packed("(module (func (export \"canister_post_upgrade\") unreachable))");
    let mute = packed("(module (memory 1))");
    for (module, end, kind) in [
        (traps, UpgradeStep::Abandoned, Kind::UpgradeAbandoned),
        (mute, UpgradeStep::RolledBack, Kind::UpgradeRolledBack),
    ] {
        let mut yard = Yard::open(2, 1);
        yard.works.log.net.observe();
        yard.publish("3.0.0", &module);
        yard.request("3.0.0").unwrap();
        yard.works.settle();
        let upgrade = yard.upgrades().remove(0);
        assert_eq!((upgrade.step, upgrade.settled), (end, true), "{upgrade:?}");
        assert_eq!(yard.works.log.count(kind).unwrap(), 1);
        assert_eq!(yard.works.log.net.module_hash(yard.contract()).map(Hash), Some(yard.first));
        yard.check();
        yard.request("2.0.0").unwrap();
        yard.works.settle();
        assert_eq!(yard.works.log.net.module_hash(yard.contract()).map(Hash), Some(yard.second));
        yard.check();
    }
}

#[test]
fn a_contract_without_cycles_is_left_alone() {
    let mut yard = Yard::open(3, 1);
    let contract = yard.contract();
    let drain = Fault::before(Incident::DrainCycles { canister: contract }).callee(yard.works.factory);
    yard.works.log.net.inject(drain.method("requestUpgrade").kind(MessageKind::Ingress));
    yard.request("2.0.0").unwrap();
    yard.works.settle();
    let upgrade = yard.upgrades().remove(0);
    assert_eq!((upgrade.step, upgrade.settled), (UpgradeStep::Abandoned, true), "{upgrade:?}");
    assert_eq!(yard.works.log.count(Kind::UpgradeIntended).unwrap(), 0);
    yard.works.log.net.clear_faults();
    yard.request("2.0.0").unwrap();
    yard.works.settle();
    assert_eq!(yard.upgrades().remove(0).step, UpgradeStep::Confirmed);
    yard.check();
}

#[test]
fn a_version_is_rolled_out_to_those_who_take_part() {
    let mut yard = Yard::open(4, 5);
    for contract in yard.contracts.clone().into_iter().skip(1) {
        let () = yard.call::<_, FactoryError>(owner(), "setAutoUpdate", (contract, true)).unwrap();
    }
    let args = RolloutArgs { version: "2.0.0".into(), canary: Canary::Count(1), wave: 2, max_failures: 0 };
    let stranger: Result<RolloutInfo, FactoryError> = yard.call(owner(), "startRollout", (&args,));
    assert_eq!(stranger, Err(FactoryError::Request(Request::Unauthorized { caller: owner() })));
    let admin = yard.works.log.admin;
    let started: Result<RolloutInfo, FactoryError> = yard.call(admin, "startRollout", (&args,));
    let number = started.unwrap().number;
    for _ in 0..4 {
        yard.works.settle();
    }
    let rollout: Result<RolloutInfo, FactoryError> =
        yard.works.log.net.query(yard.works.factory, person(99), "getRollout", (number,)).unwrap();
    let rollout = rollout.unwrap();
    assert_eq!((rollout.status, rollout.succeeded), (RolloutStatus::Finished, 4), "{rollout:?}");
    let modules: Vec<Option<Hash>> =
        yard.contracts.iter().map(|contract| yard.works.log.net.module_hash(*contract).map(Hash)).collect();
    assert_eq!(modules[0], Some(yard.first));
    assert!(modules[1..].iter().all(|module| *module == Some(yard.second)));
    yard.check();
}

#[test]
fn an_owner_takes_the_factory_off() {
    let mut yard = Yard::open(5, 1);
    let contract = yard.contract();
    yard.request("2.0.0").unwrap();
    let () = yard.call::<_, FactoryError>(owner(), "releaseControl", (contract,)).unwrap();
    yard.works.settle();
    assert_eq!(yard.works.log.net.controllers(contract), Some(vec![owner()]));
    assert!(yard.upgrades().iter().all(|upgrade| upgrade.settled));
    assert!(matches!(yard.request("2.0.0"), Err(FactoryError::Request(Request::NotUpgradable { .. }))));
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
        yard.works.log.net.observe();
        let (factory, admin, contract) = (yard.works.factory, yard.works.log.admin, yard.contract());
        yard.works.log.net.submit(factory, owner(), "requestUpgrade", (contract, Some("2.0.0")));
        for _ in 0..rounds {
            yard.works.log.net.tick();
        }
        yard.works.log.net.upgrade(factory, admin, &module, candid::encode_args(()).unwrap()).unwrap();
        yard.works.settle();
        yard.request("2.0.0").map(drop).or_else(known).unwrap();
        yard.works.settle();
        let upgrade = yard.upgrades().remove(0);
        assert_eq!(upgrade.step, UpgradeStep::Confirmed, "after {rounds} rounds: {upgrade:?}");
        assert_eq!(yard.violations(), Vec::<String>::new(), "after {rounds} rounds");
    }
}

/// It may run the version already.
fn known(error: FactoryError) -> Result<(), FactoryError> {
    match error {
        FactoryError::Request(Request::NotUpgradable { .. }) => Ok(()),
        other => Err(other),
    }
}

/// The owner asks, and what follows in the next minute.
fn play(yard: &mut Yard) {
    yard.works.log.net.observe();
    let (factory, contract) = (yard.works.factory, yard.contract());
    yard.works.log.net.submit(factory, owner(), "requestUpgrade", (contract, Some("2.0.0")));
    for _ in 0..6 {
        yard.works.log.net.run_until_idle(200);
        yard.works.log.net.advance(Duration::from_secs(10));
    }
}

/// What is violated once the faults have ended: the contract runs a known version and has forgotten nothing; it can be
/// upgraded still.
fn examine(yard: &mut Yard) -> Vec<String> {
    yard.works.log.net.clear_faults();
    yard.works.settle();
    // Whatever a trap has cost the factory of its timer, the backend gives back.
    let gateway = yard.works.log.gateway;
    let _: Result<Result<(), FactoryError>, _> = yard.works.log.net.update(yard.works.factory, gateway, "wake", ());
    for _ in 0..4 {
        yard.works.settle();
    }
    let mut found = yard.violations();
    if let Some(open) = yard.upgrades().into_iter().find(|upgrade| !upgrade.settled) {
        found.push(format!("I17: not settled: {open:?}"));
    }
    if let Err(error) = yard.request("2.0.0").map(drop).or_else(known) {
        found.push(format!("I17: asked again: {error}"));
    }
    yard.works.settle();
    if yard.works.log.net.module_hash(yard.contract()).map(Hash) != Some(yard.second) {
        found.push("I17: it cannot be upgraded any more".to_owned());
    }
    found.extend(yard.violations());
    found
}

fn choice(yard: &Yard) -> impl Fn(&Message) -> Vec<Action> + Send + Sync + 'static {
    let (factory, contract) = (yard.works.factory, yard.contract());
    let arg = candid::encode_args(()).unwrap();
    move |message| {
        let mut actions = Action::possible_at(message);
        if message.caller == factory || message.callee == factory {
            actions.push(Action::Before(Incident::Upgrade { canister: factory, arg: arg.clone() }));
            actions.push(Action::Before(Incident::DrainCycles { canister: contract }));
        }
        actions
    }
}

/// Single faults and pairs of one upgrade, drawn from a seed.
#[test]
fn an_upgrade_survives_faults_drawn_from_a_seed() {
    let yard = Yard::open(7, 1);
    let choice = choice(&yard);
    let report =
        Explorer::new(yard, play, |yard, ()| examine(yard)).faults(choice).sample(7, 120).pairs(7, 20).threads(2).run();
    assert!(report.violations.is_empty(), "{report}");
    assert!(report.messages >= 40, "{report}");
    println!("{report}");
}

/// Every single fault at every message of one upgrade.
#[test]
#[ignore = "takes many minutes"]
fn an_upgrade_survives_every_single_fault() {
    let yard = Yard::open(8, 1);
    let choice = choice(&yard);
    let report = Explorer::new(yard, play, |yard, ()| examine(yard)).faults(choice).threads(2).run();
    assert!(report.violations.is_empty(), "{report}");
    println!("{report}");
}
