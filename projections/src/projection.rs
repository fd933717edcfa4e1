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

    /// Takes in the next event of the family. Total: an event that says nothing to this projection changes nothing. It
    /// touches few rows, however many there are; what concerns many it leaves to [`Projection::settle`].
    fn apply(tables: &mut dyn Tables, event: &Event);

    /// Does a part of what events have left to be done, about `limit` rows of it; whether nothing is left. Before the
    /// next event nothing is.
    fn settle(_tables: &mut dyn Tables, _limit: usize) -> bool {
        true
    }
}

/// Rows settled at a time where nobody counts instructions.
const STRIDE: usize = 1_000;

/// Takes in an event, with everything that it leaves to be done.
fn apply_and_settle<P: Projection>(tables: &mut dyn Tables, event: &Event) {
    P::apply(tables, event);
    while !P::settle(tables, STRIDE) {}
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
    /// Takes in the next event, with everything that it leaves to be done.
    pub apply: fn(&mut dyn Tables, &Event),
    /// [`Projection::apply`], for those who settle in parts.
    pub begin: fn(&mut dyn Tables, &Event),
    /// [`Projection::settle`].
    pub settle: fn(&mut dyn Tables, usize) -> bool,
}

impl Definition {
    /// The definition of `P`.
    pub const fn of<P: Projection>() -> Self {
        let (apply, begin, settle) = (apply_and_settle::<P>, P::apply, P::settle);
        Definition { name: P::NAME, version: P::VERSION, family: P::FAMILY, apply, begin, settle }
    }
}
