//! A served network with one canister, for whoever sends requests to it.

use crate::target::{Verdict, ensure};
use localnet::{Net, Principal};
use localnet_server::{Options, Server};
use reqwest::Client;
use std::cell::OnceCell;
use tokio::runtime::{Builder, Runtime};

/// A network that is served.
pub struct Served {
    /// Runs the server.
    _runtime: Runtime,
    _server: Server,
    url: String,
    /// Its canister, with a query method `noop` that does not reply.
    pub canister: Principal,
}

thread_local! {
    static CLIENT: OnceCell<(Runtime, Client)> = const { OnceCell::new() };
}

impl Served {
    pub fn new() -> anyhow::Result<Served> {
        let mut net = Net::default();
        let owner = Principal::self_authenticating(b"owner");
        let canister = net.create_canister(owner, 1_000_000_000_000);
        let wasm = wat::parse_str(r#"(module (memory 1) (func (export "canister_query noop")))"#)?;
        net.install(canister, owner, &wasm, Vec::new()).map_err(|reject| anyhow::anyhow!("{reject}"))?;
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let server = runtime.block_on(Server::start(net, Options::default()))?;
        let url = server.url();
        Ok(Served { _runtime: runtime, _server: server, url, canister })
    }

    /// The address of an endpoint of the canister.
    pub fn endpoint(&self, version: &str, name: &str) -> String {
        format!("{}/api/{version}/canister/{}/{name}", self.url, self.canister)
    }
}

/// Sends a request; whether it was taken.
pub fn post(endpoint: &str, body: Vec<u8>) -> Result<Verdict, String> {
    let status = CLIENT.with(|cell| {
        let (runtime, client) =
            cell.get_or_init(|| (Builder::new_current_thread().enable_all().build().unwrap(), Client::new()));
        runtime.block_on(async { client.post(endpoint).body(body).send().await.map(|response| response.status()) })
    });
    let status = status.map_err(|error| format!("the server hangs up: {error}"))?;
    ensure(!status.is_server_error(), || format!("status {status}"))?;
    Ok(if status.is_success() { Verdict::Accepted } else { Verdict::Refused })
}
