//! The distribution's methods.

use super::many::{page, serves};
use super::{Bounds, Method, method, plain, shown};
use cairn_events::merkle::{Frontier, leaf_hash, verify_inclusion};
use cairn_events::payload::{Account, Subaccount};
use cairn_events::testing::principal;
use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::api::distribution::{
    Campaign, Category, ClaimArgs, ClaimLimit, Condition, DAY, DistributionArgs, DistributionInit, EarlyUnlock,
    Eligibility, Frequency, LockArgs, Logic, Membership, MerkleClaim, MerkleRoot, RecipientArgs, RegisterArgs,
    RegistrationPeriod, Schedule, Step, TokenInfo, Tranche, merkle_leaf,
};
use candid::Nat;

/// What people may send, and what owners may.
const OWN: Bounds = Bounds::own(8_000, 50);
const LISTS: Bounds = Bounds::own(100_000, 50);
/// Leaves of the Merkle tree.
const LEAVES: u64 = 2;

fn token() -> TokenInfo {
    TokenInfo { ledger: principal(30), symbol: "SYM".to_owned(), decimals: 8 }
}

fn account(number: u64) -> Account {
    Account { owner: principal(number), subaccount: Some(Subaccount([7; 32])) }
}

/// A category of each membership, with another schedule each.
fn categories() -> Vec<Category> {
    let frequency = Frequency::Every(DAY / 24);
    let conditions = vec![
        Condition::Whitelist,
        Condition::TokenHolder { ledger: principal(30), minimum: Amount(5) },
        Condition::NftHolder { collection: principal(31), count: 2 },
    ];
    let open = |eligibility| Membership::Open { allocation: Amount(10), eligibility, max_participants: Some(9) };
    let parts = [
        (Membership::Listed, Schedule::Linear { duration: 90 * DAY, frequency }),
        (Membership::Listed, Schedule::Cliff { cliff: DAY, share: 1_000, vesting: DAY, frequency: Frequency::Daily }),
        (Membership::Merkle, Schedule::Instant),
        (open(Eligibility::Hybrid { logic: Logic::And, conditions }), Schedule::Single { after: DAY }),
        (
            open(Eligibility::If(Condition::Whitelist)),
            Schedule::Stepped(vec![Step { after: DAY, share: 4_000 }, Step { after: 2 * DAY, share: 6_000 }]),
        ),
        (open(Eligibility::Open), Schedule::Custom(vec![Tranche { at: Timestamp(2_000 * DAY), amount: Amount(3) }])),
    ];
    let category = |(number, (members, schedule)): (u32, _)| Category {
        name: format!("Category {number}"),
        budget: Amount(1_000),
        members,
        schedule,
        initial_unlock: 0,
        start: None,
    };
    (0..).zip(parts).map(category).collect()
}

fn recipients() -> Vec<RecipientArgs> {
    let recipient = |number| RecipientArgs {
        recipient: principal(number),
        category: (number % 2) as u32,
        amount: Amount(100),
        note: (number == 1).then(|| "note".to_owned()),
    };
    (1..6).map(recipient).collect()
}

/// A distribution with everything that a distribution can have.
pub(super) fn distribution() -> DistributionArgs {
    let categories = categories();
    let start = Timestamp(1_000 * DAY);
    DistributionArgs {
        title: "Title".to_owned(),
        description: "Description".to_owned(),
        public: true,
        campaign: Campaign::LaunchpadDistribution { launchpad: principal(8) },
        token: token(),
        total: Amount(1_000 * categories.len() as u128),
        categories,
        recipients: recipients(),
        max_recipients: Some(50),
        registration: Some(RegistrationPeriod { from: Timestamp(DAY), until: start, max_participants: Some(9) }),
        start,
        end: Some(Timestamp(9_000 * DAY)),
        early_unlock: Some(EarlyUnlock { penalty: 500, penalty_to: Some(account(4)), min_lock: DAY }),
        minimum_claim: Amount(1),
        claim_limit: Some(ClaimLimit { claims: 3, window: DAY }),
        allow_cancel: true,
        allow_modification: false,
        refund_to: Some(account(5)),
    }
}

pub(super) fn lock() -> LockArgs {
    LockArgs {
        title: "Title".to_owned(),
        description: String::new(),
        public: false,
        token: token(),
        amount: Amount(1_000),
        beneficiary: principal(2),
        unlock_at: Timestamp(1_000 * DAY),
        early_unlock: None,
    }
}

/// The canister whose leaves they are.
fn canister() -> Principal {
    principal(6)
}

/// The first leaf of a tree.
fn claim() -> MerkleClaim {
    let (account, allocation) = (account(1), Amount(100));
    let other = merkle_leaf(canister(), 2, 1, account, allocation);
    MerkleClaim { category: 2, index: 0, account, allocation, proof: vec![leaf_hash(&other)] }
}

/// Whether the leaf is in the tree.
fn proves(claim: &MerkleClaim) -> bool {
    let MerkleClaim { category, index, account, allocation, proof } = claim;
    let leaf = merkle_leaf(canister(), *category, *index, *account, *allocation);
    let root = tree().root;
    [u64::MAX, LEAVES].into_iter().any(|leaves| verify_inclusion(&leaf, *index, leaves, proof, &root))
}

fn tree() -> MerkleRoot {
    let mut tree = Frontier::default();
    for index in 0..LEAVES {
        tree.push(&merkle_leaf(canister(), 2, index, account(1), Amount(100)));
    }
    MerkleRoot { category: 2, root: tree.root(), leaves: LEAVES }
}

pub(super) fn methods() -> anyhow::Result<Vec<Method>> {
    let people: Vec<Principal> = (1..5).map(principal).collect();
    let init =
        DistributionInit { args: distribution(), owner: principal(1), factory: Some(principal(9)), epoch: Some(3) };
    let register = RegisterArgs { category: 3, nfts: vec![(principal(31), Nat::from(1_u128 << 90))] };
    let claim_args = ClaimArgs { category: Some(1), amount: Some(Amount(5)), to_subaccount: account(1).subaccount };
    Ok(vec![
        method(Bounds::PLAIN, (init,), |(init,)| init.args.check().is_ok())?.of(&["distribution.init"]),
        method(OWN, (claim(),), |(claim,)| proves(claim))?
            .of(&["distribution.claimWithMerkleProof", "distribution.verifyMerkleProof"]),
        plain(OWN, (claim_args,))?.of(&["distribution.claim"]),
        plain(OWN, (register,))?.of(&["distribution.registerForCampaign"]),
        plain(OWN, (account(1).subaccount,))?.of(&["distribution.depositTokens"]),
        plain(OWN, (tree(),))?.of(&["distribution.setMerkleRoot"]),
        plain(OWN, (Some(2_u32), account(1).subaccount))?.of(&["distribution.earlyUnlockWithPenalty"]),
        plain(LISTS, (recipients(),))?.of(&["distribution.addRecipients"]),
        plain(LISTS, (vec![(principal(1), 0_u32), (principal(2), 1)],))?.of(&["distribution.removeRecipients"]),
        plain(LISTS, (3_u32, people.clone()))?.of(&["distribution.addToWhitelist", "distribution.removeFromWhitelist"]),
        plain(LISTS, (people,))?.of(&["distribution.addToBlacklist", "distribution.removeFromBlacklist"]),
        plain(Bounds::PLAIN, (Some(principal(1)),))?.of(&["distribution.getClaimable"]),
        plain(Bounds::PLAIN, (Some(principal(1)), Some(20_u32)))?.of(&["distribution.getRecipients"]),
        shown(LISTS, (page(),), |(request,)| serves(request))?.of(&["distribution.http_request"]),
    ])
}
