//! The weaknesses W-40 to W-46 of the old version manager, each by its number: what templates can have of them.
//! Those of upgrades themselves are shown where contracts are upgraded.

use super::*;

/// There, the uploader's hash was trusted, and a wrong one burnt the version's number.
#[test]
fn w_40_the_hash_is_computed_from_the_bytes() {
    let world = world();
    let module = wasm(b"1.1.0");
    let session = begin(ADMIN, module.len() as u64).unwrap().id;
    chunk(ADMIN, session, 0, &module).unwrap();
    let hash = finish(ADMIN, session).unwrap();
    assert_eq!(hash, Hash::of(&[&module]), "nobody was asked for it");
    let wrong = Hash::of(&[b"other bytes"]);
    assert_eq!(propose(ADMIN, terms("1.1.0", wrong)), refused(Refusal::UnknownModule { module_hash: wrong }));
    assert!(release(&world, terms("1.1.0", hash)).is_ok(), "the number is not burnt");
}

/// There, all admins shared one buffer without bounds.
#[test]
fn w_41_uploads_do_not_mix() {
    let world = world();
    let modules = [plain(&[1; 3_000]), plain(&[2; 3_000]), plain(&[3; 3_000])];
    let owners = [ADMIN, SECOND, ADMIN];
    let ids = owners.map(|owner| begin(owner, 3_008).unwrap().id);
    for start in [0, 752] {
        for ((module, owner), id) in modules.iter().zip(owners).zip(ids) {
            chunk(owner, id, start as u64, &module[start..start + 752]).unwrap();
        }
    }
    world.upgrade();
    // One is given up and begun anew in the midst of the others.
    upload::cancel(access::admin(ADMIN).unwrap(), ids[2]).unwrap();
    let again = begin(ADMIN, 3_008).unwrap().id;
    assert!(!ids.contains(&again), "no number means two uploads");
    assert!(chunk(ADMIN, ids[2], 1_504, &[0]).is_err());
    chunk(ADMIN, again, 0, &modules[2]).unwrap();
    assert_eq!(finish(ADMIN, again), Ok(Hash::of(&[&modules[2]])));
    for ((module, owner), id) in modules.iter().zip(owners).zip(ids).take(2) {
        chunk(owner, id, 1_504, &module[1_504..]).unwrap();
        assert_eq!(finish(owner, id), Ok(Hash::of(&[module])));
    }
    for module in &modules {
        assert_eq!(bytes(Hash::of(&[module]), 0, 3_008), *module);
    }
    assert!(sessions().is_empty());
}

/// There, an older version published later became the latest, and contracts could be downgraded.
#[test]
fn w_42_versions_only_go_up() {
    let world = world();
    let hashes: Vec<Hash> = ["1.2.0", "1.1.0", "1.10.0"].map(|text| world.upload(ADMIN, &wasm(text.as_bytes()))).into();
    release(&world, terms("1.2.0", hashes[0])).unwrap();
    let below = Refusal::NotAbove { version: version("1.1.0"), last: version("1.2.0") };
    assert_eq!(propose(ADMIN, terms("1.1.0", hashes[1])), refused(below.clone()));
    // What was proposed in time and comes late is refused, too.
    for (text, hash) in [("1.9.0", hashes[1]), ("1.10.0", hashes[2])] {
        propose(ADMIN, ProposeTemplate { upgrades_from: Some("1.2.0".into()), ..terms(text, hash) }).unwrap();
        confirm(SECOND, text, hash).unwrap();
    }
    world.network.advance(Duration::from_secs(DELAY));
    publish(ADMIN, "1.10.0", hashes[2]).unwrap();
    let below = Refusal::NotAbove { version: version("1.9.0"), last: version("1.10.0") };
    assert_eq!(publish(ADMIN, "1.9.0", hashes[1]), refused(below));
    assert_eq!(deployment::capacity_now().unwrap().version, "1.10.0", "by number, not as texts are ordered");

    let first = Hash::of(&[&module()]);
    let target = |module, to: &str| {
        let found = state::read(|state| registry::upgrade_target(state.templates(), module, version(to)));
        found.map(|template| template.hash)
    };
    assert_eq!(target(hashes[0], "1.10.0"), Ok(hashes[2]));
    assert_eq!(target(first, "1.2.0"), Ok(hashes[0]));
    for (module, running, to) in [(hashes[0], "1.2.0", "1.0.0"), (hashes[0], "1.2.0", "1.2.0")] {
        let refusal = Refusal::NotAbove { version: version(to), last: version(running) };
        assert_eq!(target(module, to), Err(refusal), "no downgrade, and not the same again");
    }
    let old =
        Refusal::TooOld { version: version("1.10.0"), upgrades_from: version("1.2.0"), current: version("1.0.0") };
    assert_eq!(target(first, "1.10.0"), Err(old));
    assert_eq!(target(first, "1.9.0"), Err(Refusal::UnknownVersion { version: version("1.9.0") }), "not published");
    withdraw(ADMIN, "1.10.0").unwrap();
    assert_eq!(target(hashes[0], "1.10.0"), Err(Refusal::Withdrawn { version: version("1.10.0") }));
    let unknown = Hash([9; 32]);
    assert_eq!(target(unknown, "1.2.0"), Err(Refusal::UnknownModule { module_hash: unknown }));
}

/// There, a failure erased what there was before: the version to go back to.
#[test]
fn w_43_a_failure_leaves_what_was_there() {
    for (code, after) in [(2, false), (6, false), (6, true)] {
        std::thread::spawn(move || one_failed_publication(code, after)).join().unwrap();
    }
}

fn one_failed_publication(code: u32, after: bool) {
    let world = world();
    let hash = world.upload(ADMIN, &wasm(b"1.1.0"));
    propose(ADMIN, terms("1.1.0", hash)).unwrap();
    confirm(SECOND, "1.1.0", hash).unwrap();
    world.network.advance(Duration::from_secs(DELAY));
    let before = state::read(|state| state.templates().version(version("1.0.0")));
    world.model.borrow_mut().faults.push(("append", code, after));
    let first = publish(ADMIN, "1.1.0", hash);
    let now = deployment::capacity_now().unwrap().version;
    assert_eq!(now, if first.is_ok() { "1.1.0" } else { "1.0.0" });
    world.wait();
    publish(ADMIN, "1.1.0", hash).unwrap();
    assert_eq!(state::read(|state| state.templates().version(version("1.0.0"))), before);
    withdraw(ADMIN, "1.1.0").unwrap();
    assert_eq!(deployment::capacity_now().unwrap().version, "1.0.0", "there is something to go back to");
    assert_eq!(world.count_kind(Kind::TemplatePublished), 2, "once each");
    world.wait();
    world.check();
}

/// There, nothing was locked, and what a failure had begun was left lying about.
#[test]
fn w_44_decisions_exclude_one_another_and_leave_nothing_behind() {
    let world = world();
    let (one, other) = (world.upload(ADMIN, &wasm(b"one")), world.upload(SECOND, &wasm(b"other")));
    let propose = |admin, hash| -> runtime::Task<Result<TemplateProposal, FactoryError>> {
        Box::pin(registry::propose::<Word>(access::admin(admin).unwrap(), terms("1.1.0", hash)))
    };
    let replies = run_all(vec![propose(ADMIN, one), propose(SECOND, other)]);
    assert!(replies[0].is_ok());
    assert_eq!(replies[1], Err(FactoryError::Temporary(Temporary::Busy)));
    assert_eq!(world.count_kind(Kind::TemplateProposed), 2, "the first version, and one of these");
    // The room of uploads that came to nothing is used again: for ever the same few blocks.
    for round in 0..6 {
        let id = begin(ADMIN, MAX_SIZE).unwrap().id;
        chunk(ADMIN, id, 0, &wasm(&[round; 100])).unwrap();
        if round % 2 == 0 {
            upload::cancel(access::admin(ADMIN).unwrap(), id).unwrap();
        } else {
            world.network.advance(Duration::from_nanos(LIFETIME));
        }
    }
    assert!(
        store::with(|store| store.blocks()) <= 4 + MAX_SIZE / PART,
        "blocks of four small modules, and of one upload"
    );
    world.wait();
    world.check();
}

/// There, a message waited for the clock, which stands still in it.
#[test]
fn w_45_nothing_waits_within_a_message() {
    let world = world();
    let hash = world.upload(ADMIN, &wasm(b"1.1.0"));
    propose(ADMIN, terms("1.1.0", hash)).unwrap();
    let at = confirm(SECOND, "1.1.0", hash).unwrap().publishable_at.unwrap();
    let calls = world.model.borrow().calls.len();
    for _ in 0..3 {
        assert_eq!(publish(ADMIN, "1.1.0", hash), Err(FactoryError::Temporary(Temporary::TooEarly { at })));
    }
    assert_eq!(world.model.borrow().calls.len(), calls, "an answer at once, and it says when to come back");
    world.network.advance(Duration::from_secs(DELAY));
    assert!(publish(ADMIN, "1.1.0", hash).is_ok());
}

/// There, the same request could be carried out twice, and in no order.
#[test]
fn w_46_nothing_is_done_twice() {
    let world = world();
    let hash = world.upload(ADMIN, &wasm(b"1.1.0"));
    propose(ADMIN, terms("1.1.0", hash)).unwrap();
    confirm(SECOND, "1.1.0", hash).unwrap();
    world.network.advance(Duration::from_secs(DELAY));
    let publish = |admin| -> runtime::Task<Result<PublishedTemplate, FactoryError>> {
        Box::pin(registry::publish(access::admin(admin).unwrap(), Word::SERVICE, "1.1.0", hash))
    };
    let replies = run_all(vec![publish(ADMIN), publish(SECOND), publish(ADMIN)]);
    assert!(replies[0].is_ok());
    assert!(replies[1..].iter().all(|reply| *reply == Err(FactoryError::Temporary(Temporary::Busy))));
    // Also if the first one does not know yet what became of it.
    let later = world.upload(ADMIN, &wasm(b"1.2.0"));
    propose(ADMIN, terms("1.2.0", later)).unwrap();
    world.model.borrow_mut().faults.push(("append", 6, true));
    let _ = confirm(SECOND, "1.2.0", later);
    let _ = confirm(SECOND, "1.2.0", later);
    world.wait();
    confirm(SECOND, "1.2.0", later).unwrap();
    assert_eq!(world.count_kind(Kind::TemplateConfirmed), 2, "one for each version");
    assert_eq!(world.count_kind(Kind::TemplatePublished), 2);
    world.check();
}
