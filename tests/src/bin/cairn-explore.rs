//! `cairn-explore`: the payment flow under every single fault, and the mutants that must not survive it.

use anyhow::{Context as _, bail};
use cairn_tests::explore::{Flow, Stage, explorer, sabotage};
use clap::Parser;
use localnet::Plan;
use localnet::explore::{Report, replay};
use std::process::ExitCode;

/// Plays the payment flow under faults and checks every invariant after each run.
#[derive(Parser)]
#[command(name = "cairn-explore")]
struct Arguments {
    /// Every single fault at every message, instead of a sample.
    #[arg(long)]
    all: bool,
    /// Only this flow.
    #[arg(long, value_enum)]
    flow: Option<Flow>,
    /// Single faults drawn per flow.
    #[arg(long, default_value_t = 60)]
    sample: usize,
    /// Pairs of faults drawn per flow.
    #[arg(long, default_value_t = 15)]
    pairs: usize,
    /// Where samples are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs at a time.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Stop a flow soon after the first violation.
    #[arg(long)]
    first: bool,
    /// The reports as JSON.
    #[arg(long)]
    json: bool,
    /// Run one plan, given as JSON, and print its trace.
    #[arg(long, requires = "flow")]
    plan: Option<Plan>,
    /// Weaken the platform (one way by name, or `all`) and see whether the runs find out.
    #[arg(long)]
    sabotage: Option<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(name) = &arguments.sabotage {
        return sabotage::run(name).map(code);
    }
    if let (Some(flow), Some(plan)) = (arguments.flow, &arguments.plan) {
        return Ok(code(once(flow, &flow.stage(arguments.seed)?, plan)));
    }
    let flows: Vec<Flow> = arguments.flow.map_or(Flow::ALL.to_vec(), |flow| vec![flow]);
    let mut all_well = true;
    for flow in flows {
        let report = explore(&arguments, flow, flow.stage(arguments.seed)?);
        all_well &= report.violations.is_empty();
        if arguments.json {
            println!("{}", serde_json::to_string(&report).context("a report is JSON")?);
        } else {
            println!("{flow:?}: {report}");
        }
    }
    if !all_well && !arguments.json {
        bail!("invariants are violated");
    }
    Ok(code(all_well))
}

fn code(all_well: bool) -> ExitCode {
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn explore(arguments: &Arguments, flow: Flow, stage: Stage) -> Report {
    let explorer = explorer(flow, stage).threads(arguments.threads).pairs(arguments.seed, arguments.pairs);
    let explorer = if arguments.all { explorer } else { explorer.sample(arguments.seed, arguments.sample) };
    if arguments.first { explorer.until_violated().run() } else { explorer.run() }
}

/// Runs one plan: its messages, then what it violates.
fn once(flow: Flow, stage: &Stage, plan: &Plan) -> bool {
    use localnet::explore::Subject as _;
    let (run, _) = replay(stage, plan, |stage| flow.play(stage));
    run.trace.iter().for_each(|entry| println!("{entry}"));
    let violated = explorer(flow, stage.fork()).try_plan(plan);
    violated.iter().for_each(|violated| println!("{violated}"));
    println!("state {}", hex::encode(run.state));
    violated.is_empty()
}
