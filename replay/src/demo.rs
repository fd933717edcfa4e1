//! The demo: a day of a platform in minutes, on canister wasm, told as it happens and checked at its end.
//!
//! Nothing it reports is assumed: counts come from the exported log after its verification, balances from the ledger,
//! digests from the hosts and from a native replay.

mod account;
mod checks;
mod orders;
mod payouts;
mod people;
mod proof;
mod scene;
mod uses;
mod waves;

use crate::platform::Platform;
use crate::verify::Policy;
use anyhow::Result;
use localnet::Net;
use serde::Serialize;
use std::time::Instant;

pub use account::{Course, Ending};

/// Told what happens, line by line, as it happens.
pub type Tell<'a> = &'a mut dyn FnMut(&str);

/// What came of a demo.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Events of the log.
    pub events: u64,
    /// People who asked for a contract and were taken.
    pub users: u64,
    /// Deployments.
    pub deployments: u64,
    /// Requests refused before any money moved.
    pub refused: u64,
    /// Fees that went into escrow.
    pub payments_captured: u64,
    /// Contracts delivered, and paid for.
    pub delivered: u64,
    /// Of these, tokens.
    pub tokens: u64,
    /// Of these, multisig wallets.
    pub wallets: u64,
    /// Of these, locks and airdrops.
    pub distributions: u64,
    /// Deployments that failed, and whose price went back.
    pub refunded: u64,
    /// What is left on all escrow accounts together, by the ledger.
    pub escrow_balance: u128,
    /// What arrived at the treasury, by the ledger.
    pub treasury_balance: u128,
    /// Payments that wallets made, by the ledger.
    pub wallet_payments: u64,
    /// Payments that locks and airdrops made, by the ledger.
    pub claims: u64,
    /// What these payments come to.
    pub paid_out: u128,
    /// Changes of people, of status, and completions that contracts reported.
    pub callbacks: u64,
    /// Whether every event was re-hashed and found chained, linked and numbered as it should be.
    pub chain_verified: bool,
    /// Whether the network's certificate vouches for exactly these events.
    pub certificate_verified: bool,
    /// Whether each projection, rebuilt on its host, has the digest of the one that served and of the native replay.
    pub digests_equal: bool,
    /// Canisters that were upgraded in the middle of their work.
    pub upgraded: u64,
    /// Projections that were thrown away and rebuilt from the log.
    pub rebuilt: u64,
    /// Instructions of canister wasm.
    pub wasm_instructions: u64,
    /// How long it took.
    pub seconds: f64,
    /// What was not as it should be.
    pub problems: Vec<String>,
}

/// A demo that has ended.
pub struct Ended {
    /// What came of it.
    pub outcome: Outcome,
    /// The deployments, in the order in which they were asked for.
    pub courses: Vec<Course>,
    /// The log with its certificate.
    pub export: Vec<u8>,
    /// What an auditor trusts.
    pub policy: Policy,
    /// The network, as it was left.
    pub net: Net,
}

/// Runs the demo.
///
/// # Errors
/// The platform could not be run. What it did wrong is among the outcome's problems.
pub fn run(seed: u64, tell: Tell<'_>) -> Result<Ended> {
    let begin = Instant::now();
    tell("Building canisters and booting the platform ...");
    let platform = Platform::boot_with(scene::options(seed))?;
    let mut scene = scene::Scene::new(platform, tell);
    scene.introduce()?;
    waves::run(&mut scene)?;
    let proof = proof::run(&mut scene)?;
    let courses = account::courses(scene.platform.events()?);
    let payouts = payouts::of(&mut scene.platform, &courses)?;
    checks::run(&mut scene, &courses, &payouts)?;
    let outcome = account::outcome(&mut scene, (&courses, &payouts), &proof, begin.elapsed().as_secs_f64())?;
    let policy = scene.platform.policy();
    Ok(Ended { outcome, courses, export: proof.export, policy, net: scene.platform.net })
}
