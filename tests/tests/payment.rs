//! A paid token deployment on canister wasm: delivered, refused, refunded, repeated, interrupted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails here says enough")]

use cairn::platform::{Order, Platform, account, token, user};
use cairn_events::kind::Effect;
use cairn_events::payload::{Account, Evidence, Subaccount};
use cairn_events::{Amount, DeploymentId, Event, Hash, Payload, Principal, Stream};
use cairn_kit::api::backend::{
    BackendError, BackendRequestError, BackendTemporaryError, ConfigEntry, DeploymentStatus, DeploymentView, Quote,
    ServiceHealth, ServiceSetupStatus, StateCheck, SystemStatus,
};
use cairn_kit::api::host::Reflected;
use cairn_kit::api::ledger::{LedgerArg, UpgradeArgs};
use cairn_projections::Page;
use cairn_projections::deployments::Deployment;
use cairn_tests::invariants::{self, End};
use cairn_tests::witness::witness;
use candid::Nat;
use localnet::{Fault, MessageKind, RejectCode};
use std::sync::{LazyLock, Mutex, PoisonError};

/// A platform, booted once; every test has a fork of its own.
static BOOTED: LazyLock<Mutex<Platform>> = LazyLock::new(|| {
    let mut platform = Platform::boot(21).unwrap();
    platform.afford(user("buyer"), 1).unwrap();
    platform.settle().unwrap();
    Mutex::new(platform)
});

/// A platform with a buyer who can afford one token.
fn open() -> (Platform, Principal) {
    let booted = BOOTED.lock().unwrap_or_else(PoisonError::into_inner);
    (booted.fork(), user("buyer"))
}

fn order(platform: &Platform, owner: Principal) -> Order {
    platform.order(token(owner, "Example", "EXA"))
}

fn buy(platform: &mut Platform, owner: Principal, id: &str) -> Result<DeploymentView, BackendError> {
    let order = order(platform, owner);
    platform.create_token(owner, order, id).unwrap()
}

fn escrow(platform: &Platform, id: DeploymentId) -> Account {
    Account { owner: platform.backend, subaccount: Some(Subaccount(id.escrow_subaccount())) }
}

fn balance(platform: &mut Platform, of: Account) -> Amount {
    platform.balance(of).unwrap()
}

fn stream(platform: &mut Platform, id: DeploymentId) -> Vec<Event> {
    let of = |event: &&Event| event.stream == Stream::Deployment(id);
    platform.events().unwrap().iter().filter(of).cloned().collect()
}

fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.payload.kind().btype().trim_start_matches("cairn_")).collect()
}

const DELIVERED: [&str; 7] = [
    "deployment_requested",
    "payment_intended",
    "payment_captured",
    "deployment_dispatched",
    "delivery_committed",
    "release_intended",
    "escrow_released",
];

/// Brings the platform to rest; no invariant may be violated, and the one deployment has ended.
fn end(platform: &mut Platform) -> End {
    platform.net.clear_faults();
    platform.settle().unwrap();
    let world = witness(platform).unwrap();
    let violations = invariants::violations(&world);
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    let ends = invariants::ends(&world.events);
    assert_eq!(ends.len(), 1);
    *ends.values().next().unwrap()
}

/// Nothing was logged and nothing moved.
fn untouched<T>(platform: &mut Platform, owner: Principal, act: impl FnOnce(&mut Platform) -> T) -> T {
    let before =
        (platform.events().unwrap().len(), balance(platform, account(owner)), platform.blocks().unwrap().len());
    let result = act(platform);
    platform.net.run_until_idle(1_000);
    let after = (platform.events().unwrap().len(), balance(platform, account(owner)), platform.blocks().unwrap().len());
    assert_eq!(before, after);
    result
}

fn refusal(result: Result<DeploymentView, BackendError>) -> BackendRequestError {
    match result {
        Err(BackendError::Request(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_is_paid_delivered_and_released() {
    let (mut platform, buyer) = open();
    let (price, cost) = (platform.price, platform.cost());
    let before = balance(&mut platform, account(buyer));
    let quote: Result<Quote, BackendError> =
        platform.net.update(platform.backend, buyer, "getQuote", ("token_factory",)).unwrap();
    let quote = quote.unwrap();
    assert_eq!((quote.price, quote.required_allowance, quote.template), (price, cost, Some(platform.template)));
    let record = buy(&mut platform, buyer, "one").unwrap();
    let DeploymentStatus::Delivered { contract, released: true } = record.status else { panic!("{record:?}") };
    assert_eq!(record.id, platform.deployment_id(buyer, "one"));
    assert_eq!(kinds(&stream(&mut platform, record.id)), DELIVERED);
    assert_eq!(end(&mut platform), End::Delivered);
    let treasury = platform.treasury;
    assert_eq!(balance(&mut platform, treasury), price);
    assert_eq!(balance(&mut platform, account(buyer)).0, before.0 - cost.0);
    let held = platform.balance_at(contract, account(buyer)).unwrap();
    assert_eq!(held, token(buyer, "", "").total_supply);
    let mine: Result<Reflected<Page<Deployment>>, BackendError> =
        platform.net.query(platform.backend, buyer, "getMyDeployments", (None::<()>, 10_u32)).unwrap();
    let rows = mine.unwrap().content.rows;
    assert_eq!((rows.len(), rows[0].id, rows[0].contract), (1, record.id, Some(contract)));
}

#[test]
fn the_same_request_is_the_same_deployment() {
    let (mut platform, buyer) = open();
    platform.afford(buyer, 2).unwrap();
    let record = buy(&mut platform, buyer, "one").unwrap();
    platform.settle().unwrap();
    let again = untouched(&mut platform, buyer, |platform| buy(platform, buyer, "one").unwrap());
    assert_eq!(again, record);
    let mut other = order(&platform, buyer);
    other.token.name = "Another".to_owned();
    let refused = untouched(&mut platform, buyer, |platform| platform.create_token(buyer, other, "one").unwrap());
    assert_eq!(refusal(refused), BackendRequestError::RequestIdReused { deployment: record.id });
    // Another person's request of the same name is another deployment.
    let stranger = user("stranger");
    platform.afford(stranger, 1).unwrap();
    assert_ne!(buy(&mut platform, stranger, "one").unwrap().id, record.id);
}

#[test]
fn concurrent_repetitions_pay_once() {
    let (mut platform, buyer) = open();
    platform.afford(buyer, 3).unwrap();
    let asked = order(&platform, buyer);
    let calls: Vec<_> = (0..3).map(|_| platform.submit_create_token(buyer, asked.clone(), "one")).collect();
    platform.net.run_until_idle(1_000);
    let answers: Vec<_> = calls.iter().map(|call| platform.answer(call).unwrap().unwrap()).collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(
        answers
            .iter()
            .flat_map(|answer| answer.as_ref().err())
            .all(|error| *error == BackendTemporaryError::Busy.into())
    );
    assert_eq!(end(&mut platform), End::Delivered);
}

#[test]
fn what_is_missing_is_said_before_anything_happens() {
    let (mut platform, buyer) = open();
    let (price, ledger_fee, required) = (platform.price, platform.ledger_fee, platform.cost());
    let allowance = Amount(required.0 - 1);
    platform.approve(buyer, allowance).unwrap();
    let refused = untouched(&mut platform, buyer, |platform| buy(platform, buyer, "one"));
    let missing = Amount(1);
    let expected = BackendRequestError::AllowanceShort { allowance, required, price, ledger_fee, missing };
    assert_eq!(refusal(refused), expected);
    platform.approve(buyer, required).unwrap();
    let balance = balance(&mut platform, account(buyer));
    let missing = Amount(required.0 - balance.0);
    let refused = untouched(&mut platform, buyer, |platform| buy(platform, buyer, "one"));
    let expected = BackendRequestError::BalanceShort { balance, required, price, ledger_fee, missing };
    assert_eq!(refusal(refused), expected);
    // Once it is there, the same request goes through.
    platform.fund(buyer, missing).unwrap();
    assert!(buy(&mut platform, buyer, "one").is_ok());
    assert_eq!(end(&mut platform), End::Delivered);
}

#[test]
fn bad_requests_change_nothing() {
    let (mut platform, buyer) = open();
    let refused = |platform: &mut Platform, who: Principal, change: &dyn Fn(&mut Order)| {
        let mut order = order(platform, buyer);
        change(&mut order);
        untouched(platform, buyer, |platform| platform.create_token(who, order, "one").unwrap())
    };
    let none = |_: &mut Order| ();
    assert_eq!(refusal(refused(&mut platform, Principal::anonymous(), &none)), BackendRequestError::Anonymous);
    let found = user("no ledger");
    let other_ledger = refusal(refused(&mut platform, buyer, &|order| order.agreed.ledger = found));
    assert_eq!(other_ledger, BackendRequestError::TokenNotAccepted { found, accepted: platform.ledger });
    let (price, max_price) = (platform.price, Amount(platform.price.0 - 1));
    let dear = refusal(refused(&mut platform, buyer, &|order| order.agreed.max_price = max_price));
    assert_eq!(dear, BackendRequestError::PriceAboveMaximum { price, max_price });
    let quoted = Hash([1; 32]);
    let changed = refusal(refused(&mut platform, buyer, &|order| order.agreed.template = Some(quoted)));
    assert_eq!(changed, BackendRequestError::TemplateChanged { quoted, actual: platform.template });
    for (field, change) in [
        ("token.symbol", (&|order: &mut Order| order.token.symbol = "lower".to_owned()) as &dyn Fn(&mut Order)),
        ("token.name", &|order: &mut Order| order.token.name = "x".repeat(100_000)),
        ("token.logo", &|order: &mut Order| order.token.logo = Some("x".repeat(500_000))),
        ("token.decimals", &|order: &mut Order| order.token.decimals = 255),
        ("token.initial_balances", &|order: &mut Order| order.token.total_supply = Amount(99_999_999_999_999)),
        ("token.total_supply", &|order: &mut Order| order.token.total_supply = Amount(u128::MAX)),
    ] {
        match refusal(refused(&mut platform, buyer, change)) {
            BackendRequestError::Invalid { field: named, .. } => assert_eq!(named, field),
            other => panic!("{other:?}"),
        }
    }
    // The minting account of the fee token is the admin's: what it "pays" would be minted.
    let (admin, backend) = (platform.admin, platform.backend);
    platform.approve(admin, Amount(1)).unwrap_err();
    assert!(matches!(refusal(refused(&mut platform, admin, &none)), BackendRequestError::Invalid { .. }));
    let malformed = platform.net.update_raw(backend, buyer, "createToken", vec![1, 2, 3]);
    assert!(malformed.is_err());
    // After all that, the buyer is served.
    assert!(buy(&mut platform, buyer, "one").is_ok());
}

#[test]
fn switches_are_obeyed() {
    let (mut platform, buyer) = open();
    platform.configure("system.maintenance_mode", "true").unwrap();
    assert_eq!(buy(&mut platform, buyer, "one"), Err(BackendTemporaryError::Maintenance.into()));
    platform.configure("system.maintenance_mode", "false").unwrap();
    platform.configure("token_factory.enabled", "false").unwrap();
    let service = "token_factory".to_owned();
    assert_eq!(buy(&mut platform, buyer, "one"), Err(BackendTemporaryError::ServiceDisabled { service }.into()));
    platform.configure("token_factory.enabled", "true").unwrap();
    let (backend, low) = (platform.backend, (platform.ledger_fee.0 * 20 - 1).to_string());
    let setting = |platform: &mut Platform, who: Principal, key: &str, value: &str| -> Result<(), BackendError> {
        platform.net.update(backend, who, "adminSetConfigValue", (key, value)).unwrap()
    };
    let admin = platform.admin;
    for (key, value) in [("token_factory.fee", low.as_str()), ("system.version", "2"), ("token_factory.fee", "x")] {
        let refused = setting(&mut platform, admin, key, value);
        assert!(matches!(refused, Err(BackendError::Request(BackendRequestError::Invalid { .. }))), "{refused:?}");
    }
    let refused = setting(&mut platform, buyer, "token_factory.fee", "1");
    assert_eq!(refused, Err(BackendRequestError::Unauthorized { caller: buyer }.into()));
    let recorded = |event: &&Event| matches!(event.payload, Payload::Refused(_));
    assert_eq!(platform.events().unwrap().iter().filter(recorded).count(), 3, "the admin's, not the stranger's");
    let all: Vec<ConfigEntry> = platform.net.query(backend, Principal::anonymous(), "getAllConfigValues", ()).unwrap();
    let fee = all.iter().find(|entry| entry.key == "token_factory.fee").unwrap();
    assert_eq!(fee.value, Some(platform.price.0.to_string()));
    assert!(buy(&mut platform, buyer, "one").is_ok());
}

/// Keeps the factory from being reached, so often that the deadline passes.
fn cut_off(platform: &mut Platform) {
    for _ in 0..40 {
        platform.net.inject(Fault::reject(RejectCode::SysTransient).method("createContract"));
    }
}

#[test]
fn what_cannot_be_delivered_is_paid_back() {
    let (mut platform, buyer) = open();
    let before = balance(&mut platform, account(buyer));
    cut_off(&mut platform);
    let record = buy(&mut platform, buyer, "one").unwrap();
    assert_eq!(record.status, DeploymentStatus::Delivering);
    let held = escrow(&platform, record.id);
    assert_eq!(balance(&mut platform, held).0, platform.price.0 + platform.ledger_fee.0);
    (0..130).for_each(|_| platform.pass(15));
    assert_eq!(end(&mut platform), End::Refunded);
    let events = stream(&mut platform, record.id);
    assert_eq!(kinds(&events)[4..], ["deployment_abandoned", "refund_intended", "refund_paid"]);
    assert_eq!(balance(&mut platform, account(buyer)).0, before.0 - 2 * platform.ledger_fee.0);
    assert_eq!(balance(&mut platform, held), Amount(0));
    let view = platform.deployment(buyer, record.id).unwrap();
    assert!(matches!(view.status, DeploymentStatus::Refunded { block: Some(_), .. }), "{view:?}");
    // The same request stays refunded; a new one is delivered.
    assert_eq!(buy(&mut platform, buyer, "one").unwrap(), view);
    platform.afford(buyer, 1).unwrap();
    assert!(matches!(buy(&mut platform, buyer, "two").unwrap().status, DeploymentStatus::Delivered { .. }));
}

#[test]
fn a_lost_reply_of_the_factory_is_no_refund() {
    let (mut platform, buyer) = open();
    // The factory delivers; the backend's callback traps, and then the factory cannot be reached until the deadline.
    let callback = Fault::trap().method("createContract").kind(MessageKind::ReplyCallback);
    platform.net.inject(callback);
    let asked = order(&platform, buyer);
    let _ = platform.create_token(buyer, asked, "one");
    cut_off(&mut platform);
    (0..130).for_each(|_| platform.pass(15));
    assert_eq!(end(&mut platform), End::Delivered);
    let id = platform.deployment_id(buyer, "one");
    assert_eq!(kinds(&stream(&mut platform, id)), DELIVERED);
    let view = platform.deployment(buyer, id).unwrap();
    assert!(matches!(view.status, DeploymentStatus::Delivered { released: true, .. }), "{view:?}");
}

/// The outcome of an effect in a deployment's stream.
fn evidence(platform: &mut Platform, id: DeploymentId, effect: Effect) -> Option<Evidence> {
    stream(platform, id).into_iter().find_map(|event| match (event.payload, effect) {
        (Payload::PaymentCaptured(settled), Effect::Payment)
        | (Payload::EscrowReleased(settled), Effect::Release)
        | (Payload::RefundPaid(settled), Effect::Refund) => Some(settled.evidence),
        _ => None,
    })
}

#[test]
fn a_lost_reply_of_the_ledger_is_a_duplicate() {
    for (method, effect) in [("icrc2_transfer_from", Effect::Payment), ("icrc1_transfer", Effect::Release)] {
        let (mut platform, buyer) = open();
        let backend = platform.backend;
        let lost =
            Fault::reject(RejectCode::SysUnknown).method(method).caller(backend).kind(MessageKind::ReplyCallback);
        platform.net.inject(lost);
        let record = buy(&mut platform, buyer, "one").unwrap();
        assert!(!matches!(record.status, DeploymentStatus::Delivered { released: true, .. }));
        assert_eq!(end(&mut platform), End::Delivered);
        assert_eq!(evidence(&mut platform, record.id, effect), Some(Evidence::Duplicate), "{method}");
    }
}

#[test]
fn what_the_ledger_has_forgotten_the_balance_tells() {
    for (method, effect) in [("icrc2_transfer_from", Effect::Payment), ("icrc1_transfer", Effect::Release)] {
        let (mut platform, buyer) = open();
        let (backend, admin) = (platform.backend, platform.admin);
        let lost =
            Fault::reject(RejectCode::SysUnknown).method(method).caller(backend).kind(MessageKind::ReplyCallback);
        platform.net.inject(lost);
        let record = buy(&mut platform, buyer, "one").unwrap();
        // Nobody can repeat it before the ledger has forgotten it.
        platform.net.stop(backend, admin).unwrap();
        platform.pass(26 * 3_600);
        platform.net.start_canister(backend, admin).unwrap();
        assert_eq!(end(&mut platform), End::Delivered);
        assert_eq!(evidence(&mut platform, record.id, effect), Some(Evidence::Balance), "{method}");
    }
}

#[test]
fn a_payment_that_never_arrived_is_closed_by_the_balance_too() {
    let (mut platform, buyer) = open();
    let before = balance(&mut platform, account(buyer));
    let (backend, admin) = (platform.backend, platform.admin);
    // Unknown to the backend, though the ledger never saw it.
    platform.net.inject(Fault::reject(RejectCode::SysUnknown).method("icrc2_transfer_from").caller(backend));
    let record = buy(&mut platform, buyer, "one").unwrap();
    assert_eq!(record.status, DeploymentStatus::Paying);
    platform.net.stop(backend, admin).unwrap();
    platform.pass(26 * 3_600);
    platform.net.start_canister(backend, admin).unwrap();
    assert_eq!(end(&mut platform), End::NotCaptured);
    assert_eq!(balance(&mut platform, account(buyer)), before);
    assert_eq!(
        kinds(&stream(&mut platform, record.id)),
        ["deployment_requested", "payment_intended", "payment_failed"]
    );
}

#[test]
fn donations_are_nobodys_and_change_nothing() {
    let (mut platform, buyer) = open();
    cut_off(&mut platform);
    let record = buy(&mut platform, buyer, "one").unwrap();
    let (held, donor, donation) = (escrow(&platform, record.id), user("donor"), Amount(123_456));
    platform.fund(donor, Amount(donation.0 + platform.ledger_fee.0)).unwrap();
    platform.transfer(donor, held, donation).unwrap();
    (0..130).for_each(|_| platform.pass(15));
    assert_eq!(end(&mut platform), End::Refunded);
    assert_eq!(balance(&mut platform, held), donation);
}

#[test]
fn a_private_reference_is_in_no_event() {
    let (mut platform, buyer) = open();
    let mut asked = order(&platform, buyer);
    asked.billing_reference = Some("cost centre 4711".to_owned());
    let record = platform.create_token(buyer, asked, "one").unwrap().unwrap();
    let exported = platform.export().unwrap();
    let secret = b"cost centre 4711";
    assert!(!exported.windows(secret.len()).any(|window| window == secret));
    let events = stream(&mut platform, record.id);
    let Payload::DeploymentRequested(request) = &events[0].payload else { panic!() };
    let (audit, arguments) = (platform.audit, (events[0].index, request.billing.unwrap()));
    type Answer = Result<Option<cairn_events::Opening>, cairn_kit::api::audit::AuditError>;
    let own: Answer = platform.net.query(audit, buyer, "getOpening", arguments).unwrap();
    let opening = own.unwrap().unwrap();
    assert_eq!((opening.content.as_slice(), opening.commitment()), (&secret[..], request.billing.unwrap()));
    let other: Answer = platform.net.query(audit, user("stranger"), "getOpening", arguments).unwrap();
    assert!(!matches!(other, Ok(Some(_))));
}

#[test]
fn the_backend_can_be_upgraded_at_any_moment() {
    let (opened, buyer) = open();
    for rounds in 1..40 {
        let mut platform = opened.fork();
        let asked = order(&platform, buyer);
        platform.submit_create_token(buyer, asked.clone(), "one");
        (0..rounds).for_each(|_| platform.net.tick());
        platform.upgrade("backend", platform.backend).unwrap();
        platform.settle().unwrap();
        // What was recorded goes on by itself; what was not is nothing, and can be asked for again.
        let id = platform.deployment_id(buyer, "one");
        if stream(&mut platform, id).is_empty() {
            assert!(platform.create_token(buyer, asked, "one").unwrap().is_ok(), "after {rounds} rounds");
        }
        assert_eq!(end(&mut platform), End::Delivered, "after {rounds} rounds");
    }
}

/// New code for the ledger, and a new fee.
fn change_fee(platform: &mut Platform, fee: u128) {
    let arg = LedgerArg::Upgrade(Some(UpgradeArgs { transfer_fee: Some(Nat::from(fee)), ..UpgradeArgs::default() }));
    let (ledger, admin, module) = (platform.ledger, platform.admin, cairn::artifacts::wasm("token").unwrap());
    platform.net.upgrade(ledger, admin, &module, candid::encode_one(arg).unwrap()).unwrap();
}

#[test]
fn a_fee_raised_in_between_is_taken_from_the_escrow() {
    let (mut platform, buyer) = open();
    cut_off(&mut platform);
    let record = buy(&mut platform, buyer, "one").unwrap();
    let before = balance(&mut platform, account(buyer));
    let raised = platform.ledger_fee.0 * 3;
    change_fee(&mut platform, raised);
    (0..130).for_each(|_| platform.pass(15));
    assert_eq!(end(&mut platform), End::Refunded);
    let paid_back = platform.price.0 + platform.ledger_fee.0 - raised;
    assert_eq!(balance(&mut platform, account(buyer)).0, before.0 + paid_back);
    let held = escrow(&platform, record.id);
    assert_eq!(balance(&mut platform, held), Amount(0));
    let events = stream(&mut platform, record.id);
    assert_eq!(kinds(&events)[5..], ["refund_intended", "refund_failed", "refund_intended", "refund_paid"]);
}

#[test]
fn the_state_folded_anew_is_the_state_in_force() {
    let (mut platform, buyer) = open();
    platform.afford(buyer, 2).unwrap();
    cut_off(&mut platform);
    buy(&mut platform, buyer, "one").unwrap();
    platform.net.clear_faults();
    buy(&mut platform, buyer, "two").unwrap();
    let (backend, admin) = (platform.backend, platform.admin);
    let stranger: Result<(), BackendError> = platform.net.update(backend, buyer, "checkState", ()).unwrap();
    assert_eq!(stranger, Err(BackendRequestError::Unauthorized { caller: buyer }.into()));
    platform.call::<(), BackendError>(backend, admin, "checkState", ()).unwrap();
    platform.pass(60);
    let check: Option<StateCheck> = platform.net.query(backend, buyer, "getStateCheck", ()).unwrap();
    let result = check.unwrap().result.unwrap();
    assert!(result.equal && result.served == result.refolded);
    // The survey of the other canisters, and what everyone sees of it.
    let health: Result<Vec<ServiceHealth>, BackendError> =
        platform.net.update(backend, buyer, "getMicroserviceHealth", ()).unwrap();
    let names: Vec<String> = health.unwrap().into_iter().filter(|row| row.healthy).map(|row| row.name).collect();
    assert_eq!(names, ["audit_storage", "invoice_storage", "token_factory"]);
    let setup: Result<Vec<ServiceSetupStatus>, BackendError> =
        platform.net.update(backend, buyer, "getMicroserviceSetupStatus", ()).unwrap();
    assert!(setup.unwrap().iter().all(|row| row.ready));
    let status: SystemStatus = platform.net.query(backend, buyer, "getSystemStatus", ()).unwrap();
    assert_eq!((status.deployments, status.services_health.len(), status.is_maintenance_mode), (2, 3, false));
}
