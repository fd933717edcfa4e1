//! `/metrics` and `/health`. Nothing in them tells of a private wallet's affairs.

use crate::state;
use crate::wallet::Wallet;
use cairn_kit::api::http::{HttpRequest, HttpResponse};
use cairn_kit::http::Metrics;
use cairn_kit::quarantine::serving;
use ic_cdk::query;

/// `/metrics` and `/health`. For everyone.
#[query(name = "http_request", guard = "serving")]
fn http_request(request: HttpRequest) -> HttpResponse {
    cairn_kit::http::serve(&request, metrics, || state::read(Wallet::examine))
}

fn metrics(metrics: &mut Metrics) {
    metrics.canister();
    state::outbox(|outbox| {
        metrics.gauge("outbox_unacknowledged", "Notifications not acknowledged yet.", outbox.unacknowledged()).gauge(
            "outbox_failures",
            "Failed notifications since the last success.",
            outbox.state().failures,
        );
    });
}
