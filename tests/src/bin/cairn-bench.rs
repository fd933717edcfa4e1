//! `cairn-bench`: what things cost, in wasm instructions; and how fast the engine is.

use cairn_tests::bench::{self, Scale};
use clap::{Parser, ValueEnum};

/// Measures the platform in wasm instructions, which are the same on every machine; or the engine that
/// runs it, in times of this one.
#[derive(Parser)]
struct Arguments {
    /// What to measure.
    #[arg(value_enum, default_value = "platform")]
    suite: Suite,
    /// One JSON object per figure instead of a table.
    #[arg(long)]
    json: bool,
    /// The small scales only: a minute or two.
    #[arg(long, conflicts_with = "huge")]
    small: bool,
    /// A million events, contracts, recipients as well, natively ten million events; the grown log is kept under
    /// `target/bench-logs`.
    #[arg(long)]
    huge: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Suite {
    /// What the platform's canisters cost, in wasm instructions.
    Platform,
    /// The log alone.
    Log,
    /// The indexes of contracts, wallets and distributions alone.
    Contracts,
    /// How fast localnet is: boot, messages, memory, rollback, forks, modules.
    Engine,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let scale = match (arguments.small, arguments.huge) {
        (true, _) => Scale::Small,
        (false, true) => Scale::Huge,
        (false, false) => Scale::Large,
    };
    let progress = |step: &str| eprintln!("{step}");
    let rows = match arguments.suite {
        Suite::Platform => bench::run(scale, progress)?,
        Suite::Log => bench::run_log(scale, progress)?,
        Suite::Contracts => bench::run_contracts(scale, progress)?,
        Suite::Engine => bench::engine::run(progress)?,
    };
    if arguments.json {
        for row in &rows {
            println!("{}", serde_json::to_string(row)?);
        }
    } else {
        print!("{}", bench::table(&rows));
    }
    Ok(())
}
