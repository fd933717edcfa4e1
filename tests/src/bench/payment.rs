//! `createToken` from end to end: every message of every canister between the call and the reply.

use super::Row;
use anyhow::Context as _;
use cairn::platform::{Platform, token, user};

const SAMPLES: u64 = 5;

pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let mut platform = Platform::boot(3)?;
    let mut instructions = 0;
    for n in 0..SAMPLES {
        let owner = user(&format!("buyer {n}"));
        platform.afford(owner, 1)?;
        platform.net.clear_trace();
        let order = platform.order(token(owner, "Measured", "MSRD"));
        platform.create_token(owner, order, "measured")?.context("createToken")?;
        instructions += platform.net.traced_instructions(|_| true);
    }
    Ok(vec![Row::instructions("create_token", SAMPLES, instructions / SAMPLES)])
}
