//! Updates and queries per second, in process.

use super::super::{Row, token};
use super::{counter, network, rate};
use crate::log_fixture::person;
use anyhow::ensure;
use candid::{Nat, Principal};
use icrc_ledger_types::icrc1::account::Account;
use localnet::View;
use std::time::Instant;

const TRIVIAL_UPDATES: u64 = 50_000;
const TRIVIAL_QUERIES: u64 = 100_000;
const TRANSFERS: u64 = 5_000;
const BALANCES: u64 = 20_000;
const ACCOUNTS: u64 = 1_000;

pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let mut rows = trivial()?;
    rows.extend(ledger()?);
    Ok(rows)
}

fn trivial() -> anyhow::Result<Vec<Row>> {
    let mut net = network();
    let id = counter(&mut net)?;
    let user = person(1);
    let began = Instant::now();
    for _ in 0..TRIVIAL_UPDATES {
        net.update_raw(id, user, "increment", Vec::new())?;
    }
    let updates = rate("engine/updates/trivial", 1, TRIVIAL_UPDATES, began.elapsed());
    let count = net.query_raw(id, user, "get", Vec::new())?;
    ensure!(count == TRIVIAL_UPDATES.to_le_bytes(), "the counter lost updates");

    let began = Instant::now();
    for _ in 0..TRIVIAL_QUERIES {
        net.query_raw(id, user, "get", Vec::new())?;
    }
    let direct = rate("engine/queries/trivial", 1, TRIVIAL_QUERIES, began.elapsed());
    let mut rows = vec![updates, direct];
    let view = net.view();
    let get = |_| view.query_raw(id, user, "get", Vec::new()).map(drop);
    for threads in [1, 2] {
        rows.push(concurrently("engine/queries/trivial_on_view", threads, TRIVIAL_QUERIES, get)?);
    }
    Ok(rows)
}

fn ledger() -> anyhow::Result<Vec<Row>> {
    let mut net = network();
    let ledger = token::install(&mut net, ACCOUNTS)?;
    let began = Instant::now();
    for n in 0..TRANSFERS {
        token::transfer(&mut net, ledger, n)?;
    }
    let mut rows = vec![rate("engine/updates/ledger_transfer", 1, TRANSFERS, began.elapsed())];
    let view = net.view();
    for threads in [1, 2] {
        let balance = |n| balance(&view, ledger, n);
        rows.push(concurrently("engine/queries/ledger_balance_on_view", threads, BALANCES, balance)?);
    }
    Ok(rows)
}

fn balance(view: &View, ledger: Principal, n: u64) -> Result<(), localnet::Reject> {
    let account = Account::from(person(n % ACCOUNTS + 10));
    view.query::<Nat>(ledger, Principal::anonymous(), "icrc1_balance_of", (account,)).map(drop)
}

/// Queries shared out among threads.
fn concurrently(
    name: &'static str,
    threads: u64,
    count: u64,
    query: impl Fn(u64) -> Result<(), localnet::Reject> + Sync,
) -> anyhow::Result<Row> {
    let query = &query;
    let began = Instant::now();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || (thread * count / threads..(thread + 1) * count / threads).try_for_each(query))
            })
            .collect();
        running.into_iter().try_for_each(|thread| match thread.join() {
            Ok(done) => done.map_err(anyhow::Error::from),
            Err(_) => Err(anyhow::anyhow!("a thread panicked")),
        })
    })?;
    Ok(rate(name, threads, count, began.elapsed()))
}
