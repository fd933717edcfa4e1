//! Wasm modules that admins upload: what they export, held against the public parser.

use crate::mutation::Shape;
use crate::target::{Target, Verdict, ensure, frugally};
use cairn_factory::template::module::{HEADER, exports, is_packed, is_wasm};
use std::cell::Cell;
use std::collections::BTreeSet;
use wasmparser::{BinaryReader, ExportSectionReader, ExternalKind};

/// The number of the section of exports.
const EXPORTS: u8 = 7;

/// Small modules as compilers make them: with methods, with what is no function, with what clang and rustc leave in them.
const MODULES: [&str; 4] = [
    "(module)",
    r#"(module (memory (export "memory") 1) (func (export "canister_init")) (func (export "canister_query get")))"#,
    r#"(module (import "ic0" "msg_reply" (func $reply)) (type (func (param i32) (result i32)))
        (table (export "table") 2 funcref) (memory 1 4) (global $top (export "top") (mut i32) (i32.const 7))
        (func $f (export "canister_update a b") (export "canister_composite_query ") (call $reply))
        (func (param i32) (result i32) (local.get 0)) (export "canister_post_upgrade" (func $f)) (start $f)
        (elem (i32.const 0) $f $f) (data (i32.const 8) "canister_query no"))"#,
    r#"(module (@custom "icp:public candid:service" "service : { m : () -> () }") (func $m (export "canister_update m"))
        (tag) (func (export "\u{e9}\u{4e2d}")) (@custom "producers" (after export) "\00") (data "passive"))"#,
];

/// Modules.
pub struct Modules {
    corpus: Vec<Vec<u8>>,
}

impl Modules {
    pub fn new() -> anyhow::Result<Modules> {
        let mut corpus = Vec::new();
        for text in MODULES {
            corpus.push(wat::parse_str(text)?);
        }
        // As many as a large canister has.
        let methods: String = (0..400).map(|n| format!(r#"(export "canister_query method_{n}" (func 0))"#)).collect();
        corpus.push(wat::parse_str(format!("(module (func) {methods})"))?);
        Ok(Modules { corpus })
    }
}

/// The functions that a module exports, as the public parser reads its section of exports.
fn public(module: &[u8]) -> wasmparser::Result<BTreeSet<String>> {
    let mut reader = BinaryReader::new(module, 0);
    reader.read_bytes(HEADER as usize)?;
    while !reader.eof() {
        let section = reader.read_u8()?;
        let content = reader.read_reader()?;
        if section != EXPORTS {
            continue;
        }
        let mut names = BTreeSet::new();
        for export in ExportSectionReader::new(content)? {
            let export = export?;
            if export.kind == ExternalKind::Func {
                names.insert(export.name.to_owned());
            }
        }
        return Ok(names);
    }
    Ok(BTreeSet::new())
}

impl Target for Modules {
    fn name(&self) -> &'static str {
        "module"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Module
    }

    fn memory(&self, length: usize) -> u64 {
        // The public parser makes room for as much as a section says it has; ours is measured by itself.
        256 * 1024 * 1024 + 256 * length as u64
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        if !is_wasm(input) || is_packed(input) {
            return Ok(Verdict::Refused);
        }
        let (asked, beyond) = (Cell::new(0), Cell::new(false));
        let read = |offset: u64, length: u64| {
            asked.set(asked.get() + length);
            let bytes = input.get(offset as usize..(offset + length) as usize);
            bytes.map(<[u8]>::to_vec).unwrap_or_else(|| {
                beyond.set(true);
                Vec::new()
            })
        };
        let ours = frugally(input.len(), || exports(input.len() as u64, read))?;
        ensure(!beyond.get(), || "bytes beyond the end are asked for".to_owned())?;
        // Each section is two bytes at least, of which six are looked at.
        ensure(asked.get() <= 4 * input.len() as u64, || format!("{} bytes are asked for", asked.get()))?;
        match (&ours, public(input)) {
            (Ok(ours), Ok(theirs)) => ensure(*ours == theirs, || format!("exports {ours:?}, in truth {theirs:?}"))?,
            (Ok(ours), Err(error)) => return Err(format!("exports {ours:?} are read where none can be: {error}")),
            (Err(refusal), _) => {
                ensure(wasmparser::validate(input).is_err(), || format!("a valid module is refused: {refusal:?}"))?;
            }
        }
        Ok(Verdict::from(&ours))
    }
}
