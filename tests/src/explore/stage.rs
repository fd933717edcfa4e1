//! What flows are played on: a platform, and those who use it.

use super::wanted::LOCKED;
use super::{Flow, Wanted};
use cairn::artifacts;
use cairn::platform::{Options, Order, Pending, Platform, account, ledger_upgrade, token, user};
use cairn_events::{Amount, DeploymentId, Principal, Timestamp};
use cairn_kit::api::contract::ContractHealth;
use localnet::explore::Subject;
use localnet::{Action, Answer, Fault, Incident, Message, Net, Reject};
use std::collections::BTreeMap;

/// A platform with a buyer who can afford two tokens, somebody who sends money where it does not belong, and two
/// templates, of which the second one is sold.
pub struct Stage {
    /// The platform.
    pub platform: Platform,
    /// Who buys.
    pub buyer: Principal,
    /// Who donates.
    pub donor: Principal,
    /// The private reference that the buyer pays under.
    pub reference: Option<&'static str>,
    /// What the buyer wants.
    pub wanted: Wanted,
    /// When a lock of the buyer's ends.
    pub unlock_at: Timestamp,
    /// What the buyer has at the start.
    pub funds: Amount,
    /// Canisters at the start.
    pub canisters: usize,
    /// Cycles of all canisters at the start.
    pub cycles: u128,
}

impl Subject for Stage {
    fn fork(&self) -> Self {
        Stage { platform: self.platform.fork(), ..*self }
    }

    fn net(&mut self) -> &mut Net {
        &mut self.platform.net
    }
}

impl Stage {
    /// Boots a platform that sells tokens, and lets it come to rest.
    ///
    /// # Errors
    /// Something does not build, or was refused.
    pub fn boot(seed: u64) -> anyhow::Result<Stage> {
        let mut platform = Platform::boot(seed)?;
        let module = artifacts::annotated(artifacts::wasm("token")?, "icp:public edition", b"second");
        platform.template = platform.release("2.0.0", &module)?;
        Stage::of(platform)
    }

    /// Boots a platform that sells everything there is, and lets it come to rest.
    ///
    /// # Errors
    /// Something does not build, or was refused.
    pub fn boot_all(seed: u64) -> anyhow::Result<Stage> {
        Stage::of(Platform::boot_with(Options { seed, every_service: true, pool: 5, ..Options::default() })?)
    }

    fn of(mut platform: Platform) -> anyhow::Result<Stage> {
        let (buyer, donor) = (user("buyer"), user("donor"));
        platform.afford(buyer, 2)?;
        platform.fund(donor, platform.price)?;
        platform.afford(donor, 1)?;
        platform.settle()?;
        let funds = platform.balance(account(buyer))?;
        let (canisters, cycles) = (platform.net.canisters().len(), cycles(&platform.net));
        let (wanted, unlock_at) = (Wanted::Token, Timestamp(platform.net.now() + LOCKED.as_nanos() as u64));
        Ok(Stage { platform, buyer, donor, reference: None, wanted, unlock_at, funds, canisters, cycles })
    }

    /// The id of the buyer's deployment.
    pub fn deployment(&self) -> DeploymentId {
        self.platform.deployment_id(self.buyer, REQUEST)
    }

    /// What the buyer asks for: the template as quoted at the start.
    pub fn order(&self) -> Order {
        let mut order = self.platform.order(token(self.buyer, "Explored", "XPL"));
        order.agreed.template = Some(self.platform.template);
        order.billing_reference = self.reference.map(str::to_owned);
        order
    }

    /// The buyer asks, always under the same request id.
    pub fn ask(&mut self) -> Pending {
        self.wanted.ask(self)
    }

    /// The donor asks for a token, too.
    pub fn ask_for_another(&mut self) -> Pending {
        let order = self.platform.order(token(self.donor, "Another", "ANR"));
        self.platform.submit_create_token(self.donor, order, REQUEST)
    }

    /// What may happen to a message of the flow: whatever the network permits; the fee ledger, which is foreign, may lie
    /// to whoever calls it; canisters, the contract among them, may be stopped, upgraded, drained. The host of the invoices
    /// has a part only where it is rebuilt, a factory only where it is asked to deliver.
    pub(super) fn choice(&self, flow: Flow) -> impl Fn(&Message) -> Vec<Action> + Send + Sync + 'static {
        let (ledger, invoices) = (self.platform.ledger, self.platform.invoices);
        let (at_work, idle): (Vec<_>, Vec<_>) =
            self.platform.factories().into_iter().partition(|(service, _)| *service == flow.service());
        let idle: Vec<Principal> = idle.into_iter().map(|(_, id)| id).collect();
        let nothing = candid::encode_args(()).unwrap_or_default();
        let platform = self.platform.canisters().into_iter().map(|(_, id)| id);
        let contracts = at_work.into_iter().flat_map(|(_, factory)| self.made_by(factory));
        let mut upgrades: BTreeMap<Principal, Vec<u8>> =
            platform.chain(contracts).map(|id| (id, nothing.clone())).collect();
        upgrades.insert(ledger, ledger_upgrade().unwrap_or_default());
        move |message| {
            let ends = [message.caller, message.callee];
            if flow != Flow::Rebuilt && ends.contains(&invoices) || ends.iter().any(|end| idle.contains(end)) {
                return Vec::new();
            }
            let mut actions = Action::possible_at(message);
            if message.callee == ledger {
                actions.extend(Answer::garbage().map(Action::Answer));
            }
            for canister in ends {
                if let Some(arg) = upgrades.get(&canister) {
                    actions.extend(Incident::of(canister, arg).map(Action::Before));
                }
            }
            actions
        }
    }

    /// The canisters that a factory has made ahead: one of them becomes the contract.
    fn made_by(&self, factory: Principal) -> Vec<Principal> {
        let net = &self.platform.net;
        let is_its = |id: &Principal| net.controllers(*id).is_some_and(|controllers| controllers.contains(&factory));
        net.canisters().into_iter().filter(is_its).collect()
    }

    /// Has the factory confirm the contracts that an incident has upgraded: as if by the factory, their first controller, so
    /// until then they answer nobody else. Whether there are any.
    pub(super) fn confirm(&mut self) -> bool {
        let Some(factory) = self.platform.factory_of(self.wanted.service()) else { return false };
        let mut upgraded: Vec<Principal> = self.net().struck_faults().iter().filter_map(upgraded).collect();
        upgraded.retain(|contract| self.is_in_quarantine(*contract, factory));
        for contract in &upgraded {
            self.net().submit(*contract, factory, "confirmUpgrade", ());
        }
        !upgraded.is_empty()
    }

    fn is_in_quarantine(&mut self, contract: Principal, factory: Principal) -> bool {
        let health: Result<ContractHealth, Reject> = self.net().query(contract, factory, "getContractHealth", ());
        health.is_ok_and(|health| health.quarantined)
    }
}

/// The canister that a fault has upgraded.
fn upgraded(fault: &Fault) -> Option<Principal> {
    match &fault.action {
        Action::Before(Incident::Upgrade { canister, .. }) => Some(*canister),
        _ => None,
    }
}

/// The request id of all that the buyer asks for.
pub(super) const REQUEST: &str = "explored";

/// Cycles of all canisters.
pub(super) fn cycles(net: &Net) -> u128 {
    net.canisters().into_iter().filter_map(|id| net.cycles(id)).sum()
}
