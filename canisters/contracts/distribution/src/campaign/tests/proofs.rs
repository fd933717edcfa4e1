//! Merkle whitelists: what a proof is good for, in small trees and in trees of a million and more.

use super::world::*;
use crate::transfer::driver::Outcome;
use cairn_events::merkle::{Nodes, append, inclusion_proof, leaf_hash, node_hash, root};
use cairn_events::payload::{Account, Subaccount};
use cairn_events::{Amount, Hash, Principal};
use cairn_kit::api::distribution::{
    DistributionArgs, DistributionError, DistributionRequestError as Request, Membership, MerkleClaim, MerkleRoot,
    merkle_leaf,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A Merkle whitelist of a category of 1,000.
pub struct Tree {
    leaves: Vec<(Account, Amount)>,
    nodes: Vec<Hash>,
}

fn account(n: u8) -> Account {
    Account { owner: person(n), subaccount: Some(Subaccount([n; 32])) }
}

impl Tree {
    /// Person n gets 10 n.
    fn new(canister: Principal, category: u32, leaves: u8) -> Self {
        let leaves = (0..leaves).map(|n| (account(n), Amount(10 * u128::from(n))));
        Tree::of(canister, category, leaves.collect())
    }

    pub fn of(canister: Principal, category: u32, leaves: Vec<(Account, Amount)>) -> Self {
        let mut nodes: Vec<Hash> = Vec::new();
        for (n, (account, amount)) in (0..).zip(&leaves) {
            let pushed = append(n, &merkle_leaf(canister, category, n, *account, *amount), &nodes).unwrap();
            nodes.extend(pushed);
        }
        Tree { leaves, nodes }
    }

    pub fn root(&self) -> MerkleRoot {
        let leaves = self.leaves.len() as u64;
        MerkleRoot { category: 0, root: root(leaves, &self.nodes).unwrap(), leaves }
    }

    pub fn claim(&self, n: u8) -> MerkleClaim {
        let (account, allocation) = self.leaves[usize::from(n)];
        let proof = inclusion_proof(n.into(), self.leaves.len() as u64, &self.nodes).unwrap();
        MerkleClaim { category: 0, index: n.into(), account, allocation, proof }
    }
}

pub fn merkle() -> DistributionArgs {
    let mut args = airdrop();
    args.categories[0].members = Membership::Merkle;
    args.recipients.clear();
    args
}

fn merkle_world(tree: &Tree) -> World {
    let mut world = World::funded(merkle());
    world.campaign.set_merkle_root(owner(), tree.root(), world.now).unwrap();
    world
}

pub fn prove(world: &mut World, n: u8, claim: &MerkleClaim) -> Result<Outcome, DistributionError> {
    let id = world.campaign.begin_merkle_claim(person(n), claim, Amount(FEE), world.now)?;
    Ok(world.advance(id, Fate::Fine))
}

#[test]
fn a_proof_makes_an_allocation_once() {
    let tree = Tree::new(canister(), 0, 20);
    let mut world = merkle_world(&tree);
    assert_eq!(prove(&mut world, 7, &tree.claim(7)), Ok(Outcome::Paid(Some(1))));
    assert_eq!(world.received(7), 60);
    assert_eq!(prove(&mut world, 7, &tree.claim(7)), Err(Request::NothingLeft.into()));
    let theirs = prove(&mut world, 8, &tree.claim(7));
    assert_eq!(theirs, Err(Request::OtherAccount { owner: person(7) }.into()));
    let books = world.campaign.books();
    assert_eq!((books.allocated, books.recipients), (Amount(70), 1));
    world.check();
}

#[test]
fn a_proof_of_ones_own_opens_a_private_distribution() {
    let tree = Tree::new(canister(), 0, 20);
    let mut world = merkle_world(&tree);
    world.campaign.set_visibility(owner(), false).unwrap();
    assert_eq!(world.campaign.admit_prover(person(7), &tree.claim(7)), Ok(()));
    let mut forged = tree.claim(8);
    forged.allocation = Amount(1);
    for refused in [tree.claim(7), forged] {
        let stranger = Request::Unauthorized { caller: person(8) };
        assert_eq!(world.campaign.admit_prover(person(8), &refused), Err(stranger.into()));
    }
}

#[test]
fn a_root_is_fixed_once_it_begins() {
    let tree = Tree::new(canister(), 0, 20);
    let mut world = World::new(merkle());
    let none = world.campaign.verify(&tree.claim(3));
    assert_eq!(none, Err(Request::NoMerkleRoot { category: 0 }.into()));
    assert!(world.campaign.set_merkle_root(person(1), tree.root(), world.now).is_err());
    let other = Tree::new(canister(), 0, 5).root();
    world.campaign.set_merkle_root(owner(), other, world.now).unwrap();
    world.campaign.set_merkle_root(owner(), tree.root(), world.now).unwrap();
    world.campaign.verify(&tree.claim(3)).unwrap();
    world.now = START;
    let fixed = world.campaign.set_merkle_root(owner(), other, world.now);
    assert_eq!(fixed, Err(Request::MerkleRootFixed { category: 0, root: tree.root().root }.into()));
    let empty = MerkleRoot { leaves: 0, ..other };
    assert!(world.campaign.set_merkle_root(owner(), empty, world.now).is_err());
}

#[test]
fn leaves_beyond_the_budget_are_refused() {
    let tree = Tree::new(canister(), 0, 20);
    let mut args = merkle();
    args.total = Amount(100);
    args.categories[0].budget = Amount(100);
    let mut world = World::funded(args);
    world.campaign.set_merkle_root(owner(), tree.root(), world.now).unwrap();
    prove(&mut world, 7, &tree.claim(7)).unwrap();
    let before = world.snapshot();
    let beyond = Request::BudgetExceeded { category: 0, left: Amount(30), required: Amount(40) };
    assert_eq!(prove(&mut world, 4, &tree.claim(4)), Err(beyond.into()));
    assert_eq!(world.snapshot(), before);
}

#[test]
fn trees_of_other_canisters_and_categories_are_worth_nothing() {
    let tree = Tree::new(canister(), 0, 20);
    let world = merkle_world(&tree);
    for other in [Tree::new(person(1), 0, 20), Tree::new(canister(), 1, 20), Tree::new(canister(), 0, 19)] {
        let invalid = Request::InvalidProof { category: 0, root: tree.root().root };
        assert_eq!(world.campaign.verify(&other.claim(7)), Err(invalid.into()));
    }
}

proptest! {
    /// Exactly the leaf bound to canister, category, index, account and amount is accepted.
    #[test]
    fn proofs_hold_for_their_leaf_only(
        leaves in 1..40_u8, n in 0..40_u8, change in 0..7_u8, by in 1..200_u8, place in 0..8_usize
    ) {
        let n = n % leaves;
        let tree = Tree::new(canister(), 0, leaves);
        let world = merkle_world(&tree);
        let mut claim = tree.claim(n);
        prop_assert_eq!(world.campaign.verify(&claim), Ok(()));
        match change {
            0 => claim.index += u64::from(by),
            1 => claim.allocation.0 += u128::from(by),
            2 => claim.account.owner = person(n.wrapping_add(by)),
            3 => claim.account.subaccount = Some(Subaccount([n.wrapping_add(by); 32])),
            4 => claim.account.subaccount = None,
            5 => claim.proof.insert(place.min(claim.proof.len()), Hash([by; 32])),
            _ => match claim.proof.get_mut(place) {
                Some(hash) => hash.0[0] ^= by,
                None => claim.proof.push(Hash([by; 32])),
            },
        }
        // No subaccount is the account of 32 zeros, which is the one of person 0.
        if change == 4 && n == 0 {
            prop_assert_eq!(world.campaign.verify(&claim), Ok(()));
        } else {
            prop_assert!(world.campaign.verify(&claim).is_err());
        }
    }
}

// ---- a million leaves, and more ----

/// A tree of any size of which only some leaves are known; all others are the same.
struct Sparse {
    leaves: BTreeMap<u64, Hash>,
    /// The roots of subtrees without a known leaf, by level.
    blank: Vec<Hash>,
}

impl Sparse {
    fn new(leaves: BTreeMap<u64, Hash>) -> Self {
        let mut blank = vec![leaf_hash(&Hash([0; 32]))];
        for level in 0..63 {
            blank.push(node_hash(&blank[level], &blank[level]));
        }
        Sparse { leaves, blank }
    }
}

impl Nodes for Sparse {
    fn node(&self, level: u32, end: u64) -> Option<Hash> {
        let begin = end.checked_sub(1 << level)?;
        match self.leaves.range(begin..end).next() {
            None => self.blank.get(level as usize).copied(),
            Some((_, leaf)) if level == 0 => Some(leaf_hash(leaf)),
            Some(_) => {
                let middle = begin + (1 << (level - 1));
                Some(node_hash(&self.node(level - 1, middle)?, &self.node(level - 1, end)?))
            }
        }
    }
}

fn leaf(n: u64) -> (Account, Amount) {
    let owner = Principal::from_slice(&[&n.to_be_bytes()[..], &[1]].concat());
    (Account { owner, subaccount: None }, Amount(11 + u128::from(n % 7)))
}

fn claim_of(n: u64, leaves: u64, nodes: &impl Nodes) -> MerkleClaim {
    let (account, allocation) = leaf(n);
    let proof = inclusion_proof(n, leaves, nodes).unwrap();
    MerkleClaim { category: 0, index: n, account, allocation, proof }
}

/// Everybody claims once; a second claim, a neighbour's place and a cut proof are refused.
fn everybody_claims_once(people: &[u64], leaves: u64, nodes: &impl Nodes) {
    let mut world = World::funded(merkle());
    let tree = MerkleRoot { category: 0, root: root(leaves, nodes).unwrap(), leaves };
    world.campaign.set_merkle_root(owner(), tree, world.now).unwrap();
    for n in people {
        let claim = claim_of(*n, leaves, nodes);
        let mut elsewhere = claim.clone();
        elsewhere.index ^= 1;
        let mut cut = claim.clone();
        cut.proof.pop();
        for forged in [elsewhere, cut] {
            assert!(forged.proof.is_empty() && leaves == 1 || world.campaign.verify(&forged).is_err());
        }
        let begin =
            |world: &mut World| world.campaign.begin_merkle_claim(claim.account.owner, &claim, Amount(FEE), world.now);
        let id = begin(&mut world).unwrap();
        world.advance(id, Fate::Fine);
        assert_eq!(world.ledger.held(claim.account.owner), claim.allocation.0 - FEE);
        assert_eq!(begin(&mut world), Err(Request::NothingLeft.into()));
    }
    world.check();
}

#[test]
fn a_million_people_have_proofs() {
    const MILLION: u64 = 1_000_000;
    let mut nodes: Vec<Hash> = Vec::new();
    for n in 0..MILLION {
        let (account, amount) = leaf(n);
        let pushed = append(n, &merkle_leaf(canister(), 0, n, account, amount), &nodes).unwrap();
        nodes.extend(pushed);
    }
    let people = [0, 1, 2, 65_535, 65_536, 524_287, 524_288, 777_777, 999_935, 999_936, MILLION - 2, MILLION - 1];
    everybody_claims_once(&people, MILLION, &nodes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Trees of every size up to 2^48, and around powers of two.
    #[test]
    fn trees_of_any_size_have_proofs(
        bits in 0..48_u32, more in any::<u64>(), near in -2..=2_i64, at_power in any::<bool>(),
        people in prop::collection::btree_set(any::<u64>(), 1..12)
    ) {
        let power = 1_u64 << bits;
        let leaves = if at_power { power.saturating_add_signed(near).max(1) } else { power + more % power };
        let people: BTreeMap<u64, ()> = people.into_iter().map(|n| (n % leaves, ())).collect();
        let people: Vec<u64> = people.into_keys().collect();
        let inputs = people.iter().map(|n| {
            let (account, amount) = leaf(*n);
            (*n, merkle_leaf(canister(), 0, *n, account, amount))
        });
        everybody_claims_once(&people, leaves, &Sparse::new(inputs.collect()));
    }
}
