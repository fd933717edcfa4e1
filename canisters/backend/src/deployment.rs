//! One deployment: what was asked for, how far it is, and what is to be done next.
//!
//! Pure. A deployment changes by [`Progress::after`] only, one own event at a time; [`next::next`] says what to do,
//! [`settle::settle`] what a ledger's reply proves.

pub mod money;
pub mod next;
pub mod settle;
pub mod view;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use cairn_events::kind::Effect;
use cairn_events::payload::{Account, DeploymentRequested, Reason, Subaccount, Transfer, TransferIntended};
use cairn_events::{DeploymentId, Payload, Principal, Receipt, Timestamp};
use serde::{Deserialize, Serialize};

/// A deployment: the request, which never changes, and its progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// What was asked for, at the quoted price.
    pub request: DeploymentRequested,
    /// How far it is.
    pub progress: Progress,
}

/// The progress of a deployment, as our own events tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Version of the deployment's stream at our latest event. Only the arbiter can have raised it since.
    #[serde(rename = "v")]
    pub version: u64,
    /// Index of our latest event.
    #[serde(rename = "l")]
    pub latest: u64,
    /// Index of the request.
    #[serde(rename = "r")]
    pub requested: u64,
    /// When it was requested.
    #[serde(rename = "t")]
    pub requested_at: Timestamp,
    /// Intents so far of the payout, that is of refund or release.
    #[serde(rename = "n")]
    pub payouts: u32,
    /// Why it was abandoned, if it was.
    #[serde(rename = "a")]
    pub abandoned: Option<Reason>,
    /// Where it stands.
    #[serde(rename = "p")]
    pub phase: Phase,
}

/// Where a deployment stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Asked for; the payment is not intended yet.
    #[serde(rename = "q")]
    Requested,
    /// The capture may be under way.
    #[serde(rename = "p")]
    Paying(OpenTransfer),
    /// Nothing was moved. Final.
    #[serde(rename = "f")]
    PaymentFailed(Reason),
    /// The fee is in escrow since then.
    #[serde(rename = "c")]
    Captured(Timestamp),
    /// The factory may be at work since then; that is the arbiter's moment.
    #[serde(rename = "d")]
    Dispatched(Timestamp),
    /// Abandoned; the refund has no open intent.
    #[serde(rename = "R")]
    RefundDue,
    /// The refund may be under way.
    #[serde(rename = "e")]
    Refunding(OpenTransfer),
    /// Paid back, in this block of the ledger. Final.
    #[serde(rename = "b")]
    Refunded(Option<u64>),
    /// Delivered; the release has no open intent, as an earlier one failed.
    #[serde(rename = "L")]
    ReleaseDue,
    /// Delivered; the release may be under way.
    #[serde(rename = "x")]
    Releasing(OpenTransfer),
    /// Delivered, and the price is the treasury's. Final.
    #[serde(rename = "y")]
    Released(Option<u64>),
    /// A person must look. Final for what works by itself.
    #[serde(rename = "z")]
    Quarantined(Reason),
}

/// An intent without outcome: every attempt is this transfer, to the letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenTransfer {
    /// The transfer.
    #[serde(rename = "t")]
    pub transfer: Transfer,
    /// Which intent of the effect it is, from 1.
    #[serde(rename = "n")]
    pub attempt: u32,
}

impl From<&TransferIntended> for OpenTransfer {
    fn from(intended: &TransferIntended) -> Self {
        OpenTransfer { transfer: intended.transfer.clone(), attempt: intended.attempt }
    }
}

impl Deployment {
    /// Its id.
    pub fn id(&self) -> DeploymentId {
        self.request.deployment
    }

    /// The account of `gateway` that holds this deployment's money, and nothing else.
    pub fn escrow(&self, gateway: Principal) -> Account {
        escrow(gateway, self.id())
    }
}

/// The account of `gateway` that holds the money of `deployment`.
pub fn escrow(gateway: Principal, deployment: DeploymentId) -> Account {
    Account { owner: gateway, subaccount: Some(Subaccount(deployment.escrow_subaccount())) }
}

impl Progress {
    /// The progress of a deployment whose request got `receipt`.
    pub fn begun(receipt: &Receipt) -> Self {
        Progress {
            version: receipt.stream_version,
            latest: receipt.index,
            requested: receipt.index,
            requested_at: receipt.timestamp,
            payouts: 0,
            abandoned: None,
            phase: Phase::Requested,
        }
    }

    /// The progress after our own event `payload`. Total: what the log accepted is so.
    #[must_use]
    pub fn after(mut self, payload: &Payload, receipt: &Receipt) -> Self {
        self.version = receipt.stream_version;
        self.latest = receipt.index;
        self.phase = match payload {
            Payload::PaymentIntended(intended) => Phase::Paying(intended.into()),
            Payload::PaymentFailed(failed) => Phase::PaymentFailed(failed.reason.clone()),
            Payload::PaymentCaptured(_) => Phase::Captured(receipt.timestamp),
            Payload::DeploymentDispatched(_) => Phase::Dispatched(receipt.timestamp),
            Payload::DeploymentAbandoned(abandoned) => {
                self.abandoned = Some(abandoned.reason.clone());
                Phase::RefundDue
            }
            Payload::RefundIntended(intended) => {
                self.payouts = intended.attempt;
                Phase::Refunding(intended.into())
            }
            Payload::RefundFailed(_) => Phase::RefundDue,
            Payload::RefundPaid(settled) => Phase::Refunded(settled.block),
            Payload::ReleaseIntended(intended) => {
                self.payouts = intended.attempt;
                Phase::Releasing(intended.into())
            }
            Payload::ReleaseFailed(_) => Phase::ReleaseDue,
            Payload::EscrowReleased(settled) => Phase::Released(settled.block),
            Payload::DeploymentQuarantined(quarantined) => Phase::Quarantined(quarantined.reason.clone()),
            _ => self.phase,
        };
        self
    }

    /// Whether nothing is left to be done.
    pub fn is_final(&self) -> bool {
        matches!(self.phase, Phase::PaymentFailed(_) | Phase::Refunded(_) | Phase::Released(_) | Phase::Quarantined(_))
    }

    /// The open intent of a transfer, if there is one.
    pub fn open_transfer(&self) -> Option<(Effect, &OpenTransfer)> {
        match &self.phase {
            Phase::Paying(open) => Some((Effect::Payment, open)),
            Phase::Refunding(open) => Some((Effect::Refund, open)),
            Phase::Releasing(open) => Some((Effect::Release, open)),
            _ => None,
        }
    }
}
