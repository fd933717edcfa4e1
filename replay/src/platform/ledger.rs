//! The install argument of ledgers: what the reference suite's has, as far as a local fee token needs it.

use super::account;
use anyhow::Result;
use cairn_events::payload::Account;
use cairn_events::{Amount, Principal};
use candid::{CandidType, Nat};

/// The argument of a ledger's install or upgrade.
#[derive(Clone, Debug, CandidType)]
pub enum LedgerInit {
    /// A new ledger.
    Init(Box<Init>),
    /// New code for a ledger.
    Upgrade(Option<()>),
}

/// How a ledger begins.
#[derive(Clone, Debug, CandidType)]
pub struct Init {
    minting_account: Account,
    transfer_fee: Nat,
    decimals: Option<u8>,
    max_memo_length: Option<u16>,
    token_symbol: String,
    token_name: String,
    metadata: Vec<(String, ())>,
    initial_balances: Vec<(Account, Nat)>,
    archive_options: Archives,
}

/// How the reference ledger would archive its blocks; ours keeps them.
#[derive(Clone, Debug, CandidType)]
struct Archives {
    num_blocks_to_archive: u64,
    trigger_threshold: u64,
    controller_id: Principal,
}

impl LedgerInit {
    /// A fee token that `minter` mints.
    pub fn fee_token(minter: Principal, fee: Amount) -> Self {
        LedgerInit::Init(Box::new(Init {
            minting_account: account(minter),
            transfer_fee: Nat::from(fee.0),
            decimals: Some(8),
            max_memo_length: Some(80),
            token_symbol: "FEE".to_owned(),
            token_name: "Fee token".to_owned(),
            metadata: Vec::new(),
            initial_balances: Vec::new(),
            archive_options: Archives { num_blocks_to_archive: 1_000, trigger_threshold: 2_000, controller_id: minter },
        }))
    }

    /// New code, nothing else; encoded.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub fn upgrade() -> Result<Vec<u8>> {
        Ok(candid::encode_one(LedgerInit::Upgrade(None))?)
    }
}
