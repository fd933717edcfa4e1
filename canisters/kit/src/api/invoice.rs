//! The interface of `invoice_storage`.

use super::InternalError;
use cairn_events::{DeploymentId, Principal};
use cairn_projections::payments::{Day, InvoiceCounts, Takings};
use candid::{CandidType, Deserialize};

/// Install argument of `invoice_storage`.
#[derive(Clone, Copy, Debug, CandidType, Deserialize)]
pub struct InvoiceInit {
    /// The log.
    pub audit: Principal,
}

/// What moved on one ledger.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct PaymentStats {
    /// Invoices, on whatever ledger.
    pub invoices: InvoiceCounts,
    /// All that ever moved on the ledger.
    pub total: Takings,
    /// Day by day, the days asked for on which anything moved.
    pub days: Vec<Day>,
}

/// Why `invoice_storage` refused.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum InvoiceError {
    /// The request must be mended.
    #[error(transparent)]
    Request(InvoiceRequestError),
    /// Another attempt may succeed.
    #[error(transparent)]
    Temporary(InvoiceTemporaryError),
    /// Something is wrong on our side.
    #[error(transparent)]
    Internal(InternalError),
}

/// What is wrong with a request to `invoice_storage`.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum InvoiceRequestError {
    /// The caller may not do this.
    #[error("{caller} may not call this")]
    Unauthorized {
        /// Who called.
        caller: Principal,
    },
    /// There is no such invoice, or it is somebody else's.
    #[error("no invoice of yours for deployment {deployment}")]
    UnknownInvoice {
        /// The deployment asked for.
        deployment: DeploymentId,
    },
    /// An argument is out of bounds.
    #[error("{what} is {found}; at least 1, at most {bound}")]
    OutOfBounds {
        /// Which argument.
        what: String,
        /// What came.
        found: u64,
        /// What may come.
        bound: u64,
    },
    /// The whitelist names another backend already.
    #[error("{backend} is whitelisted already")]
    AlreadyWhitelisted {
        /// Which one.
        backend: Principal,
    },
    /// Nobody's backend.
    #[error("{backend} can be nobody's backend")]
    NotABackend {
        /// Who was named.
        backend: Principal,
    },
    /// No such projection is hosted here.
    #[error("no projection {name} is hosted here")]
    UnknownProjection {
        /// The name asked for, shortened.
        name: String,
    },
}

/// Why `invoice_storage` cannot do it right now.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum InvoiceTemporaryError {
    /// A rebuild is under way.
    #[error("projection {name} is being rebuilt; one at a time")]
    RebuildUnderWay {
        /// Of which projection.
        name: String,
    },
    /// The log is not the one that is known here, or does not say so.
    #[error("the fork alarm stays: {problem}")]
    ForkAlarm {
        /// Why.
        problem: String,
    },
}
