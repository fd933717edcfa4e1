use super::outbox::{MAX_FACTS, Memories};
use super::testing::People;
use super::*;
use crate::api::factory::{CallbackError, NotificationsAccepted, NumberedNotification};
use cairn_events::payload::{ContractStatus, Notification, ProposalCreated, Role};
use cairn_events::{Principal, Timestamp};
use ic_stable_structures::DefaultMemoryImpl;
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const START: Timestamp = Timestamp(1_700_000_000_000_000_000);
const HOUR: u64 = 3_600_000_000_000;

struct Contract {
    people: People,
    outbox: Outbox,
}

impl Contract {
    fn new() -> Self {
        let manager = MemoryManager::init(DefaultMemoryImpl::default());
        let [state, changes, numbered, facts] = [0, 1, 2, 3].map(|id| manager.get(MemoryId::new(id)));
        let mut outbox = Outbox::open(Memories { state, changes, numbered, facts });
        outbox.begin(Some(Principal::from_slice(&[200])), 1);
        let people = People { roles: BTreeMap::new(), public: true, status: ContractStatus::Active };
        Contract { people, outbox }
    }

    fn set(&mut self, role: Role, n: u8, has: bool) {
        let before = self.people.roles.insert((role, who(n)), has).unwrap_or_default();
        if before != has {
            self.outbox.role_changed(role, who(n), has);
        }
    }

    fn stand(&mut self, status: ContractStatus) {
        let before = std::mem::replace(&mut self.people.status, status);
        self.outbox.status_changed(before, status);
    }

    fn show(&mut self, public: bool) {
        if std::mem::replace(&mut self.people.public, public) != public {
            self.outbox.visibility_changed(public);
        }
    }

    fn propose(&mut self, proposal: u64) {
        self.outbox.fact(Notification::ProposalCreated(ProposalCreated { proposal, proposer: who(1) }));
    }

    fn batch(&mut self) -> Vec<NumberedNotification> {
        self.outbox.next_batch(&self.people)
    }

    /// Delivers until there is nothing to send; fails if that takes absurdly long.
    fn deliver_all(&mut self, factory: &mut Factory) {
        for _ in 0..100 {
            if !self.outbox.has_work() {
                return;
            }
            let batch = self.batch();
            let reply = factory.notify(self.outbox.state().epoch, &batch);
            self.outbox.settle(Outcome::Answered(reply), START);
        }
        panic!("the outbox does not empty");
    }
}

fn who(n: u8) -> Principal {
    Principal::from_slice(&[n; 29])
}

fn sequences(batch: &[NumberedNotification]) -> Vec<u64> {
    batch.iter().map(|numbered| numbered.sequence).collect()
}

fn proposals(batch: &[NumberedNotification]) -> Vec<u64> {
    let proposal = |numbered: &NumberedNotification| match numbered.notification {
        Notification::ProposalCreated(created) => Some(created.proposal),
        _ => None,
    };
    batch.iter().filter_map(proposal).collect()
}

/// A factory as the protocol wants it: in order, exactly once, in its epoch.
struct Factory {
    epoch: u64,
    accepted: u64,
    complete: bool,
    roles: BTreeSet<(Role, Principal)>,
    public: bool,
    status: ContractStatus,
    heard: Vec<Notification>,
}

impl Default for Factory {
    fn default() -> Self {
        Factory {
            epoch: 1,
            accepted: 0,
            complete: false,
            roles: BTreeSet::new(),
            public: true,
            status: ContractStatus::Active,
            heard: Vec::new(),
        }
    }
}

impl Factory {
    fn notify(&mut self, epoch: u64, batch: &[NumberedNotification]) -> Result<NotificationsAccepted, CallbackError> {
        if epoch != self.epoch {
            return Err(CallbackError::OtherEpoch { expected: self.epoch, found: epoch });
        }
        for NumberedNotification { sequence, notification } in batch {
            if *sequence > self.accepted + 1 {
                return Err(CallbackError::Gap { expected: self.accepted + 1 });
            }
            if *sequence == self.accepted + 1 {
                self.accept(*notification);
            }
        }
        Ok(NotificationsAccepted { accepted_through: self.accepted })
    }

    fn accept(&mut self, notification: Notification) {
        self.accepted += 1;
        self.heard.push(notification);
        match notification {
            Notification::DeploymentComplete => self.complete = true,
            Notification::VisibilityChanged(public) => self.public = public,
            Notification::StatusChanged(status) => self.status = status,
            other => match other.role() {
                Some((role, who, true)) => drop(self.roles.insert((role, who))),
                Some((role, who, false)) => drop(self.roles.remove(&(role, who))),
                None => {}
            },
        }
    }
}

#[test]
fn the_first_notification_says_that_the_deployment_is_complete() {
    let mut contract = Contract::new();
    contract.set(Role::Holder, 1, true);
    let first = contract.batch();
    assert_eq!(sequences(&first), [1, 2]);
    assert_eq!(first[0].notification, Notification::DeploymentComplete);
    assert_eq!(first[1].notification, Notification::HolderAdded(who(1)));
}

#[test]
fn without_a_factory_there_is_nothing_to_tell() {
    let mut contract = Contract::new();
    contract.outbox.begin(None, 0);
    contract.set(Role::Signer, 1, true);
    contract.stand(ContractStatus::Frozen);
    contract.show(false);
    contract.propose(1);
    assert!(!contract.outbox.has_work());
    assert_eq!((contract.outbox.pending(), contract.outbox.due_in(START)), (0, None));
}

#[test]
fn what_changes_back_is_not_told() {
    let mut contract = Contract::new();
    contract.deliver_all(&mut Factory::default());
    contract.set(Role::Signer, 1, true);
    contract.stand(ContractStatus::Paused);
    contract.stand(ContractStatus::Frozen);
    contract.show(false);
    assert_eq!(contract.outbox.pending(), 3);
    contract.set(Role::Signer, 1, false);
    contract.stand(ContractStatus::Active);
    contract.show(true);
    assert_eq!(contract.outbox.pending(), 0);
    assert!(!contract.outbox.has_work());
}

#[test]
fn facts_are_told_in_order_beside_changes_and_a_flood_of_them_is_cut() {
    let mut contract = Contract::new();
    contract.deliver_all(&mut Factory::default());
    contract.set(Role::Observer, 7, true);
    for proposal in 0..MAX_FACTS + 5 {
        contract.propose(proposal);
    }
    assert_eq!(contract.outbox.state().lost, 5);
    let first = contract.batch();
    assert_eq!(first.len(), 61, "changes do not wait behind facts");
    let mut factory = Factory { accepted: 1, ..Factory::default() };
    contract.deliver_all(&mut factory);
    let told = factory.heard.iter().filter_map(|notification| match notification {
        Notification::ProposalCreated(created) => Some(created.proposal),
        _ => None,
    });
    assert!(told.eq(0..MAX_FACTS));
}

#[test]
fn a_batch_is_kept_until_acknowledged_and_stays_the_same() {
    let mut contract = Contract::new();
    contract.set(Role::Holder, 1, true);
    let first = contract.batch();
    contract.outbox.settle(Outcome::Unknown("no answer".to_owned()), START);
    contract.set(Role::Holder, 2, true);
    assert_eq!(contract.batch(), first, "what happened later waits");
    contract.outbox.settle(Outcome::Answered(Ok(NotificationsAccepted { accepted_through: 2 })), START);
    assert_eq!(contract.outbox.acknowledged_through(), 2);
    let added = Notification::HolderAdded(who(2));
    assert_eq!(contract.batch(), [NumberedNotification { sequence: 3, notification: added }]);
}

#[test]
fn failures_back_off_from_half_a_minute_to_an_hour() {
    let mut contract = Contract::new();
    contract.batch();
    let mut waits = Vec::new();
    for _ in 0..10 {
        contract.outbox.settle(Outcome::Answered(Err(CallbackError::NotDeployedHere)), START);
        waits.push(contract.outbox.due_in(START).unwrap() / 1_000_000_000);
    }
    assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
    assert_eq!(contract.outbox.state().failures, 10);
    assert_eq!(contract.outbox.state().last_error.as_deref(), Some("the caller is no contract of this factory"));
    contract.outbox.settle(Outcome::Answered(Ok(NotificationsAccepted { accepted_through: 1 })), START);
    assert_eq!((contract.outbox.state().failures, contract.outbox.due_in(START)), (0, None));
}

#[test]
fn a_factory_may_impose_a_pause_but_no_absurd_one() {
    let mut contract = Contract::new();
    contract.batch();
    for (retry_at, wait) in [(0, 30_000_000_000), (START.0 + HOUR, HOUR), (u64::MAX, 24 * HOUR)] {
        let exhausted = CallbackError::BudgetExhausted { retry_at: Some(retry_at) };
        contract.outbox.settle(Outcome::Answered(Err(exhausted)), START);
        assert_eq!(contract.outbox.due_in(START), Some(wait));
    }
}

#[test]
fn long_messages_of_others_are_cut_between_characters() {
    let mut contract = Contract::new();
    contract.batch();
    let message = "ä".repeat(1_000);
    contract.outbox.settle(Outcome::Answered(Err(CallbackError::TemporarilyUnavailable { message })), START);
    let kept = contract.outbox.state().last_error.clone().unwrap();
    assert!((100..=200).contains(&kept.len()), "{kept}");
}

#[test]
fn a_gap_within_what_is_held_is_closed_by_sending_again() {
    let mut contract = Contract::new();
    (1..=3).for_each(|n| contract.set(Role::Holder, n, true));
    contract.batch();
    contract.outbox.settle(Outcome::Answered(Err(CallbackError::Gap { expected: 3 })), START);
    assert_eq!(sequences(&contract.batch()), [3, 4]);
    assert!(contract.outbox.state().resync.is_none());
}

#[test]
fn two_that_lost_each_other_begin_anew_with_everything() {
    for (accepted, stale) in [(0, 3), (77, 9)] {
        let mut contract = Contract::new();
        (1..=5).for_each(|n| contract.set(Role::Holder, n, true));
        contract.stand(ContractStatus::Paused);
        contract.show(false);
        contract.deliver_all(&mut Factory::default());
        contract.set(Role::Holder, 3, false);
        // This factory was restored from another time: it expects another number and lists one who has left.
        let roles = BTreeSet::from([(Role::Holder, who(if stale == 3 { 3 } else { 5 }))]);
        let mut factory = Factory { accepted, roles, ..Factory::default() };
        contract.deliver_all(&mut factory);
        assert_eq!(factory.roles, [1, 2, 4, 5].map(|n| (Role::Holder, who(n))).into());
        assert!(factory.complete && !factory.public);
        assert_eq!(factory.status, ContractStatus::Paused);
    }
}

#[test]
fn numbers_taken_by_other_content_are_left_behind() {
    let mut contract = Contract::new();
    contract.set(Role::Holder, 1, true);
    contract.propose(8);
    contract.propose(9);
    let first = contract.batch();
    contract.propose(10);
    contract.outbox.settle(Outcome::Answered(Err(CallbackError::Conflict { sequence: 1, expected: 9 })), START);
    let again = contract.batch();
    assert_eq!(sequences(&again), [9, 10, 11, 12, 13]);
    assert_eq!(again[0].notification, Notification::DeploymentComplete);
    let text = |numbered: &NumberedNotification| format!("{:?}", numbered.notification);
    let told: BTreeSet<String> = again.iter().map(text).collect();
    assert!(first.iter().map(text).all(|meant| told.contains(&meant)), "facts are told again, too");
    assert_eq!(proposals(&again), [8, 9, 10], "facts keep their order");
    contract.propose(11);
    for expected in [20, 30] {
        contract.outbox.settle(Outcome::Answered(Err(CallbackError::Conflict { sequence: 9, expected })), START);
        assert_eq!(proposals(&contract.batch()), [8, 9, 10, 11], "however often");
    }
}

#[test]
fn facts_and_changes_do_not_wait_for_a_long_report_of_everything() {
    let mut contract = Contract::new();
    for role in [Role::Holder, Role::Member] {
        (0..250).for_each(|n| contract.set(role, n, true));
    }
    contract.deliver_all(&mut Factory::default());
    contract.outbox.begin_epoch(2);
    let mut factory = Factory { epoch: 2, ..Factory::default() };
    let mut deliver = |contract: &mut Contract| {
        let batch = contract.batch();
        contract.outbox.settle(Outcome::Answered(factory.notify(2, &batch)), START);
        batch
    };
    assert_eq!(deliver(&mut contract).len(), 100, "with nothing else to tell, the report has the whole batch");

    contract.propose(1);
    contract.set(Role::Holder, 0, false);
    let next = deliver(&mut contract);
    let left = Notification::of_role(Role::Holder, who(0), false);
    assert!(contract.outbox.state().resync.is_some());
    assert_eq!((next.len(), proposals(&next)), (100, vec![1]));
    assert!(next.iter().any(|numbered| numbered.notification == left));

    (2..102).for_each(|proposal| contract.propose(proposal));
    (1..99).for_each(|n| contract.set(Role::Holder, n, false));
    let next = deliver(&mut contract);
    let gone = next.iter().filter(|numbered| matches!(numbered.notification.role(), Some((_, _, false)))).count();
    assert_eq!((next.len(), proposals(&next).len(), gone), (100, 30, 20), "half of it is the report's");

    contract.deliver_all(&mut factory);
    assert_eq!(factory.roles.len(), 401, "everything is told in the end");
}

#[test]
fn a_factory_far_behind_is_told_everything_anew() {
    let mut contract = Contract::new();
    contract.set(Role::Holder, 1, true);
    contract.batch();
    let far = CallbackError::TooFarAhead { expected: 7, found: 20_000, span: 10_000 };
    contract.outbox.settle(Outcome::Answered(Err(far)), START);
    assert!(contract.outbox.state().resync.is_some() && contract.outbox.state().failures == 1);
    assert_eq!(sequences(&contract.batch()), [7, 8]);
}

#[test]
fn an_acknowledgement_of_numbers_never_given_is_not_believed() {
    let mut contract = Contract::new();
    contract.batch();
    contract.outbox.settle(Outcome::Answered(Ok(NotificationsAccepted { accepted_through: 40 })), START);
    assert!(contract.outbox.state().resync.is_some());
    assert_eq!(contract.batch().first().unwrap().sequence, 41);
    contract.outbox.settle(Outcome::Answered(Ok(NotificationsAccepted { accepted_through: 7 })), START);
    assert_eq!(contract.outbox.state().last_error.as_deref(), Some("nothing of the batch was accepted"));
}

#[test]
fn batches_are_bounded_and_nobody_waits_for_ever() {
    let mut contract = Contract::new();
    (0..250).for_each(|n| contract.set(Role::Recipient, n, true));
    let (mut factory, mut sizes) = (Factory::default(), Vec::new());
    while contract.outbox.has_work() {
        let batch = contract.batch();
        sizes.push(batch.len());
        let reply = factory.notify(1, &batch);
        contract.outbox.settle(Outcome::Answered(reply), START);
    }
    assert_eq!(sizes, [100, 100, 51]);
    assert_eq!(factory.roles.len(), 250);
}

#[test]
fn a_later_epoch_of_the_factory_is_taken_up_and_an_earlier_one_is_not() {
    let mut contract = Contract::new();
    contract.set(Role::Member, 1, true);
    contract.deliver_all(&mut Factory::default());
    contract.set(Role::Member, 2, true);
    let mut factory = Factory { epoch: 3, ..Factory::default() };
    contract.deliver_all(&mut factory);
    assert_eq!(contract.outbox.state().epoch, 3);
    assert_eq!(factory.roles.len(), 2);
    contract.outbox.begin_epoch(2);
    assert_eq!(contract.outbox.state().epoch, 3);
}

#[derive(Clone, Debug)]
enum Step {
    Role(Role, u8, bool),
    Status(ContractStatus),
    Show(bool),
    Propose,
    Deliver,
    LoseRequest,
    LoseReply,
    RestoreFactory,
    RaiseEpoch,
}

fn arb_step() -> impl Strategy<Value = Step> {
    let role = prop::sample::select(Role::ALL.to_vec());
    let status = prop::sample::select(ContractStatus::ALL.to_vec());
    prop_oneof![
        6 => (role, 1u8..6, any::<bool>()).prop_map(|(role, n, has)| Step::Role(role, n, has)),
        2 => status.prop_map(Step::Status),
        1 => any::<bool>().prop_map(Step::Show),
        1 => Just(Step::Propose),
        3 => Just(Step::Deliver),
        1 => Just(Step::LoseRequest),
        1 => Just(Step::LoseReply),
        1 => Just(Step::RestoreFactory),
        1 => Just(Step::RaiseEpoch),
    ]
}

fn take(contract: &mut Contract, factory: &mut Factory, step: Step) {
    match step {
        Step::Role(role, n, has) => contract.set(role, n, has),
        Step::Status(status) => contract.stand(status),
        Step::Show(public) => contract.show(public),
        Step::Propose => contract.propose(1),
        // The log tells a restored factory everything but the last: here, what it heard is gone altogether.
        Step::RestoreFactory => *factory = Factory { epoch: factory.epoch, ..Factory::default() },
        Step::RaiseEpoch => {
            factory.epoch += 1;
            factory.accepted = 0;
        }
        _ if !contract.outbox.has_work() => {}
        Step::Deliver => {
            let batch = contract.batch();
            let reply = factory.notify(contract.outbox.state().epoch, &batch);
            contract.outbox.settle(Outcome::Answered(reply), START);
        }
        Step::LoseRequest => {
            contract.batch();
            contract.outbox.settle(Outcome::Unknown("lost".to_owned()), START);
        }
        Step::LoseReply => {
            let batch = contract.batch();
            let _ = factory.notify(contract.outbox.state().epoch, &batch);
            contract.outbox.settle(Outcome::Unknown("lost".to_owned()), START);
        }
    }
}

proptest! {
    /// Whatever is lost on the way: in the end the factory knows what is.
    #[test]
    fn the_factory_ends_with_the_truth(steps in prop::collection::vec(arb_step(), 0..60)) {
        let mut contract = Contract::new();
        let mut factory = Factory::default();
        for step in steps {
            take(&mut contract, &mut factory, step);
        }
        // Something to tell, or a factory that forgot would never learn of it.
        let last = contract.people.has_role(Role::Holder, who(7));
        contract.set(Role::Holder, 7, !last);
        contract.deliver_all(&mut factory);
        let roles = contract.people.roles.iter().filter(|(_, has)| **has).map(|(key, _)| *key);
        prop_assert_eq!(&factory.roles, &roles.collect::<BTreeSet<_>>());
        prop_assert!(factory.complete);
        prop_assert_eq!(factory.public, contract.people.public);
        prop_assert_eq!(factory.status, contract.people.status);
        prop_assert_eq!(factory.epoch, contract.outbox.state().epoch);
    }
}
