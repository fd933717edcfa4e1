//! The history that is measured: contracts report holders' comings, ever more people as the log grows. The first
//! thousand events have a hundred topics, the first hundred thousand ten thousand, a million events have a million.

use crate::log_fixture::{LogFixture, person};
use anyhow::Context as _;
use cairn_events::payload::{CallbackAccepted, Notification};
use cairn_events::{Hash, Payload, Principal, Submission, codec};
use cairn_kit::api::audit::MAX_BATCH;
use std::path::PathBuf;

/// Logs at least this long are kept on disk, for the next time.
const KEPT: u64 = 100_000;

/// The contract that event `n` is about, and the person whom it names.
pub(super) fn cast(n: u64) -> (Principal, Principal) {
    let (contracts, people) = match n {
        0..1_000 => (10, 90),
        1_000..100_000 => (1_000, 9_000),
        _ => (1_000, 1_000_000),
    };
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    // In a large crowd everyone comes once.
    let who = if n < KEPT { mixed / contracts % people } else { n };
    (canister(mixed % contracts), person(2_000_000 + who))
}

/// A principal of the length that the network gives canisters.
fn canister(n: u64) -> Principal {
    let mut bytes = [1; 10];
    bytes.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
    Principal::from_slice(&bytes)
}

fn payload(n: u64) -> Payload {
    let (contract, holder) = cast(n);
    Payload::CallbackAccepted(CallbackAccepted {
        contract,
        epoch: 1,
        seq: n,
        notification: Notification::HolderAdded(holder),
    })
}

/// Bytes of the payloads of the first `size` events.
pub(super) fn payload_bytes(size: u64) -> u64 {
    (0..size).map(|n| codec::encode_payload(&payload(n)).len() as u64).sum()
}

/// Appends events `from` to `until`, at most a batch.
pub(super) fn append(log: &mut LogFixture, from: u64, until: u64) -> anyhow::Result<()> {
    let batch: Vec<Submission> = (from..until).map(|n| Submission::new(log.factory, payload(n))).collect();
    log.append(log.factory, &batch).map(drop)
}

/// Has the log grow to `size` events, all of them in the topic map; long ones are taken from disk, if they are there.
pub(super) fn grow(log: &mut LogFixture, size: u64) -> anyhow::Result<()> {
    let kept = if size >= KEPT { Some(directory(size)?) } else { None };
    if let Some(kept) = kept.as_ref().filter(|kept| kept.is_dir()) {
        *log = LogFixture::restore(kept)?;
        return Ok(());
    }
    for begin in (super::tip(log)?.size..size).step_by(MAX_BATCH) {
        append(log, begin, size.min(begin + MAX_BATCH as u64))?;
        log.net.clear_trace();
    }
    log.net.run_until_idle(20);
    log.net.clear_trace();
    kept.map_or(Ok(()), |kept| log.net.save(kept).context("keeping the log"))
}

/// Where the log of `size` events is kept: another canister makes another log.
fn directory(size: u64) -> anyhow::Result<PathBuf> {
    let module = Hash::of(&[&cairn::artifacts::wasm("audit_storage")?]).to_string();
    let name = format!("{}-{size}", module.get(..16).unwrap_or_default());
    let target = PathBuf::from(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
    Ok(target.join("bench-logs").join(name))
}
