//! I1 to I5: every unit of the fee token is where the log says it is.

use super::{End, World, deployments, end};
use crate::ledger::{self, Block, normal};
use cairn_events::payload::{Account, DeploymentRequested, Subaccount, Transfer, TransferSettled};
use cairn_events::{Amount, DeploymentId, Event, Kind, Payload};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(world: &World, found: &mut Vec<String>) {
    let Some(balances) = ledger::balances(&world.blocks) else {
        found.push("I4: the ledger's blocks make an account negative".into());
        return;
    };
    let mut accounted = BTreeSet::new();
    for (id, events) in deployments(&world.events) {
        deployment(world, id, &events, &balances, &mut accounted, found);
    }
    // Everything else on the backend's accounts must be a donation: money that came from outside.
    for block in world.blocks.iter().filter(|block| block.touches(world.backend)) {
        let is_donation = block.from.is_none_or(|from| from.owner != world.backend);
        if !accounted.contains(&block.index) && !is_donation {
            found.push(format!(
                "I3: ledger block {} spends from the backend without an outcome in the log",
                block.index
            ));
        }
    }
}

fn deployment(
    world: &World,
    id: DeploymentId,
    events: &[&Event],
    balances: &BTreeMap<Account, Amount>,
    accounted: &mut BTreeSet<u64>,
    found: &mut Vec<String>,
) {
    let Some(Payload::DeploymentRequested(request)) = events.first().map(|event| &event.payload) else {
        found.push(format!("I10: deployment {id} does not begin with its request"));
        return;
    };
    let count = |kind: Kind| events.iter().filter(|event| event.payload.kind() == kind).count();
    arbiter(id, events, found);
    for settled in [Kind::PaymentCaptured, Kind::EscrowReleased, Kind::RefundPaid] {
        if count(settled) > 1 {
            found.push(format!("I9: deployment {id} has {} {}", count(settled), settled.btype()));
        }
    }
    let (moved_in, moved_out) = movements(world, id, events, accounted, found);
    escrow(world, id, request, (moved_in, moved_out), balances, accounted, found);
    if end(events) == End::Open {
        found.push(format!("I5: deployment {id} has not ended: {:?}", events.last().map(|e| e.payload.kind())));
    }
}

/// I5: never both delivered and abandoned, released only if delivered, refunded only if abandoned.
fn arbiter(id: DeploymentId, events: &[&Event], found: &mut Vec<String>) {
    let has = |kind: Kind| events.iter().any(|event| event.payload.kind() == kind);
    let (delivered, abandoned) = (has(Kind::DeliveryCommitted), has(Kind::DeploymentAbandoned));
    if delivered && abandoned {
        found.push(format!("I5: deployment {id} is both delivered and abandoned"));
    }
    if has(Kind::EscrowReleased) && !delivered {
        found.push(format!("I5: deployment {id} is released but not delivered"));
    }
    if has(Kind::RefundIntended) && !abandoned {
        found.push(format!("I5: deployment {id} is refunded but not abandoned"));
    }
    if has(Kind::PaymentCaptured) && has(Kind::PaymentFailed) {
        found.push(format!("I5: the payment of deployment {id} both happened and failed"));
    }
}

/// I3: each settled transfer is exactly one block of the ledger, equal in every argument. Returns what moved in and out.
fn movements(
    world: &World,
    id: DeploymentId,
    events: &[&Event],
    accounted: &mut BTreeSet<u64>,
    found: &mut Vec<String>,
) -> (Amount, Amount) {
    let (mut intent, mut moved_in, mut moved_out) = (None, Amount::ZERO, Amount::ZERO);
    for event in events {
        match &event.payload {
            Payload::PaymentIntended(p) | Payload::RefundIntended(p) | Payload::ReleaseIntended(p) => {
                intent = Some(&p.transfer);
            }
            Payload::PaymentCaptured(settled) => {
                if let Some(transfer) = intent {
                    moved_in = moved_in.checked_add(transfer.amount).unwrap_or_default();
                    claim(world, id, transfer, settled, accounted, found);
                }
            }
            Payload::RefundPaid(settled) | Payload::EscrowReleased(settled) => {
                if let Some(transfer) = intent {
                    let debit = transfer.amount.checked_add(transfer.fee).unwrap_or_default();
                    moved_out = moved_out.checked_add(debit).unwrap_or_default();
                    claim(world, id, transfer, settled, accounted, found);
                }
            }
            _ => {}
        }
    }
    (moved_in, moved_out)
}

fn claim(
    world: &World,
    id: DeploymentId,
    transfer: &Transfer,
    settled: &TransferSettled,
    accounted: &mut BTreeSet<u64>,
    found: &mut Vec<String>,
) {
    let matches = |block: &&Block| {
        block.from == Some(normal(transfer.from))
            && block.to == Some(normal(transfer.to))
            && block.amount == transfer.amount
            && block.fee == transfer.fee
            && block.memo.as_deref() == Some(transfer.memo.as_slice())
            && block.created_at == Some(transfer.created_at.0)
    };
    let blocks: Vec<u64> = world.blocks.iter().filter(matches).map(|block| block.index).collect();
    match (blocks.as_slice(), settled.block) {
        ([block], None) => _ = accounted.insert(*block),
        ([block], Some(named)) if *block == named => _ = accounted.insert(*block),
        _ => found
            .push(format!("I3: deployment {id}: the log names block {:?}, the ledger has {blocks:?}", settled.block)),
    }
}

/// I1, I2: what is left in escrow is what came in, less what went out, plus donations; nothing at the end.
fn escrow(
    world: &World,
    id: DeploymentId,
    request: &DeploymentRequested,
    (moved_in, moved_out): (Amount, Amount),
    balances: &BTreeMap<Account, Amount>,
    accounted: &BTreeSet<u64>,
    found: &mut Vec<String>,
) {
    let account = Account { owner: world.backend, subaccount: Some(Subaccount(id.escrow_subaccount())) };
    let donated = world
        .blocks
        .iter()
        .filter(|block| block.to == Some(account) && !accounted.contains(&block.index))
        .fold(Amount::ZERO, |sum, block| sum.checked_add(block.amount).unwrap_or_default());
    let balance = balances.get(&account).copied().unwrap_or_default();
    let expected = moved_in.checked_add(donated).and_then(|sum| sum.checked_sub(moved_out));
    if expected != Some(balance) {
        found.push(format!(
            "I1: escrow of {id} holds {balance}; captured {moved_in}, donated {donated}, moved out {moved_out}"
        ));
    }
    let full = request.price.checked_add(request.ledger_fee);
    if moved_in != Amount::ZERO && Some(moved_in) != full {
        found.push(format!("I2: {moved_in} captured for {id}, quoted {full:?}"));
    }
    if moved_out != Amount::ZERO && moved_out != moved_in {
        found.push(format!("I2: {moved_in} came into escrow of {id}, {moved_out} went out"));
    }
}
