//! `cairn-fuzz`: mutated inputs for every decoder of untrusted bytes.

use cairn_fuzz::{Limit, Report, Target, engine, run};
use clap::Parser;
use std::process::ExitCode;
use std::time::Duration;

/// Mutates valid inputs of every decoder of untrusted bytes, and looks for panics, for rules broken, for inputs that take
/// long or much memory.
#[derive(Parser)]
#[command(name = "cairn-fuzz")]
struct Arguments {
    /// Only these targets; all without.
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<String>,
    /// Minutes of the processor's time per target.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// Instead, so many inputs per target.
    #[arg(long, value_name = "N", conflicts_with = "minutes")]
    inputs: Option<u64>,
    /// Where inputs follow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads; all cores without.
    #[arg(long)]
    threads: Option<u64>,
    /// Only this input of the seed; it is printed before it is tried.
    #[arg(long, value_name = "N")]
    number: Option<u64>,
    /// One JSON object per target instead of a table.
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let wanted = |name: &str| arguments.targets.is_empty() || arguments.targets.iter().any(|target| target == name);
    let targets = cairn_fuzz::all()?;
    if let Some(unknown) = arguments.targets.iter().find(|name| targets.iter().all(|target| target.name() != **name)) {
        let names: Vec<&str> = targets.iter().map(|target| target.name()).collect();
        anyhow::bail!("there is no target {unknown}; there are {}", names.join(", "));
    }
    if !arguments.json {
        println!(
            "{:<12} {:>10} {:>9} {:>8} {:>9} {:>10} {:>8}",
            "target", "inputs", "accepted", "seconds", "slowest", "memory", "findings"
        );
    }
    let mut all_well = true;
    for target in targets.iter().filter(|target| wanted(target.name())) {
        let report = explore(&arguments, target.as_ref());
        all_well &= report.findings.is_empty();
        show(&report, arguments.json)?;
    }
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn explore(arguments: &Arguments, target: &dyn Target) -> Report {
    if let Some(number) = arguments.number {
        eprintln!("{}", hex::encode(engine::input(target, arguments.seed, number)));
        let mut report = Report { target: target.name().to_owned(), ..Report::default() };
        engine::attempt(target, arguments.seed, number, &mut report);
        return report;
    }
    let limit = match arguments.inputs {
        Some(inputs) => Limit::Inputs(inputs),
        None => Limit::Time(Duration::from_secs_f64(60.0 * arguments.minutes)),
    };
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    run(target, arguments.seed, limit, arguments.threads.unwrap_or(cores))
}

fn show(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    let Report { target, inputs, accepted, seconds, slowest, memory, findings } = report;
    println!(
        "{target:<12} {inputs:>10} {accepted:>9} {seconds:>8.1} {slowest:>6.1} ms {:>6} KiB {:>8}",
        memory / 1024,
        findings.len()
    );
    for finding in findings {
        println!("  --seed {} --number {}: {}", finding.seed, finding.number, finding.problem);
        println!("  {}", finding.input);
    }
    Ok(())
}
