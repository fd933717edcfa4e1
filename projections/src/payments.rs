//! Payments: an invoice per deployment, and what the platform took in.

use crate::key::Moment;
use crate::progress::Progress;
use crate::table::{Page, Table, Timeline};
use crate::{Projection, Tables};
use cairn_events::payload::{DeploymentRequested, Evidence, Payload, TransferSettled};
use cairn_events::topic::Service;
use cairn_events::{Amount, DeploymentId, Event, Family, Principal};
use candid::CandidType;
use serde::{Deserialize, Serialize};

/// Nanoseconds of a day.
const DAY: u64 = 86_400_000_000_000;

/// The invoice for one deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Invoice {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Who pays.
    pub payer: Principal,
    /// For what.
    pub service: Service,
    /// The token's ledger.
    pub ledger: Principal,
    /// The price, in the token's smallest unit.
    pub price: Amount,
    /// The ledger's transfer fee at the quote.
    pub ledger_fee: Amount,
    /// When it was issued.
    pub issued: Moment,
    /// Where it stands.
    pub progress: Progress,
    /// When it came to stand there.
    pub updated: Moment,
    /// The transfer that is being made.
    pub under_way: Option<Terms>,
    /// The payment into escrow.
    pub captured: Option<Settlement>,
    /// The payment back to the payer.
    pub refunded: Option<Settlement>,
    /// The payment to the treasury.
    pub released: Option<Settlement>,
    /// What was delivered.
    pub contract: Option<Principal>,
    /// Code of the last thing that went wrong.
    pub trouble: Option<String>,
}

/// What a transfer moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Terms {
    /// The amount credited.
    pub amount: Amount,
    /// The ledger's fee, debited on top.
    pub fee: Amount,
}

/// A transfer that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Settlement {
    /// What it moved.
    pub terms: Terms,
    /// The ledger's block; unknown when only the balance tells.
    pub block: Option<u64>,
    /// How it is known.
    pub evidence: Evidence,
    /// When it was recorded.
    pub at: Moment,
}

/// Transfers of one kind, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// What they credited, in the token's smallest unit.
    pub amount: Amount,
    /// What the ledger took for them.
    pub fees: Amount,
}

impl Tally {
    fn add(&mut self, terms: Terms) {
        self.count += 1;
        self.amount = Amount(self.amount.0.saturating_add(terms.amount.0));
        self.fees = Amount(self.fees.0.saturating_add(terms.fee.0));
    }
}

/// What moved on one ledger, in some period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Takings {
    /// Into escrow.
    pub captured: Tally,
    /// To the treasury: the revenue.
    pub released: Tally,
    /// Back to payers.
    pub refunded: Tally,
}

/// The takings of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Day {
    /// Days since the Unix epoch.
    pub day: u64,
    /// What moved.
    pub takings: Takings,
}

/// How many invoices there are, and where they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct InvoiceCounts {
    /// Issued.
    pub issued: u64,
    /// Never paid.
    pub unpaid: u64,
    /// Paid into escrow.
    pub captured: u64,
    /// Delivered.
    pub delivered: u64,
    /// Paid on to the treasury.
    pub released: u64,
    /// Paid back.
    pub refunded: u64,
    /// In the hands of a person.
    pub quarantined: u64,
}

const INVOICES: Table<DeploymentId, Invoice> = Table::new(1);
const BY_PAYER: Timeline<Principal, DeploymentId> = Timeline::new(2);
const BY_TIME: Timeline<(), DeploymentId> = Timeline::new(3);
const DAYS: Table<(Principal, u64), Day> = Table::new(4);
const LEDGERS: Table<Principal, Takings> = Table::new(5);
const COUNTS: Table<(), InvoiceCounts> = Table::new(6);

/// The projection of payments.
#[derive(Clone, Copy, Debug)]
pub struct Payments;

impl Projection for Payments {
    const NAME: &'static str = "payments";
    const VERSION: u32 = 1;
    const FAMILY: Family = Family::Money;

    fn apply(tables: &mut dyn Tables, event: &Event) {
        let at = Moment::of(event);
        let payload = &event.payload;
        let (Some(progress), Some(id)) = (Progress::after(payload.kind()), payload.deployment()) else { return };
        if let Payload::DeploymentRequested(request) = payload {
            issue(tables, at, request);
        } else {
            let change = |invoice: &mut Invoice| {
                invoice.progress = progress;
                invoice.updated = at;
                (invoice.ledger, advance(invoice, payload, at))
            };
            let Some((ledger, moved)) = INVOICES.update(tables, &id, change) else { return };
            if let Some(terms) = moved {
                take_in(tables, ledger, at, payload, terms);
            }
        }
        COUNTS.upsert(tables, &(), |counts| count(counts, payload));
    }
}

fn issue(tables: &mut dyn Tables, at: Moment, request: &DeploymentRequested) {
    let id = request.deployment;
    let invoice = Invoice {
        deployment: id,
        payer: request.owner,
        service: request.service,
        ledger: request.ledger,
        price: request.price,
        ledger_fee: request.ledger_fee,
        issued: at,
        progress: Progress::Paying,
        updated: at,
        under_way: None,
        captured: None,
        refunded: None,
        released: None,
        contract: None,
        trouble: None,
    };
    INVOICES.put(tables, &id, &invoice);
    BY_PAYER.add(tables, request.owner, at, &id);
    BY_TIME.add(tables, (), at, &id);
}

/// Takes in what `payload` says of the invoice, and returns what it moved.
fn advance(invoice: &mut Invoice, payload: &Payload, at: Moment) -> Option<Terms> {
    match payload {
        Payload::PaymentIntended(intended) | Payload::RefundIntended(intended) | Payload::ReleaseIntended(intended) => {
            invoice.under_way = Some(Terms { amount: intended.transfer.amount, fee: intended.transfer.fee });
            None
        }
        Payload::PaymentFailed(failed) | Payload::RefundFailed(failed) | Payload::ReleaseFailed(failed) => {
            invoice.under_way = None;
            invoice.trouble = Some(failed.reason.code.clone());
            None
        }
        Payload::PaymentCaptured(settled) => settle(&mut invoice.under_way, &mut invoice.captured, settled, at),
        Payload::RefundPaid(settled) => settle(&mut invoice.under_way, &mut invoice.refunded, settled, at),
        Payload::EscrowReleased(settled) => settle(&mut invoice.under_way, &mut invoice.released, settled, at),
        Payload::DeliveryCommitted(committed) => {
            invoice.contract = Some(committed.contract);
            None
        }
        Payload::DeploymentAbandoned(abandoned) => {
            invoice.trouble = Some(abandoned.reason.code.clone());
            None
        }
        Payload::DeploymentQuarantined(quarantined) => {
            invoice.trouble = Some(quarantined.reason.code.clone());
            None
        }
        _ => None,
    }
}

fn settle(
    under_way: &mut Option<Terms>,
    settlement: &mut Option<Settlement>,
    settled: &TransferSettled,
    at: Moment,
) -> Option<Terms> {
    let terms = under_way.take()?;
    *settlement = Some(Settlement { terms, block: settled.block, evidence: settled.evidence, at });
    Some(terms)
}

fn take_in(tables: &mut dyn Tables, ledger: Principal, at: Moment, payload: &Payload, terms: Terms) {
    let add = |takings: &mut Takings| match payload {
        Payload::PaymentCaptured(_) => takings.captured.add(terms),
        Payload::RefundPaid(_) => takings.refunded.add(terms),
        Payload::EscrowReleased(_) => takings.released.add(terms),
        _ => {}
    };
    LEDGERS.upsert(tables, &ledger, add);
    let day = at.time.0 / DAY;
    let none = Day { day, takings: Takings::default() };
    DAYS.upsert_from(tables, &(ledger, day), none, |row| add(&mut row.takings));
}

fn count(counts: &mut InvoiceCounts, payload: &Payload) {
    let counter = match payload {
        Payload::DeploymentRequested(_) => &mut counts.issued,
        Payload::PaymentFailed(_) => &mut counts.unpaid,
        Payload::PaymentCaptured(_) => &mut counts.captured,
        Payload::DeliveryCommitted(_) => &mut counts.delivered,
        Payload::EscrowReleased(_) => &mut counts.released,
        Payload::RefundPaid(_) => &mut counts.refunded,
        Payload::DeploymentQuarantined(_) => &mut counts.quarantined,
        _ => return,
    };
    *counter += 1;
}

/// The invoice for `deployment`.
pub fn invoice(tables: &dyn Tables, deployment: DeploymentId) -> Option<Invoice> {
    INVOICES.get(tables, &deployment)
}

/// The invoices of `payer`, the newest first.
pub fn by_payer(tables: &dyn Tables, payer: Principal, cursor: Option<Moment>, limit: usize) -> Page<Invoice> {
    BY_PAYER.page(tables, payer, cursor, limit).filter_map(|id| INVOICES.get(tables, &id))
}

/// All invoices, the newest first.
pub fn by_time(tables: &dyn Tables, cursor: Option<Moment>, limit: usize) -> Page<Invoice> {
    BY_TIME.page(tables, (), cursor, limit).filter_map(|id| INVOICES.get(tables, &id))
}

/// The days from `from` on (days since the Unix epoch) on which anything moved on `ledger`, at most `limit` of them.
pub fn days(tables: &dyn Tables, ledger: Principal, from: u64, limit: usize) -> Vec<Day> {
    DAYS.range(tables, &(ledger, from), &(ledger, u64::MAX), limit)
}

/// All that ever moved on `ledger`.
pub fn takings(tables: &dyn Tables, ledger: Principal) -> Takings {
    LEDGERS.get(tables, &ledger).unwrap_or_default()
}

/// How many invoices there are.
pub fn counts(tables: &dyn Tables) -> InvoiceCounts {
    COUNTS.get(tables, &()).unwrap_or_default()
}
