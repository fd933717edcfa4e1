//! Pure reducers from events to read models.
//!
//! A [`Projection`] folds the events of one family into [`Tables`]: deterministic, total, without clock, randomness or
//! I/O. The same code runs in the canister that hosts the projection and in the native replay, and a [`digest`] of the
//! rows tells whether both hold the same. A [`Checkpoint`] says which events the tables reflect; it only advances
//! along the links of the family's topic, so that no event can be missing from a feed unnoticed.

pub mod checkpoint;
pub mod contracts;
pub mod deployments;
pub mod digest;
pub mod key;
pub mod payments;
pub mod progress;
pub mod projection;
pub mod table;
pub mod tables;
pub mod users;

pub use checkpoint::{Checkpoint, FeedFault};
pub use contracts::Contracts;
pub use deployments::Deployments;
pub use digest::{Digester, digest};
pub use key::{Key, Moment};
pub use payments::Payments;
pub use progress::Progress;
pub use projection::{Definition, Projection};
pub use table::{Page, Table, Timeline};
pub use tables::{MemoryTables, Order, Tables};
pub use users::Users;

/// Every projection there is.
pub const ALL: [Definition; 4] = [
    Definition::of::<Users>(),
    Definition::of::<Payments>(),
    Definition::of::<Contracts>(),
    Definition::of::<Deployments>(),
];
