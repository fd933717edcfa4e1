//! Updates and verified queries per second over HTTP, by `ic-agent` with its default settings, on the same machine.
//!
//! `cargo run --release -p localnet-server --example throughput -- --help`

// A measurement that cannot be made may end like a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/clients/canister.rs"]
#[allow(dead_code)]
mod canister;

use clap::Parser;
use ic_agent::Agent;
use localnet::{Config, Net, Principal};
use localnet_server::{Options, Server};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Measures a canister over HTTP; without a module, one that counts.
#[derive(Parser)]
struct Args {
    /// The canister's module.
    #[arg(long, requires_all = ["update", "query"])]
    module: Option<PathBuf>,
    /// Argument of its installation, in hexadecimal digits.
    #[arg(long, default_value = "4449444c0000")]
    init: String,
    /// Update method and argument, as `method:hex`.
    #[arg(long, default_value = "add:4449444c0001780100000000000000")]
    update: String,
    /// Query method and argument, as `method:hex`.
    #[arg(long, default_value = "get:4449444c0000")]
    query: String,
    /// Requests under way at once.
    #[arg(long, default_value_t = 32)]
    clients: usize,
    /// Seconds for each measurement.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Rows of JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// A method with its argument.
#[derive(Clone)]
struct Call {
    canister: Principal,
    method: String,
    arg: Vec<u8>,
}

impl Call {
    fn parse(canister: Principal, text: &str) -> Self {
        let (method, arg) = text.split_once(':').expect("method:hex");
        Self { canister, method: method.to_owned(), arg: hex::decode(arg).expect("hexadecimal digits") }
    }

    async fn update(&self, agent: &Agent) {
        agent.update(&self.canister, &self.method).with_arg(self.arg.clone()).call_and_wait().await.unwrap();
    }

    async fn query(&self, agent: &Agent) {
        agent.query(&self.canister, &self.method).with_arg(self.arg.clone()).call().await.unwrap();
    }
}

/// Calls per second of so many clients.
async fn rate(args: &Args, agent: &Agent, call: &Call, update: bool) -> f64 {
    let (begin, end) = (Instant::now(), Instant::now() + Duration::from_secs(args.seconds));
    let clients = (0..args.clients).map(|_| {
        let (agent, call) = (agent.clone(), call.clone());
        tokio::spawn(async move {
            let mut made = 0_u32;
            while Instant::now() < end {
                if update {
                    call.update(&agent).await
                } else {
                    call.query(&agent).await
                }
                made += 1;
            }
            made
        })
    });
    let mut made = 0;
    for client in clients.collect::<Vec<_>>() {
        made += client.await.unwrap();
    }
    f64::from(made) / begin.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().try_into().unwrap();
    let config = Config { time, round_duration: Duration::ZERO, trace: false, ..Config::default() };
    let mut net = Net::new(config);
    let owner = Principal::anonymous();
    let canister = net.create_canister(owner, 1_000_000_000_000_000);
    let wasm = args.module.as_ref().map_or_else(canister::counter, |file| std::fs::read(file).unwrap());
    net.install(canister, owner, &wasm, hex::decode(&args.init).unwrap()).unwrap();
    let server = Server::start(net, Options::default()).await.unwrap();
    let agent = Agent::builder().with_url(server.url()).build().unwrap();
    agent.set_root_key(server.root_key());
    let (update, query) = (Call::parse(canister, &args.update), Call::parse(canister, &args.query));
    for (name, call, is_update) in [("http update", &update, true), ("http query", &query, false)] {
        let begin = Instant::now();
        if is_update {
            call.update(&agent).await
        } else {
            call.query(&agent).await
        }
        let once = begin.elapsed().as_secs_f64() * 1e3;
        let rate = rate(&args, &agent, call, is_update).await;
        if args.json {
            println!(r#"{{"name":"{name}","scale":{},"value":{rate:.0},"unit":"1/s"}}"#, args.clients);
        } else {
            println!("{name:<12} {rate:>8.0} /s with {} clients; the first took {once:.1} ms", args.clients);
        }
    }
}
