//! The server: a listening socket, the endpoints behind it, the thread of the network.

use crate::api::{self, Api};
use crate::gateway::{self, Gateway};
use crate::network::Network;
use crate::system_canisters;
use axum::Router;
use localnet::{Net, Principal};
use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle as Task;

/// How a server behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// How long a synchronous call waits for its response before it is left to polling.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), patience: Duration::from_secs(10) }
    }
}

/// A running server. Its network follows the machine's clock.
pub struct Server {
    address: SocketAddr,
    network: Network,
    writer: JoinHandle<Net>,
    serving: Task<io::Result<()>>,
    stop: oneshot::Sender<()>,
}

impl Server {
    /// Serves a network.
    ///
    /// # Errors
    /// The address cannot be listened at.
    pub async fn start(mut net: Net, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.address).await?;
        let address = listener.local_addr()?;
        system_canisters::provide(&mut net);
        let (network, writer) = Network::start(net);
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = serve(listener, router(network.clone(), options.patience), stopped);
        Ok(Self { address, network, writer, serving, stop })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// For clients.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The network's root key in DER.
    pub fn root_key(&self) -> Vec<u8> {
        self.network.facts.root_key.clone()
    }

    /// First and last canister id.
    pub fn canister_range(&self) -> (Principal, Principal) {
        self.network.facts.canister_range
    }

    /// Runs a function on the network, between rounds; none if the network is gone.
    pub async fn with<T: Send + 'static>(&self, run: impl FnOnce(&mut Net) -> T + Send + 'static) -> Option<T> {
        self.network.with(run).await.ok()
    }

    /// Stops: requests in progress are answered, then the network is given back.
    ///
    /// # Errors
    /// The server or the network had failed.
    pub async fn stop(self) -> io::Result<Net> {
        // It may have stopped already.
        let _ = self.stop.send(());
        self.serving.await.map_err(io::Error::other)??;
        self.network.stop();
        let joined = tokio::task::spawn_blocking(|| self.writer.join()).await.map_err(io::Error::other)?;
        joined.map_err(|_| io::Error::other("the thread of the network has panicked"))
    }
}

/// Not a part of the async function above, whose code is compiled anew by every program that calls it.
fn serve(listener: TcpListener, router: Router, stopped: oneshot::Receiver<()>) -> Task<io::Result<()>> {
    let serving = axum::serve(listener, router).with_graceful_shutdown(async {
        // A server that is dropped stops as well.
        let _ = stopped.await;
    });
    tokio::spawn(serving.into_future())
}

fn router(network: Network, patience: Duration) -> Router {
    let gateway = Gateway { network: network.clone(), patience };
    api::router(Api { network, patience }).merge(gateway::router(gateway))
}
