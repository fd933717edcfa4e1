//! The fee ledger as its own blocks tell it (ICRC-3), independent of what the platform claims.

use cairn_events::payload::{Account, Subaccount};
use cairn_events::{Amount, Principal, Value};
use std::collections::BTreeMap;

/// A movement of the fee token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its index.
    pub index: u64,
    /// What it is: `1mint`, `1burn`, `1xfer`, `2xfer` or `2approve`.
    pub btype: String,
    /// The account debited.
    pub from: Option<Account>,
    /// The account credited.
    pub to: Option<Account>,
    /// The amount credited.
    pub amount: Amount,
    /// The fee debited on top.
    pub fee: Amount,
    /// The memo.
    pub memo: Option<Vec<u8>>,
    /// `created_at_time`.
    pub created_at: Option<u64>,
}

impl Block {
    /// Reads a block of ICRC-1, ICRC-2.
    pub fn parse(index: u64, block: &Value) -> Option<Block> {
        let tx = block.get("tx")?;
        let nat = |value: Option<&Value>| match value {
            Some(Value::Nat(n)) => Some(*n),
            _ => None,
        };
        Some(Block {
            index,
            btype: match block.get("btype")? {
                Value::Text(text) => text.clone(),
                _ => return None,
            },
            from: tx.get("from").and_then(account),
            to: tx.get("to").and_then(account),
            amount: Amount(nat(tx.get("amt"))?),
            fee: Amount(nat(tx.get("fee")).or_else(|| nat(block.get("fee"))).unwrap_or_default()),
            memo: match tx.get("memo") {
                Some(Value::Blob(memo)) => Some(memo.to_vec()),
                _ => None,
            },
            created_at: nat(tx.get("ts")).and_then(|ts| u64::try_from(ts).ok()),
        })
    }

    /// Whether it moves or changes the balance of an account of `owner`.
    pub fn touches(&self, owner: Principal) -> bool {
        self.btype != "2approve" && [self.from, self.to].into_iter().flatten().any(|account| account.owner == owner)
    }
}

/// An account, as ICRC-3 blocks hold it; the default subaccount in its one spelling.
fn account(value: &Value) -> Option<Account> {
    let Value::Array(parts) = value else { return None };
    let mut blobs = parts.iter().map(|part| match part {
        Value::Blob(bytes) => Some(bytes.as_slice()),
        _ => None,
    });
    let owner = Principal::try_from_slice(blobs.next()??).ok()?;
    let subaccount = match blobs.next() {
        None => None,
        Some(bytes) => Some(Subaccount(bytes?.try_into().ok()?)),
    };
    Some(normal(Account { owner, subaccount }))
}

/// The account with the default subaccount left out.
pub fn normal(account: Account) -> Account {
    Account { subaccount: account.subaccount.filter(|subaccount| subaccount.0 != [0; 32]), ..account }
}

/// The balances after `blocks`. `None` if some account would be negative.
pub fn balances(blocks: &[Block]) -> Option<BTreeMap<Account, Amount>> {
    let mut balances: BTreeMap<Account, Amount> = BTreeMap::new();
    for block in blocks {
        let (debit, credit) = match block.btype.as_str() {
            "1mint" => (Amount::ZERO, block.amount),
            "1burn" => (block.amount.checked_add(block.fee)?, Amount::ZERO),
            "2approve" => (block.fee, Amount::ZERO),
            _ => (block.amount.checked_add(block.fee)?, block.amount),
        };
        if let Some(from) = block.from {
            let balance = balances.entry(from).or_default();
            *balance = balance.checked_sub(debit)?;
        }
        if let Some(to) = block.to.filter(|_| credit != Amount::ZERO) {
            let balance = balances.entry(to).or_default();
            *balance = balance.checked_add(credit)?;
        }
    }
    Some(balances)
}
