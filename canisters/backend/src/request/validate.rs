//! Validation of everything a caller sends, in full and before anything else happens. Pure.

use crate::config::change::same;
use cairn_events::payload::{Account, DeploymentRequested};
use cairn_events::{Amount, Hash, Principal};
use cairn_kit::api::backend::{BackendError, BackendRequestError, CreateTokenArgs, TokenArgs};
use serde_bytes::ByteBuf;
use std::collections::BTreeSet;

/// Most bytes of a request id.
pub const MAX_REQUEST_ID: usize = 64;
/// Most bytes of a billing reference.
pub const MAX_BILLING_REFERENCE: usize = 256;
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

/// A request that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidRequest {
    /// The contract's arguments, encoded for the factory; behind them the module hash that the caller was quoted.
    pub args: ByteBuf,
    /// Hash of everything the caller sent.
    pub request: Hash,
}

type Validity = Result<(), BackendError>;

/// Validates the arguments of `createToken`. `secret` keys the digest of the private reference, which could be guessed
/// from a plain one.
///
/// # Errors
/// [`BackendRequestError::Invalid`] names the first field that is out of bounds.
pub fn validate(args: &CreateTokenArgs, request_id: &str, secret: &[u8; 32]) -> Result<ValidRequest, BackendError> {
    within("requestId", request_id.len(), 1..=MAX_REQUEST_ID, "bytes")?;
    if let Some(reference) = &args.billing_reference {
        within("billing_reference", reference.len(), 1..=MAX_BILLING_REFERENCE, "bytes")?;
    }
    validate_token(&args.token)?;
    let encoded =
        candid::encode_args((&args.token, args.agreed.template)).map_err(|_| invalid("token", "cannot be encoded"))?;
    within("token", encoded.len(), 1..=DeploymentRequested::MAX_ARGS, "bytes encoded")?;
    let reference = args.billing_reference.as_ref();
    let private = reference.map(|reference| Hash::of_fields("cairn.private", &[secret, reference.as_bytes()]));
    let public = candid::encode_one(CreateTokenArgs { billing_reference: None, ..args.clone() });
    let public = public.map_err(|_| invalid("token", "cannot be encoded"))?;
    let private = private.as_ref().map_or(&[][..], |digest| digest.as_bytes());
    let request = Hash::of_fields("cairn.request", &[&public, private]);
    Ok(ValidRequest { args: ByteBuf::from(encoded), request })
}

fn validate_token(token: &TokenArgs) -> Validity {
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

fn within(field: &str, found: usize, bounds: std::ops::RangeInclusive<usize>, unit: &str) -> Validity {
    if bounds.contains(&found) {
        return Ok(());
    }
    Err(invalid(field, format!("{found} {unit}; at least {}, at most {}", bounds.start(), bounds.end())))
}

fn invalid(field: &str, problem: impl Into<String>) -> BackendError {
    BackendRequestError::Invalid { field: field.to_owned(), problem: problem.into() }.into()
}
