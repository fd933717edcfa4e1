//! People who want contracts.

use super::{Platform, account};
use anyhow::Result;
use cairn_events::{Amount, DeploymentId, Principal};
use cairn_kit::api::backend::{AgreedPrice, BackendError, CreateTokenArgs, DeploymentView, TokenArgs};
use cairn_kit::api::factory::{ContractRole, FactoryError};
use cairn_kit::api::host::Reflected;
use cairn_kit::api::invoice::InvoiceError;
use cairn_projections::contracts::Contract;
use cairn_projections::payments::Invoice;
use cairn_projections::{Moment, Page};
use candid::CandidType;
use localnet::{MessageId, Reject};

/// Rows of a page.
const PAGE: u32 = 100;

/// What `createToken` is asked with.
pub type Order = CreateTokenArgs;

/// What the backend answered.
type Answer = std::result::Result<DeploymentView, BackendError>;

/// A request that is on its way.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The call.
    pub message: MessageId,
    /// Who asked.
    pub owner: Principal,
    /// Under which id.
    pub request_id: String,
}

/// A token of `owner`, who holds all of it at the start.
pub fn token(owner: Principal, name: &str, symbol: &str) -> TokenArgs {
    let total_supply = Amount(100_000_000_000_000);
    TokenArgs {
        name: name.to_owned(),
        symbol: symbol.to_owned(),
        decimals: 8,
        logo: None,
        transfer_fee: Amount(10_000),
        total_supply,
        initial_balances: vec![(account(owner), total_supply)],
        minting_account: None,
        description: None,
        public: true,
    }
}

impl Platform {
    /// An order for `token`, as quoted now: the price, any template.
    pub fn order(&self, token: TokenArgs) -> Order {
        CreateTokenArgs { token, agreed: self.agreed(), from_subaccount: None, billing_reference: None }
    }

    /// Calls `createToken` and waits for the answer.
    ///
    /// # Errors
    /// The call was rejected. What the backend refuses is in the answer.
    pub fn create_token(&mut self, owner: Principal, order: Order, request_id: &str) -> Result<Answer> {
        Ok(self.net.update(self.backend, owner, "createToken", (order, request_id.to_owned()))?)
    }

    /// Calls the backend's method for another contract, such as `createMultisig`, and waits for the answer.
    ///
    /// # Errors
    /// The call was rejected. What the backend refuses is in the answer.
    pub fn create(
        &mut self,
        owner: Principal,
        method: &str,
        order: impl CandidType,
        request_id: &str,
    ) -> Result<Answer> {
        Ok(self.net.update(self.backend, owner, method, (order, request_id.to_owned()))?)
    }

    /// What anything costs now: the price, any template.
    pub fn agreed(&self) -> AgreedPrice {
        AgreedPrice { ledger: self.ledger, max_price: self.price, template: None }
    }

    /// Calls `createToken` and does not wait: others can call at the same time.
    pub fn submit_create_token(&mut self, owner: Principal, order: Order, request_id: &str) -> Pending {
        self.submit(owner, "createToken", order, request_id)
    }

    /// Calls the backend's method for another contract and does not wait.
    pub fn submit(&mut self, owner: Principal, method: &str, order: impl CandidType, request_id: &str) -> Pending {
        let message = self.net.submit(self.backend, owner, method, (order, request_id.to_owned()));
        Pending { message, owner, request_id: request_id.to_owned() }
    }

    /// The answer to a request, once there is one.
    pub fn answer(&self, pending: &Pending) -> Option<std::result::Result<Answer, Reject>> {
        self.net.poll(&pending.message)
    }

    /// The id of the deployment that `owner` asked for under `request_id`.
    pub fn deployment_id(&self, owner: Principal, request_id: &str) -> DeploymentId {
        DeploymentId::derive(self.log, owner, request_id)
    }

    /// A deployment's record, as its owner sees it.
    ///
    /// # Errors
    /// The call was rejected, or the backend refused.
    pub fn deployment(&mut self, owner: Principal, id: DeploymentId) -> Result<DeploymentView> {
        let answer: Answer = self.net.query(self.backend, owner, "getDeployment", (id,))?;
        Ok(answer?)
    }

    /// The invoice for a deployment, as its payer sees it.
    ///
    /// # Errors
    /// The call was rejected, or the host refused.
    pub fn invoice(&mut self, payer: Principal, id: DeploymentId) -> Result<Reflected<Invoice>> {
        let answer: std::result::Result<Reflected<Invoice>, InvoiceError> =
            self.net.query(self.invoices, payer, "getInvoice", (id,))?;
        Ok(answer?)
    }

    /// Whether the index of `factory` has `contract` among those that `owner` made.
    ///
    /// # Errors
    /// The factory does not answer.
    pub fn is_listed(&mut self, factory: Principal, owner: Principal, contract: Principal) -> Result<bool> {
        let mut cursor: Option<Moment> = None;
        loop {
            let arguments = (owner, cursor, Some(PAGE), None::<ContractRole>);
            // Asked by the owner: others do not see what is private.
            let answer: std::result::Result<Reflected<Page<Contract>>, FactoryError> =
                self.net.query(factory, owner, "getMyContracts", arguments)?;
            let answer = answer?;
            if answer.content.rows.iter().any(|row| row.contract == contract) {
                return Ok(true);
            }
            if answer.content.next.is_none() {
                return Ok(false);
            }
            cursor = answer.content.next;
        }
    }
}
