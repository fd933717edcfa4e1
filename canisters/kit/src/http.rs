//! What operators see: `/metrics` in the Prometheus text format, `/health`.

use crate::api::http::{HttpRequest, HttpResponse};
use crate::{journal, runtime};
use serde_bytes::ByteBuf;
use std::fmt::{Display, Write as _};

/// Figures for Prometheus, in the order they were added.
///
/// ```
/// let mut metrics = cairn_kit::http::Metrics::default();
/// metrics.gauge("cairn_contracts", "Contracts delivered.", 3);
/// metrics.counter("cairn_refusals_total", "Requests refused.", 1);
/// metrics.labelled("cairn_deployments", "Deployments by status.", "status", [("paying", 1), ("delivered", 9)]);
/// assert!(metrics.to_string().contains("cairn_deployments{status=\"delivered\"} 9\n"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    text: String,
}

impl Metrics {
    /// A figure that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Display) -> &mut Self {
        self.metric(name, help, "gauge", value)
    }

    /// A figure that only goes up; its name ends in `_total`.
    pub fn counter(&mut self, name: &str, help: &str, value: impl Display) -> &mut Self {
        self.metric(name, help, "counter", value)
    }

    /// A gauge per value of a label. Names and values are constants of the code, never a stranger's text.
    pub fn labelled<'a, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, V)>,
    ) -> &mut Self {
        self.head(name, help, "gauge");
        for (key, value) in values {
            let _ = writeln!(self.text, "{name}{{{label}=\"{key}\"}} {value}");
        }
        self
    }

    /// What every canister shows: cycles, stable memory, time.
    pub fn canister(&mut self) -> &mut Self {
        self.gauge("canister_cycles", "Cycles held.", runtime::cycles())
            .gauge("canister_stable_bytes", "Bytes of stable memory.", runtime::stable_bytes())
            .gauge("canister_time_seconds", "The network's time.", runtime::now() / 1_000_000_000)
    }

    /// What every writer shows: its way into the log.
    pub fn journal(&mut self) -> &mut Self {
        let status = journal::status();
        self.gauge("journal_waiting", "Submissions that wait to be sent.", status.waiting)
            .gauge("journal_in_flight", "Submissions sent without a definite answer.", status.in_flight)
            .gauge("journal_next_sequence", "Number of the next submission.", status.next_seq)
            .gauge("journal_last_index", "Index of the last accepted event, or -1.", signed(status.last_index))
            .gauge(
                "journal_last_accepted_seconds",
                "When the last event was accepted.",
                status.last_accepted / 1_000_000_000,
            )
            .counter(
                "journal_failures_total",
                "Attempts without a definite answer, since the upgrade.",
                status.failures,
            )
            .counter("journal_refusals_total", "Batches refused, since the upgrade.", status.refusals)
            .gauge("journal_fork_alarm", "1 if the log is not the one that is known.", u8::from(status.alarm.is_some()))
    }

    fn metric(&mut self, name: &str, help: &str, kind: &str, value: impl Display) -> &mut Self {
        self.head(name, help, kind);
        let _ = writeln!(self.text, "{name} {value}");
        self
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }
}

impl Display for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

fn signed(index: Option<u64>) -> i128 {
    index.map_or(-1, i128::from)
}

/// Answers a canister's `http_request`: `/metrics`, `/health`, and nothing else.
///
/// `health` says what is wrong, if something is, and so does the fork alarm: it is served with status 503.
pub fn serve(
    request: &HttpRequest,
    metrics: impl FnOnce(&mut Metrics),
    health: impl FnOnce() -> Result<(), String>,
) -> HttpResponse {
    if request.method != "GET" {
        return text(405, "only GET\n");
    }
    match request.url.split(['?', '#']).next().unwrap_or_default() {
        "/metrics" => {
            let mut page = Metrics::default();
            metrics(&mut page);
            text(200, &page.to_string())
        }
        "/health" => match calm().and_then(|()| health()) {
            Ok(()) => text(200, "ok\n"),
            Err(problem) => text(503, &format!("{problem}\n")),
        },
        _ => text(404, "not found\n"),
    }
}

/// That the log is the one that is known.
fn calm() -> Result<(), String> {
    journal::alarm().map_or(Ok(()), |problem| Err(format!("fork alarm: {problem}")))
}

fn text(status_code: u16, body: &str) -> HttpResponse {
    let kind = if status_code == 200 && body.starts_with('#') { "text/plain; version=0.0.4" } else { "text/plain" };
    HttpResponse {
        status_code,
        headers: vec![
            ("content-type".to_owned(), kind.to_owned()),
            ("cache-control".to_owned(), "no-store".to_owned()),
        ],
        body: ByteBuf::from(body.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(url: &str, health: Result<(), String>) -> (u16, String) {
        let request = HttpRequest { method: "GET".into(), url: url.into(), headers: Vec::new(), body: ByteBuf::new() };
        let metrics = |metrics: &mut Metrics| {
            metrics.gauge("answer", "The answer.", 42);
        };
        let response = serve(&request, metrics, || health);
        (response.status_code, String::from_utf8(response.body.into_vec()).unwrap())
    }

    #[test]
    fn three_answers() {
        let page = "# HELP answer The answer.\n# TYPE answer gauge\nanswer 42\n";
        assert_eq!(get("/metrics?x=1", Ok(())), (200, page.to_owned()));
        assert_eq!(get("/health", Ok(())), (200, "ok\n".to_owned()));
        assert_eq!(get("/health", Err("parked".into())), (503, "parked\n".to_owned()));
        assert_eq!(get("/other", Ok(())).0, 404);
    }
}
