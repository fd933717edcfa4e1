//! Who may read what, and what is left of an opening that was erased.

use super::*;
use cairn_events::payload::{AdminGranted, AdminRevoked, AuditorGranted, AuditorRevoked, ErasureReason, OpeningErased};
use cairn_events::{Family, Topic};
use cairn_kit::api::audit::BadErasure;

const ADMIN: u8 = 20;
const AUDITOR: u8 = 21;

fn by_admin(payload: Payload) -> Submission {
    Submission::new(id(ADMIN), payload)
}

fn granted(auditor: u8, until: u64) -> Submission {
    by_admin(Payload::AuditorGranted(AuditorGranted { auditor: id(auditor), until: Timestamp(until) }))
}

fn revoked(auditor: u8) -> Submission {
    by_admin(Payload::AuditorRevoked(AuditorRevoked { auditor: id(auditor) }))
}

fn admin(person: u8) -> Submission {
    by_admin(Payload::AdminGranted(AdminGranted { admin: id(person) }))
}

fn admin_no_more(person: u8) -> Submission {
    by_admin(Payload::AdminRevoked(AdminRevoked { admin: id(person) }))
}

fn erased(actor: u8, index: u64, commitment: Commitment) -> Submission {
    let reason = ErasureReason::Requested;
    Submission::new(id(actor), Payload::OpeningErased(OpeningErased { index, commitment, reason }))
}

fn other_opening() -> Opening {
    Opening { salt: [6; 32], content: b"invoice 18".to_vec() }
}

/// An admin, and two requests of Alice's with an opening each; the indexes of the requests.
fn bench() -> (Bench, u64, u64) {
    let mut bench = Bench::new();
    let private = |n, opening: Opening| requested_with(n, 3, Some(opening.commitment())).opened_by(opening);
    let batch = [admin(ADMIN), private(1, opening()), private(2, other_opening()), requested(3)];
    let receipts = bench.append(BACKEND, &batch).expect("accepted").receipts;
    (bench, receipts[1].index, receipts[2].index)
}

#[test]
fn a_grant_holds_until_its_time_or_until_it_is_revoked() {
    let (mut bench, _, _) = bench();
    let may = |bench: &Bench, who: u8, now| bench.log.is_entitled(id(who), now).expect("whole");
    assert!(may(&bench, ADMIN, u64::MAX) && bench.log.is_admin(id(ADMIN)));
    assert!(!may(&bench, AUDITOR, 0) && !may(&bench, ALICE, 0) && !may(&bench, BACKEND, 0));
    bench.append(BACKEND, &[granted(AUDITOR, 100), granted(BOB, 50)]).expect("accepted");
    for reopened in [false, true] {
        if reopened {
            bench.reopen();
        }
        assert!(may(&bench, AUDITOR, 99) && !may(&bench, AUDITOR, 100));
        assert!(may(&bench, BOB, 49) && !may(&bench, BOB, 50));
        assert!(may(&bench, ADMIN, u64::MAX) && !bench.log.is_admin(id(AUDITOR)));
    }
    bench.append(BACKEND, &[granted(AUDITOR, 200), revoked(BOB)]).expect("accepted");
    assert!(may(&bench, AUDITOR, 199) && !may(&bench, BOB, 0));
    bench.append(BACKEND, &[revoked(AUDITOR), granted(BOB, 7), granted(ADMIN, 1)]).expect("accepted");
    assert!(!may(&bench, AUDITOR, 0) && may(&bench, BOB, 6));
    bench.append(BACKEND, &[revoked(ADMIN)]).expect("accepted");
    assert!(may(&bench, ADMIN, u64::MAX), "an admin is one without being an auditor");
    let nobody = by_admin(Payload::AuditorGranted(AuditorGranted {
        auditor: Principal::anonymous(),
        until: Timestamp(u64::MAX),
    }));
    bench.append(BACKEND, &[nobody]).expect("accepted");
    assert_eq!(bench.log.is_entitled(Principal::anonymous(), 0), Ok(false));
    bench.verify();
}

#[test]
fn the_right_of_an_admin_ends_with_the_event_that_says_so() {
    let (mut bench, index, _) = bench();
    bench.append(BACKEND, &[admin(BOB), granted(BOB, 100)]).expect("accepted");
    let commitment = opening().commitment();
    let told = |bench: &Bench, who: u8| {
        let told = bench.log.is_entitled(id(who), 100).expect("whole");
        assert_eq!(bench.log.opening(id(who), index, commitment, 100).is_ok(), told);
        assert_eq!(bench.log.check_topics(id(who), &[Topic::Party(id(ALICE))], 100).is_ok(), told);
        assert_eq!(bench.log.is_admin(id(who)), told);
        told
    };
    assert!(told(&bench, ADMIN) && told(&bench, BOB));
    bench.append(BACKEND, &[admin_no_more(BOB), admin_no_more(AUDITOR)]).expect("accepted");
    for reopened in [false, true] {
        if reopened {
            bench.reopen();
        }
        assert!(told(&bench, ADMIN) && !told(&bench, BOB) && !told(&bench, AUDITOR));
        assert_eq!(bench.log.is_entitled(id(BOB), 99), Ok(true), "an auditor without being an admin");
    }
    let refused = request_error(bench.refused(BACKEND, &[erased(BOB, index, commitment)]));
    let problem = BadErasure::NotConcerned { actor: id(BOB) };
    assert_eq!(refused, AuditRequestError::Erasure { position: 0, problem });
    // Of several events in a batch the last one holds.
    bench.append(BACKEND, &[admin(BOB), admin_no_more(BOB), admin_no_more(ADMIN), admin(ADMIN)]).expect("accepted");
    assert!(told(&bench, ADMIN) && !told(&bench, BOB));
    bench.append(BACKEND, &[admin(BOB)]).expect("accepted");
    assert!(told(&bench, BOB), "granted again");
    bench.append(BACKEND, &[erased(BOB, index, commitment), admin_no_more(BOB)]).expect("erased before");
    assert!(matches!(
        request_error(bench.refused(FACTORY, &[admin_no_more(ADMIN)])),
        AuditRequestError::KindNotAllowed { .. }
    ));
    bench.verify();
}

#[test]
fn people_are_asked_about_by_themselves_and_by_the_entitled() {
    let (mut bench, _, _) = bench();
    bench.append(BACKEND, &[granted(AUDITOR, 100)]).expect("accepted");
    let alice = Topic::Party(id(ALICE));
    let public = [Topic::Family(Family::Money), Topic::Contract(id(50)), Topic::Deployment(deployment(1))];
    let check = |caller: Principal, topics: &[Topic], now| bench.log.check_topics(caller, topics, now);
    for caller in [Principal::anonymous(), id(STRANGER), id(BACKEND)] {
        assert_eq!(check(caller, &public, 0), Ok(()));
        let refusal = AuditRequestError::Private { topic: alice, caller };
        assert_eq!(check(caller, &[public[0], alice], 0), Err(AuditError::Request(refusal)));
    }
    assert_eq!(check(id(ALICE), &[alice, public[1]], 0), Ok(()));
    assert_eq!(check(id(AUDITOR), &[alice, Topic::Party(id(BOB))], 99), Ok(()));
    assert_eq!(check(id(ADMIN), &[alice], 99), Ok(()));
    assert!(check(id(AUDITOR), &[alice], 100).is_err(), "expired");
    assert!(check(id(ALICE), &[alice, Topic::Party(id(BOB))], 0).is_err(), "about another one, too");
    let anonymous = Principal::anonymous();
    assert!(check(anonymous, &[Topic::Party(anonymous)], 0).is_err(), "nobody is a person");
}

#[test]
fn openings_are_for_the_concerned_and_the_entitled() {
    let (mut bench, index, _) = bench();
    bench.append(BACKEND, &[granted(AUDITOR, 100)]).expect("accepted");
    let commitment = opening().commitment();
    let ask = |caller: Principal, now| bench.log.opening(caller, index, commitment, now);
    for reader in [ALICE, AUDITOR, ADMIN] {
        assert_eq!(ask(id(reader), 99), Ok(Some(opening())));
    }
    for (caller, now) in [(id(AUDITOR), 100), (id(BOB), 0), (id(BACKEND), 0), (Principal::anonymous(), 0)] {
        assert_eq!(ask(caller, now), Err(AuditError::Request(AuditRequestError::Unauthorized { caller })));
    }
    assert_eq!(bench.log.opening(id(ALICE), index, other_opening().commitment(), 0), Ok(None));
    assert_eq!(bench.log.opening(id(ALICE), index + 2, commitment, 0), Ok(None));
    assert!(bench.log.opening(id(ALICE), 999, commitment, 0).is_err());
}

/// Whether any memory of the log holds `bytes`.
fn holds(bench: &Bench, bytes: &[u8]) -> bool {
    bench.image().iter().any(|memory| memory.windows(bytes.len()).any(|window| window == bytes))
}

#[test]
fn what_is_erased_is_gone_and_all_else_stays() {
    for eraser in [ALICE, ADMIN] {
        let (mut bench, index, other) = bench();
        let (before, tip) = (bench.events(), bench.log.tip().expect("a tip"));
        assert!(holds(&bench, &opening().salt) && holds(&bench, &opening().content));
        let erasure = erased(eraser, index, opening().commitment());
        let event = bench.append(BACKEND, &[requested(7), erasure]).expect("accepted").receipts[1].index;
        bench.reopen();
        assert!(!holds(&bench, &opening().salt) && !holds(&bench, &opening().content));
        assert!(holds(&bench, &other_opening().salt) && holds(&bench, &other_opening().content));
        for reader in [ALICE, ADMIN] {
            let refusal = AuditRequestError::Erased { index, event };
            let asked = bench.log.opening(id(reader), index, opening().commitment(), 0);
            assert_eq!(asked, Err(AuditError::Request(refusal)));
            let stays = bench.log.opening(id(reader), other, other_opening().commitment(), 0);
            assert_eq!(stays, Ok(Some(other_opening())));
        }
        // No event is another one, and the log extends the one that there was.
        assert_eq!(bench.events()[..before.len()], before);
        let proof = bench.log.consistency_proof(tip.size, event + 1).expect("a proof");
        assert!(cairn_events::merkle::verify_consistency(tip.size, &tip.root, proof.size, &proof.root, &proof.path));
        bench.verify();
    }
}

#[test]
fn only_what_is_there_is_erased_once_and_for_those_who_may() {
    let (mut bench, index, other) = bench();
    bench.append(BACKEND, &[granted(AUDITOR, u64::MAX)]).expect("accepted");
    let commitment = opening().commitment();
    let size = bench.log.counters().events;
    let refused = |bench: &mut Bench, batch: &[Submission]| match request_error(bench.refused(BACKEND, batch)) {
        AuditRequestError::Erasure { position, problem } => (position, problem),
        problem => panic!("{problem:?}"),
    };
    for actor in [AUDITOR, BOB, BACKEND] {
        let problem = BadErasure::NotConcerned { actor: id(actor) };
        assert_eq!(refused(&mut bench, &[erased(actor, index, commitment)]), (0, problem));
    }
    for wrong in [index + 2, other, size, u64::MAX] {
        let problem = BadErasure::NoOpening { index: wrong };
        assert_eq!(refused(&mut bench, &[requested(5), erased(ADMIN, wrong, commitment)]), (1, problem));
    }
    let twice = [erased(ALICE, index, commitment), erased(ADMIN, index, commitment)];
    assert_eq!(refused(&mut bench, &twice), (1, BadErasure::Erased { event: size }));
    let batch = [erased(ALICE, index, commitment), erased(ALICE, other, other_opening().commitment())];
    let seq = bench.next_seq(BACKEND);
    let first = bench.append(BACKEND, &batch).expect("accepted");
    let problem = BadErasure::Erased { event: first.receipts[0].index };
    assert_eq!(refused(&mut bench, &[erased(ADMIN, index, commitment)]), (0, problem));
    assert_eq!(bench.append_at(BACKEND, seq, &batch).expect("repeated").receipts, first.receipts);
    assert!(matches!(
        request_error(bench.refused(FACTORY, &[erased(ALICE, index, commitment)])),
        AuditRequestError::KindNotAllowed { .. }
    ));
}

#[test]
fn an_audited_question_leaves_digests_that_its_answer_has() {
    use cairn_events::answer::verify;
    use cairn_events::question::{About, Question, Span};
    let (mut bench, _, _) = bench();
    bench.cover(100);
    let ask = |topics: Vec<Topic>| Question {
        about: About::Topics(topics),
        span: Span::default(),
        order: Order::OldestFirst,
        limit: 2,
        since: Some(1),
    };
    let (alice, money) = (Topic::Party(id(ALICE)), Topic::Family(Family::Money));
    for (question, scope) in [(ask(vec![money]), "family/money"), (ask(vec![alice, money]), "party family/money")] {
        let means = bench.means;
        let asked = bench.log.ask_audited(id(ADMIN), question.clone(), &Fetched::new(), &means).expect("answered");
        let event = bench.log.event(asked.event).expect("there");
        let Payload::QuestionAsked(recorded) = &event.payload else { panic!("{event:?}") };
        assert_eq!((event.actor, recorded.scope.as_str()), (id(ADMIN), scope));
        assert_eq!(recorded.count, (scope == "family/money").then_some(asked.count));
        assert_eq!((recorded.question, recorded.answer), (asked.question, asked.answer));
        // What is asked again, within the same bounds, proves the same.
        bench.cover(100);
        let span = Span { from: asked.complete_from, until: Some(asked.complete_until), ..question.span };
        let again = Question { span, since: None, ..question.clone() };
        let answer = bench.log.answer(&again, &Fetched::new()).expect("an answer");
        let tip = bench.certified_tip();
        let found = verify(&again, &answer, &tip, None).expect("it holds");
        assert_eq!((found.digest(&asked.salt), found.events.len() as u64), (asked.answer, asked.count));
        assert_eq!(Question { since: None, ..question.clone() }.digest(&asked.salt), asked.question);
        assert_ne!(found.digest(&Hash([0; 32])), asked.answer);
    }
    bench.verify();
}

/// Every grant in a log that opens was folded when it was accepted: of a log in which that may be otherwise, code from
/// before has written the layout's version.
#[test]
fn a_log_from_before_grants_were_folded_does_not_open() {
    let (mut bench, _, _) = bench();
    bench.reopen();
    assert!(bench.log.is_admin(id(ADMIN)));
    bench.log.who.layout = 1;
    bench.log.save_identity();
    let opened = Log::open(attach(&bench.memories, &bench.quota));
    assert_eq!(opened.err(), Some(crate::log::OpenError::Layout(1)));
}
