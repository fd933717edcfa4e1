//! A factory that is being set up: what its installer does alone, and what not even the installer can leave out.

use super::*;

/// A factory that obeys no backend: its first template does not end the time of setting up.
fn without_backend() -> World {
    let world = World::begin();
    state::change(|state| {
        let settings = state.settings().unwrap();
        state.set_settings(state::Settings { backend: None, ..settings });
    });
    world
}

#[test]
fn the_first_template_needs_nobody_else() {
    let world = World::begin();
    assert_eq!(deployment::capacity_now().unwrap().version, "1.0.0");
    assert_eq!(publish(ADMIN, "1.0.0", Hash::of(&[&module()])).unwrap().version, "1.0.0", "again");
    assert_eq!(world.count_kind(Kind::TemplatePublished), 1);
    // The second one does.
    let second = world.upload(ADMIN, &wasm(b"1.1.0"));
    propose(ADMIN, terms("1.1.0", second)).unwrap();
    assert_eq!(publish(ADMIN, "1.1.0", second), refused(Refusal::NotConfirmed { version: version("1.1.0") }));
}

#[test]
fn before_a_backend_is_obeyed_no_template_needs_anybody_else() {
    let world = without_backend();
    let second = world.upload(ADMIN, &wasm(b"1.1.0"));
    propose(ADMIN, terms("1.1.0", second)).unwrap();
    assert_eq!(publish(ADMIN, "x", second), refused(Refusal::NotAVersion { field: "version".into() }));
    publish(ADMIN, "1.1.0", second).unwrap();
    let events = world.model.borrow().own.clone();
    assert!(events.iter().any(|event| matches!(&event.payload, Payload::TemplatePublished(p) if p.version == "1.1.0")));
    assert_eq!(crate::state::tests::fold(events), world.folded());
}

/// Nobody would know what it is, and nothing could be held against it.
#[test]
fn what_nobody_proposed_is_not_published() {
    let world = without_backend();
    let hash = world.upload(ADMIN, &wasm(b"1.1.0"));
    assert_eq!(publish(ADMIN, "1.1.0", hash), refused(Refusal::UnknownVersion { version: version("1.1.0") }));
    assert_eq!(world.count_kind(Kind::TemplatePublished), 1);
}

#[test]
fn the_first_template_has_promised_its_interface() {
    let world = world();
    let rows = registry::page(None, None).unwrap().rows;
    assert_eq!(rows[0].terms.as_ref().map(|terms| terms.source_commit.as_str()), Some(COMMIT));
    assert_eq!(registry::interface_of("1.0.0").unwrap().as_deref(), Some(INTERFACE));
    let mut other = terms("1.1.0", world.upload(ADMIN, &wasm(b"1.1.0")));
    other.interface = INTERFACE.replace("word : () -> (text)", "word : () -> (nat)");
    match propose(ADMIN, other) {
        Err(FactoryError::Request(Request::Template(Refusal::Breaking { previous, .. }))) => {
            assert_eq!(previous, version("1.0.0"));
        }
        other => panic!("{other:?}"),
    }
}
