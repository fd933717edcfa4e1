//! The methods of an archive: ask the store, reply.

use crate::state;
use cairn_events::Hash;
use cairn_kit::api::SupportedStandard;
use cairn_kit::api::archive::{ArchiveError, Holdings};
use cairn_kit::api::http::{HttpRequest, HttpResponse};
use cairn_kit::http;
use ic_cdk::{query, update};
use serde_bytes::ByteBuf;

/// Takes the bodies of the events from index `from` on; those that are here already must be the same. For the log.
#[update]
fn append(from: u64, bodies: Vec<ByteBuf>) -> Result<Holdings, ArchiveError> {
    state::with(|store| store.append(ic_cdk::api::msg_caller(), from, &bodies))
}

/// The digest of the bodies of the events `from..until`, read back from memory: an update, so that every node executes
/// it. For the log.
#[update(name = "readBack")]
fn read_back(from: u64, until: u64) -> Result<Hash, ArchiveError> {
    state::with(|store| store.digest(ic_cdk::api::msg_caller(), from..until))
}

/// Bodies of events, in the order asked for. For anyone: they show what everyone may read.
#[query(name = "getBodies")]
fn get_bodies(indices: Vec<u64>) -> Result<Vec<ByteBuf>, ArchiveError> {
    state::with(|store| store.bodies(&indices))
}

/// Whose archive this is, and what it has. For anyone.
#[query(name = "getHoldings")]
fn get_holdings() -> Holdings {
    state::with(|store| store.holdings())
}

/// The standards that this canister implements (ICRC-10). For anyone.
#[query]
fn icrc10_supported_standards() -> Vec<SupportedStandard> {
    let url = "https://github.com/dfinity/ICRC-1/tree/main/standards/ICRC-3".to_owned();
    vec![SupportedStandard { name: "ICRC-3".to_owned(), url }, SupportedStandard::icrc10()]
}

/// `/metrics` (Prometheus) and `/health`. For anyone; not certified.
#[query]
fn http_request(request: HttpRequest) -> HttpResponse {
    let held = get_holdings();
    let metrics = |metrics: &mut http::Metrics| {
        metrics
            .canister()
            .gauge("archive_from", "Index of the first event here.", held.from)
            .counter("archive_events_total", "Events whose bodies are here.", held.until.saturating_sub(held.from))
            .counter("archive_bytes_total", "Bytes of bodies.", held.bytes);
    };
    http::serve(&request, metrics, || Ok(()))
}
