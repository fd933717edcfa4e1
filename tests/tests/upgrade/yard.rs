//! A token factory with delivered tokens, and the second version of their module.

use crate::client::FactoryClient;
use crate::interface::TOKEN;
use cairn::artifacts::{annotated, wasm};
use cairn_events::{Hash, Principal};
use cairn_kit::api::contract::ContractHealth;
use cairn_kit::api::factory::{Delivered, FactoryError, FactoryRequestError as Request};
use cairn_kit::api::upgrade::{UpgradeInfo, UpgradeStep};
use cairn_tests::factory_fixture::FactoryFixture;
use cairn_tests::invariants::CanisterState;
use cairn_tests::invariants::upgrades::{escaped, stories};
use cairn_tests::log_fixture::person;
use candid::utils::ArgumentEncoder;
use candid::{CandidType, Nat};
use icrc_ledger_types::icrc1::account::Account;
use icrc_ledger_types::icrc1::transfer::{TransferArg, TransferError};
use localnet::Net;
use localnet::management_types::CanisterStatusType;
use serde::de::DeserializeOwned;

/// What the owner of a token has.
const SUPPLY: u64 = 100_000_000_000_000;
/// What the owner has sent to the friend.
const SENT: u64 = 1_234;
const FEE: u64 = 10_000;
/// Seconds between a version's confirmation and its publication.
const DELAY: u64 = 60;
/// The version that every yard has beside the first one.
pub const SECOND: &str = "2.0.0";

pub fn owner() -> Principal {
    person(501)
}

pub fn friend() -> Principal {
    person(502)
}

/// The token's module under another hash.
pub fn edition(name: &str) -> Vec<u8> {
    annotated(wasm("token").unwrap(), "icp:public edition", name.as_bytes())
}

pub struct Yard {
    pub works: FactoryFixture,
    pub factory: FactoryClient,
    /// The module that contracts are delivered with.
    pub first: Hash,
    /// The module of [`SECOND`].
    pub second: Hash,
    pub contracts: Vec<Principal>,
}

impl Yard {
    pub fn open(seed: u64, contracts: u64) -> Yard {
        let works = FactoryFixture::begin(seed, 2, Some(DELAY)).unwrap();
        let (admin, second_admin, none) = (works.log.admin, person(503), Hash([0; 32]));
        let factory = FactoryClient { id: works.factory, admins: [admin, second_admin] };
        let mut yard = Yard { works, factory, first: none, second: none, contracts: Vec::new() };
        let () = yard.call(admin, "grantAdmin", (second_admin,)).unwrap();
        yard.first = yard.release("1.0.0", &wasm("token").unwrap());
        for number in 0..contracts {
            yard.deliver(number);
        }
        yard.second = yard.release(SECOND, &edition("second"));
        yard
    }

    /// A second one in the same state, independent from now on.
    #[must_use]
    pub fn fork(&self) -> Self {
        Yard { works: self.works.fork(), contracts: self.contracts.clone(), ..*self }
    }

    pub fn net(&mut self) -> &mut Net {
        &mut self.works.log.net
    }

    /// The contract, where there is one.
    pub fn contract(&self) -> Principal {
        self.contracts[0]
    }

    /// The module that the network shows.
    pub fn runs(&self, contract: Principal) -> Option<Hash> {
        self.works.log.net.module_hash(contract).map(Hash)
    }

    /// Lets everything happen that happens by itself, again and again.
    pub fn settle(&mut self, times: u32) {
        for _ in 0..times {
            self.works.settle();
        }
    }

    /// Calls the factory.
    pub fn call<T>(&mut self, caller: Principal, method: &str, args: impl ArgumentEncoder) -> Result<T, FactoryError>
    where
        T: CandidType + DeserializeOwned,
    {
        self.factory.call(&mut self.works.log.net, caller, method, args)
    }

    /// Publishes a module as this version.
    pub fn release(&mut self, version: &str, module: &[u8]) -> Hash {
        let hash = self.factory.release(&mut self.works.log.net, version, TOKEN, module);
        self.settle(1);
        hash
    }

    /// Delivers a token, and has some of it sent: it has a history.
    fn deliver(&mut self, number: u64) {
        let (gateway, template) = (self.works.log.gateway, self.first);
        let args = self.works.dispatch(number, owner(), template).unwrap();
        let delivered: Delivered = self.call(gateway, "createContract", (owner(), args)).unwrap();
        self.contracts.push(delivered.contract);
        self.settle(1);
        self.send_to(delivered.contract, friend(), SENT).unwrap();
        self.settle(1);
    }

    /// The owner sends some of a token.
    pub fn send_to(&mut self, contract: Principal, to: Principal, amount: u64) -> Result<Nat, String> {
        let args = TransferArg {
            from_subaccount: None,
            to: Account { owner: to, subaccount: None },
            fee: None,
            created_at_time: None,
            memo: None,
            amount: Nat::from(amount),
        };
        let sent: Result<Result<Nat, TransferError>, _> =
            self.net().update(contract, owner(), "icrc1_transfer", (args,));
        sent.map_err(|reject| reject.to_string())?.map_err(|error| format!("{error:?}"))
    }

    /// The owner asks for an upgrade of the contract.
    pub fn request(&mut self, version: &str) -> Result<UpgradeInfo, FactoryError> {
        self.call(owner(), "requestUpgrade", (self.contract(), Some(version)))
    }

    /// The same; it may run the version already.
    pub fn request_anew(&mut self, version: &str) -> Result<(), FactoryError> {
        match self.request(version) {
            Ok(_) | Err(FactoryError::Request(Request::NotUpgradable { .. })) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// The contract is upgraded, and nothing keeps it from that.
    pub fn upgrade(&mut self, version: &str) {
        self.request(version).unwrap();
        self.settle(1);
        let upgrade = self.last_upgrade();
        assert_eq!((upgrade.step, upgrade.settled), (UpgradeStep::Confirmed, true), "{upgrade:?}");
    }

    pub fn upgrades(&mut self) -> Vec<UpgradeInfo> {
        self.factory.upgrades(&mut self.works.log.net)
    }

    /// The contract's newest upgrade.
    pub fn last_upgrade(&mut self) -> UpgradeInfo {
        let contract = self.contract();
        self.factory.last_upgrade(&mut self.works.log.net, contract)
    }

    /// What owner and friend have.
    fn balances(&mut self, contract: Principal) -> Result<(Nat, Nat), String> {
        let mut of = |owner| {
            let account = Account { owner, subaccount: None };
            self.works.log.net.query::<Nat>(contract, person(99), "icrc1_balance_of", (account,))
        };
        let (one, other) = (of(owner()), of(friend()));
        Ok((one.map_err(|reject| reject.to_string())?, other.map_err(|reject| reject.to_string())?))
    }

    /// What is wrong at rest, whatever the contracts run.
    pub fn violations(&mut self) -> Vec<String> {
        let events = self.works.log.events().unwrap();
        let net = &mut self.works.log.net;
        let state = |id| CanisterState {
            id,
            module_hash: net.module_hash(id).map(Hash),
            controllers: net.controllers(id).unwrap_or_default().into_iter().collect(),
        };
        let canisters: Vec<CanisterState> = net.canisters().into_iter().map(state).collect();
        let mut found = stories(&events, &canisters);
        found.extend(escaped(&events, net.observed()));
        for contract in &self.contracts {
            let status = net.canister_status(*contract);
            if status != Some(CanisterStatusType::Running) {
                found.push(format!("I17: {contract} does not run: {status:?}"));
            }
            let health: Result<ContractHealth, _> = net.query(*contract, person(99), "getContractHealth", ());
            if !health.as_ref().is_ok_and(|health| health.problem.is_none() && !health.quarantined) {
                found.push(format!("I17: {contract} is not well: {health:?}"));
            }
        }
        found
    }

    /// What contracts that are tokens have forgotten.
    pub fn forgotten(&mut self) -> Vec<String> {
        let expected = Ok((Nat::from(SUPPLY - SENT - FEE), Nat::from(SENT)));
        let mut found = Vec::new();
        for contract in self.contracts.clone() {
            let balances = self.balances(contract);
            if balances != expected {
                found.push(format!("I17: {contract} has forgotten something: {balances:?}"));
            }
        }
        found
    }

    /// Nothing is wrong, and every contract is a token that knows everything.
    #[track_caller]
    pub fn check(&mut self) {
        assert_eq!(self.violations(), Vec::<String>::new());
        assert_eq!(self.forgotten(), Vec::<String>::new());
    }
}
