//! A platform that sells everything, with a delivered contract of each kind, and the second version of its code.

use crate::client::FactoryClient;
use crate::interface::{DISTRIBUTION, TOKEN, WALLET};
use cairn::artifacts::{annotated, wasm};
use cairn::platform::{Options, Platform, account, token, user, wallet};
use cairn_events::topic::Service;
use cairn_events::{Amount, Hash, Principal, Timestamp};
use cairn_kit::api::contract::ContractHealth;
use cairn_kit::api::distribution::{
    Campaign, ClaimReceipt, DAY, DistributionArgs, DistributionError, Frequency, Funding, Schedule,
};
use cairn_kit::api::multisig::{self, ContractCall, ProposalArgs, ProposalStatus, ProposalView, WalletError};
use cairn_kit::api::upgrade::{UpgradeInfo, UpgradeStep};
use cairn_tests::invariants;
use cairn_tests::invariants::upgrades::escaped;
use cairn_tests::witness::witness;
use candid::utils::ArgumentEncoder;
use localnet::{Action, Fault};
use serde_bytes::ByteBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

/// What wallet and friend have of the fee token.
pub const CONTENT: Amount = Amount(100_000_000);
/// What the distribution gives each of two people, within ten days from the second one on.
pub const SHARE: Amount = Amount(50_000_000);
/// The version that contracts are upgraded to.
pub const SECOND: &str = "2.0.0";
const SECONDS_A_DAY: u64 = 86_400;

/// Booted once; every test has a fork of its own.
static BOOTED: LazyLock<Mutex<Estate>> = LazyLock::new(|| Mutex::new(Estate::boot()));

/// Who has bought everything, and is one of the wallet's two signers.
pub fn buyer() -> Principal {
    user("buyer")
}

/// The other signer; gets something from the distribution.
pub fn friend() -> Principal {
    user("friend")
}

/// A delivered contract.
#[derive(Clone, Copy)]
pub struct Contract {
    pub service: Service,
    pub id: Principal,
    pub interface: &'static str,
    /// The module of [`SECOND`].
    pub second: Hash,
}

pub struct Estate {
    pub platform: Platform,
    contracts: [Contract; 3],
}

/// Two people's vesting of the fee token.
fn vesting(platform: &Platform) -> DistributionArgs {
    let start = Timestamp(platform.net.now() + DAY);
    let mut vesting = platform.airdrop(&[friend(), user("third")], SHARE, start).unwrap();
    vesting.campaign = Campaign::Vesting;
    for category in &mut vesting.categories {
        category.schedule = Schedule::Linear { duration: 10 * DAY, frequency: Frequency::Daily };
    }
    vesting
}

fn client(platform: &Platform, service: Service) -> FactoryClient {
    let id = platform.factory_of(service).unwrap();
    FactoryClient { id, admins: [platform.admin, Platform::second_admin()] }
}

/// The contract that was bought under the name of its package, and its second version, which is published now.
fn prepare(platform: &mut Platform, service: Service, package: &str, interface: &'static str) -> Contract {
    let id = platform.contract_of(buyer(), package).unwrap().unwrap();
    let module = annotated(wasm(package).unwrap(), "icp:public edition", b"second");
    let factory = client(platform, service);
    Contract { service, id, interface, second: factory.release(&mut platform.net, SECOND, interface, &module) }
}

impl Estate {
    pub fn open() -> Estate {
        let booted = BOOTED.lock().unwrap_or_else(PoisonError::into_inner);
        let mut estate = Estate { platform: booted.platform.fork(), contracts: booted.contracts };
        estate.platform.net.observe();
        estate
    }

    fn boot() -> Estate {
        let options = Options { seed: 47, pool: 3, every_service: true, ..Options::default() };
        let mut platform = Platform::boot_with(options).unwrap();
        platform.afford(buyer(), 3).unwrap();
        platform.fund(buyer(), Amount(10 * CONTENT.0)).unwrap();
        let order = platform.order(token(buyer(), "Moon", "MOON"));
        platform.create_token(buyer(), order, "token").unwrap().unwrap();
        let order = platform.order_wallet(wallet("Two of us", &[buyer(), friend()], 2));
        platform.create_wallet(buyer(), order, "multisig").unwrap().unwrap();
        let order = platform.order_distribution(vesting(&platform));
        platform.create(buyer(), "createDistribution", order, "distribution").unwrap().unwrap();
        platform.settle().unwrap();
        let contracts = [
            prepare(&mut platform, Service::Token, "token", TOKEN),
            prepare(&mut platform, Service::Multisig, "multisig", WALLET),
            prepare(&mut platform, Service::Distribution, "distribution", DISTRIBUTION),
        ];
        platform.settle().unwrap();
        Estate { platform, contracts }
    }

    pub fn contract(&self, service: Service) -> Contract {
        let contract = self.contracts.iter().find(|contract| contract.service == service);
        *contract.unwrap()
    }

    /// The factory of a service.
    pub fn factory(&self, service: Service) -> FactoryClient {
        client(&self.platform, service)
    }

    /// Brings everything to rest; no invariant may be violated, and nobody has called from quarantine.
    #[track_caller]
    pub fn rest(&mut self) {
        self.platform.settle().unwrap();
        let world = witness(&mut self.platform).unwrap();
        let mut found = invariants::violations(&world);
        found.extend(escaped(&world.events, self.platform.net.observed()));
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    // ---- the wallet ----

    /// A signer proposes something, and approves it by that.
    pub fn propose(&mut self, proposal: ProposalArgs) -> u64 {
        let wallet = self.contract(Service::Multisig).id;
        self.platform.call::<u64, WalletError>(wallet, buyer(), "createProposal", (proposal,)).unwrap()
    }

    /// The other signer approves it, too, and it is executed.
    pub fn carry_out(&mut self, proposal: u64) -> ProposalView {
        let wallet = self.contract(Service::Multisig).id;
        let vote = (proposal, None::<String>);
        self.platform.call::<ProposalView, WalletError>(wallet, friend(), "approveProposal", vote).unwrap();
        let executed =
            self.platform.call::<ProposalView, WalletError>(wallet, buyer(), "executeProposal", (proposal,)).unwrap();
        assert_eq!(executed.status, ProposalStatus::Executed, "{executed:?}");
        executed
    }

    /// Both signers want the wallet to call a canister, and it does.
    pub fn have_called(&mut self, canister: Principal, method: &str, args: impl ArgumentEncoder, cycles: u64) {
        let args = ByteBuf::from(candid::encode_args(args).unwrap());
        let call = ContractCall { canister, method: method.to_owned(), args, cycles };
        let proposal = self.propose(ProposalArgs {
            title: "Call".to_owned(),
            description: String::new(),
            action: multisig::Action::ContractCall(call),
            lifetime: None,
            depends_on: Vec::new(),
        });
        self.carry_out(proposal);
    }

    // ---- the distribution ----

    /// Pays in what the distribution gives out, and lets half of it vest.
    pub fn fund_distribution(&mut self) {
        let distribution = self.contract(Service::Distribution).id;
        self.platform.transfer(buyer(), account(distribution), Amount(2 * SHARE.0)).unwrap();
        self.platform.call::<Funding, DistributionError>(distribution, buyer(), "activate", ()).unwrap();
        self.pass_days(6);
    }

    /// The friend claims what there is.
    pub fn claim(&mut self) -> Result<ClaimReceipt, DistributionError> {
        let distribution = self.contract(Service::Distribution).id;
        self.platform.net.update(distribution, friend(), "claimAll", ()).unwrap()
    }

    pub fn pass_days(&mut self, days: u64) {
        self.platform.pass(days * SECONDS_A_DAY);
    }

    // ---- upgrades ----

    /// The contract's second version is asked for, by whoever decides: of a wallet only itself.
    pub fn ask_for_upgrade(&mut self, contract: Contract) {
        let (factory, args) = (self.factory(contract.service), (contract.id, Some(SECOND)));
        if contract.service == Service::Multisig {
            self.have_called(factory.id, "requestUpgrade", args, 0);
        } else {
            let _: UpgradeInfo = factory.call(&mut self.platform.net, buyer(), "requestUpgrade", args).unwrap();
        }
    }

    /// The same, and it comes to be.
    pub fn upgrade(&mut self, contract: Contract) -> UpgradeInfo {
        self.ask_for_upgrade(contract);
        self.rest();
        self.confirmed(contract)
    }

    /// The contract's last upgrade, which was confirmed.
    #[track_caller]
    pub fn confirmed(&mut self, contract: Contract) -> UpgradeInfo {
        let upgrade = self.last_upgrade(contract);
        assert_eq!((upgrade.step, upgrade.settled), (UpgradeStep::Confirmed, true), "{upgrade:?}");
        assert_eq!(self.runs(contract), Some(contract.second));
        upgrade
    }

    pub fn last_upgrade(&mut self, contract: Contract) -> UpgradeInfo {
        self.factory(contract.service).last_upgrade(&mut self.platform.net, contract.id)
    }

    /// The module that the network shows.
    pub fn runs(&self, contract: Contract) -> Option<Hash> {
        self.platform.net.module_hash(contract.id).map(Hash)
    }

    /// Upgrades the contract as far as to its quarantine: the factory does not hear how it is, until the faults end.
    pub fn hold_in_quarantine(&mut self, contract: Contract) {
        let factory = self.factory(contract.service).id;
        let silence = Fault::new(Action::Silence).callee(contract.id).method("getContractHealth");
        self.platform.net.inject(silence);
        self.ask_for_upgrade(contract);
        self.platform.pass(1);
        assert_eq!(self.platform.net.struck_faults().len(), 1);
        assert_eq!(self.runs(contract), Some(contract.second));
        let health: ContractHealth = self.platform.net.query(contract.id, factory, "getContractHealth", ()).unwrap();
        assert!(health.quarantined, "{health:?}");
    }
}
