//! The keys of the configuration, and how their values are written.

use cairn_events::payload::{Account, Subaccount};
use cairn_events::topic::Service;
use cairn_events::{Amount, Principal};
use icrc_ledger_types::icrc1::account::Account as LedgerAccount;
use std::fmt;
use std::str::FromStr;

/// A key with its value: one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// `<service>.fee`: the price, in the smallest unit of the token to pay in.
    Price(Service, Amount),
    /// `<service>.enabled`.
    Enabled(Service, bool),
    /// `system.maintenance_mode`.
    Maintenance(bool),
    /// `payment.ledger`: the ledger of the token to pay in, for prices set from now on.
    Ledger(Principal),
    /// `payment.treasury`: where prices go, in ICRC-1's text form of an account.
    Treasury(Account),
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// See [`Setting::Price`].
    Price(Service),
    /// See [`Setting::Enabled`].
    Enabled(Service),
    /// See [`Setting::Maintenance`].
    Maintenance,
    /// See [`Setting::Ledger`].
    Ledger,
    /// See [`Setting::Treasury`].
    Treasury,
}

/// Longest key and longest value that are read at all, in bytes.
pub const MAX_TEXT: usize = 200;

/// What is wrong with a key or a value: the field and the problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct BadSetting {
    /// `key` or `value`.
    pub field: &'static str,
    /// The value and the bound.
    pub problem: String,
}

impl Key {
    /// Every key, in the order in which they are listed.
    pub fn all() -> impl Iterator<Item = Key> {
        let services = Service::ALL.into_iter().flat_map(|service| [Key::Price(service), Key::Enabled(service)]);
        [Key::Maintenance, Key::Ledger, Key::Treasury].into_iter().chain(services)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Price(service) => write!(f, "{}.fee", service.name()),
            Key::Enabled(service) => write!(f, "{}.enabled", service.name()),
            Key::Maintenance => f.write_str("system.maintenance_mode"),
            Key::Ledger => f.write_str("payment.ledger"),
            Key::Treasury => f.write_str("payment.treasury"),
        }
    }
}

impl FromStr for Key {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        let unknown = |text: &str| BadSetting {
            field: "key",
            problem: format!(
                "{text:?} is unknown; known are SERVICE.fee, SERVICE.enabled, system.maintenance_mode, payment.ledger \
                 and payment.treasury, where SERVICE is token_factory, multisig_factory, distribution_factory, \
                 dao_factory or launchpad_factory"
            ),
        };
        if text.len() > MAX_TEXT {
            return Err(BadSetting { field: "key", problem: format!("{} bytes, at most {MAX_TEXT}", text.len()) });
        }
        let key = match text.split_once('.') {
            Some(("system", "maintenance_mode")) => Some(Key::Maintenance),
            Some(("payment", "ledger")) => Some(Key::Ledger),
            Some(("payment", "treasury")) => Some(Key::Treasury),
            Some((service, "fee")) => Service::from_name(service).map(Key::Price),
            Some((service, "enabled")) => Service::from_name(service).map(Key::Enabled),
            _ => None,
        };
        key.ok_or_else(|| unknown(text))
    }
}

impl Setting {
    /// Reads a key and its value.
    ///
    /// # Errors
    /// [`BadSetting`] names the key or the value, and what would be accepted.
    pub fn parse(key: &str, value: &str) -> Result<Self, BadSetting> {
        let key = Key::from_str(key)?;
        if value.len() > MAX_TEXT {
            return Err(BadSetting { field: "value", problem: format!("{} bytes, at most {MAX_TEXT}", value.len()) });
        }
        let bad = |bound: &str| BadSetting { field: "value", problem: format!("{key} = {value:?}: {bound}") };
        let switch = || match value {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(bad("true or false")),
        };
        match key {
            Key::Price(service) => {
                let price = number(value).ok_or_else(|| bad("a whole number of the token's smallest unit"))?;
                Ok(Setting::Price(service, price))
            }
            Key::Enabled(service) => Ok(Setting::Enabled(service, switch()?)),
            Key::Maintenance => Ok(Setting::Maintenance(switch()?)),
            Key::Ledger => {
                let ledger = Principal::from_text(value).map_err(|_| bad("a principal"))?;
                let usable = ledger != Principal::anonymous() && ledger != Principal::management_canister();
                if usable { Ok(Setting::Ledger(ledger)) } else { Err(bad("the principal of a ledger")) }
            }
            Key::Treasury => {
                let account = LedgerAccount::from_str(value).map_err(|_| bad("an account in ICRC-1's text form"))?;
                let usable =
                    account.owner != Principal::anonymous() && account.owner != Principal::management_canister();
                if usable {
                    Ok(Setting::Treasury(from_ledger(account)))
                } else {
                    Err(bad("an account that somebody owns"))
                }
            }
        }
    }
}

/// A number in decimal digits and nothing else.
fn number(text: &str) -> Option<Amount> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok().map(Amount)).flatten()
}

/// An account in ICRC-1's text form.
pub fn account_text(account: Account) -> String {
    let subaccount = account.subaccount.map(|subaccount| subaccount.0);
    LedgerAccount { owner: account.owner, subaccount }.to_string()
}

fn from_ledger(account: LedgerAccount) -> Account {
    Account { owner: account.owner, subaccount: account.subaccount.map(Subaccount) }
}
