//! Why the ledger refuses, once for all three standards' error types.

use crate::block::BlockIndex;
use cairn_events::{Amount, Timestamp};
use candid::Nat;
use icrc_ledger_types::icrc1::transfer::TransferError;
use icrc_ledger_types::icrc2::approve::ApproveError;
use icrc_ledger_types::icrc2::transfer_from::TransferFromError;

/// A refusal; nothing has changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The caller named another fee.
    #[error("the fee is {expected}")]
    BadFee {
        /// The ledger's fee, zero for mints and burns.
        expected: Amount,
    },
    /// Too little to burn.
    #[error("at least {minimum} must be burned")]
    BadBurn {
        /// The smallest amount.
        minimum: Amount,
    },
    /// The account debited holds less than amount and fee.
    #[error("the balance is {balance}")]
    InsufficientFunds {
        /// What it holds.
        balance: Amount,
    },
    /// The spender may take less than amount and fee.
    #[error("the allowance is {allowance}")]
    InsufficientAllowance {
        /// What may be taken.
        allowance: Amount,
    },
    /// The allowance is not the one the caller expected.
    #[error("the allowance is {current}")]
    AllowanceChanged {
        /// What it is.
        current: Amount,
    },
    /// The allowance would end in the past.
    #[error("the approval had expired at {ledger_time}")]
    Expired {
        /// The ledger's clock.
        ledger_time: Timestamp,
    },
    /// `created_at_time` is beyond the deduplication window.
    #[error("created_at_time is too far in the past")]
    TooOld,
    /// `created_at_time` is ahead of the ledger's clock.
    #[error("created_at_time is later than {ledger_time}")]
    CreatedInFuture {
        /// The ledger's clock.
        ledger_time: Timestamp,
    },
    /// An equal transaction was executed.
    #[error("duplicate of block {}", of.0)]
    Duplicate {
        /// Its block.
        of: BlockIndex,
    },
    /// A case for which the standards have no variant.
    #[error(transparent)]
    Other(#[from] Other),
}

/// Refusals that reach callers as `GenericError`, with a code and a message.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Other {
    /// Code 1.
    #[error("the anonymous principal can neither transfer nor approve")]
    Anonymous,
    /// Code 2.
    #[error("the memo has {length} bytes, the longest allowed has {maximum}")]
    MemoTooLong {
        /// As sent.
        length: usize,
        /// As configured.
        maximum: u16,
    },
    /// Code 3.
    #[error("{field} is above 2^128 - 1, the largest number this ledger can count")]
    NumberTooLarge {
        /// Which argument.
        field: &'static str,
    },
    /// Code 4.
    #[error("an account needs no approval for its own owner")]
    SelfApproval,
    /// Code 5.
    #[error("minting cannot be delegated")]
    DelegatedMint,
    /// Code 6.
    #[error("sender and recipient are both the minting account")]
    MintToMinter,
    /// Code 7.
    #[error("total supply would exceed 2^128 - 1")]
    SupplyOverflow,
    /// Code 8.
    #[error("ICRC-2 is switched off on this ledger")]
    Icrc2Disabled,
    /// Code 9: something that cannot happen did. Nothing was changed.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Other {
    fn code(&self) -> u8 {
        match self {
            Other::Anonymous => 1,
            Other::MemoTooLong { .. } => 2,
            Other::NumberTooLarge { .. } => 3,
            Other::SelfApproval => 4,
            Other::DelegatedMint => 5,
            Other::MintToMinter => 6,
            Other::SupplyOverflow => 7,
            Other::Icrc2Disabled => 8,
            Other::Internal(_) => 9,
        }
    }
}

/// The code of a refusal that the called method's error type has no variant for; it would be a defect.
const MISPLACED: u8 = 99;

fn nat(amount: Amount) -> Nat {
    Nat::from(amount.0)
}

/// The variants that all three error types share.
macro_rules! common_error {
    ($error:ident, $refusal:expr) => {
        match $refusal {
            Refusal::BadFee { expected } => $error::BadFee { expected_fee: nat(expected) },
            Refusal::InsufficientFunds { balance } => $error::InsufficientFunds { balance: nat(balance) },
            Refusal::TooOld => $error::TooOld,
            Refusal::CreatedInFuture { ledger_time } => $error::CreatedInFuture { ledger_time: ledger_time.0 },
            Refusal::Duplicate { of } => $error::Duplicate { duplicate_of: of.into() },
            Refusal::Other(other) => {
                $error::GenericError { error_code: Nat::from(other.code()), message: other.to_string() }
            }
            misplaced => $error::GenericError { error_code: Nat::from(MISPLACED), message: misplaced.to_string() },
        }
    };
}

impl From<Refusal> for TransferError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::BadBurn { minimum } => TransferError::BadBurn { min_burn_amount: nat(minimum) },
            common => common_error!(TransferError, common),
        }
    }
}

impl From<Refusal> for ApproveError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::AllowanceChanged { current } => ApproveError::AllowanceChanged { current_allowance: nat(current) },
            Refusal::Expired { ledger_time } => ApproveError::Expired { ledger_time: ledger_time.0 },
            common => common_error!(ApproveError, common),
        }
    }
}

impl From<Refusal> for TransferFromError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::BadBurn { minimum } => TransferFromError::BadBurn { min_burn_amount: nat(minimum) },
            Refusal::InsufficientAllowance { allowance } => {
                TransferFromError::InsufficientAllowance { allowance: nat(allowance) }
            }
            common => common_error!(TransferFromError, common),
        }
    }
}
