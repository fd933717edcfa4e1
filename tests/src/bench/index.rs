//! A page of twenty of a user's own contracts, by how many contracts there are.

use super::Row;
use crate::log_fixture::{CYCLES, LogFixture, person};
use anyhow::{anyhow, ensure};
use cairn_events::{Principal, WriterRole};
use cairn_kit::api::factory::{FactoryHealth, FactoryInit};
use std::time::Duration;

pub(super) fn measure(scales: &[u64]) -> anyhow::Result<Vec<Row>> {
    let mut log = LogFixture::begin(2)?;
    let factory = log.net.create_canister(log.admin, CYCLES);
    log.register(factory, WriterRole::Factory)?;
    let init = FactoryInit {
        audit: log.audit,
        pool_target: 0,
        contract_cycles: 1_000_000_000_000,
        reserve_cycles: 1_000_000_000_000,
        publish_delay_seconds: None,
    };
    let wasm = cairn::artifacts::wasm("token_factory")?;
    log.net.install(factory, log.admin, &wasm, candid::encode_one(init)?).map_err(|e| anyhow!("{e}"))?;
    let (user, mut rows, mut count) = (person(7), Vec::new(), 0);
    for scale in scales {
        // The user owns one contract in five: hers grow with the total.
        log.grow_contracts(count, *scale, user, 5)?;
        count = *scale;
        catch_up(&mut log, factory)?;
        log.net
            .query_raw(factory, user, "getMyContracts", candid::encode_args((user, None::<candid::Reserved>, 20u32))?)
            .map_err(|e| anyhow!("{e}"))?;
        rows.push(Row::instructions("my_contracts/20", *scale, log.net.last_instructions()));
    }
    Ok(rows)
}

/// Lets the factory's index apply what the log has.
fn catch_up(log: &mut LogFixture, factory: Principal) -> anyhow::Result<()> {
    for _ in 0..2_000 {
        log.net.advance(Duration::from_secs(5));
        log.net.run_until_idle(100);
        log.net.clear_trace();
        let health: FactoryHealth =
            log.net.query(factory, log.admin, "getFactoryHealth", ()).map_err(|e| anyhow!("{e}"))?;
        if health.projection_lag == 0 {
            return Ok(());
        }
    }
    ensure!(false, "the factory's index does not catch up");
    Ok(())
}
