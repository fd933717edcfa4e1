//! ICRC-10, and its older form in ICRC-1.

use super::icrc1::configured;
use cairn_kit::quarantine::serving;
use candid::CandidType;
use ic_cdk::query;
use serde::Deserialize;

/// A standard that this ledger implements.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct StandardRecord {
    /// Its name.
    pub name: String,
    /// Where it is described.
    pub url: String,
}

const ALWAYS: [(&str, &str); 4] = [
    ("ICRC-1", "https://github.com/dfinity/ICRC-1/tree/main/standards/ICRC-1"),
    ("ICRC-3", "https://github.com/dfinity/ICRC-1/tree/main/standards/ICRC-3"),
    ("ICRC-10", "https://github.com/dfinity/ICRC/blob/main/ICRCs/ICRC-10/ICRC-10.md"),
    ("ICRC-21", "https://github.com/dfinity/ICRC/blob/main/ICRCs/ICRC-21/ICRC-21.md"),
];
const WITH_ICRC2: [(&str, &str); 2] = [
    ("ICRC-2", "https://github.com/dfinity/ICRC-1/tree/main/standards/ICRC-2"),
    ("ICRC-103", "https://github.com/dfinity/ICRC-1/standards/ICRC-103"),
];

fn standards(icrc2: bool) -> Vec<StandardRecord> {
    let optional = WITH_ICRC2.into_iter().filter(|_| icrc2);
    let record = |(name, url): (&str, &str)| StandardRecord { name: name.to_owned(), url: url.to_owned() };
    ALWAYS.into_iter().chain(optional).map(record).collect()
}

#[query(guard = "serving")]
fn icrc1_supported_standards() -> Vec<StandardRecord> {
    standards(configured(|config| config.icrc2))
}

#[query(guard = "serving")]
fn icrc10_supported_standards() -> Vec<StandardRecord> {
    standards(configured(|config| config.icrc2))
}
