//! The search for a transfer's block in the ledger's log (ICRC-3), once no attempt can be executed any more.
//!
//! The log is ordered by time: the first block that can be it is found by halves, and from there the blocks are read, up
//! to the last moment at which an attempt could have been executed. A search survives upgrades; every answer takes it one
//! step further. Pure: [`super::ledger`] asks.

use super::{Purpose, Transfer};
use cairn_events::payload::Account;
use cairn_events::{Amount, Principal, Timestamp};
use icrc_ledger_types::icrc::generic_value::ICRC3Value;
use icrc_ledger_types::icrc3::blocks::BlockWithId;
use serde::{Deserialize, Serialize};

/// Blocks asked for at once.
pub const PAGE: u64 = 50;
/// How far a ledger's clock may lag behind ours: it takes transfers that are made two minutes ahead of its time.
const LAG: u64 = 600 * 1_000_000_000;
/// How long after it was sent an attempt could have been executed: far beyond the deadline of a bounded call.
const UNDER_WAY: u64 = 3_600 * 1_000_000_000;

/// Where a search stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Search {
    /// The length of the log is to be asked for.
    #[serde(rename = "begin")]
    Begin,
    /// The first block that can be it is at `low` or later, at `high` or earlier.
    #[serde(rename = "locate")]
    Locate {
        /// The least.
        low: u64,
        /// The most.
        high: u64,
        /// Blocks of the log when the search began.
        length: u64,
    },
    /// Blocks before `next` are not it.
    #[serde(rename = "scan")]
    Scan {
        /// The next one to be read.
        next: u64,
        /// Blocks of the log when the search began.
        length: u64,
    },
}

/// What an answer leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The next step.
    Go(Search),
    /// The transfer is in this block.
    Block(u64),
    /// The log does not have it.
    Nothing,
    /// The log cannot be read.
    Unreadable(String),
}

impl Search {
    /// Which blocks to ask for: the first one, and how many.
    pub fn question(self) -> (u64, u64) {
        match self {
            Search::Begin => (0, 1),
            Search::Locate { low, high, .. } => (middle(low, high), 1),
            Search::Scan { next, length } => (next, PAGE.min(length.saturating_sub(next)).max(1)),
        }
    }

    /// Takes the answer: the length of the log, and the blocks asked for, perhaps fewer.
    pub fn answer(self, transfer: &Transfer, canister: Principal, length: u64, blocks: &[BlockWithId]) -> Found {
        match self {
            // Our own funding would be in it.
            Search::Begin if length == 0 => Found::Unreadable("the log is empty".to_owned()),
            Search::Begin => Found::Go(Search::Locate { low: 0, high: length, length }),
            Search::Locate { low, high, length } => locate(transfer, low, high, length, blocks),
            Search::Scan { next, length } => scan(transfer, canister, next, length, blocks),
        }
    }
}

fn middle(low: u64, high: u64) -> u64 {
    low + high.saturating_sub(low) / 2
}

fn locate(transfer: &Transfer, low: u64, high: u64, length: u64, blocks: &[BlockWithId]) -> Found {
    let middle = middle(low, high);
    let Some(block) = blocks.iter().find(|block| block.id == middle) else {
        return Found::Unreadable(format!("block {middle} is missing"));
    };
    let Some(time) = time(&block.block) else {
        return Found::Unreadable(format!("block {middle} has no time"));
    };
    let since = transfer.created_at.0.saturating_sub(LAG);
    let (low, high) = if time.0 < since { (middle + 1, high) } else { (low, middle) };
    if low < high {
        Found::Go(Search::Locate { low, high, length })
    } else if low >= length {
        Found::Nothing
    } else {
        Found::Go(Search::Scan { next: low, length })
    }
}

fn scan(transfer: &Transfer, canister: Principal, next: u64, length: u64, blocks: &[BlockWithId]) -> Found {
    let until = transfer.last_sent.0.saturating_add(UNDER_WAY);
    let mut next = next;
    for BlockWithId { id, block } in blocks {
        if *id != next {
            break;
        }
        match time(block) {
            None => return Found::Unreadable(format!("block {next} has no time")),
            Some(time) if time.0 > until => return Found::Nothing,
            Some(_) if is_transfer(block, transfer, canister) => return Found::Block(next),
            Some(_) => next += 1,
        }
        if next >= length {
            return Found::Nothing;
        }
    }
    match blocks.first() {
        Some(first) if first.id < next => Found::Go(Search::Scan { next, length }),
        _ => Found::Unreadable(format!("block {next} is missing")),
    }
}

/// Whether a block holds this very transfer. Anyone can write our memo into a transfer of their own: both sides and the
/// amount must be ours, too, and who acted on an allowance. What was paid to the minting account was burned: its block
/// names nobody who was paid.
fn is_transfer(block: &ICRC3Value, transfer: &Transfer, canister: Principal) -> bool {
    let Some(tx) = field(block, "tx") else { return false };
    let same_account = |name: &str, owner: Principal, subaccount: Option<[u8; 32]>| {
        field(tx, name).and_then(account) == Some((owner, subaccount.unwrap_or_default()))
    };
    let ours = |name: &str| same_account(name, canister, None);
    let Account { owner, subaccount } = transfer.account;
    let theirs = |name: &str| same_account(name, owner, subaccount.map(|subaccount| subaccount.0));
    let sides = match transfer.purpose {
        Purpose::Deposit => theirs("from") && ours("to") && ours("spender"),
        _ => ours("from") && (theirs("to") || field(tx, "to").is_none()) && field(tx, "spender").is_none(),
    };
    sides && memo(tx) == Some(transfer.memo.as_bytes().as_slice()) && number(tx, "amt") == Some(transfer.amount)
}

fn field<'a>(value: &'a ICRC3Value, name: &str) -> Option<&'a ICRC3Value> {
    match value {
        ICRC3Value::Map(fields) => fields.get(name),
        _ => None,
    }
}

/// When the ledger executed a block.
fn time(block: &ICRC3Value) -> Option<Timestamp> {
    match field(block, "ts")? {
        ICRC3Value::Nat(time) => u64::try_from(&time.0).ok().map(Timestamp),
        _ => None,
    }
}

fn memo(tx: &ICRC3Value) -> Option<&[u8]> {
    match field(tx, "memo")? {
        ICRC3Value::Blob(bytes) => Some(bytes.as_slice()),
        _ => None,
    }
}

fn number(tx: &ICRC3Value, name: &str) -> Option<Amount> {
    match field(tx, name)? {
        ICRC3Value::Nat(number) => u128::try_from(&number.0).ok().map(Amount),
        _ => None,
    }
}

fn account(value: &ICRC3Value) -> Option<(Principal, [u8; 32])> {
    let ICRC3Value::Array(parts) = value else { return None };
    let (owner, subaccount) = match parts.as_slice() {
        [ICRC3Value::Blob(owner)] => (owner, [0; 32]),
        [ICRC3Value::Blob(owner), ICRC3Value::Blob(subaccount)] => (owner, subaccount.as_slice().try_into().ok()?),
        _ => return None,
    };
    Some((Principal::try_from_slice(owner).ok()?, subaccount))
}

#[cfg(test)]
mod tests;
