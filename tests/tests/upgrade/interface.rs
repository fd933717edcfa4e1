//! The interfaces of contracts, and their methods.

use candid::types::{FuncMode, Type};
use candid_parser::utils::CandidSource;

pub const TOKEN: &str = include_str!("../../../canisters/contracts/token/token.did");
pub const WALLET: &str = include_str!("../../../canisters/contracts/multisig/multisig.did");
pub const DISTRIBUTION: &str = include_str!("../../../canisters/contracts/distribution/distribution.did");

/// A method of an interface.
pub struct Declared {
    pub name: String,
    pub is_query: bool,
}

impl Declared {
    /// The name under which a module exports it.
    pub fn export(&self) -> String {
        let kind = if self.is_query { "query" } else { "update" };
        format!("canister_{kind} {}", self.name)
    }
}

/// Every method of an interface.
pub fn methods(interface: &str) -> Vec<Declared> {
    let (env, service) = CandidSource::Text(interface).load().unwrap();
    let service = service.unwrap();
    let declared = |(name, method): &(String, Type)| {
        let modes = &env.as_func(method).unwrap().modes;
        let is_query = modes.iter().any(|mode| matches!(mode, FuncMode::Query));
        Declared { name: name.clone(), is_query }
    };
    env.as_service(&service).unwrap().iter().map(declared).collect()
}
