//! What a token is told when it is installed or upgraded: the arguments, their bounds, and what is kept of them.

#[cfg(test)]
mod tests;

use crate::account::icrc3_form;
use crate::memory::LAYOUT_VERSION;
use cairn_events::{Amount, codec};
use cairn_kit::api::ledger::{ChangeFeeCollector, InitArgs, UpgradeArgs};
use candid::{Decode, Encode, Nat, Principal};
use ic_stable_structures::Storable;
use ic_stable_structures::storable::Bound;
use icrc_ledger_types::icrc::generic_metadata_value::MetadataValue;
use icrc_ledger_types::icrc1::account::Account;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::borrow::Cow;
use std::collections::BTreeSet;

const DEFAULT_DECIMALS: u8 = 8;
/// ICRC-1 asks for memos of at least 32 bytes; shorter limits are refused.
const DEFAULT_MEMO_LENGTH: u16 = 32;
const MAX_MEMO_LENGTH: u16 = 4096;
const MAX_SYMBOL_BYTES: usize = 64;
const MAX_NAME_BYTES: usize = 256;
const MAX_METADATA_ENTRIES: usize = 256;
const MAX_METADATA_BYTES: usize = 1 << 20;
const MAX_INITIAL_BALANCES: usize = 20_000;

/// Metadata keys that the ledger computes itself.
const COMPUTED_KEYS: [&str; 7] = [
    "icrc1:decimals",
    "icrc1:name",
    "icrc1:symbol",
    "icrc1:fee",
    "icrc1:max_memo_length",
    "icrc103:public_allowances",
    "icrc103:max_take_value",
];

/// The most allowances that one answer holds (ICRC-103).
pub const MAX_TAKE: usize = 500;

/// The configuration of a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The version of the layout of stable memory.
    pub layout: u32,
    /// Pays by minting, is paid by burning, holds nothing.
    #[serde(with = "icrc3_form")]
    pub minting_account: Account,
    /// Gets the fees of transfers; without one they are burned.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "icrc3_form::optional")]
    pub fee_collector: Option<Account>,
    /// What a transfer or an approval costs.
    pub fee: Amount,
    /// Digits after the decimal point, for display.
    pub decimals: u8,
    /// The longest memo, in bytes.
    pub max_memo_length: u16,
    /// The currency code.
    pub symbol: String,
    /// The name.
    pub name: String,
    /// Further metadata, in the Candid encoding it came in.
    pub metadata: ByteBuf,
    /// Whether ICRC-2 is switched on.
    pub icrc2: bool,
    /// Who is told about holders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factory: Option<Principal>,
    /// The epoch of the notifications, given by the factory.
    pub callback_epoch: u64,
}

/// The cell that holds the configuration: CBOR, empty before the first install.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredConfig(pub Option<Config>);

impl Storable for StoredConfig {
    const BOUND: Bound = Bound::Unbounded;

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.0.as_ref().map(codec::encode).unwrap_or_default())
    }
    fn into_bytes(self) -> Vec<u8> {
        self.to_bytes().into_owned()
    }
    fn from_bytes(bytes: Cow<[u8]>) -> Self {
        StoredConfig(codec::decode_trusted(&bytes).ok())
    }
}

/// Why an argument is refused. The install or upgrade fails with it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidArgument {
    /// The wrong variant of the argument.
    #[error("the argument of {hook} must be {expected}")]
    WrongVariant {
        /// Install or upgrade.
        hook: &'static str,
        /// The variant it takes.
        expected: &'static str,
    },
    /// A text is empty or too long.
    #[error("{field} has {length} bytes, allowed are 1 to {maximum}")]
    Text {
        /// Which.
        field: &'static str,
        /// Its length.
        length: usize,
        /// The longest allowed.
        maximum: usize,
    },
    /// A number is too large to count.
    #[error("{field} is above 2^128 - 1")]
    NumberTooLarge {
        /// Which.
        field: &'static str,
    },
    /// The memo limit is out of bounds.
    #[error("max_memo_length is {0}, allowed are {DEFAULT_MEMO_LENGTH} to {MAX_MEMO_LENGTH}")]
    MemoLength(u16),
    /// Fees cannot be collected by an account that holds nothing.
    #[error("the fee collector cannot be the minting account")]
    FeeCollector,
    /// The metadata are too many or too large.
    #[error(
        "metadata has {entries} entries of {bytes} bytes, allowed are {MAX_METADATA_ENTRIES} of {MAX_METADATA_BYTES}"
    )]
    MetadataSize {
        /// How many.
        entries: usize,
        /// How large together.
        bytes: usize,
    },
    /// A metadata key is repeated, empty, or one that the ledger computes.
    #[error("metadata key {0:?} is empty, repeated, or computed by the ledger itself")]
    MetadataKey(String),
    /// Too many initial balances.
    #[error("there are {0} initial balances, allowed are {MAX_INITIAL_BALANCES}")]
    TooManyBalances(usize),
    /// An initial balance that cannot be.
    #[error("initial balance {index}: {reason}")]
    InitialBalance {
        /// Its position.
        index: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// The factory is nobody.
    #[error("the factory cannot be the anonymous principal")]
    Factory,
}

/// A validated initial balance.
pub type InitialBalance = (Account, Amount);

impl Config {
    /// The configuration and the initial balances that the argument of the install asks for.
    ///
    /// # Errors
    /// The first thing that is wrong, with its bound.
    pub fn from_init(args: InitArgs) -> Result<(Config, Vec<InitialBalance>), InvalidArgument> {
        let mut config = Config {
            layout: LAYOUT_VERSION,
            minting_account: args.minting_account,
            fee_collector: args.fee_collector_account,
            fee: amount("transfer_fee", &args.transfer_fee)?,
            decimals: args.decimals.unwrap_or(DEFAULT_DECIMALS),
            max_memo_length: args.max_memo_length.unwrap_or(DEFAULT_MEMO_LENGTH),
            symbol: args.token_symbol,
            name: args.token_name,
            metadata: ByteBuf::new(),
            icrc2: args.feature_flags.is_none_or(|flags| flags.icrc2),
            factory: args.factory,
            callback_epoch: args.callback_epoch.unwrap_or_default(),
        };
        config.set_metadata(args.metadata)?;
        config.check()?;
        let balances = initial_balances(&config, args.initial_balances)?;
        Ok((config, balances))
    }

    /// This configuration with the changes that the argument of an upgrade asks for.
    ///
    /// # Errors
    /// The first thing that is wrong, with its bound.
    pub fn upgraded(mut self, args: UpgradeArgs) -> Result<Config, InvalidArgument> {
        if let Some(metadata) = args.metadata {
            self.set_metadata(metadata)?;
        }
        self.symbol = args.token_symbol.unwrap_or(self.symbol);
        self.name = args.token_name.unwrap_or(self.name);
        if let Some(fee) = args.transfer_fee {
            self.fee = amount("transfer_fee", &fee)?;
        }
        match args.change_fee_collector {
            Some(ChangeFeeCollector::Unset) => self.fee_collector = None,
            Some(ChangeFeeCollector::SetTo(account)) => self.fee_collector = Some(account),
            None => {}
        }
        self.max_memo_length = args.max_memo_length.unwrap_or(self.max_memo_length);
        self.icrc2 = args.feature_flags.map_or(self.icrc2, |flags| flags.icrc2);
        self.callback_epoch = args.callback_epoch.unwrap_or(self.callback_epoch);
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<(), InvalidArgument> {
        check_text("token_symbol", &self.symbol, MAX_SYMBOL_BYTES)?;
        check_text("token_name", &self.name, MAX_NAME_BYTES)?;
        if !(DEFAULT_MEMO_LENGTH..=MAX_MEMO_LENGTH).contains(&self.max_memo_length) {
            return Err(InvalidArgument::MemoLength(self.max_memo_length));
        }
        if self.fee_collector == Some(self.minting_account) {
            return Err(InvalidArgument::FeeCollector);
        }
        if self.factory == Some(Principal::anonymous()) {
            return Err(InvalidArgument::Factory);
        }
        Ok(())
    }

    fn set_metadata(&mut self, metadata: Vec<(String, MetadataValue)>) -> Result<(), InvalidArgument> {
        let mut seen: BTreeSet<&str> = COMPUTED_KEYS.into();
        for (key, _) in &metadata {
            if key.is_empty() || !seen.insert(key) {
                return Err(InvalidArgument::MetadataKey(key.chars().take(64).collect()));
            }
        }
        let encoded = Encode!(&metadata).unwrap_or_default();
        let (entries, bytes) = (metadata.len(), encoded.len());
        if entries > MAX_METADATA_ENTRIES || bytes > MAX_METADATA_BYTES {
            return Err(InvalidArgument::MetadataSize { entries, bytes });
        }
        self.metadata = ByteBuf::from(encoded);
        Ok(())
    }

    /// All metadata, the computed ones first (ICRC-1 `icrc1_metadata`, ICRC-103).
    pub fn all_metadata(&self) -> Vec<(String, MetadataValue)> {
        let computed = [
            MetadataValue::from(u64::from(self.decimals)),
            MetadataValue::from(self.name.as_str()),
            MetadataValue::from(self.symbol.as_str()),
            MetadataValue::from(self.fee.0),
            MetadataValue::from(u64::from(self.max_memo_length)),
            MetadataValue::from("true"),
            MetadataValue::from(MAX_TAKE as u64),
        ];
        let further = Decode!(&self.metadata, Vec<(String, MetadataValue)>).unwrap_or_default();
        COMPUTED_KEYS.into_iter().map(str::to_owned).zip(computed).chain(further).collect()
    }
}

fn check_text(field: &'static str, text: &str, maximum: usize) -> Result<(), InvalidArgument> {
    let length = text.len();
    if length == 0 || length > maximum { Err(InvalidArgument::Text { field, length, maximum }) } else { Ok(()) }
}

fn amount(field: &'static str, nat: &Nat) -> Result<Amount, InvalidArgument> {
    u128::try_from(&nat.0).map(Amount).map_err(|_| InvalidArgument::NumberTooLarge { field })
}

fn initial_balances(config: &Config, asked: Vec<(Account, Nat)>) -> Result<Vec<InitialBalance>, InvalidArgument> {
    if asked.len() > MAX_INITIAL_BALANCES {
        return Err(InvalidArgument::TooManyBalances(asked.len()));
    }
    let mut supply = Amount::ZERO;
    let mut balances = Vec::with_capacity(asked.len());
    for (index, (account, nat)) in asked.into_iter().enumerate() {
        let refuse = |reason| InvalidArgument::InitialBalance { index, reason };
        let amount = amount("initial balance", &nat)?;
        if account == config.minting_account {
            return Err(refuse("the minting account holds nothing"));
        }
        if account.owner == Principal::anonymous() {
            return Err(refuse("the anonymous principal could never move it"));
        }
        if amount == Amount::ZERO {
            return Err(refuse("the amount is zero"));
        }
        supply = supply.checked_add(amount).ok_or_else(|| refuse("the total is above 2^128 - 1"))?;
        balances.push((account, amount));
    }
    Ok(balances)
}
