//! A request for a contract, before any money moves: its validation, its admission, its acceptance.

pub mod admission;
pub mod intake;
pub mod order;
pub mod validate;

#[cfg(test)]
mod tests;
