//! Candid interfaces that admins propose, alone and in pairs: read and compared, and held against the public implementation.

use crate::mutation::Shape;
use crate::target::{Target, Verdict, ensure, frugally};
use cairn_factory::template::interface::Interface;
use candid::TypeEnv;
use candid::types::subtype::{OptReport, subtype_with_config};
use candid::types::{FuncMode, Type};
use candid_parser::{IDLProg, check_prog};
use std::collections::{BTreeSet, HashSet};
use std::panic::catch_unwind;

/// Stands between an interface and the one that is to replace it; no interface has it.
const AND: char = '\0';
/// Longer texts are not shown to the public implementation, which recurses as deep as they want.
const MAX_SHOWN: usize = 20_000;

const ARCHIVE: &str = include_str!("../../../../canisters/archive/archive.did");
const TOKEN: &str = include_str!("../../../../canisters/contracts/token/token.did");

/// Everything that an interface can say, and pairs of which one can replace the other, or nearly.
const INTERFACES: [&str; 12] = [
    "service : {}",
    "service : {\n  one : (null, bool, nat, int, nat8, nat16, nat32, nat64, float32, text) -> (int8, int16) query;\n  \
     two : (int32, int64, float64) -> (reserved, principal) composite_query;\n  three : (empty) -> () oneway;\n}",
    "type List = opt record {\n  head : nat;\n  tail : List;\n};\nservice : {\n  add : (list : List, item : nat) -> (List);\n  \
     sum : (List) -> (nat) query;\n}",
    "type List = opt record {\n  head : int;\n  tail : List;\n  length : opt nat;\n};\nservice : {\n  \
     add : (list : List, item : nat) -> (List);\n  sum : (List) -> (nat) query;\n  clear : () -> ();\n}",
    "type Outcome = variant {\n  ok : nat;\n  err : Error;\n};\ntype Error = variant {\n  Missing;\n  Other : text;\n};\n\
     service : {\n  try : (vec opt nat) -> (Outcome);\n}",
    "type Outcome = variant {\n  ok : nat;\n};\ntype Error = variant {\n  Missing;\n};\n\
     service : {\n  try : (vec opt nat, opt Error) -> (Outcome);\n}",
    "type A = B;\ntype B = func (A, opt B) -> (vec B) query;\ntype S = service {\n  \"a b\" : B;\n  go : () -> () oneway;\n};\n\
     service : (S, principal) -> S;",
    "service : {\n  \"a b\" : (func (reserved, opt text) -> (vec func () -> ()) query) -> () query;\n  \
     go : () -> () oneway;\n}",
    "type Row = record {\n  nat;\n  7 : text;\n  int;\n  0x1_0 : bool;\n  \"type\" : blob;\n  1_000 : record {};\n};\n\
     service : {\n  rows : () -> (vec Row, record { Row; Row }) query;\n}",
    "type Row = record {\n  0 : nat;\n  7 : text;\n  8 : int;\n  16 : bool;\n  \"type\" : vec nat8;\n  1000 : record {};\n};\n\
     service : {\n  rows : () -> (vec Row, record { Row; Row }) query;\n}",
    "// one\n/* two /* three */ four * / */\nservice /* five */ named : { /* six */\n  m : (service {\n    n : () -> ();\n  }) \
     -> (service { n : () -> () });\n} // seven",
    "service : {\n  m : (service {\n    n : () -> ();\n  }) -> (principal);\n}",
];

/// Interfaces, and pairs of them.
pub struct Interfaces {
    corpus: Vec<Vec<u8>>,
}

/// What is meant to exhaust whoever reads or compares it.
fn exhausting() -> Vec<String> {
    let names: String = (0..3_000).map(|n| format!("type a{n}=a{};\n", n + 1)).collect();
    let deep = |depth| format!("service : {{\n  m : () -> ({}nat);\n}}", "vec ".repeat(depth));
    let wide: String = (0..4_000_u32).map(|n| format!("{};", n.wrapping_mul(0x9e37_79b9))).collect();
    let cycle = |length: u32| {
        let types: String = (0..length).map(|n| format!("type t{n}=record{{t{};nat}};\n", (n + 1) % length)).collect();
        format!("{types}service:{{m:()->(t0)}}")
    };
    vec![
        format!("{names}type a3000=nat;\nservice : {{\n  m : (a0) -> ();\n}}"),
        deep(60),
        deep(10_000),
        format!("service : {{\n  m : () -> (variant {{{wide}}});\n}}"),
        format!("{}{AND}\n{}", cycle(29), cycle(31)),
        format!("{}{}service : {{}}", "/*".repeat(9_000), "*/".repeat(9_000)),
    ]
}

impl Interfaces {
    pub fn new() -> Interfaces {
        let pair = |old: &str, new: &str| format!("{old}\n{AND}\n{new}");
        let alone = INTERFACES.iter().map(|text| (*text).to_owned());
        let alike = INTERFACES.iter().map(|text| pair(text, text));
        let ordered = INTERFACES.windows(2).flat_map(|two| [pair(two[0], two[1]), pair(two[1], two[0])]);
        let real = [pair(ARCHIVE, ARCHIVE), TOKEN.to_owned()];
        let texts = alone.chain(alike).chain(ordered).chain(real).chain(exhausting());
        Interfaces { corpus: texts.map(String::into_bytes).collect() }
    }
}

/// An interface as the public implementation reads it.
struct Public {
    types: TypeEnv,
    service: Type,
}

impl Public {
    fn read(text: &str) -> Result<Public, String> {
        let program: IDLProg = text.parse().map_err(|error: candid_parser::Error| error.to_string())?;
        let mut types = TypeEnv::new();
        let service = check_prog(&mut types, &program).map_err(|error| error.to_string())?;
        Ok(Public { types, service: service.ok_or("no service")? })
    }

    fn exports(&self) -> Result<BTreeSet<String>, String> {
        let methods = self.types.as_service(&self.service).map_err(|error| error.to_string())?;
        let name = |(method, function): &(String, Type)| {
            let function = self.types.as_func(function).map_err(|error| error.to_string())?;
            let kind = match function.modes.as_slice() {
                [] | [FuncMode::Oneway] => "update",
                [FuncMode::Query] => "query",
                [FuncMode::CompositeQuery] => "composite_query",
                modes => return Err(format!("method {method} is {modes:?}")),
            };
            Ok(format!("canister_{kind} {method}"))
        };
        methods.iter().map(name).collect()
    }

    /// Whether every client of `old` can use this; nothing if the stack ends before the comparison.
    fn can_replace(&self, old: &Public) -> Option<Result<(), String>> {
        let mut types = self.types.clone();
        let service = types.merge_type(old.types.clone(), old.service.clone());
        let verdict = subtype_with_config(OptReport::Silence, &mut HashSet::new(), &types, &self.service, &service);
        let verdict = verdict.map_err(|error| error.to_string());
        match &verdict {
            Err(problem) if problem.contains("Recursion limit") => None,
            _ => Some(verdict),
        }
    }
}

/// A text, as both read it; without the public form if it is long.
struct Read {
    ours: Interface,
    public: Option<Public>,
    length: usize,
}

/// Reads a text; nothing if we refuse it. Whatever we read is an interface, with the same methods.
fn read(text: &str) -> Result<Option<Read>, String> {
    let ours = match frugally(text.len(), || Interface::parse(text))? {
        Ok(ours) => ours,
        Err(problem) => {
            ensure(problem.len() <= text.len() + 100, || "a long-winded refusal".to_owned())?;
            return Ok(None);
        }
    };
    // The public implementation panics where a label is the highest that there can be.
    let public = if text.len() > MAX_SHOWN { None } else { catch_unwind(|| Public::read(text)).ok() };
    let Some(public) = public else { return Ok(Some(Read { ours, public: None, length: text.len() })) };
    let public = public.map_err(|problem| format!("what is no interface is read: {problem}"))?;
    let (found, true_ones) = (ours.exports().collect::<BTreeSet<_>>(), public.exports()?);
    ensure(found == true_ones, || format!("methods {found:?}, in truth {true_ones:?}"))?;
    Ok(Some(Read { ours, public: Some(public), length: text.len() }))
}

/// Whether `new` can replace `old`. Whatever we say, the public implementation says, too.
fn compare(new: &Read, old: &Read) -> Result<bool, String> {
    let ours = frugally(new.length + old.length, || new.ours.can_replace(&old.ours))?;
    if ours.as_ref().is_err_and(|problem| problem.contains("too intricate")) {
        return Ok(false);
    }
    let public = new.public.as_ref().zip(old.public.as_ref());
    if let Some(public) = public.and_then(|(new, old)| new.can_replace(old)) {
        ensure(ours.is_ok() == public.is_ok(), || format!("replaceable: {ours:?}, in truth {public:?}"))?;
    }
    Ok(ours.is_ok())
}

impl Target for Interfaces {
    fn name(&self) -> &'static str {
        "interface"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Lines
    }

    fn memory(&self, length: usize) -> u64 {
        // The public implementation takes what it wants; ours is measured by itself.
        256 * 1024 * 1024 + 8192 * length as u64
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(Verdict::Refused) };
        let (old, new) = text.split_once(AND).unwrap_or((text, text));
        let (Some(old), Some(new)) = (read(old)?, read(new)?) else { return Ok(Verdict::Refused) };
        Ok(if compare(&new, &old)? { Verdict::Accepted } else { Verdict::Refused })
    }
}
