//! What the buyer wants, what is done with it once it is there, and what must be true of it at the end.

use super::flow::go_on;
use super::stage::REQUEST;
use super::{Sightings, Stage, distribution};
use crate::invariants::World;
use crate::ledger::Block;
use cairn::platform::{Pending, account, payment, wallet};
use cairn_events::payload::Account;
use cairn_events::topic::Service;
use cairn_events::{Amount, Principal};
use cairn_kit::api::distribution::{ClaimReceipt, DistributionError};
use cairn_kit::api::ledger::ledger_account;
use cairn_kit::api::multisig::{EffectOutcome, ProposalPage, ProposalStatus, WalletError};
use candid::Nat;
use icrc_ledger_types::icrc1::transfer::TransferArg;
use localnet::explore::Subject as _;
use std::time::Duration;

/// What can be bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A token.
    Token,
    /// A wallet of buyer and donor, of which both must approve.
    Wallet,
    /// A lock, whose beneficiary is the donor.
    Lock,
    /// An airdrop to the donor and a friend.
    Airdrop,
}

/// What is put into a contract.
pub(super) const CONTENT: Amount = Amount(100_000_000);
/// What is paid out of the wallet.
const PAYMENT: Amount = Amount(60_000_000);
/// How long a lock holds, and until an airdrop begins.
pub(super) const LOCKED: Duration = Duration::from_secs(2 * 3_600);

impl Wanted {
    /// The service that sells it.
    pub(super) fn service(self) -> Service {
        match self {
            Wanted::Token => Service::Token,
            Wanted::Wallet => Service::Multisig,
            Wanted::Lock | Wanted::Airdrop => Service::Distribution,
        }
    }

    /// How often it pays, if nothing goes wrong.
    fn payments(self) -> usize {
        match self {
            Wanted::Token => 0,
            Wanted::Wallet | Wanted::Lock => 1,
            // Who claims, who leaves early, the penalty, the rest.
            Wanted::Airdrop => 4,
        }
    }

    /// Asks for it, as the buyer.
    pub(super) fn ask(self, stage: &mut Stage) -> Pending {
        let buyer = stage.buyer;
        match self {
            Wanted::Token => {
                let order = stage.order();
                stage.platform.submit_create_token(buyer, order, REQUEST)
            }
            Wanted::Wallet => {
                let order = stage.platform.order_wallet(wallet("Explored", &[buyer, stage.donor], 2));
                stage.platform.submit(buyer, "createMultisig", order, REQUEST)
            }
            Wanted::Lock => {
                let lock = stage.platform.lock(CONTENT, stage.donor, stage.unlock_at);
                let order = stage.platform.order_lock(lock);
                stage.platform.submit(buyer, "createLock", order, REQUEST)
            }
            Wanted::Airdrop => {
                let order = stage.platform.order_distribution(distribution::airdrop(stage));
                stage.platform.submit(buyer, "createDistribution", order, REQUEST)
            }
        }
    }

    /// Does with it what it is for.
    pub(super) fn make_use(self, stage: &mut Stage, seen: &mut Sightings) {
        let Some(contract) = stage.contract() else { return };
        match self {
            Wanted::Token => {}
            Wanted::Wallet => pay_by_wallet(stage, seen, contract),
            Wanted::Lock => distribution::use_lock(stage, seen, contract),
            Wanted::Airdrop => distribution::use_airdrop(stage, seen, contract),
        }
    }

    /// A request that lets a contract whose timer the network has forgotten set it again.
    ///
    /// # Errors
    /// The contract does not answer.
    pub(super) fn rouse(self, stage: &mut Stage, contract: Principal) -> anyhow::Result<()> {
        let (buyer, donor, ledger) = (stage.buyer, stage.donor, stage.platform.ledger);
        match self {
            Wanted::Token => {
                // Whoever of the two holds the token.
                let mut send = |from, to| stage.platform.transfer_on(contract, from, account(to), Amount(1));
                send(buyer, donor).or_else(|_| send(donor, buyer)).map(drop)
            }
            Wanted::Wallet => {
                let mut watch = |method| stage.platform.call::<(), WalletError>(contract, buyer, method, (ledger,));
                watch("addWatchedAsset").or_else(|_| watch("removeWatchedAsset"))
            }
            Wanted::Lock | Wanted::Airdrop => {
                // Refused, or not: whoever asks has the timers set.
                let _: Result<ClaimReceipt, DistributionError> =
                    stage.platform.net.update(contract, donor, "claimAll", ())?;
                Ok(())
            }
        }
    }

    /// What is wrong with it at the end.
    ///
    /// # Errors
    /// It does not answer.
    pub(super) fn check(self, stage: &mut Stage, world: &World, found: &mut Vec<String>) -> anyhow::Result<()> {
        let Some(contract) = stage.contract() else { return Ok(()) };
        let (payments, made) = (self.payments(), outflows(world, contract).len());
        if stage.net().struck_faults().is_empty() && made != payments {
            found.push(format!("{self:?} has paid {made} times, not {payments}, though nothing went wrong"));
        }
        match self {
            Wanted::Token => Ok(()),
            Wanted::Wallet => check_wallet(stage, contract, world, found),
            Wanted::Lock | Wanted::Airdrop => distribution::check(stage, contract, world, found),
        }
    }
}

/// The donor pays something into an account.
pub(super) fn put_in(stage: &mut Stage, seen: &mut Sightings, to: Account, amount: Amount) {
    let argument = TransferArg {
        from_subaccount: None,
        to: ledger_account(to),
        fee: None,
        created_at_time: None,
        memo: None,
        amount: Nat::from(amount.0),
    };
    let (ledger, donor) = (stage.platform.ledger, stage.donor);
    stage.net().submit(ledger, donor, "icrc1_transfer", (argument,));
    go_on(stage, seen);
}

fn pay_by_wallet(stage: &mut Stage, seen: &mut Sightings, wallet: Principal) {
    put_in(stage, seen, account(wallet), CONTENT);
    let (buyer, donor, ledger) = (stage.buyer, stage.donor, stage.platform.ledger);
    stage.net().submit(wallet, buyer, "createProposal", (payment(ledger, donor, PAYMENT),));
    go_on(stage, seen);
    for signer in [buyer, donor] {
        // Whether who proposes approves is the wallet's business.
        stage.net().submit(wallet, signer, "approveProposal", (0_u64, None::<String>));
        go_on(stage, seen);
    }
    for _ in 0..2 {
        // Twice: it is executed once.
        stage.net().submit(wallet, buyer, "executeProposal", (0_u64,));
        go_on(stage, seen);
    }
}

/// What left the contract's account on the fee ledger.
pub(super) fn outflows(world: &World, contract: Principal) -> Vec<&Block> {
    let from = |block: &&Block| block.btype != "2approve" && block.from.is_some_and(|from| from.owner == contract);
    world.blocks.iter().filter(from).collect()
}

/// A proposal was executed once at most, with the approval of both, and its outcome is that of the ledger.
fn check_wallet(stage: &mut Stage, wallet: Principal, world: &World, found: &mut Vec<String>) -> anyhow::Result<()> {
    let nothing = (None::<u64>, None::<u32>, None::<ProposalStatus>);
    let page: Result<ProposalPage, WalletError> =
        stage.platform.net.query(wallet, stage.buyer, "getProposals", nothing)?;
    let proposals = page?.proposals;
    let mut known = Vec::new();
    for proposal in &proposals {
        let effects: Vec<Option<&EffectOutcome>> =
            proposal.effects.iter().map(|effect| effect.outcome.as_ref()).collect();
        let in_doubt = |outcome: &Option<&EffectOutcome>| matches!(outcome, None | Some(EffectOutcome::Unknown { .. }));
        if proposal.status == ProposalStatus::Executing || effects.iter().any(in_doubt) {
            found.push(format!("I13: proposal {} is {} at rest: {effects:?}", proposal.id, proposal.status));
        }
        for outcome in effects.into_iter().flatten() {
            if let EffectOutcome::Transferred { block } = outcome {
                known.push(block.0);
            }
        }
        let signed = proposal.votes.iter().filter(|vote| vote.approves).count();
        if !proposal.effects.is_empty() && signed < 2 {
            found.push(format!("proposal {} was executed with {signed} approvals", proposal.id));
        }
    }
    let paid: Vec<u128> = outflows(world, wallet).iter().map(|block| u128::from(block.index)).collect();
    if paid != known || paid.len() > 1 {
        found.push(format!("the wallet knows of blocks {known:?}, the ledger has {paid:?}"));
    }
    Ok(())
}

impl Stage {
    /// The contract that was delivered to the buyer, if it was.
    pub(super) fn contract(&mut self) -> Option<Principal> {
        self.platform.contract_of(self.buyer, REQUEST).ok().flatten()
    }
}
