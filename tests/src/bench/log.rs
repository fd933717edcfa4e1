//! The log by its length and the number of its topics: appends alone and in batches, the commitment of topics, certified
//! answers and how long their proofs are, the upgrade of the audit canister, the bytes that events take.

mod answers;
mod crowd;
mod native;

use super::Row;
use crate::log_fixture::LogFixture;
use crate::page;
use anyhow::{Context as _, anyhow};
use cairn_kit::api::audit::{AuditError, Tip};
use localnet::MessageKind;
pub(super) use native::measure_long;

const SAMPLES: u64 = 20;
/// The length at which the native figures are taken.
const NATIVE: u64 = 100_000;

pub(super) fn measure(scales: &[u64], mut progress: impl FnMut(&str)) -> anyhow::Result<Vec<Row>> {
    let mut log = LogFixture::begin(1)?;
    let mut rows = Vec::new();
    for scale in scales {
        progress(&format!("log: {scale} events"));
        crowd::grow(&mut log, *scale)?;
        rows.push(storage(&mut log, *scale)?);
        // What is measured leaves no trace in the log that grows on.
        let mut measured = log.fork();
        rows.extend(answers::measure(&mut measured, *scale)?);
        for (append, commitment, length) in [("append/1", "topics/1", 1), ("append/100", "topics/100", 100)] {
            let (appending, committing) = per_event(&mut measured, length)?;
            rows.push(Row::instructions(append, *scale, appending));
            rows.push(Row::instructions(commitment, *scale, committing));
        }
        rows.push(Row::instructions("audit_upgrade", *scale, upgrade(&mut measured)?));
        if *scale == NATIVE.min(scales.iter().copied().max().unwrap_or_default()) {
            rows.extend(native::measure(&mut log)?);
        }
    }
    Ok(rows)
}

/// Instructions per event of batches of `length`, on average: of the append, and of the topic map that follows it.
fn per_event(log: &mut LogFixture, length: u64) -> anyhow::Result<(u64, u64)> {
    let mut size = tip(log)?.size;
    log.net.clear_trace();
    for _ in 0..SAMPLES {
        crowd::append(log, size, size + length)?;
        size += length;
        log.net.run_until_idle(20);
    }
    let events = SAMPLES * length;
    let of = |ingress: bool| log.net.traced_instructions(|kind| (kind == MessageKind::Ingress) == ingress) / events;
    Ok((of(true), of(false)))
}

fn upgrade(log: &mut LogFixture) -> anyhow::Result<u64> {
    let wasm = cairn::artifacts::wasm("audit_storage")?;
    log.net.clear_trace();
    log.net.upgrade(log.audit, log.admin, &wasm, candid::encode_args(())?).map_err(|e| anyhow!("{e}"))?;
    let instructions = log.net.traced_instructions(|_| true);
    log.net.run_until_idle(100);
    Ok(instructions)
}

/// Bytes of stable memory per event, without its payload.
fn storage(log: &mut LogFixture, scale: u64) -> anyhow::Result<Row> {
    let gauges = page::gauges(&mut log.net, log.audit).map_err(|e| anyhow!("{e}"))?;
    let (_, stored) = gauges.iter().find(|(name, _)| name == "audit_stored_bytes").context("stored bytes")?;
    let stored: u64 = stored.parse()?;
    let value = stored.saturating_sub(crowd::payload_bytes(scale)) / scale;
    Ok(Row { name: "storage_overhead", scale, value, unit: "bytes per event" })
}

fn tip(log: &mut LogFixture) -> anyhow::Result<Tip> {
    let tip: Result<Tip, AuditError> = log.net.query(log.audit, log.admin, "getTip", ()).map_err(|e| anyhow!("{e}"))?;
    Ok(tip?)
}
