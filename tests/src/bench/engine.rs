//! How fast the engine is on this machine. Times vary from run to run: they are printed, never asserted.

mod boot;
mod http;
mod memory;
mod messages;
mod modules;
mod rollback;

use super::Row;
use localnet::{Config, Net, Principal};
use std::time::Duration;

/// Measures the engine.
///
/// # Errors
/// If a canister does not build or does not do what it should.
pub fn run(mut progress: impl FnMut(&str)) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    // First, while nothing else takes memory and the process has loaded no module.
    progress("boot and forks of the whole platform");
    rows.extend(boot::measure()?);
    progress("memory of idle canisters");
    rows.extend(memory::measure()?);
    progress("messages per second");
    rows.extend(messages::measure()?);
    progress("requests per second over HTTP");
    rows.extend(http::measure()?);
    progress("rollback by size of the heap");
    rows.extend(rollback::measure()?);
    progress("compilation of a module");
    rows.extend(modules::measure()?);
    Ok(rows)
}

/// Counts, and tells the count.
const COUNTER: &str = r#"(module
    (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
    (import "ic0" "msg_reply" (func $reply))
    (memory 17)
    (func $answer (call $append (i32.const 0) (i32.const 8)) (call $reply))
    (func (export "canister_update increment")
        (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const 1)))
        (call $answer))
    (func (export "canister_query get") (call $answer)))"#;

/// The trivial canister.
fn counter(net: &mut Net) -> anyhow::Result<Principal> {
    install_text(net, COUNTER)
}

/// A network as the measurements use it: without a trace.
fn network() -> Net {
    Net::new(Config { trace: false, ..Config::default() })
}

/// A canister in text form.
fn install_text(net: &mut Net, text: &str) -> anyhow::Result<Principal> {
    let id = net.create_canister(Principal::anonymous(), crate::log_fixture::CYCLES);
    net.install(id, Principal::anonymous(), &wat::parse_str(text)?, Vec::new())?;
    Ok(id)
}

fn time(name: &'static str, scale: u64, elapsed: Duration) -> Row {
    Row { name, scale, value: elapsed.as_micros() as u64, unit: "us" }
}

fn rate(name: &'static str, scale: u64, count: u64, elapsed: Duration) -> Row {
    Row { name, scale, value: (count as f64 / elapsed.as_secs_f64()) as u64, unit: "per second" }
}
