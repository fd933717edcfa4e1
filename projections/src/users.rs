//! Users: who came, what they asked for, what they spent.

use crate::key::Moment;
use crate::table::{Page, Table, Timeline};
use crate::{Projection, Tables};
use cairn_events::payload::{DeploymentRequested, Payload, TransferIntended};
use cairn_events::{Amount, DeploymentId, Event, Family, Principal};
use candid::CandidType;
use serde::{Deserialize, Serialize};

/// Somebody who asked for a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct User {
    /// Who.
    pub principal: Principal,
    /// The first deployment asked for.
    pub first_seen: Moment,
    /// The last one.
    pub last_seen: Moment,
    /// Deployments asked for.
    pub deployments: u64,
    /// Those that were delivered.
    pub delivered: u64,
    /// Those that were paid back.
    pub refunded: u64,
}

/// What a user paid on one ledger, in the token's smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Spending {
    /// The ledger.
    pub ledger: Principal,
    /// Debited for deployments, ledger fees included.
    pub paid: Amount,
    /// Credited back.
    pub refunded: Amount,
}

/// How many users there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct UserCounts {
    /// All of them.
    pub users: u64,
    /// Those with at least one delivered deployment.
    pub served: u64,
}

/// What is yet to be known about a deployment that is under way.
#[derive(Clone, Serialize, Deserialize)]
struct Open {
    owner: Principal,
    ledger: Principal,
    /// Credited, and debited, by the transfer that is being made.
    credit: Amount,
    debit: Amount,
}

const USERS: Table<Principal, User> = Table::new(1);
const BY_TIME: Timeline<(), Principal> = Timeline::new(2);
const SPENDING: Table<(Principal, Principal), Spending> = Table::new(3);
const OPEN: Table<DeploymentId, Open> = Table::new(4);
const COUNTS: Table<(), UserCounts> = Table::new(5);

/// The projection of users.
#[derive(Clone, Copy, Debug)]
pub struct Users;

impl Projection for Users {
    const NAME: &'static str = "users";
    const VERSION: u32 = 1;
    const FAMILY: Family = Family::Deployments;

    fn apply(tables: &mut dyn Tables, event: &Event) {
        match &event.payload {
            Payload::DeploymentRequested(request) => requested(tables, Moment::of(event), request),
            Payload::PaymentIntended(intended) | Payload::RefundIntended(intended) => intend(tables, intended),
            Payload::PaymentCaptured(settled) => {
                if let Some(open) = OPEN.get(tables, &settled.deployment) {
                    spend(tables, &open, |spending| spending.paid = sum(spending.paid, open.debit));
                }
            }
            Payload::DeliveryCommitted(committed) => {
                if let Some(open) = OPEN.get(tables, &committed.deployment) {
                    delivered(tables, open.owner);
                }
            }
            Payload::RefundPaid(settled) => {
                if let Some(open) = OPEN.get(tables, &settled.deployment) {
                    spend(tables, &open, |spending| spending.refunded = sum(spending.refunded, open.credit));
                    USERS.update(tables, &open.owner, |user| user.refunded += 1);
                }
                OPEN.remove(tables, &settled.deployment);
            }
            Payload::EscrowReleased(settled) => OPEN.remove(tables, &settled.deployment),
            Payload::PaymentFailed(failed) => OPEN.remove(tables, &failed.deployment),
            _ => {}
        }
    }
}

fn requested(tables: &mut dyn Tables, at: Moment, request: &DeploymentRequested) {
    let owner = request.owner;
    let known = USERS.update(tables, &owner, |user| {
        user.last_seen = at;
        user.deployments += 1;
    });
    if known.is_none() {
        let user = User { principal: owner, first_seen: at, last_seen: at, deployments: 1, delivered: 0, refunded: 0 };
        USERS.put(tables, &owner, &user);
        BY_TIME.add(tables, (), at, &owner);
        COUNTS.upsert(tables, &(), |counts| counts.users += 1);
    }
    let open = Open { owner, ledger: request.ledger, credit: Amount::ZERO, debit: Amount::ZERO };
    OPEN.put(tables, &request.deployment, &open);
}

fn intend(tables: &mut dyn Tables, intended: &TransferIntended) {
    let transfer = &intended.transfer;
    OPEN.update(tables, &intended.deployment, |open| {
        open.credit = transfer.amount;
        open.debit = sum(transfer.amount, transfer.fee);
    });
}

fn spend(tables: &mut dyn Tables, open: &Open, change: impl FnOnce(&mut Spending)) {
    let key = (open.owner, open.ledger);
    let none = Spending { ledger: open.ledger, paid: Amount::ZERO, refunded: Amount::ZERO };
    SPENDING.upsert_from(tables, &key, none, change);
}

fn delivered(tables: &mut dyn Tables, owner: Principal) {
    let delivered = USERS.update(tables, &owner, |user| {
        user.delivered += 1;
        user.delivered
    });
    if delivered == Some(1) {
        COUNTS.upsert(tables, &(), |counts| counts.served += 1);
    }
}

fn sum(a: Amount, b: Amount) -> Amount {
    Amount(a.0.saturating_add(b.0))
}

/// The user `principal`.
pub fn user(tables: &dyn Tables, principal: Principal) -> Option<User> {
    USERS.get(tables, &principal)
}

/// What `principal` paid, ledger by ledger, at most a page of them.
pub fn spending(tables: &dyn Tables, principal: Principal) -> Vec<Spending> {
    SPENDING.under(tables, &principal, crate::table::MAX_PAGE)
}

/// All users, those who came last first.
pub fn by_time(tables: &dyn Tables, cursor: Option<Moment>, limit: usize) -> Page<User> {
    BY_TIME.page(tables, (), cursor, limit).filter_map(|principal| USERS.get(tables, &principal))
}

/// How many users there are.
pub fn counts(tables: &dyn Tables) -> UserCounts {
    COUNTS.get(tables, &()).unwrap_or_default()
}
