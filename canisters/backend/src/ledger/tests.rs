//! Replies of ledgers, as they are understood.

use super::*;

fn reply(result: Result<Nat, TransferFromError>) -> Reply {
    captured(result)
}

#[test]
fn every_reply_of_a_capture_has_a_meaning() {
    use TransferFromError as E;
    let n = |n: u64| Nat::from(n);
    assert_eq!(reply(Ok(n(7))), Reply::Moved(Some(7)));
    assert_eq!(reply(Ok(Nat::from(u64::MAX) + 1u8)), Reply::Moved(None));
    assert_eq!(reply(Err(E::Duplicate { duplicate_of: n(7) })), Reply::Duplicate(Some(7)));
    assert_eq!(reply(Err(E::TooOld)), Reply::TooOld);
    assert!(matches!(reply(Err(E::BadFee { expected_fee: n(1) })), Reply::BadFee(_)));
    assert!(matches!(reply(Err(E::InsufficientFunds { balance: n(1) })), Reply::Short(_)));
    assert!(matches!(reply(Err(E::InsufficientAllowance { allowance: n(1) })), Reply::Short(_)));
    assert!(matches!(reply(Err(E::CreatedInFuture { ledger_time: 1 })), Reply::Later(_)));
    assert!(matches!(reply(Err(E::TemporarilyUnavailable)), Reply::Later(_)));
    assert!(matches!(reply(Err(E::BadBurn { min_burn_amount: n(1) })), Reply::Refused(_)));
    let generic = E::GenericError { error_code: n(1), message: "x".repeat(1000) };
    let Reply::Refused(reason) = reply(Err(generic)) else { panic!() };
    assert!(reason.detail.len() <= Reason::MAX_DETAIL);
}

#[test]
fn every_reply_of_a_payout_has_a_meaning() {
    use TransferError as E;
    let n = |n: u64| Nat::from(n);
    assert_eq!(paid(Ok(n(7))), Reply::Moved(Some(7)));
    assert_eq!(paid(Err(E::Duplicate { duplicate_of: n(7) })), Reply::Duplicate(Some(7)));
    assert_eq!(paid(Err(E::TooOld)), Reply::TooOld);
    assert!(matches!(paid(Err(E::BadFee { expected_fee: n(1) })), Reply::BadFee(_)));
    assert!(matches!(paid(Err(E::InsufficientFunds { balance: n(1) })), Reply::Short(_)));
    assert!(matches!(paid(Err(E::CreatedInFuture { ledger_time: 1 })), Reply::Later(_)));
    assert!(matches!(paid(Err(E::TemporarilyUnavailable)), Reply::Later(_)));
    assert!(matches!(paid(Err(E::BadBurn { min_burn_amount: n(1) })), Reply::Refused(_)));
}

#[test]
fn only_codes_one_to_three_mean_that_nothing_happened() {
    for code in 0..=9 {
        let executed = matches!(lost(&CallFailure::rejected(code, "")), Reply::Unknown(_));
        assert_eq!(executed, !(1..=3).contains(&code), "{code}");
    }
    assert!(matches!(lost(&CallFailure::unsent("")), Reply::NotExecuted(_)));
    assert!(matches!(lost(&CallFailure::undecodable("")), Reply::Unknown(_)));
}

#[test]
fn amounts_beyond_128_bits_are_capped() {
    let beyond = Nat::from(u128::MAX) + 1u8;
    assert_eq!(capped(&beyond), Amount(u128::MAX));
    assert_eq!(exact(&beyond), None);
    assert_eq!(exact(&Nat::from(u128::MAX)), Some(Amount(u128::MAX)));
}
