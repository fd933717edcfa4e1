//! From a running audit canister to an export.

use crate::source::{Queried, Source};
use crate::verify::file;
use anyhow::Result;
use cairn_events::Principal;
use cairn_kit::api::audit::TipCertificate;
use localnet::Net;

/// The canister `audit` of an embedded network.
pub struct Embedded<'a> {
    /// Its network.
    pub net: &'a mut Net,
    /// The canister.
    pub audit: Principal,
}

impl Queried for Embedded<'_> {
    fn query(&mut self, method: &str, argument: Vec<u8>) -> Result<Vec<u8>> {
        Ok(self.net.query_raw(self.audit, Principal::anonymous(), method, argument)?)
    }
}

/// The log of the canister `audit` with its certificate, as a file. `observe` is told how many events have been read,
/// and how many there are.
///
/// # Errors
/// The canister does not answer as it should.
pub fn export(net: &mut Net, audit: Principal, observe: impl FnMut(u64, u64)) -> Result<Vec<u8>> {
    let mut source = Source(Embedded { net, audit });
    let events = source.events(0, observe)?;
    let TipCertificate { certificate, hash_tree } = source.certificate()?;
    Ok(file::write(events.iter().map(|event| event.as_slice()), &hash_tree, &certificate)?)
}
