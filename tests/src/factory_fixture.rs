//! The token factory with its log, and with people in the places of backend and admins.

use crate::log_fixture::{CYCLES, LogFixture};
use anyhow::{anyhow, ensure};
use cairn::platform::token;
use cairn_events::payload::{Channel, DeploymentDispatched};
use cairn_events::topic::Service;
use cairn_events::{DeploymentId, Hash, Payload, Principal, Submission, WriterRole};
use cairn_kit::api::factory::{ContractArgs, FactoryError, FactoryInit, PublishedTemplate};
use cairn_kit::api::template::{ProposeTemplate, TemplateProposal, UploadSession, UploadedModule};
use candid::CandidType;
use candid::utils::ArgumentEncoder;
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;
use std::time::Duration;

/// Bytes of a module that are uploaded at a time.
const CHUNK: usize = 1_800_000;

/// What an uploaded module is proposed as: a version of our own token.
#[must_use]
pub fn terms(version: &str, module_hash: Hash) -> ProposeTemplate {
    ProposeTemplate {
        version: version.to_owned(),
        module_hash,
        channel: Channel::Stable,
        upgrades_from: None,
        interface: include_str!("../../canisters/contracts/token/token.did").to_owned(),
        source_commit: "0".repeat(40),
        notes: String::new(),
        foreign: false,
    }
}

/// A factory that lacks nothing but a template.
pub struct FactoryFixture {
    /// Its log, and the network; the log's gateway is the factory's backend.
    pub log: LogFixture,
    /// The factory.
    pub factory: Principal,
}

impl FactoryFixture {
    /// A factory that keeps `pool_target` empty canisters, and publishes after `delay` seconds; a day if that is not said.
    ///
    /// # Errors
    /// If a canister does not build, install or answer.
    pub fn begin(seed: u64, pool_target: u32, delay: Option<u64>) -> anyhow::Result<Self> {
        let mut log = LogFixture::begin(seed)?;
        let factory = log.net.create_canister(log.admin, CYCLES);
        let init = FactoryInit {
            audit: log.audit,
            pool_target,
            contract_cycles: 1_000_000_000_000,
            reserve_cycles: 1_000_000_000_000,
            publish_delay_seconds: delay,
        };
        let wasm = cairn::artifacts::wasm("token_factory")?;
        log.net.install(factory, log.admin, &wasm, candid::encode_one(init)?).map_err(|e| anyhow!("{e}"))?;
        log.register(factory, WriterRole::Factory)?;
        let (admin, backend) = (log.admin, log.gateway);
        let mut floor = FactoryFixture { log, factory };
        let () = floor.call::<_, FactoryError>(admin, "setupWhitelist", (backend,))??;
        Ok(floor)
    }

    /// A second one in the same state, independent from now on.
    #[must_use]
    pub fn fork(&self) -> Self {
        FactoryFixture { log: self.log.fork(), ..*self }
    }

    /// Calls the factory.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn call<T, E>(
        &mut self,
        caller: Principal,
        method: &str,
        args: impl ArgumentEncoder,
    ) -> anyhow::Result<Result<T, E>>
    where
        T: CandidType + DeserializeOwned,
        E: CandidType + DeserializeOwned,
    {
        self.log.net.update(self.factory, caller, method, args).map_err(|reject| anyhow!("{reject}"))
    }

    /// Uploads a module, as the installer.
    ///
    /// # Errors
    /// If the factory refuses, or computes another hash.
    pub fn upload(&mut self, module: &[u8]) -> anyhow::Result<Hash> {
        let (admin, size) = (self.log.admin, module.len() as u64);
        let session: UploadSession = self.call::<_, FactoryError>(admin, "beginTemplateUpload", (size,))??;
        for (part, chunk) in module.chunks(CHUNK).enumerate() {
            let arguments = (session.id, (part * CHUNK) as u64, ByteBuf::from(chunk));
            let _: u64 = self.call::<_, FactoryError>(admin, "uploadTemplateChunk", arguments)??;
        }
        let uploaded: UploadedModule = self.call::<_, FactoryError>(admin, "finishTemplateUpload", (session.id,))??;
        ensure!((uploaded.module_hash, uploaded.size) == (Hash::of(&[module]), size), "{uploaded:?}");
        Ok(uploaded.module_hash)
    }

    /// Proposes an uploaded module, as the installer.
    ///
    /// # Errors
    /// If the factory refuses.
    pub fn propose(&mut self, terms: ProposeTemplate) -> anyhow::Result<TemplateProposal> {
        let admin = self.log.admin;
        Ok(self.call::<_, FactoryError>(admin, "proposeTemplate", (terms,))??)
    }

    /// Publishes what was proposed, as the installer, who needs nobody else for the first template.
    ///
    /// # Errors
    /// If the factory refuses.
    pub fn publish(&mut self, version: &str, module_hash: Hash) -> anyhow::Result<PublishedTemplate> {
        let admin = self.log.admin;
        Ok(self.call::<_, FactoryError>(admin, "publishTemplate", (version, module_hash))??)
    }

    /// Records that the `number`-th deployment, a token for `owner`, was dispatched; what the factory is to be told of it.
    ///
    /// # Errors
    /// If the log refuses.
    pub fn dispatch(&mut self, number: u64, owner: Principal, template: Hash) -> anyhow::Result<ContractArgs> {
        let deployment = DeploymentId(Hash::of(&[b"deployment", &number.to_be_bytes()]));
        let dispatched = DeploymentDispatched { deployment, factory: self.factory };
        let submission = Submission::new(owner, Payload::DeploymentDispatched(dispatched)).exactly(0);
        let receipts = self.log.append(self.log.gateway, &[submission])?;
        let [receipt] = receipts[..] else { return Err(anyhow!("{} receipts", receipts.len())) };
        Ok(ContractArgs {
            deployment,
            service: Service::Token,
            template: Some(template),
            dispatch_version: receipt.stream_version,
            dispatched: receipt.index,
            args: ByteBuf::from(candid::encode_one(token(owner, "Cairn of Stones", "STONE"))?),
        })
    }

    /// Lets everything happen that happens by itself.
    pub fn settle(&mut self) {
        for _ in 0..30 {
            self.log.net.advance(Duration::from_secs(10));
            self.log.net.run_until_idle(10_000);
        }
    }
}
