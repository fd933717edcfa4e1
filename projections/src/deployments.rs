//! Deployments: what was asked for, and what became of it.

use crate::key::Moment;
use crate::progress::Progress;
use crate::table::{Page, Table, Timeline};
use crate::{Projection, Tables};
use cairn_events::payload::{DeploymentRequested, Payload};
use cairn_events::topic::Service;
use cairn_events::{Amount, DeploymentId, Event, Family, Principal};
use candid::CandidType;
use serde::{Deserialize, Serialize};

/// A deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// Who asked, pays and owns.
    pub owner: Principal,
    /// What was asked for.
    pub service: Service,
    /// Who delivers.
    pub factory: Principal,
    /// The fee token's ledger.
    pub ledger: Principal,
    /// The price, in the token's smallest unit.
    pub price: Amount,
    /// When it was asked for.
    pub requested: Moment,
    /// Where it stands.
    pub progress: Progress,
    /// When it came to stand there.
    pub updated: Moment,
    /// The contract, once delivered.
    pub contract: Option<Principal>,
    /// Code of the last thing that went wrong.
    pub trouble: Option<String>,
}

/// An entry of a deployment's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Step {
    /// The event's kind.
    pub event: String,
    /// When it was accepted.
    pub at: Moment,
}

/// How many deployments stand where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct ProgressCount {
    /// Where they stand.
    pub progress: Progress,
    /// How many.
    pub deployments: u64,
}

const DEPLOYMENTS: Table<DeploymentId, Deployment> = Table::new(1);
const BY_OWNER: Timeline<Principal, DeploymentId> = Timeline::new(2);
const BY_TIME: Timeline<(), DeploymentId> = Timeline::new(3);
const HISTORY: Timeline<DeploymentId, Step> = Timeline::new(4);
const COUNTS: Table<Progress, u64> = Table::new(5);

/// The projection of deployments.
#[derive(Clone, Copy, Debug)]
pub struct Deployments;

impl Projection for Deployments {
    const NAME: &'static str = "deployments";
    const VERSION: u32 = 1;
    const FAMILY: Family = Family::Deployments;

    fn apply(tables: &mut dyn Tables, event: &Event) {
        let at = Moment::of(event);
        let kind = event.payload.kind();
        let (Some(progress), Some(id)) = (Progress::after(kind), event.payload.deployment()) else { return };
        let before = match &event.payload {
            Payload::DeploymentRequested(request) => {
                open(tables, at, request);
                None
            }
            payload => {
                let before = DEPLOYMENTS.update(tables, &id, |row| advance(row, payload, progress, at));
                if before.is_none() {
                    return;
                }
                before
            }
        };
        HISTORY.add(tables, id, at, &Step { event: kind.btype().to_owned(), at });
        if before != Some(progress) {
            if let Some(before) = before {
                COUNTS.upsert(tables, &before, |count| *count = count.saturating_sub(1));
            }
            COUNTS.upsert(tables, &progress, |count| *count += 1);
        }
    }
}

fn open(tables: &mut dyn Tables, at: Moment, request: &DeploymentRequested) {
    let id = request.deployment;
    let deployment = Deployment {
        id,
        owner: request.owner,
        service: request.service,
        factory: request.factory,
        ledger: request.ledger,
        price: request.price,
        requested: at,
        progress: Progress::Paying,
        updated: at,
        contract: None,
        trouble: None,
    };
    DEPLOYMENTS.put(tables, &id, &deployment);
    BY_OWNER.add(tables, request.owner, at, &id);
    BY_TIME.add(tables, (), at, &id);
}

/// Takes in what `payload` says, and returns where the deployment stood before.
fn advance(row: &mut Deployment, payload: &Payload, progress: Progress, at: Moment) -> Progress {
    match payload {
        Payload::DeliveryCommitted(committed) => row.contract = Some(committed.contract),
        Payload::PaymentFailed(failed) | Payload::RefundFailed(failed) | Payload::ReleaseFailed(failed) => {
            row.trouble = Some(failed.reason.code.clone());
        }
        Payload::DeploymentAbandoned(abandoned) => row.trouble = Some(abandoned.reason.code.clone()),
        Payload::DeploymentQuarantined(quarantined) => row.trouble = Some(quarantined.reason.code.clone()),
        _ => {}
    }
    row.updated = at;
    std::mem::replace(&mut row.progress, progress)
}

/// The deployment `id`.
pub fn deployment(tables: &dyn Tables, id: DeploymentId) -> Option<Deployment> {
    DEPLOYMENTS.get(tables, &id)
}

/// The deployments of `owner`, the newest first.
pub fn by_owner(tables: &dyn Tables, owner: Principal, cursor: Option<Moment>, limit: usize) -> Page<Deployment> {
    BY_OWNER.page(tables, owner, cursor, limit).filter_map(|id| DEPLOYMENTS.get(tables, &id))
}

/// All deployments, the newest first.
pub fn by_time(tables: &dyn Tables, cursor: Option<Moment>, limit: usize) -> Page<Deployment> {
    BY_TIME.page(tables, (), cursor, limit).filter_map(|id| DEPLOYMENTS.get(tables, &id))
}

/// What happened to the deployment `id`, the newest first.
pub fn history(tables: &dyn Tables, id: DeploymentId, cursor: Option<Moment>, limit: usize) -> Page<Step> {
    HISTORY.page(tables, id, cursor, limit)
}

/// How many deployments stand where; a line for every stage.
pub fn counts(tables: &dyn Tables) -> Vec<ProgressCount> {
    let count = |progress| ProgressCount { progress, deployments: COUNTS.get(tables, &progress).unwrap_or_default() };
    Progress::ALL.map(count).to_vec()
}
