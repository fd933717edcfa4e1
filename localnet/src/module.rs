//! Preparation of an uploaded module.
//!
//! The module is copied section by section; only its exports change: memory 0, table 0 and every
//! mutable global are exported under private names (the stack pointer is a global that compilers do
//! not export, and a trap must roll it back), and the start function is detached so that it runs once,
//! at installation, and not each time an instance is rebuilt.
//! Interface specification, "Canister module format".

use crate::config::Limits;
use crate::image::GlobalValue;
use crate::stable::WASM_PAGE;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::mem::discriminant;
use wasm_encoder::{ExportKind, ExportSection, RawSection};
use wasmparser::{ConstExpr, ExternalKind, FunctionBody, Operator, Parser, Payload};

/// Private export of memory 0.
pub(crate) const MEMORY: &str = "localnet memory";
/// Private export of table 0.
pub(crate) const TABLE: &str = "localnet table";
/// Private export of the detached start function.
pub(crate) const START: &str = "localnet start";
/// Private export of the n-th mutable global.
pub(crate) fn global_export(number: usize) -> String {
    format!("localnet global {number}")
}

/// How a method is exported ("Entry points").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MethodKind {
    Update,
    Query,
    CompositeQuery,
}

impl MethodKind {
    /// Prefix of the exported function's name.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Update => "canister_update",
            Self::Query => "canister_query",
            Self::CompositeQuery => "canister_composite_query",
        }
    }
}

/// A metadata section ("icp:public name" or "icp:private name").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) public: bool,
    pub(crate) content: Vec<u8>,
}

/// A global that snapshots describe: it is mutable or exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DescribedGlobal {
    /// The n-th of the mutable ones.
    Mutable(usize),
    /// One that never changes.
    Constant(GlobalValue),
}

/// What is known of a module before it is compiled.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub(crate) wasm: Vec<u8>,
    pub(crate) methods: BTreeMap<String, MethodKind>,
    /// Names of all exported functions.
    pub(crate) functions: BTreeSet<String>,
    pub(crate) metadata: BTreeMap<String, Metadata>,
    pub(crate) mutable_globals: usize,
    /// The globals that snapshots describe, in the order of the module.
    pub(crate) described_globals: Vec<DescribedGlobal>,
    pub(crate) has_start: bool,
    /// Whether an instance has no state but its heap and its globals. Tables, dropped segments and
    /// references in globals are not kept from one execution to the next.
    pub(crate) keeps_instance: bool,
    /// Bytes the heap may grow to, if the module says so.
    pub(crate) max_heap: Option<u64>,
    /// Whether pointers into the heap have 64 bits.
    pub(crate) memory64: bool,
}

impl Prepared {
    /// The values a snapshot describes, from those of the mutable globals.
    pub(crate) fn describe_globals(&self, mutable: &[GlobalValue]) -> Vec<GlobalValue> {
        let value = |global: &DescribedGlobal| match global {
            DescribedGlobal::Mutable(number) => mutable.get(*number).copied(),
            DescribedGlobal::Constant(value) => Some(*value),
        };
        self.described_globals.iter().filter_map(value).collect()
    }

    /// The values of the mutable globals, from those a snapshot describes; none if they are not of the
    /// types of this module.
    pub(crate) fn mutable_globals(&self, described: &[GlobalValue]) -> Option<Vec<GlobalValue>> {
        let of_one_type = |one: &GlobalValue, two: &GlobalValue| discriminant(one) == discriminant(two);
        let pairs = || self.described_globals.iter().zip(described);
        let constants_fit = pairs().all(|(global, given)| match global {
            DescribedGlobal::Mutable(_) => true,
            DescribedGlobal::Constant(value) => of_one_type(value, given),
        });
        let mutable = pairs().filter(|(global, _)| matches!(global, DescribedGlobal::Mutable(_)));
        let fits = constants_fit && described.len() == self.described_globals.len();
        fits.then(|| mutable.map(|(_, given)| *given).collect())
    }

    /// Whether the code keeps its state in the heap across upgrades.
    pub(crate) fn orthogonal_persistence(&self) -> bool {
        self.metadata.get("enhanced-orthogonal-persistence").is_some_and(|section| !section.public)
    }
}

/// Unpacks and rewrites a module; the error says what is wrong with it.
pub(crate) fn prepare(uploaded: &[u8], limits: &Limits) -> Result<Prepared, String> {
    let unpacked = unpack(uploaded, limits)?;
    let mut prepared = Prepared::default();
    let survey = Survey::of(&unpacked).map_err(|error| error.to_string())?;
    prepared.mutable_globals = survey.mutable_globals.len();
    prepared.described_globals = survey.described_globals();
    prepared.has_start = survey.start.is_some();
    prepared.max_heap = survey.max_heap;
    prepared.keeps_instance = !survey.has_passing_state;
    prepared.memory64 = survey.memory64;
    for (name, kind, _) in &survey.exports {
        if *kind == ExternalKind::Func {
            add_function(&mut prepared, name)?;
        }
    }
    for (name, content) in &survey.custom {
        let (public, name) = match (name.strip_prefix("icp:public "), name.strip_prefix("icp:private ")) {
            (Some(name), _) => (true, name),
            (None, Some(name)) => (false, name),
            (None, None) => continue,
        };
        let metadata = Metadata { public, content: content.to_vec() };
        prepared.metadata.insert(name.to_owned(), metadata);
    }
    prepared.wasm = rewrite(&unpacked, &survey).map_err(|error| error.to_string())?;
    Ok(prepared)
}

/// Modules may be uploaded compressed with gzip.
fn unpack<'a>(uploaded: &'a [u8], limits: &Limits) -> Result<std::borrow::Cow<'a, [u8]>, String> {
    if !uploaded.starts_with(&[0x1f, 0x8b, 0x08]) {
        return Ok(uploaded.into());
    }
    let mut unpacked = Vec::new();
    let bound = limits.module_bytes as u64 + 1;
    flate2::read::GzDecoder::new(uploaded)
        .take(bound)
        .read_to_end(&mut unpacked)
        .map_err(|error| format!("the module is not valid gzip: {error}"))?;
    if unpacked.len() > limits.module_bytes {
        return Err(format!("the module unpacks to more than {} bytes", limits.module_bytes));
    }
    Ok(unpacked.into())
}

fn add_function(prepared: &mut Prepared, name: &str) -> Result<(), String> {
    for kind in [MethodKind::Update, MethodKind::Query, MethodKind::CompositeQuery] {
        let method = name.strip_prefix(kind.prefix()).and_then(|rest| rest.strip_prefix(' '));
        if let Some(method) = method
            && prepared.methods.insert(method.to_owned(), kind).is_some()
        {
            return Err(format!("the module exports the method '{method}' more than once"));
        }
    }
    prepared.functions.insert(name.to_owned());
    Ok(())
}

/// What the rewriting needs to know of the sections.
#[derive(Default)]
struct Survey<'a> {
    exports: Vec<(&'a str, ExternalKind, u32)>,
    custom: Vec<(&'a str, &'a [u8])>,
    mutable_globals: Vec<u32>,
    /// Values of the others.
    constants: BTreeMap<u32, GlobalValue>,
    memories: u32,
    max_heap: Option<u64>,
    memory64: bool,
    tables: u32,
    start: Option<u32>,
    /// Whether executions change what is neither heap nor a global of a number type.
    has_passing_state: bool,
}

impl<'a> Survey<'a> {
    fn of(wasm: &'a [u8]) -> wasmparser::Result<Self> {
        let mut survey = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::MemorySection(section) => {
                    survey.memories = section.count();
                    if let Some(memory) = section.into_iter().next() {
                        let memory = memory?;
                        survey.max_heap = memory.maximum.map(|pages| pages.saturating_mul(WASM_PAGE));
                        survey.memory64 = memory.memory64;
                    }
                }
                Payload::TableSection(section) => survey.tables = section.count(),
                Payload::StartSection { func, .. } => survey.start = Some(func),
                Payload::CustomSection(section) => {
                    survey.custom.push((section.name(), section.data()));
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        survey.exports.push((export.name, export.kind, export.index));
                    }
                }
                Payload::GlobalSection(section) => {
                    for (index, global) in (0..).zip(section) {
                        let global = global?;
                        if global.ty.mutable {
                            survey.mutable_globals.push(index);
                            survey.has_passing_state |= global.ty.content_type.is_reference_type();
                        } else {
                            survey.constants.insert(index, constant(&global.init_expr)?);
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    survey.has_passing_state = survey.has_passing_state || changes_passing_state(&body)?;
                }
                _ => {}
            }
        }
        Ok(survey)
    }

    fn described_globals(&self) -> Vec<DescribedGlobal> {
        let exported = self.exports.iter().filter(|(_, kind, _)| *kind == ExternalKind::Global);
        let constants = exported.filter_map(|(_, _, index)| {
            let value = self.constants.get(index)?;
            Some((*index, DescribedGlobal::Constant(*value)))
        });
        let mutable = self.mutable_globals.iter().enumerate();
        let mutable = mutable.map(|(number, index)| (*index, DescribedGlobal::Mutable(number)));
        let by_index: BTreeMap<u32, DescribedGlobal> = constants.chain(mutable).collect();
        by_index.into_values().collect()
    }

    fn export_section(&self) -> ExportSection {
        let mut section = ExportSection::new();
        for (name, kind, index) in &self.exports {
            section.export(name, export_kind(*kind), *index);
        }
        if self.memories > 0 {
            section.export(MEMORY, ExportKind::Memory, 0);
        }
        if self.tables > 0 {
            section.export(TABLE, ExportKind::Table, 0);
        }
        if let Some(start) = self.start {
            section.export(START, ExportKind::Func, start);
        }
        for (number, index) in self.mutable_globals.iter().enumerate() {
            section.export(&global_export(number), ExportKind::Global, *index);
        }
        section
    }
}

/// The value that a constant expression begins with; compilers write no longer ones for globals that
/// they export.
fn constant(expression: &ConstExpr<'_>) -> wasmparser::Result<GlobalValue> {
    Ok(match expression.get_operators_reader().read()? {
        Operator::I32Const { value } => GlobalValue::I32(value),
        Operator::I64Const { value } => GlobalValue::I64(value),
        Operator::F32Const { value } => GlobalValue::F32(value.bits()),
        Operator::F64Const { value } => GlobalValue::F64(value.bits()),
        Operator::V128Const { value } => GlobalValue::V128(value.i128() as u128),
        _ => GlobalValue::Reference,
    })
}

/// Whether a function contains instructions that change tables or drop segments.
fn changes_passing_state(body: &FunctionBody<'_>) -> wasmparser::Result<bool> {
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        if matches!(
            operators.read()?,
            Operator::TableSet { .. }
                | Operator::TableGrow { .. }
                | Operator::TableFill { .. }
                | Operator::TableCopy { .. }
                | Operator::TableInit { .. }
                | Operator::ElemDrop { .. }
                | Operator::DataDrop { .. }
        ) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn export_kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
    }
}

const EXPORT_SECTION: u8 = 7;
const START_SECTION: u8 = 8;

/// Copies the module with the new exports and without start section and custom sections.
fn rewrite(wasm: &[u8], survey: &Survey<'_>) -> wasmparser::Result<Vec<u8>> {
    let mut module = wasm_encoder::Module::new();
    let mut exported = false;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if matches!(payload, Payload::CustomSection(_)) {
            continue;
        }
        let Some((id, range)) = payload.as_section() else {
            continue;
        };
        // Sections after the exports: start (8), elements (9), data count (12), code (10), data (11).
        if !exported && (EXPORT_SECTION..=12).contains(&id) {
            module.section(&survey.export_section());
            exported = true;
        }
        if id == EXPORT_SECTION || id == START_SECTION {
            continue;
        }
        let data = wasm.get(range).unwrap_or_default();
        module.section(&RawSection { id, data });
    }
    if !exported {
        module.section(&survey.export_section());
    }
    Ok(module.finish())
}
