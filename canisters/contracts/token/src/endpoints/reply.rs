//! Replies of the three methods that move money.
//!
//! Most of what encoding `Ok(block)` costs is the description of its type, which is the same every time. It is made
//! once, at install and after upgrades, and followed by the number.

use candid::{CandidType, Nat, encode_one};
use icrc_ledger_types::icrc1::transfer::TransferError;
use icrc_ledger_types::icrc2::approve::ApproveError;
use icrc_ledger_types::icrc2::transfer_from::TransferFromError;
use std::cell::OnceCell;
use std::marker::PhantomData;
use std::thread::LocalKey;

/// The encoding of `Ok(0)` without its last byte, the number.
type Beginning = OnceCell<Option<Vec<u8>>>;

thread_local! {
    static TRANSFER: Beginning = const { OnceCell::new() };
    static APPROVE: Beginning = const { OnceCell::new() };
    static TRANSFER_FROM: Beginning = const { OnceCell::new() };
}

/// An error type whose successes begin in the same way.
pub trait Failure: CandidType {
    /// Where that beginning is kept.
    const KEPT: &'static LocalKey<Beginning>;
}

impl Failure for TransferError {
    const KEPT: &'static LocalKey<Beginning> = &TRANSFER;
}

impl Failure for ApproveError {
    const KEPT: &'static LocalKey<Beginning> = &APPROVE;
}

impl Failure for TransferFromError {
    const KEPT: &'static LocalKey<Beginning> = &TRANSFER_FROM;
}

/// Makes the beginnings, so that no call pays for it.
pub fn prepare() {
    beginning::<TransferError>();
    beginning::<ApproveError>();
    beginning::<TransferFromError>();
}

/// Replies to the call.
pub fn reply<E: Failure>(result: Result<Nat, E>) -> PhantomData<Result<Nat, E>> {
    ic_cdk::api::msg_reply(encode(result));
    PhantomData
}

fn encode<E: Failure>(result: Result<Nat, E>) -> Vec<u8> {
    let short_cut = match &result {
        Ok(number) => beginning::<E>().and_then(|beginning| complete(beginning, number)),
        Err(_) => None,
    };
    match short_cut {
        Some(bytes) => bytes,
        None => encode_one(result).unwrap_or_else(|error| ic_cdk::trap(error.to_string())),
    }
}

fn complete(mut beginning: Vec<u8>, number: &Nat) -> Option<Vec<u8>> {
    number.encode(&mut beginning).ok()?;
    Some(beginning)
}

fn beginning<E: Failure>() -> Option<Vec<u8>> {
    E::KEPT.with(|kept| kept.get_or_init(make_beginning::<E>).clone())
}

fn make_beginning<E: Failure>() -> Option<Vec<u8>> {
    let mut bytes = encode_one(Ok::<Nat, E>(Nat::from(0u8))).ok()?;
    (bytes.pop() == Some(0)).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_those_of_the_general_encoder() {
        fn check<E: Failure>() {
            for number in [0, 1, 127, 128, 300, u64::MAX] {
                let ok = || Ok::<Nat, E>(Nat::from(number));
                assert_eq!(encode(ok()), encode_one(ok()).unwrap());
            }
        }
        check::<TransferError>();
        check::<ApproveError>();
        check::<TransferFromError>();
        let error: Result<Nat, TransferFromError> = Err(TransferFromError::TooOld);
        assert_eq!(encode(error.clone()), encode_one(error).unwrap());
    }
}
