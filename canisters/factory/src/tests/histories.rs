//! Contracts that tell what they are through messages that are lost, doubled and late: in the end the index has what they
//! are, and it is the fold of the log.

use super::world::{Word, World};
use crate::callback::notify;
use cairn_events::payload::{ContractStatus, Notification, ProposalCreated, Role};
use cairn_events::topic::Service;
use cairn_events::{Event, Family, Hash, LogId, Payload, Principal, SCHEMA_VERSION, Timestamp};
use cairn_kit::api::factory::NumberedNotification;
use cairn_kit::notify::testing::People;
use cairn_kit::notify::{Memories, Outbox, Outcome};
use cairn_kit::runtime::{self, testing::run};
use cairn_projections::contracts::{self, Filter};
use cairn_projections::{Contracts, Definition, MemoryTables};
use ic_stable_structures::DefaultMemoryImpl;
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Something that happens to a contract, or to its messages.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// The state changes.
    Give(Role, u8, bool),
    Show(bool),
    Stand(ContractStatus),
    Propose,
    /// A batch is sent and answered.
    Deliver,
    /// A batch is sent and lost.
    Drop,
    /// A batch is sent and accepted, its answer lost.
    Unanswered,
    /// A batch that was sent before arrives again, whichever.
    Repeat(prop::sample::Index),
    /// Time passes, and the code is replaced.
    Upgrade,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let role = prop::sample::select(Role::ALL.as_slice());
    let status = prop::sample::select(ContractStatus::ALL.as_slice());
    let act = prop_oneof![
        8 => (role, 0u8..5, any::<bool>()).prop_map(|(role, who, has)| Act::Give(role, who, has)),
        1 => any::<bool>().prop_map(Act::Show),
        1 => status.prop_map(Act::Stand),
        1 => Just(Act::Propose),
        4 => Just(Act::Deliver),
        2 => Just(Act::Drop),
        2 => Just(Act::Unanswered),
        3 => any::<prop::sample::Index>().prop_map(Act::Repeat),
        1 => Just(Act::Upgrade),
    ];
    prop::collection::vec(act, 0..60)
}

fn who(number: u8) -> Principal {
    Principal::from_slice(&[0x77, number])
}

struct Teller {
    id: Principal,
    own: People,
    outbox: Outbox,
    sent: Vec<(u64, Vec<NumberedNotification>)>,
    proposals: u64,
}

impl Teller {
    fn new(id: Principal) -> Self {
        let manager = MemoryManager::init(DefaultMemoryImpl::default());
        let [state, changes, numbered, facts] = [0, 1, 2, 3].map(|id| manager.get(MemoryId::new(id)));
        let mut outbox = Outbox::open(Memories { state, changes, numbered, facts });
        outbox.begin(Some(runtime::id()), 1);
        let own = People { roles: BTreeMap::new(), public: true, status: ContractStatus::Active };
        Teller { id, own, outbox, sent: Vec::new(), proposals: 0 }
    }

    fn act(&mut self, act: Act, world: &World) {
        match act {
            Act::Give(role, person, has) => {
                if self.own.roles.insert((role, who(person)), has).unwrap_or_default() != has {
                    self.outbox.role_changed(role, who(person), has);
                }
            }
            Act::Show(public) => {
                if std::mem::replace(&mut self.own.public, public) != public {
                    self.outbox.visibility_changed(public);
                }
            }
            Act::Stand(status) => {
                let before = std::mem::replace(&mut self.own.status, status);
                self.outbox.status_changed(before, status);
            }
            Act::Propose => {
                self.proposals += 1;
                let created = ProposalCreated { proposal: self.proposals, proposer: who(0) };
                self.outbox.fact(Notification::ProposalCreated(created));
            }
            Act::Deliver => self.deliver(true, true),
            Act::Drop => self.deliver(false, false),
            Act::Unanswered => self.deliver(true, false),
            Act::Repeat(which) => {
                if !self.sent.is_empty() {
                    let (epoch, batch) = which.get(&self.sent).clone();
                    // Its sender does not wait for it any more.
                    let _ = run(notify::<Word>(self.id, self.id, epoch, batch));
                }
            }
            Act::Upgrade => {
                world.network.advance(Duration::from_secs(1_000));
                world.upgrade();
            }
        }
    }

    fn deliver(&mut self, arrives: bool, answered: bool) {
        let batch = self.outbox.next_batch(&self.own);
        if batch.is_empty() {
            return;
        }
        let epoch = self.outbox.state().epoch;
        self.sent.push((epoch, batch.clone()));
        let mut outcome = Outcome::Unknown("no answer".to_owned());
        if arrives {
            let answer = run(notify::<Word>(self.id, self.id, epoch, batch));
            if answered {
                outcome = Outcome::Answered(answer);
            }
        }
        self.outbox.settle(outcome, Timestamp(runtime::now()));
    }
}

/// The index, folded from the log of the model.
pub fn index(world: &World) -> MemoryTables {
    let definition = Definition::of::<Contracts>();
    let mut tables = MemoryTables::default();
    for recorded in &world.model.borrow().events {
        if !recorded.payload.kind().families().contains(&Family::Contracts) {
            continue;
        }
        let event = Event {
            index: recorded.receipt.index,
            schema: SCHEMA_VERSION,
            log: LogId(Hash([0; 32])),
            timestamp: recorded.receipt.timestamp,
            stream: recorded.payload.stream(runtime::id()),
            stream_version: recorded.receipt.stream_version,
            actor: recorded.actor,
            source: runtime::id(),
            source_seq: recorded.source_seq,
            correlation: recorded.correlation,
            causation: recorded.causation,
            links: Vec::new(),
            payload: recorded.payload.clone(),
            parent: None,
        };
        (definition.apply)(&mut tables, &event);
    }
    tables
}

fn history(acts: Vec<Act>) {
    let world = World::ready();
    let contract = world.create(&world.dispatch(1, "word")).unwrap().contract;
    world.wait();
    let mut teller = Teller::new(contract);
    acts.into_iter().for_each(|act| teller.act(act, &world));
    // Nothing fails any more, and budgets are renewed.
    let mut rounds = 0;
    while teller.outbox.has_work() && rounds < 100 {
        teller.deliver(true, true);
        world.network.advance(Duration::from_secs(600));
        rounds += 1;
    }
    assert!(!teller.outbox.has_work(), "{:?}", teller.outbox.state().last_error);
    world.check();

    let tables = index(&world);
    let found = contracts::contract(&tables, contract).unwrap();
    assert_eq!((found.public, found.status, found.complete), (teller.own.public, teller.own.status, true));
    let told: BTreeSet<(Role, Principal)> =
        contracts::roles(&tables, contract, None, 100).rows.iter().map(|role| (role.role, role.person)).collect();
    let own: BTreeSet<(Role, Principal)> =
        teller.own.roles.iter().filter(|(_, has)| **has).map(|(key, _)| *key).collect();
    assert_eq!(told, own, "the index has what the contract is");
    for (role, person) in &own {
        let filter = Filter { status: Some(teller.own.status), public: teller.own.public };
        let listed = contracts::by_role(&tables, (*person, *role, Service::Token), filter, None, 10);
        assert_eq!((listed.rows.len(), listed.total), (1, 1));
    }
    let accepted: Vec<u64> = world
        .model
        .borrow()
        .events
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::CallbackAccepted(accepted) => Some(accepted.seq),
            _ => None,
        })
        .collect();
    assert_eq!(accepted, (1..=accepted.len() as u64).collect::<Vec<_>>(), "each number once, in order");
    assert_eq!(world.folded().claims.values().filter(|claim| claim.held).count(), own.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_becomes_of_messages_the_index_has_what_contracts_are(acts in acts()) {
        // Every factory has a thread of its own.
        std::thread::spawn(move || history(acts)).join().map_err(|_| TestCaseError::fail("see above"))?;
    }
}
