//! Facts about deployments and their money.
//!
//! Arithmetic (price P, ledger fee f): the capture moves E = P + f into escrow, the payer is debited P + 2f; release
//! or refund moves P out of escrow and leaves nothing.

use super::{Account, Bytes32, Reason};
use crate::topic::Service;
use crate::{Amount, Commitment, DeploymentId, Hash, Timestamp, kind::Effect};
use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// A person asked for a contract. What is quoted here holds for the deployment, whatever is configured later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentRequested {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Who asked, pays and will own.
    pub owner: Principal,
    /// What was asked for.
    pub service: Service,
    /// The factory that is to deliver.
    pub factory: Principal,
    /// Hash of everything the caller sent: the same request id with other arguments is refused.
    pub request: Hash,
    /// The contract's arguments, encoded for the factory.
    pub args: ByteBuf,
    /// The fee token's ledger.
    pub ledger: Principal,
    /// The price.
    pub price: Amount,
    /// The ledger's transfer fee at the quote.
    pub ledger_fee: Amount,
    /// The account that pays, and to which a refund goes.
    pub from: Account,
    /// Where the price goes on delivery.
    pub treasury: Account,
    /// The payer's private billing reference.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub billing: Option<Commitment>,
}

impl DeploymentRequested {
    /// Bytes of encoded arguments.
    pub const MAX_ARGS: usize = 36_000;
}

/// A factory is about to be asked to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentDispatched {
    /// The deployment.
    pub deployment: DeploymentId,
    /// The factory.
    pub factory: Principal,
}

/// The contract is the owner's: the deployment can no longer be refunded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryCommitted {
    /// The deployment.
    pub deployment: DeploymentId,
    /// The contract that is delivered.
    pub contract: Principal,
    /// Its owner.
    pub owner: Principal,
    /// The hash of its module, as observed.
    pub module_hash: Hash,
}

/// Nothing will be delivered: the deployment is to be refunded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentAbandoned {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Why.
    pub reason: Reason,
}

/// Evidence for an effect could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentQuarantined {
    /// The deployment.
    pub deployment: DeploymentId,
    /// The effect in question.
    pub effect: Effect,
    /// What is known.
    pub reason: Reason,
}

/// A transfer with every argument frozen: each attempt is this call, so that the ledger can tell repetitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Transfer {
    /// The ledger.
    pub ledger: Principal,
    /// The account debited.
    pub from: Account,
    /// The account credited.
    pub to: Account,
    /// The amount credited.
    pub amount: Amount,
    /// The ledger's fee, debited on top.
    pub fee: Amount,
    /// Binds the transfer to its intent.
    pub memo: Bytes32,
    /// `created_at_time` of the transfer.
    pub created_at: Timestamp,
}

/// A transfer is about to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferIntended {
    /// The deployment.
    pub deployment: DeploymentId,
    /// The transfer.
    pub transfer: Transfer,
    /// 1 for the first intent of this effect.
    pub attempt: u32,
}

/// How it is known that a transfer happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub enum Evidence {
    /// The ledger's reply.
    #[serde(rename = "reply")]
    Reply,
    /// The ledger's answer to a repetition: a duplicate of that block.
    #[serde(rename = "duplicate")]
    Duplicate,
    /// The escrow balance, after the ledger had closed the window for the transfer.
    #[serde(rename = "balance")]
    Balance,
}

/// A transfer happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferSettled {
    /// The deployment.
    pub deployment: DeploymentId,
    /// The ledger's block; unknown when only the balance tells.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub block: Option<u64>,
    /// How it is known.
    pub evidence: Evidence,
}

/// A transfer did not happen, and with these arguments never will.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferFailed {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Why.
    pub reason: Reason,
}
