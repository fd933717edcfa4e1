//! The token factory as compiled wasm, with the log, and with a person in the place of the backend.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails here says enough")]

use cairn::platform::token;
use cairn_events::payload::{Account, DeploymentAbandoned, Notification, Reason};
use cairn_events::{Event, Hash, Kind, Payload, Principal, Receipt, Stream, Submission};
use cairn_kit::api::backend::TokenArgs;
use cairn_kit::api::factory::{
    CallbackError, Capacity, ContractArgs, ContractRole, Delivered, FactoryError, FactoryHealth,
    FactoryRequestError as Request, FactoryTemporaryError as Temporary, NotificationsAccepted, NumberedNotification,
    PublishedTemplate, SetupStatus,
};
use cairn_kit::api::host::{ProjectionStatus, Reflected};
use cairn_kit::api::template::{ProposeTemplate, TemplateRefusal, UploadSession};
use cairn_projections::contracts::Contract;
use cairn_projections::{Moment, Page};
use cairn_tests::factory_fixture::{FactoryFixture, terms};
use cairn_tests::log_fixture::person;
use candid::{Encode, Nat};
use localnet::{Fault, MessageId, MessageKind, Reject};
use serde_bytes::ByteBuf;
use std::collections::BTreeSet;

const POOL: u32 = 4;
/// What the owner of a token has.
const SUPPLY: u64 = 100_000_000_000_000;

type Reply = Result<Delivered, FactoryError>;

/// A factory that lacks nothing, its log, and the person who dispatches.
struct Floor {
    works: FactoryFixture,
    template: Hash,
}

impl Floor {
    fn open(seed: u64) -> Floor {
        let mut floor = Floor::begin(seed);
        let token = floor.works.upload(&cairn::artifacts::wasm("token").unwrap()).unwrap();
        floor.sell(terms("1.0.0", token));
        floor
    }

    fn begin(seed: u64) -> Floor {
        Floor { works: FactoryFixture::begin(seed, POOL, None).unwrap(), template: Hash([0; 32]) }
    }

    fn fork(&self) -> Floor {
        Floor { works: self.works.fork(), template: self.template }
    }

    fn call<T, E>(&mut self, caller: Principal, method: &str, args: impl candid::utils::ArgumentEncoder) -> Result<T, E>
    where
        T: candid::CandidType + serde::de::DeserializeOwned,
        E: candid::CandidType + serde::de::DeserializeOwned,
    {
        self.works.call(caller, method, args).unwrap()
    }

    fn ask<T>(&mut self, method: &str, args: impl candid::utils::ArgumentEncoder) -> T
    where
        T: candid::CandidType + serde::de::DeserializeOwned,
    {
        self.works.log.net.query(self.works.factory, person(99), method, args).unwrap()
    }

    /// Makes an uploaded module the first template.
    fn sell(&mut self, terms: ProposeTemplate) {
        let (version, hash) = (terms.version.clone(), terms.module_hash);
        let proposed = self.works.propose(terms).unwrap();
        let published = self.works.publish(&version, hash).unwrap();
        assert_eq!((published.module_hash, published.size), (hash, proposed.size));
        self.template = hash;
        self.works.settle();
    }

    fn owner(number: u64) -> Principal {
        person(500 + number)
    }

    fn dispatch(&mut self, number: u64) -> ContractArgs {
        self.works.dispatch(number, Self::owner(number), self.template).unwrap()
    }

    fn write(&mut self, submission: Submission) -> Receipt {
        let gateway = self.works.log.gateway;
        self.works.log.append(gateway, &[submission]).unwrap()[0]
    }

    fn abandon(&mut self, args: &ContractArgs) {
        let abandoned = DeploymentAbandoned { deployment: args.deployment, reason: Reason::new("deadline", "") };
        let gateway = self.works.log.gateway;
        self.write(Submission::new(gateway, Payload::DeploymentAbandoned(abandoned)).exactly(args.dispatch_version));
    }

    fn create(&mut self, number: u64, args: &ContractArgs) -> Reply {
        let gateway = self.works.log.gateway;
        self.call(gateway, "createContract", (Self::owner(number), args))
    }

    fn submit(&mut self, number: u64, args: &ContractArgs) -> MessageId {
        let gateway = self.works.log.gateway;
        self.works.log.net.submit(self.works.factory, gateway, "createContract", (Self::owner(number), args))
    }

    /// Everything is settled: each deployment delivered whole or not at all, every other canister empty.
    fn check(&mut self, what: &str) -> Vec<Event> {
        let events = self.works.log.events().unwrap();
        let health: FactoryHealth = self.ask("getFactoryHealth", ());
        assert_eq!((health.in_progress, health.projection_lag), (0, 0), "{what}");
        let mut delivered = BTreeSet::new();
        for event in &events {
            if let Payload::DeliveryCommitted(committed) = &event.payload {
                let contract = committed.contract;
                assert!(delivered.insert(contract), "{what}: one contract, one delivery");
                assert_eq!(self.works.log.net.module_hash(contract).map(Hash), Some(committed.module_hash), "{what}");
                let controllers = BTreeSet::from_iter(self.works.log.net.controllers(contract).unwrap());
                assert_eq!(controllers, BTreeSet::from([self.works.factory, committed.owner]), "{what}");
                let abandoned = |event: &&Event| {
                    event.stream == Stream::Deployment(committed.deployment)
                        && event.payload.kind() == Kind::DeploymentAbandoned
                };
                assert_eq!(events.iter().filter(abandoned).count(), 0, "{what}");
                let registered = |event: &&Event| {
                    event.stream == Stream::Contract(contract) && event.payload.kind() == Kind::ContractRegistered
                };
                assert_eq!(events.iter().filter(registered).count(), 1, "{what}");
            }
        }
        assert_eq!(health.contracts, delivered.len() as u64, "{what}");
        for event in &events {
            if let Payload::ContractCreated(created) = &event.payload
                && !delivered.contains(&created.contract)
            {
                assert_eq!(self.works.log.net.module_hash(created.contract), None, "{what}: {}", created.contract);
                assert_eq!(
                    self.works.log.net.controllers(created.contract).unwrap(),
                    vec![self.works.factory],
                    "{what}"
                );
            }
        }
        events
    }
}

/// An uploaded module as somebody else's ledger, of which no more is known than makes it one.
fn foreign(module_hash: Hash) -> ProposeTemplate {
    let interface = "service : { icrc1_balance_of : (record { owner : principal; subaccount : opt blob }) -> (nat) query; \
                     icrc1_transfer : (reserved) -> (reserved) }";
    ProposeTemplate { interface: interface.to_owned(), foreign: true, ..terms("1.0.0", module_hash) }
}

fn unauthorized<T>(caller: Principal) -> Result<T, FactoryError> {
    Err(FactoryError::Request(Request::Unauthorized { caller }))
}

#[test]
fn a_token_is_delivered_once_and_found() {
    let mut floor = Floor::open(1);
    let capacity: Result<Capacity, FactoryError> = floor.ask("getCapacity", ());
    let capacity = capacity.unwrap();
    assert_eq!(
        (capacity.template, capacity.version.as_str(), capacity.contracts),
        (floor.template, "1.0.0", u64::from(POOL))
    );
    let setup: Option<SetupStatus> = floor.ask("getSetupStatus", ());
    assert!(setup.is_some_and(|setup| setup.writer && setup.template && setup.backend.is_some()));

    let (args, owner) = (floor.dispatch(1), Floor::owner(1));
    let delivered = floor.create(1, &args).unwrap();
    assert_eq!(floor.create(1, &args), Ok(delivered), "the same reply again");
    let mut other = args.clone();
    other.args = ByteBuf::from(
        Encode!(&TokenArgs { symbol: "OTHER".into(), ..token(owner, "Cairn of Stones", "STONE") }).unwrap(),
    );
    let conflict = Request::DeploymentConflict { deployment: args.deployment };
    assert_eq!(floor.create(1, &other), Err(FactoryError::Request(conflict)));
    floor.works.settle();
    floor.check("delivered");

    let net = &mut floor.works.log.net;
    let symbol: String = net.query(delivered.contract, owner, "icrc1_symbol", ()).unwrap();
    let balance: Nat =
        net.query(delivered.contract, owner, "icrc1_balance_of", (Account { owner, subaccount: None },)).unwrap();
    assert_eq!((symbol.as_str(), balance), ("STONE", Nat::from(SUPPLY)));

    // The contract has told about itself and its holder; both are found.
    for role in [None, Some(ContractRole::Creator), Some(ContractRole::Holder)] {
        let mine: Result<Reflected<Page<Contract>>, FactoryError> =
            floor.ask("getMyContracts", (owner, None::<Moment>, Some(20_u32), role));
        let mine = mine.unwrap();
        assert!(mine.checkpoint.is_some());
        let [contract] = mine.content.rows.as_slice() else { panic!("{role:?}: {mine:?}") };
        assert_eq!((contract.contract, contract.owner, contract.holders), (delivered.contract, owner, 1));
        assert!(contract.complete && contract.public);
    }
    let public: Result<Reflected<Page<Contract>>, FactoryError> = floor.ask("getPublicContracts", ());
    assert_eq!(public.unwrap().content.rows.len(), 1);
    let info: Result<Reflected<Contract>, FactoryError> = floor.ask("getContractInfo", (delivered.contract,));
    assert_eq!(info.unwrap().content.name, "Cairn of Stones");
    let none: Result<Reflected<Contract>, FactoryError> = floor.ask("getContractInfo", (owner,));
    assert_eq!(none, Err(FactoryError::Request(Request::UnknownContract { contract: owner })));
    let much: Result<Reflected<Page<Contract>>, FactoryError> =
        floor.ask("getPublicContracts", (None::<Moment>, Some(101_u32)));
    assert!(matches!(much, Err(FactoryError::Request(Request::OutOfBounds { found: 101, bound: 100, .. }))));
}

#[test]
fn the_index_is_rebuilt_and_equal() {
    let mut floor = Floor::open(2);
    for number in 1..=3 {
        let args = floor.dispatch(number);
        floor.create(number, &args).unwrap();
    }
    floor.works.settle();
    let admin = floor.works.log.admin;
    let refused: Result<(), FactoryError> = floor.call(person(99), "rebuildProjection", ("contracts",));
    assert_eq!(refused, unauthorized(person(99)));
    let unknown: Result<(), FactoryError> = floor.call(admin, "rebuildProjection", ("other",));
    assert!(unknown.is_err());
    let () = floor.call::<_, FactoryError>(admin, "rebuildProjection", ("contracts",)).unwrap();
    floor.works.settle();
    let status: Vec<ProjectionStatus> = floor.ask("getProjectionStatus", ());
    let outcome = status[0].last_rebuild.unwrap();
    assert_eq!(outcome.served, outcome.rebuilt);
    floor.check("rebuilt");
}

#[test]
fn an_abandoned_deployment_is_not_delivered() {
    let mut floor = Floor::open(3);
    let args = floor.dispatch(1);
    floor.abandon(&args);
    let abandoned = Err(FactoryError::Request(Request::Abandoned { deployment: args.deployment }));
    assert_eq!(floor.create(1, &args), abandoned);
    floor.works.settle();
    assert_eq!(floor.create(1, &args), abandoned);
    floor.check("abandoned");
    assert_eq!(
        (
            floor.works.log.count(Kind::ContractReclaimed).unwrap(),
            floor.works.log.count(Kind::DeliveryCommitted).unwrap()
        ),
        (1, 0)
    );
}

/// Abandoned at any round of the delivery: one of the two wins, and the other obeys.
#[test]
fn either_delivered_or_abandoned() {
    let opened = {
        let mut floor = Floor::open(4);
        floor.works.settle();
        floor
    };
    let (mut won, mut lost) = (0, 0);
    for rounds in 0..30 {
        let mut floor = opened.fork();
        let args = floor.dispatch(1);
        floor.submit(1, &args);
        (0..rounds).for_each(|_| floor.works.log.net.tick());
        let gateway = floor.works.log.gateway;
        let reason = Reason::new("deadline", "");
        let abandoned = Payload::DeploymentAbandoned(DeploymentAbandoned { deployment: args.deployment, reason });
        let abandoned = Submission::new(gateway, abandoned).exactly(args.dispatch_version);
        let refused = floor.works.log.append(gateway, &[abandoned]).is_err();
        floor.works.settle();
        floor.check(&format!("abandoned after {rounds} rounds"));
        let reply = floor.create(1, &args);
        assert_eq!(reply.is_ok(), refused, "{rounds}: {reply:?}");
        if refused { won += 1 } else { lost += 1 }
    }
    assert!(won > 0 && lost > 0, "{won} delivered, {lost} abandoned");
}

#[test]
fn code_that_traps_on_its_arguments_is_a_definite_failure() {
    // It has a ledger's methods, and cannot read a ledger's argument.
    let module = r#"(module (func (export "canister_init") (export "canister_query icrc1_balance_of")
        (export "canister_update icrc1_transfer") unreachable))"#;
    let mut floor = Floor::begin(5);
    let hash = floor.works.upload(&wat::parse_str(module).unwrap()).unwrap();
    floor.sell(foreign(hash));
    let args = floor.dispatch(1);
    assert!(matches!(floor.create(1, &args), Err(FactoryError::Request(Request::InstallFailed { .. }))));
    floor.works.settle();
    floor.check("install failed");
    assert_eq!(
        (floor.works.log.count(Kind::InstallFailed).unwrap(), floor.works.log.count(Kind::ContractReclaimed).unwrap()),
        (1, 1)
    );
}

#[test]
fn a_lost_creation_reply_costs_one_empty_canister() {
    let mut floor = Floor::open(6);
    let created = floor.works.log.count(Kind::ContractCreated).unwrap();
    floor
        .works
        .log
        .net
        .inject(Fault::trap().caller(floor.works.factory).method("create_canister").kind(MessageKind::ReplyCallback));
    let args = floor.dispatch(1);
    floor.create(1, &args).unwrap();
    floor.works.settle();
    assert_eq!(floor.works.log.net.struck_faults().len(), 1);
    floor.check("lost reply");
    assert_eq!(floor.works.log.count(Kind::CreationUnresolved).unwrap(), 1);
    assert_eq!(floor.works.log.count(Kind::ContractCreated).unwrap(), created + 1, "the pool is full again");
}

#[test]
fn an_empty_pool_and_a_full_one() {
    let mut floor = Floor::open(7);
    let all: Vec<ContractArgs> = (0..u64::from(POOL) + 2).map(|number| floor.dispatch(number)).collect();
    let calls: Vec<MessageId> =
        all.iter().enumerate().map(|(number, args)| floor.submit(number as u64, args)).collect();
    floor.works.log.net.run_until_idle(10_000);
    let replies: Vec<Reply> = calls.iter().map(|call| floor.works.log.net.poll(call).unwrap().unwrap()).collect();
    assert_eq!(replies.iter().filter(|reply| reply.is_ok()).count(), POOL as usize);
    assert!(replies.iter().all(|reply| reply.is_ok() || *reply == Err(FactoryError::Temporary(Temporary::PoolEmpty))));
    floor.works.settle();
    for (number, args) in all.iter().enumerate() {
        floor.create(number as u64, args).unwrap();
    }
    floor.works.settle();
    floor.check("all delivered in the end");
}

/// The calls that the factory makes, by method.
const METHODS: [&str; 7] = [
    "append",
    "install_chunked_code",
    "upload_chunk",
    "stored_chunks",
    "canister_info",
    "update_settings",
    "create_canister",
];

#[test]
fn every_callback_of_the_factory_may_trap() {
    let opened = Floor::open(8);
    for method in METHODS {
        for occurrence in 1..=6 {
            let what = format!("callback {occurrence} of {method} traps");
            let mut floor = opened.fork();
            let fault = Fault::trap().caller(floor.works.factory).method(method).kind(MessageKind::ReplyCallback);
            floor.works.log.net.inject(fault.occurrence(occurrence));
            let args = floor.dispatch(1);
            floor.submit(1, &args);
            floor.works.settle();
            floor.works.log.net.clear_faults();
            let reply = floor.create(1, &args);
            assert!(reply.is_ok(), "{what}: {reply:?}");
            floor.works.settle();
            floor.check(&what);
        }
    }
}

#[test]
fn the_factory_may_be_upgraded_at_any_moment() {
    let opened = Floor::open(9);
    let wasm = cairn::artifacts::wasm("token_factory").unwrap();
    for rounds in 0..24 {
        let what = format!("upgraded after {rounds} rounds");
        let mut floor = opened.fork();
        let all: Vec<ContractArgs> = (0..3).map(|number| floor.dispatch(number)).collect();
        for (number, args) in all.iter().enumerate() {
            floor.submit(number as u64, args);
        }
        (0..rounds).for_each(|_| floor.works.log.net.tick());
        let (factory, admin) = (floor.works.factory, floor.works.log.admin);
        floor.works.log.net.upgrade(factory, admin, &wasm, candid::encode_args(()).unwrap()).unwrap();
        floor.works.settle();
        for (number, args) in all.iter().enumerate() {
            let reply = floor.create(number as u64, args);
            assert!(reply.is_ok(), "{what}: {reply:?}");
        }
        floor.works.settle();
        floor.check(&what);
        let (factory, admin) = (floor.works.factory, floor.works.log.admin);
        floor.works.log.net.stop(factory, admin).unwrap_or_else(|error| panic!("{what}: cannot be stopped: {error}"));
    }
}

#[test]
fn strangers_change_nothing() {
    let mut floor = Floor::open(10);
    let args = floor.dispatch(1);
    let before = floor.works.log.events().unwrap().len();
    for stranger in [person(99), floor.works.log.admin, Principal::anonymous()] {
        let created: Reply = floor.call(stranger, "createContract", (stranger, &args));
        assert_eq!(created, unauthorized(stranger));
    }
    for stranger in [person(99), floor.works.log.gateway, Principal::anonymous()] {
        let begun: Result<UploadSession, FactoryError> = floor.call(stranger, "beginTemplateUpload", (100_u64,));
        assert_eq!(begun, unauthorized(stranger));
        let uploaded: Result<u64, FactoryError> =
            floor.call(stranger, "uploadTemplateChunk", (1_u64, 0_u64, ByteBuf::from(b"\0asm")));
        assert_eq!(uploaded, unauthorized(stranger));
        let granted: Result<(), FactoryError> = floor.call(stranger, "grantAdmin", (stranger,));
        assert_eq!(granted, unauthorized(stranger));
        let withdrawn: Result<(), FactoryError> = floor.call(stranger, "withdrawTemplate", ("1.0.0", "no"));
        assert_eq!(withdrawn, unauthorized(stranger));
        let published: Result<PublishedTemplate, FactoryError> =
            floor.call(stranger, "publishTemplate", ("9.0.0", Hash([9; 32])));
        assert_eq!(published, unauthorized(stranger));
        let whitelisted: Result<(), FactoryError> = floor.call(stranger, "setupWhitelist", (stranger,));
        assert_eq!(whitelisted, unauthorized(stranger));
        let batch = vec![NumberedNotification { sequence: 1, notification: Notification::DeploymentComplete }];
        let told: Result<NotificationsAccepted, CallbackError> =
            floor.call(stranger, "notifyBatch", (stranger, 1_u64, batch));
        assert_eq!(told, Err(CallbackError::NotDeployedHere));
    }
    let (factory, backend) = (floor.works.factory, floor.works.log.gateway);
    for (method, bytes) in [("createContract", 70_000), ("notifyBatch", 40_000), ("uploadTemplateChunk", 1_960_000)] {
        let malformed: Result<Vec<u8>, Reject> =
            floor.works.log.net.update_raw(factory, backend, method, vec![0; bytes]);
        assert!(malformed.is_err(), "{method}");
    }
    floor.works.settle();
    assert_eq!(floor.works.log.events().unwrap().len(), before, "nothing was recorded about them");
    floor.create(1, &args).unwrap();
}

#[test]
fn a_wrong_template_hash_is_refused_and_recorded() {
    let mut floor = Floor::open(11);
    let admin = floor.works.log.admin;
    let hash = floor.works.upload(b"\0asm\x01\0\0\0").unwrap();
    let refused: Result<PublishedTemplate, FactoryError> = floor.call(admin, "publishTemplate", ("1.0.0", hash));
    assert!(matches!(refused, Err(FactoryError::Request(Request::Template(TemplateRefusal::VersionTaken { .. })))));
    let other: Result<(), FactoryError> = floor.call(admin, "setupWhitelist", (person(99),));
    let known = floor.works.log.gateway;
    assert_eq!(other, Err(FactoryError::Request(Request::AlreadyWhitelisted { backend: known })));
    floor.works.settle();
    assert_eq!(floor.works.log.count(Kind::Refused).unwrap(), 2);
    assert_eq!(floor.works.log.count(Kind::TemplatePublished).unwrap(), 1);
}

/// A registered ledger needs nothing but the reference ledger's install argument: our own token, registered as if it were
/// somebody else's code.
#[test]
fn a_foreign_ledger_is_made_with_the_reference_argument() {
    let mut floor = Floor::begin(12);
    let hash = floor.works.upload(&cairn::artifacts::wasm("token").unwrap()).unwrap();
    floor.sell(foreign(hash));
    let args = floor.dispatch(1);
    let delivered = floor.create(1, &args).unwrap();
    floor.works.settle();
    let holder = icrc_ledger_types::icrc1::account::Account { owner: Floor::owner(1), subaccount: None };
    let balance: Nat =
        floor.works.log.net.query(delivered.contract, person(99), "icrc1_balance_of", (holder,)).unwrap();
    assert_eq!(balance, Nat::from(SUPPLY));
    floor.check("a foreign ledger");
}
