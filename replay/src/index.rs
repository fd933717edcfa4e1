//! Every index of the platform, folded natively from the log.

use cairn_events::verify::Rehashed;
use cairn_events::{Event, Hash, Topic};
use cairn_projections::{Checkpoint, Definition, FeedFault, MemoryTables, digest};

/// One projection and its rows.
#[derive(Clone, Debug)]
pub struct Index {
    definition: Definition,
    tables: MemoryTables,
    checkpoint: Option<Checkpoint>,
}

impl Index {
    /// What it is an index of.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Its rows.
    pub fn tables(&self) -> &MemoryTables {
        &self.tables
    }

    /// Up to where it has followed its feed.
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }

    /// The digest of its rows: what the hosting canister must have at the same checkpoint.
    pub fn digest(&self) -> Hash {
        digest(&self.tables)
    }

    fn apply(&mut self, rehashed: &Rehashed) -> Result<(), FeedFault> {
        if !rehashed.topics().contains(&Topic::Family(self.definition.family)) {
            return Ok(());
        }
        let checkpoint = Checkpoint::follow_rehashed(self.checkpoint.as_ref(), rehashed, self.definition.family)?;
        (self.definition.apply)(&mut self.tables, rehashed.event());
        self.checkpoint = Some(checkpoint);
        Ok(())
    }
}

/// All indexes, at the same point of the log.
#[derive(Clone, Debug)]
pub struct Indexes(Vec<Index>);

impl Default for Indexes {
    fn default() -> Self {
        let begin = |definition: &Definition| Index {
            definition: *definition,
            tables: MemoryTables::default(),
            checkpoint: None,
        };
        Indexes(cairn_projections::ALL.iter().map(begin).collect())
    }
}

impl Indexes {
    /// Takes in the next event of the log.
    ///
    /// # Errors
    /// [`FeedFault`] if it is not the next event of a family that an index follows.
    pub fn apply(&mut self, event: &Event) -> Result<(), FeedFault> {
        self.apply_rehashed(&Rehashed::of(event.clone()))
    }

    /// As [`Indexes::apply`], for an event that has been hashed, as when it was verified.
    ///
    /// # Errors
    /// As [`Indexes::apply`].
    pub fn apply_rehashed(&mut self, event: &Rehashed) -> Result<(), FeedFault> {
        self.0.iter_mut().try_for_each(|index| index.apply(event))
    }

    /// Takes in the next `events` of the log, every index on a thread of its own: none needs another.
    ///
    /// # Errors
    /// As [`Indexes::apply`]; the indexes may then have come to different ends.
    pub fn apply_all(&mut self, events: &[Rehashed]) -> Result<(), FeedFault> {
        let follow = |index: &mut Index| events.iter().try_for_each(|event| index.apply(event));
        std::thread::scope(|scope| {
            let threads: Vec<_> = self.0.iter_mut().map(|index| scope.spawn(move || follow(index))).collect();
            threads.into_iter().try_for_each(|thread| match thread.join() {
                Ok(followed) => followed,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })
    }

    /// Each index.
    pub fn iter(&self) -> impl Iterator<Item = &Index> {
        self.0.iter()
    }

    /// The index of the projection `name`.
    pub fn get(&self, name: &str) -> Option<&Index> {
        self.0.iter().find(|index| index.definition.name == name)
    }
}
