//! "Overview of imports": every function that canisters can import, for memories of 32 and of 64 bits,
//! and the entry points that may call it.

use crate::wat_canister::owner;
use localnet::{Config, Net, Outcome, Principal};
use std::time::Duration;

/// Name, parameters, results, entry points; `P` is a pointer or a size.
const IMPORTS: &str = "
    msg_arg_data_size || P | I U RQ NRQ TQ CQ Ry CRy F
    msg_arg_data_copy | P P P || I U RQ NRQ TQ CQ Ry CRy F
    msg_caller_size || P | *
    msg_caller_copy | P P P || *
    msg_caller_info_data_size || P | U RQ NRQ CQ Ry Rt CRy CRt C CC F
    msg_caller_info_data_copy | P P P || U RQ NRQ CQ Ry Rt CRy CRt C CC F
    msg_caller_info_signer_size || P | U RQ NRQ CQ Ry Rt CRy CRt C CC F
    msg_caller_info_signer_copy | P P P || U RQ NRQ CQ Ry Rt CRy CRt C CC F
    msg_reject_code || i32 | Ry Rt CRy CRt C
    msg_reject_msg_size || P | Rt CRt
    msg_reject_msg_copy | P P P || Rt CRt
    msg_deadline || i64 | U RQ NRQ CQ Ry Rt CRy CRt
    msg_reply_data_append | P P || U RQ NRQ TQ CQ Ry Rt CRy CRt
    msg_reply ||| U RQ NRQ TQ CQ Ry Rt CRy CRt
    msg_reject | P P || U RQ NRQ TQ CQ Ry Rt CRy CRt
    msg_cycles_available128 | P || U RQ Rt Ry
    msg_cycles_refunded128 | P || Rt Ry
    msg_cycles_accept128 | i64 i64 P || U RQ Rt Ry
    cycles_burn128 | i64 i64 P || I G U RQ Ry Rt C T
    canister_self_size || P | *
    canister_self_copy | P P P || *
    canister_cycle_balance128 | P || *
    canister_liquid_cycle_balance128 | P || *
    canister_status || i32 | *
    canister_version || i64 | *
    subnet_self_size || P | *
    subnet_self_copy | P P P || *
    subnet_self_node_count || i32 | *
    msg_method_name_size || P | F
    msg_method_name_copy | P P P || F
    accept_message ||| F
    call_new | P P P P P P P P || U CQ Ry Rt CRy CRt T
    call_on_cleanup | P P || U CQ Ry Rt CRy CRt T
    call_data_append | P P || U CQ Ry Rt CRy CRt T
    call_with_best_effort_response | i32 || U CQ Ry Rt CRy CRt T
    call_cycles_add128 | i64 i64 || U Ry Rt T
    call_perform || i32 | U CQ Ry Rt CRy CRt T
    stable64_size || i64 | * s
    stable64_grow | i64 | i64 | * s
    stable64_write | i64 i64 i64 || * s
    stable64_read | i64 i64 i64 || * s
    root_key_size || P | I G U RQ Ry Rt C T
    root_key_copy | P P P || I G U RQ Ry Rt C T
    certified_data_set | P P || I G U Ry Rt T
    data_certificate_present || i32 | *
    data_certificate_size || P | NRQ CQ
    data_certificate_copy | P P P || NRQ CQ
    time || i64 | *
    global_timer_set | i64 | i64 | I G U Ry Rt C T
    performance_counter | i32 | i64 | * s
    is_controller | P P | i32 | * s
    in_replicated_execution || i32 | * s
    cost_call | i64 i64 P || * s
    cost_create_canister | P || * s
    cost_http_request | i64 i64 P || * s
    cost_http_request_v2 | P P P || * s
    cost_sign_with_ecdsa | P P i32 P | i32 | * s
    cost_sign_with_schnorr | P P i32 P | i32 | * s
    cost_vetkd_derive_key | P P i32 P | i32 | * s
    env_var_count || P | *
    env_var_name_size | P | P | *
    env_var_name_copy | P P P P || *
    env_var_name_exists | P P | i32 | *
    env_var_value_size | P P | P | *
    env_var_value_copy | P P P P P || *
    debug_print | P P || * s
    trap | P P || * s
    mint_cycles128 | i64 i64 P || U Ry Rt T
";

/// Those of earlier versions, for memories of 32 bits only.
const LEGACY: &str = "
    msg_cycles_available || i64 | U RQ Rt Ry
    msg_cycles_refunded || i64 | Rt Ry
    msg_cycles_accept | i64 | i64 | U RQ Rt Ry
    canister_cycle_balance || i64 | *
    call_cycles_add | i64 || U Ry Rt T
    stable_size || i32 | * s
    stable_grow | i32 | i32 | * s
    stable_write | i32 i32 i32 || * s
    stable_read | i32 i32 i32 || * s
";

/// A line of the tables above.
struct Import<'a> {
    name: &'a str,
    params: &'a str,
    results: &'a str,
    entries: &'a str,
}

impl Import<'_> {
    fn permits(&self, entry: &str) -> bool {
        let all = self.entries.split(' ').any(|letter| letter == "*") && entry != "s";
        all || self.entries.split(' ').any(|letter| letter == entry)
    }

    fn declaration(&self, pointer: &str) -> String {
        let types = |kind: &str, types: &str| match types {
            "" => String::new(),
            types => format!("({kind} {})", types.replace('P', pointer)),
        };
        let (params, results) = (types("param", self.params), types("result", self.results));
        format!(r#"(import "ic0" "{}" (func ${} {params} {results}))"#, self.name, self.name)
    }

    /// Calls it with zeros.
    fn call(&self, pointer: &str) -> String {
        let zeros: String =
            self.params.split_whitespace().map(|ty| format!("({}.const 0)", ty.replace('P', pointer))).collect();
        let call = format!("(call ${} {zeros})", self.name);
        if self.results.is_empty() { call } else { format!("(drop {call})") }
    }
}

fn table(lines: &str) -> Vec<Import<'_>> {
    lines.lines().filter(|line| !line.trim().is_empty()).map(import).collect()
}

fn import(line: &str) -> Import<'_> {
    let mut columns = line.split('|').map(str::trim);
    let mut next = || columns.next().unwrap();
    Import { name: next(), params: next(), results: next(), entries: next() }
}

fn net() -> Net {
    Net::new(Config { cache_dir: None, ..Config::default() })
}

fn refused(net: &mut Net, wasm: &str) -> Option<String> {
    let id = net.create_canister(owner(), 1_000_000_000_000);
    net.install(id, owner(), &wat::parse_str(wasm).unwrap(), vec![]).err().map(|reject| reject.message)
}

#[test]
fn every_import_is_defined_for_both_widths_of_pointers() {
    let mut net = net();
    let mut imports = table(IMPORTS);
    assert_eq!(imports.len(), 68);
    for pointer in ["i32", "i64"] {
        let declarations: String = imports.iter().map(|import| import.declaration(pointer)).collect();
        assert_eq!(refused(&mut net, &format!("(module {declarations} (memory {pointer} 1))")), None);
    }
    imports = table(LEGACY);
    for import in &imports {
        let declaration = import.declaration("i32");
        assert_eq!(refused(&mut net, &format!("(module {declaration} (memory 1))")), None);
        let message = refused(&mut net, &format!("(module {declaration} (memory i64 1))")).unwrap();
        assert!(message.starts_with("IC0505"), "{message}");
    }
}

#[test]
fn a_module_may_import_only_what_there_is() {
    let mut net = net();
    for import in [
        r#"(import "ic0" "msg_hello" (func))"#,
        r#"(import "env" "msg_reply" (func))"#,
        r#"(import "ic0" "msg_reply" (func (param i32)))"#,
        r#"(import "ic0" "memory" (memory 1))"#,
    ] {
        let message = refused(&mut net, &format!("(module {import})")).unwrap();
        assert!(message.starts_with("IC0505"), "{message}");
    }
}

/// Entry points that call `$probe`.
fn prober(import: &Import<'_>, pointer: &str, exports: &str) -> String {
    let env = format!("(param {pointer})");
    let p = |n: u32| format!("({pointer}.const {n})");
    // Calls "callee" of the canister at 512 with callbacks from that number on.
    let call = |first: u32| {
        format!(
            "(call $new {} {} {} {} {} {} {} {}) (call $cleanup {} {}) (drop (call $perform))",
            p(512),
            p(10),
            p(1024),
            p(6),
            p(first),
            p(0),
            p(first + 1),
            p(0),
            p(4),
            p(0)
        )
    };
    let decode = format!("(call $arg {} {} {})", p(512), p(0), p(16));
    format!(
        r#"(module
        (import "ic0" "msg_arg_data_copy" (func $arg (param {pointer} {pointer} {pointer})))
        (import "ic0" "call_new" (func $new (param {pointer} {pointer} {pointer} {pointer} {pointer} {pointer} {pointer} {pointer})))
        (import "ic0" "call_on_cleanup" (func $cleanup (param {pointer} {pointer})))
        (import "ic0" "call_perform" (func $perform (result i32)))
        {declaration}
        (memory {pointer} 1)
        (data ({pointer}.const 1024) "callee")
        (table funcref (elem $probing $probing $trapping $trapping $probing))
        (func $probe {probe})
        (func $probing {env} (call $probe))
        (func $trapping {env} (unreachable))
        (func $calling {decode} {calling})
        (func $failing {decode} {failing})
        {exports})"#,
        declaration = import.declaration(pointer).replace(&format!("(func ${}", import.name), "(func $probed"),
        probe = import.call(pointer).replace(&format!("(call ${}", import.name), "(call $probed"),
        calling = call(0),
        failing = call(2),
    )
}

const ENTRIES: &str = r#"
    (func (export "canister_update U") (call $probe))
    (func (export "canister_query Q") (call $probe))
    (func (export "canister_composite_query CQ") (call $probe))
    (func (export "canister_update call") (call $calling))
    (func (export "canister_update fail") (call $failing))
    (func (export "canister_composite_query compose") (call $calling))
    (func (export "canister_pre_upgrade") (call $probe))
    (func (export "canister_global_timer") (call $probe))
"#;

/// Replies, or traps, to "callee"; sets a timer.
const CALLEE: &str = r#"(module
    (import "ic0" "msg_reply" (func $reply))
    (memory 1)
    (func (export "canister_query callee") (call $reply)))"#;

/// Which of the entry points is told that it may not call the import.
struct Probes {
    net: Net,
    callee: Principal,
    nobody: Principal,
}

impl Probes {
    fn new() -> Self {
        let mut net = net();
        let callee = net.create_canister(owner(), 1_000_000_000_000);
        net.install(callee, owner(), &wat::parse_str(CALLEE).unwrap(), vec![]).unwrap();
        let nobody = Principal::from_slice(&[0, 0, 0, 9, 9, 9, 9, 9, 1, 1]);
        Self { net, callee, nobody }
    }

    fn refusing(&mut self, import: &Import<'_>, pointer: &str) -> Vec<&'static str> {
        let mut refusing = Vec::new();
        let mut note = |entry, message: String| {
            if message.contains("cannot be executed in") {
                refusing.push(entry);
            }
        };
        for (entry, export) in [("s", "(start $probe)"), ("I", r#"(func (export "canister_init") (call $probe))"#)] {
            note(entry, refused(&mut self.net, &prober(import, pointer, export)).unwrap_or_default());
        }
        let inspecting = prober(import, pointer, r#"(func (export "canister_inspect_message") (call $probe))"#);
        let id = self.install(&inspecting);
        note("F", self.update(id, "U", &[]));
        let wasm = prober(import, pointer, ENTRIES);
        let id = self.install(&wasm);
        note("U", self.update(id, "U", &[]));
        note("RQ", self.update(id, "Q", &[]));
        note("NRQ", self.query(id, "Q", &[]));
        note("CQ", self.query(id, "CQ", &[]));
        let (callee, nobody) = (self.callee.as_slice().to_vec(), self.nobody.as_slice().to_vec());
        note("Ry", self.update(id, "call", &callee));
        note("Rt", self.update(id, "call", &nobody));
        note("CRy", self.query(id, "compose", &callee));
        note("CRt", self.query(id, "compose", &nobody));
        self.update(id, "fail", &callee);
        note("C", self.last_trap());
        let upgraded = self.net.upgrade(id, owner(), &wat::parse_str(&wasm).unwrap(), vec![]);
        note("G", upgraded.err().map(|reject| reject.message).unwrap_or_default());
        note("T", self.timer(import, pointer));
        refusing
    }

    fn install(&mut self, wasm: &str) -> Principal {
        let id = self.net.create_canister(owner(), 1_000_000_000_000);
        self.net.install(id, owner(), &wat::parse_str(wasm).unwrap(), vec![]).unwrap();
        id
    }

    fn update(&mut self, id: Principal, method: &str, arg: &[u8]) -> String {
        let arg = [arg, &[0; 6]].concat();
        self.net.update_raw(id, owner(), method, arg).err().map(|reject| reject.message).unwrap_or_default()
    }

    fn query(&mut self, id: Principal, method: &str, arg: &[u8]) -> String {
        let arg = [arg, &[0; 6]].concat();
        self.net.query_raw(id, owner(), method, arg).err().map(|reject| reject.message).unwrap_or_default()
    }

    fn last_trap(&self) -> String {
        match self.net.trace().last().map(|entry| &entry.outcome) {
            Some(Outcome::Trapped(reject)) => reject.message.clone(),
            _ => String::new(),
        }
    }

    fn timer(&mut self, import: &Import<'_>, pointer: &str) -> String {
        let exports = r#"
            (func (export "canister_init") (drop (call $set_timer (i64.const 1))))
            (func (export "canister_global_timer") (call $probe))"#;
        let wasm = prober(import, pointer, exports).replacen(
            "(module",
            r#"(module (import "ic0" "global_timer_set" (func $set_timer (param i64) (result i64)))"#,
            1,
        );
        self.install(&wasm);
        self.net.advance(Duration::from_secs(1));
        self.net.tick();
        self.last_trap()
    }
}

/// A cleanup of a composite query leaves no trace, and nothing is transformed here: `CC` and `TQ` are
/// left out.
#[test]
fn every_entry_point_may_call_what_the_overview_says() {
    let entries = ["s", "I", "G", "U", "RQ", "NRQ", "CQ", "Ry", "Rt", "CRy", "CRt", "C", "F", "T"];
    let mut probes = Probes::new();
    for (lines, widths) in [(IMPORTS, &["i32", "i64"][..]), (LEGACY, &["i32"][..])] {
        for import in table(lines) {
            for pointer in widths {
                let refusing = probes.refusing(&import, pointer);
                for entry in entries {
                    let permitted = !refusing.contains(&entry);
                    assert_eq!(permitted, import.permits(entry), "{} with {pointer} in {entry}", import.name);
                }
            }
        }
    }
}
