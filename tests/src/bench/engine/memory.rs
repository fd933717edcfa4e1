//! Memory that canisters take which do nothing.

use super::super::{Row, token};
use super::network;
use anyhow::Context as _;

const CANISTERS: u64 = 300;

pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    // The first canister brings the module with it.
    let mut net = network();
    token::install(&mut net, 10)?;
    let before = resident()?;
    for _ in 0..CANISTERS {
        token::install(&mut net, 10)?;
    }
    let kibibytes = resident()?.saturating_sub(before);
    let row = |name, value| Row { name, scale: CANISTERS, value, unit: "KiB" };
    Ok(vec![row("engine/idle_canisters", kibibytes), row("engine/idle_canister", kibibytes / CANISTERS)])
}

/// Kibibytes of memory of this process, shared pages in proportion.
fn resident() -> anyhow::Result<u64> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let number = line.and_then(|line| line.split_whitespace().next()).context("no Pss in smaps_rollup")?;
    Ok(number.parse()?)
}
