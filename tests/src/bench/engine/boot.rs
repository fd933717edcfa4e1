//! The whole platform: from nothing to ready, and copied.

use super::super::Row;
use super::time;
use cairn::artifacts::{self, CANISTERS};
use cairn::platform::{Options, Platform, account, user};
use cairn_events::Amount;
use std::time::Instant;

const FORKS: u32 = 1_000;
const FORKED_TRANSFERS: u32 = 100;

pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let boot = || Platform::boot_with(Options { trace: false, ..Options::default() });
    // Whether modules are up to date is for cargo to say, and takes as long as the rest.
    CANISTERS.iter().try_for_each(|package| artifacts::wasm(package).map(drop))?;
    // The first one may have to compile.
    let began = Instant::now();
    boot()?;
    let first = began.elapsed();
    let began = Instant::now();
    let mut platform = boot()?;
    let again = began.elapsed();

    let began = Instant::now();
    for _ in 0..FORKS {
        drop(std::hint::black_box(platform.net.fork()));
    }
    let fork = began.elapsed().as_nanos() as u64 / u64::from(FORKS);

    let began = Instant::now();
    for _ in 0..FORKS {
        drop(std::hint::black_box(platform.net.view()));
    }
    let view = began.elapsed() / FORKS;

    platform.fund(user("somebody"), Amount(1_000_000_000_000))?;
    let began = Instant::now();
    for _ in 0..FORKED_TRANSFERS {
        let mut fork = platform.fork();
        fork.transfer(user("somebody"), account(user("else")), Amount(1))?;
    }
    let transfer = began.elapsed() / FORKED_TRANSFERS;
    let canisters = platform.net.canisters().len() as u64;
    Ok(vec![
        time("engine/boot/first", canisters, first),
        time("engine/boot/again", canisters, again),
        Row { name: "engine/fork", scale: canisters, value: fork, unit: "ns" },
        time("engine/view", canisters, view),
        time("engine/fork_and_transfer", canisters, transfer),
    ])
}
