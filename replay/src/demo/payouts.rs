//! What left wallets, locks and airdrops, by the fee ledger's own blocks.

use super::account::Course;
use crate::platform::Platform;
use anyhow::{Context, Result, ensure};
use cairn_events::topic::Service;
use cairn_events::{Amount, Principal, Value};
use std::collections::BTreeMap;

/// A contract's payment.
#[derive(Clone, Copy, Debug)]
pub struct Payout {
    /// What kind of contract paid.
    pub service: Service,
    /// The contract.
    pub contract: Principal,
    /// Whose account was credited.
    pub to: Principal,
    /// With how much.
    pub amount: Amount,
}

/// Every payment of a contract that was delivered, in the order of the ledger's blocks.
pub fn of(platform: &mut Platform, courses: &[Course]) -> Result<Vec<Payout>> {
    let delivered = courses.iter().filter_map(|course| Some((course.delivered()?, course.service)));
    let delivered: BTreeMap<Principal, Service> = delivered.collect();
    let mut payouts = Vec::new();
    for (index, block) in platform.blocks()?.iter().enumerate() {
        let Some(contract) = owner(block, "from") else { continue };
        let Some(service) = delivered.get(&contract).copied() else { continue };
        // Contracts only ever transfer: another block of theirs is one that nobody expects.
        let btype = block.get("btype");
        ensure!(btype == Some(&Value::text("1xfer")), "block {index} of a contract is {btype:?}");
        let to = owner(block, "to").with_context(|| format!("block {index} pays nobody"))?;
        let amount = amount(block).with_context(|| format!("block {index} pays nothing"))?;
        payouts.push(Payout { service, contract, to, amount });
    }
    Ok(payouts)
}

/// Whose account a block names as `role`.
fn owner(block: &Value, role: &str) -> Option<Principal> {
    let Value::Array(account) = block.get("tx")?.get(role)? else { return None };
    let Value::Blob(owner) = account.first()? else { return None };
    Principal::try_from_slice(owner).ok()
}

fn amount(block: &Value) -> Option<Amount> {
    match block.get("tx")?.get("amt")? {
        Value::Nat(amount) => Some(Amount(*amount)),
        _ => None,
    }
}
