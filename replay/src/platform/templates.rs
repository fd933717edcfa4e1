//! What the factory installs.

use super::{Platform, user};
use anyhow::Result;
use cairn_events::payload::Channel;
use cairn_events::{Hash, Principal};
use cairn_kit::api::factory::{FactoryError, PublishedTemplate};
use cairn_kit::api::template::{ProposeTemplate, TemplateProposal, UploadSession, UploadedModule};
use serde_bytes::ByteBuf;

/// Bytes of an upload's chunk.
const CHUNK: usize = 1_500_000;
/// Seconds between a template's confirmation and its publication.
pub(super) const PUBLISH_DELAY: u64 = 3_600;
/// The interface of the token's modules.
const TOKEN: &str = include_str!("../../../canisters/contracts/token/token.did");

impl Platform {
    /// The admin of the factory who confirms what the first one proposes.
    pub fn second_admin() -> Principal {
        user("second admin")
    }

    /// Uploads a module to the factory of tokens; its hash, as the factory has computed it.
    ///
    /// # Errors
    /// The factory refused.
    pub fn upload(&mut self, module: &[u8]) -> Result<Hash> {
        self.upload_at(self.factory, module)
    }

    fn upload_at(&mut self, factory: Principal, module: &[u8]) -> Result<Hash> {
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

    /// Uploads a module to the factory of tokens and publishes it: alone, as long as the factory is being set up.
    ///
    /// # Errors
    /// The factory refused.
    pub fn publish(&mut self, version: &str, module: &[u8]) -> Result<Hash> {
        self.publish_at(self.factory, version, module)
    }

    pub(super) fn publish_at(&mut self, factory: Principal, version: &str, module: &[u8]) -> Result<Hash> {
        let uploaded = self.upload_at(factory, module)?;
        self.publish_uploaded(factory, version, uploaded)
    }

    /// Takes a module of the token to its publication: proposed by one admin, confirmed by another one, after the delay.
    ///
    /// # Errors
    /// The factory refused.
    pub fn release(&mut self, version: &str, module: &[u8]) -> Result<Hash> {
        let uploaded = self.upload(module)?;
        let proposal = ProposeTemplate {
            version: version.to_owned(),
            module_hash: uploaded,
            channel: Channel::Stable,
            upgrades_from: None,
            interface: TOKEN.to_owned(),
            source_commit: "0".repeat(40),
            notes: String::new(),
            foreign: false,
        };
        let (factory, admin) = (self.factory, self.admin);
        self.call::<TemplateProposal, FactoryError>(factory, admin, "proposeTemplate", (proposal,))?;
        let confirmed = (version.to_owned(), Hash::of(&[module]));
        self.call::<TemplateProposal, FactoryError>(factory, Self::second_admin(), "confirmTemplate", confirmed)?;
        self.pass(PUBLISH_DELAY);
        self.publish_uploaded(factory, version, uploaded)
    }

    fn publish_uploaded(&mut self, factory: Principal, version: &str, module: Hash) -> Result<Hash> {
        let arguments = (version.to_owned(), module);
        let published: PublishedTemplate =
            self.call::<_, FactoryError>(factory, self.admin, "publishTemplate", arguments)?;
        Ok(published.module_hash)
    }
}
