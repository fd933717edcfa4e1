use super::*;
use candid_parser::utils::{CandidSource, service_compatible};
use proptest::prelude::*;

const TOKEN: &str = include_str!("../../../../contracts/token/token.did");
const FACTORY: &str = include_str!("../../../../token_factory/token_factory.did");

fn read(text: &str) -> Interface {
    Interface::parse(text).unwrap_or_else(|problem| panic!("{problem}: {text}"))
}

/// Our verdict, which must be that of the public implementation.
fn replaces(new: &str, old: &str) -> bool {
    let ours = read(new).can_replace(&read(old));
    let theirs = service_compatible(CandidSource::Text(new), CandidSource::Text(old));
    assert_eq!(ours.is_ok(), theirs.is_ok(), "{ours:?} {theirs:?}\n{new}\n{old}");
    ours.is_ok()
}

#[test]
fn interfaces_of_our_canisters_are_read() {
    assert!(read(TOKEN).has("icrc1_transfer") && !read(TOKEN).has("icrc1_transfers"));
    assert!(replaces(TOKEN, TOKEN) && replaces(FACTORY, FACTORY));
    assert!(!replaces(TOKEN, FACTORY));
    assert!(replaces(TOKEN, "service : {}") && !replaces("service : {}", TOKEN));
    let without = TOKEN.replace("icrc1_fee : () -> (nat) query;", "");
    assert!(replaces(TOKEN, &without) && !replaces(&without, TOKEN), "a method may come, and may not go");
}

#[test]
fn the_rules_of_candid_hold() {
    let service = |method: &str| format!("type T = opt record {{ T; nat }}; service : (nat) -> {{ m : {method} }}");
    for (new, old, is_fine) in [
        ("(nat) -> (nat)", "(nat) -> (int)", true),
        ("(nat) -> (int)", "(nat) -> (nat)", false),
        ("(int) -> ()", "(nat) -> ()", true),
        ("(nat) -> ()", "(int) -> ()", false),
        ("() -> (nat)", "() -> ()", true),
        ("() -> ()", "() -> (nat)", false),
        ("(nat, opt text) -> ()", "(nat) -> ()", true),
        ("(nat, text) -> ()", "(nat) -> ()", false),
        ("() -> () query", "() -> ()", false),
        ("() -> () query", "() -> () composite_query", false),
        ("() -> () oneway", "() -> () oneway", true),
        ("() -> (record { a : nat; b : text })", "() -> (record { a : nat })", true),
        ("() -> (record { a : nat })", "() -> (record { a : nat; b : text })", false),
        ("() -> (record { a : nat })", "() -> (record { a : nat; b : opt text })", true),
        ("(record { a : nat; b : opt text }) -> ()", "(record { a : nat }) -> ()", true),
        ("(record { a : nat; b : text }) -> ()", "(record { a : nat }) -> ()", false),
        ("() -> (variant { a })", "() -> (variant { a; b })", true),
        ("() -> (variant { a; b })", "() -> (variant { a })", false),
        ("(variant { a; b }) -> ()", "(variant { a }) -> ()", true),
        ("() -> (opt nat)", "() -> (opt text)", true),
        ("() -> (nat)", "() -> (opt text)", true),
        ("() -> (opt nat)", "() -> (nat)", false),
        ("() -> (text)", "() -> (reserved)", true),
        ("() -> (empty)", "() -> (text)", true),
        ("() -> (blob)", "() -> (vec nat8)", true),
        ("() -> (vec nat16)", "() -> (blob)", false),
        ("() -> (nat8)", "() -> (nat16)", false),
        ("() -> (null)", "() -> (opt nat)", true),
        ("() -> (service { a : () -> () })", "() -> (principal)", true),
        ("() -> (principal)", "() -> (service {})", false),
        ("() -> (func (nat) -> ())", "() -> (func (nat) -> ())", true),
        ("() -> (func (nat) -> ())", "() -> (func (int) -> ())", false),
        ("() -> (T)", "() -> (opt record { opt record { T; nat }; nat })", true),
        ("() -> (vec record { text; nat })", "() -> (vec record { 0 : text; 1 : nat })", true),
        ("() -> (record { 97 : nat })", "() -> (record { a : nat })", true),
        ("(x : nat) -> (y : nat)", "(nat) -> (nat)", true),
        ("() -> (record { \"type\" : nat; })", "() -> (record { \"type\" : nat })", true),
    ] {
        assert_eq!(replaces(&service(new), &service(old)), is_fine, "{new} for {old}");
    }
}

#[test]
fn recursive_types_are_compared() {
    let list = |item: &str| {
        format!(
            "type L = record {{ head : {item}; tail : R }}; type R = variant {{ more : L; end }}; \
                                     service : {{ all : () -> (L) query }}"
        )
    };
    assert!(replaces(&list("nat"), &list("int")));
    assert!(!replaces(&list("int"), &list("nat")));
    let named =
        "type A = B; type B = C; type C = nat; type S = service { all : F }; type F = func () -> (A); service : S";
    assert!(replaces(named, "service x : { all : () -> (nat) };"));
    let comments = "// one\n/* two /* three */ four * / */ service /* five */ : { /* six */ } // seven";
    assert!(replaces(comments, "service : {}"));
}

#[test]
fn what_is_no_interface_is_refused() {
    for text in [
        "",
        "service",
        "service : ",
        "service : {",
        "service : { m }",
        "service : { m : () }",
        "service : { m : () -> () } service : {}",
        "service : { m : () -> (); m : () -> () }",
        "service : { m : nat }",
        "type F = nat; service : { m : F }",
        "type F = nat; service : F",
        "type A = A; service : {}",
        "type A = B; type B = A; service : {}",
        "type A = nat; type A = nat; service : {}",
        "type A = Missing; service : {}",
        "service : Missing",
        "service : { m : (Missing) -> () }",
        "service : { m : () -> (record { a : nat; a : text }) }",
        "service : { m : () -> (record { a : nat; 97 : text }) }",
        "service : { m : () -> (record { 4294967295 : nat; nat }) }",
        "service : { m : () -> (record { 4294967296 : nat }) }",
        "service : { m : (a : nat, a : text) -> () }",
        "service : { m : () -> (record { 0x_1 : nat }) }",
        "service : { m : () -> (record { 0_x1 : nat }) }",
        "service : { m : () -> (nat) oneway }",
        "service : { m : () -> () query query }",
        "service : { query : () -> () }",
        "service : { m : () -> (opt) }",
        "service : { \"m : () -> () }",
        "service : { /* }",
        "service : { m : () -> (é) }",
        "type nat = text service : {}; type",
    ] {
        assert!(Interface::parse(text).is_err(), "{text}");
    }
    for text in ["import \"other.did\"; service : {}", "service : { \"\\22\" : () -> () }"] {
        assert!(Interface::parse(text).is_err(), "not read, on purpose: {text}");
    }
    assert_eq!(Interface::parse("service : {\n  m : () ->\n}").unwrap_err(), "line 3: expected (");
}

/// What could be meant to exhaust whoever reads it costs little, and is refused.
#[test]
fn hostile_texts_are_refused() {
    assert!(Interface::parse(&format!("service : {{}} // {}", "x".repeat(MAX_INTERFACE))).is_err());
    for nested in ["opt ", "vec ", "record { ", "func (", "service { m : (", "variant { a : "] {
        let text = format!("service : {{ m : ({}", nested.repeat(MAX_INTERFACE / nested.len() - 10));
        assert!(Interface::parse(&text).unwrap_err().contains("too deep"), "{nested}");
    }
    for open in ["{", "(", "/*", "\"", "service : {", "type "] {
        assert!(Interface::parse(&open.repeat(MAX_INTERFACE / open.len())).is_err());
    }
    let chain: String = (0..5_000).map(|n| format!("type a{n}=a{};", n + 1)).collect();
    assert!(Interface::parse(&format!("{}type a5000=nat;service:{{}}", &chain)).is_err(), "too long");
    let chain: String = (0..3_500).map(|n| format!("type a{n}=a{};", n + 1)).collect();
    let first = read(&format!("{chain}type a3500=nat;service:{{m:(a0)->()}}"));
    assert!(first.can_replace(&first).is_ok());
    // Two cycles, of lengths without a common divisor: as many pairs as the product of the two.
    let cycle = |length: usize| {
        let types: String = (0..length).map(|n| format!("type t{n}=record{{t{};nat}};", (n + 1) % length)).collect();
        read(&format!("{types}service:{{m:()->(t0)}}"))
    };
    let problem = cycle(1_009).can_replace(&cycle(1_013)).unwrap_err();
    assert!(problem.contains("too intricate"), "{problem}");
    assert!(cycle(101).can_replace(&cycle(103)).is_ok());
}

fn types() -> impl Strategy<Value = String> {
    let words = ["nat", "int", "text", "null", "reserved", "empty", "principal", "blob", "bool", "A", "B", "C"];
    let leaf = prop::sample::select(words.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(3, 16, 3, |inner| {
        let labels = prop::collection::btree_map(prop::sample::select(vec!["a", "b", "c"]), inner.clone(), 0..3);
        let list = prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            inner.clone().prop_map(|of| format!("opt {of}")),
            inner.clone().prop_map(|of| format!("vec {of}")),
            (labels, any::<bool>()).prop_map(|(fields, is_record)| {
                let fields: Vec<String> = fields.into_iter().map(|(label, of)| format!("{label} : {of}")).collect();
                format!("{} {{ {} }}", if is_record { "record" } else { "variant" }, fields.join("; "))
            }),
            list.clone().prop_map(|of| format!("record {{ {} }}", of.join("; "))),
            (list.clone(), list, prop::sample::select(vec!["", "query"])).prop_map(|(args, results, mode)| format!(
                "func ({}) -> ({}) {mode}",
                args.join(", "),
                results.join(", ")
            )),
        ]
    })
}

fn service() -> impl Strategy<Value = String> {
    let defined = prop::collection::vec(types(), 3);
    let methods = prop::collection::btree_map(prop::sample::select(vec!["m", "n"]), (types(), types()), 0..3);
    (defined, methods).prop_map(|(defined, methods)| {
        let types: String =
            ["A", "B", "C"].iter().zip(defined).map(|(name, of)| format!("type {name} = {of};\n")).collect();
        let methods: Vec<String> =
            methods.into_iter().map(|(name, (arg, result))| format!("{name} : ({arg}) -> ({result})")).collect();
        format!("{types}service : {{ {} }}", methods.join("; "))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// On anything that the public implementation reads and compares, we agree with it.
    #[test]
    fn we_agree_with_the_public_implementation(old in service(), new in service(), word in types(), at in 0..40_usize) {
        let known = CandidSource::Text(&old).load().is_ok();
        prop_assert_eq!(Interface::parse(&old).is_ok(), known, "{}", old);
        // Two services that differ in one word are nearly alike; two random ones are hardly ever compatible.
        let mut words: Vec<&str> = old.split(' ').collect();
        let place = at % words.len();
        if words[place].chars().all(char::is_alphanumeric) {
            words[place] = &word;
        }
        for other in [&new, &words.join(" ")] {
            let read = Interface::parse(other).is_ok();
            prop_assert_eq!(read, CandidSource::Text(other).load().is_ok(), "{}", other);
            if read && known {
                replaces(other, &old);
                replaces(&old, other);
            }
        }
    }
}
