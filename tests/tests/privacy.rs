//! Who may read what on canister wasm, and that what was erased is nowhere any more.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that fails here says enough")]

use cairn::platform::{Platform, token, user};
use cairn::verify::{verify, verify_answer};
use cairn_events::answer::Remembered;
use cairn_events::payload::ErasureReason;
use cairn_events::question::{About, Answer, Order, Question, Span};
use cairn_events::{Commitment, Event, Family, Opening, Payload, Principal, Timestamp, Topic};
use cairn_kit::api::audit::{
    AuditError, AuditRequestError, AuditTemporaryError, AuditedQuestion, EventPage, EventQuery, Filter,
    Order as PageOrder,
};
use cairn_kit::api::backend::{Auditor, BackendError, BackendRequestError, StateCheck};
use cairn_projections::Moment;
use candid::Reserved;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

const SECRET: &str = "cost centre 4711, Jane Roe";
const DAY: u64 = 24 * 3_600 * 1_000_000_000;

/// A platform on which two people have bought with a private reference each.
static SOLD: LazyLock<Mutex<Platform>> = LazyLock::new(|| {
    let mut platform = Platform::boot(51).unwrap();
    for (name, secret) in [("alice", SECRET), ("bob", "project Blue Heron, phase 2")] {
        platform.afford(user(name), 1).unwrap();
        let mut order = platform.order(token(user(name), "Example", "EXA"));
        order.billing_reference = Some(secret.to_owned());
        platform.create_token(user(name), order, "one").unwrap().unwrap();
    }
    platform.settle().unwrap();
    Mutex::new(platform)
});

fn open() -> Platform {
    SOLD.lock().unwrap_or_else(PoisonError::into_inner).fork()
}

/// Where the private reference of `owner` stands: the event, and the commitment.
fn reference(platform: &mut Platform, owner: Principal) -> (u64, Commitment) {
    let of = |event: &Event| match &event.payload {
        Payload::DeploymentRequested(request) if request.owner == owner => Some((event.index, request.billing?)),
        _ => None,
    };
    platform.events().unwrap().iter().find_map(of).unwrap()
}

fn opening(
    platform: &mut Platform,
    caller: Principal,
    (index, commitment): (u64, Commitment),
) -> Result<Option<Opening>, AuditError> {
    platform.net.query(platform.audit, caller, "getOpening", (index, commitment)).unwrap()
}

fn about(topics: Vec<Topic>) -> Question {
    Question { about: About::Topics(topics), span: Span::default(), order: Order::OldestFirst, limit: 100, since: None }
}

fn answer(platform: &mut Platform, caller: Principal, question: &Question) -> Result<Answer, AuditError> {
    platform.net.query(platform.audit, caller, "getAnswer", (question,)).unwrap()
}

fn page(platform: &mut Platform, caller: Principal, topic: Topic) -> Result<EventPage, AuditError> {
    let order = PageOrder::OldestFirst;
    let filter = Filter::Topic(topic);
    let query = EventQuery { filter, order, from_time: None, until_time: None, cursor: None, limit: 100 };
    platform.net.query(platform.audit, caller, "getEvents", (query,)).unwrap()
}

fn grant(platform: &mut Platform, by: Principal, auditor: Principal, until: u64) -> Result<(), BackendError> {
    platform.net.update(platform.backend, by, "adminGrantAuditor", (auditor, Timestamp(until))).unwrap()
}

fn revoke(platform: &mut Platform, by: Principal, auditor: Principal) -> Result<(), BackendError> {
    platform.net.update(platform.backend, by, "adminRevokeAuditor", (auditor,)).unwrap()
}

fn erase(platform: &mut Platform, by: Principal, of: (u64, Commitment)) -> Result<u64, BackendError> {
    platform.net.update(platform.backend, by, "eraseMyOpening", of).unwrap()
}

fn erase_as(
    platform: &mut Platform,
    by: Principal,
    (index, commitment): (u64, Commitment),
) -> Result<u64, BackendError> {
    let arguments = (index, commitment, ErasureReason::Ordered);
    platform.net.update(platform.backend, by, "adminEraseOpening", arguments).unwrap()
}

fn size(platform: &mut Platform) -> u64 {
    platform.tip().unwrap().size
}

/// Whether `caller` is told what is private of Alice: her opening, and her events, by both methods alike.
fn is_told(platform: &mut Platform, caller: Principal) -> bool {
    let (of, alice) = (reference(platform, user("alice")), Topic::Party(user("alice")));
    let told = [
        opening(platform, caller, of).is_ok(),
        answer(platform, caller, &about(vec![Topic::Family(Family::Money), alice])).is_ok(),
        page(platform, caller, alice).is_ok(),
    ];
    assert!(told.iter().all(|one| *one == told[0]), "{caller}: {told:?}");
    if !told[0] {
        let refusal = AuditError::Request(AuditRequestError::Private { topic: alice, caller });
        assert_eq!(page(platform, caller, alice), Err(refusal.clone()));
        assert_eq!(answer(platform, caller, &about(vec![alice])), Err(refusal));
    }
    told[0]
}

#[test]
fn auditors_read_what_is_private_as_long_as_they_are_granted() {
    let mut platform = open();
    let (admin, auditor, anonymous) = (platform.admin, user("auditor"), Principal::anonymous());
    let before = size(&mut platform);
    assert!(is_told(&mut platform, user("alice")) && is_told(&mut platform, admin));
    for caller in [anonymous, auditor, user("bob"), platform.backend] {
        assert!(!is_told(&mut platform, caller), "{caller}");
    }
    // What is public stays so.
    assert!(answer(&mut platform, anonymous, &about(vec![Topic::Family(Family::Money)])).is_ok());

    let until = platform.net.now() + DAY;
    for stranger in [anonymous, auditor, user("bob")] {
        assert!(grant(&mut platform, stranger, auditor, until).is_err());
        assert!(revoke(&mut platform, stranger, auditor).is_err());
    }
    assert_eq!(size(&mut platform), before, "a stranger left something");
    grant(&mut platform, admin, auditor, until).unwrap();
    grant(&mut platform, admin, auditor, until).unwrap();
    assert_eq!(size(&mut platform), before + 1, "the same grant twice");
    let auditors: Vec<Auditor> = platform.net.query(platform.backend, anonymous, "getAuditors", ()).unwrap();
    assert_eq!(auditors, [Auditor { auditor, until: Timestamp(until) }]);
    assert!(is_told(&mut platform, auditor) && !is_told(&mut platform, user("bob")));
    platform.upgrade("audit_storage", platform.audit).unwrap();
    platform.upgrade("backend", platform.backend).unwrap();
    assert!(is_told(&mut platform, auditor));
    platform.net.advance(Duration::from_nanos(DAY));
    assert!(!is_told(&mut platform, auditor), "expired");

    let until = platform.net.now() + DAY;
    grant(&mut platform, admin, auditor, until).unwrap();
    assert!(is_told(&mut platform, auditor));
    revoke(&mut platform, admin, auditor).unwrap();
    assert!(!is_told(&mut platform, auditor));
    assert!(matches!(
        revoke(&mut platform, admin, auditor),
        Err(BackendError::Request(BackendRequestError::NotFound { .. }))
    ));
    for (whom, until) in [(auditor, 0), (auditor, until + 400 * DAY), (anonymous, until)] {
        let refusal = grant(&mut platform, admin, whom, until);
        assert!(matches!(refusal, Err(BackendError::Request(BackendRequestError::Invalid { .. }))), "{refusal:?}");
    }
    platform.settle().unwrap();
    let kinds: Vec<&str> = platform.events().unwrap()[usize::try_from(before).unwrap()..]
        .iter()
        .map(|event| event.payload.kind().btype())
        .filter(|kind| kind.starts_with("cairn_auditor"))
        .collect();
    assert_eq!(kinds, ["cairn_auditor_granted", "cairn_auditor_granted", "cairn_auditor_revoked"]);
    verify(&platform.export().unwrap(), &platform.policy()).unwrap();
}

#[test]
fn an_admin_reads_what_is_private_until_they_are_turned_out() {
    let mut platform = open();
    let (installer, second, backend) = (platform.admin, user("second"), platform.backend);
    let before = size(&mut platform);
    let turn_out = |platform: &mut Platform, by: Principal, admin: Principal| -> Result<(), BackendError> {
        platform.net.update(backend, by, "revokeAdmin", (admin,)).unwrap()
    };
    platform.call::<(), BackendError>(backend, installer, "adminAddAdmin", (second,)).unwrap();
    assert!(is_told(&mut platform, second));
    for other in [second, user("alice")] {
        let refusal = BackendError::from(BackendRequestError::Unauthorized { caller: other });
        assert_eq!(turn_out(&mut platform, other, installer), Err(refusal));
    }
    for _ in 0..2 {
        turn_out(&mut platform, installer, second).unwrap();
        assert!(!is_told(&mut platform, second));
    }
    assert_eq!(size(&mut platform), before + 2, "granted once, revoked once");
    platform.upgrade("audit_storage", platform.audit).unwrap();
    assert!(!is_told(&mut platform, second) && is_told(&mut platform, installer));

    // The installer, too; a backend that has an admin makes nobody one by itself.
    platform.call::<(), BackendError>(backend, installer, "adminAddAdmin", (second,)).unwrap();
    turn_out(&mut platform, installer, installer).unwrap();
    assert!(is_told(&mut platform, second) && !is_told(&mut platform, installer));
    platform.upgrade("backend", backend).unwrap();
    platform.settle().unwrap();
    let admins: Vec<Principal> = platform.net.query(backend, second, "adminGetAdmins", ()).unwrap();
    assert_eq!(admins, [second]);
    platform.call::<(), BackendError>(backend, second, "checkState", ()).unwrap();
    platform.pass(30);
    let check: Option<StateCheck> = platform.net.query(backend, second, "getStateCheck", ()).unwrap();
    assert!(check.unwrap().result.unwrap().equal, "the backend's state is another one when folded anew");
    verify(&platform.export().unwrap(), &platform.policy()).unwrap();
}

#[test]
fn what_a_user_did_is_told_to_them_to_admins_and_to_auditors() {
    let mut platform = open();
    let (admin, auditor, anonymous) = (platform.admin, user("auditor"), Principal::anonymous());
    let (alice, bob, backend) = (user("alice"), user("bob"), platform.backend);
    let profile = |platform: &mut Platform, caller: Principal, of: Principal| -> Result<(), BackendError> {
        let reply: Result<Reserved, BackendError> = platform.net.query(backend, caller, "getUser", (of,)).unwrap();
        reply.map(|_| ())
    };
    let list = |platform: &mut Platform, caller: Principal| -> Result<(), BackendError> {
        let arguments = (None::<Moment>, 10_u32);
        let reply: Result<Reserved, BackendError> = platform.net.query(backend, caller, "getUsers", arguments).unwrap();
        reply.map(|_| ())
    };
    let until = platform.net.now() + DAY;
    grant(&mut platform, admin, auditor, until).unwrap();
    assert_eq!(profile(&mut platform, alice, alice), Ok(()));
    for reader in [admin, auditor] {
        assert_eq!(profile(&mut platform, reader, alice), Ok(()), "{reader}");
        assert_eq!(list(&mut platform, reader), Ok(()), "{reader}");
    }
    platform.net.advance(Duration::from_nanos(DAY));
    for caller in [bob, auditor] {
        let refusal = BackendError::from(BackendRequestError::Unauthorized { caller });
        assert_eq!(profile(&mut platform, caller, alice), Err(refusal.clone()));
        // That somebody never came is told no more than that they did.
        assert_eq!(profile(&mut platform, caller, user("nobody")), Err(refusal.clone()));
        assert_eq!(list(&mut platform, caller), Err(refusal));
    }
    let refusal = BackendError::from(BackendRequestError::Anonymous);
    assert_eq!(profile(&mut platform, anonymous, anonymous), Err(refusal.clone()));
    assert_eq!(list(&mut platform, anonymous), Err(refusal));
}

/// Where any of `secrets` is found, byte by byte: stable memory and heap of every canister, and an export of the log.
fn found(platform: &mut Platform, secrets: &[&[u8]]) -> Vec<String> {
    let mut places = Vec::new();
    let mut search = |name: String, bytes: &[u8]| {
        for (number, secret) in secrets.iter().enumerate() {
            let count = memchr::memmem::find_iter(bytes, secret).count();
            if count > 0 {
                places.push(format!("{name}: secret {number}, {count} times"));
            }
        }
    };
    for id in platform.net.canisters() {
        search(format!("stable memory of {id}"), &platform.net.stable_memory(id).unwrap());
        search(format!("heap of {id}"), &platform.net.heap_memory(id).unwrap());
    }
    search("export".to_owned(), &platform.export().unwrap());
    places
}

#[test]
fn what_is_erased_is_nowhere() {
    let mut platform = open();
    let (alice, bob, admin) = (user("alice"), user("bob"), platform.admin);
    let (of, other) = (reference(&mut platform, alice), reference(&mut platform, bob));
    let held = opening(&mut platform, alice, of).unwrap().unwrap();
    assert_eq!(held.content, SECRET.as_bytes());
    let (first, second) = held.salt.split_at(16);
    let (begin, end) = held.content.split_at(12);
    let secrets = [first, second, begin, end];
    let places = found(&mut platform, &secrets);
    assert!(places.iter().any(|place| place.starts_with("stable")), "the search finds nothing: {places:?}");
    assert!(!places.iter().any(|place| place.starts_with("export")));
    let (old_export, old, policy) = (platform.export().unwrap(), platform.tip().unwrap(), platform.policy());
    let digests = |platform: &mut Platform| -> Vec<_> {
        let names = platform.hosts().map(|(name, _)| name);
        names.map(|name| (name, platform.rebuild(name).unwrap().served)).to_vec()
    };
    let before = digests(&mut platform.fork());

    let stable = |platform: &Platform| [platform.audit, platform.backend].map(|id| platform.net.stable_memory(id));
    let untouched = stable(&platform);
    for stranger in [Principal::anonymous(), user("stranger"), bob, admin] {
        assert!(erase(&mut platform, stranger, of).is_err(), "{stranger}");
    }
    assert!(erase_as(&mut platform, alice, of).is_err());
    assert!(erase(&mut platform, alice, (of.0, other.1)).is_err());
    assert!(erase(&mut platform, alice, (u64::MAX, of.1)).is_err());
    assert!(stable(&platform) == untouched, "what was refused left something");
    let event = erase(&mut platform, alice, of).unwrap();
    platform.settle().unwrap();
    assert_eq!(found(&mut platform, &secrets), Vec::<String>::new());
    for again in [erase(&mut platform, alice, of), erase_as(&mut platform, admin, of)] {
        assert_eq!(again, Ok(event), "erased once");
    }
    for reader in [alice, admin] {
        let refusal = AuditRequestError::Erased { index: of.0, event };
        assert_eq!(opening(&mut platform, reader, of), Err(AuditError::Request(refusal)));
    }
    assert_eq!(size(&mut platform), old.size + 1, "one event for one erasure");
    assert!(opening(&mut platform, bob, other).unwrap().is_some());

    for (package, id) in platform.canisters() {
        platform.upgrade(package, id).unwrap();
    }
    platform.settle().unwrap();
    assert_eq!(found(&mut platform, &secrets), Vec::<String>::new());
    assert!(matches!(
        opening(&mut platform, alice, of),
        Err(AuditError::Request(AuditRequestError::Erased { event: by, .. })) if by == event
    ));

    // The log only grew: its end from before still holds, and no digest tells whether an opening is there.
    verify(&old_export, &policy).unwrap();
    verify(&platform.export().unwrap(), &policy).unwrap();
    let remembered = Remembered { size: old.size, root: old.root };
    let grown = Question { since: Some(old.size), ..about(vec![Topic::Family(Family::Platform)]) };
    let answer = answer(&mut platform, alice, &grown).unwrap();
    verify_answer(&grown, &answer, &policy, Some(&remembered)).unwrap();
    assert_eq!(digests(&mut platform), before);
    platform.call::<(), BackendError>(platform.backend, admin, "checkState", ()).unwrap();
    platform.pass(30);
    let check: Option<StateCheck> = platform.net.query(platform.backend, alice, "getStateCheck", ()).unwrap();
    assert!(check.unwrap().result.unwrap().equal, "the backend's state is another one when folded anew");
}

#[test]
fn an_admin_erases_for_a_reason() {
    let mut platform = open();
    let of = reference(&mut platform, user("bob"));
    let admin = platform.admin;
    let event = erase_as(&mut platform, admin, of).unwrap();
    platform.settle().unwrap();
    let backend = platform.backend;
    let events = platform.events().unwrap();
    let event = &events[usize::try_from(event).unwrap()];
    let Payload::OpeningErased(erased) = &event.payload else { panic!("{event:?}") };
    assert_eq!((erased.index, erased.commitment, erased.reason), (of.0, of.1, ErasureReason::Ordered));
    assert_eq!((event.actor, event.source, event.causation), (admin, backend, Some(of.0)));
}

#[test]
fn audited_questions_are_in_the_log_and_proven_by_a_second_call() {
    let mut platform = open();
    let (admin, auditor, alice) = (platform.admin, user("auditor"), user("alice"));
    let policy = platform.policy();
    let ask = |platform: &mut Platform, caller, question: &Question| -> Result<AuditedQuestion, AuditError> {
        platform.net.update(platform.audit, caller, "askAudited", (question,)).unwrap()
    };
    let question = about(vec![Topic::Party(alice), Topic::Family(Family::Deployments)]);
    let before = size(&mut platform);
    for caller in [Principal::anonymous(), auditor, alice] {
        let refusal = AuditError::Request(AuditRequestError::Unauthorized { caller });
        assert_eq!(ask(&mut platform, caller, &question), Err(refusal));
    }
    assert_eq!(size(&mut platform), before);
    let until = platform.net.now() + DAY;
    grant(&mut platform, admin, auditor, until).unwrap();
    platform.net.run_until_idle(100);
    let asked = ask(&mut platform, auditor, &question).unwrap();
    platform.net.run_until_idle(100);
    assert!(asked.count > 0);
    let event = platform.events().unwrap()[usize::try_from(asked.event).unwrap()].clone();
    let Payload::QuestionAsked(recorded) = &event.payload else { panic!("{event:?}") };
    assert_eq!((event.actor, event.source, recorded.count), (auditor, platform.audit, None));
    assert_eq!((recorded.question, recorded.answer), (asked.question, asked.answer));
    let span = Span { from: asked.complete_from, until: Some(asked.complete_until), ..Span::default() };
    let again = Question { span, ..question.clone() };
    let answer = answer(&mut platform, auditor, &again).unwrap();
    let proven = verify_answer(&again, &answer, &policy, None).unwrap().findings;
    assert_eq!(proven.digest(&asked.salt), recorded.answer);
    assert_eq!(question.digest(&asked.salt), recorded.question);
    // So many a minute.
    platform.net.advance(Duration::from_secs(60));
    let audit = platform.audit;
    let many: Vec<_> = (0..50).map(|_| platform.net.submit(audit, auditor, "askAudited", (&question,))).collect();
    platform.net.run_until_idle(100);
    let replies = many.iter().map(|message| platform.net.poll(message).unwrap().unwrap());
    let refused = |reply: &Result<AuditedQuestion, AuditError>| match reply {
        Err(AuditError::Temporary(AuditTemporaryError::TooManyQuestions { .. })) => true,
        Err(other) => panic!("{other:?}"),
        Ok(_) => false,
    };
    assert!((1..=30).contains(&replies.filter(refused).count()));
    platform.net.advance(Duration::from_secs(60));
    ask(&mut platform, auditor, &question).unwrap();
    platform.settle().unwrap();
    verify(&platform.export().unwrap(), &policy).unwrap();
}
