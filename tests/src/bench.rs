//! Costs in wasm instructions of localnet: about one per WebAssembly operator, the same on every machine.
//! And, apart from them, how fast localnet itself is on this one ([`engine`]).

mod contracts;
pub mod engine;
mod index;
mod log;
mod payment;
mod token;

use serde::Serialize;

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What was measured.
    pub name: &'static str,
    /// How much data there was: events, contracts, accounts.
    pub scale: u64,
    /// The figure.
    pub value: u64,
    /// Its unit.
    pub unit: &'static str,
}

impl Row {
    fn instructions(name: &'static str, scale: u64, value: u64) -> Self {
        Row { name, scale, value, unit: "instructions" }
    }
}

/// How much data to measure with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// A minute or two.
    Small,
    /// Up to a hundred thousand.
    Large,
    /// A million events with a million topics: an hour, the first time. Natively, ten million events.
    Huge,
}

impl Scale {
    fn events(self) -> &'static [u64] {
        match self {
            Scale::Small => &[1_000, 10_000],
            Scale::Large => &[1_000, 10_000, 100_000],
            Scale::Huge => &[1_000, 10_000, 100_000, 1_000_000],
        }
    }

    fn recipients(self) -> &'static [u64] {
        match self {
            Scale::Small => &[1_000],
            Scale::Large => &[1_000, 10_000, 100_000],
            Scale::Huge => &[1_000, 10_000, 100_000, 1_000_000],
        }
    }

    fn contracts(self) -> &'static [u64] {
        match self {
            Scale::Small => &[100, 1_000, 10_000],
            Scale::Large => &[100, 1_000, 10_000, 100_000],
            Scale::Huge => &[100, 1_000, 10_000, 100_000, 1_000_000],
        }
    }
}

/// Measures the log alone.
///
/// # Errors
/// As [`run`].
pub fn run_log(scale: Scale, mut progress: impl FnMut(&str)) -> anyhow::Result<Vec<Row>> {
    let mut rows = log::measure(scale.events(), &mut progress)?;
    if scale == Scale::Huge {
        progress("natively: ten million events");
        rows.extend(log::measure_long()?);
    }
    Ok(rows)
}

/// Measures the indexes of contracts, wallets and distributions alone.
///
/// # Errors
/// As [`run`].
pub fn run_contracts(scale: Scale, mut progress: impl FnMut(&str)) -> anyhow::Result<Vec<Row>> {
    let mut rows = index::measure(scale.contracts(), &mut progress)?;
    rows.extend(contracts::measure(scale.recipients(), &mut progress)?);
    Ok(rows)
}

/// Measures everything.
///
/// # Errors
/// If a canister does not build or does not do what it should.
pub fn run(scale: Scale, mut progress: impl FnMut(&str)) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    progress("token: transfers among 1,000 accounts");
    rows.extend(token::measure()?);
    progress("platform: createToken from end to end");
    rows.extend(payment::measure()?);
    rows.extend(log::measure(scale.events(), &mut progress)?);
    rows.extend(run_contracts(scale, progress)?);
    Ok(rows)
}

/// The figures as a table for people.
pub fn table(rows: &[Row]) -> String {
    let mut text = format!("{:<26} {:>10} {:>14}  {}\n", "what", "scale", "value", "unit");
    for row in rows {
        text.push_str(&format!("{:<26} {:>10} {:>14}  {}\n", row.name, row.scale, row.value, row.unit));
    }
    text
}
