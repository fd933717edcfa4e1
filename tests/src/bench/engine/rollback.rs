//! What it costs to undo a trap, by size of the heap.

use super::super::Row;
use super::{install_text, network, time};
use crate::log_fixture::person;
use anyhow::ensure;
use std::time::Instant;

const TRAPS: u32 = 200;
const MEBIBYTES: [u64; 3] = [1, 10, 100];

/// Fills its whole heap, then writes to twenty pages all over it and traps.
fn canister(mebibytes: u64) -> String {
    let pages = mebibytes * 16;
    format!(
        r#"(module
        (import "ic0" "msg_reply" (func $reply))
        (memory {pages})
        (func $each (param $stride i32) (param $byte i32) (local $at i32)
            (loop $next
                (i32.store8 (local.get $at) (local.get $byte))
                (local.set $at (i32.add (local.get $at) (local.get $stride)))
                (br_if $next (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536))))))
        (func (export "canister_update fill") (call $each (i32.const 512) (i32.const 1)) (call $reply))
        (func (export "canister_update trap")
            (call $each (i32.div_u (i32.mul (memory.size) (i32.const 65536)) (i32.const 20)) (i32.const 2))
            unreachable))"#
    )
}

pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for mebibytes in MEBIBYTES {
        let mut net = network();
        let id = install_text(&mut net, &canister(mebibytes))?;
        net.update_raw(id, person(1), "fill", Vec::new())?;
        let mut elapsed = std::time::Duration::ZERO;
        for _ in 0..TRAPS {
            let began = Instant::now();
            let trapped = net.update_raw(id, person(1), "trap", Vec::new());
            elapsed += began.elapsed();
            ensure!(trapped.is_err(), "it did not trap");
        }
        rows.push(time("engine/trap/MiB", mebibytes, elapsed / TRAPS));
    }
    Ok(rows)
}
