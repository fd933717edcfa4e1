//! Contracts: every canister that factories made, the contracts that people can find, and who has to do with them.
//!
//! Every list follows from rows: that a contract is listed, where it stands and who may see it decides on which [shelf]
//! of its creator, its service, its symbol and its token it lies, and whether its [name] is found. Each [role] that it
//! gives decides on which shelf of that person. What changes for a contract's many people at once is
//! [settled](crate::Projection::settle) in parts.
//!
//! [shelf]: Filter
//! [name]: NameCursor
//! [role]: Assignment

mod name;
mod people;
mod read;
mod row;
mod shelf;
mod write;

pub use name::{MAX_PREFIX, NameCursor, Prefix};
pub use people::{Assignment, Connection, RoleCursor, Standing};
pub use read::{
    Contract, by_creator, by_role, by_service, by_symbol, by_token, concerns, contract, counts, find, role, roles,
    state,
};
pub use row::{CanisterState, ContractCounts};
pub use shelf::{Filter, Listed};

use crate::{Projection, Tables};
use cairn_events::{Event, Family};

/// The projection of contracts.
#[derive(Clone, Copy, Debug)]
pub struct Contracts;

impl Projection for Contracts {
    const NAME: &'static str = "contracts";
    const VERSION: u32 = 5;
    const FAMILY: Family = Family::Contracts;

    fn apply(tables: &mut dyn Tables, event: &Event) {
        write::apply(tables, event);
    }

    fn settle(tables: &mut dyn Tables, limit: usize) -> bool {
        people::settle(tables, limit)
    }
}
