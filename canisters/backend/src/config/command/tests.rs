//! Who has a role, until when, and what it lets them do: on a log that takes whatever it gets.

use super::*;
use crate::memory;
use cairn_events::{Hash, Receipt};
use cairn_kit::api::audit::{AppendArgs, Appended, AuditError, Reserve};
use cairn_kit::journal::JournalConfig;
use cairn_kit::runtime::CallFailure;
use cairn_kit::runtime::testing::{Network, run};
use candid::Nat;
use icrc_ledger_types::icrc1::account::Account as LedgerAccount;
use std::rc::Rc;
use std::time::Duration;

const AUDIT: Principal = Principal::from_slice(&[0xa0]);
const LEDGER: Principal = Principal::from_slice(&[0x1e]);
const CONTROLLER: Principal = Principal::from_slice(&[0xc0]);
const FIRST: Principal = Principal::from_slice(&[1, 1]);
const SECOND: Principal = Principal::from_slice(&[2, 1]);
const AUDITOR: Principal = Principal::from_slice(&[3, 1]);
const STRANGER: Principal = Principal::from_slice(&[4, 1]);

/// The receipts of a batch, whatever is in it.
fn accepted(args: &AppendArgs) -> Result<Appended, AuditError> {
    let hash = Hash([7; 32]);
    let receipt = |seq: u64| Receipt { index: 3 * seq, hash, stream_version: seq, timestamp: Timestamp(seq) };
    let receipts = (args.first_seq..).take(args.submissions.len()).map(receipt).collect();
    Ok(Appended { receipts, reserve: Reserve::default() })
}

/// A backend with two admins.
fn backend() -> Rc<Network> {
    let network = Network::install();
    network.control(CONTROLLER);
    network.respond(|request| match request.method {
        "append" => Ok(candid::encode_one(accepted(&candid::decode_one(&request.args).unwrap())).unwrap()),
        "icrc1_minting_account" => Ok(candid::encode_one(None::<LedgerAccount>).unwrap()),
        other => Err(CallFailure::rejected(3, other)),
    });
    journal::init(JournalConfig { audit: AUDIT, apply: platform::apply, memory: memory::get(memory::JOURNAL) });
    let granted = |admin| Submission::new(admin, Payload::AdminGranted(AdminGranted { admin }));
    run(journal::append(vec![granted(FIRST), granted(SECOND)])).unwrap();
    network
}

fn controller() -> Admin {
    platform::require_controller(CONTROLLER).unwrap()
}

fn admin(person: Principal) -> Admin {
    platform::require_admin(person).unwrap()
}

fn admins() -> Vec<Principal> {
    platform::state(|state| state.admins().all())
}

/// How many events were written.
fn written() -> u64 {
    journal::status().next_seq
}

fn unauthorized(caller: Principal) -> BackendError {
    BackendRequestError::Unauthorized { caller }.into()
}

const ANONYMOUS: BackendError = BackendError::Request(BackendRequestError::Anonymous);
const BUSY: BackendError = BackendError::Temporary(BackendTemporaryError::Busy);

#[test]
fn controllers_turn_out_an_admin() {
    backend();
    for other in [FIRST, SECOND, STRANGER] {
        assert_eq!(platform::require_controller(other), Err(unauthorized(other)));
    }
    assert_eq!(platform::require_controller(Principal::anonymous()), Err(ANONYMOUS));
    let before = written();
    for _ in 0..2 {
        run(revoke_admin(controller(), SECOND)).unwrap();
        run(revoke_admin(controller(), STRANGER)).unwrap();
    }
    assert_eq!((admins(), written()), (vec![FIRST], before + 1));
    assert_eq!(platform::require_admin(SECOND), Err(unauthorized(SECOND)));
    let last = run(revoke_admin(controller(), FIRST));
    assert!(matches!(last, Err(BackendError::Request(BackendRequestError::Invalid { .. }))), "{last:?}");
    assert_eq!(admins(), [FIRST]);
    // Controllers need no admin for naming another one.
    run(add_admin(platform::require_admin_or_controller(CONTROLLER).unwrap(), SECOND)).unwrap();
    run(revoke_admin(controller(), FIRST)).unwrap();
    assert_eq!((admins(), admin(SECOND).principal()), (vec![SECOND], SECOND));
}

#[test]
fn who_is_being_turned_out_decides_nothing_more() {
    let network = backend();
    network.answer(|_| Err(CallFailure::rejected(6, "whether the log has it is not known")));
    let pending = run(revoke_admin(controller(), SECOND));
    assert!(matches!(pending, Err(BackendError::Temporary(_))), "{pending:?}");
    assert_eq!(admins(), [FIRST, SECOND]);
    assert_eq!(platform::require_admin(SECOND), Err(BUSY));
    // Else nobody would be left, or somebody told to be an admin would not be one.
    assert_eq!(run(revoke_admin(controller(), FIRST)), Err(BUSY));
    assert_eq!(run(add_admin(admin(FIRST), SECOND)), Err(BUSY));
    network.advance(Duration::from_secs(60));
    assert_eq!(admins(), [FIRST]);
    assert_eq!(platform::require_admin(SECOND), Err(unauthorized(SECOND)));
}

#[test]
fn what_an_admin_began_is_not_done_after_they_were_turned_out() {
    let network = backend();
    network.answer(|request| {
        assert_eq!((request.to, request.method), (LEDGER, "icrc1_fee"));
        run(revoke_admin(controller(), SECOND)).unwrap();
        Ok(candid::encode_one(Nat::from(10_u8)).unwrap())
    });
    let set = run(set_value(admin(SECOND), "payment.ledger", &LEDGER.to_text()));
    assert_eq!(set, Err(unauthorized(SECOND)));
    assert_eq!(platform::setup().payment.ledger, None);
}

#[test]
fn people_are_told_about_themselves_admins_and_auditors_about_all() {
    let network = backend();
    let until = Timestamp(platform::now().0 + 1_000_000_000);
    run(grant_auditor(admin(FIRST), AUDITOR, until)).unwrap();
    assert_eq!(platform::check_concerned(STRANGER, STRANGER), Ok(()));
    assert_eq!(platform::check_concerned(STRANGER, FIRST), Err(unauthorized(STRANGER)));
    assert_eq!(platform::check_entitled(STRANGER), Err(unauthorized(STRANGER)));
    let anonymous = Principal::anonymous();
    assert_eq!(platform::check_concerned(anonymous, anonymous), Err(ANONYMOUS));
    assert_eq!(platform::check_entitled(anonymous), Err(ANONYMOUS));
    for reader in [FIRST, SECOND, AUDITOR] {
        assert_eq!(platform::check_concerned(reader, STRANGER), Ok(()));
        assert_eq!(platform::check_entitled(reader), Ok(()));
    }
    network.advance(Duration::from_secs(1));
    run(revoke_admin(controller(), SECOND)).unwrap();
    for reader in [SECOND, AUDITOR] {
        assert_eq!(platform::check_concerned(reader, STRANGER), Err(unauthorized(reader)));
        assert_eq!(platform::check_concerned(reader, reader), Ok(()));
        assert_eq!(platform::check_entitled(reader), Err(unauthorized(reader)));
    }
}
