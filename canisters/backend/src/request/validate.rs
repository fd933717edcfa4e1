//! Validation of a token's arguments, in full and before anything else happens. Pure.

use super::order::{Validity, invalid, within};
use crate::config::change::same;
use cairn_events::payload::Account;
use cairn_events::{Amount, Principal};
use cairn_kit::api::backend::TokenArgs;
use std::collections::BTreeSet;

/// Fewest and most characters of a token's name.
pub const NAME: std::ops::RangeInclusive<usize> = 3..=32;
/// Fewest and most characters of a symbol.
pub const SYMBOL: std::ops::RangeInclusive<usize> = 2..=8;
/// Most decimals.
pub const MAX_DECIMALS: u8 = 18;
/// Most bytes of a logo.
pub const MAX_LOGO: usize = 30_000;
/// Most bytes of a description.
pub const MAX_DESCRIPTION: usize = 500;
/// Most initial balances.
pub const MAX_BALANCES: usize = 100;
/// The highest total supply.
pub const MAX_SUPPLY: Amount = Amount(1 << 120);

/// Validates a token.
///
/// # Errors
/// Names the first field that is out of bounds.
pub fn token(token: &TokenArgs) -> Validity {
    within("token.name", token.name.chars().count(), NAME, "characters")?;
    if token.name.chars().any(char::is_control) || token.name.trim() != token.name {
        return Err(invalid("token.name", "control characters, or spaces at an end"));
    }
    within("token.symbol", token.symbol.len(), SYMBOL, "characters")?;
    if !token.symbol.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return Err(invalid("token.symbol", "only A to Z and 0 to 9"));
    }
    if token.decimals > MAX_DECIMALS {
        return Err(invalid("token.decimals", format!("{}; at most {MAX_DECIMALS}", token.decimals)));
    }
    if let Some(logo) = &token.logo {
        within("token.logo", logo.len(), 1..=MAX_LOGO, "bytes")?;
        if !logo.starts_with("data:image/") {
            return Err(invalid("token.logo", "not a data URL of an image"));
        }
    }
    within("token.description", token.description.as_ref().map_or(0, String::len), 0..=MAX_DESCRIPTION, "bytes")?;
    validate_supply(token)
}

fn validate_supply(token: &TokenArgs) -> Validity {
    let TokenArgs { total_supply, transfer_fee, minting_account, .. } = token;
    if *total_supply > MAX_SUPPLY {
        return Err(invalid("token.total_supply", format!("{total_supply}; at most {MAX_SUPPLY}")));
    }
    if *total_supply == Amount::ZERO && minting_account.is_none() {
        return Err(invalid("token.total_supply", "0, and nobody could ever mint"));
    }
    let most = if *total_supply == Amount::ZERO { MAX_SUPPLY } else { *total_supply };
    if *transfer_fee > most {
        return Err(invalid("token.transfer_fee", format!("{transfer_fee}; at most the total supply, {most}")));
    }
    if let Some(minting) = minting_account {
        owned("token.minting_account", minting)?;
    }
    validate_balances(token)
}

fn validate_balances(token: &TokenArgs) -> Validity {
    const FIELD: &str = "token.initial_balances";
    within(FIELD, token.initial_balances.len(), 0..=MAX_BALANCES, "accounts")?;
    let mut seen = BTreeSet::new();
    let mut sum = Amount::ZERO;
    for (account, amount) in &token.initial_balances {
        owned(FIELD, account)?;
        if token.minting_account.is_some_and(|minting| same(minting, *account)) {
            return Err(invalid(FIELD, "the minting account holds no balance"));
        }
        if *amount == Amount::ZERO {
            return Err(invalid(FIELD, format!("{} would hold 0; at least 1", account.owner)));
        }
        if !seen.insert((account.owner, account.subaccount.map_or([0; 32], |subaccount| subaccount.0))) {
            return Err(invalid(FIELD, format!("{} is listed twice", account.owner)));
        }
        sum = sum.checked_add(*amount).ok_or_else(|| invalid(FIELD, "the sum overflows"))?;
    }
    if sum == token.total_supply {
        Ok(())
    } else {
        Err(invalid(FIELD, format!("they add up to {sum}; total_supply is {}", token.total_supply)))
    }
}

fn owned(field: &str, account: &Account) -> Validity {
    if account.owner == Principal::anonymous() || account.owner == Principal::management_canister() {
        return Err(invalid(field, format!("nobody owns the accounts of {}", account.owner)));
    }
    Ok(())
}
