//! The arithmetic of one deployment's money: price P, ledger fee f, escrow E = P + f.

use super::{Deployment, escrow};
use cairn_events::kind::Effect;
use cairn_events::payload::{Bytes32, Transfer};
use cairn_events::{Amount, DeploymentId, Hash, LogId, Principal, Timestamp};

/// What a deployment costs, and what its transfers cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// P: what treasury or payer receive in the end.
    pub price: Amount,
    /// f: the ledger's fee per transfer at the quote.
    pub ledger_fee: Amount,
}

/// The price is at least this many ledger fees, so that the fees of a failure are small beside it.
pub const MIN_PRICE_IN_FEES: u128 = 20;

/// The highest price that can be configured: sums with fees stay far from overflow.
pub const MAX_PRICE: Amount = Amount(1 << 100);

impl Terms {
    /// Terms that can be configured or quoted; otherwise the least price for this ledger fee, if there is any.
    ///
    /// # Errors
    /// The lowest acceptable price, capped by [`MAX_PRICE`].
    pub fn checked(price: Amount, ledger_fee: Amount) -> Result<Self, Amount> {
        let least = ledger_fee.checked_mul(MIN_PRICE_IN_FEES).map_or(MAX_PRICE, |least| least.max(Amount(1)));
        if price >= least && price <= MAX_PRICE { Ok(Terms { price, ledger_fee }) } else { Err(least.min(MAX_PRICE)) }
    }

    /// E: what the capture moves into escrow. Enough for one payout of P at the same fee.
    pub fn escrowed(self) -> Amount {
        // Cannot saturate: both are bounded when the terms are checked.
        Amount(self.price.0.saturating_add(self.ledger_fee.0))
    }

    /// P + 2f: what the payer is debited, hence the allowance and the balance needed.
    pub fn required(self) -> Amount {
        Amount(self.escrowed().0.saturating_add(self.ledger_fee.0))
    }

    /// What refund or release pays when the ledger's fee is `fee`: E - fee, so that nothing is left behind. P, unless
    /// the fee was changed. `None` if the fee eats it all.
    pub fn payout(self, fee: Amount) -> Option<Amount> {
        self.escrowed().checked_sub(fee).filter(|amount| *amount > Amount::ZERO)
    }
}

/// What freezes a transfer's arguments beside the deployment itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    /// The log that all this stands in.
    pub log: LogId,
    /// This canister, the owner of all escrow accounts.
    pub gateway: Principal,
    /// The network's time.
    pub now: Timestamp,
}

impl Deployment {
    /// The deployment's terms.
    pub fn terms(&self) -> Terms {
        Terms { price: self.request.price, ledger_fee: self.request.ledger_fee }
    }

    /// The capture of the fee: from the payer into escrow.
    pub fn capture(&self, scene: &Scene) -> Transfer {
        capture(&self.request, scene)
    }

    /// The payout at the ledger's present `fee`: of the price to the treasury, or back to the payer. `None` if the fee
    /// eats it all, or for an effect that is no payout.
    pub fn payout(&self, effect: Effect, attempt: u32, fee: Amount, scene: &Scene) -> Option<Transfer> {
        let to = match effect {
            Effect::Release => self.request.treasury,
            Effect::Refund => self.request.from,
            _ => return None,
        };
        Some(Transfer {
            ledger: self.request.ledger,
            from: self.escrow(scene.gateway),
            to,
            amount: self.terms().payout(fee)?,
            fee,
            memo: memo(scene.log, self.id(), effect, attempt),
            created_at: scene.now,
        })
    }
}

/// The capture of the fee for `request`: E from the payer into escrow. There is one attempt only.
pub fn capture(request: &cairn_events::payload::DeploymentRequested, scene: &Scene) -> Transfer {
    let terms = Terms { price: request.price, ledger_fee: request.ledger_fee };
    Transfer {
        ledger: request.ledger,
        from: request.from,
        to: escrow(scene.gateway, request.deployment),
        amount: terms.escrowed(),
        fee: terms.ledger_fee,
        memo: memo(scene.log, request.deployment, Effect::Payment, 1),
        created_at: scene.now,
    }
}

/// What binds a transfer to its intent, in this log and no other.
pub fn memo(log: LogId, deployment: DeploymentId, effect: Effect, attempt: u32) -> Bytes32 {
    let effect: &[u8] = match effect {
        Effect::Payment => b"payment",
        Effect::Delivery => b"delivery",
        Effect::Refund => b"refund",
        Effect::Release => b"release",
        Effect::Creation => b"creation",
        Effect::Installation => b"installation",
        Effect::Upgrade => b"upgrade",
        Effect::TopUp => b"top_up",
    };
    let fields: [&[u8]; 4] = [log.0.as_bytes(), deployment.0.as_bytes(), effect, &attempt.to_be_bytes()];
    Bytes32::new(Hash::of_fields("cairn.memo", &fields).0)
}
