//! What a projection is.

use crate::tables::Tables;
use cairn_events::{Event, Family};

/// A read model folded from the events of one family.
pub trait Projection {
    /// The name it is known under; at most 32 bytes.
    const NAME: &'static str;

    /// The version of its logic and of its rows. New logic needs a new version, and so a rebuild.
    const VERSION: u32;

    /// The feed it folds.
    const FAMILY: Family;

    /// Takes in the next event of the family. Total: an event that says nothing to this projection changes nothing.
    fn apply(tables: &mut dyn Tables, event: &Event);
}

/// A projection as a value, for those who treat all of them alike.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// [`Projection::NAME`].
    pub name: &'static str,
    /// [`Projection::VERSION`].
    pub version: u32,
    /// [`Projection::FAMILY`].
    pub family: Family,
    /// [`Projection::apply`].
    pub apply: fn(&mut dyn Tables, &Event),
}

impl Definition {
    /// The definition of `P`.
    pub const fn of<P: Projection>() -> Self {
        Definition { name: P::NAME, version: P::VERSION, family: P::FAMILY, apply: P::apply }
    }
}
