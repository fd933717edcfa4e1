//! Appends alone and in batches, and the upgrade of the audit canister, by length of the log.

use super::Row;
use crate::log_fixture::{LogFixture, callback};
use anyhow::anyhow;
use cairn_events::Submission;

const SAMPLES: u64 = 20;

pub(super) fn measure(scales: &[u64]) -> anyhow::Result<Vec<Row>> {
    let mut log = LogFixture::begin(1)?;
    let (mut rows, mut size) = (Vec::new(), 1);
    for scale in scales {
        log.grow_callbacks(size, *scale)?;
        size = *scale;
        rows.push(Row::instructions("append/1", *scale, per_event(&mut log, &mut size, 1)?));
        rows.push(Row::instructions("append/100", *scale, per_event(&mut log, &mut size, 100)?));
        rows.push(Row::instructions("audit_upgrade", *scale, upgrade(&mut log)?));
    }
    Ok(rows)
}

/// Instructions per event of batches of `length`, on average.
fn per_event(log: &mut LogFixture, size: &mut u64, length: u64) -> anyhow::Result<u64> {
    log.net.clear_trace();
    for _ in 0..SAMPLES {
        let batch: Vec<Submission> = (*size..*size + length).map(|n| callback(log.factory, n)).collect();
        log.append(log.factory, &batch)?;
        *size += length;
    }
    Ok(log.net.traced_instructions(|_| true) / (SAMPLES * length))
}

fn upgrade(log: &mut LogFixture) -> anyhow::Result<u64> {
    let wasm = cairn::artifacts::wasm("audit_storage")?;
    log.net.clear_trace();
    log.net.upgrade(log.audit, log.admin, &wasm, candid::encode_args(())?).map_err(|e| anyhow!("{e}"))?;
    let instructions = log.net.traced_instructions(|_| true);
    log.net.run_until_idle(100);
    Ok(instructions)
}
