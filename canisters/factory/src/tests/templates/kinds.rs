//! What is a template of a kind: our own code, and somebody else's.

use super::*;

/// Somebody else's code, such as the reference ledger, has none of the methods that contracts owe their factory.
#[test]
fn foreign_code_is_installed_and_never_upgraded() {
    let world = world();
    let interface = "service : { icrc1_transfer : (nat) -> (nat); word : () -> (text) query }";
    let mut foreign = terms("2.0.0", world.upload(ADMIN, &wasm(b"2.0.0")));
    foreign.interface = interface.to_owned();
    let missing = Refusal::MissingMethod { method: "canUpgrade".into() };
    assert_eq!(propose(ADMIN, foreign.clone()), refused(missing));
    foreign.foreign = true;
    foreign.upgrades_from = Some("1.0.0".into());
    assert_eq!(propose(ADMIN, foreign.clone()), refused(Refusal::Foreign { version: version("2.0.0") }));
    foreign.upgrades_from = None;
    let hash = foreign.module_hash;
    release(&world, foreign).unwrap();
    assert_eq!(world.create(&world.dispatch(1, "word")).unwrap().module_hash, hash);
    let own = world.upload(ADMIN, &wasm(b"3.0.0"));
    release(&world, terms("3.0.0", own)).unwrap();
    let target =
        |module, to: &str| state::read(|state| registry::upgrade_target(state.templates(), module, version(to)));
    let refusal = Err(Refusal::Foreign { version: version("2.0.0") });
    assert_eq!(target(hash, "3.0.0"), refusal, "not from it");
    assert_eq!(target(Hash::of(&[&module()]), "2.0.0"), refusal, "nor to it");
    assert!(target(Hash::of(&[&module()]), "3.0.0").is_ok());
    world.wait();
    world.check();
}

/// A kind with methods of its own: a module of another kind has others.
#[test]
fn templates_of_another_kind_are_refused() {
    struct Wallet;
    impl ContractKind for Wallet {
        const SERVICE: cairn_events::topic::Service = Word::SERVICE;
        const METHODS: &'static [&'static str] = &["sign"];
        type Args = String;
        fn parse(args: &[u8]) -> Result<String, crate::InvalidArgs> {
            Word::parse(args)
        }
        fn listing(args: &String) -> crate::Listing {
            Word::listing(args)
        }
        fn install_argument(args: &String, context: &crate::InstallContext) -> Result<Vec<u8>, crate::InvalidArgs> {
            Word::install_argument(args, context)
        }
        fn accepts(notification: &cairn_events::payload::Notification) -> bool {
            Word::accepts(notification)
        }
        fn controllers(factory: Principal, contract: Principal, owner: Principal) -> Vec<Principal> {
            Word::controllers(factory, contract, owner)
        }
    }
    let world = world();
    let hash = world.upload(ADMIN, &wasm(b"1.1.0"));
    for foreign in [false, true] {
        let terms = ProposeTemplate { foreign, ..terms("1.1.0", hash) };
        let outcome = run(registry::propose::<Wallet>(access::admin(ADMIN).unwrap(), terms));
        assert_eq!(outcome, refused(Refusal::MissingMethod { method: "sign".into() }));
    }
    let interface = INTERFACE.replace("word", "sign : () -> (text) query; word");
    let with = ProposeTemplate { interface, ..terms("1.1.0", hash) };
    assert!(run(registry::propose::<Wallet>(access::admin(ADMIN).unwrap(), with)).is_ok());
}
