//! The topic map: a function of its heads, and what is proven of it is so.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use cairn_events::topic::TopicHead;
use cairn_events::topic_map::{HeapMap, Place, empty_root, leaf_hash, prove, root};
use cairn_events::{Hash, Principal, Topic};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn topic(n: u16) -> Topic {
    Topic::Party(Principal::from_slice(&n.to_be_bytes()))
}

fn head(count: u64) -> TopicHead {
    TopicHead { count, index: 10 * count, hash: Hash([count as u8; 32]) }
}

fn entry((n, count): (u16, u64)) -> (Place, TopicHead) {
    (Place::of(&topic(n)), head(count))
}

#[test]
fn the_root_of_a_map_is_fixed() {
    let mut map = HeapMap::default();
    assert_eq!(root(&map), Some(empty_root()));
    assert_eq!(empty_root().to_string(), "e52d9c508c502347344d8c07ad91cbd6068afc75ff6292f062a09ca381c89e71");
    let (place, first) = entry((1, 1));
    assert_eq!(map.set([(place, first)]), Some(leaf_hash(&place, &first)));
    let many = map.set((0..100).map(|n| entry((n, u64::from(n))))).unwrap();
    assert_eq!(many.to_string(), "791168f8f4891011a89b4926f63d1e530e83189fb7feeeedc2e2909da61815b7");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the heads came to be, the map is the same, and it says of every topic what is so.
    #[test]
    fn a_map_is_a_function_of_its_heads(
        steps in prop::collection::vec(prop::collection::vec((0_u16..60, 1_u64..9), 0..12), 0..12),
    ) {
        let (mut map, mut known) = (HeapMap::default(), BTreeMap::new());
        for step in steps {
            let found = map.set(step.iter().copied().map(entry));
            known.extend(step);
            prop_assert_eq!(found, HeapMap::default().set(known.iter().map(|(n, count)| entry((*n, *count)))));
            prop_assert_eq!(found, root(&map));
        }
        let root = root(&map).unwrap();
        for n in 0..70 {
            let proof = prove(&map, &Place::of(&topic(n))).unwrap();
            prop_assert_eq!(proof.verify(&topic(n), &root), Ok(known.get(&n).map(|count| head(*count))));
        }
    }

    /// A proof that is changed in any way proves nothing.
    #[test]
    fn a_changed_proof_proves_nothing(
        topics in 1_u16..40, asked in 0_u16..60, at in any::<prop::sample::Index>(), how in 0_u8..7, byte in any::<u8>(),
    ) {
        let mut map = HeapMap::default();
        let root = map.set((0..topics).map(|n| entry((n, u64::from(n) + 1)))).unwrap();
        let mut proof = prove(&map, &Place::of(&topic(asked))).unwrap();
        let truth = proof.verify(&topic(asked), &root).unwrap();
        prop_assert_eq!(truth, (asked < topics).then(|| head(u64::from(asked) + 1)));
        let fork = (!proof.forks.is_empty()).then(|| at.index(proof.forks.len()));
        match (how, fork, &mut proof.leaf) {
            (0, Some(fork), _) => drop(proof.forks.remove(fork)),
            (1, Some(fork), _) => proof.forks.insert(fork, proof.forks[fork]),
            (2, Some(fork), _) => proof.forks[fork].bit ^= byte | 1,
            (3, Some(fork), _) => proof.forks[fork].sibling.0[usize::from(byte % 32)] ^= 1,
            (4, _, Some(leaf)) => leaf.head.count += 1,
            (5, _, Some(leaf)) => leaf.place = Place::of(&topic(asked + 1000)),
            (_, _, leaf) => *leaf = None,
        }
        prop_assert!(proof.verify(&topic(asked), &root).is_err());
    }
}
