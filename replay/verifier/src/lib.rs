//! The verifier: bytes and an auditor's policy in, a verdict out.
//!
//! Pure: no files, no clock, no network; it is built for browsers, too. What is trusted (the network's root key, the
//! audit canister, the log) comes from the [`Policy`] alone. Shown can be
//!
//! - an export, the whole log, as bytes, JSON Lines or CSV ([`Form`]): [`verify`]. Events are re-hashed field by field; the
//!   tree over them must be the one that the canister certified;
//! - a bundle, a question with all pages of its answer: [`bundle::verify`];
//! - one [`Answer`](cairn_events::question::Answer) as the canister gives it: [`verify_answer`].
//!
//! Every byte is covered: each part has one accepted encoding. The certificate must be the network's. The first wrong
//! thing is named.

mod answer;
pub mod bundle;
mod cbor;
mod certificate;
mod failure;
pub mod file;
mod form;
pub mod lines;
mod log;
mod policy;
pub mod reading;
pub mod rows;
pub mod table;
mod text;

pub use answer::{Answered, verify_answer};
pub use bundle::{Bundle, BundleFault, Proven};
pub use cbor::CborError;
pub use certificate::{CertificateFault, Certified};
pub use failure::{Exit, Failure};
pub use file::{FormatError, Sections};
pub use form::Form;
pub use log::{Verdict, verify, verify_each};
pub use policy::{Freshness, Policy, PolicyError};
