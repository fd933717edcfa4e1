//! `localnet`: an Internet Computer on this machine.

use clap::Parser;
use localnet::{Config, Net, StateError};
use localnet_server::{Options, Server};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Runs an Internet Computer of one subnet on this machine, for clients over HTTP.
///
/// Serves the HTTP interface of the Internet Computer (`/api/v2` and newer) and the web pages of
/// canisters, at `http://<canister-id>.localhost:<port>/` or `/?canisterId=<canister-id>`. Clients
/// need its URL and root key, both printed at the start. When it ends (Ctrl-C or a termination signal)
/// canisters and their state are gone, unless `--state` says where to keep them.
#[derive(Parser)]
#[command(name = "localnet", version)]
struct Args {
    /// Port to listen at; 0 takes a free one.
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// Address to listen at.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Where everything random comes from: the same seed gives the same root key.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Directory that keeps the state: restored at the start, saved at the end. A saved network keeps
    /// its seed.
    #[arg(long)]
    state: Option<PathBuf>,
    /// How long a synchronous call waits before the client has to poll, in seconds.
    #[arg(long, default_value_t = 10)]
    patience: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let options =
        Options { address: SocketAddr::new(args.host, args.port), patience: Duration::from_secs(args.patience) };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let config = Config {
        seed: args.seed,
        time: u64::try_from(now.as_nanos())?,
        round_duration: Duration::ZERO,
        trace: false,
        ..Config::default()
    };
    let net = begin(args.state.as_deref(), config)?;
    let server = Server::start(net, options).await?;
    let (first, last) = server.canister_range();
    println!("url:        {}", server.url());
    println!("root key:   {}", hex::encode(server.root_key()));
    println!("canisters:  {first} to {last}");
    terminated().await?;
    let net = server.stop().await?;
    if let Some(directory) = args.state {
        net.save(directory)?;
    }
    Ok(())
}

/// The network that was saved, or a new one.
fn begin(state: Option<&Path>, config: Config) -> Result<Net, StateError> {
    let Some(directory) = state else {
        return Ok(Net::new(config));
    };
    match Net::restore(directory, config.clone()) {
        Err(StateError::Absent(_)) => Ok(Net::new(config)),
        restored => restored,
    }
}

/// Waits for Ctrl-C or a termination signal.
async fn terminated() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}
