//! What happened, by the log alone.

use super::payouts::Payout;
use super::proof::Proof;
use super::scene::Scene;
use super::{Outcome, people};
use anyhow::Result;
use cairn_events::payload::Account;
use cairn_events::topic::Service;
use cairn_events::{Amount, DeploymentId, Event, Payload, Principal};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How a deployment ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The price went to the treasury.
    Delivered {
        /// The contract.
        contract: Principal,
    },
    /// The price went back.
    Refunded {
        /// Why.
        reason: String,
    },
    /// The fee was never moved.
    Unpaid,
    /// A person must look.
    Quarantined,
    /// It has not ended.
    Open,
}

/// The course of a deployment.
#[derive(Clone, Debug)]
pub struct Course {
    /// The deployment.
    pub id: DeploymentId,
    /// Who asked.
    pub owner: Principal,
    /// For what.
    pub service: Service,
    /// Whose account paid.
    pub from: Account,
    /// Whether the fee was moved into escrow.
    pub captured: bool,
    /// The contract that was committed, if any.
    pub contract: Option<Principal>,
    /// Why it was abandoned, if it was.
    pub abandoned: Option<String>,
    /// The contract's name, once it is registered.
    pub name: Option<String>,
    /// How it ended.
    pub ending: Ending,
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id: String = self.id.to_string().chars().take(8).collect();
        let owner = people::name_of(self.owner).unwrap_or("somebody");
        let name = self.name.as_deref().unwrap_or("-");
        let kind = self.service.name().trim_end_matches("_factory");
        write!(f, "{id}  {owner:<8} {kind:<12} {name:<10} ")?;
        match &self.ending {
            Ending::Delivered { contract } => write!(f, "delivered  {contract}"),
            Ending::Refunded { reason } => write!(f, "refunded   {reason:.48} ..."),
            Ending::Unpaid => write!(f, "unpaid"),
            Ending::Quarantined => write!(f, "quarantined"),
            Ending::Open => write!(f, "open"),
        }
    }
}

/// Every deployment of a log, in the order in which they were asked for.
pub fn courses(events: &[Event]) -> Vec<Course> {
    let mut order = Vec::new();
    let mut courses: BTreeMap<DeploymentId, Course> = BTreeMap::new();
    for event in events {
        if let Payload::DeploymentRequested(requested) = &event.payload {
            order.push(requested.deployment);
            let course = Course {
                id: requested.deployment,
                owner: requested.owner,
                service: requested.service,
                from: requested.from,
                captured: false,
                contract: None,
                abandoned: None,
                name: None,
                ending: Ending::Open,
            };
            courses.insert(requested.deployment, course);
        }
        if let Some(course) = event.payload.deployment().and_then(|id| courses.get_mut(&id)) {
            course.apply(&event.payload);
        }
    }
    order.iter().filter_map(|id| courses.remove(id)).collect()
}

impl Course {
    fn apply(&mut self, payload: &Payload) {
        match payload {
            Payload::PaymentCaptured(_) => self.captured = true,
            Payload::PaymentFailed(_) => self.ending = Ending::Unpaid,
            Payload::DeliveryCommitted(committed) => self.contract = Some(committed.contract),
            Payload::DeploymentAbandoned(abandoned) => self.abandoned = Some(abandoned.reason.detail.clone()),
            Payload::ContractRegistered(registered) => self.name = Some(registered.name.clone()),
            Payload::EscrowReleased(_) => {
                self.ending = self.contract.map_or(Ending::Open, |contract| Ending::Delivered { contract });
            }
            Payload::RefundPaid(_) => {
                self.ending = Ending::Refunded { reason: self.abandoned.clone().unwrap_or_default() };
            }
            Payload::DeploymentQuarantined(_) => self.ending = Ending::Quarantined,
            _ => {}
        }
    }

    /// The contract, if it was delivered and paid for.
    pub fn delivered(&self) -> Option<Principal> {
        match self.ending {
            Ending::Delivered { contract } => Some(contract),
            _ => None,
        }
    }

    /// The account that held its money.
    pub fn escrow(&self, backend: Principal) -> Account {
        let subaccount = cairn_events::payload::Subaccount(self.id.escrow_subaccount());
        Account { owner: backend, subaccount: Some(subaccount) }
    }
}

/// The figures of the closing table, each measured.
pub fn outcome(
    scene: &mut Scene<'_>,
    (courses, payouts): (&[Course], &[Payout]),
    proof: &Proof,
    seconds: f64,
) -> Result<Outcome> {
    let delivered: Vec<Service> =
        courses.iter().filter(|course| course.delivered().is_some()).map(|course| course.service).collect();
    let paid: Vec<Service> = payouts.iter().map(|payout| payout.service).collect();
    let among = |services: &[Service], service| services.iter().filter(|other| **other == service).count() as u64;
    let count = |of: fn(&Course) -> bool| courses.iter().filter(|course| of(course)).count() as u64;
    let users: BTreeSet<Principal> = courses.iter().map(|course| course.owner).collect();
    let backend = scene.platform.backend;
    let mut escrow = Amount::ZERO;
    for course in courses {
        escrow = Amount(escrow.0 + scene.platform.balance(course.escrow(backend))?.0);
    }
    let treasury = scene.platform.balance(scene.platform.treasury)?;
    let events = scene.platform.events()?;
    let callbacks = events.iter().filter(|event| matches!(event.payload, Payload::CallbackAccepted(_))).count();
    Ok(Outcome {
        events: events.len() as u64,
        users: users.len() as u64,
        deployments: courses.len() as u64,
        refused: scene.refused,
        payments_captured: count(|course| course.captured),
        delivered: delivered.len() as u64,
        tokens: among(&delivered, Service::Token),
        wallets: among(&delivered, Service::Multisig),
        distributions: among(&delivered, Service::Distribution),
        refunded: count(|course| matches!(course.ending, Ending::Refunded { .. })),
        escrow_balance: escrow.0,
        treasury_balance: treasury.0,
        wallet_payments: among(&paid, Service::Multisig),
        claims: among(&paid, Service::Distribution),
        paid_out: payouts.iter().map(|payout| payout.amount.0).sum(),
        callbacks: callbacks as u64,
        chain_verified: proof.chain_verified,
        certificate_verified: proof.certificate_verified,
        digests_equal: proof.digests_equal,
        upgraded: scene.upgraded,
        rebuilt: proof.rebuilt,
        wasm_instructions: scene.platform.net.traced_instructions(|_| true),
        seconds,
        problems: std::mem::take(&mut scene.problems),
    })
}

impl Outcome {
    /// Whether everything is as it should be.
    pub fn is_fine(&self) -> bool {
        let proven = self.chain_verified && self.certificate_verified && self.digests_equal;
        proven && self.escrow_balance == 0 && self.problems.is_empty()
    }

    /// The closing table.
    pub fn table(&self) -> Vec<(&'static str, String)> {
        let yes = |fine: bool| if fine { "yes" } else { "NO" }.to_owned();
        vec![
            ("people served", self.users.to_string()),
            ("deployments", self.deployments.to_string()),
            ("  payments captured", self.payments_captured.to_string()),
            ("  delivered, price released", self.delivered.to_string()),
            ("    tokens", self.tokens.to_string()),
            ("    wallets", self.wallets.to_string()),
            ("    locks and airdrops", self.distributions.to_string()),
            ("  failed, price refunded", self.refunded.to_string()),
            ("requests refused before any payment", self.refused.to_string()),
            ("left in escrow", self.escrow_balance.to_string()),
            ("arrived at the treasury", self.treasury_balance.to_string()),
            ("paid by wallets, two having signed", self.wallet_payments.to_string()),
            ("claimed from locks and airdrops", self.claims.to_string()),
            ("  what people got by both", self.paid_out.to_string()),
            ("callbacks accepted from contracts", self.callbacks.to_string()),
            ("canisters upgraded in the middle of work", self.upgraded.to_string()),
            ("indexes thrown away and rebuilt", self.rebuilt.to_string()),
            ("events in the log", self.events.to_string()),
            ("chain, links and numbering verified", yes(self.chain_verified)),
            ("certified by the network", yes(self.certificate_verified)),
            ("digests equal: served, rebuilt, native", yes(self.digests_equal)),
            ("wasm instructions", self.wasm_instructions.to_string()),
            ("seconds", format!("{:.1}", self.seconds)),
        ]
    }
}
