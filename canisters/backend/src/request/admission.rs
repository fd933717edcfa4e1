//! Whether a valid request is taken: by the configuration, by the quotas, by what factory and ledger say. Pure.
//!
//! Asked twice: before the questions to factory and ledger, and again with their answers, since the configuration can
//! change in between. Nothing is appended before it has passed twice.

use crate::config::{Config, Fee};
use crate::deployment::money::Terms;
use cairn_events::topic::Service;
use cairn_events::{Amount, Hash, Principal};
use cairn_kit::api::backend::{AgreedPrice, BackendError, BackendRequestError, BackendTemporaryError};
use cairn_kit::api::factory::Capacity;

/// Most unfinished deployments of one caller.
pub const MAX_UNFINISHED_PER_CALLER: u32 = 10;
/// Most deployments that one caller may ask for per day (UTC).
pub const MAX_PER_DAY: u32 = 50;
/// Most unfinished deployments of all callers.
pub const MAX_UNFINISHED: u64 = 200;

/// How much is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Unfinished deployments of the caller.
    pub unfinished: u32,
    /// Deployments the caller has asked for today.
    pub today: u32,
    /// Unfinished deployments of all callers.
    pub unfinished_in_all: u64,
}

/// What a service costs and who delivers it, as configured when it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The service.
    pub service: Service,
    /// The factory.
    pub factory: Principal,
    /// The price.
    pub fee: Fee,
}

/// What factory and ledger say, asked just before the payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// What the factory can deliver.
    pub capacity: Capacity,
    /// The ledger's transfer fee.
    pub ledger_fee: Amount,
    /// What the payer has approved, and has not expired.
    pub allowance: Amount,
    /// What the payer has.
    pub balance: Amount,
    /// Whether the paying account is the ledger's minting account.
    pub payer_mints: bool,
}

/// The offer for `service`.
///
/// # Errors
/// [`BackendTemporaryError`]: not set up, or switched off.
pub fn offer(config: &Config, service: Service) -> Result<Offer, BackendError> {
    let missing = |what: &str| BackendTemporaryError::NotSetUp { missing: format!("{} {what}", service.name()) };
    if config.maintenance {
        return Err(BackendTemporaryError::Maintenance.into());
    }
    let row = config.service(service).ok_or_else(|| missing("factory"))?;
    let factory = row.factory.ok_or_else(|| missing("factory"))?;
    let fee = row.fee.ok_or_else(|| missing("fee"))?;
    if !row.enabled {
        return Err(BackendTemporaryError::ServiceDisabled { service: service.name().to_owned() }.into());
    }
    Ok(Offer { service, factory, fee })
}

/// Whether the offer is what the caller agreed to.
///
/// # Errors
/// [`BackendRequestError`]: another token, or a higher price.
pub fn agree(offer: &Offer, agreed: &AgreedPrice) -> Result<(), BackendError> {
    let Fee { ledger, price, .. } = offer.fee;
    if agreed.ledger != ledger {
        return Err(BackendRequestError::TokenNotAccepted { found: agreed.ledger, accepted: ledger }.into());
    }
    if price > agreed.max_price {
        return Err(BackendRequestError::PriceAboveMaximum { price, max_price: agreed.max_price }.into());
    }
    Ok(())
}

/// Whether there is room for one more deployment of the caller.
///
/// # Errors
/// [`BackendRequestError::Quota`], or [`BackendTemporaryError::Overloaded`].
pub fn room(standing: &Standing) -> Result<(), BackendError> {
    let quotas = [(standing.unfinished, MAX_UNFINISHED_PER_CALLER), (standing.today, MAX_PER_DAY)];
    if let Some((found, max)) = quotas.into_iter().find(|(found, max)| found >= max) {
        return Err(BackendRequestError::Quota { found: found.into(), max: max.into() }.into());
    }
    if standing.unfinished_in_all >= MAX_UNFINISHED {
        return Err(BackendTemporaryError::Overloaded { in_flight: standing.unfinished_in_all }.into());
    }
    Ok(())
}

/// The terms of the deployment, if the factory can deliver what was quoted and the payer can pay.
///
/// # Errors
/// [`BackendRequestError`] for what the caller can mend, with all the amounts; [`BackendTemporaryError`] otherwise.
pub fn afford(offer: &Offer, template: Option<Hash>, findings: &Findings) -> Result<Terms, BackendError> {
    let Findings { capacity, ledger_fee, allowance, balance, payer_mints } = findings;
    if let Some(quoted) = template.filter(|quoted| *quoted != capacity.template) {
        return Err(BackendRequestError::TemplateChanged { quoted, actual: capacity.template }.into());
    }
    if capacity.contracts == 0 {
        let detail = "no empty canister is ready, or cycles are low".to_owned();
        return Err(BackendTemporaryError::NoCapacity { detail }.into());
    }
    let terms = offer.fee.terms(*ledger_fee).map_err(|least| BackendTemporaryError::NotSetUp {
        missing: format!("a price of at least {least}, as the ledger's fee has become {ledger_fee}"),
    })?;
    if *payer_mints {
        let problem = "the ledger's minting account cannot pay".to_owned();
        return Err(BackendRequestError::Invalid { field: "from_subaccount".to_owned(), problem }.into());
    }
    let (price, required, ledger_fee) = (terms.price, terms.required(), *ledger_fee);
    if let Some(missing) = required.checked_sub(*allowance).filter(|missing| *missing > Amount::ZERO) {
        let allowance = *allowance;
        return Err(BackendRequestError::AllowanceShort { allowance, required, price, ledger_fee, missing }.into());
    }
    if let Some(missing) = required.checked_sub(*balance).filter(|missing| *missing > Amount::ZERO) {
        let balance = *balance;
        return Err(BackendRequestError::BalanceShort { balance, required, price, ledger_fee, missing }.into());
    }
    Ok(terms)
}
