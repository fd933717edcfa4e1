//! `/metrics` in the text form of Prometheus, and `/health`.

use crate::ledger::Ledger;
use crate::{lifecycle, state};
use cairn_kit::api::http::{HttpRequest, HttpResponse};
use cairn_kit::http::Metrics;
use cairn_kit::quarantine::serving;
use ic_cdk::query;
use serde_bytes::ByteBuf;

/// What the platform knows about this canister.
struct Platform {
    cycles: u128,
    stable_bytes: u64,
    upgrade_instructions: u64,
}

/// `/metrics` and `/health`. For everyone.
#[query(guard = "serving")]
fn http_request(request: HttpRequest) -> HttpResponse {
    match request.url.split(['?', '#']).next().unwrap_or_default() {
        "/metrics" => {
            let platform = Platform {
                cycles: ic_cdk::api::canister_cycle_balance(),
                stable_bytes: ic_cdk::api::stable_size().saturating_mul(1 << 16),
                upgrade_instructions: lifecycle::upgrade_instructions(),
            };
            respond(200, "text/plain; version=0.0.4", state::read(|ledger| metrics(ledger, &platform)))
        }
        "/health" => respond(200, "application/json", state::read(health)),
        _ => respond(404, "text/plain", "not found\n".to_owned()),
    }
}

fn respond(status_code: u16, content_type: &str, body: String) -> HttpResponse {
    let headers = [("content-type", content_type), ("cache-control", "no-store")];
    HttpResponse {
        status_code,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: ByteBuf::from(body.into_bytes()),
    }
}

fn health(ledger: &Ledger) -> String {
    let failures = ledger.outbox().state().failures;
    format!("{{\"status\":\"ok\",\"blocks\":{},\"notification_failures\":{failures}}}\n", ledger.log_length())
}

fn metrics(ledger: &Ledger, platform: &Platform) -> String {
    let (sizes, outbox) = (ledger.sizes(), ledger.outbox());
    let gauges: [(&str, &str, u128); 12] = [
        ("total_supply", "Tokens in existence, in the smallest unit.", ledger.total_supply().0),
        ("blocks", "Blocks in the log.", sizes.blocks.into()),
        ("block_bytes", "Bytes that the blocks take.", sizes.block_bytes.into()),
        ("accounts", "Accounts ever credited.", sizes.accounts.into()),
        ("allowances", "Allowances, expired ones not yet removed included.", sizes.allowances.into()),
        ("recent_transactions", "Transactions remembered for deduplication.", sizes.recent.into()),
        ("outbox_pending", "Holder changes not numbered yet.", outbox.pending().into()),
        ("outbox_unacknowledged", "Notifications not acknowledged yet.", outbox.unacknowledged().into()),
        ("outbox_failures", "Failed notifications since the last success.", outbox.state().failures.into()),
        ("cycles", "Cycles held.", platform.cycles),
        ("stable_memory_bytes", "Stable memory in use.", platform.stable_bytes.into()),
        ("post_upgrade_instructions", "Instructions of the last upgrade.", platform.upgrade_instructions.into()),
    ];
    let mut page = Metrics::default();
    for (name, help, value) in gauges {
        page.gauge(&format!("token_{name}"), help, value);
    }
    page.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::fixtures::ledger;

    #[test]
    fn metrics_are_prometheus_text() {
        let platform = Platform { cycles: 5, stable_bytes: 1 << 16, upgrade_instructions: 7 };
        let text = metrics(&ledger(), &platform);
        assert!(text.contains("# TYPE token_cycles gauge\ntoken_cycles 5\n"));
        assert!(text.lines().all(|line| line.starts_with('#') || line.split(' ').count() == 2));
        assert!(health(&ledger()).starts_with("{\"status\":\"ok\""));
    }
}
