//! How bodies of old events are moved to archives: what there is to do, and what is so once it is done.
//!
//! Nothing here calls anybody. A range is copied, its digest read back by a call that every node executes, and given up
//! here in the message that compares: so whatever is interrupted is done again, and does no harm. Only the creation of
//! a canister cannot be repeated: it is bracketed by events, and one of which nothing is known ends archiving until an
//! admin configures it anew.

use super::key::Key;
use super::reserve::{FLOOR_CYCLES, Means};
use super::{Log, broken};
use crate::region::Region;
use cairn_events::payload::{
    ArchiveCreated, ArchiveIntended, ArchiveUnresolved, ArchivingConfigured, RangeMoved, Reason, range_digest,
};
use cairn_events::{Event, Expected, Hash, Payload, Principal, Stream, codec};
use cairn_kit::api::archive::{ArchiveInit, ArchivedBodies, MAX_RANGE_BYTES, MAX_RANGE_EVENTS};
use cairn_kit::api::audit::{ArchiveRange, ArchivingStatus, AuditError, AuditRequestError, AuditTemporaryError};
use ic_stable_structures::Memory;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::ops::Range;

/// Most bytes of a module that archives are made from: with the argument it must fit a message.
pub const MAX_MODULE: usize = 1_500_000;
/// Fewest events in a range: each range that is moved adds an event to the log.
const MIN_RANGE: u64 = 10;
/// Cycles beyond those of the archive that a creation leaves above the floor, for the messages around it.
const MARGIN_CYCLES: u128 = 50_000_000_000;
/// Bytes before what is stored: its length.
const HEADER: u64 = 8;

/// How archiving stands; outlives upgrades.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archiving {
    #[serde(rename = "s")]
    settings: Option<ArchivingConfigured>,
    #[serde(rename = "a")]
    archives: Vec<Archive>,
    #[serde(rename = "n")]
    next_number: u64,
    #[serde(rename = "w")]
    step: Step,
    #[serde(rename = "m")]
    module: Option<Hash>,
}

/// An archive and what it is known to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Archive {
    #[serde(rename = "i")]
    id: Principal,
    #[serde(rename = "f")]
    from: u64,
    #[serde(rename = "u")]
    until: u64,
    #[serde(rename = "b")]
    bytes: u64,
}

/// What cannot be repeated, and how far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Step {
    /// Nothing.
    #[default]
    #[serde(rename = "r")]
    Resting,
    /// The intent is in the log; the network was asked for a canister, or was not.
    #[serde(rename = "c")]
    Creating(ArchiveIntended, bool),
    /// The canister is there.
    #[serde(rename = "i")]
    Installing(ArchiveIntended, Principal),
    /// Nothing is known of a creation.
    #[serde(rename = "h")]
    Halted(u64),
}

/// What to do next, provided that nothing is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Rest,
    /// Append the intent of an archive.
    Intend,
    /// Ask for the canister.
    Create(ArchiveIntended),
    /// Close a creation whose answer is lost.
    Close,
    /// See to it that the archive runs its module, then record it.
    Install(Principal, ArchiveIntended),
    /// Move these events to the archive.
    Move(Principal, Range<u64>),
}

impl Archiving {
    /// As it lies in memory; `None` if something else does.
    pub fn open<M: Memory>(region: &Region<M>) -> Option<Self> {
        let length = if region.holds(HEADER) { region.u64(0) } else { 0 };
        if length == 0 {
            return Some(Archiving::default());
        }
        let end = HEADER.saturating_add(length);
        if region.holds(end) { codec::decode_trusted(&region.bytes(HEADER, end)).ok() } else { None }
    }

    /// The first event that no archive has.
    pub fn end(&self) -> u64 {
        self.archives.last().map_or(0, |last| last.until)
    }

    fn ensure<M: Memory>(&self, region: &Region<M>) -> bool {
        // Room for one more archive, too.
        region.ensure(HEADER + codec::encode(self).len() as u64 + 200)
    }

    fn write<M: Memory>(&self, region: &Region<M>) {
        let bytes = codec::encode(self);
        region.write(0, &(bytes.len() as u64).to_le_bytes());
        region.write(HEADER, &bytes);
    }

    /// The archive of which it is not known whether it was created: nothing is done until an admin says so.
    pub fn halted(&self) -> Option<u64> {
        match self.step {
            Step::Halted(number) => Some(number),
            _ => None,
        }
    }

    /// Whether there may be something to do.
    pub fn is_active(&self) -> bool {
        let enabled = self.settings.as_ref().is_some_and(|settings| settings.enabled);
        enabled && !matches!(self.step, Step::Halted(_))
            || matches!(self.step, Step::Creating(..) | Step::Installing(..))
    }
}

impl<M: Memory> Log<M> {
    /// How archiving stands.
    pub fn archiving(&self) -> &Archiving {
        &self.archiving
    }

    /// How archiving stands, for everyone to read.
    pub fn archiving_status(&self) -> ArchivingStatus {
        let range = |Archive { id, from, until, bytes }: &Archive| ArchiveRange {
            archive: *id,
            from: *from,
            until: *until,
            bytes: *bytes,
        };
        let step = match &self.archiving.step {
            Step::Resting if !self.archiving.is_active() => "off".to_owned(),
            Step::Resting => "moving ranges as they fill".to_owned(),
            Step::Creating(intent, _) => format!("creating archive {}", intent.number),
            Step::Installing(intent, archive) => format!("installing archive {}: {archive}", intent.number),
            Step::Halted(number) => format!("halted: what became of archive {number} is not known"),
        };
        ArchivingStatus {
            settings: self.archiving.settings.clone(),
            archives: self.archiving.archives.iter().map(range).collect(),
            kept_from: self.columns.first(),
            step,
            problem: None,
        }
    }

    /// Takes the module that archives are made from; its hash.
    ///
    /// # Errors
    /// [`AuditRequestError::OutOfBounds`] for one that is too large, [`AuditTemporaryError::Archiving`] while an archive
    /// is made from the one there is.
    pub fn upload_module(&mut self, module: &[u8]) -> Result<Hash, AuditError> {
        self.id()?;
        self.check_at_rest()?;
        check_bound("module", module.len() as u64, 1..MAX_MODULE as u64 + 1)?;
        let hash = Hash::of(&[module]);
        let after = Archiving { module: Some(hash), ..self.archiving.clone() };
        if !self.module.ensure(HEADER + module.len() as u64) || !after.ensure(&self.archiving_region) {
            return Err(self.exhausted());
        }
        self.module.write(0, &(module.len() as u64).to_le_bytes());
        self.module.write(HEADER, module);
        self.set_archiving(after);
        Ok(hash)
    }

    /// The module that archives are made from.
    pub fn module(&self) -> Vec<u8> {
        if self.archiving.module.is_none() {
            return Vec::new();
        }
        self.module.bytes(HEADER, HEADER + self.module.u64(0))
    }

    /// What the log tells an archive that it installs.
    ///
    /// # Errors
    /// [`AuditTemporaryError::NotReady`].
    pub fn archive_init(&self, intent: &ArchiveIntended) -> Result<ArchiveInit, AuditError> {
        Ok(ArchiveInit { log: self.id()?, from: intent.from })
    }

    /// Says, for `actor`, when bodies are moved. What was halted goes on.
    ///
    /// # Errors
    /// [`AuditRequestError::OutOfBounds`] and [`AuditRequestError::UnknownModule`] for settings that cannot be; else as
    /// [`Log::append`].
    pub fn configure_archiving(
        &mut self,
        actor: Principal,
        settings: ArchivingConfigured,
        means: &Means,
    ) -> Result<(), AuditError> {
        self.id()?;
        check_bound("keep", settings.keep, 1..u64::MAX)?;
        check_bound("range", settings.range, MIN_RANGE..MAX_RANGE_EVENTS + 1)?;
        check_bound("capacity", settings.capacity, MAX_RANGE_BYTES..u64::MAX)?;
        if self.archiving.module != Some(settings.module_hash) {
            let unknown = AuditRequestError::UnknownModule { module_hash: settings.module_hash };
            return Err(AuditError::Request(unknown));
        }
        let mut after = Archiving { settings: Some(settings.clone()), ..self.archiving.clone() };
        if matches!(after.step, Step::Halted(_)) {
            after.step = Step::Resting;
        }
        if !after.ensure(&self.archiving_region) {
            return Err(self.exhausted());
        }
        self.write(actor, Payload::ArchivingConfigured(settings), Expected::Any, means)?;
        self.set_archiving(after);
        Ok(())
    }

    /// What to do next: pure.
    pub fn next_of_archiving(&self, means: &Means) -> Next {
        match &self.archiving.step {
            Step::Creating(intent, false) => return Next::Create(intent.clone()),
            Step::Creating(_, true) => return Next::Close,
            Step::Installing(intent, archive) => return Next::Install(*archive, intent.clone()),
            Step::Halted(_) => return Next::Rest,
            Step::Resting => {}
        }
        let Some(settings) = self.archiving.settings.as_ref().filter(|settings| settings.enabled) else {
            return Next::Rest;
        };
        let Some((range, bytes)) = self.sealed(settings) else { return Next::Rest };
        match self.archiving.archives.last() {
            Some(last) if last.bytes == 0 || last.bytes.saturating_add(bytes) <= settings.capacity => {
                Next::Move(last.id, range)
            }
            _ if means.cycles >= FLOOR_CYCLES + u128::from(settings.cycles) + MARGIN_CYCLES => Next::Intend,
            _ => Next::Rest,
        }
    }

    /// The next range that nothing will change any more and nobody here needs, and the bytes of its bodies.
    fn sealed(&self, settings: &ArchivingConfigured) -> Option<(Range<u64>, u64)> {
        let first = self.columns.first();
        let end = self.columns.len().saturating_sub(settings.keep).min(self.topics.covered());
        if end.saturating_sub(first) < settings.range {
            return None;
        }
        let (mut until, mut bytes) = (first, 0);
        while until < first + settings.range {
            let size = self.columns.event_size(until) as u64;
            if bytes + size > MAX_RANGE_BYTES && until > first {
                break;
            }
            (until, bytes) = (until + 1, bytes + size);
        }
        Some((first..until, bytes))
    }

    /// Appends the intent of the next archive.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn intend_archive(&mut self, means: &Means) -> Result<(), AuditError> {
        self.check_at_rest()?;
        let Some(settings) = &self.archiving.settings else { return Ok(()) };
        let (cycles, module_hash) = (settings.cycles, settings.module_hash);
        if self.archiving.module != Some(module_hash) {
            return Err(AuditError::Request(AuditRequestError::UnknownModule { module_hash }));
        }
        let number = self.archiving.next_number;
        let intent = ArchiveIntended { number, from: self.columns.first(), cycles, module_hash };
        let step = Step::Creating(intent.clone(), false);
        let after = Archiving { next_number: number + 1, step, ..self.archiving.clone() };
        if !after.ensure(&self.archiving_region) {
            return Err(self.exhausted());
        }
        let version = self.thread(&Key::stream(&Stream::Canister(self.who.canister))).count;
        self.write(self.who.canister, Payload::ArchiveIntended(intent), Expected::Exact(version), means)?;
        self.set_archiving(after);
        Ok(())
    }

    /// Notes that the network is asked for the canister, or that it certainly has not created one.
    pub fn note_asked(&mut self, asked: bool) {
        if let Step::Creating(intent, _) = &self.archiving.step {
            let step = Step::Creating(intent.clone(), asked);
            self.set_archiving(Archiving { step, ..self.archiving.clone() });
        }
    }

    /// Notes the canister that was created.
    pub fn note_created(&mut self, archive: Principal) {
        if let Step::Creating(intent, _) = &self.archiving.step {
            let step = Step::Installing(intent.clone(), archive);
            self.set_archiving(Archiving { step, ..self.archiving.clone() });
        }
    }

    /// Closes a creation of which nothing is known. No other is begun until an admin says so.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn close_creation(&mut self, reason: Reason, means: &Means) -> Result<(), AuditError> {
        let Step::Creating(ArchiveIntended { number, .. }, _) = self.archiving.step else { return Ok(()) };
        let unresolved = Payload::ArchiveUnresolved(ArchiveUnresolved { number, reason });
        self.write(self.who.canister, unresolved, Expected::Any, means)?;
        self.set_archiving(Archiving { step: Step::Halted(number), ..self.archiving.clone() });
        Ok(())
    }

    /// Records the archive, in which the network has seen this module.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn record_archive(&mut self, module_hash: Hash, means: &Means) -> Result<(), AuditError> {
        let Step::Installing(ArchiveIntended { number, from, .. }, archive) = self.archiving.step else {
            return Ok(());
        };
        let mut after = Archiving { step: Step::Resting, ..self.archiving.clone() };
        after.archives.push(Archive { id: archive, from, until: from, bytes: 0 });
        if !after.ensure(&self.archiving_region) {
            return Err(self.exhausted());
        }
        let created = Payload::ArchiveCreated(ArchiveCreated { number, archive, module_hash });
        self.write(self.who.canister, created, Expected::Any, means)?;
        self.set_archiving(after);
        Ok(())
    }

    /// The bodies of a range that is here.
    ///
    /// # Errors
    /// That it is not.
    pub fn range_bodies(&self, range: Range<u64>) -> Result<Vec<ByteBuf>, AuditError> {
        let body = |index| {
            self.columns.event(index, &self.threads).map(ByteBuf::from).ok_or_else(|| broken("an event is missing"))
        };
        range.map(body).collect()
    }

    /// Gives up the bodies of `range`, of which `archive` has read back this digest, and records that.
    ///
    /// # Errors
    /// [`AuditError::Internal`] if the archive has something else, or the range is not the next one; else as
    /// [`Log::append`]. The bodies are then still here.
    pub fn record_move(
        &mut self,
        archive: Principal,
        range: Range<u64>,
        digest: Hash,
        means: &Means,
    ) -> Result<(), AuditError> {
        let bodies = self.range_bodies(range.clone())?;
        if range_digest(range.start, bodies.iter().map(|body| body.as_slice())) != digest {
            return Err(broken("the archive has other bodies than the log"));
        }
        let mut after = self.archiving.clone();
        let last = after.archives.last_mut().filter(|last| last.id == archive && last.until == range.start);
        let last = last.ok_or_else(|| broken("the range is not the archive's next"))?;
        let is_next = range.start == self.columns.first() && range.start < range.end;
        if !is_next || range.end > self.topics.covered() || range.end >= self.columns.len() {
            return Err(broken("the range is not the log's next"));
        }
        last.until = range.end;
        last.bytes = last.bytes.saturating_add(bodies.iter().map(|body| body.len() as u64).sum());
        if !self.columns.can_free() || !after.ensure(&self.archiving_region) {
            return Err(self.exhausted());
        }
        let events = bodies.iter().map(|body| codec::decode_trusted::<Event>(body));
        let events = events.collect::<Result<Vec<_>, _>>().map_err(|_| broken("an event cannot be decoded"))?;
        let Range { start: from, end: until } = range;
        let moved = Payload::RangeMoved(RangeMoved { archive, from, until, digest });
        self.write(self.who.canister, moved, Expected::Any, means)?;
        for (event, body) in events.iter().zip(bodies) {
            if self.decides_by(event) {
                self.kept.insert(event.index, body.into_vec());
            }
        }
        self.columns.free(until);
        self.set_archiving(after);
        Ok(())
    }

    /// Where the bodies of these events are, in the order given; those that are here are left out.
    pub fn archived(&self, indices: impl IntoIterator<Item = u64>) -> Vec<ArchivedBodies> {
        let mut groups: Vec<ArchivedBodies> = Vec::new();
        for index in indices {
            let Some(archive) = self.archive_of(index) else { continue };
            match groups.last_mut() {
                Some(group) if group.archive == archive => group.indices.push(index),
                _ => groups.push(ArchivedBodies { archive, indices: vec![index] }),
            }
        }
        groups
    }

    fn archive_of(&self, index: u64) -> Option<Principal> {
        let archives = &self.archiving.archives;
        let place = archives.partition_point(|archive| archive.until <= index);
        archives.get(place).filter(|archive| archive.from <= index).map(|archive| archive.id)
    }

    /// The first event whose body is here.
    pub fn kept_from(&self) -> u64 {
        self.columns.first()
    }

    /// The archives with what they have, in order.
    pub fn archives(&self) -> impl Iterator<Item = (Principal, Range<u64>)> {
        self.archiving.archives.iter().map(|archive| (archive.id, archive.from..archive.until))
    }

    /// How many bodies of archived events the log keeps.
    pub fn kept_bodies(&self) -> u64 {
        self.kept.len()
    }

    fn check_at_rest(&self) -> Result<(), AuditError> {
        match self.archiving.step {
            Step::Resting | Step::Halted(_) => Ok(()),
            Step::Creating(..) | Step::Installing(..) => Err(AuditError::Temporary(AuditTemporaryError::Archiving)),
        }
    }

    fn set_archiving(&mut self, archiving: Archiving) {
        archiving.write(&self.archiving_region);
        self.archiving = archiving;
    }
}

fn check_bound(what: &str, found: u64, bounds: Range<u64>) -> Result<(), AuditError> {
    if bounds.contains(&found) {
        return Ok(());
    }
    let bound = if found < bounds.start { bounds.start } else { bounds.end - 1 };
    Err(AuditError::Request(AuditRequestError::OutOfBounds { what: what.to_owned(), found, bound }))
}
