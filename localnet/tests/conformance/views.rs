//! Views: the committed state of one moment, queried while the network goes on.

use crate::wat_canister::{call, install, management, number, owner};
use localnet::management_types::CanisterIdRecord;
use localnet::{Config, DirtyPages, Net, Principal, View};
use std::sync::Arc;

/// Counts in heap and stable memory, grows its heap, and answers with sums over both.
const COUNTER: &str = r#"
    (func (export "canister_update count") (local $page i32)
        (call $bump)
        (drop (memory.grow (i32.const 1)))
        (local.set $page (i32.mul (i32.sub (memory.size) (i32.const 1)) (i32.const 65536)))
        (i32.store (local.get $page) (call $get))
        (if (i64.eqz (call $stable_size)) (then (drop (call $stable_grow (i64.const 1)))))
        (call $stable_write (i64.const 8) (i64.const 0) (i64.const 4))
        (call $certify (i32.const 0) (i32.const 4))
        (call $answer (i64.extend_i32_u (call $get))))
    ;; Heap pages + 1000 * heap counter + 1000000 * stable counter; and leaves a mess behind.
    (func (export "canister_query sum") (local $sum i64)
        (if (i64.ne (call $stable_size) (i64.const 0))
            (then (call $stable_read (i64.const 128) (i64.const 8) (i64.const 4))))
        (local.set $sum (i64.add (i64.extend_i32_u (memory.size))
            (i64.add (i64.mul (i64.const 1000) (i64.extend_i32_u (call $get)))
                (i64.mul (i64.const 1000000) (i64.load32_u (i32.const 128))))))
        (drop (memory.grow (i32.const 2)))
        (memory.fill (i32.const 8192) (i32.const 7) (i32.const 40000))
        (call $bump)
        (call $answer (local.get $sum)))
    (func (export "canister_query certificate")
        (call $certificate_copy (i32.const 8192) (i32.const 0) (call $certificate_size))
        (call $append (i32.const 8192) (call $certificate_size))
        (call $reply))
"#;

fn sum(view: &View, id: Principal) -> u64 {
    number(&view.query_raw(id, owner(), "sum", vec![]).unwrap())
}

fn counted(count: u64) -> u64 {
    1 + count + 1_001_000 * count
}

#[test]
fn a_view_stays_what_it_was_while_the_network_goes_on() {
    for dirty_pages in [DirtyPages::PageMap, DirtyPages::Compared] {
        let mut net = Net::new(Config { dirty_pages, ..Config::default() });
        let id = install(&mut net, COUNTER);
        let mut views = Vec::new();
        for count in 0..5 {
            views.push(net.view());
            assert_eq!(call(&mut net, id, "count", &[]), count + 1);
        }
        let args = CanisterIdRecord { canister_id: id };
        net.update::<()>(management(), owner(), "uninstall_code", (args,)).unwrap();
        for (count, view) in (0..).zip(&views) {
            assert_eq!(sum(view, id), counted(count), "{dirty_pages:?}");
        }
        assert!(net.view().query_raw(id, owner(), "sum", vec![]).is_err());
    }
}

#[test]
fn a_view_is_queried_from_many_threads() {
    let mut net = Net::default();
    let ids = [install(&mut net, COUNTER), install(&mut net, COUNTER)];
    call(&mut net, ids[1], "count", &[]);
    let view = Arc::new(net.view());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let view = Arc::clone(&view);
            scope.spawn(move || {
                for query in 0..200 {
                    let which = (thread + query) % 2;
                    assert_eq!(sum(&view, ids[which]), counted(which as u64));
                }
            });
        }
        for count in 1..100 {
            assert_eq!(call(&mut net, ids[0], "count", &[]), count);
        }
    });
    assert_eq!(sum(&net.view(), ids[0]), counted(99));
}

#[test]
fn a_view_certifies_the_data_of_its_moment() {
    let mut net = Net::default();
    let id = install(&mut net, COUNTER);
    call(&mut net, id, "count", &[]);
    let view = net.view();
    let expected = net.query_raw(id, owner(), "certificate", vec![]).unwrap();
    call(&mut net, id, "count", &[]);
    assert_eq!(view.query_raw(id, owner(), "certificate", vec![]).unwrap(), expected);
    assert_ne!(net.query_raw(id, owner(), "certificate", vec![]).unwrap(), expected);
}

/// A fork and its origin use each other's instances, and do not notice.
#[test]
fn forks_that_take_turns_stay_apart() {
    let mut net = Net::default();
    let id = install(&mut net, COUNTER);
    let mut forks: Vec<Net> = (0..3).map(|_| net.fork()).collect();
    for round in 1..20_u64 {
        for (fork, number) in forks.iter_mut().zip(1_u64..) {
            for _ in 0..number {
                call(fork, id, "count", &[]);
            }
            assert_eq!(sum(&fork.view(), id), counted(round * number));
        }
    }
    assert_eq!(sum(&net.view(), id), counted(0));
}
