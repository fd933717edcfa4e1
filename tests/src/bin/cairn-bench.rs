//! `cairn-bench`: what things cost, in wasm instructions.

use cairn_tests::bench::{self, Scale};
use clap::Parser;

/// Measures the platform in wasm instructions, which are the same on every machine.
#[derive(Parser)]
struct Arguments {
    /// One JSON object per figure instead of a table.
    #[arg(long)]
    json: bool,
    /// The small scales only: a minute or two.
    #[arg(long)]
    small: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let scale = if arguments.small { Scale::Small } else { Scale::Large };
    let rows = bench::run(scale, |step| eprintln!("{step}"))?;
    if arguments.json {
        for row in &rows {
            println!("{}", serde_json::to_string(row)?);
        }
    } else {
        print!("{}", bench::table(&rows));
    }
    Ok(())
}
