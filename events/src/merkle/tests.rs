use super::*;
use proptest::prelude::*;

fn input(n: u64) -> Hash {
    Hash::of(&[&n.to_be_bytes()])
}

/// MTH as RFC 9162, section 2.1.1, defines it.
fn reference_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => leaf_hash(leaf),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
            node_hash(&reference_root(left), &reference_root(right))
        }
    }
}

fn tree(size: u64) -> (Vec<Hash>, Vec<Hash>) {
    let (mut leaves, mut nodes) = (Vec::new(), Vec::new());
    for n in 0..size {
        let pushed = append(n, &input(n), &nodes).unwrap();
        nodes.extend(pushed);
        leaves.push(input(n));
    }
    (leaves, nodes)
}

#[test]
fn roots_are_those_of_the_definition() {
    let mut frontier = Frontier::default();
    let (leaves, nodes) = tree(130);
    for size in 0..=130 {
        let expected = reference_root(&leaves[..size as usize]);
        assert_eq!(root(size, &nodes), Some(expected));
        assert_eq!(frontier.root(), expected);
        assert_eq!(frontier.peaks.len() as u32, size.count_ones());
        frontier.push(&input(size));
    }
    assert_eq!(nodes.len() as u64, node_count(130));
}

#[test]
fn every_inclusion_and_consistency_proof_verifies() {
    let (leaves, nodes) = tree(40);
    for size in 1..=40u64 {
        let top = root(size, &nodes).unwrap();
        for index in 0..size {
            let path = inclusion_proof(index, size, &nodes).unwrap();
            assert!(verify_inclusion(&leaves[index as usize], index, size, &path, &top));
            assert!(!verify_inclusion(&input(999), index, size, &path, &top));
        }
        for old in 0..=size {
            let before = root(old, &nodes).unwrap();
            let path = consistency_proof(old, size, &nodes).unwrap();
            assert!(verify_consistency(old, &before, size, &top, &path), "{old} {size}");
            assert!(!verify_consistency(old, &input(7), size, &top, &path));
        }
    }
    assert_eq!(inclusion_proof(40, 40, &nodes), None);
    assert_eq!(consistency_proof(41, 40, &nodes), None);
}

proptest! {
    #[test]
    fn altered_proofs_do_not_verify(size in 2u64..200, index in 0u64..200, at in any::<prop::sample::Index>(), bit in 0usize..256) {
        let index = index % size;
        let (leaves, nodes) = tree(size);
        let top = root(size, &nodes).unwrap();
        let path = inclusion_proof(index, size, &nodes).unwrap();
        let mut altered = path.clone();
        let at = at.index(altered.len());
        altered[at].0[bit / 8] ^= 1 << (bit % 8);
        let leaf = &leaves[index as usize];
        prop_assert!(!verify_inclusion(leaf, index, size, &altered, &top));
        prop_assert!(!verify_inclusion(leaf, index, size, &path[1..], &top));
        let longer: Vec<Hash> = path.iter().copied().chain([input(1)]).collect();
        prop_assert!(!verify_inclusion(leaf, index, size, &longer, &top));
        prop_assert!(!verify_inclusion(leaf, index, 0, &path, &top));
    }
}
