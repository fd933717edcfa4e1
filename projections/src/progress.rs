//! Where a deployment stands, as its events tell.

use crate::key::Key;
use cairn_events::Kind;
use candid::CandidType;
use serde::{Deserialize, Serialize};

/// Where a deployment, and the money for it, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, CandidType)]
pub enum Progress {
    /// Accepted; the fee is being moved into escrow.
    #[serde(rename = "paying")]
    Paying,
    /// The fee was not moved: nothing happened.
    #[serde(rename = "unpaid")]
    Unpaid,
    /// The fee is in escrow; the factory is at work.
    #[serde(rename = "delivering")]
    Delivering,
    /// The contract is the owner's; the price is moving to the treasury.
    #[serde(rename = "delivered")]
    Delivered,
    /// Delivered, and the price is the treasury's.
    #[serde(rename = "settled")]
    Settled,
    /// Abandoned; the price is moving back to the payer.
    #[serde(rename = "refunding")]
    Refunding,
    /// Abandoned, and the price is the payer's again.
    #[serde(rename = "refunded")]
    Refunded,
    /// Evidence for a transfer could not be had: a person must look.
    #[serde(rename = "quarantined")]
    Quarantined,
}

impl Progress {
    /// Every stage.
    pub const ALL: [Progress; 8] = [
        Progress::Paying,
        Progress::Unpaid,
        Progress::Delivering,
        Progress::Delivered,
        Progress::Settled,
        Progress::Refunding,
        Progress::Refunded,
        Progress::Quarantined,
    ];

    /// Where a deployment stands after an event of `kind` on its stream; `None` for kinds of other streams.
    pub fn after(kind: Kind) -> Option<Progress> {
        match kind {
            Kind::DeploymentRequested | Kind::PaymentIntended => Some(Progress::Paying),
            Kind::PaymentFailed => Some(Progress::Unpaid),
            Kind::PaymentCaptured | Kind::DeploymentDispatched => Some(Progress::Delivering),
            Kind::DeliveryCommitted | Kind::ReleaseIntended | Kind::ReleaseFailed => Some(Progress::Delivered),
            Kind::EscrowReleased => Some(Progress::Settled),
            Kind::DeploymentAbandoned | Kind::RefundIntended | Kind::RefundFailed => Some(Progress::Refunding),
            Kind::RefundPaid => Some(Progress::Refunded),
            Kind::DeploymentQuarantined => Some(Progress::Quarantined),
            _ => None,
        }
    }
}

impl Key for Progress {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(*self as u8);
    }
}
