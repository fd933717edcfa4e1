//! The course of one deployment in a world where everything fails: random replies, lost replies, delayed messages,
//! crashes and upgrades between any two actions, a stream that others write to, fee changes, donations, clock jumps.
//! Afterwards, with all faults gone, the money must be where the log says it is.

mod ledger;

use super::money::{Scene, Terms};
use super::next::{Action, Answer, next};
use super::settle::Reply;
use super::{Deployment, Phase, Progress, escrow};
use cairn_events::kind::Effect;
use cairn_events::payload::{Account, DeliveryCommitted, DeploymentRequested, Reason, Transfer, TransferIntended};
use cairn_events::topic::Service;
use cairn_events::{Amount, DeploymentId, Expected, Hash, LogId, Payload, Principal, Receipt, Submission, Timestamp};
use cairn_kit::api::factory::Delivered;
use ledger::Ledger;
use proptest::prelude::*;
use serde_bytes::ByteBuf;

const MINUTE: u64 = 60 * 1_000_000_000;
const HOUR: u64 = 60 * MINUTE;
/// How long a message can be under way on a bounded call.
const FLIGHT: u64 = 5 * MINUTE;

/// Which rules hold; the negatives switch one off.
#[derive(Clone, Copy)]
struct Rules {
    exact_versions: bool,
    frozen_arguments: bool,
    unknown_stays_open: bool,
    outbox_first: bool,
}

const ALL_RULES: Rules =
    Rules { exact_versions: true, frozen_arguments: true, unknown_stays_open: true, outbox_first: true };

fn principal(n: u8) -> Principal {
    Principal::from_slice(&[n, n])
}

fn request() -> DeploymentRequested {
    DeploymentRequested {
        deployment: DeploymentId(Hash([7; 32])),
        owner: principal(1),
        service: Service::Token,
        factory: principal(2),
        request: Hash([1; 32]),
        args: ByteBuf::new(),
        ledger: principal(3),
        price: Amount(100_000),
        ledger_fee: Amount(100),
        from: Account { owner: principal(1), subaccount: None },
        treasury: Account { owner: principal(4), subaccount: None },
        billing: None,
    }
}

/// The random decisions of a run; when they are used up, nothing fails any more.
struct Chance {
    bytes: Vec<u8>,
    at: usize,
}

impl Chance {
    fn draw(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied();
        self.at += 1;
        byte
    }

    fn one_in(&mut self, n: u8) -> bool {
        self.draw().is_some_and(|byte| byte % n == 0)
    }

    fn exhausted(&self) -> bool {
        self.at >= self.bytes.len()
    }
}

struct World {
    rules: Rules,
    chance: Chance,
    now: u64,
    deployment: Deployment,
    /// Every event of the stream, the factory's too.
    stream: Vec<Payload>,
    /// Submitted, but the log has not answered: accepted before anything else is.
    outbox: Vec<Vec<Submission>>,
    ledger: Ledger,
    /// Transfers that are still under way to the ledger, until then.
    in_flight: Vec<(u64, Effect, Transfer)>,
    /// The factory was asked, and is at work at its own pace.
    factory_at_work: Option<u64>,
    donated: u128,
    sent: Vec<(Effect, Transfer)>,
}

impl World {
    fn new(bytes: Vec<u8>, rules: Rules) -> Self {
        let request = request();
        let receipt = Receipt { index: 0, hash: Hash([0; 32]), stream_version: 1, timestamp: Timestamp(HOUR) };
        let ledger = Ledger::new(request.from, 1_000_000, 100_200, 100);
        World {
            rules,
            chance: Chance { bytes, at: 0 },
            now: HOUR,
            deployment: Deployment { request: request.clone(), progress: Progress::begun(&receipt) },
            stream: vec![Payload::DeploymentRequested(request)],
            outbox: Vec::new(),
            ledger,
            in_flight: Vec::new(),
            factory_at_work: None,
            donated: 0,
            sent: Vec::new(),
        }
    }

    fn scene(&self) -> Scene {
        Scene { log: LogId(Hash([9; 32])), gateway: principal(5), now: Timestamp(self.now) }
    }

    fn escrow(&self) -> Account {
        escrow(principal(5), self.deployment.id())
    }

    /// The log: exact versions, atomic batches; our own events are applied.
    fn accept(&mut self, submissions: &[Submission], room: bool) -> Answer {
        for (version, submission) in (self.stream.len() as u64..).zip(submissions) {
            let contested = matches!(submission.expected, Expected::Exact(expected) if expected != version);
            if self.rules.exact_versions && contested {
                return Answer::Contested;
            }
            let intent = matches!(submission.payload.kind().class(), cairn_events::Class::Intent(_));
            if intent && !room {
                return Answer::Unavailable;
            }
        }
        for submission in submissions {
            self.stream.push(submission.payload.clone());
            let version = self.stream.len() as u64;
            let receipt = Receipt {
                index: version,
                hash: Hash([0; 32]),
                stream_version: version,
                timestamp: Timestamp(self.now),
            };
            self.deployment.progress = self.deployment.progress.clone().after(&submission.payload, &receipt);
        }
        Answer::Appended
    }

    fn flush(&mut self) {
        for batch in std::mem::take(&mut self.outbox) {
            self.accept(&batch, true);
        }
    }

    fn append(&mut self, submissions: Vec<Submission>) -> Answer {
        self.flush();
        if self.chance.one_in(6) {
            if self.chance.one_in(2) {
                self.outbox.push(submissions);
            }
            return Answer::Unavailable;
        }
        let room = !self.chance.one_in(8);
        let answer = self.accept(&submissions, room);
        match submissions.first() {
            Some(first) if answer == Answer::Unavailable && submissions.len() > 1 => {
                self.accept(std::slice::from_ref(first), room)
            }
            _ => answer,
        }
    }

    fn transfer(&mut self, effect: Effect, mut transfer: Transfer) -> Reply {
        if !self.rules.frozen_arguments {
            transfer.created_at = Timestamp(self.now);
        }
        self.sent.push((effect, transfer.clone()));
        let reason = || Reason::new("fault", "");
        match self.chance.draw().map(|byte| byte % 8) {
            Some(0) => Reply::NotExecuted(reason()),
            Some(1) => Reply::Unknown(reason()),
            Some(2) => {
                self.ledger.execute(effect, &transfer, self.now);
                Reply::Unknown(reason())
            }
            Some(3) => {
                self.in_flight.push((self.now + FLIGHT, effect, transfer));
                self.now += MINUTE;
                Reply::Unknown(reason())
            }
            Some(4) if self.chance.one_in(3) => Reply::Later(reason()),
            _ => self.ledger.execute(effect, &transfer, self.now),
        }
    }

    /// The factory commits, if the log lets it.
    fn commit(&mut self, version: u64) -> Option<Delivered> {
        let committed = self.stream.iter().position(|payload| matches!(payload, Payload::DeliveryCommitted(_)));
        let delivered =
            |index| Delivered { contract: principal(6), module_hash: Hash([2; 32]), committed: index as u64 };
        if let Some(index) = committed {
            return Some(delivered(index));
        }
        if self.rules.exact_versions && self.stream.len() as u64 != version {
            return None;
        }
        let DeploymentRequested { deployment, owner, .. } = self.deployment.request;
        let (contract, module_hash) = (principal(6), Hash([2; 32]));
        self.stream.push(Payload::DeliveryCommitted(DeliveryCommitted { deployment, contract, owner, module_hash }));
        Some(delivered(self.stream.len() - 1))
    }

    fn deliver(&mut self) -> Answer {
        let version = self.deployment.progress.version;
        let declined = || Answer::Declined(Reason::new("declined", ""));
        match self.chance.draw().map(|byte| byte % 6) {
            Some(0) => Answer::Undecided,
            Some(1) => {
                self.factory_at_work = Some(version);
                Answer::Undecided
            }
            Some(2) => {
                self.commit(version);
                Answer::Undecided
            }
            Some(3) if self.factory_at_work.is_none() => declined(),
            _ => self.commit(version).map_or_else(declined, Answer::Delivered),
        }
    }

    fn arbiter(&mut self) -> Answer {
        if self.chance.one_in(5) {
            return Answer::Unavailable;
        }
        let index = self.stream.iter().position(|payload| matches!(payload, Payload::DeliveryCommitted(_)));
        index.and_then(|_| self.commit(0)).map_or(Answer::Undecided, Answer::Delivered)
    }

    /// What happens by itself between two actions.
    fn world_turns(&mut self) {
        let jump = match self.chance.draw().map(|byte| byte % 16) {
            Some(0) => 30 * HOUR,
            Some(1..=3) => HOUR,
            Some(4..=6) => 10 * MINUTE,
            _ => 1_000_000_000,
        };
        let until = self.now + jump;
        for (deadline, effect, transfer) in std::mem::take(&mut self.in_flight) {
            if self.chance.one_in(2) {
                self.ledger.execute(effect, &transfer, deadline.min(until));
            } else if deadline > until {
                self.in_flight.push((deadline, effect, transfer));
            }
        }
        self.now = until;
        if self.chance.one_in(4) {
            self.flush();
        }
        if let Some(version) = self.factory_at_work.filter(|_| self.chance.one_in(3)) {
            self.factory_at_work = None;
            self.commit(version);
        }
        if self.chance.one_in(12) {
            self.ledger.fee = 50 + u128::from(self.chance.draw().unwrap_or_default());
        }
        if self.chance.one_in(12) {
            let donation = u128::from(self.chance.draw().unwrap_or_default());
            self.ledger.donate(self.escrow(), donation);
            self.donated += donation;
        }
    }

    /// One run: until it has to wait, or dies. With `fresh` it has just appended the intent.
    fn run(&mut self, mut answer: Answer) {
        // What is on its way to the log comes first: it may settle what this run would decide otherwise.
        if self.rules.outbox_first && answer == Answer::Nothing && !self.outbox.is_empty() {
            if self.chance.one_in(3) {
                return;
            }
            self.flush();
        }
        for _ in 0..24 {
            if self.chance.one_in(10) {
                return; // Upgraded, or trapped, before the action.
            }
            if !self.rules.unknown_stays_open && answer == Answer::Nothing {
                answer = Answer::Appended;
            }
            answer = match next(&self.deployment, answer, &self.scene()) {
                Action::Append(submissions) => self.append(submissions),
                Action::Transfer { effect, transfer, history } => {
                    Answer::Ledger(history, self.transfer(effect, *transfer))
                }
                Action::Balance if self.chance.one_in(4) => Answer::Unavailable,
                Action::Balance => Answer::Balance(Amount(self.ledger.balance(self.escrow()))),
                Action::Fee if self.chance.one_in(4) => Answer::Unavailable,
                Action::Fee => Answer::Fee(Amount(self.ledger.fee)),
                Action::Deliver => self.deliver(),
                Action::Arbiter => self.arbiter(),
                Action::Suspend | Action::Stop => return,
            };
            if self.chance.one_in(10) {
                return; // The reply never reached the run.
            }
        }
    }

    /// The whole course: the request, runs among faults, then runs without.
    fn live(&mut self) {
        let transfer = self.deployment.capture(&self.scene());
        let intent = TransferIntended { deployment: self.deployment.id(), transfer, attempt: 1 };
        let owner = self.deployment.request.owner;
        let answer = self.append(vec![Submission::new(owner, Payload::PaymentIntended(intent)).exactly(1)]);
        if answer == Answer::Appended {
            self.run(answer);
        }
        while !self.chance.exhausted() {
            self.world_turns();
            self.run(Answer::Nothing);
        }
        for _ in 0..400 {
            self.flush();
            self.now += HOUR;
            self.in_flight.clear();
            self.run(Answer::Nothing);
        }
    }

    /// I1, I2, I5, I9.
    fn check(&self) -> Result<(), String> {
        let count = |wanted: fn(&Payload) -> bool| self.stream.iter().filter(|payload| wanted(payload)).count();
        let moved = |effect| self.ledger.blocks.iter().filter(|(of, _)| *of == effect).collect::<Vec<_>>();
        let (captures, refunds, releases) = (moved(Effect::Payment), moved(Effect::Refund), moved(Effect::Release));
        let terms = self.deployment.terms();
        let delivered = count(|payload| matches!(payload, Payload::DeliveryCommitted(_)));
        let abandoned = count(|payload| matches!(payload, Payload::DeploymentAbandoned(_)));
        let outflow: u128 = refunds.iter().chain(&releases).map(|(_, out)| out.amount.0 + out.fee.0).sum();
        let held = captures.len() as u128 * terms.escrowed().0;
        let ensure = |holds: bool, what: &str| if holds { Ok(()) } else { Err(format!("{what}: {:?}", self.stream)) };
        ensure(captures.len() <= 1 && refunds.len() + releases.len() <= captures.len(), "moved once at most")?;
        ensure(self.ledger.balance(self.escrow()) + outflow == held + self.donated, "I1")?;
        let refunded: u128 = refunds.iter().map(|(_, out)| out.amount.0).sum();
        let paid = captures.len() as u128 * (terms.escrowed().0 + terms.ledger_fee.0);
        ensure(self.ledger.balance(self.deployment.request.from) + paid == 1_000_000 + refunded, "I2")?;
        ensure(delivered + abandoned <= 1, "I5: never both")?;
        for (effect, transfer) in &self.sent {
            let intended = self.stream.iter().any(|payload| intent(payload) == Some((*effect, transfer)));
            ensure(intended, "I9: every attempt is its intent to the letter")?;
        }
        let intents = self.stream.iter().filter(|payload| intent(payload).is_some()).count();
        let outcomes = count(|payload| {
            use Payload as P;
            matches!(
                payload,
                P::PaymentCaptured(_)
                    | P::PaymentFailed(_)
                    | P::RefundPaid(_)
                    | P::RefundFailed(_)
                    | P::EscrowReleased(_)
                    | P::ReleaseFailed(_)
            )
        });
        // Evidence was unobtainable for a month: one intent stays open, for a person to look at.
        let open =
            usize::from(matches!(&self.deployment.progress.phase, Phase::Quarantined(why) if why.code == "fault"));
        ensure(intents == outcomes + open, "I9: one outcome per intent")?;
        match &self.deployment.progress.phase {
            Phase::Quarantined(_) if open == 1 => Ok(()),
            Phase::PaymentFailed(_) => ensure(captures.is_empty() && delivered == 0, "failed payment"),
            Phase::Released(_) => ensure(releases.len() == 1 && refunds.is_empty() && delivered == 1, "released"),
            Phase::Refunded(_) => ensure(refunds.len() == 1 && releases.is_empty() && abandoned == 1, "refunded"),
            other => Err(format!("not final at rest: {other:?}: {:?}", self.stream)),
        }
    }
}

fn intent(payload: &Payload) -> Option<(Effect, &Transfer)> {
    match payload {
        Payload::PaymentIntended(intended) => Some((Effect::Payment, &intended.transfer)),
        Payload::RefundIntended(intended) => Some((Effect::Refund, &intended.transfer)),
        Payload::ReleaseIntended(intended) => Some((Effect::Release, &intended.transfer)),
        _ => None,
    }
}

fn lived(bytes: Vec<u8>, rules: Rules) -> Result<World, String> {
    let mut world = World::new(bytes, rules);
    world.live();
    world.check().map(|()| world)
}

/// Bytes of a small generator, for runs that need no shrinking.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..120).map(|_| next()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn money_is_conserved_whatever_fails(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
        prop_assert_eq!(lived(bytes, ALL_RULES).map(|_| ()), Ok(()));
    }
}

#[test]
fn without_faults_it_is_delivered_at_once() {
    let world = lived(Vec::new(), ALL_RULES).unwrap();
    let kinds: Vec<&str> = world.stream.iter().map(|payload| payload.kind().btype()).collect();
    assert_eq!(
        kinds,
        [
            "cairn_deployment_requested",
            "cairn_payment_intended",
            "cairn_payment_captured",
            "cairn_deployment_dispatched",
            "cairn_delivery_committed",
            "cairn_release_intended",
            "cairn_escrow_released",
        ]
    );
    let terms = Terms { price: Amount(100_000), ledger_fee: Amount(100) };
    assert_eq!(world.ledger.balance(world.deployment.request.treasury), terms.price.0);
    assert_eq!(world.ledger.balance(world.deployment.request.from), 1_000_000 - terms.required().0);
}

/// The model reaches every end, or it would prove nothing.
#[test]
fn every_end_is_reached() {
    let phases: Vec<Phase> =
        (0..3000).map(|seed| lived(noise(seed), ALL_RULES).unwrap().deployment.progress.phase).collect();
    let reached = |wanted: fn(&Phase) -> bool| phases.iter().filter(|phase| wanted(phase)).count();
    assert!(reached(|phase| matches!(phase, Phase::PaymentFailed(_))) > 10);
    assert!(reached(|phase| matches!(phase, Phase::Refunded(_))) > 100);
    assert!(reached(|phase| matches!(phase, Phase::Released(_))) > 100);
}

fn some_run_fails(rules: Rules) -> bool {
    (0..3000).any(|seed| lived(noise(seed), rules).is_err())
}

#[test]
fn negative_without_exact_versions() {
    assert!(some_run_fails(Rules { exact_versions: false, ..ALL_RULES }));
}

#[test]
fn negative_without_frozen_arguments() {
    assert!(some_run_fails(Rules { frozen_arguments: false, ..ALL_RULES }));
}

#[test]
fn negative_when_an_unknown_attempt_is_taken_for_none() {
    assert!(some_run_fails(Rules { unknown_stays_open: false, ..ALL_RULES }));
}

#[test]
fn negative_when_the_outbox_is_not_waited_for() {
    assert!(some_run_fails(Rules { outbox_first: false, ..ALL_RULES }));
}
