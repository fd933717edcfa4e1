//! Heaps under random writes, growth, traps and forks, against a plain model; with both ways of
//! finding out what was written to.

use crate::wat_canister::{install, number, owner};
use localnet::{Config, DirtyPages, Net, Principal};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

const WASM_PAGE: usize = 65_536;

/// Writes bytes, grows, counts in a global that nobody exports, and traps if it is told to.
const SCRATCH: &str = r#"
    (global $runs (mut i64) (i64.const 0))
    ;; The argument is a list of (address, stride, count, byte), each of four bytes: bytes are written at
    ;; equal distances. The address -1 grows by `count` pages.
    (func $work (local $at i32) (local $end i32) (local $to i32) (local $left i32)
        (global.set $runs (i64.add (global.get $runs) (i64.const 1)))
        (call $arg_copy (i32.const 2048) (i32.const 0) (call $arg_size))
        (local.set $at (i32.const 2048))
        (local.set $end (i32.add (i32.const 2048) (call $arg_size)))
        (loop $again
            (if (i32.lt_u (local.get $at) (local.get $end))
                (then
                    (local.set $to (i32.load (local.get $at)))
                    (local.set $left (i32.load offset=8 (local.get $at)))
                    (if (i32.eq (local.get $to) (i32.const -1))
                        (then
                            (drop (memory.grow (local.get $left)))
                            (local.set $left (i32.const 0))))
                    (block $done
                        (loop $next
                            (br_if $done (i32.eqz (local.get $left)))
                            (i32.store8 (local.get $to) (i32.load offset=12 (local.get $at)))
                            (local.set $to (i32.add (local.get $to) (i32.load offset=4 (local.get $at))))
                            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                            (br $next)))
                    (local.set $at (i32.add (local.get $at) (i32.const 16)))
                    (br $again))))
        (memory.fill (i32.const 2048) (i32.const 0) (call $arg_size))
        (call $answer (global.get $runs)))
    (func (export "canister_update keep") (call $work))
    (func (export "canister_update drop") (call $work) (call $boom))
    (func (export "canister_query look") (call $work))
    ;; All of the heap but the place of results.
    (func (export "canister_query heap")
        (i64.store (i32.const 256) (i64.const 0))
        (call $append (i32.const 0) (i32.mul (memory.size) (i32.const 65536)))
        (call $reply))
    (func (export "canister_query runs") (call $answer (global.get $runs)))
"#;

/// What a canister with [`SCRATCH`] should hold.
#[derive(Clone, PartialEq)]
struct Model {
    heap: Vec<u8>,
    runs: u64,
}

impl Model {
    fn new() -> Self {
        let mut heap = vec![0; WASM_PAGE];
        heap[1024..1028].copy_from_slice(b"boom");
        heap[1040..1044].copy_from_slice(b"work");
        Self { heap, runs: 0 }
    }

    /// A list of steps for the canister, done here.
    fn work(&mut self, rng: &mut ChaCha20Rng) -> Vec<u8> {
        let mut arg = Vec::new();
        for _ in 0..rng.next_u32() % 6 {
            let len = self.heap.len() as u32;
            let byte = rng.next_u32() & 0xff;
            let (address, stride, count) = match rng.next_u32() % 12 {
                0 if len < 80 * WASM_PAGE as u32 => (u32::MAX, 0, 1 + rng.next_u32() % 12),
                // Many pages at once, so that the committed heap gets a base of its own.
                1 => (4096 + rng.next_u32() % 4096, 4096, len / 4096 - 2),
                2 => (len - 4096 * (1 + rng.next_u32() % 3), 512, 8),
                _ => {
                    let address = 4096 + rng.next_u32() % (len - 8192);
                    (address, 1, 1 + rng.next_u32() % 4096)
                }
            };
            arg.extend([address, stride, count, byte].iter().flat_map(|n| n.to_le_bytes()));
            match address {
                u32::MAX => self.heap.resize(self.heap.len() + count as usize * WASM_PAGE, 0),
                _ => (0..count).for_each(|n| self.heap[(address + n * stride) as usize] = byte as u8),
            }
        }
        self.runs += 1;
        arg
    }
}

fn config(dirty_pages: DirtyPages) -> Config {
    let mut config = Config { dirty_pages, trace: false, ..Config::default() };
    config.limits.query_reply_bytes = 64 << 20;
    config
}

fn check(net: &mut Net, id: Principal, model: &Model, what: &str) {
    let heap = net.query_raw(id, owner(), "heap", vec![]).unwrap();
    assert_eq!(heap.len(), model.heap.len(), "{what}: size");
    let wrong = (0..heap.len()).find(|at| !(256..264).contains(at) && heap[*at] != model.heap[*at]);
    assert_eq!(wrong, None, "{what}: first byte that differs");
    assert_eq!(number(&net.query_raw(id, owner(), "runs", vec![]).unwrap()), model.runs, "{what}: global");
}

/// Several networks that descend from one another, two canisters each: any of them may go on.
fn run(dirty_pages: DirtyPages, seed: u64) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut net = Net::new(config(dirty_pages));
    let ids = [install(&mut net, SCRATCH), install(&mut net, SCRATCH)];
    let mut states = vec![(net, [Model::new(), Model::new()])];
    for step in 0..250 {
        let what = format!("{dirty_pages:?}, seed {seed}, step {step}");
        if rng.next_u32().is_multiple_of(40) && states.len() < 4 {
            let (net, models) = &states[rng.next_u32() as usize % states.len()];
            let fork = (net.fork(), models.clone());
            states.push(fork);
        }
        let one = rng.next_u32() as usize % states.len();
        let (net, models) = &mut states[one];
        let which = rng.next_u32() as usize % 2;
        let (id, model) = (ids[which], &mut models[which]);
        let mut after = model.clone();
        let arg = after.work(&mut rng);
        match rng.next_u32() % 5 {
            0 => drop(net.update_raw(id, owner(), "drop", arg).expect_err("traps")),
            1 => assert_eq!(number(&net.query_raw(id, owner(), "look", arg).unwrap()), after.runs, "{what}"),
            _ => {
                assert_eq!(number(&net.update_raw(id, owner(), "keep", arg).unwrap()), after.runs, "{what}");
                *model = after;
            }
        }
        if step % 5 == 0 {
            check(net, id, &models[which], &what);
        }
    }
    for (net, models) in &mut states {
        for (id, model) in ids.iter().zip(models) {
            check(net, *id, model, "at the end");
        }
    }
}

#[test]
fn a_heap_is_what_its_executions_made_it_with_the_page_map() {
    (0..4).for_each(|seed| run(DirtyPages::PageMap, seed));
}

#[test]
fn a_heap_is_what_its_executions_made_it_compared_as_a_whole() {
    (0..2).for_each(|seed| run(DirtyPages::Compared, seed));
}

/// The network runs each execution in a new instance: tables begin as the module has them, and dropped
/// segments are there again.
#[test]
fn tables_and_segments_do_not_outlive_an_execution() {
    let mut net = Net::default();
    let id = install(
        &mut net,
        r#"
        (table $t 2 funcref)
        (elem (table $t) (i32.const 0) func $boom)
        (elem declare func $bump)
        (data $late "late")
        (func (export "canister_update change")
            (table.set $t (i32.const 0) (ref.func $bump))
            (call_indirect $t (i32.const 0))
            (memory.init $late (i32.const 3000) (i32.const 0) (i32.const 4))
            (data.drop $late)
            (call $answer (i64.load32_u (i32.const 3000))))
        (func (export "canister_update use")
            (memory.init $late (i32.const 3000) (i32.const 0) (i32.const 4))
            (call_indirect $t (i32.const 0)))
    "#,
    );
    let late = u64::from(u32::from_le_bytes(*b"late"));
    for count in 1..4 {
        assert_eq!(number(&net.update_raw(id, owner(), "change", vec![]).unwrap()), late);
        let reject = net.update_raw(id, owner(), "use", vec![]).unwrap_err();
        assert!(reject.message.contains("boom"), "{reject}");
        assert_eq!(crate::wat_canister::count(&mut net, id), count);
    }
}
