//! Claims: how much, when, and with which proof.

use super::world::*;
use crate::campaign::Stage;
use crate::transfer::driver::Outcome;
use crate::transfer::settlement::Failure;
use cairn_events::merkle::{append, inclusion_proof, root};
use cairn_events::payload::{Account, Subaccount};
use cairn_events::{Amount, Hash, Principal, Timestamp};
use cairn_kit::api::distribution::{
    ClaimArgs, ClaimLimit, DAY, DistributionArgs, DistributionError, DistributionRequestError as Request,
    DistributionTemporaryError as Temporary, Frequency, Membership, MerkleClaim, MerkleRoot, Schedule, merkle_leaf,
};
use proptest::prelude::*;

fn vesting() -> DistributionArgs {
    let mut args = airdrop();
    args.categories = vec![
        category(600, Schedule::Linear { duration: 100 * DAY, frequency: Frequency::Daily }),
        category(400, Schedule::Single { after: 50 * DAY }),
    ];
    args.recipients = vec![named(1, 0, 600), named(1, 1, 400)];
    args
}

#[test]
fn partial_claims_add_up_to_the_allocation() {
    let mut world = World::funded(vesting());
    world.pass(10 * DAY);
    assert_eq!(world.claim_some(1, Some(25), Fate::Fine), Ok(Outcome::Paid(Some(1))));
    assert_eq!(world.claim(1), Ok(Outcome::Paid(Some(2))));
    assert_eq!(world.received(1), 60 - 2 * FEE);
    let more = world.claim_some(1, Some(20), Fate::Fine);
    let none = Request::NotUnlocked { claimable: Amount::ZERO, required: Amount(20) };
    assert_eq!(more, Err(none.into()));
    world.pass(40 * DAY);
    assert_eq!(world.claim_some(1, Some(500), Fate::Fine), Ok(Outcome::Paid(Some(3))), "240 and 260 of the other");
    world.pass(50 * DAY);
    world.claim(1).unwrap();
    assert_eq!(world.received(1), 1_000 - 4 * FEE);
    assert_eq!(world.campaign.books().stage, Stage::Completed);
    world.check();
}

#[test]
fn one_category_or_all_of_them() {
    let mut world = World::funded(vesting());
    world.pass(50 * DAY);
    let of = |category| ClaimArgs { category: Some(category), ..ClaimArgs::default() };
    let id = world.campaign.begin_claim(person(1), &of(1), Amount(FEE), world.now).unwrap();
    world.advance(id, Fate::Fine);
    assert_eq!(world.received(1), 390);
    let unknown = world.campaign.begin_claim(person(1), &of(2), Amount(FEE), world.now);
    assert!(matches!(unknown, Err(DistributionError::Request(Request::UnknownCategory { .. }))));
    let nothing = world.campaign.begin_claim(person(1), &of(1), Amount(FEE), world.now);
    assert_eq!(nothing, Err(Request::NothingLeft.into()));
    world.claim(1).unwrap();
    assert_eq!(world.received(1), 390 + 290);
    world.check();
}

#[test]
fn the_claimant_bears_the_fee_and_no_claim_is_below_it() {
    let mut args = vesting();
    args.minimum_claim = Amount(100);
    let mut world = World::funded(args);
    world.pass(DAY);
    let small = Request::BelowMinimum { found: Amount(6), minimum: Amount(100), fee: Amount(FEE) };
    assert_eq!(world.claim(1), Err(small.into()));
    world.pass(98 * DAY);
    world.claim_some(1, Some(594 + 400 - 1), Fate::Fine).unwrap();
    world.pass(DAY);
    let fee = Request::BelowMinimum { found: Amount(7), minimum: Amount(FEE + 1), fee: Amount(FEE) };
    assert_eq!(world.claim(1), Err(fee.into()), "the rest may be small, but not as small as the fee");
    world.check();
}

#[test]
fn claims_are_limited_per_window() {
    let mut args = vesting();
    args.claim_limit = Some(ClaimLimit { claims: 2, window: DAY });
    let mut world = World::funded(args);
    world.pass(20 * DAY);
    let first = world.now;
    world.claim_some(1, Some(20), Fate::Fine).unwrap();
    assert!(matches!(world.claim_some(1, Some(20), Fate::Bounced), Ok(Outcome::Failed(_))), "does not count");
    world.claim_some(1, Some(20), Fate::Fine).unwrap();
    let limited = Temporary::RateLimited { claims: 2, retry_at: Timestamp(first.0 + DAY) };
    assert_eq!(world.claim_some(1, Some(20), Fate::Fine), Err(limited.into()));
    world.pass(DAY);
    world.claim_some(1, Some(20), Fate::Fine).unwrap();
    world.check();
}

#[test]
fn a_fee_that_changed_is_not_adopted_but_asked_for() {
    let mut world = World::funded(airdrop());
    world.campaign.learn_fee(Amount(FEE));
    world.ledger.fee = 30;
    let before = world.campaign.recipient_view(person(1), world.now);
    assert_eq!(world.claim(1), Ok(Outcome::Failed(Failure::Fee)));
    assert_eq!(world.campaign.recipient_view(person(1), world.now), before);
    assert_eq!(world.campaign.ledger_fee(), None);
    world.campaign.learn_fee(Amount(30));
    world.claim(1).unwrap();
    assert_eq!(world.received(1), 570);
    world.check();
}

#[test]
fn every_claim_before_the_start_or_the_money_is_refused() {
    let mut world = World::new(airdrop());
    let unfunded = Temporary::NotFunded { deposited: Amount::ZERO, total: Amount(1_000) };
    assert_eq!(world.claim(1), Err(unfunded.into()));
    world.deposit(Fate::Fine).unwrap();
    assert_eq!(world.claim(1), Err(Temporary::TooEarly { from: START }.into()));
    world.now = START;
    assert_eq!(world.claim(3), Err(Request::NotRegistered { recipient: person(3) }.into()));
}

// ---- proofs ----

/// A Merkle whitelist of a category of 1,000: person n gets 10 n.
struct Tree {
    nodes: Vec<Hash>,
    leaves: u64,
}

fn account(n: u8) -> Account {
    Account { owner: person(n), subaccount: Some(Subaccount([n; 32])) }
}

impl Tree {
    fn new(canister: Principal, category: u32, leaves: u8) -> Self {
        let mut nodes = Vec::new();
        for n in 0..leaves {
            let leaf = merkle_leaf(canister, category, n.into(), account(n), Amount(10 * u128::from(n)));
            let pushed = append(n.into(), &leaf, &nodes).unwrap();
            nodes.extend(pushed);
        }
        Tree { nodes, leaves: leaves.into() }
    }

    fn root(&self) -> MerkleRoot {
        MerkleRoot { category: 0, root: root(self.leaves, &self.nodes).unwrap(), leaves: self.leaves }
    }

    fn claim(&self, n: u8) -> MerkleClaim {
        let proof = inclusion_proof(n.into(), self.leaves, &self.nodes).unwrap();
        MerkleClaim { category: 0, index: n.into(), account: account(n), allocation: Amount(10 * u128::from(n)), proof }
    }
}

fn merkle() -> DistributionArgs {
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

fn prove(world: &mut World, n: u8, claim: &MerkleClaim) -> Result<Outcome, DistributionError> {
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
