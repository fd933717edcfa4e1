//! What is asked for, whatever it is: the contract, and how it is paid for. Checked in full before anything else happens.
//! Pure.

use super::validate;
use cairn_events::Hash;
use cairn_events::payload::{DeploymentRequested, Subaccount};
use cairn_events::topic::Service;
use cairn_kit::api::backend::{AgreedPrice, BackendError, BackendRequestError, CreateTokenArgs};
use candid::CandidType;
use serde_bytes::ByteBuf;

/// Most bytes of a request id.
pub const MAX_REQUEST_ID: usize = 64;
/// Most bytes of a billing reference.
pub const MAX_BILLING_REFERENCE: usize = 256;

/// Whether something is as it must be.
pub type Validity = Result<(), BackendError>;

/// An order whose contract is as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What is to be made.
    pub service: Service,
    /// The price agreed to.
    pub agreed: AgreedPrice,
    /// Which of the caller's accounts pays.
    pub from_subaccount: Option<Subaccount>,
    /// A private reference for the invoice.
    pub billing_reference: Option<String>,
    /// The contract's arguments, encoded for the factory; behind them the module hash that the caller was quoted.
    args: Vec<u8>,
    /// Everything that the caller sent, but for the private reference.
    sent: Vec<u8>,
}

/// A request that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidRequest {
    /// The contract's arguments, encoded for the factory; behind them the module hash that the caller was quoted.
    pub args: ByteBuf,
    /// Hash of everything the caller sent.
    pub request: Hash,
}

impl Order {
    /// A token.
    ///
    /// # Errors
    /// [`BackendRequestError::Invalid`] names the first field that is out of bounds.
    pub fn token(mut asked: CreateTokenArgs) -> Result<Order, BackendError> {
        validate::token(&asked.token)?;
        let billing_reference = asked.billing_reference.take();
        Ok(Order {
            service: Service::Token,
            agreed: asked.agreed,
            from_subaccount: asked.from_subaccount,
            billing_reference,
            args: encoded("token", &asked.token, asked.agreed.template)?,
            sent: sent("token", &asked)?,
        })
    }

    /// The order as `request_id`. `secret` keys the digest of the private reference, which could be guessed from a plain
    /// one.
    ///
    /// # Errors
    /// [`BackendRequestError::Invalid`] if the request id or the reference is out of bounds.
    pub fn request(&self, request_id: &str, secret: &[u8; 32]) -> Result<ValidRequest, BackendError> {
        within("requestId", request_id.len(), 1..=MAX_REQUEST_ID, "bytes")?;
        if let Some(reference) = &self.billing_reference {
            within("billing_reference", reference.len(), 1..=MAX_BILLING_REFERENCE, "bytes")?;
        }
        let reference = self.billing_reference.as_ref();
        let private = reference.map(|reference| Hash::of_fields("cairn.private", &[secret, reference.as_bytes()]));
        let private = private.as_ref().map_or(&[][..], |digest| digest.as_bytes());
        let request = Hash::of_fields("cairn.request", &[&self.sent, private]);
        Ok(ValidRequest { args: ByteBuf::from(self.args.clone()), request })
    }
}

/// A contract's arguments as its factory gets them: they are part of the deployment's first event.
fn encoded(field: &str, contract: &impl CandidType, template: Option<Hash>) -> Result<Vec<u8>, BackendError> {
    let encoded = candid::encode_args((contract, template)).map_err(|_| invalid(field, "cannot be encoded"))?;
    within(field, encoded.len(), 1..=DeploymentRequested::MAX_ARGS, "bytes encoded")?;
    Ok(encoded)
}

fn sent(field: &str, asked: &impl CandidType) -> Result<Vec<u8>, BackendError> {
    candid::encode_one(asked).map_err(|_| invalid(field, "cannot be encoded"))
}

/// `found` lies within `bounds`.
///
/// # Errors
/// [`BackendRequestError::Invalid`], with the bounds.
pub fn within(field: &str, found: usize, bounds: std::ops::RangeInclusive<usize>, unit: &str) -> Validity {
    if bounds.contains(&found) {
        return Ok(());
    }
    Err(invalid(field, format!("{found} {unit}; at least {}, at most {}", bounds.start(), bounds.end())))
}

/// The field is wrong.
pub fn invalid(field: &str, problem: impl Into<String>) -> BackendError {
    BackendRequestError::Invalid { field: field.to_owned(), problem: problem.into() }.into()
}
