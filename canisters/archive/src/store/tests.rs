//! An archive on the memories of a test.

use super::*;
use ic_stable_structures::VectorMemory;
use proptest::prelude::*;

const AUDIT: Principal = Principal::from_slice(&[1]);
const FROM: u64 = 40;

struct Bench {
    memories: [VectorMemory; 3],
    store: Store<VectorMemory>,
}

impl Bench {
    fn new() -> Bench {
        let memories: [VectorMemory; 3] = std::array::from_fn(|_| VectorMemory::default());
        let [identity, ends, bodies] = memories.clone();
        let who = Identity { layout: LAYOUT, log: LogId(Hash([7; 32])), audit: AUDIT, from: FROM };
        Bench { memories, store: Store::create(identity, ends, bodies, who) }
    }

    fn reopen(&mut self) {
        let [identity, ends, bodies] = self.memories.clone();
        self.store = Store::open(identity, ends, bodies).expect("opens");
    }

    fn image(&self) -> Vec<Vec<u8>> {
        self.memories.iter().map(|memory| memory.borrow().clone()).collect()
    }
}

/// The body of event `index`.
fn body(index: u64) -> ByteBuf {
    ByteBuf::from(vec![index as u8 | 1; 1 + (index % 7) as usize])
}

fn bodies(range: Range<u64>) -> Vec<ByteBuf> {
    range.map(body).collect()
}

fn problem<T: std::fmt::Debug>(result: Result<T, ArchiveError>) -> ArchiveRequestError {
    match result {
        Err(ArchiveError::Request(problem)) => problem,
        other => panic!("{other:?} is no refusal"),
    }
}

#[test]
fn only_the_log_writes() {
    let bench = Bench::new();
    let before = bench.image();
    for caller in [Principal::anonymous(), Principal::from_slice(&[2])] {
        let unauthorized = ArchiveRequestError::Unauthorized { caller };
        assert_eq!(problem(bench.store.append(caller, FROM, &bodies(FROM..50))), unauthorized);
        assert_eq!(problem(bench.store.digest(caller, FROM..FROM)), unauthorized);
    }
    assert!(bench.image() == before);
}

#[test]
fn gaps_other_content_and_nothing_are_refused() {
    let bench = Bench::new();
    let append = |from, bodies: &[ByteBuf]| bench.store.append(AUDIT, from, bodies);
    assert_eq!(append(FROM, &bodies(40..50)).map(|held| (held.from, held.until)), Ok((40, 50)));
    let before = bench.image();
    assert_eq!(problem(append(51, &bodies(51..52))), ArchiveRequestError::Gap { expected: 50, found: 51 });
    let below = ArchiveRequestError::OutOfBounds { found: 39, from: 40, until: 50 };
    assert_eq!(problem(append(39, &bodies(39..50))), below);
    let mut changed = bodies(45..60);
    changed[3].push(0);
    assert_eq!(problem(append(45, &changed)), ArchiveRequestError::Conflict { index: 48 });
    let mut empty = bodies(45..60);
    empty[14].clear();
    assert_eq!(problem(append(45, &empty)), ArchiveRequestError::Conflict { index: 59 });
    let many = vec![body(1); MAX_RANGE_EVENTS as usize + 1];
    assert!(matches!(problem(append(50, &many)), ArchiveRequestError::TooMany { .. }));
    assert!(bench.image() == before, "a refusal changed something");
}

#[test]
fn what_is_not_here_is_not_read() {
    let bench = Bench::new();
    bench.store.append(AUDIT, FROM, &bodies(40..50)).expect("taken");
    assert_eq!(bench.store.bodies(&[49, 40, 49]), Ok(vec![body(49), body(40), body(49)]));
    for index in [0, 39, 50, u64::MAX] {
        let refusal = problem(bench.store.bodies(&[45, index]));
        assert_eq!(refusal, ArchiveRequestError::OutOfBounds { found: index, from: 40, until: 50 });
    }
    assert!(matches!(problem(bench.store.digest(AUDIT, 45..51)), ArchiveRequestError::OutOfBounds { .. }));
    let many = problem(bench.store.digest(AUDIT, 0..u64::MAX));
    assert!(matches!(many, ArchiveRequestError::TooMany { .. }));
    let large = ByteBuf::from(vec![1; MAX_REPLY_BYTES / 2 + 1]);
    bench.store.append(AUDIT, 50, &[large.clone(), large]).expect("taken");
    assert!(matches!(problem(bench.store.bodies(&[50, 51])), ArchiveRequestError::TooMany { .. }));
    assert!(bench.store.bodies(&[51]).is_ok());
}

#[test]
fn other_memory_is_not_opened() {
    let memory = VectorMemory::default;
    assert_eq!(Store::open(memory(), memory(), memory()).err(), Some(OpenError::NoArchive));
    let bench = Bench::new();
    let [identity, ends, bodies] = bench.memories.clone();
    let who = Identity { layout: 2, ..bench.store.who };
    drop(Store::create(identity.clone(), memory(), memory(), who));
    assert_eq!(Store::open(identity, ends, bodies).err(), Some(OpenError::Layout(2)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// However ranges overlap and repeat, each body is here once, at its place; across upgrades.
    #[test]
    fn ranges_may_overlap(ranges in prop::collection::vec((0u64..60, 0u64..30), 1..20)) {
        let mut bench = Bench::new();
        let mut next = FROM;
        for (offset, count) in ranges {
            let from = FROM + offset;
            let sent = bodies(from..from + count);
            match bench.store.append(AUDIT, from, &sent) {
                Ok(held) => {
                    next = next.max(from + count);
                    prop_assert!(from <= next && held.until == next);
                    let same: Vec<&[u8]> = sent.iter().map(|body| body.as_slice()).collect();
                    prop_assert_eq!(bench.store.digest(AUDIT, from..from + count), Ok(range_digest(from, same)));
                }
                Err(refusal) => {
                    let gap = ArchiveRequestError::Gap { expected: next, found: from };
                    prop_assert_eq!(refusal, ArchiveError::Request(gap));
                }
            }
            if count % 3 == 0 {
                bench.reopen();
            }
            let held: Vec<u64> = (FROM..next).collect();
            prop_assert_eq!(bench.store.bodies(&held), Ok(bodies(FROM..next)));
        }
    }
}
