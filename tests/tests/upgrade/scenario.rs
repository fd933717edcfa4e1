//! What an owner asks for, and what may come of it, whatever goes wrong.

use crate::standin::StandIn;
use crate::yard::{SECOND, Yard, edition, owner};
use cairn_events::Hash;
use cairn_kit::api::factory::FactoryError;
use cairn_kit::api::upgrade::UpgradeStep;
use localnet::explore::Subject;
use localnet::{Action, Incident, Message, Net};
use std::time::Duration;

const THIRD: &str = "3.0.0";
const FOURTH: &str = "4.0.0";

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// A version that is as it should be.
    Sound,
    /// One that cannot be installed: it traps.
    Traps,
    /// One that answers nothing.
    Mute,
    /// One that says of itself that it is not well.
    Unwell,
    /// A sound one, for a contract that does not want to be upgraded.
    Refused,
}

impl Scenario {
    pub const ALL: [Scenario; 5] =
        [Scenario::Sound, Scenario::Traps, Scenario::Mute, Scenario::Unwell, Scenario::Refused];

    fn version(self) -> &'static str {
        match self {
            Scenario::Sound => SECOND,
            Scenario::Traps | Scenario::Mute | Scenario::Unwell => THIRD,
            Scenario::Refused => FOURTH,
        }
    }

    /// How it ends if nothing else goes wrong, and the code of the reason.
    pub fn end(self) -> (UpgradeStep, Option<&'static str>) {
        match self {
            Scenario::Sound => (UpgradeStep::Confirmed, None),
            Scenario::Traps => (UpgradeStep::Abandoned, Some("install_refused")),
            Scenario::Mute => (UpgradeStep::RolledBack, Some("no_health")),
            Scenario::Unwell => (UpgradeStep::RolledBack, Some("unhealthy")),
            Scenario::Refused => (UpgradeStep::Abandoned, Some("refused")),
        }
    }
}

/// A scenario, and the yard that it is played on.
pub struct Play {
    pub scenario: Scenario,
    pub yard: Yard,
    /// The module that the contract runs at first.
    pub before: Hash,
    /// A sound version that may follow, and its module.
    pub sound: (&'static str, Hash),
}

impl Subject for Play {
    fn fork(&self) -> Self {
        Play { yard: self.yard.fork(), ..*self }
    }

    fn net(&mut self) -> &mut Net {
        self.yard.net()
    }
}

impl Play {
    pub fn new(scenario: Scenario, seed: u64) -> Play {
        let mut yard = Yard::open(seed, 1);
        let (mut before, mut sound) = (yard.first, (SECOND, yard.second));
        let stand_in = match scenario {
            Scenario::Sound => None,
            Scenario::Traps => Some(StandIn::well().trapping()),
            Scenario::Mute => Some(StandIn::mute()),
            Scenario::Unwell => Some(StandIn::unwell()),
            Scenario::Refused => Some(StandIn::reluctant()),
        };
        let third = stand_in.map(|stand_in| yard.release(THIRD, &stand_in.module()));
        if let (Scenario::Refused, Some(reluctant)) = (scenario, third) {
            yard.upgrade(THIRD);
            before = reluctant;
            sound = (FOURTH, yard.release(FOURTH, &edition("fourth")));
        }
        Play { scenario, yard, before, sound }
    }

    /// The owner asks, and what follows in the next minute.
    pub fn run(&mut self) {
        let (factory, contract) = (self.yard.factory.id, self.yard.contract());
        let version = self.scenario.version();
        let net = self.yard.net();
        net.observe();
        net.submit(factory, owner(), "requestUpgrade", (contract, Some(version)));
        for _ in 0..6 {
            net.run_until_idle(200);
            net.advance(Duration::from_secs(10));
        }
    }

    /// Ends the faults and lets everything come to rest; what is violated then. The contract runs a module that it may
    /// run, has forgotten nothing, and can be upgraded still.
    pub fn examine(&mut self) -> Vec<String> {
        self.come_to_rest();
        let mut found = self.yard.violations();
        if let Some(open) = self.yard.upgrades().into_iter().find(|upgrade| !upgrade.settled) {
            found.push(format!("I17: not settled: {open:?}"));
        }
        let runs = self.yard.runs(self.yard.contract());
        let (_, asked_for) = self.sound;
        let is_upgraded = self.scenario == Scenario::Sound && runs == Some(asked_for);
        if !is_upgraded && runs != Some(self.before) {
            found.push(format!("I17: it runs {runs:?}"));
        }
        // What is reluctant is no token: what it has kept is seen afterwards.
        if self.scenario != Scenario::Refused {
            found.extend(self.yard.forgotten());
        }
        found.extend(self.move_on());
        found
    }

    fn come_to_rest(&mut self) {
        self.yard.net().clear_faults();
        self.yard.settle(1);
        // Whatever a trap has cost the factory of its timer, the backend gives back.
        let (factory, gateway) = (self.yard.factory.id, self.yard.works.log.gateway);
        let _: Result<Result<(), FactoryError>, _> = self.yard.net().update(factory, gateway, "wake", ());
        self.yard.settle(4);
    }

    /// Upgrades the contract to a sound version: by its owner, or by two admins if it does not want that.
    fn move_on(&mut self) -> Vec<String> {
        let ((version, module), contract) = (self.sound, self.yard.contract());
        let asked = match self.scenario {
            Scenario::Refused => self.yard.factory.force(&mut self.yard.works.log.net, contract, version).map(drop),
            _ => self.yard.request_anew(version),
        };
        let mut found: Vec<String> =
            asked.err().map(|error| format!("I17: asked again: {error}")).into_iter().collect();
        self.yard.settle(1);
        if self.yard.runs(contract) != Some(module) {
            found.push("I17: it cannot be upgraded any more".to_owned());
        }
        found.extend(self.yard.violations());
        found.extend(self.yard.forgotten());
        found
    }

    /// What may happen to a message: whatever the network permits; where the factory has a part, it is upgraded, and the
    /// contract loses its cycles.
    pub fn choice(&self) -> impl Fn(&Message) -> Vec<Action> + Send + Sync + 'static {
        let (factory, contract) = (self.yard.factory.id, self.yard.contract());
        let arg = candid::encode_args(()).unwrap();
        move |message| {
            let mut actions = Action::possible_at(message);
            if message.caller == factory || message.callee == factory {
                actions.push(Action::Before(Incident::Upgrade { canister: factory, arg: arg.clone() }));
                actions.push(Action::Before(Incident::DrainCycles { canister: contract }));
            }
            actions
        }
    }
}
