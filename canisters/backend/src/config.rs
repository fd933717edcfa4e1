//! The configuration: which services there are, what they cost, who is paid.

pub mod change;
pub mod command;
pub mod key;

#[cfg(test)]
mod tests;

use crate::deployment::money::Terms;
use cairn_events::payload::{Account, FeeConfigured, ServiceConfigured};
use cairn_events::topic::Service;
use cairn_events::{Amount, Payload, Principal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The configuration in force, as our own events tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Whether no new deployments are taken.
    #[serde(rename = "m")]
    pub maintenance: bool,
    /// What is known of each service.
    #[serde(rename = "s")]
    pub services: BTreeMap<Service, ServiceConfig>,
}

/// The configuration of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceConfig {
    /// The factory that delivers it.
    #[serde(rename = "f")]
    pub factory: Option<Principal>,
    /// Whether requests are taken.
    #[serde(rename = "e")]
    pub enabled: bool,
    /// What it costs.
    #[serde(rename = "p")]
    pub fee: Option<Fee>,
}

/// The price of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// The ledger of the token to pay in.
    #[serde(rename = "l")]
    pub ledger: Principal,
    /// The price.
    #[serde(rename = "p")]
    pub price: Amount,
    /// The ledger's transfer fee when the price was set.
    #[serde(rename = "f")]
    pub ledger_fee: Amount,
    /// Where the price of a delivered contract goes.
    #[serde(rename = "t")]
    pub treasury: Account,
}

impl Config {
    /// Folds an own event.
    pub fn apply(&mut self, payload: &Payload) {
        match payload {
            Payload::ServiceConfigured(ServiceConfigured { service, factory, enabled }) => {
                let row = self.services.entry(*service).or_default();
                row.factory = Some(*factory);
                row.enabled = *enabled;
            }
            Payload::FeeConfigured(FeeConfigured { service, ledger, price, ledger_fee, treasury }) => {
                let fee = Fee { ledger: *ledger, price: *price, ledger_fee: *ledger_fee, treasury: *treasury };
                self.services.entry(*service).or_default().fee = Some(fee);
            }
            Payload::MaintenanceConfigured(configured) => self.maintenance = configured.maintenance,
            _ => (),
        }
    }

    /// The configuration of `service`, if there is any.
    pub fn service(&self, service: Service) -> Option<&ServiceConfig> {
        self.services.get(&service)
    }

    /// The factories in use.
    pub fn factories(&self) -> impl Iterator<Item = Principal> {
        self.services.values().filter_map(|service| service.factory)
    }
}

impl Fee {
    /// The terms at the ledger's present fee.
    ///
    /// # Errors
    /// The least price that would be acceptable at that fee.
    pub fn terms(&self, ledger_fee: Amount) -> Result<Terms, Amount> {
        Terms::checked(self.price, ledger_fee)
    }
}
