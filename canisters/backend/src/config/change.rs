//! From a setting to the events that put it into force. Pure.

use super::key::{Key, Setting, account_text};
use super::{Config, Fee};
use crate::deployment::money::{MAX_PRICE, Terms};
use cairn_events::payload::{Account, FeeConfigured, MaintenanceConfigured, ServiceConfigured};
use cairn_events::topic::Service;
use cairn_events::{Amount, Payload, Principal};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where prices that are set from now on are paid, and to whom: in force only with a price, since an amount means
/// nothing without its token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// `payment.ledger`.
    #[serde(rename = "l")]
    pub ledger: Option<Principal>,
    /// `payment.treasury`.
    #[serde(rename = "t")]
    pub treasury: Option<Account>,
}

/// What a ledger says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerFacts {
    /// Its transfer fee.
    pub fee: Amount,
    /// Its minting account.
    pub minting: Option<Account>,
}

/// What each ledger says of itself.
pub type Facts = BTreeMap<Principal, LedgerFacts>;

/// Why a setting cannot be put into force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Another key must be set first.
    #[error("{0} must be set first")]
    Missing(&'static str),
    /// The service has no factory yet.
    #[error("{} has no factory yet: setupMicroservices must come first", .0.name())]
    NoFactory(Service),
    /// The price is out of bounds.
    #[error("{price} is out of bounds: at least {least} (20 ledger fees of {ledger_fee}), at most {most}")]
    Price {
        /// What was asked for.
        price: Amount,
        /// The ledger's fee.
        ledger_fee: Amount,
        /// The least price.
        least: Amount,
        /// The highest price.
        most: Amount,
    },
    /// A transfer to the minting account would burn the price.
    #[error("the treasury is the minting account of a ledger paid in: what arrives there is burnt")]
    MintingTreasury,
}

impl Setting {
    /// The ledgers that must be asked before the setting can be put into force: one per service at most, and the one of
    /// prices to come.
    pub fn ledgers(&self, config: &Config, payment: &Payment) -> BTreeSet<Principal> {
        match self {
            Setting::Price(..) => payment.ledger.into_iter().collect(),
            Setting::Ledger(ledger) => BTreeSet::from([*ledger]),
            Setting::Treasury(_) => priced(config).map(|(_, fee)| fee.ledger).chain(payment.ledger).collect(),
            Setting::Enabled(..) | Setting::Maintenance(_) => BTreeSet::new(),
        }
    }

    /// The events that put the setting into force; none if it only concerns prices to come, or is in force.
    ///
    /// # Errors
    /// [`Conflict`] with the rest of the configuration, or with what the ledgers say.
    pub fn events(&self, config: &Config, payment: &Payment, facts: &Facts) -> Result<Vec<Payload>, Conflict> {
        match self {
            Setting::Price(service, price) => {
                let ledger = payment.ledger.ok_or(Conflict::Missing("payment.ledger"))?;
                let treasury = payment.treasury.ok_or(Conflict::Missing("payment.treasury"))?;
                let facts = facts.get(&ledger).ok_or(Conflict::Missing("payment.ledger"))?;
                Terms::checked(*price, facts.fee).map_err(|least| Conflict::Price {
                    price: *price,
                    ledger_fee: facts.fee,
                    least,
                    most: MAX_PRICE,
                })?;
                not_minting(treasury, facts)?;
                let fee = Fee { ledger, price: *price, ledger_fee: facts.fee, treasury };
                Ok(vec![configured(*service, fee)])
            }
            Setting::Enabled(service, enabled) => {
                let row = config.service(*service).and_then(|row| Some((row.factory?, row.enabled)));
                let (factory, was) = row.ok_or(Conflict::NoFactory(*service))?;
                let event = ServiceConfigured { service: *service, factory, enabled: *enabled };
                Ok(if was == *enabled { Vec::new() } else { vec![Payload::ServiceConfigured(event)] })
            }
            Setting::Maintenance(maintenance) => {
                let event = MaintenanceConfigured { maintenance: *maintenance };
                let changed = config.maintenance != *maintenance;
                Ok(if changed { vec![Payload::MaintenanceConfigured(event)] } else { Vec::new() })
            }
            Setting::Ledger(_) => Ok(Vec::new()),
            Setting::Treasury(treasury) => {
                facts.values().try_for_each(|facts| not_minting(*treasury, facts))?;
                Ok(priced(config)
                    .map(|(service, fee)| configured(service, Fee { treasury: *treasury, ..fee }))
                    .collect())
            }
        }
    }

    /// What holds for prices to come, with this setting.
    #[must_use]
    pub fn payment(&self, payment: Payment) -> Payment {
        match self {
            Setting::Ledger(ledger) => Payment { ledger: Some(*ledger), ..payment },
            Setting::Treasury(treasury) => Payment { treasury: Some(*treasury), ..payment },
            _ => payment,
        }
    }
}

/// The value of `key`, as [`Setting::parse`] reads it, if it is set.
pub fn value(key: Key, config: &Config, payment: &Payment) -> Option<String> {
    match key {
        Key::Price(service) => Some(config.service(service)?.fee?.price.to_string()),
        Key::Enabled(service) => Some(config.service(service)?.enabled.to_string()),
        Key::Maintenance => Some(config.maintenance.to_string()),
        Key::Ledger => payment.ledger.map(|ledger| ledger.to_text()),
        Key::Treasury => payment.treasury.map(account_text),
    }
}

fn priced(config: &Config) -> impl Iterator<Item = (Service, Fee)> {
    config.services.iter().filter_map(|(service, row)| Some((*service, row.fee?)))
}

fn configured(service: Service, fee: Fee) -> Payload {
    let Fee { ledger, price, ledger_fee, treasury } = fee;
    Payload::FeeConfigured(FeeConfigured { service, ledger, price, ledger_fee, treasury })
}

fn not_minting(treasury: Account, facts: &LedgerFacts) -> Result<(), Conflict> {
    let minted = facts.minting.is_some_and(|minting| same(minting, treasury));
    if minted { Err(Conflict::MintingTreasury) } else { Ok(()) }
}

/// Whether two accounts are one: an absent subaccount is the one of zeros (ICRC-1).
pub fn same(one: Account, other: Account) -> bool {
    let subaccount = |account: Account| account.subaccount.map_or([0; 32], |subaccount| subaccount.0);
    one.owner == other.owner && subaccount(one) == subaccount(other)
}
