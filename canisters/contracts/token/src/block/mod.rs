//! Blocks: the shape ICRC-3 gives them, their hash, and their stored form.
//!
//! One set of field names serves both forms: the hashed [`Value`] is made from the same serialization that is stored
//! as CBOR. `btype` follows the accepted ICRC-3; `tx.op` is there as well, because indexes written for ledgers without
//! `btype` read it.

mod certificate;
mod log;
#[cfg(test)]
mod tests;

pub use certificate::{certified_root, encode_tree};
pub use log::{BlockError, BlockIndex, BlockLog, Tip, fingerprint};

use crate::account::icrc3_form;
use cairn_events::value::{Hashed, UnsupportedValue, to_form, to_value};
use cairn_events::{Amount, Hash, Timestamp, Value};
use icrc_ledger_types::icrc1::account::Account;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// The block types this ledger writes.
pub const BLOCK_TYPES: [(BlockType, &str, &str); 5] = [
    (BlockType::Mint, "1mint", ICRC1_URL),
    (BlockType::Burn, "1burn", ICRC1_URL),
    (BlockType::Transfer, "1xfer", ICRC1_URL),
    (BlockType::TransferFrom, "2xfer", ICRC2_URL),
    (BlockType::Approve, "2approve", ICRC2_URL),
];
const ICRC1_URL: &str = "https://github.com/dfinity/ICRC-1/blob/main/standards/ICRC-1/README.md";
const ICRC2_URL: &str = "https://github.com/dfinity/ICRC-1/blob/main/standards/ICRC-2/README.md";

/// The type of a block, as ICRC-3 names those of ICRC-1 and ICRC-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockType {
    /// Tokens came into being in `tx.to`.
    #[serde(rename = "1mint")]
    Mint,
    /// Tokens of `tx.from` ceased to be.
    #[serde(rename = "1burn")]
    Burn,
    /// `tx.from` paid `tx.to`.
    #[serde(rename = "1xfer")]
    Transfer,
    /// `tx.spender` had `tx.from` pay `tx.to`.
    #[serde(rename = "2xfer")]
    TransferFrom,
    /// `tx.from` set what `tx.spender` may take.
    #[serde(rename = "2approve")]
    Approve,
}

/// The operation of a transaction, as ledgers without block types name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// See [`BlockType::Mint`].
    #[serde(rename = "mint")]
    Mint,
    /// See [`BlockType::Burn`].
    #[serde(rename = "burn")]
    Burn,
    /// See [`BlockType::Transfer`] and, with a spender, [`BlockType::TransferFrom`].
    #[serde(rename = "xfer")]
    Transfer,
    /// See [`BlockType::Approve`].
    #[serde(rename = "approve")]
    Approve,
}

/// What the caller asked for, with nothing added: two calls are duplicates if their transactions are equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transaction {
    /// What happens.
    #[serde(rename = "op")]
    pub operation: Operation,
    /// The account debited, or whose allowance is set; absent for a mint.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "icrc3_form::optional")]
    pub from: Option<Account>,
    /// The account credited; absent for burns and approvals.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "icrc3_form::optional")]
    pub to: Option<Account>,
    /// Who acts on an allowance, or is given one.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "icrc3_form::optional")]
    pub spender: Option<Account>,
    /// Tokens moved, or allowed.
    #[serde(rename = "amt")]
    pub amount: Amount,
    /// The fee, if the caller named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Amount>,
    /// The allowance the caller believed to replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_allowance: Option<Amount>,
    /// When the allowance ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Bytes without meaning to the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memo: Option<ByteBuf>,
    /// When the caller made the transaction; only such transactions are deduplicated.
    #[serde(rename = "ts", default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

/// A transaction the ledger has executed, linked to the one before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// The hash of the previous block; absent in block 0 only.
    #[serde(rename = "phash", default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Hash>,
    /// The type.
    #[serde(rename = "btype")]
    pub block_type: BlockType,
    /// When the ledger executed it.
    #[serde(rename = "ts")]
    pub timestamp: Timestamp,
    /// The fee charged, if the transaction does not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Amount>,
    /// Who got the fee. Without it the fee was burned.
    #[serde(rename = "fee_col", default, skip_serializing_if = "Option::is_none", with = "icrc3_form::optional")]
    pub fee_collector: Option<Account>,
    /// What was asked for.
    #[serde(rename = "tx")]
    pub transaction: Transaction,
}

impl Transaction {
    /// The type of the block that holds this transaction.
    pub fn block_type(&self) -> BlockType {
        match (self.operation, &self.spender) {
            (Operation::Mint, _) => BlockType::Mint,
            (Operation::Burn, _) => BlockType::Burn,
            (Operation::Transfer, None) => BlockType::Transfer,
            (Operation::Transfer, Some(_)) => BlockType::TransferFrom,
            (Operation::Approve, _) => BlockType::Approve,
        }
    }
}

impl Block {
    /// The block as a value of ICRC-3.
    ///
    /// # Errors
    /// Never in practice: no field is of a kind that a value cannot hold.
    pub fn to_value(&self) -> Result<Value, UnsupportedValue> {
        to_value(self)
    }

    /// The hash of that value, without building it.
    ///
    /// # Errors
    /// As [`Block::to_value`].
    pub fn hash(&self) -> Result<Hash, UnsupportedValue> {
        to_form::<Hashed, _>(self).map(|hashed| hashed.0)
    }
}
