//! The vocabulary and the mathematics of the log.
//!
//! An [`Event`] is a fact that the audit canister has accepted: an envelope (who, when, why, after what) around a
//! [`Payload`]. It has two forms. It is *hashed* as an ICRC-3 [`Value`], so that any reader of the standard can check
//! it; it is *stored* as CBOR by [`codec`]. Everything else in this crate is about trusting a sequence of events:
//! the hash chain, the links of each [`Topic`], the RFC 9162 tree in [`merkle`], and [`verify`], which checks them all;
//! the [`topic_map`], and [`answer`]: how a [`question`] is answered so that nobody has to be believed.
//!
//! Nothing here performs I/O, reads a clock or knows a canister: the same code runs in canisters, in the command
//! line and in tests.

pub mod amount;
pub mod answer;
pub mod codec;
pub mod commitment;
pub mod event;
pub mod hash;
pub mod kind;
pub mod merkle;
pub mod moment;
pub mod payload;
pub mod question;
pub mod stream;
pub mod submission;
#[cfg(feature = "testing")]
pub mod testing;
pub mod topic;
pub mod topic_map;
pub mod value;
pub mod verify;
pub mod version;

pub use amount::{Amount, Timestamp};
pub use candid::Principal;
pub use commitment::{Commitment, Opening};
pub use event::{Event, Receipt, SCHEMA_VERSION};
pub use hash::{DeploymentId, Hash, LogId};
pub use kind::{Class, Effect, Kind, WriterRole};
pub use payload::Payload;
pub use stream::Stream;
pub use submission::{Expected, Submission};
pub use topic::{Family, Link, Topic};
pub use value::Value;
pub use version::Version;
