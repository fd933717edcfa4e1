//! An audit canister that can be asked, wherever it is.

use anyhow::{Context, Result, bail};
use cairn_events::question::{Answer, Question};
use cairn_kit::api::audit::{
    AuditError, AuditRequestError, EventPage, EventQuery, Filter, MAX_PAGE, Order, Tip, TipCertificate,
};
use cairn_kit::runtime::decode_bounded;
use candid::utils::ArgumentEncoder;
use candid::{CandidType, encode_args};
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;

/// Something that answers the queries of a canister. Nothing that it says is believed.
pub trait Queried {
    /// The reply to a query, both as Candid.
    ///
    /// # Errors
    /// There is no reply.
    fn query(&mut self, method: &str, argument: Vec<u8>) -> Result<Vec<u8>>;
}

/// An audit canister that can be asked.
pub struct Source<Q>(pub Q);

impl<Q: Queried> Source<Q> {
    /// The encoded events from index `from` on. `observe` is told how many events have been read, and how many there
    /// are.
    ///
    /// # Errors
    /// The canister does not answer, or leaves out what it says it has.
    pub fn events(&mut self, from: u64, mut observe: impl FnMut(u64, u64)) -> Result<Vec<ByteBuf>> {
        let mut events = Vec::new();
        loop {
            let page = self.page(from + events.len() as u64)?;
            events.extend(page.events);
            let read = from + events.len() as u64;
            observe(read, page.log_length);
            if read >= page.log_length {
                return Ok(events);
            }
        }
    }

    /// The events from index `cursor` on, as many as fit: at least one, unless there is none.
    ///
    /// # Errors
    /// The canister does not answer, or leaves out what it says it has.
    pub fn page(&mut self, cursor: u64) -> Result<EventPage> {
        let query = EventQuery {
            filter: Filter::All,
            order: Order::OldestFirst,
            from_time: None,
            until_time: None,
            cursor: Some(cursor),
            limit: MAX_PAGE,
        };
        let mut page: EventPage = self.ask::<_, AuditError>("getEvents", (&query,))??;
        if page.archived.is_some() {
            page = self.ask::<_, AuditError>("getWholeEvents", (query,))??;
        }
        if page.events.is_empty() && cursor < page.log_length {
            bail!("the audit canister gives no events after {cursor} of {}", page.log_length);
        }
        Ok(page)
    }

    /// The certificate of the log's end.
    ///
    /// # Errors
    /// The canister does not answer, or has none.
    pub fn certificate(&mut self) -> Result<TipCertificate> {
        let certificate: Option<TipCertificate> = self.reply("icrc3_get_tip_certificate", ())?;
        certificate.context("the audit canister has no certificate")
    }

    /// The end of the log, as the canister says without proof.
    ///
    /// # Errors
    /// The canister does not answer, or has no log yet.
    pub fn tip(&mut self) -> Result<Tip> {
        Ok(self.ask::<Tip, AuditError>("getTip", ())??)
    }

    /// The answer to a question, or why it has none.
    ///
    /// # Errors
    /// The canister does not answer.
    pub fn answer(&mut self, question: &Question) -> Result<Result<Answer, AuditError>> {
        match self.ask("getAnswer", (question,))? {
            Err(AuditError::Request(AuditRequestError::Archived { .. })) => self.ask("getWholeAnswer", (question,)),
            answer => Ok(answer),
        }
    }

    fn ask<R, E>(&mut self, method: &str, arguments: impl ArgumentEncoder) -> Result<Result<R, E>>
    where
        R: CandidType + DeserializeOwned,
        E: CandidType + DeserializeOwned,
    {
        self.reply(method, arguments)
    }

    fn reply<R: CandidType + DeserializeOwned>(&mut self, method: &str, arguments: impl ArgumentEncoder) -> Result<R> {
        let reply = self.0.query(method, encode_args(arguments)?).with_context(|| method.to_owned())?;
        // The network is not believed: a short reply may claim to be long.
        decode_bounded(&reply, reply.len()).with_context(|| method.to_owned())
    }
}
