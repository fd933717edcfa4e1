//! Wallets and distributions: what their methods cost them, callbacks included and the ledger aside.

use super::{Row, token};
use crate::log_fixture::{CYCLES, person};
use anyhow::{Context as _, anyhow, ensure};
use cairn::platform::{payment, wallet};
use cairn_events::payload::Account;
use cairn_events::{Amount, Hash, Principal, Timestamp, merkle};
use cairn_kit::api::distribution::{
    Campaign, Category, ClaimArgs, ClaimReceipt, DistributionArgs, DistributionError, DistributionInit, Frequency,
    Funding, Membership, MerkleClaim, MerkleRoot, RecipientArgs, Schedule, TokenInfo, merkle_leaf,
};
use cairn_kit::api::ledger::ledger_account;
use cairn_kit::api::multisig::{ProposalView, WalletError, WalletInit};
use candid::utils::ArgumentEncoder;
use candid::{CandidType, Nat};
use icrc_ledger_types::icrc1::transfer::{TransferArg, TransferError};
use localnet::{Config, Metering, Net};
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::time::Duration;

const SAMPLES: u64 = 20;
/// Leaves of the Merkle tree.
const LEAVES: u64 = 1_000_000;
/// What everybody gets.
const SHARE: Amount = Amount(1_000_000);
/// Recipients that one call names.
const PAGE: u64 = 500;
/// Categories of the distribution of which everything is claimed at once.
const CATEGORIES: u32 = 10;
const DAY: u64 = 86_400_000_000_000;

/// A network with the fee ledger, on which persons hold tokens.
struct Bench {
    net: Net,
    ledger: Principal,
}

impl Bench {
    fn begin() -> anyhow::Result<Self> {
        let mut net = Net::new(Config { metering: Metering::Operators, ..Config::default() });
        let ledger = token::install(&mut net, 100)?;
        Ok(Bench { net, ledger })
    }

    fn install(&mut self, package: &str, argument: &impl CandidType) -> anyhow::Result<Principal> {
        let id = self.net.create_canister(person(0), CYCLES);
        let (module, argument) = (cairn::artifacts::wasm(package)?, candid::encode_one(argument)?);
        self.net.install(id, person(0), &module, argument).map_err(|e| anyhow!("{package}: {e}"))?;
        Ok(id)
    }

    /// Calls `method`; what it cost the callee.
    fn cost<R, E>(
        &mut self,
        callee: Principal,
        caller: Principal,
        method: &str,
        arguments: impl ArgumentEncoder,
    ) -> anyhow::Result<(R, u64)>
    where
        R: CandidType + DeserializeOwned,
        E: CandidType + DeserializeOwned + Display,
    {
        self.net.clear_trace();
        let reply: Result<R, E> = self.net.update(callee, caller, method, arguments).map_err(|e| anyhow!("{e}"))?;
        let own = self.net.trace().iter().filter(|entry| entry.callee == callee).map(|entry| entry.instructions).sum();
        Ok((reply.map_err(|error| anyhow!("{method}: {error}"))?, own))
    }

    fn pay(&mut self, to: Principal, amount: Amount) -> anyhow::Result<()> {
        let argument = TransferArg {
            from_subaccount: None,
            to: ledger_account(Account { owner: to, subaccount: None }),
            fee: None,
            created_at_time: None,
            memo: None,
            amount: Nat::from(amount.0),
        };
        // The minting account: as much as is needed.
        let reply: Result<Nat, TransferError> =
            self.net.update(self.ledger, person(0), "icrc1_transfer", (argument,)).map_err(|e| anyhow!("{e}"))?;
        reply.map(drop).map_err(|error| anyhow!("{error:?}"))
    }
}

pub(super) fn measure(scales: &[u64], mut progress: impl FnMut(&str)) -> anyhow::Result<Vec<Row>> {
    progress("contracts: a wallet");
    let mut rows = measure_wallet()?;
    for scale in scales {
        progress(&format!("contracts: a distribution among {scale}"));
        rows.push(Row::instructions("claim", *scale, measure_claims(*scale)?));
    }
    progress("contracts: a Merkle tree of a million");
    rows.push(Row::instructions("claim_all/10", u64::from(CATEGORIES), measure_claim_of_all()?));
    rows.push(Row::instructions("merkle_claim", LEAVES, measure_merkle_claims()?));
    Ok(rows)
}

fn measure_wallet() -> anyhow::Result<Vec<Row>> {
    let mut bench = Bench::begin()?;
    let signers: Vec<Principal> = (1..=5).map(person).collect();
    let init = WalletInit { wallet: wallet("Bench", &signers, 3), creator: person(1), factory: None, epoch: 1 };
    let id = bench.install("multisig", &init)?;
    bench.pay(id, Amount(1_000_000_000_000))?;
    let (mut proposing, mut approving, mut executing) = (0, 0, 0);
    for _ in 0..SAMPLES {
        let proposal = (payment(bench.ledger, person(50), Amount(5)),);
        let (number, cost) = bench.cost::<u64, WalletError>(id, person(1), "createProposal", proposal)?;
        proposing += cost;
        for n in 2..=4 {
            let (_, cost) =
                bench.cost::<ProposalView, WalletError>(id, person(n), "approveProposal", (number, None::<String>))?;
            approving += cost;
        }
        executing += bench.cost::<ProposalView, WalletError>(id, person(1), "executeProposal", (number,))?.1;
    }
    Ok(vec![
        Row::instructions("wallet/propose", SAMPLES, proposing / SAMPLES),
        Row::instructions("wallet/approve", SAMPLES, approving / SAMPLES / 3),
        Row::instructions("wallet/execute", SAMPLES, executing / SAMPLES),
    ])
}

fn category(name: &str, budget: Amount, members: Membership) -> Category {
    let schedule = Schedule::Linear { duration: 10 * DAY, frequency: Frequency::Daily };
    Category { name: name.to_owned(), budget, members, schedule, initial_unlock: 0, start: None }
}

fn distribution(bench: &Bench, categories: Vec<Category>) -> DistributionInit {
    let args = DistributionArgs {
        title: "Bench".to_owned(),
        description: String::new(),
        public: true,
        campaign: Campaign::Airdrop,
        token: TokenInfo { ledger: bench.ledger, symbol: "FEE".to_owned(), decimals: 8 },
        total: Amount(categories.iter().map(|category| category.budget.0).sum()),
        categories,
        recipients: Vec::new(),
        max_recipients: None,
        registration: None,
        start: Timestamp(bench.net.now() + DAY),
        end: None,
        early_unlock: None,
        minimum_claim: Amount::ZERO,
        claim_limit: None,
        allow_cancel: true,
        allow_modification: true,
        refund_to: None,
    };
    DistributionInit { args, owner: person(1), factory: None, epoch: None }
}

/// Names so many persons in all categories, pays in, and lets half of the time pass.
fn fund(bench: &mut Bench, id: Principal, total: Amount, people: u64, categories: u32) -> anyhow::Result<()> {
    let all: Vec<(u64, u32)> = (0..people).flat_map(|n| (0..categories).map(move |category| (n, category))).collect();
    for page in all.chunks(PAGE as usize) {
        let recipient = |(n, category): &(u64, u32)| RecipientArgs {
            recipient: person(n + 10),
            category: *category,
            amount: SHARE,
            note: None,
        };
        let page: Vec<RecipientArgs> = page.iter().map(recipient).collect();
        bench.cost::<(), DistributionError>(id, person(1), "addRecipients", (page,))?;
    }
    bench.pay(id, total)?;
    bench.cost::<Funding, DistributionError>(id, person(1), "activate", ())?;
    bench.net.advance(Duration::from_nanos(6 * DAY));
    bench.net.run_until_idle(1_000);
    Ok(())
}

fn measure_claims(people: u64) -> anyhow::Result<u64> {
    let mut bench = Bench::begin()?;
    let budget = Amount(SHARE.0 * u128::from(people));
    let init = distribution(&bench, vec![category("All", budget, Membership::Listed)]);
    let id = bench.install("distribution", &init)?;
    fund(&mut bench, id, budget, people, 1)?;
    let mut sum = 0;
    for n in 0..SAMPLES {
        let claimant = person(10 + n * (people / SAMPLES));
        let arguments = (ClaimArgs::default(),);
        let (receipt, cost) = bench.cost::<ClaimReceipt, DistributionError>(id, claimant, "claim", arguments)?;
        ensure!(receipt.claimed.0 == SHARE.0 / 2, "half of the time has passed: {receipt:?}");
        sum += cost;
    }
    Ok(sum / SAMPLES)
}

fn measure_claim_of_all() -> anyhow::Result<u64> {
    let mut bench = Bench::begin()?;
    let people = 100;
    let budget = Amount(SHARE.0 * u128::from(people));
    let categories = (0..CATEGORIES).map(|n| category(&format!("Part {n}"), budget, Membership::Listed)).collect();
    let init = distribution(&bench, categories);
    let (total, id) = (init.args.total, bench.install("distribution", &init)?);
    fund(&mut bench, id, total, people, CATEGORIES)?;
    let mut sum = 0;
    for n in 0..SAMPLES {
        sum += bench.cost::<ClaimReceipt, DistributionError>(id, person(10 + n), "claimAll", ())?.1;
    }
    Ok(sum / SAMPLES)
}

fn measure_merkle_claims() -> anyhow::Result<u64> {
    let mut bench = Bench::begin()?;
    let budget = Amount(SHARE.0 * u128::from(LEAVES));
    let init = distribution(&bench, vec![category("Tree", budget, Membership::Merkle)]);
    let id = bench.install("distribution", &init)?;
    let account = |n: u64| Account { owner: person(n + 10), subaccount: None };
    let mut nodes: Vec<Hash> = Vec::new();
    for n in 0..LEAVES {
        let leaf = merkle_leaf(id, 0, n, account(n), SHARE);
        nodes.extend(merkle::append(n, &leaf, &nodes).context("the tree grows")?);
    }
    let root = merkle::root(LEAVES, &nodes).context("a root")?;
    let tree = MerkleRoot { category: 0, root, leaves: LEAVES };
    bench.cost::<(), DistributionError>(id, person(1), "setMerkleRoot", (tree,))?;
    fund(&mut bench, id, budget, 0, 1)?;
    let mut sum = 0;
    for n in 0..SAMPLES {
        let index = n * (LEAVES / SAMPLES) + 7;
        let proof = merkle::inclusion_proof(index, LEAVES, &nodes).context("a proof")?;
        let claim = MerkleClaim { category: 0, index, account: account(index), allocation: SHARE, proof };
        let claimant = claim.account.owner;
        sum += bench.cost::<ClaimReceipt, DistributionError>(id, claimant, "claimWithMerkleProof", (claim,))?.1;
    }
    Ok(sum / SAMPLES)
}
