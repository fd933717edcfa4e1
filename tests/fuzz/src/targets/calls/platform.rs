//! The methods of the backend and of its host of invoices.

use super::{Bounds, Method, distribution, method, plain, shown, wallet};
use cairn_events::payload::{Account, ErasureReason, Subaccount};
use cairn_events::testing::principal;
use cairn_events::{Amount, Commitment, DeploymentId, Hash, Timestamp};
use cairn_kit::api::backend::{
    AgreedPrice, BackendInit, CreateDistributionArgs, CreateLockArgs, CreateMultisigArgs, CreateTokenArgs, TokenArgs,
};
use cairn_kit::api::invoice::InvoiceInit;
use cairn_projections::Moment;

/// For requests of everyone.
const REQUEST: Bounds = Bounds::own(1_000_000, 20);
/// When a request arrives.
const NOW: Timestamp = Timestamp(1);

fn agreed() -> AgreedPrice {
    AgreedPrice { ledger: principal(30), max_price: Amount(1 << 70), template: Some(Hash([3; 32])) }
}

fn token() -> TokenArgs {
    let account = Account { owner: principal(5), subaccount: Some(Subaccount([7; 32])) };
    TokenArgs {
        name: "Name".to_owned(),
        symbol: "SYM".to_owned(),
        decimals: 8,
        logo: Some("data:image/png;base64,".to_owned()),
        transfer_fee: Amount(10),
        total_supply: Amount(1 << 70),
        initial_balances: vec![(account, Amount(1 << 70))],
        minting_account: Some(account),
        description: Some("Description".to_owned()),
        public: true,
    }
}

/// What users ask for.
fn requests() -> anyhow::Result<Vec<Method>> {
    let (from_subaccount, billing_reference) = (Some(Subaccount([7; 32])), Some("reference".to_owned()));
    let token = CreateTokenArgs {
        token: token(),
        agreed: agreed(),
        from_subaccount,
        billing_reference: billing_reference.clone(),
    };
    let multisig = CreateMultisigArgs {
        wallet: wallet::wallet(),
        agreed: agreed(),
        from_subaccount,
        billing_reference: billing_reference.clone(),
    };
    let distribution = CreateDistributionArgs {
        distribution: distribution::distribution(),
        agreed: agreed(),
        from_subaccount,
        billing_reference: billing_reference.clone(),
    };
    let lock = CreateLockArgs { lock: distribution::lock(), agreed: agreed(), from_subaccount, billing_reference };
    let id = "request".to_owned();
    Ok(vec![
        plain(REQUEST, (token, id.clone()))?.of(&["backend.createToken"]),
        method(REQUEST, (multisig, id.clone()), |(args, _)| args.wallet.validate_for(principal(1)).is_ok())?
            .of(&["backend.createMultisig"]),
        method(REQUEST, (distribution, id.clone()), |(args, _)| args.distribution.validate(NOW).is_ok())?
            .of(&["backend.createDistribution"]),
        method(REQUEST, (lock, id), |(args, _)| args.lock.clone().into_distribution().validate(NOW).is_ok())?
            .of(&["backend.createLock"]),
    ])
}

pub(super) fn methods() -> anyhow::Result<Vec<Method>> {
    let audit = principal(1);
    let deployment = DeploymentId(Hash([1; 32]));
    let at = Some(Moment { time: Timestamp(5), index: 6 });
    let erasure = (7_u64, Commitment(Hash([2; 32])), ErasureReason::Requested);
    let services = (principal(1), principal(2), principal(3), principal(4), principal(5), principal(6), principal(7));
    let mut methods = requests()?;
    methods.extend([
        shown(Bounds::PLAIN, (BackendInit { audit },), |_| true)?.of(&["backend.init"]),
        plain(Bounds::PLAIN, erasure)?.of(&["backend.adminEraseOpening"]),
        plain(Bounds::PLAIN, (principal(5), Timestamp(1 << 60)))?.of(&["backend.adminGrantAuditor"]),
        plain(Bounds::PLAIN, (deployment, at, 20_u32))?.of(&["backend.getDeploymentHistory"]),
        plain(Bounds::PLAIN, (at, 20_u32))?.of(&[
            "backend.getDeployments",
            "backend.getMyDeployments",
            "backend.getUsers",
        ]),
        plain(Bounds::PLAIN, services)?.of(&["backend.setupMicroservices"]),
        shown(Bounds::PLAIN, (InvoiceInit { audit },), |_| true)?.of(&["invoice_storage.init"]),
        plain(Bounds::PLAIN, (at, Some(20_u32)))?.of(&["invoice_storage.getInvoices", "invoice_storage.getMyInvoices"]),
    ]);
    Ok(methods)
}
