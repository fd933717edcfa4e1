//! What people do with wallets, locks and airdrops: money goes in, and comes out when two have signed, or in the evening.

use super::people::{Kind, Wish, name_of};
use super::scene::Scene;
use crate::platform::{account, payment};
use anyhow::{Context, Result};
use cairn_events::{Amount, Principal};
use cairn_kit::api::distribution::{ClaimArgs, ClaimReceipt, DistributionError, Funding, PayoutStatus};
use cairn_kit::api::multisig::{EffectOutcome, ProposalStatus, ProposalView, WalletError};
use std::time::Duration;

/// What is put into each of them.
pub const CONTENT: Amount = Amount(90_000_000);
/// What each of three gets from an airdrop.
pub const SHARE: Amount = Amount(CONTENT.0 / 3);
/// What is paid out of a wallet.
const PAYMENT: Amount = Amount(60_000_000);

/// A wallet, lock or airdrop that is in use.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// What was wanted.
    pub wish: Wish,
    /// What was delivered.
    pub contract: Principal,
    /// What is to be signed, if it is a wallet.
    proposal: Option<u64>,
}

impl Use {
    /// Who is to get how much of it in the end, where the ledger charges `fee`.
    pub fn payouts(&self, fee: Amount) -> Vec<(Principal, Amount)> {
        let [first, _, last] = self.wish.friends;
        let after_fee = |amount: Amount| amount.saturating_sub(fee);
        match self.wish.kind {
            Kind::Token => Vec::new(),
            Kind::Wallet => vec![(last, PAYMENT)],
            Kind::Lock => vec![(first, after_fee(CONTENT))],
            Kind::Airdrop => self.wish.friends.map(|friend| (friend, after_fee(SHARE))).to_vec(),
        }
    }

    /// Who is to claim.
    fn claimants(&self) -> Vec<Principal> {
        self.payouts(Amount::ZERO).into_iter().map(|(person, _)| person).collect()
    }
}

/// Puts money into the wallets, locks and airdrops among `wishes`. None comes out yet.
pub fn begin(scene: &mut Scene<'_>, wishes: &[Wish]) -> Result<()> {
    for wish in wishes.iter().filter(|wish| wish.kind != Kind::Token) {
        let contract = scene.platform.contract_of(wish.owner, &wish.request())?.context(wish.name)?;
        let needed = Amount(CONTENT.0 + scene.platform.ledger_fee.0);
        scene.platform.fund(wish.owner, needed)?;
        scene.platform.transfer(wish.owner, account(contract), CONTENT)?;
        let proposal = match wish.kind {
            Kind::Wallet => Some(propose(scene, wish, contract)?),
            _ => None,
        };
        let used = Use { wish: *wish, contract, proposal };
        if proposal.is_none() {
            activate(scene, &used)?;
        }
        scene.uses.push(used);
    }
    Ok(())
}

/// The owner proposes a payment, and signs it; that is not enough.
fn propose(scene: &mut Scene<'_>, wish: &Wish, wallet: Principal) -> Result<u64> {
    let (platform, name) = (&mut scene.platform, wish.name);
    let [.., payee] = wish.friends;
    let proposal = payment(platform.ledger, payee, PAYMENT);
    let id = platform.call::<u64, WalletError>(wallet, wish.owner, "createProposal", (proposal,))?;
    let early: Result<ProposalView, WalletError> = platform.net.update(wallet, wish.owner, "executeProposal", (id,))?;
    match early {
        Err(refusal) => scene.tell(format!("  {name}, a wallet with {CONTENT}, is to pay {PAYMENT}: {refusal}")),
        Ok(_) => scene.expect(false, || format!("{name} paid with one signature")),
    }
    Ok(id)
}

/// What was put in is enough; nobody can claim before the evening.
fn activate(scene: &mut Scene<'_>, used: &Use) -> Result<()> {
    let Use { wish: Wish { owner, name, .. }, contract, .. } = *used;
    scene.platform.call::<Funding, DistributionError>(contract, owner, "activate", ())?;
    let greedy = claim(scene, contract, owner)?;
    scene.expect(greedy.is_err(), || format!("{name} paid its owner: {greedy:?}"));
    let claimants = used.claimants();
    for person in &claimants {
        let early = claim(scene, contract, *person)?;
        scene.expect(early.is_err(), || format!("{name} paid too early: {early:?}"));
    }
    let count = claimants.len();
    scene.tell(format!("  {name} holds {CONTENT}: {count} asked before the evening, and got nothing"));
    Ok(())
}

/// In the evening the second ones sign, and everybody claims what is theirs.
pub fn end(scene: &mut Scene<'_>) -> Result<()> {
    let rest = scene.evening.0.saturating_sub(scene.platform.net.now());
    scene.platform.pass(Duration::from_nanos(rest).as_secs() + 1);
    scene.tell("Evening: wallets get their second signature, locks and airdrops open.");
    for used in scene.uses.clone() {
        match used.proposal {
            Some(id) => sign(scene, &used, id)?,
            None => pay_out(scene, &used)?,
        }
    }
    Ok(())
}

/// Another one signs: the wallet pays, once.
fn sign(scene: &mut Scene<'_>, used: &Use, id: u64) -> Result<()> {
    let Use { wish: Wish { owner, friends: [second, ..], name, .. }, contract, .. } = *used;
    let platform = &mut scene.platform;
    platform.call::<ProposalView, WalletError>(contract, second, "approveProposal", (id, None::<String>))?;
    let done = platform.call::<ProposalView, WalletError>(contract, owner, "executeProposal", (id,))?;
    let again: Result<ProposalView, WalletError> = platform.net.update(contract, second, "executeProposal", (id,))?;
    scene.expect(again.is_err(), || format!("{name} executed a proposal twice"));
    match done.effects.first().and_then(|effect| effect.outcome.as_ref()) {
        Some(EffectOutcome::Transferred { block }) if done.status == ProposalStatus::Executed => {
            scene.tell(format!("  {name} has paid {PAYMENT} with block {block}"));
        }
        _ => scene.expect(false, || format!("{name} has not paid: {done:?}")),
    }
    Ok(())
}

/// Everybody has theirs, once.
fn pay_out(scene: &mut Scene<'_>, used: &Use) -> Result<()> {
    let Use { wish: Wish { name, .. }, contract, .. } = *used;
    for person in used.claimants() {
        let who = name_of(person).unwrap_or("somebody");
        match claim(scene, contract, person)? {
            Ok(ClaimReceipt { amount, status: PayoutStatus::Paid { block: Some(block) }, .. }) => {
                scene.tell(format!("  {who} has {amount} from {name} with block {block}"));
            }
            other => scene.expect(false, || format!("{name} has not paid {who}: {other:?}")),
        }
        let again = claim(scene, contract, person)?;
        scene.expect(again.is_err(), || format!("{name} paid {who} twice: {again:?}"));
    }
    Ok(())
}

fn claim(
    scene: &mut Scene<'_>,
    contract: Principal,
    person: Principal,
) -> Result<Result<ClaimReceipt, DistributionError>> {
    Ok(scene.platform.net.update(contract, person, "claim", (ClaimArgs::default(),))?)
}
