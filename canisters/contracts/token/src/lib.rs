//! An ICRC-1, ICRC-2 and ICRC-3 ledger.
