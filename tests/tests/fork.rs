//! The log is replaced by another one, in the middle of a payment: every canister that knows the log raises the alarm,
//! nothing leaves the platform after it, and once the log is back and an admin says so everything goes on.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a test that fails here says enough"
)]

use cairn::artifacts;
use cairn::platform::{Platform, token, user};
use cairn::verify::verify;
use cairn_events::{Payload, Principal, WriterRole};
use cairn_kit::api::audit::{AuditError, AuditInit};
use cairn_kit::api::backend::{BackendError, BackendTemporaryError};
use cairn_kit::api::factory::FactoryError;
use cairn_kit::api::host::{ProjectionStatus, Reflected};
use cairn_kit::api::invoice::InvoiceError;
use cairn_projections::deployments::ProgressCount;
use cairn_tests::explore::Stage;
use cairn_tests::invariants::{self, End};
use cairn_tests::page;
use cairn_tests::rest;
use cairn_tests::witness::witness;
use localnet::explore::{Explorer, Subject as _};
use localnet::management_types::{CanisterSettings, LoadCanisterSnapshotArgs, Snapshot, TakeCanisterSnapshotArgs};
use localnet::{Action, Fault, Incident, MessageKind, Observed, RejectCode};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

/// What is done to the network in the course of the platform's work.
const EFFECTS: [&str; 7] = [
    "icrc1_transfer",
    "icrc2_transfer_from",
    "create_canister",
    "install_code",
    "install_chunked_code",
    "uninstall_code",
    "update_settings",
];

/// Rounds of a payment.
const ROUNDS: u64 = 120;
const DAY: u64 = 24 * 3_600;

/// What becomes of the log.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// The audit canister is installed anew.
    Reinstalled,
    /// It is set back to before the payment.
    RolledBack,
    /// It began as before, went on otherwise, and is as long.
    Replaced,
}

/// When, in the course of a payment.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// The backend has asked all that it must know; nothing is intended yet.
    BeforeCapture,
    /// The price is in escrow, and the log does not know it.
    Captured,
    /// The token is installed, and the log does not know it.
    Installed,
    /// A refund is intended; the ledger could not be reached, so that it is to be tried again.
    Refunding,
}

const WAYS: [Way; 3] = [Way::Reinstalled, Way::RolledBack, Way::Replaced];

/// A platform at rest on which somebody has bought, and somebody is about to.
static OPENED: LazyLock<std::sync::Mutex<Platform>> = LazyLock::new(|| {
    let mut platform = Platform::boot(61).unwrap();
    for name in ["first", "second", "third"] {
        platform.afford(user(name), 1).unwrap();
    }
    ask(&mut platform, "first");
    platform.settle().unwrap();
    std::sync::Mutex::new(platform)
});

fn open() -> Platform {
    OPENED.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fork()
}

fn ask(platform: &mut Platform, name: &str) {
    let order = platform.order(token(user(name), "Alarming", "ALRM"));
    let _ = platform.submit_create_token(user(name), order, "only");
}

/// The canisters that know the log.
fn knowing(platform: &Platform) -> [Principal; 3] {
    [platform.backend, platform.factory, platform.invoices]
}

/// Runs until this method was called.
fn run_until(platform: &mut Platform, method: &str) {
    platform.net.observe();
    let before = platform.net.observed().len();
    for _ in 0..ROUNDS {
        if platform.net.observed()[before..].iter().any(|observed| observed.message.method == method) {
            return;
        }
        platform.net.tick();
    }
    panic!("{method} was not called");
}

/// Goes on to the moment. Before the payment there is something that everyone hears of.
fn go_to(platform: &mut Platform, moment: Moment) {
    platform.configure("system.maintenance_mode", "true").unwrap();
    platform.configure("system.maintenance_mode", "false").unwrap();
    platform.pass(10);
    let unreachable = |method: &str| Fault::reject(RejectCode::SysTransient).method(method);
    if matches!(moment, Moment::Refunding) {
        // The factory cannot be reached until the deadline, the ledger not at the first attempt to refund.
        (0..12).for_each(|_| platform.net.inject(unreachable("createContract")));
        platform.net.inject(unreachable("icrc1_transfer"));
    }
    ask(platform, "second");
    match moment {
        Moment::BeforeCapture => run_until(platform, "icrc2_allowance"),
        Moment::Captured => run_until(platform, "icrc2_transfer_from"),
        Moment::Installed => run_until(platform, "install_chunked_code"),
        Moment::Refunding => {
            let struck = |platform: &Platform| {
                platform.net.struck_faults().iter().any(|fault| fault.method.as_deref() == Some("icrc1_transfer"))
            };
            for _ in 0..60 {
                platform.pass(60);
                if struck(platform) {
                    break;
                }
            }
            assert!(struck(platform), "no refund was attempted");
            platform.net.clear_faults();
        }
    }
}

/// A log that began like the true one, and went on otherwise until it had so many events: as a snapshot. Nobody sees it.
fn forge(platform: &mut Platform, events: u64) -> Vec<u8> {
    let (audit, admin) = (platform.audit, platform.admin);
    knowing(platform).into_iter().for_each(|id| platform.net.stop(id, admin).unwrap());
    let truth = platform.net.take_snapshot(audit, admin).unwrap();
    let mut size = platform.tip().unwrap().size;
    while size < events {
        let arguments = (user(&format!("forged {size}")), WriterRole::Host);
        platform.call::<(), AuditError>(audit, admin, "registerWriter", arguments).unwrap();
        size = platform.tip().unwrap().size;
    }
    let forged = platform.net.take_snapshot(audit, admin).unwrap();
    platform.net.load_snapshot(audit, admin, &truth).unwrap();
    knowing(platform).into_iter().for_each(|id| platform.net.start_canister(id, admin).unwrap());
    forged
}

/// Loads another log; the true one as a snapshot. Nothing happens between the two.
fn swap(platform: &mut Platform, other: &[u8]) -> Vec<u8> {
    let (audit, admin, management) = (platform.audit, platform.admin, Principal::management_canister());
    let take = TakeCanisterSnapshotArgs {
        canister_id: audit,
        replace_snapshot: None,
        uninstall_code: None,
        sender_canister_version: None,
    };
    let load =
        LoadCanisterSnapshotArgs { canister_id: audit, snapshot_id: other.to_vec(), sender_canister_version: None };
    let taken = platform.net.submit(management, admin, "take_canister_snapshot", (take,));
    let loaded = platform.net.submit(management, admin, "load_canister_snapshot", (load,));
    platform.net.tick();
    platform.net.poll::<()>(&loaded).unwrap().unwrap();
    platform.net.poll::<Snapshot>(&taken).unwrap().unwrap().id
}

/// Makes another log of the one there is; the true one as a snapshot.
type Become = Box<dyn Fn(&mut Platform) -> Vec<u8>>;

/// A payment at the moment, with what the log will become.
fn at(way: Way, moment: Moment) -> (Platform, Become) {
    let mut platform = open();
    let (audit, admin, money_writer) = (platform.audit, platform.admin, platform.backend);
    let become_other: Become = match way {
        Way::Reinstalled => {
            let (wasm, init) = (artifacts::wasm("audit_storage").unwrap(), AuditInit { money_writer });
            let init = candid::encode_one(init).unwrap();
            Box::new(move |platform: &mut Platform| {
                let truth = platform.net.take_snapshot(audit, admin).unwrap();
                platform.net.reinstall(audit, admin, &wasm, init.clone()).unwrap();
                truth
            })
        }
        Way::RolledBack | Way::Replaced => {
            let mut rehearsal = platform.fork();
            forge(&mut rehearsal, 0);
            go_to(&mut rehearsal, moment);
            let length = rehearsal.tip().unwrap().size;
            let snapshot = forge(&mut platform, if matches!(way, Way::Replaced) { length } else { 0 });
            Box::new(move |platform: &mut Platform| swap(platform, &snapshot))
        }
    };
    go_to(&mut platform, moment);
    (platform, become_other)
}

fn get(platform: &mut Platform, of: Principal, url: &str) -> (u16, String) {
    page::get(&mut platform.net, of, url).unwrap()
}

fn is_alarmed(platform: &mut Platform, id: Principal) -> bool {
    get(platform, id, "/metrics").1.contains("\njournal_fork_alarm 1\n")
}

fn is_effect(observed: &Observed) -> bool {
    observed.message.kind == MessageKind::Request && EFFECTS.contains(&observed.message.method.as_str())
}

/// Effects on the outside among what was observed from a place on.
fn effects(platform: &Platform, from: usize) -> Vec<String> {
    let all = platform.net.observed().iter().skip(from).filter(|observed| is_effect(observed));
    all.map(|observed| format!("{} by {}", observed.message.method, observed.message.caller)).collect()
}

/// Ledger and canisters, as everyone sees them.
fn outside(platform: &mut Platform) -> impl PartialEq + use<> {
    let canisters = platform.net.canisters();
    let canisters: Vec<_> =
        canisters.into_iter().map(|id| (id, platform.net.module_hash(id), platform.net.controllers(id))).collect();
    (platform.blocks().unwrap().len(), canisters)
}

fn acknowledge(platform: &mut Platform) -> Vec<Result<(), String>> {
    let (admin, method) = (platform.admin, "acknowledgeForkAlarm");
    let [backend, factory, invoices] = knowing(platform);
    vec![
        platform.call::<(), BackendError>(backend, admin, method, ()).map_err(|error| format!("{error:#}")),
        platform.call::<(), FactoryError>(factory, admin, method, ()).map_err(|error| format!("{error:#}")),
        platform.call::<(), InvoiceError>(invoices, admin, method, ()).map_err(|error| format!("{error:#}")),
    ]
}

/// The alarm is raised in all of them, shown everywhere, and outlives an upgrade.
fn is_shown(platform: &mut Platform, what: &str) {
    for (package, id) in platform.canisters().into_iter().filter(|(package, _)| !package.starts_with("audit")) {
        if package != "token" {
            platform.upgrade(package, id).unwrap();
            assert!(is_alarmed(platform, id), "{what}: {package} raises no alarm");
            let (status, page) = get(platform, id, "/health");
            assert!(status == 503 && page.contains("fork alarm"), "{what}: {package}: {page}");
        }
    }
    for (name, _) in platform.hosts() {
        let status: ProjectionStatus = platform.projection(name).unwrap();
        assert!(status.parked.is_some(), "{what}: {name} is served as if it followed the log");
    }
    let counts: Result<Reflected<Vec<ProgressCount>>, BackendError> =
        platform.net.query(platform.backend, Principal::anonymous(), "getDeploymentCounts", ()).unwrap();
    assert!(counts.unwrap().halted.is_some(), "{what}");
}

/// After the log became another one: what was on its way arrives, then nothing more happens on the outside.
fn stands_still(platform: &mut Platform, what: &str) {
    platform.net.observe();
    platform.net.tick();
    let (from, before) = (platform.net.observed().len(), outside(platform));
    platform.pass(30);
    is_shown(platform, what);
    let order = platform.order(token(user("third"), "Refused", "RFSD"));
    let refusal = platform.create_token(user("third"), order, "only").unwrap();
    assert!(matches!(refusal, Err(BackendError::Temporary(BackendTemporaryError::ForkAlarm { .. }))), "{refusal:?}");
    (0..3).for_each(|_| platform.pass(3_600));
    platform.pass(DAY);
    for refused in acknowledge(platform) {
        assert!(refused.is_err(), "{what}: acknowledged, though the log is another one");
    }
    platform.pass(60);
    assert_eq!(effects(platform, from), Vec::<String>::new(), "{what}");
    assert!(outside(platform) == before, "{what}: ledger or canisters changed");
}

/// The log is the one that it was, and an admin says so.
fn goes_on(platform: &mut Platform, truth: &[u8], what: &str) {
    let (audit, admin) = (platform.audit, platform.admin);
    platform.net.load_snapshot(audit, admin, truth).unwrap();
    let from = platform.net.observed().len();
    platform.pass(3_600);
    assert_eq!(effects(platform, from), Vec::<String>::new(), "{what}: nobody has acknowledged the alarm");
    assert_eq!(acknowledge(platform), vec![Ok(()); 3], "{what}");
    assert_eq!(acknowledge(platform), vec![Ok(()); 3], "{what}: again");
    for id in knowing(platform) {
        assert!(!is_alarmed(platform, id) && get(platform, id, "/health").0 == 200, "{what}");
    }
    platform.settle().unwrap_or_else(|error| panic!("{what}: {error}"));
    let world = witness(platform).unwrap();
    assert_eq!(invariants::violations(&world), Vec::<String>::new(), "{what}");
    let unrest = rest::unrest(platform).unwrap();
    assert_eq!(unrest, Vec::<String>::new(), "{what}");
    let acknowledged: Vec<Principal> = world
        .events
        .iter()
        .filter(|event| matches!(event.payload, Payload::ForkAlarmAcknowledged(_)))
        .map(|event| event.source)
        .collect();
    assert_eq!(acknowledged, knowing(platform), "{what}: one event each");
    verify(&platform.export().unwrap(), &platform.policy()).unwrap();
    let ends = invariants::ends(&world.events);
    assert!(
        ends.values().all(|end| matches!(end, End::Delivered | End::Refunded | End::NotCaptured)),
        "{what}: {ends:?}"
    );
}

fn alarms_in(moment: Moment) {
    for way in WAYS {
        let what = format!("{way:?}, {moment:?}");
        let (mut platform, become_other) = at(way, moment);
        let length = platform.tip().unwrap().size;
        let truth = become_other(&mut platform);
        if matches!(way, Way::Replaced) {
            assert_eq!(platform.tip().unwrap().size, length, "{what}");
        }
        stands_still(&mut platform, &what);
        goes_on(&mut platform, &truth, &what);
    }
}

#[test]
fn a_log_that_changes_before_the_capture() {
    alarms_in(Moment::BeforeCapture);
}

#[test]
fn a_log_that_changes_after_the_capture() {
    alarms_in(Moment::Captured);
}

#[test]
fn a_log_that_changes_after_the_installation() {
    alarms_in(Moment::Installed);
}

#[test]
fn a_log_that_changes_while_a_refund_is_open() {
    alarms_in(Moment::Refunding);
}

/// Who controls the audit canister, and what is done to it, is in the log: once, when it changes.
#[test]
fn changes_of_the_audit_canister_are_recorded() {
    let mut platform = open();
    let (audit, admin, heir) = (platform.audit, platform.admin, user("heir"));
    let watched = |platform: &mut Platform| -> Vec<(Vec<Principal>, bool, u64)> {
        platform.pass(3_600);
        let all = platform.events().unwrap().iter().filter_map(|event| match &event.payload {
            Payload::AuditCanisterChanged(p) => Some((p.controllers.clone(), p.module_hash.is_some(), p.changes)),
            _ => None,
        });
        all.collect()
    };
    let first = watched(&mut platform);
    assert_eq!(first, [(vec![admin], true, 2)], "as it was at the start, once");
    (0..5).for_each(|_| platform.pass(3_600));
    assert_eq!(watched(&mut platform), first, "nothing changed");

    // The network does not tell: that is seen, and is no change.
    platform.net.inject(Fault::reject(RejectCode::SysTransient).method("canister_info").caller(platform.backend));
    platform.pass(1_000);
    let backend = platform.backend;
    assert!(get(&mut platform, backend, "/metrics").1.contains("backend_audit_watch_in_vain 1\n"));
    assert!(!is_alarmed(&mut platform, backend));
    assert_eq!(watched(&mut platform), first);
    assert!(get(&mut platform, backend, "/metrics").1.contains("backend_audit_watch_in_vain 0\n"));

    let mut controllers = vec![admin, heir];
    controllers.sort_unstable();
    let settings = CanisterSettings { controllers: Some(controllers.clone()), ..CanisterSettings::default() };
    platform.net.update_settings(audit, admin, settings).unwrap();
    assert_eq!(watched(&mut platform)[1..], [(controllers.clone(), true, 3)]);
    platform.upgrade("audit_storage", audit).unwrap();
    assert_eq!(watched(&mut platform)[2..], [(controllers, true, 4)]);
    platform.upgrade("backend", backend).unwrap();
    assert_eq!(watched(&mut platform).len(), 3, "what is recorded outlives an upgrade");
    platform.settle().unwrap();
    assert_eq!(rest::unrest(&platform).unwrap(), Vec::<String>::new());
}

/// How the alarm came: for each canister that raised it, the place among the messages observed after which nothing more
/// of its making may be on its way.
type Raised = BTreeMap<Principal, Option<usize>>;

/// A payment, watched round by round.
fn play(stage: &mut Stage) -> Raised {
    stage.net().observe();
    stage.ask();
    let mut raised = Raised::new();
    for wait in [0, 3, 35, 1_900, 7_200] {
        stage.net().advance(Duration::from_secs(wait));
        for _ in 0..ROUNDS {
            if stage.net().is_idle() {
                break;
            }
            stage.net().tick();
            let place = stage.net().observed().len();
            raised.values_mut().for_each(|from| *from = from.or(Some(place)));
            for id in knowing(&stage.platform) {
                if !raised.contains_key(&id) && is_alarmed(&mut stage.platform, id) {
                    raised.insert(id, None);
                }
            }
        }
    }
    raised
}

/// Either nothing was lost that anyone knew, and the payment comes to its end; or whoever knew it does nothing any more.
fn judge(stage: &mut Stage, raised: &Raised) -> Vec<String> {
    let mut found = Vec::new();
    stage.net().clear_faults();
    let before = outside(&mut stage.platform);
    stage.platform.pass(DAY);
    for (id, from) in raised {
        let mine = |observed: &&Observed| is_effect(observed) && observed.message.caller == *id;
        let from = from.unwrap_or(usize::MAX);
        for observed in stage.net().observed().iter().skip(from).filter(mine) {
            found.push(format!("{} by {id} after its alarm", observed.message.method));
        }
    }
    let backend = stage.platform.backend;
    if raised.contains_key(&backend) || is_alarmed(&mut stage.platform, backend) {
        if outside(&mut stage.platform) != before {
            found.push("ledger or canisters changed a day later".to_owned());
        }
    } else {
        match stage.platform.settle().and_then(|()| witness(&mut stage.platform)) {
            Ok(world) => found.extend(invariants::violations(&world)),
            Err(error) => found.push(format!("no alarm, and no end: {error:#}")),
        }
    }
    found
}

/// Wherever in a payment the audit canister is set back or installed anew.
#[test]
fn whenever_the_log_changes_nothing_follows_the_alarm() {
    let stage = Stage::boot(62).unwrap();
    let (canister, money_writer) = (stage.platform.audit, stage.platform.backend);
    let arg = candid::encode_one(AuditInit { money_writer }).unwrap();
    let explorer = Explorer::new(stage, play, |stage: &mut Stage, raised: Raised| judge(stage, &raised));
    let report = explorer
        .faults(move |_| {
            let reinstalled = Incident::Reinstall { canister, arg: arg.clone() };
            vec![Action::Before(Incident::LoadSnapshot { canister }), Action::Before(reinstalled)]
        })
        .sample(62, 60)
        .threads(2)
        .run();
    assert!(report.violations.is_empty(), "{report}");
    assert!(report.struck >= 50, "{report}");
}
