//! The log, as anyone can read it.

use super::Platform;
use crate::export;
use crate::export::Embedded;
use crate::source::Source;
use crate::verify::Policy;
use anyhow::Result;
use cairn_events::{Event, codec};
use cairn_kit::api::audit::{AuditError, Tip};

impl Platform {
    /// The whole log. What was read before is not read again.
    ///
    /// # Errors
    /// The audit canister does not answer, or an event is not readable.
    pub fn events(&mut self) -> Result<&[Event]> {
        let from = self.known.len() as u64;
        for bytes in Source(Embedded { net: &mut self.net, audit: self.audit }).events(from, |_, _| ())? {
            self.known.push(codec::decode_event(&bytes)?);
        }
        Ok(&self.known)
    }

    /// The end of the log.
    ///
    /// # Errors
    /// The audit canister does not answer.
    pub fn tip(&mut self) -> Result<Tip> {
        self.ask::<Tip, AuditError>(self.audit, "getTip", ())
    }

    /// What an auditor of this platform trusts: noted when it was booted.
    pub fn policy(&self) -> Policy {
        Policy { root_key: self.net.root_key(), canister: self.audit, log: self.log, freshness: None }
    }

    /// The log with its certificate, as a file.
    ///
    /// # Errors
    /// The audit canister does not answer.
    pub fn export(&mut self) -> Result<Vec<u8>> {
        export::export(&mut self.net, self.audit, |_, _| ())
    }
}
