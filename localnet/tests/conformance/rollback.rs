//! A trap leaves nothing behind.

use crate::wat_canister::{call, count, install, owner};
use localnet::{Net, RejectCode};

/// "If a trap occurs, the state of the canister is rolled back": heap, a global nobody exports,
/// stable memory, certified data, timer, cycles.
#[test]
pub fn a_trap_rolls_everything_back() {
    let mut net = Net::default();
    let id = install(
        &mut net,
        r#"
        (global $hidden (mut i32) (i32.const 5))
        (func $change
            (call $bump)
            (global.set $hidden (i32.add (global.get $hidden) (i32.const 1)))
            (if (i64.eqz (call $stable_size)) (then (drop (call $stable_grow (i64.const 1)))))
            (call $stable_write (i64.const 4090) (i64.const 1024) (i64.const 4))
            (call $certify (i32.const 1024) (i32.const 4))
            (drop (call $set_timer (i64.const 1)))
            (drop (memory.grow (i32.const 1)))
            (i32.store8 (i32.const 70000) (i32.const 1)))
        (func (export "canister_update boom") (call $change) (call $boom))
        (func (export "canister_update keep")
            (call $change) (call $answer (i64.extend_i32_u (global.get $hidden))))
        (func (export "canister_update shrink") (call $boom))
        (func (export "canister_query pages")
            (call $answer (i64.extend_i32_u (memory.size))))
    "#,
    );
    for _ in 0..3 {
        let reject = net.update_raw(id, owner(), "boom", vec![]).unwrap_err();
        assert_eq!(reject.code, RejectCode::CanisterError);
        assert_eq!(reject.error_code(), Some("IC0503"));
        assert!(reject.message.contains("boom"), "{reject}");
    }
    assert_eq!(count(&mut net, id), 0);
    assert_eq!(net.stable_memory(id).unwrap(), Vec::<u8>::new());
    assert_eq!(net.certified_data(id).unwrap(), Vec::<u8>::new());
    assert_eq!(net.global_timer(id), None);
    let pages = net.query_raw(id, owner(), "pages", vec![]).unwrap();
    assert_eq!(pages, 1_u64.to_le_bytes());
    assert_eq!(call(&mut net, id, "keep", &[]), 6);
    assert_eq!(count(&mut net, id), 1);
    assert_eq!(&net.stable_memory(id).unwrap()[4090..4094], b"boom");
    net.update_raw(id, owner(), "boom", vec![]).unwrap_err();
    assert_eq!(net.stable_memory(id).unwrap().len(), 65_536);
    assert_eq!(net.certified_data(id).unwrap(), b"boom");
    assert_eq!(call(&mut net, id, "keep", &[]), 7);
}

/// Queries see their own changes and leave none.
#[test]
fn a_query_changes_nothing() {
    let mut net = Net::default();
    let id = install(
        &mut net,
        r#"
        (func $twice (call $bump) (call $bump) (call $answer (i64.extend_i32_u (call $get))))
        (func (export "canister_query twice") (call $twice))
    "#,
    );
    assert_eq!(net.query_raw(id, owner(), "twice", vec![]).unwrap(), 2_u64.to_le_bytes());
    // Also when it is called as an update.
    assert_eq!(call(&mut net, id, "twice", &[]), 2);
    assert_eq!(count(&mut net, id), 0);
}
