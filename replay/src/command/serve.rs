//! The demo's network, served after its end.

use super::{Exit, Failed, moment};
use localnet::Net;
use localnet_server::{Options, Server};
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};

/// Serves a network at `port` of this machine until it is interrupted. What there is to say goes to the error output:
/// the report is told already.
pub fn run(mut net: Net, port: u16) -> Result<(), Failed> {
    let failed = |error: &dyn Display| Failed::new(Exit::Platform, format_args!("{error}; try another --serve PORT"));
    // The demo's day is long past: what is certified from now on is certified now.
    net.set_time(moment::now().0);
    net.tick();
    let runtime = tokio::runtime::Runtime::new().map_err(|error| failed(&error))?;
    runtime.block_on(async {
        let options = Options { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), ..Options::default() };
        let server = Server::start(net, options).await.map_err(|error| failed(&error))?;
        eprintln!("Its network is at {} until Ctrl-C.", server.url());
        tokio::signal::ctrl_c().await.map_err(|error| failed(&error))?;
        server.stop().await.map(drop).map_err(|error| failed(&error))
    })
}
