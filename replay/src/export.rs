//! From a running audit canister to an export.

use crate::verify::file;
use anyhow::{Context, Result, bail};
use cairn_events::Principal;
use cairn_kit::api::audit::{AuditError, EventPage, EventQuery, Filter, MAX_PAGE, Order, TipCertificate};
use localnet::Net;
use serde_bytes::ByteBuf;

/// An audit canister that can be asked.
pub struct Source<'a> {
    /// Its network.
    pub net: &'a mut Net,
    /// The canister.
    pub audit: Principal,
}

/// The log of the canister `audit` with its certificate, as a file. `observe` is told how many events have been read,
/// and how many there are.
///
/// # Errors
/// The canister does not answer as it should.
pub fn export(net: &mut Net, audit: Principal, observe: impl FnMut(u64, u64)) -> Result<Vec<u8>> {
    let mut source = Source { net, audit };
    let events = source.events(0, observe)?;
    let TipCertificate { certificate, hash_tree } = source.certificate()?;
    Ok(file::write(events.iter().map(|event| event.as_slice()), &hash_tree, &certificate)?)
}

impl Source<'_> {
    /// The encoded events from index `from` on.
    ///
    /// # Errors
    /// The canister does not answer, or leaves out what it says it has.
    pub fn events(&mut self, from: u64, mut observe: impl FnMut(u64, u64)) -> Result<Vec<ByteBuf>> {
        let mut events = Vec::new();
        loop {
            let at = from + events.len() as u64;
            let page = self.page(at)?;
            if page.events.is_empty() && at < page.log_length {
                bail!("the audit canister gives no events after {at} of {}", page.log_length);
            }
            events.extend(page.events);
            let read = from + events.len() as u64;
            observe(read, page.log_length);
            if read >= page.log_length {
                return Ok(events);
            }
        }
    }

    fn page(&mut self, cursor: u64) -> Result<EventPage> {
        let query = EventQuery {
            filter: Filter::All,
            order: Order::OldestFirst,
            from_time: None,
            until_time: None,
            cursor: Some(cursor),
            limit: MAX_PAGE,
        };
        let page: std::result::Result<EventPage, AuditError> =
            self.net.query(self.audit, Principal::anonymous(), "getEvents", (query,)).context("getEvents")?;
        Ok(page?)
    }

    /// The certificate of the log's end.
    ///
    /// # Errors
    /// The canister does not answer, or has none.
    pub fn certificate(&mut self) -> Result<TipCertificate> {
        let method = "icrc3_get_tip_certificate";
        let certificate: Option<TipCertificate> =
            self.net.query(self.audit, Principal::anonymous(), method, ()).context(method)?;
        certificate.context("the audit canister has no certificate")
    }
}
