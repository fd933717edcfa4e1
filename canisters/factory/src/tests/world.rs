//! A log and a management canister that keep the rules the factory relies on, and break calls when told to.

use crate::access::Backend;
use crate::kind::{ContractKind, InstallContext, InvalidArgs, Listing};
use crate::state::tests::{Folded, fold};
use crate::template::{registry, upload};
use crate::{access, deployment, lifecycle, state};
use cairn_events::payload::{DeploymentDispatched, Notification, Reason};
use cairn_events::topic::Service;
use cairn_events::{
    DeploymentId, Expected, Hash, Kind, LogId, Payload, Principal, Receipt, Stream, Submission, Timestamp,
};
use cairn_kit::api::audit::{AppendArgs, Appended, AuditError, AuditRequestError, AuditTemporaryError, Reserve, Tip};
use cairn_kit::api::factory::{ContractArgs, Delivered, FactoryError, FactoryInit};
use cairn_kit::journal::Recorded;
use cairn_kit::runtime::testing::{Network, run};
use cairn_kit::runtime::{self, CallFailure, Request};
use candid::{CandidType, Decode, Encode};
use ic_management_canister_types::{
    CanisterIdRecord, CanisterInfoArgs, CanisterInstallMode, ChunkHash, InstallChunkedCodeArgs, InstallCodeArgs,
    UninstallCodeArgs, UpdateSettingsArgs, UploadChunkArgs,
};
use serde_bytes::ByteBuf;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::life::{Life, check_life};
use super::templates::{SECOND, terms};

/// A kind of contract whose argument is a word.
pub struct Word;

impl ContractKind for Word {
    const SERVICE: Service = Service::Token;
    const METHODS: &'static [&'static str] = &["word"];
    type Args = String;

    fn parse(args: &[u8]) -> Result<String, InvalidArgs> {
        String::from_utf8(args.to_vec()).map_err(|_| InvalidArgs::new("word", "not UTF-8"))
    }
    fn listing(word: &String) -> Listing {
        Listing { name: word.clone(), symbol: None, public: true }
    }
    fn install_argument(word: &String, context: &InstallContext) -> Result<Vec<u8>, InvalidArgs> {
        Ok(format!("{word} {} {}", context.owner, context.epoch).into_bytes())
    }
    fn accepts(_: &Notification) -> bool {
        true
    }
    fn controllers(factory: Principal, _: Principal, owner: Principal) -> Vec<Principal> {
        vec![factory, owner]
    }
}

pub const BACKEND: Principal = Principal::from_slice(&[0xba]);
/// Seconds between a template's confirmation and its publication.
pub const DELAY: u64 = 600;
pub const ADMIN: Principal = Principal::from_slice(&[0xad]);
pub const OWNER: Principal = Principal::from_slice(&[0x01, 0x01]);
pub const AUDIT: Principal = Principal::from_slice(&[0xa0]);

/// A canister of the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosted {
    pub module: Option<Hash>,
    pub argument: Vec<u8>,
    pub controllers: Vec<Principal>,
    /// As a contract.
    pub life: Life,
}

#[derive(Default)]
pub struct Model {
    /// Every event: its source, if that is the factory its number, its receipt.
    pub events: Vec<Recorded>,
    pub own: Vec<Recorded>,
    streams: BTreeMap<Stream, u64>,
    batches: BTreeMap<u64, (Vec<u8>, Vec<Receipt>)>,
    pub canisters: BTreeMap<Principal, Hosted>,
    pub chunks: BTreeMap<Vec<u8>, Vec<u8>>,
    /// After how many more calls one is rejected, with this code, after it had its effect or before.
    pub strike: Option<(usize, u32, bool)>,
    /// What the next call of the method meets: rejected with this code, after it had its effect or before.
    pub faults: Vec<(&'static str, u32, bool)>,
    pub calls: Vec<&'static str>,
}

impl Model {
    fn answer(&mut self, factory: Principal, request: &Request) -> Result<Vec<u8>, CallFailure> {
        self.calls.push(request.method);
        let fault = self.faults.iter().position(|fault| fault.0 == request.method).map(|i| self.faults.remove(i));
        let fault = fault.or_else(|| self.struck(request.method));
        match fault {
            Some((_, code, false)) => Err(CallFailure::rejected(code, "a fault")),
            Some((_, code, true)) => {
                let _ = self.execute(factory, request);
                Err(CallFailure::rejected(code, "a fault"))
            }
            None => self.execute(factory, request),
        }
    }

    fn struck(&mut self, method: &'static str) -> Option<(&'static str, u32, bool)> {
        let (left, code, after) = self.strike.take()?;
        if left == 0 {
            return Some((method, code, after));
        }
        self.strike = Some((left - 1, code, after));
        None
    }

    fn execute(&mut self, factory: Principal, request: &Request) -> Result<Vec<u8>, CallFailure> {
        let args = request.args.as_slice();
        if let Some(answer) = self.live(factory, request) {
            return answer;
        }
        if request.to == AUDIT && request.method == "append" {
            return Ok(encode(self.append(factory, Decode!(args, AppendArgs).unwrap())));
        }
        match request.method {
            "getTip" => Ok(encode(self.tip())),
            "create_canister" => {
                let canister_id = Principal::from_slice(&[0xcc, self.canisters.len() as u8]);
                self.canisters.insert(canister_id, Hosted { controllers: vec![factory], ..Hosted::default() });
                Ok(encode(CanisterIdRecord { canister_id }))
            }
            "install_code" => {
                let args = Decode!(args, InstallCodeArgs).unwrap();
                self.put(factory, args.mode, args.canister_id, Hash::of(&[&args.wasm_module]), args.arg)
            }
            "stored_chunks" => {
                let chunks: Vec<_> = self.chunks.keys().map(|hash| ChunkHash { hash: hash.clone() }).collect();
                Ok(encode(chunks))
            }
            "upload_chunk" => {
                let args = Decode!(args, UploadChunkArgs).unwrap();
                let hash = Hash::of(&[&args.chunk]).0.to_vec();
                if self.chunks.len() >= 100 {
                    return Err(CallFailure::rejected(5, "the store of chunks is full"));
                }
                self.chunks.insert(hash.clone(), args.chunk);
                Ok(encode(ChunkHash { hash }))
            }
            "clear_chunk_store" => {
                self.chunks.clear();
                Ok(unit())
            }
            "install_chunked_code" => {
                let args = Decode!(args, InstallChunkedCodeArgs).unwrap();
                let module: Vec<u8> =
                    args.chunk_hashes_list.iter().flat_map(|chunk| self.chunks[&chunk.hash].clone()).collect();
                assert_eq!(Hash::of(&[&module]).0.to_vec(), args.wasm_module_hash);
                self.put(factory, args.mode, args.target_canister, Hash::of(&[&module]), args.arg)
            }
            "canister_info" => {
                let args = Decode!(args, CanisterInfoArgs).unwrap();
                let Some(hosted) = self.canisters.get(&args.canister_id).cloned() else {
                    return Err(CallFailure::rejected(3, "no such canister"));
                };
                Ok(encode(Info {
                    total_num_changes: 0,
                    recent_changes: Vec::new(),
                    module_hash: hosted.module.map(|hash| ByteBuf::from(hash.0)),
                    controllers: hosted.controllers,
                }))
            }
            "uninstall_code" => {
                let args = Decode!(args, UninstallCodeArgs).unwrap();
                let hosted = self.canisters.get_mut(&args.canister_id).unwrap();
                (hosted.module, hosted.life) = (None, Life::default());
                Ok(unit())
            }
            "update_settings" => {
                let args = Decode!(args, UpdateSettingsArgs).unwrap();
                let hosted = self.canisters.get_mut(&args.canister_id).unwrap();
                assert!(hosted.controllers.contains(&factory));
                hosted.controllers = args.settings.controllers.unwrap();
                Ok(unit())
            }
            other => Err(CallFailure::rejected(3, other)),
        }
    }

    fn tip(&self) -> Result<Tip, AuditError> {
        let Some(Recorded { receipt, .. }) = self.events.last() else {
            return Err(AuditError::Temporary(AuditTemporaryError::NotReady));
        };
        let (size, none) = (self.events.len() as u64, Hash([0; 32]));
        Ok(Tip {
            log: LogId(none),
            size,
            last_hash: receipt.hash,
            root: none,
            timestamp: receipt.timestamp.0,
            topics_size: size,
            topics_root: none,
        })
    }

    fn put(
        &mut self,
        factory: Principal,
        mode: CanisterInstallMode,
        canister: Principal,
        module: Hash,
        argument: Vec<u8>,
    ) -> Result<Vec<u8>, CallFailure> {
        match mode {
            CanisterInstallMode::Upgrade(_) => self.replace(factory, canister, module),
            _ => self.install(canister, module, argument),
        }
    }

    fn install(&mut self, canister: Principal, module: Hash, argument: Vec<u8>) -> Result<Vec<u8>, CallFailure> {
        if argument.starts_with(b"trap") {
            return Err(CallFailure::rejected(5, "init trapped"));
        }
        let hosted = self.canisters.get_mut(&canister).unwrap();
        if hosted.module.is_some() {
            return Err(CallFailure::rejected(5, "the canister is not empty"));
        }
        (hosted.module, hosted.argument) = (Some(module), argument);
        hosted.life.serve();
        Ok(unit())
    }

    fn append(&mut self, source: Principal, args: AppendArgs) -> Result<Appended, AuditError> {
        let content = encode(&args);
        if let Some((known, receipts)) = self.batches.get(&args.first_seq) {
            assert_eq!(*known, content, "a number is used for one content only");
            return Ok(Appended { receipts: receipts.clone(), reserve: Reserve::default() });
        }
        assert_eq!(args.first_seq, self.own.len() as u64 + 1);
        let submissions: Vec<Submission> =
            args.submissions.into_iter().map(|wire| Submission::try_from(wire).unwrap()).collect();
        let mut versions = self.streams.clone();
        for (position, submission) in submissions.iter().enumerate() {
            let stream = submission.payload.stream(source);
            let actual = versions.entry(stream).or_default();
            if let Expected::Exact(expected) = submission.expected
                && expected != *actual
            {
                let position = position as u32;
                let error = AuditRequestError::StreamVersion { position, stream, expected, actual: *actual };
                return Err(AuditError::Request(error));
            }
            *actual += 1;
        }
        let receipts: Vec<Receipt> =
            submissions.into_iter().map(|submission| self.record(source, submission)).collect();
        self.own.extend(self.events.iter().rev().take(receipts.len()).rev().cloned().collect::<Vec<_>>());
        self.batches.insert(args.first_seq, (content, receipts.clone()));
        Ok(Appended { receipts, reserve: Reserve::default() })
    }

    /// An event is accepted.
    pub fn record(&mut self, source: Principal, submission: Submission) -> Receipt {
        let version = self.streams.entry(submission.payload.stream(source)).or_default();
        *version += 1;
        let index = self.events.len() as u64;
        let receipt = Receipt {
            index,
            hash: Hash::of(&[&index.to_be_bytes()]),
            stream_version: *version,
            timestamp: Timestamp(runtime::now()),
        };
        self.events.push(Recorded {
            receipt,
            source_seq: self.own.len() as u64 + 1,
            actor: submission.actor,
            correlation: submission.correlation,
            causation: submission.causation,
            payload: submission.payload,
        });
        receipt
    }
}

/// The reply of `canister_info`.
#[derive(CandidType)]
struct Info {
    total_num_changes: u64,
    recent_changes: Vec<u8>,
    module_hash: Option<ByteBuf>,
    controllers: Vec<Principal>,
}

pub fn encode<T: CandidType>(value: T) -> Vec<u8> {
    Encode!(&value).unwrap()
}

pub fn unit() -> Vec<u8> {
    candid::encode_args(()).unwrap()
}

/// The backend's permit.
pub fn backend() -> Backend {
    access::backend(BACKEND).unwrap()
}

/// A factory in the model.
pub struct World {
    pub network: Rc<Network>,
    pub model: Rc<RefCell<Model>>,
}

/// A module that the factory takes for wasm.
pub fn module() -> Vec<u8> {
    wasm(&[7; 5000])
}

/// A module with this in it, that exports whatever interfaces in tests speak of.
pub fn wasm(body: &[u8]) -> Vec<u8> {
    let queries = ["canUpgrade", "getContractHealth", "word", "sentence", "sign"];
    let updates = ["confirmUpgrade", "second", "third", "icrc1_transfer"];
    let named = |kind: &str, name: &&str| format!("canister_{kind} {name}");
    let names: Vec<String> = (queries.iter().map(|name| named("query", name)))
        .chain(updates.iter().map(|name| named("update", name)))
        .collect();
    let export = |name: &String| [&[name.len() as u8], name.as_bytes(), &[0, 0]].concat();
    let exports: Vec<u8> = names.iter().flat_map(export).collect();
    let section = |number: u8, content: &[u8]| {
        let length = content.len() as u32;
        let leb = [length as u8 & 0x7f | 0x80, (length >> 7) as u8 & 0x7f | 0x80, (length >> 14) as u8 & 0x7f | 0x80];
        [&[number], leb.as_slice(), &[(length >> 21) as u8], content].concat()
    };
    let exports = section(7, &[&[names.len() as u8], exports.as_slice()].concat());
    let body = section(0, &[b"\x04body".as_slice(), body].concat());
    [plain(&[]), exports, body].concat()
}

/// What begins like a module, and has these bytes after that.
pub fn plain(body: &[u8]) -> Vec<u8> {
    [b"\0asm\x01\0\0\0".as_slice(), body].concat()
}

/// Another one for every number.
pub fn module_of(number: u8) -> Vec<u8> {
    wasm(&[number; 5000])
}

impl World {
    /// A factory that lacks nothing but an empty canister.
    pub fn begin() -> World {
        let network = Network::install();
        let model = Rc::new(RefCell::new(Model::default()));
        let (answering, id) = (Rc::clone(&model), runtime::id());
        network.respond(move |request| answering.borrow_mut().answer(id, request));
        let init = FactoryInit {
            audit: AUDIT,
            pool_target: 2,
            contract_cycles: 1_000_000,
            reserve_cycles: 5_000,
            publish_delay_seconds: Some(DELAY),
        };
        lifecycle::init::<Word>(ADMIN, init);
        access::whitelist(access::admin(ADMIN).unwrap(), BACKEND).unwrap();
        let world = World { network, model };
        let hash = world.upload(ADMIN, &module());
        run(registry::propose::<Word>(access::admin(ADMIN).unwrap(), terms("1.0.0", hash))).unwrap();
        run(registry::publish(access::admin(ADMIN).unwrap(), Service::Token, "1.0.0", hash)).unwrap();
        world
    }

    /// Uploads a module; its hash.
    pub fn upload(&self, admin: Principal, module: &[u8]) -> Hash {
        let permit = || access::admin(admin).unwrap();
        let session = upload::begin(permit(), module.len() as u64).unwrap();
        for (offset, chunk) in (0..).step_by(1_000_000).zip(module.chunks(1_000_000)) {
            assert_eq!(upload::chunk(permit(), session.id, offset, chunk), Ok(offset + chunk.len() as u64));
        }
        upload::finish(permit(), session.id).unwrap().module_hash
    }

    /// Publishes another version.
    pub fn publish(&self, version: &str, number: u8) -> Hash {
        if access::admin(SECOND).is_err() {
            run(access::grant(access::admin(ADMIN).unwrap(), SECOND)).unwrap();
            self.network.advance(Duration::from_secs(DELAY));
        }
        let hash = self.upload(ADMIN, &module_of(number));
        run(registry::propose::<Word>(access::admin(ADMIN).unwrap(), terms(version, hash))).unwrap();
        run(registry::confirm(access::admin(SECOND).unwrap(), version, hash)).unwrap();
        self.network.advance(Duration::from_secs(DELAY));
        run(registry::publish(access::admin(ADMIN).unwrap(), Service::Token, version, hash)).unwrap();
        hash
    }

    /// A factory with a full pool.
    pub fn ready() -> World {
        let world = World::begin();
        world.wait();
        assert_eq!(state::read(|state| state.free_canisters()), 2);
        world
    }

    /// Lets everything happen that happens by itself.
    pub fn wait(&self) {
        for _ in 0..10 {
            self.network.advance(Duration::from_secs(60));
        }
    }

    /// The code is replaced: the heap is gone, stable memory stays.
    pub fn upgrade(&self) {
        lifecycle::post_upgrade::<Word>();
    }

    /// Dispatches a deployment in the log; what the backend then sends.
    pub fn dispatch(&self, number: u8, word: &str) -> ContractArgs {
        let deployment = DeploymentId(Hash([number; 32]));
        let dispatched = DeploymentDispatched { deployment, factory: runtime::id() };
        let submission = Submission::new(OWNER, Payload::DeploymentDispatched(dispatched));
        let receipt = self.model.borrow_mut().record(BACKEND, submission);
        ContractArgs {
            deployment,
            service: Service::Token,
            template: None,
            dispatch_version: receipt.stream_version,
            dispatched: receipt.index,
            args: ByteBuf::from(word.as_bytes()),
        }
    }

    /// The backend abandons the deployment.
    pub fn abandon(&self, args: &ContractArgs) {
        let abandoned = cairn_events::payload::DeploymentAbandoned {
            deployment: args.deployment,
            reason: Reason::new("deadline", ""),
        };
        self.model.borrow_mut().record(BACKEND, Submission::new(BACKEND, Payload::DeploymentAbandoned(abandoned)));
    }

    pub fn create(&self, args: &ContractArgs) -> Result<Delivered, FactoryError> {
        run(deployment::create::<Word>(backend(), OWNER, args.clone()))
    }

    /// How many events of the kind there are about the deployment.
    pub fn count(&self, kind: Kind, deployment: DeploymentId) -> usize {
        let about = |event: &&Recorded| event.payload.kind() == kind && event.payload.deployment() == Some(deployment);
        self.model.borrow().events.iter().filter(about).count()
    }

    pub fn count_kind(&self, kind: Kind) -> usize {
        self.model.borrow().events.iter().filter(|event| event.payload.kind() == kind).count()
    }

    pub fn folded(&self) -> Folded {
        state::read(|state| state.folded())
    }

    /// What must hold when everything has come to rest.
    pub fn check(&self) {
        let model = self.model.borrow();
        let folded = self.folded();
        assert_eq!(fold(model.own.clone()), folded, "the state is the fold of the factory's events");
        assert!(state::read(|state| state.open_deployments()).is_empty(), "everything is settled");
        assert!(!folded.totals.creating);
        assert!(folded.upgrades.open.is_empty() && folded.upgrades.top_ups.is_empty(), "{:?}", folded.upgrades);
        assert!(state::read(|state| state.releases()).is_empty(), "who is to be let go is let go");
        for canister in &folded.pool {
            let hosted = &model.canisters[canister];
            assert_eq!((hosted.module, hosted.controllers.len()), (None, 1), "canisters of the pool are empty");
        }
        for (deployment, job) in &folded.jobs {
            let hosted = &model.canisters[&job.contract];
            if matches!(job.phase, crate::state::Phase::Registered { .. }) {
                let managed = folded.upgrades.managed.get(&job.contract).cloned().unwrap_or_default();
                assert_eq!(hosted.module, Some(managed.module.unwrap_or(job.template)));
                let factory = (!managed.released).then(runtime::id);
                assert_eq!(hosted.controllers, factory.into_iter().chain([job.owner]).collect::<Vec<_>>());
                check_life(&model, job.contract, &hosted.life);
                assert_eq!(Hash::of(&[&hosted.argument]), job.args_hash);
                for kind in
                    [Kind::InstallIntended, Kind::ContractInstalled, Kind::DeliveryCommitted, Kind::ContractRegistered]
                {
                    assert_count(&model, kind, *deployment, 1);
                }
                assert_count(&model, Kind::ContractReclaimed, *deployment, 0);
            } else {
                assert_count(&model, Kind::DeliveryCommitted, *deployment, 0);
                assert_count(&model, Kind::ContractReclaimed, *deployment, 1);
            }
        }
    }
}

fn assert_count(model: &Model, kind: Kind, deployment: DeploymentId, expected: usize) {
    let about = |event: &&Recorded| event.payload.kind() == kind && event.payload.deployment() == Some(deployment);
    assert_eq!(model.events.iter().filter(about).count(), expected, "{kind:?}");
}
