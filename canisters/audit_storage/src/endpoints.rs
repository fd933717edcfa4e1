//! The methods of the log: authenticate, ask the core, reply.

use crate::log::{Fetched, Log};
use crate::view::EventView;
use crate::{archiving, asking, certificate, state};
use cairn_events::payload::ArchivingConfigured;
use cairn_events::question::{Answer, Question};
use cairn_events::{Commitment, Hash, Opening, Principal, WriterRole};
use cairn_kit::api::SupportedStandard;
use cairn_kit::api::archive::ArchivedBodies;
use cairn_kit::api::audit::{
    AppendArgs, Appended, ArchivingStatus, AuditError, AuditRequestError, AuditTemporaryError, AuditedQuestion,
    EventPage, EventQuery, Filter, Proof, Seen, Tip, Writer,
};
use cairn_kit::message::Message;
use cairn_kit::runtime::CallFailure;
use cairn_kit::{heap, reading, runtime};
use candid::{CandidType, DecoderConfig, Empty};
use ic_cdk::{query, update};
use serde_bytes::ByteBuf;

/// The arguments of `append`, or why the caller is turned away without looking at them.
struct Admitted(Result<(AppendArgs, Option<Seen>), AuditError>);

/// Work allowed for fields that the caller has added to what we know.
const SKIPPING_QUOTA: usize = 10_000;

/// Looks at the caller before the argument: a stranger's is not decoded at all.
fn admit(bytes: Vec<u8>) -> Admitted {
    if let Err(refusal) = state::read(|log| log.admits(ic_cdk::api::msg_caller())) {
        return Admitted(Err(refusal));
    }
    let mut config = DecoderConfig::new();
    config.set_skipping_quota(SKIPPING_QUOTA);
    match candid::utils::decode_args_with_config(&bytes, &config) {
        Ok(args) => Admitted(Ok(args)),
        Err(_) => ic_cdk::trap("the argument is not that of append"),
    }
}

/// Counts refusals on their way out. Whatever was asked, a timer that was lost is set again.
fn counted<R>(result: Result<R, AuditError>) -> Result<R, AuditError> {
    runtime::revive();
    if let Err(AuditError::Request(refusal)) = &result {
        let strange = matches!(refusal, AuditRequestError::NotAWriter { .. } | AuditRequestError::Unauthorized { .. });
        state::count_refusal(strange);
    }
    result
}

/// A reply that names the one arm it has: a subtype of the whole result, whose long table of types is left out.
#[derive(CandidType)]
enum Reply<T, E> {
    Ok(T),
    Err(E),
}

thread_local! {
    static ACCEPTED: Message<Reply<Appended, Empty>> = const { Message::new() };
}

fn reply(result: Result<Appended, AuditError>) -> Vec<u8> {
    let encoded = match result {
        Ok(appended) => ACCEPTED.with(|message| message.encode(&Reply::Ok(appended))),
        Err(refusal) => candid::encode_one(Reply::<Empty, _>::Err(refusal)),
    };
    encoded.unwrap_or_else(|_| ic_cdk::trap("a reply cannot be encoded"))
}

#[update(name = "append", decode_with = "admit", encode_with = "reply", hidden = true)]
fn append_admitted(args: Admitted) -> Result<Appended, AuditError> {
    let erased = state::read(Log::erasures);
    let result = counted(args.0.and_then(|(args, seen)| append(args, seen)));
    if state::read(Log::erasures) > erased {
        heap::wipe_stack();
    }
    result
}

/// Appends a batch of events, all of it or nothing, if the log has the event that the caller has seen. For registered
/// writers.
#[candid::candid_method(update)]
#[inline(never)]
fn append(args: AppendArgs, seen: Option<Seen>) -> Result<Appended, AuditError> {
    let caller = ic_cdk::api::msg_caller();
    state::write(|log, means| {
        log.check_seen(seen)?;
        log.append(caller, args, means)
    })
}

/// Registers a factory or a host of projections as writer. For the gateway and for controllers of this canister.
#[update(name = "registerWriter")]
fn register_writer(writer: Principal, role: WriterRole) -> Result<(), AuditError> {
    let caller = ic_cdk::api::msg_caller();
    counted(authorize(caller).and_then(|()| state::write(|log, means| log.register(caller, writer, role, means))))
}

/// Says whether `backend` is the gateway, which genesis binds for ever. For the gateway and for controllers.
#[update(name = "setupWhitelist")]
fn setup_whitelist(backend: Principal) -> Result<(), AuditError> {
    let caller = ic_cdk::api::msg_caller();
    counted(authorize(caller).and_then(|()| {
        if state::read(|log| log.who().money_writer == backend) {
            return Ok(());
        }
        let conflict = "another gateway is bound at genesis".to_owned();
        Err(AuditError::Request(AuditRequestError::WriterConflict { writer: backend, conflict }))
    }))
}

fn authorize(caller: Principal) -> Result<(), AuditError> {
    let gateway = state::read(|log| log.who().money_writer);
    if caller != Principal::anonymous() && (caller == gateway || runtime::is_controller(caller)) {
        return Ok(());
    }
    Err(AuditError::Request(AuditRequestError::Unauthorized { caller }))
}

/// Takes the module that archives are made from; its hash, for `configureArchiving`. For admins and controllers.
#[update(name = "uploadArchiveModule")]
fn upload_archive_module(module: ByteBuf) -> Result<Hash, AuditError> {
    let caller = ic_cdk::api::msg_caller();
    counted(authorize_admin(caller).and_then(|()| state::write(|log, _| log.upload_module(&module))))
}

/// Says when bodies of events are moved to archives; nothing is moved before. For admins and controllers.
#[update(name = "configureArchiving")]
fn configure_archiving(settings: ArchivingConfigured) -> Result<(), AuditError> {
    let caller = ic_cdk::api::msg_caller();
    counted(authorize_admin(caller).and_then(|()| {
        state::write(|log, means| log.configure_archiving(caller, settings, means))?;
        archiving::begin_anew();
        Ok(())
    }))
}

fn authorize_admin(caller: Principal) -> Result<(), AuditError> {
    let is_admin = state::read(|log| log.is_admin(caller)) || runtime::is_controller(caller);
    if caller != Principal::anonymous() && is_admin {
        return Ok(());
    }
    Err(AuditError::Request(AuditRequestError::Unauthorized { caller }))
}

/// How archiving stands, and which archive has what. For anyone.
#[query(name = "getArchiving")]
fn get_archiving() -> ArchivingStatus {
    archiving::status()
}

/// The end of the log, if it has the event that the caller has seen. For anyone.
#[query(name = "getTip")]
fn get_tip(seen: Option<Seen>) -> Result<Tip, AuditError> {
    state::read(|log| {
        log.check_seen(seen)?;
        log.tip()
    })
}

/// A page of events: all, a stream's or a topic's, in a span of time, oldest or newest first, if the log has the event
/// that the caller has seen. For anyone; a person's events for that person, auditors and admins. Where an archive has
/// the body, the page says so.
#[query(name = "getEvents")]
fn get_events(query: EventQuery, seen: Option<Seen>) -> Result<EventPage, AuditError> {
    page(ic_cdk::api::msg_caller(), &query, seen)
}

/// As `getEvents`, with the bodies that archives have. For those who may call that.
#[query(name = "getWholeEvents", composite = true)]
async fn get_whole_events(query: EventQuery, seen: Option<Seen>) -> Result<EventPage, AuditError> {
    let mut page = page(ic_cdk::api::msg_caller(), &query, seen)?;
    let mut found = Vec::new();
    for wanted in page.archived.take().unwrap_or_default() {
        found.extend(reading::ask_bodies(&wanted).await.map_err(|failure| silent(&wanted, &failure))?);
    }
    reading::complete(page, found)
        .map_err(|failure| AuditError::Internal(cairn_kit::api::InternalError { message: failure.to_string() }))
}

fn page(caller: Principal, query: &EventQuery, seen: Option<Seen>) -> Result<EventPage, AuditError> {
    let topic = match &query.filter {
        Filter::Topic(topic) => Some(topic),
        Filter::All | Filter::Stream(_) => None,
    };
    state::read(|log| {
        log.check_seen(seen)?;
        log.check_topics(caller, topic, runtime::now())?;
        log.page(query)
    })
}

fn silent(wanted: &ArchivedBodies, failure: &CallFailure) -> AuditError {
    let (archive, detail) = (wanted.archive, failure.to_string());
    AuditError::Temporary(AuditTemporaryError::ArchiveSilent { archive, detail })
}

/// Events with the proof that none is missing, changed or reordered, and the network's certificate: everything about
/// some topics, or everything, in a span of the log, page by page. For anyone, as a query; about a person for that
/// person, auditors and admins.
///
/// To verify: the certificate against the network's root key, its certified data against the root of `hash_tree`, then
/// the events against what `hash_tree` says of the end of the log: each names the one before it in the topic, the last
/// one is in the Merkle tree or is the topic's last by the topic map. `cairn_events::answer` does the latter.
#[query(name = "getAnswer")]
fn get_answer(question: Question) -> Result<Answer, AuditError> {
    let certificate = ic_cdk::api::data_certificate().unwrap_or_default();
    answer(ic_cdk::api::msg_caller(), &question, &Fetched::new(), certificate)
}

/// As `getAnswer`, with the bodies that archives have. For those who may call that.
#[query(name = "getWholeAnswer", composite = true)]
async fn get_whole_answer(question: Question) -> Result<Answer, AuditError> {
    let caller = ic_cdk::api::msg_caller();
    let certificate = ic_cdk::api::data_certificate().unwrap_or_default();
    let missing = match answer(caller, &question, &Fetched::new(), certificate.clone()) {
        Err(AuditError::Request(AuditRequestError::Archived { bodies })) => bodies,
        other => return other,
    };
    let mut fetched = Fetched::new();
    for wanted in missing {
        let bodies = reading::ask_bodies(&wanted).await.map_err(|failure| silent(&wanted, &failure))?;
        fetched.extend(wanted.indices.into_iter().zip(bodies));
    }
    answer(caller, &question, &fetched, certificate)
}

fn answer(
    caller: Principal,
    question: &Question,
    fetched: &Fetched,
    certificate: Vec<u8>,
) -> Result<Answer, AuditError> {
    state::read(|log| {
        log.check_topics(caller, question.topics(), runtime::now())?;
        let hash_tree = certificate::encode(&certificate::tree(log.tip().ok().as_ref()));
        Ok(Answer { certificate, hash_tree, ..log.answer(question, fetched)? })
    })
}

/// Answers a question and puts that into the log: digests of the question and of the answer, under a salt that only the
/// caller is told. The proof comes from `getAnswer`. For auditors and admins, so many times a minute.
#[update(name = "askAudited")]
async fn ask_audited(question: Question) -> Result<AuditedQuestion, AuditError> {
    let (caller, now) = (ic_cdk::api::msg_caller(), runtime::now());
    let admitted = state::read(|log| log.check_entitled(caller, now)).and_then(|()| {
        asking::admit(caller, now).map_err(|retry_at| {
            AuditError::Temporary(AuditTemporaryError::TooManyQuestions { most: asking::MAX_PER_MINUTE, retry_at })
        })
    });
    counted(admitted)?;
    counted(ask_whole(caller, question).await)
}

/// Times that bodies are fetched for an audited question, should the log move more of them meanwhile.
const MAX_FETCHES: usize = 3;

/// Asks, and fetches what archives have; who may ask is looked up again after every call.
async fn ask_whole(caller: Principal, question: Question) -> Result<AuditedQuestion, AuditError> {
    let mut fetched = Fetched::new();
    let ask = |fetched: &Fetched| {
        state::read(|log| log.check_entitled(caller, runtime::now()))?;
        state::write(|log, means| log.ask_audited(caller, question.clone(), fetched, means))
    };
    for _ in 0..MAX_FETCHES {
        let missing = match ask(&fetched) {
            Err(AuditError::Request(AuditRequestError::Archived { bodies })) => bodies,
            other => return other,
        };
        for wanted in missing {
            let bodies = reading::bodies(&wanted).await.map_err(|failure| silent(&wanted, &failure))?;
            fetched.extend(wanted.indices.into_iter().zip(bodies));
        }
    }
    ask(&fetched)
}

/// One event with every field in a Candid type, unless it is archived. For anyone.
#[query(name = "getEventView")]
fn get_event_view(index: u64) -> Result<EventView, AuditError> {
    state::read(|log| log.view(index))
}

/// The proof that event `index` is among the first `size` (RFC 9162). For anyone.
#[query(name = "getInclusionProof")]
fn get_inclusion_proof(index: u64, size: u64) -> Result<Proof, AuditError> {
    state::read(|log| log.inclusion_proof(index, size))
}

/// The proof that the first `size` events begin with the first `old` (RFC 9162). For anyone.
#[query(name = "getConsistencyProof")]
fn get_consistency_proof(old: u64, size: u64) -> Result<Proof, AuditError> {
    state::read(|log| log.consistency_proof(old, size))
}

/// Every registered writer. For anyone.
#[query(name = "getWriters")]
fn get_writers() -> Result<Vec<Writer>, AuditError> {
    state::read(|log| log.writers())
}

/// The opening of a commitment in event `index`. For those whom the event concerns, for auditors and for admins.
#[query(name = "getOpening")]
fn get_opening(index: u64, commitment: Commitment) -> Result<Option<Opening>, AuditError> {
    state::read(|log| log.opening(ic_cdk::api::msg_caller(), index, commitment, runtime::now()))
}

/// The standards that this canister implements (ICRC-10). For anyone.
#[query]
fn icrc10_supported_standards() -> Vec<SupportedStandard> {
    let standards = [
        ("ICRC-3", "https://github.com/dfinity/ICRC-1/tree/main/standards/ICRC-3"),
        ("ICRC-10", "https://github.com/dfinity/ICRC/blob/main/ICRCs/ICRC-10/ICRC-10.md"),
    ];
    let record = |(name, url): (&str, &str)| SupportedStandard { name: name.to_owned(), url: url.to_owned() };
    standards.into_iter().map(record).collect()
}
