//! Locks and airdrops: what is done with them, and that every unit that came in is accounted for (I18).

use super::flow::{go_on, wait};
use super::wanted::{CONTENT, LOCKED, outflows, put_in};
use super::{Sightings, Stage, Wanted};
use crate::invariants::World;
use crate::ledger::Block;
use cairn::platform::{account, user};
use cairn_events::payload::{Account, ContractStatus, Subaccount};
use cairn_events::{Amount, Principal};
use cairn_kit::api::distribution::{
    Campaign, Category, ClaimArgs, DAY, DistributionArgs, DistributionError, EarlyUnlock, RecipientArgs, Schedule,
    Statistics, WHOLE,
};
use cairn_kit::api::ledger::ledger_account;
use candid::Nat;
use icrc_ledger_types::icrc2::approve::ApproveArgs;
use localnet::explore::Subject as _;

/// What each of the two gets from an airdrop.
const SHARE: Amount = Amount(CONTENT.0 / 2);
/// The buyer's account that airdrops are paid from and go back to: the default one shows what the contract itself cost.
const SAVINGS: Subaccount = Subaccount([7; 32]);
/// Deposits that are asked for, and could be paid.
const DEPOSITS: u128 = 2;

/// Who gets something beside the donor.
fn friend() -> Principal {
    user("friend")
}

/// Who gets the penalties.
fn fund() -> Account {
    account(user("fund"))
}

fn savings(stage: &Stage) -> Account {
    Account { owner: stage.buyer, subaccount: Some(SAVINGS) }
}

/// An airdrop to donor and friend. Half of it is theirs at the start, the rest a month later, or at once with a penalty.
pub(super) fn airdrop(stage: &Stage) -> DistributionArgs {
    let lock = stage.platform.lock(CONTENT, stage.donor, stage.unlock_at).into_distribution();
    let staged = |category: Category| Category {
        schedule: Schedule::Single { after: 30 * DAY },
        initial_unlock: WHOLE / 2,
        ..category
    };
    let recipient = |recipient: Principal| RecipientArgs { recipient, category: 0, amount: SHARE, note: None };
    DistributionArgs {
        title: "Airdrop".to_owned(),
        campaign: Campaign::Airdrop,
        categories: lock.categories.into_iter().map(staged).collect(),
        recipients: [stage.donor, friend()].map(recipient).to_vec(),
        max_recipients: None,
        early_unlock: Some(EarlyUnlock { penalty: WHOLE / 5, penalty_to: Some(fund()), min_lock: 0 }),
        allow_cancel: true,
        refund_to: Some(savings(stage)),
        ..lock
    }
}

pub(super) fn use_lock(stage: &mut Stage, seen: &mut Sightings, lock: Principal) {
    put_in(stage, seen, account(lock), CONTENT);
    let (buyer, donor) = (stage.buyer, stage.donor);
    stage.net().submit(lock, buyer, "activate", ());
    go_on(stage, seen);
    wait(stage, seen, LOCKED);
    for _ in 0..2 {
        // Twice: it is paid once.
        stage.net().submit(lock, donor, "claim", (ClaimArgs::default(),));
        go_on(stage, seen);
    }
}

pub(super) fn use_airdrop(stage: &mut Stage, seen: &mut Sightings, airdrop: Principal) {
    approve(stage, seen, airdrop);
    let (buyer, donor) = (stage.buyer, stage.donor);
    for _ in 0..DEPOSITS {
        // Twice: it is paid in once.
        stage.net().submit(airdrop, buyer, "depositTokens", (Some(SAVINGS),));
        go_on(stage, seen);
    }
    wait(stage, seen, LOCKED);
    stage.net().submit(airdrop, donor, "claim", (ClaimArgs::default(),));
    go_on(stage, seen);
    stage.net().submit(airdrop, friend(), "earlyUnlockWithPenalty", (None::<u32>, None::<Subaccount>));
    go_on(stage, seen);
    stage.net().submit(airdrop, buyer, "cancel", ());
    go_on(stage, seen);
}

/// The savings hold what the deposits may take, and let the airdrop take it.
fn approve(stage: &mut Stage, seen: &mut Sightings, airdrop: Principal) {
    let Amount(fee) = stage.platform.ledger_fee;
    let allowance = DEPOSITS * (CONTENT.0 + fee);
    put_in(stage, seen, savings(stage), Amount(allowance + fee));
    let argument = ApproveArgs {
        from_subaccount: Some(SAVINGS.0),
        spender: ledger_account(account(airdrop)),
        amount: Nat::from(allowance),
        expected_allowance: None,
        expires_at: None,
        fee: None,
        memo: None,
        created_at_time: None,
    };
    let (ledger, buyer) = (stage.platform.ledger, stage.buyer);
    stage.net().submit(ledger, buyer, "icrc2_approve", (argument,));
    go_on(stage, seen);
}

/// I18: what came in is paid, charged, or still there; nobody is paid twice, or more than was allocated.
pub(super) fn check(
    stage: &mut Stage,
    contract: Principal,
    world: &World,
    found: &mut Vec<String>,
) -> anyhow::Result<()> {
    let statistics: Result<Statistics, DistributionError> =
        stage.platform.net.query(contract, stage.buyer, "getStats", ())?;
    let statistics = statistics?;
    let outflows = outflows(world, contract);
    sums(&statistics, &outflows, found);
    payees(stage, &outflows, found);
    let Statistics { deposited, remaining, dust, .. } = statistics;
    let held: Account = account(contract);
    let Amount(balance) = stage.platform.balance(held)?;
    // A plain transfer counts once it is activated.
    let is_counted = stage.wanted == Wanted::Airdrop || deposited > Amount::ZERO;
    if is_counted && balance != remaining.0 + dust.0 {
        found.push(format!("I18: {remaining} and {dust} should be there, {balance} are"));
    }
    Ok(())
}

fn sums(statistics: &Statistics, outflows: &[&Block], found: &mut Vec<String>) {
    let Statistics { deposited, paid, fees, refunded, penalties, remaining, dust, open_transfers, quarantined, .. } =
        statistics;
    let out = paid.0 + refunded.0 + penalties.0;
    let gone = out + fees.0;
    if deposited.0 != gone + remaining.0 + dust.0 {
        found.push(format!("I18: {deposited} came in; {gone} are gone, {remaining} and {dust} are there"));
    }
    if (*open_transfers, *quarantined) != (0, 0) {
        found.push(format!("I13: {open_transfers} transfers are open at rest, {quarantined} in quarantine"));
    }
    if statistics.status == ContractStatus::Cancelled && *remaining > Amount::ZERO {
        found.push(format!("I18: cancelled, and {remaining} did not go back"));
    }
    let (sent, charged) =
        outflows.iter().fold((0, 0), |(sent, charged), block| (sent + block.amount.0, charged + block.fee.0));
    if (sent, charged) != (out, fees.0) {
        found.push(format!("I18: {out} paid and {fees} fees are known of, the ledger has {sent} and {charged}"));
    }
}

fn payees(stage: &Stage, outflows: &[&Block], found: &mut Vec<String>) {
    let donor = account(stage.donor);
    let (share, once, back) = match stage.wanted {
        Wanted::Airdrop => (SHARE, vec![donor, account(friend()), fund()], Some(savings(stage))),
        _ => (CONTENT, vec![donor], None),
    };
    for payee in &once {
        let payments = outflows.iter().filter(|block| block.to == Some(*payee));
        let taken: Vec<u128> = payments.map(|block| block.amount.0 + block.fee.0).collect();
        if taken.len() > 1 || taken.iter().sum::<u128>() > share.0 {
            found.push(format!("I18: {taken:?} was paid to {}, whose share is {share}", payee.owner));
        }
    }
    for block in outflows {
        if block.to.is_none_or(|to| !once.contains(&to) && Some(to) != back) {
            found.push(format!("I18: block {} pays somebody else", block.index));
        }
    }
}
