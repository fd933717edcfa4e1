//! A log with registered writers that are people: generates histories of any length on the real audit canister.

use anyhow::{Context as _, anyhow};
use cairn_events::payload::{CallbackAccepted, ContractRegistered, Notification};
use cairn_events::topic::Service;
use cairn_events::{DeploymentId, Event, Hash, Kind, Payload, Principal, Receipt, Submission, WriterRole, codec};
use cairn_kit::api::audit::{
    AppendArgs, Appended, AuditError, AuditInit, EventPage, EventQuery, Filter, MAX_BATCH, Order, WireSubmission,
    Writer,
};
use localnet::{Config, Metering, Net};
use std::collections::BTreeMap;
use std::path::Path;

/// Cycles that every canister starts with.
pub const CYCLES: u128 = 1_000_000_000_000_000;

/// An audit canister and those who write to it.
pub struct LogFixture {
    /// The network.
    pub net: Net,
    /// The audit canister.
    pub audit: Principal,
    /// Its controller.
    pub admin: Principal,
    /// The writer of money.
    pub gateway: Principal,
    /// A writer with the role of a factory.
    pub factory: Principal,
    next: BTreeMap<Principal, u64>,
}

/// The `n`-th person.
pub fn person(n: u64) -> Principal {
    Principal::self_authenticating(n.to_be_bytes())
}

fn config() -> Config {
    Config { metering: Metering::Operators, ..Config::default() }
}

impl LogFixture {
    /// A log that has just begun.
    ///
    /// # Errors
    /// If the canister does not build, install or answer.
    pub fn begin(seed: u64) -> anyhow::Result<Self> {
        let mut net = Net::new(Config { seed, ..config() });
        let (admin, gateway, factory) = (person(1), person(2), person(3));
        let audit = net.create_canister(admin, CYCLES);
        let init = candid::encode_one(AuditInit { money_writer: gateway })?;
        net.install(audit, admin, &cairn::artifacts::wasm("audit_storage")?, init).map_err(|e| anyhow!("{e}"))?;
        net.run_until_idle(100);
        let mut log = LogFixture { net, audit, admin, gateway, factory, next: BTreeMap::new() };
        log.register(factory, WriterRole::Factory)?;
        Ok(log)
    }

    /// The log of a network that was saved: the first canister of it.
    ///
    /// # Errors
    /// If no network was saved there, or it has no log.
    pub fn restore(directory: &Path) -> anyhow::Result<Self> {
        let mut net = Net::restore(directory, config())?;
        let (admin, gateway, factory) = (person(1), person(2), person(3));
        let audit = *net.canisters().first().context("no canister")?;
        let writers: Result<Vec<Writer>, AuditError> =
            net.query(audit, admin, "getWriters", ()).map_err(|reject| anyhow!("{reject}"))?;
        let next = writers?.into_iter().map(|writer| (writer.writer, writer.next_seq)).collect();
        Ok(LogFixture { net, audit, admin, gateway, factory, next })
    }

    /// A second log in the same state, independent from now on.
    #[must_use]
    pub fn fork(&self) -> Self {
        LogFixture { net: self.net.fork(), next: self.next.clone(), ..*self }
    }

    /// Registers a writer.
    ///
    /// # Errors
    /// If the log refuses.
    pub fn register(&mut self, writer: Principal, role: WriterRole) -> anyhow::Result<()> {
        let reply: Result<(), AuditError> = self
            .net
            .update(self.audit, self.admin, "registerWriter", (writer, role))
            .map_err(|reject| anyhow!("{reject}"))?;
        Ok(reply?)
    }

    /// Appends one batch as `writer`.
    ///
    /// # Errors
    /// If the log refuses.
    pub fn append(&mut self, writer: Principal, batch: &[Submission]) -> anyhow::Result<Vec<Receipt>> {
        let first_seq = self.next.get(&writer).copied().unwrap_or(1);
        let args = AppendArgs { first_seq, submissions: batch.iter().map(WireSubmission::from).collect() };
        let reply: Result<Appended, AuditError> =
            self.net.update(self.audit, writer, "append", (args,)).map_err(|reject| anyhow!("{reject}"))?;
        let receipts = reply.context("append")?.receipts;
        self.next.insert(writer, first_seq + batch.len() as u64);
        Ok(receipts)
    }

    /// Every event, as strangers read the log.
    ///
    /// # Errors
    /// If the log does not answer, or an event cannot be decoded.
    pub fn events(&mut self) -> anyhow::Result<Vec<Event>> {
        let (mut events, mut cursor) = (Vec::new(), None);
        loop {
            let (filter, order) = (Filter::All, Order::OldestFirst);
            let query = EventQuery { filter, order, from_time: None, until_time: None, cursor, limit: 500 };
            let page: Result<EventPage, AuditError> =
                self.net.query(self.audit, person(99), "getEvents", (query,)).map_err(|reject| anyhow!("{reject}"))?;
            let page = page?;
            for bytes in &page.events {
                events.push(codec::decode_event(bytes).map_err(|problem| anyhow!("{problem}"))?);
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(events);
            }
        }
    }

    /// How many events of this kind there are.
    ///
    /// # Errors
    /// As [`LogFixture::events`].
    pub fn count(&mut self, kind: Kind) -> anyhow::Result<usize> {
        Ok(self.events()?.iter().filter(|event| event.payload.kind() == kind).count())
    }

    /// Appends holders' comings and goings, as a factory, until the log has `size` events.
    ///
    /// # Errors
    /// If the log refuses.
    pub fn grow_callbacks(&mut self, from: u64, size: u64) -> anyhow::Result<()> {
        let numbers: Vec<u64> = (from..size).collect();
        for chunk in numbers.chunks(MAX_BATCH) {
            let batch: Vec<Submission> = chunk.iter().map(|n| callback(self.factory, *n)).collect();
            self.append(self.factory, &batch)?;
            self.net.clear_trace();
        }
        Ok(())
    }

    /// Registers `count` contracts, every `share`-th of them for `owner`, the others for other people.
    ///
    /// # Errors
    /// If the log refuses.
    pub fn grow_contracts(&mut self, from: u64, count: u64, owner: Principal, share: u64) -> anyhow::Result<()> {
        let numbers: Vec<u64> = (from..count).collect();
        for chunk in numbers.chunks(MAX_BATCH) {
            let whose = |n: &u64| if n.is_multiple_of(share) { owner } else { person(1_000 + n % 5_000) };
            let batch: Vec<Submission> =
                chunk.iter().map(|n| Submission::new(whose(n), registration(*n, whose(n), self.factory))).collect();
            self.append(self.factory, &batch)?;
            self.net.clear_trace();
        }
        Ok(())
    }
}

/// The `n`-th event of the generator: one of a thousand contracts reports one of ten thousand holders.
pub fn callback(factory: Principal, n: u64) -> Submission {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let payload = Payload::CallbackAccepted(CallbackAccepted {
        contract: person(100_000 + mixed % 1_000),
        epoch: 1,
        seq: n,
        notification: Notification::HolderAdded(person(200_000 + mixed / 1_000 % 10_000)),
    });
    Submission::new(factory, payload)
}

/// The `n`-th contract of the generator.
pub fn contract(n: u64) -> Principal {
    person(1_000_000 + n)
}

/// The registration of the `n`-th contract; every other one is public. Every fourth is about the first one's token, the
/// others are about their own.
pub fn registration(n: u64, owner: Principal, factory: Principal) -> Payload {
    let token = if n.is_multiple_of(4) { contract(0) } else { contract(n) };
    Payload::ContractRegistered(ContractRegistered {
        contract: contract(n),
        deployment: DeploymentId(Hash::of(&[b"bench", &n.to_be_bytes()])),
        service: Service::Token,
        owner,
        controllers: vec![factory, owner],
        name: format!("Token {n}"),
        symbol: Some(format!("T{n}")),
        token: Some(token),
        public: n.is_multiple_of(2),
        epoch: 1,
    })
}
