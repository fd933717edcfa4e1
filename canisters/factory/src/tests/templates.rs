//! Templates: uploads, proposals, publication, withdrawal, and what is installed.

mod histories;
mod kinds;
mod setup;
mod uploads;
mod weaknesses;

use super::world::{ADMIN, BACKEND, DELAY, OWNER, Word, World, module, plain, wasm};
use crate::kind::ContractKind;
use crate::template::interface::MAX_INTERFACE;
use crate::template::registry::{self, MAX_PROPOSALS};
use crate::template::upload::{self, LIFETIME, MAX_BYTES, MAX_CHUNK, MAX_OWN_UPLOADS, MAX_SIZE, MAX_UPLOADS};
use crate::template::{PART, bytes, size, store};
use crate::{access, deployment, state};
use cairn_events::payload::{Channel, TemplateProposed};
use cairn_events::{Hash, Kind, Payload, Principal, Version};
use cairn_kit::api::factory::{
    FactoryError, FactoryRequestError as Request, FactoryTemporaryError as Temporary, PublishedTemplate,
};
use cairn_kit::api::template::{
    ProposeTemplate, TemplateProposal, TemplateRefusal as Refusal, UploadRefusal, UploadSession,
};
use cairn_kit::runtime;
use cairn_kit::runtime::testing::{run, run_all};
use std::time::Duration;

/// The admin who confirms.
pub(super) const SECOND: Principal = Principal::from_slice(&[0xad, 2]);
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const INTERFACE: &str = "service : (text) -> { canUpgrade : () -> (variant { Ok; Err : text }) query; \
                         confirmUpgrade : () -> (); getContractHealth : () -> (nat) query; word : () -> (text) query }";

/// A factory that sells version 1.0.0, and has two admins.
fn world() -> World {
    let world = World::ready();
    run(access::grant(access::admin(ADMIN).unwrap(), SECOND)).unwrap();
    world.network.advance(Duration::from_secs(DELAY));
    world
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

pub(super) fn terms(version: &str, module_hash: Hash) -> ProposeTemplate {
    ProposeTemplate {
        version: version.to_owned(),
        module_hash,
        channel: Channel::Stable,
        upgrades_from: None,
        interface: INTERFACE.to_owned(),
        source_commit: COMMIT.to_owned(),
        notes: "what is new".to_owned(),
        foreign: false,
    }
}

fn propose(admin: Principal, terms: ProposeTemplate) -> Result<TemplateProposal, FactoryError> {
    run(registry::propose::<Word>(access::admin(admin)?, terms))
}

fn confirm(admin: Principal, version: &str, module: Hash) -> Result<TemplateProposal, FactoryError> {
    run(registry::confirm(access::admin(admin)?, version, module))
}

fn publish(admin: Principal, version: &str, module: Hash) -> Result<PublishedTemplate, FactoryError> {
    run(registry::publish(access::admin(admin)?, Word::SERVICE, version, module))
}

fn withdraw(admin: Principal, version: &str) -> Result<(), FactoryError> {
    run(registry::withdraw(access::admin(admin)?, Word::SERVICE, version, "a fault was found"))
}

/// A version on its way through all that it takes.
fn release(world: &World, terms: ProposeTemplate) -> Result<PublishedTemplate, FactoryError> {
    let (version, module) = (terms.version.clone(), terms.module_hash);
    propose(ADMIN, terms)?;
    confirm(SECOND, &version, module)?;
    world.network.advance(Duration::from_secs(DELAY));
    publish(ADMIN, &version, module)
}

fn refused<T>(refusal: Refusal) -> Result<T, FactoryError> {
    Err(FactoryError::Request(Request::Template(refusal)))
}

fn not_uploaded<T>(refusal: UploadRefusal) -> Result<T, FactoryError> {
    Err(FactoryError::Request(Request::Upload(refusal)))
}

fn begin(admin: Principal, size: u64) -> Result<UploadSession, FactoryError> {
    upload::begin(access::admin(admin)?, size)
}

fn chunk(admin: Principal, session: u64, offset: u64, bytes: &[u8]) -> Result<u64, FactoryError> {
    upload::chunk(access::admin(admin)?, session, offset, bytes)
}

fn finish(admin: Principal, session: u64) -> Result<Hash, FactoryError> {
    upload::finish(access::admin(admin)?, session).map(|module| module.module_hash)
}

fn sessions() -> Vec<UploadSession> {
    upload::sessions(access::admin(ADMIN).unwrap())
}

#[test]
fn a_version_takes_two_persons_and_a_delay() {
    let world = world();
    let hash = world.upload(ADMIN, &wasm(b"1.1.0"));
    assert_eq!(publish(ADMIN, "1.1.0", hash), refused(Refusal::UnknownVersion { version: version("1.1.0") }));
    let proposal = propose(ADMIN, terms("1.1.0", hash)).unwrap();
    assert_eq!((proposal.proposed_by, proposal.confirmed_by, proposal.publishable_at), (ADMIN, None, None));
    assert_eq!(propose(ADMIN, terms("1.1.0", hash)), Ok(proposal), "repeating is harmless");
    assert_eq!(publish(ADMIN, "1.1.0", hash), refused(Refusal::NotConfirmed { version: version("1.1.0") }));
    assert_eq!(confirm(ADMIN, "1.1.0", hash), Err(FactoryError::Request(Request::SamePerson { person: ADMIN })));
    let found = Hash([9; 32]);
    let other = Refusal::OtherModule { version: version("1.1.0"), proposed: hash, found };
    assert_eq!(confirm(SECOND, "1.1.0", found), refused(other.clone()));
    assert_eq!(publish(SECOND, "1.1.0", found), refused(other));
    world.network.control(OWNER);
    assert_eq!(confirm(OWNER, "1.1.0", hash), Err(FactoryError::Request(Request::NotByName { person: OWNER })));
    assert_eq!(confirm(SECOND, "1.2.0", hash), refused(Refusal::UnknownVersion { version: version("1.2.0") }));
    let confirmed = confirm(SECOND, "1.1.0", hash).unwrap();
    let at = runtime::now() + DELAY * 1_000_000_000;
    assert_eq!((confirmed.confirmed_by, confirmed.publishable_at), (Some(SECOND), Some(at)));
    world.network.advance(Duration::from_secs(DELAY - 1));
    assert_eq!(confirm(SECOND, "1.1.0", hash), Ok(confirmed), "again, without another delay");
    assert_eq!(publish(ADMIN, "1.1.0", hash), Err(FactoryError::Temporary(Temporary::TooEarly { at })));
    assert_eq!(deployment::capacity_now().unwrap().version, "1.0.0");
    world.network.advance(Duration::from_secs(1));
    publish(ADMIN, "1.1.0", hash).unwrap();
    publish(SECOND, "1.1.0", hash).unwrap();
    assert_eq!(
        confirm(SECOND, "1.1.0", hash),
        refused(Refusal::VersionTaken { version: version("1.1.0"), module_hash: hash })
    );
    assert_eq!(deployment::capacity_now().unwrap().version, "1.1.0");
    for (kind, count) in [(Kind::TemplateProposed, 2), (Kind::TemplateConfirmed, 1), (Kind::TemplatePublished, 2)] {
        assert_eq!(world.count_kind(kind), count, "{kind:?}");
    }
    world.wait();
    let caused = |event: &cairn_kit::journal::Recorded| {
        let by = event.causation.map(|index| world.model.borrow().events[index as usize].payload.kind());
        (event.payload.kind(), by)
    };
    let events = world.model.borrow().events.clone();
    let causes: Vec<_> = events.iter().filter(|event| event.payload.service().is_some()).map(caused).collect();
    assert!(causes.contains(&(Kind::TemplateConfirmed, Some(Kind::TemplateProposed))), "{causes:?}");
    assert!(causes.contains(&(Kind::TemplatePublished, Some(Kind::TemplateConfirmed))), "{causes:?}");
    world.check();
}

/// Nobody makes up a second person and publishes with it in haste.
#[test]
fn a_new_admin_counts_as_a_second_person_after_the_delay_only() {
    let world = World::ready();
    let hash = world.upload(ADMIN, &wasm(b"1.1.0"));
    propose(ADMIN, terms("1.1.0", hash)).unwrap();
    run(access::grant(access::admin(ADMIN).unwrap(), SECOND)).unwrap();
    run(access::grant(access::admin(ADMIN).unwrap(), SECOND)).unwrap();
    assert_eq!(world.count_kind(Kind::FactoryAdminGranted), 1);
    assert_eq!(access::admins(), vec![ADMIN, SECOND]);
    let at = runtime::now() + DELAY * 1_000_000_000;
    assert_eq!(confirm(SECOND, "1.1.0", hash), Err(FactoryError::Temporary(Temporary::TooEarly { at })));
    // Nor does it help that the new one proposes, for the other to confirm.
    let other = world.upload(SECOND, &wasm(b"1.2.0"));
    propose(SECOND, terms("1.2.0", other)).unwrap();
    assert_eq!(confirm(ADMIN, "1.2.0", other), Err(FactoryError::Temporary(Temporary::TooEarly { at })));
    world.network.advance(Duration::from_secs(DELAY));
    assert!(confirm(SECOND, "1.1.0", hash).is_ok());
    for nobody in [Principal::anonymous(), Principal::management_canister()] {
        assert!(run(access::grant(access::admin(ADMIN).unwrap(), nobody)).is_err());
    }
    assert!(access::admin(OWNER).is_err());
    world.upgrade();
    assert!(access::admin(SECOND).is_ok());
    world.check();
}

#[test]
fn what_is_proposed_is_checked() {
    let world = world();
    let hash = world.upload(ADMIN, &wasm(b"1.1.0"));
    let before = (world.folded(), world.count_kind(Kind::TemplateProposed));
    let with = |change: &dyn Fn(&mut ProposeTemplate)| {
        let mut terms = terms("1.1.0", hash);
        change(&mut terms);
        propose(ADMIN, terms)
    };
    for text in ["", "1", "1.1", "1.1.0.0", "01.1.0", "1.1.0-beta", &"1".repeat(40)] {
        let field = || "version".to_owned();
        assert_eq!(with(&|terms| terms.version = text.into()), refused(Refusal::NotAVersion { field: field() }));
    }
    let field = "upgrades_from".to_owned();
    assert_eq!(with(&|terms| terms.upgrades_from = Some("x".into())), refused(Refusal::NotAVersion { field }));
    for from in ["1.1.0", "1.1.1", "2.0.0"] {
        let above = Refusal::UpgradesFrom { version: version("1.1.0"), upgrades_from: version(from) };
        assert_eq!(with(&|terms| terms.upgrades_from = Some(from.into())), refused(above));
    }
    for commit in ["", &COMMIT[1..], &COMMIT.to_uppercase(), &COMMIT.replace('0', "g"), &"0".repeat(65)] {
        let length = commit.len() as u64;
        assert_eq!(with(&|terms| terms.source_commit = commit.into()), refused(Refusal::SourceCommit { length }));
    }
    let long = |what: &str, found: usize, bound: usize| {
        let (what, found, bound) = (what.to_owned(), found as u64, bound as u64);
        Err(FactoryError::Request(Request::OutOfBounds { what, found, bound }))
    };
    let bound = TemplateProposed::MAX_NOTES;
    assert_eq!(with(&|terms| terms.notes = "x".repeat(bound + 1)), long("notes", bound + 1, bound));
    let bound = MAX_INTERFACE;
    assert_eq!(with(&|terms| terms.interface = "x".repeat(bound + 1)), long("interface", bound + 1, bound));
    assert!(matches!(
        with(&|terms| terms.interface = "service".into()),
        Err(FactoryError::Request(Request::Template(Refusal::Interface { .. })))
    ));
    let more = INTERFACE.replace("word", "missing : () -> () query; word");
    for other in [more, INTERFACE.replace("(text) query }", "(text) }")] {
        let refusal = with(&|terms| terms.interface = other.clone());
        let name = if other.contains("missing") { "canister_query missing" } else { "canister_update word" };
        assert_eq!(refusal, refused(Refusal::NotExported { name: name.into() }));
    }
    let broken = (plain(&[7, 100, 0]), "a section goes beyond the end");
    let packed = (vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0], "packed by gzip: upload it unpacked");
    for (module, problem) in [broken, packed] {
        let (module, problem) = (world.upload(ADMIN, &module), problem.to_owned());
        assert_eq!(with(&|terms| terms.module_hash = module), refused(Refusal::Module { problem }));
    }
    for method in ["word", "canUpgrade", "confirmUpgrade", "getContractHealth"] {
        let without = INTERFACE.replace(method, "other");
        let method = method.to_owned();
        assert_eq!(with(&|terms| terms.interface = without.clone()), refused(Refusal::MissingMethod { method }));
    }
    let module_hash = Hash([9; 32]);
    assert_eq!(with(&|terms| terms.module_hash = module_hash), refused(Refusal::UnknownModule { module_hash }));
    let published = Hash::of(&[&module()]);
    let taken = Refusal::ModuleTaken { module_hash: published, version: version("1.0.0") };
    assert_eq!(with(&|terms| terms.module_hash = published), refused(taken));
    let taken = Refusal::VersionTaken { version: version("1.0.0"), module_hash: published };
    assert_eq!(with(&|terms| terms.version = "1.0.0".into()), refused(taken));
    let below = Refusal::NotAbove { version: version("0.9.9"), last: version("1.0.0") };
    assert_eq!(with(&|terms| terms.version = "0.9.9".into()), refused(below));
    assert!(propose(OWNER, terms("1.1.0", hash)).is_err());
    assert_eq!((world.folded(), world.count_kind(Kind::TemplateProposed)), before, "nothing changed");
    world.wait();
    assert!(world.count_kind(Kind::Refused) > 20, "refusals to admins are recorded");
    assert!(with(&|_| ()).is_ok());
    let other = world.upload(SECOND, &wasm(b"other"));
    let taken = Refusal::VersionTaken { version: version("1.1.0"), module_hash: hash };
    assert_eq!(propose(SECOND, terms("1.1.0", other)), refused(taken));
    let taken = Refusal::ModuleTaken { module_hash: hash, version: version("1.1.0") };
    assert_eq!(propose(SECOND, terms("1.2.0", hash)), refused(taken));
}

/// What a bad admin said falls with them; and no admin turns out another.
#[test]
fn controllers_turn_out_an_admin_and_what_they_said() {
    let world = world();
    let hashes: Vec<Hash> = (0_u8..3).map(|number| world.upload(ADMIN, &wasm(&[number]))).collect();
    propose(ADMIN, terms("1.1.0", hashes[0])).unwrap();
    propose(ADMIN, terms("1.2.0", hashes[1])).unwrap();
    propose(SECOND, terms("1.3.0", hashes[2])).unwrap();
    confirm(SECOND, "1.1.0", hashes[0]).unwrap();
    world.network.advance(Duration::from_secs(DELAY));
    let controller = Principal::from_slice(&[0xc0]);
    world.network.control(controller);
    for other in [ADMIN, SECOND, OWNER, Principal::anonymous()] {
        assert_eq!(run(access::revoke(other, SECOND)), Err(access::turned_away(other)));
    }
    run(access::revoke(controller, SECOND)).unwrap();
    run(access::revoke(controller, SECOND)).unwrap();
    assert_eq!(world.count_kind(Kind::FactoryAdminRevoked), 1);
    assert_eq!((access::admins(), access::admin(SECOND).is_err()), (vec![ADMIN], true));
    let open: Vec<_> = registry::proposals().into_iter().map(|it| (it.version, it.confirmed_by)).collect();
    assert_eq!(open, [(version("1.1.0"), None), (version("1.2.0"), None)]);
    let unconfirmed = Refusal::NotConfirmed { version: version("1.1.0") };
    assert_eq!(publish(ADMIN, "1.1.0", hashes[0]), refused(unconfirmed));
    world.upgrade();
    assert!(access::admin(SECOND).is_err());
    // Whoever comes back is new.
    run(access::grant(access::admin(ADMIN).unwrap(), SECOND)).unwrap();
    assert!(matches!(confirm(SECOND, "1.1.0", hashes[0]), Err(FactoryError::Temporary(Temporary::TooEarly { .. }))));
    world.wait();
    world.check();
}

#[test]
fn proposals_are_bounded_and_can_be_withdrawn() {
    let world = world();
    let hashes: Vec<Hash> =
        (0..=MAX_PROPOSALS).map(|number| world.upload(ADMIN, &wasm(&number.to_be_bytes()))).collect();
    let (last, others) = hashes.split_last().unwrap();
    for (number, hash) in others.iter().enumerate() {
        propose(ADMIN, terms(&format!("1.1.{number}"), *hash)).unwrap();
    }
    let many = Refusal::TooMany { what: "proposals".into(), max: MAX_PROPOSALS };
    assert_eq!(propose(ADMIN, terms("1.2.0", *last)), refused(many));
    confirm(SECOND, "1.1.3", others[3]).unwrap();
    withdraw(SECOND, "1.1.3").unwrap();
    assert_eq!(withdraw(SECOND, "1.1.3"), refused(Refusal::UnknownVersion { version: version("1.1.3") }));
    assert_eq!(registry::proposals().len() as u64, MAX_PROPOSALS - 1);
    // Number and module are free again; the confirmation is gone.
    assert_eq!(propose(ADMIN, terms("1.1.3", others[3])).unwrap().confirmed_by, None);
    world.wait();
    world.check();
}

#[test]
fn interfaces_break_with_a_major_version_only() {
    let world = world();
    let module = |text: &str| world.upload(ADMIN, &wasm(text.as_bytes()));
    let with = |version: &str, interface: &str| {
        let mut terms = terms(version, module(version));
        terms.interface = interface.to_owned();
        terms
    };
    let whole = INTERFACE.replace("word", "sentence : () -> (text) query; word");
    release(&world, with("1.1.0", &whole)).unwrap();
    let other = whole.replace("word : () -> (text)", "word : () -> (nat)");
    for (interface, method) in [(other.as_str(), "word"), (INTERFACE, "sentence")] {
        match propose(ADMIN, with("1.1.1", interface)) {
            Err(FactoryError::Request(Request::Template(Refusal::Breaking { previous, problem }))) => {
                assert_eq!(previous, version("1.1.0"));
                assert!(problem.starts_with(&format!("method {method}: ")), "{problem}");
            }
            other => panic!("{other:?}"),
        }
    }
    let mut beta = with("1.2.0", &whole.replace("word", "second : () -> (); word"));
    beta.channel = Channel::Beta;
    release(&world, beta).unwrap();
    release(&world, with("1.3.0", &whole)).unwrap();
    assert_eq!(registry::interface_of("1.3.0"), Ok(Some(whole.clone())), "a beta has promised nothing");
    let more = whole.replace("word", "third : () -> (); word");
    // What is published meanwhile is looked at, too.
    let late = with("1.5.0", &whole);
    let late_hash = late.module_hash;
    propose(ADMIN, late).unwrap();
    confirm(SECOND, "1.5.0", late_hash).unwrap();
    release(&world, with("1.4.0", &more)).unwrap();
    let outcome = publish(ADMIN, "1.5.0", late_hash);
    assert!(matches!(outcome, Err(FactoryError::Request(Request::Template(Refusal::Breaking { .. })))), "{outcome:?}");
    release(&world, with("2.0.0", &other)).unwrap();
    assert_eq!(deployment::capacity_now().unwrap().version, "2.0.0");
    assert_eq!(registry::interface_of("9.0.0"), Ok(None));
    world.wait();
    world.check();
}

#[test]
fn the_highest_stable_version_is_installed_unless_another_one_was_quoted() {
    let world = world();
    let old = Hash::of(&[&module()]);
    let quoted = |number: u8, template: Hash| {
        let mut args = world.dispatch(number, "word");
        args.template = Some(template);
        let outcome = world.create(&args).map(|delivered| delivered.module_hash);
        world.wait();
        outcome
    };
    let new = world.upload(ADMIN, &wasm(b"1.1.0"));
    release(&world, terms("1.1.0", new)).unwrap();
    let mut beta = terms("3.0.0", world.upload(ADMIN, &wasm(b"3.0.0")));
    beta.channel = Channel::Beta;
    let tried = beta.module_hash;
    release(&world, beta).unwrap();
    let capacity = deployment::capacity_now().unwrap();
    assert_eq!((capacity.version.as_str(), capacity.template), ("1.1.0", new));
    assert_eq!(world.create(&world.dispatch(1, "word")).unwrap().module_hash, new);
    assert_eq!(quoted(2, old), Ok(old), "what was quoted is delivered");
    let mismatch = |expected, actual| Err(FactoryError::Request(Request::TemplateMismatch { expected, actual }));
    assert_eq!(quoted(3, tried), mismatch(tried, new), "nobody is quoted a beta");
    withdraw(ADMIN, "1.1.0").unwrap();
    withdraw(ADMIN, "1.1.0").unwrap();
    assert_eq!(world.count_kind(Kind::TemplateWithdrawn), 1);
    assert_eq!(quoted(4, new), mismatch(new, old), "a withdrawn one is not installed");
    assert_eq!(world.create(&world.dispatch(5, "word")).unwrap().module_hash, old);
    assert_eq!(publish(ADMIN, "1.1.0", new), refused(Refusal::Withdrawn { version: version("1.1.0") }));
    assert_eq!(withdraw(ADMIN, "1.0.0"), refused(Refusal::OnlyOne { version: version("1.0.0") }));
    assert_eq!(withdraw(ADMIN, "3.0.0"), Ok(()), "one that is not installed anyway");
    world.wait();
    world.check();
}

#[test]
fn versions_are_listed_in_pages() {
    let world = world();
    for number in 1..=4 {
        let text = format!("1.{number}.0");
        release(&world, terms(&text, world.upload(ADMIN, &wasm(text.as_bytes())))).unwrap();
    }
    withdraw(ADMIN, "1.2.0").unwrap();
    let (mut listed, mut below) = (Vec::new(), None);
    loop {
        let page = registry::page(below.as_deref(), Some(2)).unwrap();
        assert!(page.rows.len() <= 2);
        listed.extend(page.rows);
        let Some(next) = page.next else { break };
        below = Some(next.to_string());
    }
    let versions: Vec<String> = listed.iter().map(|row| row.version.to_string()).collect();
    assert_eq!(versions, ["1.4.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0"]);
    let withdrawn: Vec<bool> = listed.iter().map(|row| row.withdrawn.is_some()).collect();
    assert_eq!(withdrawn, [false, false, true, false, false]);
    for row in &listed {
        let terms = row.terms.as_ref().unwrap();
        assert_eq!((terms.source_commit.as_str(), terms.notes.as_str()), (COMMIT, "what is new"));
    }
    for limit in [0, registry::MAX_PAGE + 1] {
        assert!(matches!(registry::page(None, Some(limit)), Err(FactoryError::Request(Request::OutOfBounds { .. }))));
    }
    assert!(registry::page(Some("x"), None).is_err());
}
