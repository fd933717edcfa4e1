//! The part of a factory's interface that is about templates: uploads, proposals, published versions.

use cairn_events::payload::{Channel, Reason};
use cairn_events::{Hash, Principal, Version};
use candid::{CandidType, Deserialize};

/// An upload under way. Only its owner can go on with it, from wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct UploadSession {
    /// Its number.
    pub id: u64,
    /// Who began it.
    pub owner: Principal,
    /// Bytes of the module.
    pub size: u64,
    /// Bytes that are here: the next chunk begins with the byte of this number.
    pub received: u64,
    /// When it is forgotten, in nanoseconds: a day after its last chunk.
    pub expires_at: u64,
}

/// A module that the factory has, and can be proposed as a template.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct UploadedModule {
    /// SHA-256 of its bytes, computed by the factory.
    pub module_hash: Hash,
    /// Its bytes.
    pub size: u64,
}

/// Argument of `proposeTemplate`.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ProposeTemplate {
    /// `major.minor.patch`, above every version of its channel.
    pub version: String,
    /// The module, which was uploaded.
    pub module_hash: Hash,
    /// Whom it is for.
    pub channel: Channel,
    /// The oldest version whose contracts it can take over; any unless given.
    pub upgrades_from: Option<String>,
    /// Its Candid interface: the whole text, without imports.
    pub interface: String,
    /// The commit of the source that it is built from, 40 to 64 hexadecimal digits.
    pub source_commit: String,
    /// What is new.
    pub notes: String,
    /// Whether it is somebody else's code, which has none of the methods that contracts owe their factory.
    pub foreign: bool,
}

/// What a template was proposed as.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct TemplateTerms {
    /// Whom it is for.
    pub channel: Channel,
    /// The oldest version whose contracts it can take over; absent if it is any.
    pub upgrades_from: Option<Version>,
    /// SHA-256 of its Candid interface.
    pub interface: Hash,
    /// The commit of the source that it is built from.
    pub source_commit: String,
    /// What is new.
    pub notes: String,
    /// Whether it is somebody else's code, of which contracts are never upgraded.
    pub foreign: bool,
}

/// A template that is not published yet.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct TemplateProposal {
    /// Its version.
    pub version: Version,
    /// SHA-256 of the module.
    pub module_hash: Hash,
    /// Bytes of the module.
    pub size: u64,
    /// What it is proposed as.
    pub terms: TemplateTerms,
    /// Who proposes it.
    pub proposed_by: Principal,
    /// When, in nanoseconds.
    pub proposed_at: u64,
    /// Who has confirmed it, if anybody.
    pub confirmed_by: Option<Principal>,
    /// The time, in nanoseconds, before which it is not published; absent unless confirmed.
    pub publishable_at: Option<u64>,
}

/// A published template, without its bytes. Nothing of it ever changes, but that it can be withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct TemplateVersion {
    /// Its version.
    pub version: Version,
    /// SHA-256 of the module.
    pub module_hash: Hash,
    /// Bytes of the module.
    pub size: u64,
    /// What it was proposed as; absent for one that was published without a proposal, as earlier code allowed.
    pub terms: Option<TemplateTerms>,
    /// When it was published, in nanoseconds.
    pub published_at: u64,
    /// The event that says so.
    pub event: u64,
    /// Why it is installed no more, if so.
    pub withdrawn: Option<Reason>,
}

/// Published templates, the highest version first.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct TemplatePage {
    /// The versions.
    pub rows: Vec<TemplateVersion>,
    /// Where the next page begins: after this version. Absent if this is the last one.
    pub next: Option<Version>,
}

/// Why a part of an upload was not taken. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum UploadRefusal {
    /// There is none of this number, or it was forgotten.
    #[error("no upload {session} is under way")]
    UnknownSession {
        /// What was named.
        session: u64,
    },
    /// Somebody else began it.
    #[error("upload {session} is somebody else's")]
    OtherOwner {
        /// What was named.
        session: u64,
    },
    /// The module is empty or too large.
    #[error("a module of {size} bytes; at least {min}, at most {max}")]
    Size {
        /// What it has.
        size: u64,
        /// What it must have at least.
        min: u64,
        /// What it may have at most.
        max: u64,
    },
    /// The chunk is empty or too large.
    #[error("a chunk of {length} bytes; at least 1, at most {max}")]
    Chunk {
        /// What it has.
        length: u64,
        /// What it may have at most.
        max: u64,
    },
    /// The chunk does not begin where the last one ended.
    #[error("the chunk begins at {found}, the upload has {expected} bytes")]
    Offset {
        /// The next byte.
        expected: u64,
        /// Where the chunk begins.
        found: u64,
    },
    /// The chunk goes beyond what was announced.
    #[error("{found} bytes, {size} were announced")]
    Beyond {
        /// What was announced.
        size: u64,
        /// What there would be.
        found: u64,
    },
    /// Bytes are missing.
    #[error("{received} bytes are here, {size} were announced")]
    Incomplete {
        /// What is here.
        received: u64,
        /// What was announced.
        size: u64,
    },
    /// Too many uploads are under way, of everybody or of this admin: end one, or wait until one is forgotten.
    #[error("{open} uploads are under way, at most {max} can be")]
    TooMany {
        /// What there is.
        open: u64,
        /// What can be.
        max: u64,
    },
    /// Together the uploads under way would take too much room: end one, or wait until one is forgotten.
    #[error("uploads of {found} bytes together, at most {max}")]
    NoRoom {
        /// What there would be.
        found: u64,
        /// What can be.
        max: u64,
    },
    /// As many modules are kept as can be: withdraw templates that are not needed.
    #[error("{max} modules are kept, at most that many can be")]
    TooManyModules {
        /// What can be.
        max: u64,
    },
    /// The bytes begin neither like a wasm module of version 1 nor like one in gzip.
    #[error("neither a wasm module nor one in gzip")]
    NotWasm,
}

/// Why a decision about a template was refused. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum TemplateRefusal {
    /// Not three numbers without leading zeros.
    #[error("{field} is no version: expected major.minor.patch")]
    NotAVersion {
        /// Which field.
        field: String,
    },
    /// Not 40 to 64 hexadecimal digits in lower case.
    #[error("source_commit: expected 40 to 64 hexadecimal digits in lower case, found {length} bytes")]
    SourceCommit {
        /// Bytes that came.
        length: u64,
    },
    /// No module of this hash was uploaded.
    #[error("no module {module_hash} is here")]
    UnknownModule {
        /// What was named.
        module_hash: Hash,
    },
    /// The version is that of another module, or of other terms.
    #[error("version {version} is module {module_hash}, on terms of its own")]
    VersionTaken {
        /// The version.
        version: Version,
        /// Its module.
        module_hash: Hash,
    },
    /// The module has a version already.
    #[error("module {module_hash} is version {version}")]
    ModuleTaken {
        /// The module.
        module_hash: Hash,
        /// Its version.
        version: Version,
    },
    /// The version is not above the last one of its channel; or, for an upgrade, above the contract's.
    #[error("version {version} is not above {last}")]
    NotAbove {
        /// The version.
        version: Version,
        /// What it must be above.
        last: Version,
    },
    /// It would take over contracts of versions that it is not above.
    #[error("version {version} takes over from {upgrades_from}, which is not below it")]
    UpgradesFrom {
        /// The version.
        version: Version,
        /// What it takes over from.
        upgrades_from: Version,
    },
    /// The contract is older than what the version can take over.
    #[error("version {version} takes over from {upgrades_from}, not from {current}")]
    TooOld {
        /// The version.
        version: Version,
        /// The oldest one that it takes over from.
        upgrades_from: Version,
        /// The contract's.
        current: Version,
    },
    /// Contracts of somebody else's code are not upgraded by the factory.
    #[error("version {version} is somebody else's code, which is not upgraded")]
    Foreign {
        /// The version.
        version: Version,
    },
    /// The interface cannot be read.
    #[error("interface: {problem}")]
    Interface {
        /// Where, and what was expected.
        problem: String,
    },
    /// The interface lacks a method that contracts of this kind must have.
    #[error("the interface lacks the method {method}")]
    MissingMethod {
        /// Which one.
        method: String,
    },
    /// The module is not as wasm modules are.
    #[error("module: {problem}")]
    Module {
        /// What is wrong.
        problem: String,
    },
    /// The interface speaks of a method that the module does not have, or not of this kind.
    #[error("the module does not export {name}")]
    NotExported {
        /// Under which name it would be.
        name: String,
    },
    /// Clients of the version before it would break: this needs another major number.
    #[error("clients of {previous} would break: {problem}")]
    Breaking {
        /// The version before it.
        previous: Version,
        /// What would.
        problem: String,
    },
    /// There is no such version, neither proposed nor published.
    #[error("version {version} is neither proposed nor published")]
    UnknownVersion {
        /// What was named.
        version: Version,
    },
    /// The second person has built, or the caller expects, another module.
    #[error("version {version} is proposed as module {proposed}, not {found}")]
    OtherModule {
        /// The version.
        version: Version,
        /// The module that was proposed.
        proposed: Hash,
        /// The one that was named.
        found: Hash,
    },
    /// Nobody has confirmed it.
    #[error("version {version} is not confirmed by a second person")]
    NotConfirmed {
        /// The version.
        version: Version,
    },
    /// It was withdrawn.
    #[error("version {version} is withdrawn")]
    Withdrawn {
        /// The version.
        version: Version,
    },
    /// Without it, nothing could be installed.
    #[error("version {version} is the only one that can be installed")]
    OnlyOne {
        /// The version.
        version: Version,
    },
    /// Too many of something.
    #[error("{max} {what} are there, at most that many can be")]
    TooMany {
        /// Of what.
        what: String,
        /// What can be.
        max: u64,
    },
}
