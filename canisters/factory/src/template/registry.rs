//! Versions of templates: proposed by one admin, confirmed by another one, published after a delay, withdrawn.
//!
//! While the factory is being set up, its installer needs no second person and no delay: nobody relies on it yet. What a
//! template is has to be said by a proposal even then: later versions are held against it. Decisions are made one after
//! the other, each on what the log has.

use super::interface::{Interface, MAX_INTERFACE};
use super::{module, store};
use crate::kind::ContractKind;
use crate::state::{self, Confirmation, Proposal, State, Template, Templates};
use crate::{access, refusal};
use cairn_events::payload::{Reason, TemplateConfirmed, TemplateProposed, TemplatePublished, TemplateWithdrawn};
use cairn_events::topic::Service;
use cairn_events::{Hash, Payload, Principal, Submission, Timestamp, Version};
use cairn_kit::access::Admin;
use cairn_kit::api::factory::{FactoryError, FactoryRequestError, FactoryTemporaryError, PublishedTemplate};
use cairn_kit::api::template::{
    ProposeTemplate, TemplatePage, TemplateProposal, TemplateRefusal, TemplateTerms, TemplateVersion,
};
use cairn_kit::guard::{Guard, Guards};
use cairn_kit::{journal, runtime};
use std::collections::BTreeSet;

/// Most versions ever published.
pub const MAX_VERSIONS: u64 = 1_000;
/// Most proposals open at a time.
pub const MAX_PROPOSALS: u64 = 16;
/// Most versions in a page.
pub const MAX_PAGE: u32 = 50;
/// Versions in a page, unless asked for otherwise.
const DEFAULT_PAGE: u32 = 20;
/// What every contract owes its factory: see [`cairn_kit::contract_endpoints`].
const OWED: [&str; 3] = ["canUpgrade", "confirmUpgrade", "getContractHealth"];

thread_local! {
    static DECIDING: Guards<()> = Guards::new(1);
}

/// One decision at a time, and none while an earlier one is on its way to the log.
fn decide() -> Result<Guard<()>, FactoryError> {
    let busy = || FactoryError::Temporary(FactoryTemporaryError::Busy);
    let is_decision = |payload: &Payload| {
        matches!(
            payload,
            Payload::TemplateProposed(_)
                | Payload::TemplateConfirmed(_)
                | Payload::TemplatePublished(_)
                | Payload::TemplateWithdrawn(_)
        )
    };
    let guard = DECIDING.with(|guards| guards.acquire(())).map_err(|_| busy())?;
    if journal::holds(is_decision) { Err(busy()) } else { Ok(guard) }
}

fn refuse<T>(refusal: TemplateRefusal) -> Result<T, FactoryError> {
    Err(FactoryError::Request(FactoryRequestError::Template(refusal)))
}

async fn append(admin: Admin, payload: Payload, cause: Option<u64>) -> Result<(), FactoryError> {
    let submission = Submission { causation: cause, ..Submission::new(admin.principal(), payload) };
    journal::append(vec![submission]).await.map(|_| ()).map_err(refusal::append_failed)
}

/// A version, as text of a call.
fn version_of(field: &str, text: &str) -> Result<Version, FactoryError> {
    text.parse().or_else(|_| refuse(TemplateRefusal::NotAVersion { field: field.to_owned() }))
}

/// Proposes an uploaded module as a template. Repeating is harmless.
///
/// # Errors
/// [`TemplateRefusal`], or that another decision is under way.
pub async fn propose<K: ContractKind>(admin: Admin, args: ProposeTemplate) -> Result<TemplateProposal, FactoryError> {
    let _guard = decide()?;
    let recorded = |error: &FactoryError| refusal::record(admin.principal(), "proposeTemplate", error);
    let proposed = terms::<K>(&args).inspect_err(recorded)?;
    let (version, interface) = (proposed.version, args.interface);
    let known = state::read(|state| state.templates().proposal(version));
    if known.as_ref().is_none_or(|known| known.proposed != proposed || known.by != admin.principal()) {
        state::read(|state| check_proposal(state, &proposed, &interface)).inspect_err(recorded)?;
        make_room();
        store::keep_interface(&interface);
        append(admin, Payload::TemplateProposed(proposed), None).await?;
    }
    open_proposal(version)
}

/// The proposal that is open now.
fn open_proposal(version: Version) -> Result<TemplateProposal, FactoryError> {
    let proposal = state::read(|state| state.templates().proposal(version));
    proposal.map(describe_proposal).ok_or_else(|| refusal::internal("the proposal is not there"))
}

/// What is proposed: everything that can be checked without a look at the state.
fn terms<K: ContractKind>(args: &ProposeTemplate) -> Result<TemplateProposed, FactoryError> {
    for (what, found, bound) in
        [("interface", args.interface.len(), MAX_INTERFACE), ("notes", args.notes.len(), TemplateProposed::MAX_NOTES)]
    {
        if found > bound {
            let (what, found, bound) = (what.to_owned(), found as u64, bound as u64);
            return Err(FactoryError::Request(FactoryRequestError::OutOfBounds { what, found, bound }));
        }
    }
    let version = version_of("version", &args.version)?;
    let upgrades_from = args.upgrades_from.as_ref().map(|text| version_of("upgrades_from", text)).transpose()?;
    match upgrades_from {
        Some(_) if args.foreign => return refuse(TemplateRefusal::Foreign { version }),
        Some(from) if from >= version => {
            return refuse(TemplateRefusal::UpgradesFrom { version, upgrades_from: from });
        }
        _ => {}
    }
    let length = args.source_commit.len();
    let is_hex = args.source_commit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hex || !(TemplateProposed::MIN_COMMIT..=TemplateProposed::MAX_COMMIT).contains(&length) {
        return refuse(TemplateRefusal::SourceCommit { length: length as u64 });
    }
    let interface = read_interface(&args.interface)?;
    check_kind::<K>(&interface, args.foreign).or_else(refuse)?;
    let module_hash = args.module_hash;
    let size = size_of(module_hash)?;
    check_exports(module_hash, size, &interface)?;
    Ok(TemplateProposed {
        service: K::SERVICE,
        version,
        module_hash,
        size,
        channel: args.channel,
        upgrades_from,
        interface: Hash::of(&[args.interface.as_bytes()]),
        source_commit: args.source_commit.clone(),
        notes: args.notes.clone(),
        foreign: args.foreign,
    })
}

/// Whether an interface is that of a contract of the kind: with what makes it one, and what it owes its factory, unless it
/// is somebody else's code.
///
/// # Errors
/// [`TemplateRefusal::MissingMethod`].
pub fn check_kind<K: ContractKind>(interface: &Interface, foreign: bool) -> Result<(), TemplateRefusal> {
    let owed: &[&str] = if foreign { &[] } else { &OWED };
    match K::METHODS.iter().chain(owed).find(|method| !interface.has(method)) {
        Some(method) => Err(TemplateRefusal::MissingMethod { method: (*method).to_owned() }),
        None => Ok(()),
    }
}

/// Whether the module has the methods that its interface speaks of.
fn check_exports(module_hash: Hash, size: u64, interface: &Interface) -> Result<(), FactoryError> {
    let read = |offset, length| store::bytes(module_hash, offset, length);
    let malformed = |module::Malformed(problem)| refuse(TemplateRefusal::Module { problem: problem.to_owned() });
    let exports = module::exports(size, read).or_else(malformed)?;
    match interface.exports().find(|name| !exports.contains(name)) {
        Some(name) => refuse(TemplateRefusal::NotExported { name }),
        None => Ok(()),
    }
}

fn read_interface(text: &str) -> Result<Interface, FactoryError> {
    Interface::parse(text).or_else(|problem| refuse(TemplateRefusal::Interface { problem }))
}

/// Whether this may be proposed: version and module are free, and it could be published now.
fn check_proposal(state: &State, proposed: &TemplateProposed, interface: &str) -> Result<(), FactoryError> {
    let (templates, version) = (state.templates(), proposed.version);
    if let Some(known) = templates.proposal(version) {
        return refuse(TemplateRefusal::VersionTaken { version, module_hash: known.proposed.module_hash });
    }
    check_free(templates, version, proposed.module_hash)?;
    if templates.proposal_count() >= MAX_PROPOSALS {
        return refuse(TemplateRefusal::TooMany { what: "proposals".to_owned(), max: MAX_PROPOSALS });
    }
    check_place(templates, proposed, interface)
}

/// Whether neither version nor module is another template's.
fn check_free(templates: &Templates, version: Version, module_hash: Hash) -> Result<(), FactoryError> {
    if let Some(known) = templates.version(version) {
        return refuse(TemplateRefusal::VersionTaken { version, module_hash: known.hash });
    }
    let published = templates.of_module(module_hash).map(|(version, _)| version);
    let other =
        |proposal: &Proposal| proposal.proposed.module_hash == module_hash && proposal.proposed.version != version;
    let proposed = templates.proposals().into_iter().find(other).map(|proposal| proposal.proposed.version);
    match published.or(proposed) {
        Some(version) => refuse(TemplateRefusal::ModuleTaken { module_hash, version }),
        None if templates.count() >= MAX_VERSIONS => {
            refuse(TemplateRefusal::TooMany { what: "versions".to_owned(), max: MAX_VERSIONS })
        }
        None => Ok(()),
    }
}

/// Whether it is above what its channel had so far, and clients of the version before it can use it.
fn check_place(templates: &Templates, proposed: &TemplateProposed, interface: &str) -> Result<(), FactoryError> {
    let version = proposed.version;
    if let Some(last) = templates.last_of(proposed.channel).filter(|last| *last >= version) {
        return refuse(TemplateRefusal::NotAbove { version, last });
    }
    let Some((previous, template)) = templates.previous(version) else { return Ok(()) };
    // One that stands in the log without a proposal has promised nothing.
    let Some(promised) = template.interface() else { return Ok(()) };
    let Some(promised) = store::interface(promised) else {
        return Err(refusal::internal(format!("the interface of {previous} is not here")));
    };
    let outcome = read_interface(interface)?.can_replace(&read_interface(&promised)?);
    outcome.or_else(|problem| refuse(TemplateRefusal::Breaking { previous, problem }))
}

/// Forgets interfaces of proposals that the log has never accepted, if there are any.
fn make_room() {
    let templates = |state: &State| state.templates().count() + state.templates().proposal_count();
    if store::interface_count() <= state::read(templates) {
        return;
    }
    let wanted: BTreeSet<Hash> = state::read(|state| {
        let proposed = state.templates().proposals().into_iter().map(|proposal| proposal.proposed.interface);
        state.templates().before(None).filter_map(|(_, template)| template.interface()).chain(proposed).collect()
    });
    store::forget_interfaces(&wanted);
}

/// The second person's word: they have built the module themselves, and name its hash. Repeating is harmless.
///
/// # Errors
/// [`TemplateRefusal`]: another module, the same person, or nothing to confirm. [`FactoryTemporaryError::TooEarly`] for an
/// admin who was granted only just.
pub async fn confirm(admin: Admin, version: &str, module: Hash) -> Result<TemplateProposal, FactoryError> {
    let _guard = decide()?;
    let recorded = |error: &FactoryError| refusal::record(admin.principal(), "confirmTemplate", error);
    let version = version_of("version", version).inspect_err(recorded)?;
    let now = runtime::now();
    let proposal = state::read(|state| check_confirmation(state, admin, version, module, now)).inspect_err(recorded)?;
    if word(&proposal).is_none() {
        let from = Timestamp(now.saturating_add(state::read(State::publish_delay)));
        let service = proposal.proposed.service;
        let confirmed = TemplateConfirmed { service, version, module_hash: module, from };
        append(admin, Payload::TemplateConfirmed(confirmed), Some(proposal.index)).await?;
    }
    open_proposal(version)
}

fn check_confirmation(
    state: &State,
    admin: Admin,
    version: Version,
    found: Hash,
    now: u64,
) -> Result<Proposal, FactoryError> {
    let Some(proposal) = state.templates().proposal(version) else {
        return match state.templates().version(version) {
            Some(known) => refuse(TemplateRefusal::VersionTaken { version, module_hash: known.hash }),
            None => refuse(TemplateRefusal::UnknownVersion { version }),
        };
    };
    let proposed = proposal.proposed.module_hash;
    if proposed != found {
        return refuse(TemplateRefusal::OtherModule { version, proposed, found });
    }
    access::second_person(state, admin, proposal.by, now)?;
    Ok(proposal)
}

/// Publishes a proposed version that is confirmed, when its time has come; while the factory is being set up, at once. New
/// contracts are made from it if it is the highest stable one. Repeating is harmless.
///
/// # Errors
/// [`TemplateRefusal`]: it was not proposed, or not as this, or is not confirmed; [`FactoryTemporaryError::TooEarly`].
pub async fn publish(
    admin: Admin,
    service: Service,
    version: &str,
    expected: Hash,
) -> Result<PublishedTemplate, FactoryError> {
    let _guard = decide()?;
    let recorded = |error: &FactoryError| refusal::record(admin.principal(), "publishTemplate", error);
    let version = version_of("version", version).inspect_err(recorded)?;
    let decision = state::read(|state| publication(state, version, expected, runtime::now()));
    let Publication { size, cause } = decision.inspect_err(recorded)?;
    let version = version.to_string();
    if cause.is_some() {
        let event = TemplatePublished { service, version: version.clone(), module_hash: expected, size };
        append(admin, Payload::TemplatePublished(event), cause).await?;
    }
    Ok(PublishedTemplate { version, module_hash: expected, size })
}

/// A version that may be published.
struct Publication {
    size: u64,
    /// The event that allows it; absent if it is published already.
    cause: Option<u64>,
}

fn publication(state: &State, version: Version, found: Hash, now: u64) -> Result<Publication, FactoryError> {
    let templates = state.templates();
    match (templates.version(version), templates.proposal(version)) {
        (Some(known), _) if known.hash != found => {
            refuse(TemplateRefusal::VersionTaken { version, module_hash: known.hash })
        }
        (Some(known), _) if known.withdrawn.is_some() => refuse(TemplateRefusal::Withdrawn { version }),
        (Some(known), _) => Ok(Publication { size: known.size, cause: None }),
        (None, Some(proposal)) => {
            let proposed = proposal.proposed.module_hash;
            if proposed != found {
                return refuse(TemplateRefusal::OtherModule { version, proposed, found });
            }
            let cause = if state.is_being_set_up() { proposal.index } else { permission(version, &proposal, now)? };
            let Some(interface) = store::interface(proposal.proposed.interface) else {
                return Err(refusal::internal(format!("the interface of {version} is not here")));
            };
            // What was right when it was proposed may not be any more: other versions were published since.
            check_free(templates, version, found)?;
            check_place(templates, &proposal.proposed, &interface)?;
            Ok(Publication { size: size_of(found)?, cause: Some(cause) })
        }
        (None, None) => refuse(TemplateRefusal::UnknownVersion { version }),
    }
}

fn size_of(module_hash: Hash) -> Result<u64, FactoryError> {
    store::size(module_hash).map_or_else(|| refuse(TemplateRefusal::UnknownModule { module_hash }), Ok)
}

/// The second person's word for it, if they still have one.
fn word(proposal: &Proposal) -> Option<Confirmation> {
    proposal.confirmed.filter(|word| access::is_admin(word.by))
}

/// The second person's word for it, if it is given and the delay is over.
fn permission(version: Version, proposal: &Proposal, now: u64) -> Result<u64, FactoryError> {
    match word(proposal) {
        None => refuse(TemplateRefusal::NotConfirmed { version }),
        Some(word) if now < word.from.0 => {
            Err(FactoryError::Temporary(FactoryTemporaryError::TooEarly { at: word.from.0 }))
        }
        Some(word) => Ok(word.index),
    }
}

/// Withdraws a proposal, or a published version: nothing is installed from it or upgraded to it any more. Repeating is
/// harmless.
///
/// # Errors
/// [`TemplateRefusal`]: there is no such version, or nothing could be installed without it.
pub async fn withdraw(admin: Admin, service: Service, version: &str, reason: &str) -> Result<(), FactoryError> {
    let _guard = decide()?;
    let recorded = |error: &FactoryError| refusal::record(admin.principal(), "withdrawTemplate", error);
    let version = version_of("version", version).inspect_err(recorded)?;
    let is_known = state::read(|state| check_withdrawal(state.templates(), version)).inspect_err(recorded)?;
    if is_known {
        return Ok(());
    }
    let withdrawn = TemplateWithdrawn { service, version, reason: Reason::new("withdrawn", reason) };
    append(admin, Payload::TemplateWithdrawn(withdrawn), None).await
}

/// Whether it is withdrawn already; refused if it cannot be.
fn check_withdrawal(templates: &Templates, version: Version) -> Result<bool, FactoryError> {
    let known = match (templates.proposal(version), templates.version(version)) {
        (Some(_), _) => return Ok(false),
        (None, Some(known)) => known,
        (None, None) => return refuse(TemplateRefusal::UnknownVersion { version }),
    };
    let another = |(other, template): (Version, Template)| other != version && template.is_installable();
    if known.is_installable() && !templates.before(None).any(another) {
        return refuse(TemplateRefusal::OnlyOne { version });
    }
    Ok(known.withdrawn.is_some())
}

/// The template to which a contract with the module `current` may be upgraded: published and not withdrawn, above the
/// contract's version, and able to take it over. Somebody else's code is never upgraded.
///
/// # Errors
/// [`TemplateRefusal`].
pub fn upgrade_target(templates: &Templates, current: Hash, version: Version) -> Result<Template, TemplateRefusal> {
    let Some(target) = templates.version(version) else { return Err(TemplateRefusal::UnknownVersion { version }) };
    let Some((running, runs)) = templates.of_module(current) else {
        return Err(TemplateRefusal::UnknownModule { module_hash: current });
    };
    if target.withdrawn.is_some() {
        return Err(TemplateRefusal::Withdrawn { version });
    }
    if let Some((foreign, _)) = [(running, &runs), (version, &target)].into_iter().find(|(_, one)| one.is_foreign()) {
        return Err(TemplateRefusal::Foreign { version: foreign });
    }
    if version <= running {
        return Err(TemplateRefusal::NotAbove { version, last: running });
    }
    match target.upgrades_from().filter(|from| running < *from) {
        Some(upgrades_from) => Err(TemplateRefusal::TooOld { version, upgrades_from, current: running }),
        None => Ok(target),
    }
}

/// Published templates below a version, or all, the highest first.
///
/// # Errors
/// [`TemplateRefusal::NotAVersion`], [`FactoryRequestError::OutOfBounds`].
pub fn page(below: Option<&str>, limit: Option<u32>) -> Result<TemplatePage, FactoryError> {
    let below = below.map(|text| version_of("below", text)).transpose()?;
    let limit = limit.unwrap_or(DEFAULT_PAGE);
    if limit == 0 || limit > MAX_PAGE {
        let (what, found, bound) = ("limit".to_owned(), u64::from(limit), u64::from(MAX_PAGE));
        return Err(FactoryError::Request(FactoryRequestError::OutOfBounds { what, found, bound }));
    }
    Ok(state::read(|state| {
        let mut templates = state.templates().before(below);
        let rows: Vec<_> = templates.by_ref().take(limit as usize).map(describe).collect();
        let next = templates.next().and_then(|_| rows.last().map(|row| row.version));
        TemplatePage { rows, next }
    }))
}

/// Every open proposal.
pub fn proposals() -> Vec<TemplateProposal> {
    state::read(|state| state.templates().proposals()).into_iter().map(describe_proposal).collect()
}

/// The interface of a version, proposed or published.
///
/// # Errors
/// [`TemplateRefusal::NotAVersion`].
pub fn interface_of(version: &str) -> Result<Option<String>, FactoryError> {
    let version = version_of("version", version)?;
    let hash = state::read(|state| {
        let published = state.templates().version(version).and_then(|template| template.interface());
        published.or_else(|| state.templates().proposal(version).map(|proposal| proposal.proposed.interface))
    });
    Ok(hash.and_then(store::interface))
}

fn describe((version, template): (Version, Template)) -> TemplateVersion {
    TemplateVersion {
        version,
        module_hash: template.hash,
        size: template.size,
        terms: template.proposed.map(describe_terms),
        published_at: template.published.0,
        event: template.index,
        withdrawn: template.withdrawn,
    }
}

fn describe_proposal(proposal: Proposal) -> TemplateProposal {
    let (confirmed_by, publishable_at): (Option<Principal>, Option<u64>) =
        proposal.confirmed.map(|word| (word.by, word.from.0)).unzip();
    TemplateProposal {
        version: proposal.proposed.version,
        module_hash: proposal.proposed.module_hash,
        size: proposal.proposed.size,
        terms: describe_terms(proposal.proposed),
        proposed_by: proposal.by,
        proposed_at: proposal.at.0,
        confirmed_by,
        publishable_at,
    }
}

fn describe_terms(proposed: TemplateProposed) -> TemplateTerms {
    let TemplateProposed { channel, upgrades_from, interface, source_commit, notes, foreign, .. } = proposed;
    TemplateTerms { channel, upgrades_from, interface, source_commit, notes, foreign }
}
