//! Whatever admins do, in whatever order: the state is what the events say, and no published version ever changes.

use super::*;
use crate::state::tests::fold;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Upload(u8),
    Propose { version: u8, module: u8, is_beta: bool, is_second: bool },
    Confirm { version: u8, module: u8, is_second: bool },
    Publish { version: u8, module: u8 },
    Release { version: u8, module: u8, is_beta: bool },
    Withdraw(u8),
    Wait(u16),
    Upgrade,
    Fault { code: u32, after: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let (version, module) = (0..8_u8, 0..6_u8);
    let pair = (version.clone(), module.clone(), any::<bool>(), any::<bool>());
    prop_oneof![
        2 => module.prop_map(Step::Upload),
        3 => pair.clone().prop_map(|(version, module, is_beta, is_second)| Step::Propose { version, module, is_beta, is_second }),
        2 => pair.clone().prop_map(|(version, module, is_second, _)| Step::Confirm { version, module, is_second }),
        2 => pair.clone().prop_map(|(version, module, _, _)| Step::Publish { version, module }),
        3 => pair.prop_map(|(version, module, is_beta, _)| Step::Release { version, module, is_beta }),
        2 => version.prop_map(Step::Withdraw),
        2 => (0..1_000_u16).prop_map(Step::Wait),
        1 => Just(Step::Upgrade),
        // What the network permits: never executed, or unknown.
        1 => prop::sample::select(vec![(2, false), (6, false), (6, true)])
            .prop_map(|(code, after)| Step::Fault { code, after }),
    ]
}

/// Two majors, two minors, two patches.
fn name(version: u8) -> String {
    format!("{}.{}.{}", 1 + version / 4, version / 2 % 2, version % 2)
}

fn bytes_of(module: u8) -> Vec<u8> {
    wasm(&[module; 10])
}

fn offered(version: u8, module: u8, is_beta: bool) -> ProposeTemplate {
    let mut terms = terms(&name(version), Hash::of(&[&bytes_of(module)]));
    terms.channel = if is_beta { Channel::Beta } else { Channel::Stable };
    // Now and then an interface that clients of others cannot use.
    if module == 5 {
        terms.interface = INTERFACE.replace("word : () -> (text)", "word : () -> (nat)");
    }
    terms
}

/// What is refused is no matter: everything may be.
fn take(world: &World, step: Step) {
    let hash = |module| Hash::of(&[&bytes_of(module)]);
    let person = |is_second| if is_second { SECOND } else { ADMIN };
    match step {
        Step::Upload(module) => {
            world.upload(ADMIN, &bytes_of(module));
        }
        Step::Propose { version, module, is_beta, is_second } => {
            drop(propose(person(is_second), offered(version, module, is_beta)));
        }
        Step::Confirm { version, module, is_second } => {
            drop(confirm(person(is_second), &name(version), hash(module)));
        }
        Step::Publish { version, module } => drop(publish(ADMIN, &name(version), hash(module))),
        Step::Release { version, module, is_beta } => {
            world.upload(ADMIN, &bytes_of(module));
            drop(release(world, offered(version, module, is_beta)));
        }
        Step::Withdraw(version) => drop(withdraw(ADMIN, &name(version))),
        Step::Wait(seconds) => {
            world.network.advance(Duration::from_secs(u64::from(seconds)));
        }
        Step::Upgrade => world.upgrade(),
        Step::Fault { code, after } => world.model.borrow_mut().faults.push(("append", code, after)),
    }
}

fn one_history(steps: Vec<Step>) {
    let world = world();
    let mut published: BTreeMap<Version, state::Template> = BTreeMap::new();
    for step in steps {
        take(&world, step);
        let found: BTreeMap<Version, state::Template> = state::read(|state| state.templates().before(None).collect());
        for (version, template) in &published {
            let mut now = found[version].clone();
            if template.withdrawn.is_none() {
                now.withdrawn = None;
            }
            assert_eq!(now, *template, "{version} has changed");
        }
        published = found;
        let highest = published.iter().rev().find(|(_, template)| template.is_installable());
        let (version, template) = highest.expect("something can always be installed");
        let capacity = deployment::capacity_now().unwrap();
        assert_eq!((capacity.version, capacity.template), (version.to_string(), template.hash));
    }
    world.model.borrow_mut().faults.clear();
    world.wait();
    let own = world.model.borrow().own.clone();
    assert_eq!(fold(own), world.folded(), "the state is the fold of the events");
    let interfaces: Vec<_> = published.values().filter_map(|template| template.interface()).collect();
    assert!(interfaces.into_iter().all(|interface| store::interface(interface).is_some()));
    let kept = published.values().filter(|template| template.withdrawn.is_none());
    assert!(kept.into_iter().all(|template| size(template.hash) == Some(template.size)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_history_is_replayed_and_changes_no_version(steps in prop::collection::vec(step(), 1..30)) {
        let outcome = std::thread::spawn(move || one_history(steps)).join();
        prop_assert!(outcome.is_ok());
    }
}
