//! A deployment as its owner sees it.

use super::{Deployment, Phase};
use cairn_events::Principal;
use cairn_events::payload::Reason;
use cairn_kit::api::backend::{DeploymentStatus, DeploymentView};

impl Deployment {
    /// What its owner sees. `contract` is the delivered one, as the factory or the log named it.
    pub fn view(&self, gateway: Principal, contract: Option<Principal>) -> DeploymentView {
        DeploymentView {
            id: self.id(),
            owner: self.request.owner,
            service: self.request.service.name().to_owned(),
            status: self.status(contract),
            price: self.request.price,
            ledger_fee: self.request.ledger_fee,
            ledger: self.request.ledger,
            escrow: self.escrow(gateway),
            requested_at: self.progress.requested_at.0,
            requested: self.progress.requested,
            latest: self.progress.latest,
        }
    }

    fn status(&self, contract: Option<Principal>) -> DeploymentStatus {
        let delivered = |released| match contract {
            Some(contract) => DeploymentStatus::Delivered { contract, released },
            None => DeploymentStatus::Delivering,
        };
        let abandoned = || self.progress.abandoned.as_ref().map(text).unwrap_or_default();
        match &self.progress.phase {
            Phase::Requested | Phase::Paying(_) => DeploymentStatus::Paying,
            Phase::PaymentFailed(reason) => DeploymentStatus::PaymentFailed { reason: text(reason) },
            Phase::Captured(_) | Phase::Dispatched(_) => DeploymentStatus::Delivering,
            Phase::ReleaseDue | Phase::Releasing(_) => delivered(false),
            Phase::Released(_) => delivered(true),
            Phase::RefundDue | Phase::Refunding(_) => DeploymentStatus::Refunding { reason: abandoned() },
            Phase::Refunded(block) => DeploymentStatus::Refunded { reason: abandoned(), block: *block },
            Phase::Quarantined(reason) => DeploymentStatus::Quarantined { reason: text(reason) },
        }
    }
}

/// A reason in one line.
pub fn text(reason: &Reason) -> String {
    if reason.detail.is_empty() { reason.code.clone() } else { format!("{}: {}", reason.code, reason.detail) }
}
