//! What is read. A private distribution answers its own people only: owner, factory, launchpad, recipients, and whoever is
//! on a whitelist.

use super::{argument, long_argument, now};
use crate::campaign::{Answer, Campaign};
use crate::state;
use cairn_events::Principal;
use cairn_events::payload::ContractStatus;
use cairn_kit::api::SupportedStandard;
use cairn_kit::api::distribution::{
    CategoryView, Claimable, DistributionError, HistoryEntry, MerkleClaim, RecipientView, Statistics, Terms,
    TransferView,
};
use cairn_kit::api::http::{HttpRequest, HttpResponse};
use cairn_kit::http::{Metrics, serve};
use cairn_kit::quarantine::serving;

fn read<R>(reader: impl FnOnce(&Campaign) -> R) -> Answer<R> {
    let caller = ic_cdk::api::msg_caller();
    state::read(|campaign| campaign.require_reader(caller).map(|()| reader(campaign)))
}

/// What the distribution was installed with; recipients are on pages of their own. For readers.
#[ic_cdk::query(name = "getConfig", guard = "serving")]
fn get_config() -> Result<Terms, DistributionError> {
    read(Campaign::terms)
}

/// The status. For readers.
#[ic_cdk::query(name = "getStatus", guard = "serving")]
fn get_status() -> Result<ContractStatus, DistributionError> {
    read(|campaign| campaign.stage(now()).status())
}

/// Money and counters. For readers.
#[ic_cdk::query(name = "getStats", guard = "serving")]
fn get_stats() -> Result<Statistics, DistributionError> {
    read(|campaign| campaign.statistics(now()))
}

/// The categories. For readers.
#[ic_cdk::query(name = "getCategories", guard = "serving")]
fn get_categories() -> Result<Vec<CategoryView>, DistributionError> {
    read(Campaign::category_views)
}

/// Somebody's allocations. For readers.
#[ic_cdk::query(name = "getRecipient", guard = "serving")]
fn get_recipient(recipient: Principal) -> Result<RecipientView, DistributionError> {
    read(|campaign| campaign.recipient_view(recipient, now()))?
}

/// A page of recipients, after one of them, in the order of principals; at most 100. For readers.
#[ic_cdk::query(name = "getRecipients", guard = "serving")]
fn get_recipients(after: Option<Principal>, limit: Option<u32>) -> Result<Vec<RecipientView>, DistributionError> {
    read(|campaign| campaign.recipient_views(after, limit, now()))
}

/// What somebody can claim now, the caller if nobody is named. For readers.
#[ic_cdk::query(name = "getClaimable", guard = "serving")]
fn get_claimable(recipient: Option<Principal>) -> Result<Claimable, DistributionError> {
    let recipient = recipient.unwrap_or_else(ic_cdk::api::msg_caller);
    read(|campaign| campaign.claimable_view(recipient, now()))?
}

/// A page of somebody's settled transfers, before a number, the newest first; at most 100. For readers.
#[ic_cdk::query(name = "getClaimHistory", guard = "serving")]
fn get_claim_history(
    recipient: Principal,
    before: Option<u64>,
    limit: Option<u32>,
) -> Result<Vec<HistoryEntry>, DistributionError> {
    read(|campaign| campaign.history_view(recipient, before, limit))
}

/// A page of the transfers that are not settled, after a number; at most 100. For readers.
#[ic_cdk::query(name = "getOpenTransfers", guard = "serving")]
fn get_open_transfers(after: Option<u64>, limit: Option<u32>) -> Result<Vec<TransferView>, DistributionError> {
    read(|campaign| campaign.transfer_views(after, limit))
}

/// Whether a proof would be accepted. For readers, and for whoever has a proof: they need not be known yet.
#[ic_cdk::query(name = "verifyMerkleProof", guard = "serving", decode_with = "argument", hidden = true)]
#[candid::candid_method(query, rename = "verifyMerkleProof")]
fn verify_merkle_proof(claim: MerkleClaim) -> Result<(), DistributionError> {
    let verdict = state::read(|campaign| campaign.verify(&claim));
    if verdict.is_ok() { Ok(()) } else { read(|_| verdict)? }
}

/// The standards this canister implements (ICRC-10). For everyone.
#[ic_cdk::query(name = "icrc10_supported_standards", guard = "serving")]
fn icrc10_supported_standards() -> Vec<SupportedStandard> {
    vec![SupportedStandard::icrc10()]
}

/// `/metrics` and `/health`. For everyone; of a private distribution without its money.
#[ic_cdk::query(name = "http_request", guard = "serving", decode_with = "long_argument", hidden = true)]
#[candid::candid_method(query, rename = "http_request")]
fn http_request(request: HttpRequest) -> HttpResponse {
    state::read(|campaign| serve(&request, |page| metrics(campaign, page), || campaign.health()))
}

fn metrics(campaign: &Campaign, page: &mut Metrics) {
    let figures = campaign.statistics(now());
    page.gauge("distribution_open_transfers", "Transfers that are not settled.", figures.open_transfers).gauge(
        "distribution_quarantined",
        "Transfers whose outcome nobody can tell.",
        figures.quarantined,
    );
    if campaign.terms().args.public {
        page.gauge("distribution_recipients", "People with an allocation.", figures.recipients)
            .gauge("distribution_deposited", "What came in, in the smallest unit.", figures.deposited)
            .gauge("distribution_paid", "What recipients received.", figures.paid)
            .gauge("distribution_fees", "What the ledger charged.", figures.fees)
            .gauge("distribution_refunded", "What went back.", figures.refunded)
            .gauge("distribution_penalties", "What was paid as penalties.", figures.penalties)
            .gauge("distribution_remaining", "What is here.", figures.remaining)
            .gauge("distribution_dust", "What never can leave.", figures.dust);
    }
    page.canister();
}
