//! Rebuilding: rows made anew beside those that serve, compared with them, and put in their place.

use super::{Hosted, SLICE, STRIDE, Side};
use crate::api::host::{RebuildOutcome, RebuildPhase, RebuildStatus};
use crate::journal::Recorded;
use crate::runtime;
use cairn_events::payload::ProjectionRebuilt;
use cairn_events::{Hash, Payload, Principal, Submission};
use cairn_projections::{Checkpoint, Digester, Tables};
use serde::{Deserialize, Serialize};

/// A rebuild under way; outlives upgrades.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuild {
    /// Who asked for it.
    #[serde(rename = "b")]
    pub by: Principal,
    /// When, in nanoseconds.
    #[serde(rename = "t")]
    pub started_at: u64,
    /// The version of its logic.
    #[serde(rename = "v")]
    pub version: u32,
    /// The last event that its rows reflect.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none", default)]
    pub checkpoint: Option<Checkpoint>,
    /// Digests of the serving and of the rebuilt rows, once compared.
    #[serde(rename = "d", skip_serializing_if = "Option::is_none", default)]
    pub digests: Option<(Hash, Hash)>,
}

/// A digest in the making.
#[derive(Default)]
pub struct Digest {
    digester: Digester,
    done: Option<Hash>,
}

impl Hosted {
    /// Whether it is being rebuilt.
    pub fn is_rebuilding(&self) -> bool {
        self.state.rebuild.is_some()
    }

    /// Begins anew beside the serving rows.
    pub fn begin_rebuild(&mut self, by: Principal, now: u64) {
        self.rows_mut(Side::Rebuilt).clear();
        self.digesters = None;
        let version = self.definition.version;
        self.state.rebuild = Some(Rebuild { by, started_at: now, version, checkpoint: None, digests: None });
        self.save();
    }

    /// How many events the rebuilt rows must reflect: as many as the serving ones; after a change of version all there are.
    pub(super) fn goal(&self) -> u64 {
        if self.state.version == self.definition.version {
            self.state.checkpoint.map_or(0, |checkpoint| checkpoint.sequence)
        } else {
            self.feed_length.max(1)
        }
    }

    /// Whether both sets of rows stand where they can be compared.
    pub fn is_comparing(&self) -> bool {
        let Some(rebuild) = &self.state.rebuild else { return false };
        let applied = rebuild.checkpoint.map_or(0, |checkpoint| checkpoint.sequence);
        rebuild.digests.is_some() || self.digesters.is_some() || (applied > 0 && applied >= self.goal())
    }

    /// Digests more rows; whether both digests are there.
    pub fn compare(&mut self) -> bool {
        if self.state.rebuild.as_ref().is_none_or(|rebuild| rebuild.digests.is_some()) {
            return true;
        }
        if !self.settle(Side::Serving) || !self.settle(Side::Rebuilt) {
            return false;
        }
        if self.state.version == self.definition.version && self.position(Side::Rebuilt) != self.state.checkpoint {
            self.abandon_rebuild("the log is not the one that the serving rows were made from".to_owned());
            return true;
        }
        let mut digests = self.digesters.take().unwrap_or_default();
        let [serving, rebuilt] = &mut digests;
        serving.advance(self.serving());
        if serving.done.is_some() {
            rebuilt.advance(self.rebuilt());
        }
        let both = serving.done.zip(rebuilt.done);
        match (&mut self.state.rebuild, both) {
            (Some(rebuild), Some(_)) => {
                rebuild.digests = both;
                self.save();
            }
            _ => self.digesters = Some(digests),
        }
        both.is_some()
    }

    /// The outcome to be appended.
    pub fn report(&self) -> Option<Submission> {
        let rebuild = self.state.rebuild.as_ref()?;
        let ((served, rebuilt), checkpoint) = rebuild.digests.zip(rebuild.checkpoint)?;
        let outcome = ProjectionRebuilt {
            projection: self.definition.name.to_owned(),
            version: rebuild.version,
            checkpoint: checkpoint.index,
            checkpoint_hash: checkpoint.hash,
            served,
            rebuilt,
            equal: served == rebuilt,
        };
        Some(Submission::new(rebuild.by, Payload::ProjectionRebuilt(outcome)))
    }

    /// Gives the rebuild up; the serving rows go on.
    pub fn abandon_rebuild(&mut self, problem: String) {
        self.state.rebuild = None;
        self.digesters = None;
        self.problem = Some(problem);
        self.save();
    }

    /// Swaps the rows if `event` is the outcome of the rebuild under way; whether it is.
    pub fn recorded(&mut self, event: &Recorded) -> bool {
        let awaited = self.report().is_some_and(|submission| submission.payload == event.payload);
        let Some(rebuild) = self.state.rebuild.take_if(|_| awaited) else { return false };
        let Some(((served, rebuilt), checkpoint)) = rebuild.digests.zip(rebuild.checkpoint) else { return false };
        let (event, version) = (event.receipt.index, rebuild.version);
        self.state.outcome = Some(RebuildOutcome { event, version, checkpoint: checkpoint.index, served, rebuilt });
        self.state.version = version;
        self.state.checkpoint = Some(checkpoint);
        self.state.swapped = !self.state.swapped;
        self.save();
        true
    }

    /// The outcome of the last rebuild.
    pub fn outcome(&self) -> Option<RebuildOutcome> {
        self.state.outcome
    }

    /// How the rebuild stands, if one is under way.
    pub(super) fn rebuild_status(&self) -> Option<RebuildStatus> {
        let rebuild = self.state.rebuild.as_ref()?;
        let phase = match rebuild.digests {
            Some(_) => RebuildPhase::Reporting,
            None if self.is_comparing() => RebuildPhase::Comparing,
            None => RebuildPhase::Replaying,
        };
        Some(RebuildStatus {
            by: rebuild.by,
            started_at: rebuild.started_at,
            version: rebuild.version,
            applied: rebuild.checkpoint.map_or(0, |checkpoint| checkpoint.sequence),
            of: self.goal(),
            phase,
        })
    }
}

impl Digest {
    fn advance(&mut self, rows: &dyn Tables) {
        while self.done.is_none() && runtime::instructions() < SLICE {
            self.done = self.digester.advance(rows, STRIDE);
        }
    }
}
