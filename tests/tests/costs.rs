//! What the benchmark measures stays within its goals, and does not grow with the data faster than it may.

#![allow(clippy::unwrap_used, reason = "a test that fails here says enough")]

use cairn_tests::bench::{Row, Scale, run_contracts, run_log, table};

/// Most instructions of what people wait for, or pay for with every event; most bytes that the log adds to one, and of proofs
/// beside the certificate and the events.
const GOALS: [(&str, u64); 20] = [
    ("append/1", 900_000),
    ("append/100", 600_000),
    ("topics/1", 1_000_000),
    ("topics/100", 1_000_000),
    ("storage_overhead", 250),
    ("receipt/inclusion", 1_536),
    ("receipt/topic", 4_096),
    ("receipt/range", 4_096),
    ("receipt/both", 4_096),
    ("receipt/one", 4_096),
    ("receipt/scattered", 4_096),
    ("receipt/absent", 4_096),
    ("audit_upgrade", 50_000_000),
    ("factory_upgrade", 50_000_000),
    ("my_contracts/20", 3_000_000),
    ("my_contracts/status/20", 3_000_000),
    ("my_contracts/role/20", 3_000_000),
    ("public_contracts/20", 3_000_000),
    ("contracts_by_token/20", 3_000_000),
    ("find_contracts/20", 3_000_000),
];
/// From a size on, ten times as much data may cost at most 1.4 times as much: a tree is a few levels deeper.
const GROWTH: f64 = 1.4;
/// What grows with topics: of those, ten times as many events have a hundred times as many here.
const TOPICS: [&str; 3] = ["topics/", "receipt/absent", "storage_overhead"];
/// Where growth begins to count.
const SETTLED: u64 = 1_000;

#[test]
fn costs_stay_within_their_goals_at_small_scales() {
    let mut rows = run_log(Scale::Small, |_| ()).unwrap();
    rows.extend(run_contracts(Scale::Small, |_| ()).unwrap());
    println!("{}", table(&rows));
    for (name, goal) in GOALS {
        let of: Vec<&Row> = rows.iter().filter(|row| row.name == name).collect();
        assert!(!of.is_empty(), "{name} is not measured");
        let beyond: Vec<&&Row> = of.iter().filter(|row| row.value > goal).collect();
        assert!(beyond.is_empty(), "{name}: more than {goal}: {beyond:?}");
        let growth = if TOPICS.iter().any(|topics| name.starts_with(topics)) { GROWTH * GROWTH } else { GROWTH };
        for pair in of.windows(2).filter(|pair| pair[0].scale >= SETTLED) {
            assert!(pair[1].value as f64 <= growth * pair[0].value as f64, "{name} grows: {pair:?}");
        }
    }
}
