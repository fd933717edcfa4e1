//! What the factories install.

use super::{Platform, user};
use anyhow::{Result, bail};
use cairn_events::payload::Channel;
use cairn_events::topic::Service;
use cairn_events::{Hash, Principal};
use cairn_kit::api::factory::{FactoryError, PublishedTemplate};
use cairn_kit::api::template::{ProposeTemplate, TemplateProposal, UploadSession, UploadedModule};
use serde_bytes::ByteBuf;

/// Bytes of an upload's chunk.
const CHUNK: usize = 1_500_000;
/// Seconds between a template's confirmation and its publication.
pub(super) const PUBLISH_DELAY: u64 = 3_600;

/// The interface of a service's contracts.
fn interface(service: Service) -> Result<&'static str> {
    Ok(match service {
        Service::Token => include_str!("../../../canisters/contracts/token/token.did"),
        Service::Multisig => include_str!("../../../canisters/contracts/multisig/multisig.did"),
        Service::Distribution => include_str!("../../../canisters/contracts/distribution/distribution.did"),
        Service::Dao | Service::Launchpad => bail!("{} makes nothing yet", service.name()),
    })
}

impl Platform {
    /// The admin of the factory who confirms what the first one proposes.
    pub fn second_admin() -> Principal {
        user("second admin")
    }

    /// Publishes the first template of a factory: by the installer, who needs nobody else for it.
    pub(super) fn publish_first(&mut self, service: Service, factory: Principal, module: &[u8]) -> Result<Hash> {
        let proposed = self.propose(service, factory, "1.0.0", module)?;
        self.publish(factory, "1.0.0", proposed)
    }

    /// Takes a module of the token to its publication: proposed by one admin, confirmed by another one, after the delay.
    ///
    /// # Errors
    /// The factory refused.
    pub fn release(&mut self, version: &str, module: &[u8]) -> Result<Hash> {
        let factory = self.factory;
        let proposed = self.propose(Service::Token, factory, version, module)?;
        let confirmed = (version.to_owned(), Hash::of(&[module]));
        self.call::<TemplateProposal, FactoryError>(factory, Self::second_admin(), "confirmTemplate", confirmed)?;
        self.pass(PUBLISH_DELAY);
        self.publish(factory, version, proposed)
    }

    /// Uploads a module and proposes it with the interface of its service; its hash.
    fn propose(&mut self, service: Service, factory: Principal, version: &str, module: &[u8]) -> Result<Hash> {
        let module_hash = self.upload(factory, module)?;
        let proposal = ProposeTemplate {
            version: version.to_owned(),
            module_hash,
            channel: Channel::Stable,
            upgrades_from: None,
            interface: interface(service)?.to_owned(),
            source_commit: "0".repeat(40),
            notes: String::new(),
            foreign: false,
        };
        self.call::<TemplateProposal, FactoryError>(factory, self.admin, "proposeTemplate", (proposal,))?;
        Ok(module_hash)
    }

    /// Uploads a module; its hash, as the factory has computed it.
    fn upload(&mut self, factory: Principal, module: &[u8]) -> Result<Hash> {
        let admin = self.admin;
        let size = (module.len() as u64,);
        let session: UploadSession = self.call::<_, FactoryError>(factory, admin, "beginTemplateUpload", size)?;
        for (chunk, offset) in module.chunks(CHUNK).zip((0_u64..).step_by(CHUNK)) {
            let arguments = (session.id, offset, ByteBuf::from(chunk));
            self.call::<u64, FactoryError>(factory, admin, "uploadTemplateChunk", arguments)?;
        }
        let id = (session.id,);
        let uploaded: UploadedModule = self.call::<_, FactoryError>(factory, admin, "finishTemplateUpload", id)?;
        Ok(uploaded.module_hash)
    }

    fn publish(&mut self, factory: Principal, version: &str, module: Hash) -> Result<Hash> {
        let arguments = (version.to_owned(), module);
        let published: PublishedTemplate =
            self.call::<_, FactoryError>(factory, self.admin, "publishTemplate", arguments)?;
        Ok(published.module_hash)
    }
}
