//! What operators see: `/metrics` and `/health`.

use cairn_kit::api::http::{HttpRequest, HttpResponse};
use cairn_kit::host;
use cairn_kit::http::{Metrics, serve};
use cairn_projections::payments::{self, Payments};
use std::cell::Cell;

thread_local! {
    static STRANGERS: Cell<u64> = const { Cell::new(0) };
}

/// Counts a caller who was turned away.
pub fn count_stranger() {
    STRANGERS.set(STRANGERS.get().saturating_add(1));
}

/// Answers `/metrics` and `/health`.
pub fn http(request: &HttpRequest) -> HttpResponse {
    serve(request, page, host::health)
}

fn page(metrics: &mut Metrics) {
    let counts = host::read::<Payments, _>(payments::counts).map(|answer| answer.content).unwrap_or_default();
    metrics
        .canister()
        .journal()
        .counter("invoices_issued_total", "Invoices issued.", counts.issued)
        .labelled(
            "invoices_ended",
            "What became of them.",
            "end",
            [("unpaid", counts.unpaid), ("released", counts.released), ("refunded", counts.refunded)],
        )
        .gauge("invoices_quarantined", "Invoices that a person had to look at.", counts.quarantined)
        .counter("invoice_strangers_refused_total", "Callers turned away, since the upgrade.", STRANGERS.get());
    host::metrics(metrics);
}
