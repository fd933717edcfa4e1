//! The Candid types that our canisters, and those who call them, agree on.
//!
//! Plain data: no module below this one knows the platform it runs on. Errors of every canister have three arms, which
//! tell what to do: `Request` (mend the request), `Temporary` (try again), `Internal` (tell us).

pub mod archive;
pub mod audit;
pub mod backend;
pub mod blocks;
pub mod contract;
pub mod distribution;
pub mod factory;
pub mod host;
pub mod http;
pub mod invoice;
pub mod ledger;
pub mod multisig;
pub mod template;
pub mod upgrade;

use candid::{CandidType, Deserialize};

/// Something that is wrong on our side.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
#[error("internal error: {message}")]
pub struct InternalError {
    /// What is wrong.
    pub message: String,
}

/// A standard that a canister implements (ICRC-10).
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct SupportedStandard {
    /// Its name, such as `ICRC-3`.
    pub name: String,
    /// Where it is described.
    pub url: String,
}

impl SupportedStandard {
    /// The standard of asking for standards.
    pub fn icrc10() -> Self {
        let url = "https://github.com/dfinity/ICRC/blob/main/ICRCs/ICRC-10/ICRC-10.md";
        SupportedStandard { name: "ICRC-10".to_owned(), url: url.to_owned() }
    }
}
