//! People with several leaves of a Merkle tree: each leaf is an allocation of its own, with an account of its own.

use super::histories::arb_fate;
use super::proofs::{Tree, merkle, prove};
use super::world::*;
use crate::campaign::claiming::MAX_LEAVES;
use crate::transfer::Purpose;
use crate::transfer::driver::Outcome;
use cairn_events::Amount;
use cairn_events::payload::{Account, Subaccount};
use cairn_kit::api::distribution::{
    AllocationView, ClaimArgs, DAY, DistributionArgs, DistributionError, DistributionRequestError as Request,
    DistributionTemporaryError as Temporary, EarlyUnlock, Frequency, MerkleClaim, Schedule,
};
use proptest::prelude::*;

fn account(n: u8, subaccount: u8) -> Account {
    Account { owner: person(n), subaccount: Some(Subaccount([subaccount; 32])) }
}

/// Person 7 has a leaf for each of two accounts, person 8 another.
fn tree(one: u128, other: u128) -> Tree {
    let leaves = vec![(account(7, 1), Amount(one)), (account(8, 1), Amount(40)), (account(7, 2), Amount(other))];
    Tree::of(canister(), 0, leaves)
}

fn world_of(args: DistributionArgs, tree: &Tree) -> World {
    let mut world = World::funded(args);
    world.campaign.set_merkle_root(owner(), tree.root(), world.now).unwrap();
    world
}

/// The same, unlocked over a hundred days.
fn vesting() -> DistributionArgs {
    let mut args = merkle();
    args.categories[0].schedule = Schedule::Linear { duration: 100 * DAY, frequency: Frequency::Daily };
    args
}

fn begin(world: &mut World, claim: &MerkleClaim) -> Result<u64, DistributionError> {
    world.campaign.begin_merkle_claim(claim.account.owner, claim, Amount(FEE), world.now)
}

/// What the ledger has paid to one account, by its own record.
fn paid(world: &World, account: Account) -> u128 {
    let claims = world.ledger.blocks.iter().filter(|(_, made)| matches!(made.purpose, Purpose::Claim(_)));
    claims.filter(|(_, made)| made.account == account).map(|(_, made)| made.amount.0).sum()
}

fn allocations(world: &World, n: u8) -> Vec<AllocationView> {
    world.campaign.recipient_view(person(n), world.now).unwrap().allocations
}

/// Leaf and claimed amount of every allocation.
fn claimed(world: &World, n: u8) -> Vec<(Option<u64>, u128)> {
    allocations(world, n).iter().map(|allocation| (allocation.leaf, allocation.claimed.0)).collect()
}

#[test]
fn every_leaf_is_claimed_once_and_paid_to_its_own_account() {
    let tree = tree(70, 50);
    let mut world = world_of(merkle(), &tree);
    for (n, account, amount) in [(0, account(7, 1), 70), (2, account(7, 2), 50)] {
        assert!(matches!(prove(&mut world, 7, &tree.claim(n)), Ok(Outcome::Paid(_))));
        assert_eq!(paid(&world, account), amount - FEE);
        assert_eq!(prove(&mut world, 7, &tree.claim(n)), Err(Request::NothingLeft.into()));
    }
    assert_eq!(prove(&mut world, 7, &tree.claim(0)), Err(Request::NothingLeft.into()));
    assert_eq!(claimed(&world, 7), [(Some(0), 70), (Some(2), 50)]);
    assert_eq!(world.received(7), 70 + 50 - 2 * FEE);
    let (books, category) = (world.campaign.books(), world.campaign.category_views().remove(0));
    assert_eq!((books.allocated, books.claimed, books.recipients), (Amount(120), Amount(120), 1));
    assert_eq!((category.allocated, category.claimed, category.participants), (Amount(120), Amount(120), 1));
    world.check();
}

#[test]
fn a_leaf_waits_for_the_payout_of_another() {
    let tree = tree(70, 50);
    let mut world = world_of(merkle(), &tree);
    let transfer = begin(&mut world, &tree.claim(0)).unwrap();
    let before = world.snapshot();
    assert_eq!(begin(&mut world, &tree.claim(2)), Err(Temporary::Busy { transfer }.into()));
    assert_eq!(world.snapshot(), before);
    world.advance(transfer, Fate::Fine);
    prove(&mut world, 7, &tree.claim(2)).unwrap();
    world.check();
}

#[test]
fn what_was_not_paid_is_given_back_to_its_own_leaf() {
    let tree = tree(70, 50);
    let mut world = world_of(merkle(), &tree);
    prove(&mut world, 7, &tree.claim(2)).unwrap();
    let id = begin(&mut world, &tree.claim(0)).unwrap();
    assert_eq!(claimed(&world, 7), [(Some(2), 50), (Some(0), 70)]);
    assert!(matches!(world.advance(id, Fate::Bounced), Outcome::Failed(_)));
    assert_eq!(claimed(&world, 7), [(Some(2), 50), (Some(0), 0)]);
    prove(&mut world, 7, &tree.claim(0)).unwrap();
    assert_eq!(paid(&world, account(7, 1)), 70 - FEE);
    world.check();
}

/// Payouts that an earlier version began name no leaf: there was one only.
#[test]
fn a_payout_that_names_no_leaf_is_given_back() {
    let tree = tree(70, 50);
    let mut world = world_of(merkle(), &tree);
    let id = begin(&mut world, &tree.claim(0)).unwrap();
    let mut transfer = world.campaign.open_intent(id).unwrap();
    let Purpose::Claim(claim) = &mut transfer.purpose else { panic!("a claim") };
    claim.parts[0].leaf = None;
    world.campaign.save_transfer(id, transfer);
    world.upgrade();
    assert!(matches!(world.advance(id, Fate::Bounced), Outcome::Failed(_)));
    assert_eq!(claimed(&world, 7), [(Some(0), 0)]);
    for n in [0, 2] {
        prove(&mut world, 7, &tree.claim(n)).unwrap();
    }
    world.check();
}

#[test]
fn claims_without_a_proof_are_of_all_leaves() {
    let tree = tree(600, 200);
    let mut world = world_of(vesting(), &tree);
    world.pass(10 * DAY);
    for (n, account, amount) in [(0, account(7, 1), 60), (2, account(7, 2), 20)] {
        prove(&mut world, 7, &tree.claim(n)).unwrap();
        assert_eq!(paid(&world, account), amount - FEE, "a tenth of its own leaf");
    }
    world.pass(10 * DAY);
    let some = ClaimArgs { category: Some(0), amount: Some(Amount(70)), to_subaccount: None };
    let id = world.campaign.begin_claim(person(7), &some, Amount(FEE), world.now).unwrap();
    world.advance(id, Fate::Fine);
    assert_eq!(claimed(&world, 7), [(Some(0), 120), (Some(2), 30)], "in their order");
    world.pass(80 * DAY);
    world.claim(7).unwrap();
    assert_eq!(claimed(&world, 7), [(Some(0), 600), (Some(2), 200)]);
    assert_eq!(world.received(7), 800 - 4 * FEE);
    assert_eq!(prove(&mut world, 7, &tree.claim(2)), Err(Request::NothingLeft.into()));
    world.check();
}

#[test]
fn early_unlocks_take_all_leaves() {
    let tree = tree(600, 200);
    let mut args = vesting();
    args.early_unlock = Some(EarlyUnlock { penalty: 5_000, penalty_to: None, min_lock: 0 });
    let mut world = world_of(args, &tree);
    world.pass(10 * DAY);
    for n in [0, 2] {
        prove(&mut world, 7, &tree.claim(n)).unwrap();
    }
    world.unlock(7, Fate::Fine).unwrap();
    let gone = allocations(&world, 7);
    let gone: Vec<_> = gone.iter().map(|allocation| (allocation.claimed.0, allocation.forfeited.0)).collect();
    assert_eq!(gone, [(60 + 270, 270), (20 + 90, 90)]);
    assert_eq!(world.received(7), 60 + 20 + 270 + 90 - 3 * FEE);
    world.check();
}

/// A leaf cannot be put together with another: its whole may be claimed, however small, and whatever others have left.
#[test]
fn a_small_leaf_is_claimed_beside_a_large_one() {
    let tree = tree(600, 50);
    let mut args = vesting();
    args.minimum_claim = Amount(100);
    let mut world = world_of(args, &tree);
    world.pass(50 * DAY);
    prove(&mut world, 7, &tree.claim(0)).unwrap();
    let small = Request::BelowMinimum { found: Amount(25), minimum: Amount(100), fee: Amount(FEE) };
    assert_eq!(prove(&mut world, 7, &tree.claim(2)), Err(small.into()), "more of it will be unlocked");
    world.pass(50 * DAY);
    prove(&mut world, 7, &tree.claim(2)).unwrap();
    assert_eq!(paid(&world, account(7, 2)), 50 - FEE);
    world.check();
}

#[test]
fn nobody_has_more_leaves_than_a_row_can_hold() {
    let leaves: Vec<_> = (0..=MAX_LEAVES as u8).map(|n| (account(7, n), Amount(20))).collect();
    let tree = Tree::of(canister(), 0, leaves);
    let mut world = world_of(merkle(), &tree);
    let last = MAX_LEAVES as u8;
    for n in 0..last {
        prove(&mut world, 7, &tree.claim(n)).unwrap();
    }
    let before = world.snapshot();
    let refused = prove(&mut world, 7, &tree.claim(last)).unwrap_err().to_string();
    assert!(refused.contains("index") && refused.contains("at most 20"), "{refused}");
    assert_eq!(world.snapshot(), before);
    assert_eq!(prove(&mut world, 7, &tree.claim(0)), Err(Request::NothingLeft.into()), "those that are there stay");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever the order and the faults of the ledger: in the end every leaf has paid its account, once.
    #[test]
    fn every_leaf_pays_its_account_once(
        leaves in prop::collection::vec((1..4_u8, 0..5_u8, 11..40_u128), 1..20),
        acts in prop::collection::vec((any::<u8>(), arb_fate(), arb_fate()), 0..40)
    ) {
        let leaves = leaves.into_iter().map(|(n, subaccount, amount)| (account(n, subaccount), Amount(amount)));
        let leaves: Vec<_> = leaves.collect();
        let tree = Tree::of(canister(), 0, leaves.clone());
        let mut world = world_of(merkle(), &tree);
        for (n, fate, later) in acts {
            if let Ok(id) = begin(&mut world, &tree.claim(n % leaves.len() as u8)) {
                world.advance(id, fate);
            }
            world.pass(HOUR);
            world.round(later);
            prop_assert!(world.campaign.books().balanced());
        }
        world.settle();
        for n in 0..leaves.len() as u8 {
            if let Ok(id) = begin(&mut world, &tree.claim(n)) {
                world.advance(id, Fate::Fine);
            }
            prop_assert_eq!(begin(&mut world, &tree.claim(n)), Err(DistributionError::from(Request::NothingLeft)));
        }
        world.check();
        for (account, _) in &leaves {
            let due: u128 = leaves.iter().filter(|leaf| leaf.0 == *account).map(|leaf| leaf.1.0 - FEE).sum();
            prop_assert_eq!(paid(&world, *account), due);
        }
    }
}
