//! A factory, as its admins and everybody else use it.

use cairn_events::{Hash, Principal};
use cairn_kit::api::factory::{FactoryError, PublishedTemplate};
use cairn_kit::api::template::{ProposeTemplate, TemplateProposal, UploadSession, UploadedModule};
use cairn_kit::api::upgrade::{ForcedUpgrade, UpgradeInfo, UpgradePage};
use cairn_tests::factory_fixture::terms;
use candid::CandidType;
use candid::utils::ArgumentEncoder;
use localnet::Net;
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;
use std::time::Duration;

/// Bytes of a module that are uploaded at a time.
const CHUNK: usize = 1_800_000;

/// A factory, and those who decide for it.
#[derive(Clone, Copy)]
pub struct FactoryClient {
    /// The factory.
    pub id: Principal,
    /// Who proposes, and who confirms.
    pub admins: [Principal; 2],
}

impl FactoryClient {
    /// Calls an update.
    pub fn call<T>(
        &self,
        net: &mut Net,
        caller: Principal,
        method: &str,
        args: impl ArgumentEncoder,
    ) -> Result<T, FactoryError>
    where
        T: CandidType + DeserializeOwned,
    {
        net.update(self.id, caller, method, args).unwrap()
    }

    /// Calls a query, as an admin, who sees everything.
    pub fn ask<T>(&self, net: &mut Net, method: &str, args: impl ArgumentEncoder) -> T
    where
        T: CandidType + DeserializeOwned,
    {
        let [admin, _] = self.admins;
        let answer: Result<T, FactoryError> = net.query(self.id, admin, method, args).unwrap();
        answer.unwrap()
    }

    /// Takes a module to its publication: proposed by one admin, confirmed by the other one, after the delay.
    pub fn release(&self, net: &mut Net, version: &str, interface: &str, module: &[u8]) -> Hash {
        let [proposer, confirmer] = self.admins;
        let module_hash = self.upload(net, module);
        let proposal = ProposeTemplate { interface: interface.to_owned(), ..terms(version, module_hash) };
        let _: TemplateProposal = self.call(net, proposer, "proposeTemplate", (proposal,)).unwrap();
        let confirmed: TemplateProposal = self.call(net, confirmer, "confirmTemplate", (version, module_hash)).unwrap();
        let delay = confirmed.publishable_at.unwrap().saturating_sub(net.now());
        net.advance(Duration::from_nanos(delay));
        net.run_until_idle(10_000);
        let published: PublishedTemplate = self.call(net, proposer, "publishTemplate", (version, module_hash)).unwrap();
        assert_eq!(published.module_hash, module_hash);
        module_hash
    }

    fn upload(&self, net: &mut Net, module: &[u8]) -> Hash {
        let [admin, _] = self.admins;
        let size = (module.len() as u64,);
        let session: UploadSession = self.call(net, admin, "beginTemplateUpload", size).unwrap();
        for (part, chunk) in module.chunks(CHUNK).enumerate() {
            let arguments = (session.id, (part * CHUNK) as u64, ByteBuf::from(chunk));
            let _: u64 = self.call(net, admin, "uploadTemplateChunk", arguments).unwrap();
        }
        let uploaded: UploadedModule = self.call(net, admin, "finishTemplateUpload", (session.id,)).unwrap();
        uploaded.module_hash
    }

    /// Upgrades of all contracts, the newest first.
    pub fn upgrades(&self, net: &mut Net) -> Vec<UpgradeInfo> {
        let args = (None::<Principal>, None::<u64>, Some(100_u32));
        let page: UpgradePage = self.ask(net, "getUpgrades", args);
        page.upgrades
    }

    /// The contract's newest upgrade.
    pub fn last_upgrade(&self, net: &mut Net, contract: Principal) -> UpgradeInfo {
        let mut upgrades = self.upgrades(net).into_iter();
        upgrades.find(|upgrade| upgrade.contract == contract).unwrap()
    }

    /// Has the contract upgraded whatever it says of that: both admins want it.
    pub fn force(&self, net: &mut Net, contract: Principal, version: &str) -> Result<ForcedUpgrade, FactoryError> {
        let [one, other] = self.admins;
        let _: ForcedUpgrade = self.call(net, one, "forceUpgrade", (contract, version))?;
        self.call(net, other, "forceUpgrade", (contract, version))
    }
}
