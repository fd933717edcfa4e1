//! A server with the counting canister on it.

use crate::canister::counter;
use ic_agent::Agent;
use localnet::{Config, Net, Principal};
use localnet_server::{Options, Server};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A network of its own for one test.
pub struct Running {
    pub server: Server,
    pub counter: Principal,
}

/// Who controls the canister.
pub fn owner() -> Principal {
    Principal::self_authenticating(b"owner")
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().try_into().unwrap()
}

impl Running {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// Synchronous calls are never waited for: clients have to poll.
    pub async fn impatient() -> Self {
        Self::with(Options { patience: Duration::ZERO, ..Options::default() }).await
    }

    async fn with(options: Options) -> Self {
        let config = Config { time: now(), round_duration: Duration::ZERO, trace: false, ..Config::default() };
        let mut net = Net::new(config);
        let counter = net.create_canister(owner(), 1_000_000_000_000);
        net.install(counter, owner(), &self::counter(), vec![]).unwrap();
        Self { server: Server::start(net, options).await.unwrap(), counter }
    }

    /// An anonymous agent with its default settings.
    pub fn agent(&self) -> Agent {
        let agent = Agent::builder().with_url(self.server.url()).build().unwrap();
        agent.set_root_key(self.server.root_key());
        agent
    }

    /// Installs another canister.
    pub async fn install(&self, wasm: Vec<u8>, arg: Vec<u8>) -> Principal {
        let installed = self.server.with(move |net| {
            let id = net.create_canister(owner(), 1_000_000_000_000);
            net.install(id, owner(), &wasm, arg).map(|()| id)
        });
        installed.await.unwrap().unwrap()
    }
}
