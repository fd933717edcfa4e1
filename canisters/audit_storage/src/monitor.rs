//! What operators see: `/metrics`, `/health`, and for everyone `/kinds`, which describes the kinds of events.

use crate::{archiving, commitment, state};
use cairn_events::{Class, Kind};
use cairn_kit::api::http::{HttpRequest, HttpResponse};
use cairn_kit::http::{self, Metrics};
use serde_bytes::ByteBuf;
use std::fmt::Write as _;

/// `/metrics` (Prometheus), `/health`, `/kinds`. For anyone; not certified.
#[ic_cdk::query]
fn http_request(request: HttpRequest) -> HttpResponse {
    match request.url.split(['?', '#']).next() {
        Some("/kinds") if request.method == "GET" => HttpResponse {
            status_code: 200,
            headers: vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())],
            body: ByteBuf::from(kinds().into_bytes()),
        },
        _ => http::serve(&request, metrics, health),
    }
}

fn metrics(metrics: &mut Metrics) {
    let means = state::means();
    let refusals = state::refusals();
    let (counters, bytes, stored, reserve, lag) =
        state::read(|log| (log.counters(), log.event_bytes(), log.stored_bytes(), log.reserve(&means), log.lag()));
    let (archived, archives, kept) = state::read(|log| (log.kept_from(), log.archives().count(), log.kept_bodies()));
    metrics
        .canister()
        .gauge("canister_liquid_cycles", "Cycles above the freezing threshold.", means.cycles)
        .counter("audit_events_total", "Events in the log.", counters.events)
        .counter("audit_event_bytes_total", "Bytes of events in compact form, those in archives included.", bytes)
        .counter("audit_archived_events_total", "Events whose bodies archives have.", archived)
        .gauge("audit_archives", "Archives.", archives)
        .gauge("audit_kept_events", "Archived events whose bodies the log needs and has, too.", kept)
        .gauge("audit_stored_bytes", "Bytes of stable memory that the log takes.", stored)
        .gauge("audit_threads", "Topics, streams and writers that have events.", counters.threads)
        .gauge("audit_topics_lag", "Events that the topic map does not cover yet.", lag)
        .gauge("audit_open_intents", "Intents without outcome.", reserve.open_intents)
        .gauge("audit_intents_left", "Intents that would be accepted now.", reserve.intents_left)
        .counter(
            "audit_strangers_refused_total",
            "Requests of strangers refused, since the upgrade.",
            refusals.strangers,
        )
        .counter("audit_writers_refused_total", "Requests of writers refused, since the upgrade.", refusals.writers);
}

fn health() -> Result<(), String> {
    let means = state::means();
    let (begun, reserve) = state::read(|log| (log.id().is_ok(), log.reserve(&means)));
    if !begun {
        return Err("the log has not begun yet".to_owned());
    }
    if reserve.intents_left == 0 {
        return Err(format!("no new intents: {} open, reserve exhausted", reserve.open_intents));
    }
    commitment::health().and_then(|()| archiving::health())
}

/// One line per kind: its name, what it is to an effect, its families, who writes it, its largest size.
fn kinds() -> String {
    let mut text = String::from("kind; class; families; writers; most bytes\n");
    for kind in Kind::ALL {
        let class = match kind.class() {
            Class::Intent(effect) => format!("intent of {effect:?}"),
            Class::Outcome(effect) => format!("outcome of {effect:?}"),
            Class::Fact => "fact".to_owned(),
        };
        let (name, families, roles) = (kind.btype(), kind.families(), kind.roles());
        let _ = writeln!(text, "{name}; {class}; {families:?}; {roles:?}; {}", kind.max_size());
    }
    text
}
