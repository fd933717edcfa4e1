//! Whatever contracts tell, and whatever people say of it: every list of the index is what a scan of the log finds.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use cairn_events::payload::*;
use cairn_events::testing::{AUDIT, BACKEND, Dice, FACTORY, PEOPLE, TestLog, principal};
use cairn_events::topic::Service;
use cairn_events::{Amount, DeploymentId, Event, Hash, Payload, Principal};
use cairn_projections::contracts::{self, Assignment, CanisterState, Contract, Filter, Listed, Prefix, Standing};
use cairn_projections::{Contracts, Definition, MemoryTables, Moment};
use proptest::prelude::*;
use std::collections::BTreeMap;

const SERVICES: [Service; 2] = [Service::Token, Service::Multisig];
const NAMES: [&str; 7] =
    ["Cairn", "cairn of stones", "CAIRN", "Öre", "öre two", "", "A name of more than thirty-two bytes, A"];
const SYMBOLS: [Option<&str>; 4] = [Some("STONE"), Some("stone"), Some("ÖRE"), None];
const PREFIXES: [&str; 8] = ["", "c", "CAIRN", "cairn of", "ö", "ÖRE T", "a name of more t", "none"];

fn person(number: u64) -> Principal {
    principal(PEOPLE + number)
}

fn contract(number: u64) -> Principal {
    principal(5_000 + number)
}

fn ledger(number: u64) -> Principal {
    principal(9_000 + number)
}

/// A log of contracts' lives: so many events of a few contracts, in any order.
fn lives(seed: u64, events: u64, reclaiming: bool) -> TestLog {
    let mut log = TestLog::begin(principal(AUDIT), principal(BACKEND), [7; 32]);
    let mut dice = Dice(seed);
    let factory = principal(FACTORY);
    for number in 0..8 {
        log.append(factory, factory, Payload::ContractCreated(ContractCreated { contract: contract(number) }));
    }
    for _ in 0..events {
        let (payload, actor) = something(&mut dice, reclaiming);
        log.append(factory, actor, payload);
    }
    log
}

/// What may happen to one of the contracts, and by whom.
fn something(dice: &mut Dice, reclaiming: bool) -> (Payload, Principal) {
    // The last of them is never created.
    let (contract, someone) = (contract(dice.below(9)), person(dice.below(6)));
    let deployment = DeploymentId(Hash([contract.as_slice()[7]; 32]));
    let payload = match dice.below(if reclaiming { 41 } else { 40 }) {
        0..5 => register(dice, contract, deployment, someone),
        5..8 => Payload::ContractObserved(ContractObserved {
            contract,
            module_hash: Some(Hash([dice.below(3) as u8; 32])),
            controllers: vec![someone],
            known: dice.one_in(2),
        }),
        8..14 => {
            let role = Role::ALL[dice.below(2) as usize];
            let answer = RoleAnswer::ALL[dice.below(3) as usize];
            Payload::RoleAnswered(RoleAnswered { contract, role, answer })
        }
        14 => {
            let (accepted, found) = (Hash([1; 32]), Hash([2; 32]));
            Payload::CallbackQuarantined(CallbackQuarantined { contract, epoch: 1, seq: 1, accepted, found })
        }
        15..40 => {
            let notification = notification(dice, someone);
            Payload::CallbackAccepted(CallbackAccepted { contract, epoch: 1, seq: 1, notification })
        }
        _ => Payload::ContractReclaimed(ContractReclaimed { contract, deployment, reason: Reason::new("late", "") }),
    };
    (payload, someone)
}

fn register(dice: &mut Dice, contract: Principal, deployment: DeploymentId, owner: Principal) -> Payload {
    Payload::ContractRegistered(ContractRegistered {
        contract,
        deployment,
        service: SERVICES[dice.below(2) as usize],
        owner,
        controllers: vec![owner],
        name: NAMES[dice.below(NAMES.len() as u64) as usize].to_owned(),
        symbol: SYMBOLS[dice.below(SYMBOLS.len() as u64) as usize].map(str::to_owned),
        token: [None, Some(ledger(0)), Some(ledger(1)), Some(contract)][dice.below(4) as usize],
        public: dice.one_in(2),
        epoch: 1,
    })
}

fn notification(dice: &mut Dice, someone: Principal) -> Notification {
    match dice.below(20) {
        0 => Notification::DeploymentComplete,
        1 => Notification::ProposalCreated(ProposalCreated { proposal: 1, proposer: someone }),
        2 => Notification::Burn(Movement { token: None, from: Some(someone), to: None, amount: Amount(1) }),
        3..6 => Notification::VisibilityChanged(dice.one_in(2)),
        6..9 => Notification::StatusChanged(ContractStatus::ALL[dice.below(6) as usize]),
        // Two roles are given and taken often, the others sometimes.
        9..18 => Notification::of_role(Role::ALL[dice.below(2) as usize], someone, !dice.one_in(3)),
        _ => Notification::of_role(Role::ALL[dice.below(6) as usize], someone, !dice.one_in(3)),
    }
}

/// One contract as a scan of the log finds it.
#[derive(Clone, Default)]
struct Life {
    registered: Option<(Moment, ContractRegistered)>,
    visibility: Option<bool>,
    status: Option<ContractStatus>,
    foreign: bool,
    quarantined: u64,
    complete: bool,
    /// Since when, and whether it is a claim.
    roles: BTreeMap<(Role, Principal), (Moment, bool)>,
    /// Whether accepted, and whether hidden.
    answers: BTreeMap<(Role, Principal), (bool, bool)>,
}

impl Life {
    fn is_public(&self) -> bool {
        self.registered.as_ref().is_some_and(|(_, registered)| self.visibility.unwrap_or(registered.public))
    }
    fn status(&self) -> ContractStatus {
        self.status.unwrap_or(ContractStatus::Active)
    }
    fn is_hidden(&self, role: Role, person: Principal) -> bool {
        self.answers.get(&(role, person)).is_some_and(|answer| answer.1)
    }
    fn passes(&self, filter: Filter) -> bool {
        filter.status.is_none_or(|status| status == self.status()) && (self.is_public() || !filter.public)
    }
    fn of(&self, service: Service) -> Option<&(Moment, ContractRegistered)> {
        self.registered.as_ref().filter(|(_, registered)| registered.service == service)
    }
    fn assignment(&self, role: Role, person: Principal) -> Option<Assignment> {
        let (since, claimed) = *self.roles.get(&(role, person))?;
        let accepted = self.answers.get(&(role, person)).is_some_and(|answer| answer.0);
        let standing = match (accepted, claimed) {
            (true, _) => Standing::Accepted,
            (false, true) => Standing::Claimed,
            (false, false) => Standing::Told,
        };
        Some(Assignment { role, person, since, standing, hidden: self.is_hidden(role, person) })
    }
}

/// Every contract that was created, as a scan of the log finds it.
fn scan(events: &[Event]) -> BTreeMap<Principal, Life> {
    let mut all: BTreeMap<Principal, Life> = BTreeMap::new();
    for event in events {
        let at = Moment::of(event);
        if let Payload::ContractCreated(created) = &event.payload {
            all.insert(created.contract, Life::default());
        }
        if let Payload::ContractRegistered(registered) = &event.payload {
            let life = all.entry(registered.contract).or_default();
            life.registered.get_or_insert((at, registered.clone()));
        }
        if let Payload::ContractReclaimed(reclaimed) = &event.payload {
            all.insert(reclaimed.contract, Life::default());
        }
        let Some(life) = event.payload.contract().and_then(|contract| all.get_mut(&contract)) else { continue };
        match &event.payload {
            Payload::ContractObserved(observed) => life.foreign = !observed.known,
            Payload::CallbackQuarantined(_) => life.quarantined += 1,
            Payload::RoleAnswered(answered) => {
                let answer = life.answers.entry((answered.role, event.actor)).or_default();
                match answered.answer {
                    RoleAnswer::Accepted => answer.0 = true,
                    RoleAnswer::Hidden => answer.1 = true,
                    RoleAnswer::Shown => answer.1 = false,
                }
            }
            Payload::CallbackAccepted(callback) => match callback.notification {
                Notification::DeploymentComplete => life.complete = true,
                Notification::VisibilityChanged(public) => life.visibility = Some(public),
                Notification::StatusChanged(status) => life.status = Some(status),
                other => {
                    let foreign = life.foreign;
                    match other.role() {
                        Some((role, person, true)) => {
                            let given = life.roles.entry((role, person)).or_insert((at, foreign));
                            given.1 &= foreign;
                        }
                        Some((role, person, false)) => drop(life.roles.remove(&(role, person))),
                        None => {}
                    }
                }
            },
            _ => {}
        }
    }
    all
}

fn replay(events: &[Event]) -> MemoryTables {
    let definition = Definition::of::<Contracts>();
    let mut tables = MemoryTables::default();
    for event in feed(events) {
        (definition.apply)(&mut tables, event);
    }
    tables
}

fn feed(events: &[Event]) -> impl Iterator<Item = &Event> {
    events.iter().filter(|event| event.payload.kind().families().contains(&cairn_events::Family::Contracts))
}

/// Every page in turn; each has the same count, and that is how many there are.
fn pages<R, C>(limit: usize, page: impl Fn(Option<C>, usize) -> Listed<R, C>) -> Vec<R> {
    let (mut rows, mut cursor) = (Vec::new(), None);
    loop {
        let Listed { rows: more, next, total } = page(cursor, limit);
        assert!(more.len() == limit || next.is_none() && more.len() < limit, "only the last page is short");
        rows.extend(more);
        cursor = next;
        if cursor.is_none() {
            assert_eq!(total, rows.len() as u64, "the count is of all");
            return rows;
        }
    }
}

fn filters() -> Vec<Filter> {
    let statuses = [None].into_iter().chain(ContractStatus::ALL.map(Some));
    statuses.flat_map(|status| [true, false].map(|public| Filter { status, public })).collect()
}

fn ids(rows: &[Contract]) -> Vec<Principal> {
    rows.iter().map(|row| row.contract).collect()
}

/// Contracts by the moments given, the newest first.
fn newest(found: impl Iterator<Item = (Moment, Principal)>) -> Vec<Principal> {
    let mut found: Vec<(Moment, Principal)> = found.collect();
    found.sort_unstable();
    found.into_iter().rev().map(|(_, contract)| contract).collect()
}

/// Every query of the index against a scan.
fn check(tables: &MemoryTables, all: &BTreeMap<Principal, Life>, limit: usize) {
    for (id, life) in all {
        check_contract(tables, *id, life, limit);
    }
    for service in SERVICES {
        for filter in filters() {
            check_lists(tables, all, (service, filter), limit);
            check_tokens(tables, all, (service, filter), limit);
        }
        for prefix in PREFIXES {
            check_names(tables, all, (service, prefix), limit);
        }
    }
    let (listed, public) =
        (all.values().filter(|life| life.registered.is_some()), all.values().filter(|it| it.is_public()));
    let counts = contracts::counts(tables);
    assert_eq!((counts.listed, counts.public), (listed.count() as u64, public.count() as u64));
    assert_eq!(counts.empty + counts.listed, all.len() as u64);
}

fn check_contract(tables: &MemoryTables, id: Principal, life: &Life, limit: usize) {
    let found = contracts::contract(tables, id);
    let Some((at, registered)) = &life.registered else {
        assert_eq!((found, contracts::state(tables, id)), (None, Some(CanisterState::Empty)));
        return;
    };
    let found = found.unwrap();
    assert_eq!((&found.name, &found.symbol, found.owner), (&registered.name, &registered.symbol, registered.owner));
    assert_eq!(found.token, registered.token);
    assert_eq!((found.registered, found.public, found.status), (*at, life.is_public(), life.status()));
    assert_eq!((found.known, found.quarantined, found.complete), (!life.foreign, life.quarantined, life.complete));
    let counts = [found.holders, found.signers, found.observers, found.recipients, found.participants, found.members];
    let count = |role: &Role| life.roles.keys().filter(|key| key.0 == *role).count() as u64;
    assert_eq!(counts.to_vec(), Role::ALL.iter().map(count).collect::<Vec<_>>());
    let shown = life.roles.keys().filter(|(role, person)| !life.is_hidden(*role, *person));
    let shown: Vec<Assignment> = shown.map(|(role, person)| life.assignment(*role, *person).unwrap()).collect();
    assert_eq!(pages(limit, |cursor, limit| contracts::roles(tables, id, cursor, limit)), shown);
    for (role, someone) in Role::ALL.into_iter().flat_map(|role| (0..6).map(move |number| (role, person(number)))) {
        assert_eq!(contracts::role(tables, id, role, someone), life.assignment(role, someone));
    }
    for number in 0..6 {
        let has_role = life.roles.keys().any(|key| key.1 == person(number));
        let concerned = has_role || registered.owner == person(number);
        assert_eq!(contracts::concerns(tables, &found, person(number)), concerned);
    }
}

fn check_lists(
    tables: &MemoryTables,
    all: &BTreeMap<Principal, Life>,
    (service, filter): (Service, Filter),
    limit: usize,
) {
    let of = || all.iter().filter_map(|(id, life)| Some((*id, life, life.of(service)?)));
    let passing = || of().filter(|(_, life, _)| life.passes(filter));
    let found = pages(limit, |cursor, limit| contracts::by_service(tables, service, filter, cursor, limit));
    assert_eq!(ids(&found), newest(passing().map(|(id, _, (at, _))| (*at, id))));
    for symbol in SYMBOLS.into_iter().flatten() {
        let found =
            pages(limit, |cursor, limit| contracts::by_symbol(tables, (service, symbol), filter, cursor, limit));
        let same = |it: &Option<String>| it.as_ref().is_some_and(|it| it.to_lowercase() == symbol.to_lowercase());
        let expected = passing().filter(|(_, _, (_, registered))| same(&registered.symbol));
        assert_eq!(ids(&found), newest(expected.map(|(id, _, (at, _))| (*at, id))));
    }
    for someone in (0..6).map(person) {
        let found =
            pages(limit, |cursor, limit| contracts::by_creator(tables, (someone, service), filter, cursor, limit));
        let expected = passing().filter(|(_, _, (_, registered))| registered.owner == someone);
        assert_eq!(ids(&found), newest(expected.map(|(id, _, (at, _))| (*at, id))));
        for role in Role::ALL {
            let found = pages(limit, |cursor, limit| {
                contracts::by_role(tables, (someone, role, service), filter, cursor, limit)
            });
            let given = passing().filter_map(|(id, life, _)| Some((id, life.assignment(role, someone)?)));
            let given: Vec<(Principal, Assignment)> = given.filter(|(_, it)| !(filter.public && it.hidden)).collect();
            assert_eq!(ids(&found), newest(given.iter().map(|(id, assignment)| (assignment.since, *id))));
            for row in found {
                let connection = row.connection.unwrap();
                let assignment = all[&row.contract].assignment(role, someone).unwrap();
                assert_eq!((connection.role, connection.since), (role, assignment.since));
                assert_eq!((connection.standing, connection.hidden), (assignment.standing, assignment.hidden));
            }
        }
    }
}

fn check_tokens(
    tables: &MemoryTables,
    all: &BTreeMap<Principal, Life>,
    (service, filter): (Service, Filter),
    limit: usize,
) {
    // Of the last ledger there is nothing.
    for token in (0..3).map(ledger).chain((0..9).map(contract)) {
        let found = pages(limit, |cursor, limit| contracts::by_token(tables, (token, service), filter, cursor, limit));
        let passing = all.iter().filter(|(_, life)| life.passes(filter));
        let of = passing.filter_map(|(id, life)| Some((*id, life.of(service)?)));
        let about = of.filter(|(_, (_, registered))| registered.token == Some(token));
        assert_eq!(ids(&found), newest(about.map(|(id, (at, _))| (*at, id))));
    }
}

fn check_names(
    tables: &MemoryTables,
    all: &BTreeMap<Principal, Life>,
    (service, prefix): (Service, &str),
    limit: usize,
) {
    let known = Prefix::new(prefix).unwrap();
    let found = pages(limit, |cursor: Option<contracts::NameCursor>, limit| {
        contracts::find(tables, (service, known), cursor.as_ref(), limit)
    });
    // Names are told apart by their first 32 bytes; none of those here is cut within a character.
    let key = |name: &str| name.to_lowercase().bytes().take(32).collect::<Vec<_>>();
    let of = all.iter().filter(|(_, life)| life.is_public()).filter_map(|(id, life)| Some((*id, life.of(service)?)));
    let named = of.filter(|(_, (_, registered))| registered.name.to_lowercase().starts_with(&prefix.to_lowercase()));
    let mut named: Vec<_> = named.map(|(id, (at, registered))| (key(&registered.name), *at, id)).collect();
    named.sort_unstable();
    assert_eq!(ids(&found), named.into_iter().map(|(_, _, id)| id).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_list_is_what_a_scan_finds(seed: u64, events in 1u64..300, limit in 1usize..6, reclaiming: bool) {
        let log = lives(seed, events, reclaiming);
        check(&replay(&log.events), &scan(&log.events), limit);
    }

    #[test]
    fn in_how_many_parts_it_is_settled_makes_no_difference(seed: u64, events in 1u64..200, part in 1usize..4) {
        let log = lives(seed, events, true);
        let definition = Definition::of::<Contracts>();
        let mut tables = MemoryTables::default();
        for event in feed(&log.events) {
            (definition.begin)(&mut tables, event);
            while !(definition.settle)(&mut tables, part) {}
        }
        prop_assert_eq!(tables, replay(&log.events));
    }

    #[test]
    fn nothing_remains_of_reclaimed_contracts(seed: u64, events in 1u64..200) {
        let mut log = lives(seed, events, false);
        let factory = principal(FACTORY);
        let canisters = scan(&log.events).len();
        for number in 0..9 {
            let (contract, deployment) = (contract(number), DeploymentId(Hash([9; 32])));
            let reclaimed = ContractReclaimed { contract, deployment, reason: Reason::new("late", "") };
            log.append(factory, factory, Payload::ContractReclaimed(reclaimed));
        }
        // A row for each canister, and the counts.
        let tables = replay(&log.events);
        prop_assert_eq!(tables.len(), canisters.max(9) + 1);
        check(&tables, &scan(&log.events), 3);
    }
}

/// What a hostile caller may send as a cursor is only ever a place to begin at.
#[test]
fn any_cursor_is_a_place_to_begin_at() {
    let log = lives(11, 300, false);
    let tables = replay(&log.events);
    let prefix = Prefix::new("ca").unwrap();
    let all = contracts::find(&tables, (Service::Token, prefix), None, 100);
    for name in ["", "a", "zzz", "cairn", &"x".repeat(1_000)] {
        for at in [Moment::default(), all.rows[0].registered] {
            let cursor = contracts::NameCursor { name: name.to_owned(), at };
            let found = contracts::find(&tables, (Service::Token, prefix), Some(&cursor), 100);
            assert!(found.rows.iter().all(|row| all.rows.contains(row)));
            assert_eq!(found.total, all.total);
        }
    }
}
