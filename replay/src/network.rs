//! Canisters of a network that speaks the Internet Computer's HTTP interface.

use crate::source::Queried;
use anyhow::{Context, Result};
use cairn_events::Principal;
use ic_agent::{Agent, Identity};
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// A canister over HTTP.
pub struct Remote {
    runtime: Runtime,
    agent: Agent,
    canister: Principal,
}

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

impl Queried for Remote {
    fn query(&mut self, method: &str, argument: Vec<u8>) -> Result<Vec<u8>> {
        let query = self.agent.query(&self.canister, method).with_arg(argument).call();
        Ok(self.runtime.block_on(query)?)
    }
}
