//! Arguments: whatever is allowed fits into their bounds, and not much more.

use super::{MAX_LIST, MAX_REQUEST};
use crate::campaign::claiming::MAX_PROOF;
use crate::campaign::people::MAX_PEOPLE;
use crate::eligibility::MAX_NAMED;
use cairn_events::payload::{Account, Subaccount};
use cairn_events::{Hash, Principal};
use cairn_kit::api::distribution::{MAX_NOTE, MAX_TOTAL, MerkleClaim, RecipientArgs, RegisterArgs};
use cairn_kit::arguments::decode;
use candid::utils::{ArgumentDecoder, ArgumentEncoder};
use candid::{CandidType, Nat, encode_args};
use std::fmt::Debug;

/// The longest principal.
fn longest() -> Principal {
    Principal::from_slice(&[0xff; 29])
}

fn registration(nfts: usize) -> RegisterArgs {
    RegisterArgs { category: u32::MAX, nfts: vec![(longest(), Nat::from(u128::MAX)); nfts] }
}

fn recipients(people: usize) -> Vec<RecipientArgs> {
    let note = Some("n".repeat(MAX_NOTE));
    vec![RecipientArgs { recipient: longest(), category: u32::MAX, amount: MAX_TOTAL, note }; people]
}

fn fits<T>(arguments: T, max: usize)
where
    T: ArgumentEncoder + for<'a> ArgumentDecoder<'a> + Clone + Debug + PartialEq,
{
    let bytes = encode_args(arguments.clone()).unwrap();
    assert_eq!(decode::<T>(&bytes, max), Ok(arguments));
}

#[test]
fn whatever_is_allowed_fits() {
    let account = Account { owner: longest(), subaccount: Some(Subaccount([0xff; 32])) };
    let proof = vec![Hash([0xff; 32]); MAX_PROOF];
    let claim = MerkleClaim { category: u32::MAX, index: u64::MAX, account, allocation: MAX_TOTAL, proof };
    fits((claim,), MAX_REQUEST);
    fits((registration(MAX_NAMED),), MAX_REQUEST);
    fits((recipients(MAX_PEOPLE),), MAX_LIST);
    fits((vec![(longest(), u32::MAX); MAX_PEOPLE],), MAX_LIST);
    fits((u32::MAX, vec![longest(); MAX_PEOPLE]), MAX_LIST);
}

#[test]
fn what_is_much_too_long_is_not_decoded() {
    /// The argument of `claim`, with an amount of any length.
    #[derive(CandidType)]
    struct Claim {
        category: Option<u32>,
        amount: Option<Nat>,
        to_subaccount: Option<Vec<u8>>,
    }
    let amount = Nat::parse("9".repeat(20_000).as_bytes()).unwrap();
    let claim = Claim { category: None, amount: Some(amount), to_subaccount: None };
    for (bytes, max) in [
        (encode_args((claim,)), MAX_REQUEST),
        (encode_args((registration(10 * MAX_NAMED),)), MAX_REQUEST),
        (encode_args((recipients(2 * MAX_PEOPLE),)), MAX_LIST),
    ] {
        let refused = decode::<()>(&bytes.unwrap(), max).unwrap_err();
        assert!(refused.contains("at most"), "{refused}");
    }
}
