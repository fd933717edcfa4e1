//! The next thing to do for a deployment: a pure function of its progress and of the answer to the last thing done.
//!
//! A run begins with [`Answer::Nothing`] (the timer) or [`Answer::Appended`] (right after the request), performs the
//! action, and asks again with the answer, until it is told to stop. Between runs nothing is remembered but the
//! progress: so a run that died anywhere is continued by the next.

use super::money::Scene;
use super::settle::{History, Reply, Settlement, settle, weigh};
use super::{Deployment, OpenTransfer, Phase, Progress};
use cairn_events::kind::Effect;
use cairn_events::payload::{
    DeploymentAbandoned, DeploymentDispatched, DeploymentQuarantined, Reason, Transfer, TransferFailed,
    TransferIntended, TransferSettled,
};
use cairn_events::{Amount, Payload, Submission};
use cairn_kit::api::factory::Delivered;

/// How long the factory may take before the deployment is abandoned, in nanoseconds.
pub const DELIVERY_DEADLINE: u64 = 30 * 60 * 1_000_000_000;

/// Intents of a payout before it is left to a person.
pub const MAX_PAYOUTS: u32 = 10;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Append, atomically. If the log has no room for the last one, an intent, the first one alone.
    Append(Vec<Submission>),
    /// Make this transfer: `transfer_from` for the payment, `transfer` from escrow otherwise.
    Transfer {
        /// Which effect.
        effect: Effect,
        /// The frozen transfer.
        transfer: Box<Transfer>,
        /// What may have happened before.
        history: History,
    },
    /// Ask the ledger for the balance of the escrow account.
    Balance,
    /// Ask the ledger for its transfer fee.
    Fee,
    /// Ask the factory to deliver.
    Deliver,
    /// Read from the log what the arbiter decided.
    Arbiter,
    /// Go on later.
    Suspend,
    /// Nothing is left to be done.
    Stop,
}

/// The answer to the last action of this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This run has done nothing yet.
    Nothing,
    /// The submissions are facts now, appended by this run.
    Appended,
    /// Refused: the deployment's stream has another version.
    Contested,
    /// No answer that helps, for now: from the log, from the ledger about balance or fee, about the arbiter.
    Unavailable,
    /// The ledger's reply to the transfer.
    Ledger(History, Reply),
    /// The balance of the escrow account.
    Balance(Amount),
    /// The ledger's transfer fee.
    Fee(Amount),
    /// The contract is delivered: the factory says so, or the log.
    Delivered(Delivered),
    /// The factory will never deliver.
    Declined(Reason),
    /// The factory could not say; or the log has no decision.
    Undecided,
}

/// The next action for `deployment`, after `answer`.
pub fn next(deployment: &Deployment, answer: Answer, scene: &Scene) -> Action {
    let late = |since: u64| scene.now.0.saturating_sub(since) > DELIVERY_DEADLINE;
    match &deployment.progress.phase {
        Phase::Requested => match answer {
            Answer::Unavailable | Answer::Contested => Action::Suspend,
            _ => intend(deployment, Effect::Payment, 1, deployment.capture(scene)),
        },
        Phase::Paying(open) => transfer(deployment, Effect::Payment, open, answer, scene),
        Phase::Captured(since) => match answer {
            Answer::Unavailable | Answer::Contested => Action::Suspend,
            _ if late(since.0) => abandon(deployment, Reason::new("deadline", "not dispatched in time")),
            _ => Action::Append(vec![dispatched(deployment)]),
        },
        Phase::Dispatched(since) => deliver(deployment, late(since.0), answer, scene),
        Phase::RefundDue => payout(deployment, Effect::Refund, answer, scene),
        Phase::Refunding(open) => transfer(deployment, Effect::Refund, open, answer, scene),
        Phase::ReleaseDue => payout(deployment, Effect::Release, answer, scene),
        Phase::Releasing(open) => transfer(deployment, Effect::Release, open, answer, scene),
        Phase::PaymentFailed(_) | Phase::Refunded(_) | Phase::Released(_) | Phase::Quarantined(_) => Action::Stop,
    }
}

/// While an intent is open: attempt it, weigh the reply, record the outcome.
fn transfer(deployment: &Deployment, effect: Effect, open: &OpenTransfer, answer: Answer, scene: &Scene) -> Action {
    let age = scene.now.0.saturating_sub(open.transfer.created_at.0);
    let attempt = |history| Action::Transfer { effect, transfer: Box::new(open.transfer.clone()), history };
    let settlement = match answer {
        // Nobody but this run can have attempted what this run has just appended.
        Answer::Appended => return attempt(History::Fresh),
        Answer::Ledger(history, reply) => settle(effect, history, reply, age),
        Answer::Balance(balance) => weigh(effect, &open.transfer, balance),
        Answer::Nothing => return attempt(History::Open),
        _ => return Action::Suspend,
    };
    match settlement {
        Settlement::Moved { block, evidence } => {
            Action::Append(moved(deployment, effect, TransferSettled { deployment: deployment.id(), block, evidence }))
        }
        Settlement::Failed(reason) => Action::Append(vec![failed(deployment, effect, reason)]),
        Settlement::Retry => Action::Suspend,
        Settlement::Weigh => Action::Balance,
        Settlement::Unobtainable(reason) => quarantine(deployment, effect, reason),
    }
}

/// Between dispatch and the arbiter's decision.
fn deliver(deployment: &Deployment, late: bool, answer: Answer, scene: &Scene) -> Action {
    match answer {
        Answer::Delivered(delivered) => release(deployment, &delivered, scene),
        Answer::Declined(reason) => abandon(deployment, reason),
        // Only the factory can have moved the stream: it committed the delivery, and is obeyed.
        Answer::Contested => Action::Arbiter,
        Answer::Nothing | Answer::Appended if late => {
            abandon(deployment, Reason::new("deadline", "not delivered in time"))
        }
        Answer::Nothing | Answer::Appended => Action::Deliver,
        _ => Action::Suspend,
    }
}

/// The first intent of the release, exactly after the arbiter's event: it cannot be accepted unless that one was.
fn release(deployment: &Deployment, delivered: &Delivered, scene: &Scene) -> Action {
    let Some(transfer) = deployment.payout(Effect::Release, 1, deployment.request.ledger_fee, scene) else {
        return quarantine(deployment, Effect::Release, Reason::new("fee_above_escrow", ""));
    };
    let intent = intention(deployment, Effect::Release, 1, transfer);
    let version = deployment.progress.version.saturating_add(1);
    Action::Append(vec![intent.exactly(version).caused_by(delivered.committed)])
}

/// A payout without open intent: the first one at the quoted fee, later ones at the fee that the ledger names.
fn payout(deployment: &Deployment, effect: Effect, answer: Answer, scene: &Scene) -> Action {
    let attempt = deployment.progress.payouts.saturating_add(1);
    let fee = match answer {
        Answer::Fee(fee) => fee,
        Answer::Unavailable | Answer::Contested => return Action::Suspend,
        _ if attempt == 1 => deployment.request.ledger_fee,
        _ if attempt > MAX_PAYOUTS => {
            return quarantine(
                deployment,
                effect,
                Reason::new("payouts_exhausted", "the ledger refused every attempt"),
            );
        }
        _ => return Action::Fee,
    };
    match deployment.payout(effect, attempt, fee, scene) {
        Some(transfer) => intend(deployment, effect, attempt, transfer),
        None => quarantine(deployment, effect, Reason::new("fee_above_escrow", &format!("the ledger's fee is {fee}"))),
    }
}

/// Our next event of the deployment, exactly after the latest one, outcomes too: if an earlier run has appended it
/// without hearing so, the log refuses the repetition. There is one outcome per intent.
fn submission(deployment: &Deployment, payload: Payload) -> Submission {
    let Progress { version, latest, .. } = deployment.progress;
    Submission::new(deployment.request.owner, payload).exactly(version).caused_by(latest)
}

fn intention(deployment: &Deployment, effect: Effect, attempt: u32, transfer: Transfer) -> Submission {
    let intended = TransferIntended { deployment: deployment.id(), transfer, attempt };
    submission(
        deployment,
        match effect {
            Effect::Refund => Payload::RefundIntended(intended),
            Effect::Release => Payload::ReleaseIntended(intended),
            _ => Payload::PaymentIntended(intended),
        },
    )
}

fn intend(deployment: &Deployment, effect: Effect, attempt: u32, transfer: Transfer) -> Action {
    Action::Append(vec![intention(deployment, effect, attempt, transfer)])
}

fn dispatched(deployment: &Deployment) -> Submission {
    let payload = DeploymentDispatched { deployment: deployment.id(), factory: deployment.request.factory };
    submission(deployment, Payload::DeploymentDispatched(payload))
}

fn moved(deployment: &Deployment, effect: Effect, settled: TransferSettled) -> Vec<Submission> {
    match effect {
        Effect::Refund => vec![submission(deployment, Payload::RefundPaid(settled))],
        Effect::Release => vec![submission(deployment, Payload::EscrowReleased(settled))],
        _ => vec![
            submission(deployment, Payload::PaymentCaptured(settled)),
            dispatched(deployment).exactly(deployment.progress.version.saturating_add(1)),
        ],
    }
}

fn failed(deployment: &Deployment, effect: Effect, reason: Reason) -> Submission {
    let failed = TransferFailed { deployment: deployment.id(), reason };
    submission(
        deployment,
        match effect {
            Effect::Refund => Payload::RefundFailed(failed),
            Effect::Release => Payload::ReleaseFailed(failed),
            _ => Payload::PaymentFailed(failed),
        },
    )
}

fn abandon(deployment: &Deployment, reason: Reason) -> Action {
    let payload = DeploymentAbandoned { deployment: deployment.id(), reason };
    Action::Append(vec![submission(deployment, Payload::DeploymentAbandoned(payload))])
}

fn quarantine(deployment: &Deployment, effect: Effect, reason: Reason) -> Action {
    let payload = DeploymentQuarantined { deployment: deployment.id(), effect, reason };
    Action::Append(vec![submission(deployment, Payload::DeploymentQuarantined(payload))])
}
