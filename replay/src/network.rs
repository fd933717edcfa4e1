//! Canisters of a network that speaks the Internet Computer's HTTP interface.

use crate::source::Queried;
use anyhow::Result;
#[cfg(feature = "network")]
use {
    anyhow::Context,
    cairn_events::Principal,
    ic_agent::{Agent, Identity},
    std::sync::Arc,
    tokio::runtime::{Builder, Runtime},
};

/// A canister over HTTP.
#[cfg(feature = "network")]
pub struct Remote {
    runtime: Runtime,
    agent: Agent,
    canister: Principal,
}

/// There is none: the command was built for files alone.
#[cfg(not(feature = "network"))]
pub enum Remote {}

#[cfg(feature = "network")]
impl Remote {
    /// The canister `canister` of the network at `url`, asked by `identity`. Nothing is asked yet.
    ///
    /// # Errors
    /// The address is none.
    pub fn new(url: &str, canister: Principal, identity: Arc<dyn Identity>) -> Result<Remote> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        // A node's signature would say that one node gave the reply. What it says is proven by certificates, or not at
        // all.
        let agent = Agent::builder().with_url(url).with_arc_identity(identity).with_verify_query_signatures(false);
        let agent = agent.build();
        Ok(Remote { runtime, agent: agent.with_context(|| url.to_owned())?, canister })
    }
}

#[cfg(not(feature = "network"))]
impl Queried for Remote {
    fn query(&mut self, _: &str, _: Vec<u8>) -> Result<Vec<u8>> {
        match *self {}
    }
}

#[cfg(feature = "network")]
impl Queried for Remote {
    fn query(&mut self, method: &str, argument: Vec<u8>) -> Result<Vec<u8>> {
        let query = self.agent.query(&self.canister, method).with_arg(argument).call();
        Ok(self.runtime.block_on(query)?)
    }
}
