//! The index of contracts, by how many there are: a contract, a role, a status more or less; a page of twenty of lists that
//! grow with the total; names searched for.

use super::Row;
use crate::factory_fixture::FactoryFixture;
use crate::log_fixture::{LogFixture, contract, person, registration};
use anyhow::{anyhow, ensure};
use cairn_events::payload::{CallbackAccepted, ContractReclaimed, ContractStatus, Notification, Reason};
use cairn_events::{DeploymentId, Hash, Payload, Principal, Submission};
use cairn_kit::api::audit::MAX_BATCH;
use cairn_kit::api::factory::{ContractRole, FactoryHealth};
use candid::utils::ArgumentEncoder;
use localnet::MessageKind;
use std::time::Duration;

/// The user made one contract in so many, and so do her contracts grow with the total.
const OWNED: u64 = 5;
/// She holds something of one contract in so many.
const HELD: u64 = 10;
/// Events of a kind that are measured.
const SAMPLES: u64 = MAX_BATCH as u64;
/// No cursor, of whatever kind.
const NONE: Option<candid::Reserved> = None;

/// The index of one factory, and who asks.
struct Bench {
    log: LogFixture,
    factory: Principal,
    user: Principal,
}

pub(super) fn measure(scales: &[u64], progress: &mut impl FnMut(&str)) -> anyhow::Result<Vec<Row>> {
    let mut bench = Bench::begin()?;
    let (mut rows, mut count) = (Vec::new(), 0);
    for scale in scales {
        progress(&format!("index: {scale} contracts, roles, names"));
        bench.grow(count, *scale)?;
        count = *scale;
        rows.extend(bench.questions(*scale)?);
        // What is measured leaves no trace in the log that grows on.
        let mut measured = Bench { log: bench.log.fork(), ..bench };
        rows.extend(measured.events(*scale)?);
        rows.push(Row::instructions("factory_upgrade", *scale, measured.upgrade()?));
    }
    Ok(rows)
}

fn told(n: u64, notification: Notification) -> Payload {
    Payload::CallbackAccepted(CallbackAccepted { contract: contract(n), epoch: 1, seq: 1, notification })
}

fn reclaimed(n: u64) -> Payload {
    let (deployment, reason) = (DeploymentId(Hash([0; 32])), Reason::new("late", ""));
    Payload::ContractReclaimed(ContractReclaimed { contract: contract(n), deployment, reason })
}

impl Bench {
    fn begin() -> anyhow::Result<Self> {
        let FactoryFixture { log, factory } = FactoryFixture::begin(2, 0, None)?;
        Ok(Bench { log, factory, user: person(7) })
    }

    /// Has the log register contracts `from` to `until`, the user hold something of some, and the index apply it.
    fn grow(&mut self, from: u64, until: u64) -> anyhow::Result<()> {
        self.log.grow_contracts(from, until, self.user, OWNED)?;
        let held: Vec<u64> = (from..until).filter(|n| n.is_multiple_of(HELD)).collect();
        for chunk in held.chunks(MAX_BATCH) {
            let payloads = chunk.iter().map(|n| told(*n, Notification::HolderAdded(self.user)));
            self.append(payloads.collect())?;
            self.log.net.clear_trace();
        }
        self.catch_up().map(drop)
    }

    fn append(&mut self, payloads: Vec<Payload>) -> anyhow::Result<()> {
        let writer = self.log.factory;
        let batch: Vec<Submission> = payloads.into_iter().map(|payload| Submission::new(writer, payload)).collect();
        self.log.append(writer, &batch).map(drop)
    }

    /// What the lists cost, that grow with the total.
    fn questions(&mut self, scale: u64) -> anyhow::Result<Vec<Row>> {
        let (user, page) = (self.user, Some(20_u32));
        let (holder, active) = (Some(ContractRole::Holder), Some(ContractStatus::Active));
        let all = None::<ContractRole>;
        Ok(vec![
            self.ask("my_contracts/20", scale, "getMyContracts", (user, NONE, page))?,
            self.ask("my_contracts/status/20", scale, "getMyContracts", (user, NONE, page, all, active))?,
            self.ask("my_contracts/role/20", scale, "getMyContracts", (user, NONE, page, holder, active))?,
            self.ask("public_contracts/20", scale, "getPublicContracts", (NONE, page))?,
            self.ask("contracts_by_token/20", scale, "getContractsByToken", (contract(0), NONE, page))?,
            self.ask("find_contracts/20", scale, "findContracts", ("token 1", NONE, page))?,
            self.ask("find_contracts/none", scale, "findContracts", ("cairn", NONE, page))?,
        ])
    }

    fn ask(
        &mut self,
        name: &'static str,
        scale: u64,
        method: &str,
        arguments: impl ArgumentEncoder,
    ) -> anyhow::Result<Row> {
        let arguments = candid::encode_args(arguments)?;
        self.log.net.query_raw(self.factory, self.user, method, arguments).map_err(|e| anyhow!("{e}"))?;
        Ok(Row::instructions(name, scale, self.log.net.last_instructions()))
    }

    /// What an upgrade of the factory costs.
    fn upgrade(&mut self) -> anyhow::Result<u64> {
        let Bench { log, factory, .. } = self;
        let wasm = cairn::artifacts::wasm("token_factory")?;
        log.net.clear_trace();
        log.net.upgrade(*factory, log.admin, &wasm, candid::encode_args(())?).map_err(|e| anyhow!("{e}"))?;
        Ok(log.net.traced_instructions(|_| true))
    }

    /// What events cost to apply, each with its page of the log.
    fn events(&mut self, scale: u64) -> anyhow::Result<Vec<Row>> {
        let (user, factory) = (self.user, self.log.factory);
        let (old, new) = (0..SAMPLES, scale..scale + SAMPLES);
        let completed = Notification::StatusChanged(ContractStatus::Completed);
        let mut rows = Vec::new();
        let mut apply = |name, payloads: Vec<Payload>| -> anyhow::Result<()> {
            rows.push(Row::instructions(name, scale, self.applied(payloads)?));
            Ok(())
        };
        apply("index/contract", new.clone().map(|n| registration(n, user, factory)).collect())?;
        let other = person(8);
        apply("index/role", old.clone().map(|n| told(n, Notification::HolderAdded(other))).collect())?;
        apply("index/role_removed", old.clone().map(|n| told(n, Notification::HolderRemoved(other))).collect())?;
        apply("index/status", new.clone().map(|n| told(n, completed)).collect())?;
        apply("index/visibility", new.clone().map(|n| told(n, Notification::VisibilityChanged(n % 2 == 1))).collect())?;
        apply("index/contract_removed", new.map(reclaimed).collect())?;
        Ok(rows)
    }

    /// Instructions of the factory per event.
    fn applied(&mut self, payloads: Vec<Payload>) -> anyhow::Result<u64> {
        let events = payloads.len() as u64;
        self.append(payloads)?;
        self.log.net.clear_trace();
        Ok(self.catch_up()? / events)
    }

    /// Lets the factory's index apply what the log has; its instructions.
    fn catch_up(&mut self) -> anyhow::Result<u64> {
        let mut instructions = 0;
        for _ in 0..20_000 {
            self.log.net.advance(Duration::from_secs(5));
            self.log.net.run_until_idle(100);
            let answered = |kind| matches!(kind, MessageKind::ReplyCallback | MessageKind::RejectCallback);
            let own = self.log.net.trace().iter().filter(|entry| {
                let executed_by = if answered(entry.kind) { entry.caller } else { entry.callee };
                executed_by == self.factory
            });
            instructions += own.map(|entry| entry.instructions).sum::<u64>();
            self.log.net.clear_trace();
            let health: FactoryHealth =
                self.log.net.query(self.factory, self.log.admin, "getFactoryHealth", ()).map_err(|e| anyhow!("{e}"))?;
            if health.projection_lag == 0 {
                return Ok(instructions);
            }
        }
        ensure!(false, "the factory's index does not catch up");
        Ok(instructions)
    }
}
