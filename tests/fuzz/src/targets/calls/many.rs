//! Arguments that methods of several canisters take: ids, names, numbers, pages.

use super::{Bounds, Method, plain, shown};
use cairn_events::testing::principal;
use cairn_events::{Commitment, DeploymentId, Hash, Timestamp};
use cairn_kit::api::http::HttpRequest;
use cairn_kit::http::serve;
use cairn_projections::Moment;
use candid::Nat;
use icrc_ledger_types::icrc3::archive::GetArchivesArgs;
use icrc_ledger_types::icrc3::blocks::GetBlocksRequest;
use serde_bytes::ByteBuf;

/// A request for a page of a canister's.
pub(super) fn page() -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        url: "/metrics?from=here".to_owned(),
        headers: vec![("accept".to_owned(), "*/*".to_owned())],
        body: ByteBuf::from(b"body".to_vec()),
    }
}

/// Whether there is such a page.
pub(super) fn serves(request: &HttpRequest) -> bool {
    serve(request, |_| (), || Ok(())).status_code == 200
}

fn ids() -> anyhow::Result<Vec<Method>> {
    Ok(vec![
        plain(Bounds::PLAIN, (principal(5),))?.of(&[
            "audit_storage.setupWhitelist",
            "backend.adminAddAdmin",
            "backend.adminRevokeAuditor",
            "backend.getUser",
            "backend.revokeAdmin",
            "distribution.getRecipient",
            "factory.cancelUpgrade",
            "factory.getContractInfo",
            "factory.getContractResources",
            "factory.getUpgradePolicy",
            "factory.grantAdmin",
            "factory.releaseControl",
            "factory.revokeAdmin",
            "factory.setupWhitelist",
            "factory.topUpContract",
            "invoice_storage.setupWhitelist",
            "multisig.addWatchedAsset",
            "multisig.getUserRole",
            "multisig.removeWatchedAsset",
        ]),
        plain(Bounds::PLAIN, (DeploymentId(Hash([1; 32])),))?
            .of(&["backend.getDeployment", "invoice_storage.getInvoice"]),
        plain(Bounds::PLAIN, (7_u64, Commitment(Hash([2; 32]))))?
            .of(&["audit_storage.getOpening", "backend.eraseMyOpening"]),
    ])
}

fn words() -> anyhow::Result<Vec<Method>> {
    Ok(vec![
        plain(Bounds::PLAIN, ("token_factory".to_owned(),))?.of(&[
            "backend.getConfigValue",
            "backend.getQuote",
            "backend.getServiceFee",
            "backend.rebuildProjection",
            "factory.getTemplateInterface",
            "factory.rebuildProjection",
            "invoice_storage.rebuildProjection",
        ]),
        plain(Bounds::PLAIN, ("1.2.3".to_owned(), "reason".to_owned()))?
            .of(&["backend.adminSetConfigValue", "factory.withdrawTemplate"]),
    ])
}

fn numbers() -> anyhow::Result<Vec<Method>> {
    Ok(vec![
        plain(Bounds::PLAIN, (7_u64,))?.of(&[
            "audit_storage.getEventView",
            "distribution.retryTransfer",
            "factory.beginTemplateUpload",
            "factory.cancelTemplateUpload",
            "factory.finishTemplateUpload",
            "factory.getRollout",
            "factory.pauseRollout",
            "factory.resumeRollout",
            "multisig.approveRecovery",
            "multisig.cancelProposal",
            "multisig.executeProposal",
            "multisig.executeRecovery",
            "multisig.getProposal",
            "multisig.withdrawRecovery",
        ]),
        plain(Bounds::PLAIN, (7_u64, 9_u64))?.of(&[
            "archive.readBack",
            "audit_storage.getConsistencyProof",
            "audit_storage.getInclusionProof",
        ]),
        plain(Bounds::PLAIN, (3_u32,))?.of(&["distribution.pauseCategory", "distribution.resumeCategory"]),
        plain(Bounds::PLAIN, (true,))?.of(&["distribution.setVisibility"]),
    ])
}

fn pages() -> anyhow::Result<Vec<Method>> {
    let (cursor, limit) = (Some(7_u64), Some(20_u32));
    let at = Some(Moment { time: Timestamp(5), index: 6 });
    Ok(vec![
        plain(Bounds::PLAIN, (cursor, limit))?.of(&[
            "distribution.getOpenTransfers",
            "factory.getRollouts",
            "multisig.getEvents",
        ]),
        plain(Bounds::PLAIN, (principal(5), cursor, limit))?
            .of(&["distribution.getClaimHistory", "invoice_storage.getPaymentStats"]),
        plain(Bounds::PLAIN, (principal(5), at, limit))?
            .of(&["factory.getContractsByToken", "invoice_storage.getUserInvoices"]),
        shown(Bounds::PLAIN, (page(),), |(request,)| serves(request))?.of(&[
            "archive.http_request",
            "audit_storage.http_request",
            "backend.http_request",
            "factory.http_request",
            "invoice_storage.http_request",
            "multisig.http_request",
            "token.http_request",
        ]),
    ])
}

/// By the standard of logs.
fn blocks() -> anyhow::Result<Vec<Method>> {
    let range = |start: u64| GetBlocksRequest { start: Nat::from(start), length: Nat::from(1_u128 << 90) };
    Ok(vec![
        plain(Bounds::PLAIN, (vec![range(3), range(u64::MAX)],))?.of(&[
            "archive.icrc3_get_blocks",
            "audit_storage.icrc3_get_blocks",
            "token.icrc3_get_blocks",
        ]),
        plain(Bounds::PLAIN, (GetArchivesArgs { from: Some(principal(5)) },))?.of(&[
            "archive.icrc3_get_archives",
            "audit_storage.icrc3_get_archives",
            "token.icrc3_get_archives",
        ]),
    ])
}

pub(super) fn methods() -> anyhow::Result<Vec<Method>> {
    Ok([ids()?, words()?, numbers()?, pages()?, blocks()?].into_iter().flatten().collect())
}
