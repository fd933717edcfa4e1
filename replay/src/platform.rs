//! The whole platform on an embedded network: for the demo, the tests and the benchmark.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use cairn::platform::{Platform, token, user};
//!
//! let mut platform = Platform::boot(7)?;
//! let alice = user("alice");
//! platform.afford(alice, 1)?; // tokens and allowance for one contract
//! let record = platform.create_token(alice, platform.order(token(alice, "Moon", "MOON")), "first")??;
//! platform.settle()?;
//! println!("{record:?}: {} events", platform.events()?.len());
//! # Ok(())
//! # }
//! ```

mod boot;
mod contracts;
mod fees;
mod hosts;
mod ledger;
mod log;
mod rest;
mod templates;
mod tokens;

use anyhow::{Context, Result, bail};
use cairn_events::payload::Account;
use cairn_events::topic::Service;
use cairn_events::{Amount, Event, Hash, LogId, Principal};
use candid::CandidType;
use candid::utils::ArgumentEncoder;
use localnet::Net;
use serde::de::DeserializeOwned;
use std::fmt::Display;

pub use boot::Options;
pub use contracts::{payment, wallet};
pub use ledger::{fee_token, ledger_upgrade};
pub use rest::Unfinished;
pub use tokens::{Order, Pending, token};

/// A platform, booted. Its network is open to everyone who tests.
pub struct Platform {
    /// The network.
    pub net: Net,
    /// `audit_storage`: the log.
    pub audit: Principal,
    /// `backend`: the gateway.
    pub backend: Principal,
    /// `invoice_storage`: the host of the payment projection.
    pub invoices: Principal,
    /// `token_factory`.
    pub factory: Principal,
    /// `multisig_factory`, if there is one.
    pub wallets: Option<Principal>,
    /// `distribution_factory`, if there is one.
    pub distributions: Option<Principal>,
    /// The ledger of the fee token: our own token.
    pub ledger: Principal,
    /// Installer, controller and first admin of everything.
    pub admin: Principal,
    /// Where the prices of what was delivered go.
    pub treasury: Account,
    /// The log's id, as it was at genesis.
    pub log: LogId,
    /// The module that the factory installs.
    pub template: Hash,
    /// The price of a token.
    pub price: Amount,
    /// The fee ledger's transfer fee.
    pub ledger_fee: Amount,
    known: Vec<Event>,
}

/// The principal of a person of this name.
pub fn user(name: &str) -> Principal {
    Principal::self_authenticating(format!("person {name}"))
}

/// The default account of `owner`.
pub fn account(owner: Principal) -> Account {
    Account { owner, subaccount: None }
}

impl Platform {
    /// A second platform in the same state, independent from now on.
    #[must_use]
    pub fn fork(&self) -> Self {
        Platform { net: self.net.fork(), known: self.known.clone(), ..*self }
    }

    /// The canisters of the platform, with the packages they are built from; the fee ledger last.
    pub fn canisters(&self) -> Vec<(&'static str, Principal)> {
        let first = [("audit_storage", self.audit), ("backend", self.backend), ("invoice_storage", self.invoices)];
        let factories = self.factories().into_iter().map(|(service, id)| (service.name(), id));
        first.into_iter().chain(factories).chain([("token", self.ledger)]).collect()
    }

    /// The factories that there are, by what they make.
    pub fn factories(&self) -> Vec<(Service, Principal)> {
        let all = [
            (Service::Token, Some(self.factory)),
            (Service::Multisig, self.wallets),
            (Service::Distribution, self.distributions),
        ];
        all.into_iter().filter_map(|(service, id)| Some((service, id?))).collect()
    }

    /// The factory that makes contracts of `service`, if there is one.
    pub fn factory_of(&self, service: Service) -> Option<Principal> {
        self.factories().into_iter().find_map(|(made, id)| (made == service).then_some(id))
    }

    /// Calls an update whose reply is a `Result`, and takes its error for ours.
    ///
    /// # Errors
    /// The call was rejected, or the canister refused.
    pub fn call<R, E>(
        &mut self,
        to: Principal,
        caller: Principal,
        method: &str,
        args: impl ArgumentEncoder,
    ) -> Result<R>
    where
        R: CandidType + DeserializeOwned,
        E: CandidType + DeserializeOwned + Display,
    {
        let reply: std::result::Result<R, E> =
            self.net.update(to, caller, method, args).with_context(|| method.to_owned())?;
        match reply {
            Ok(value) => Ok(value),
            Err(refusal) => bail!("{method} was refused: {refusal}"),
        }
    }

    /// Calls a query whose reply is a `Result`, anonymously, and takes its error for ours.
    ///
    /// # Errors
    /// The call was rejected, or the canister refused.
    pub fn ask<R, E>(&mut self, of: Principal, method: &str, args: impl ArgumentEncoder) -> Result<R>
    where
        R: CandidType + DeserializeOwned,
        E: CandidType + DeserializeOwned + Display,
    {
        let reply: std::result::Result<R, E> =
            self.net.query(of, Principal::anonymous(), method, args).with_context(|| method.to_owned())?;
        match reply {
            Ok(value) => Ok(value),
            Err(refusal) => bail!("{method} was refused: {refusal}"),
        }
    }
}
