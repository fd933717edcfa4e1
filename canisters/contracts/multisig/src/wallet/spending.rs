//! What left the wallet within the last 24 hours, and the limits on it.
//!
//! Amounts are kept by periods of ten minutes, and a period is forgotten a day after its end: a little too much is
//! counted, never too little. Only what is certain not to have left is taken back.

use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::api::multisig::WalletTemporaryError;
use cairn_kit::stable::{Cbor, Memory, PrincipalNumberKey};
use ic_stable_structures::StableBTreeMap;

/// Nanoseconds of a period.
pub const PERIOD: u64 = 600_000_000_000;
/// Nanoseconds of the window.
pub const WINDOW: u64 = 86_400_000_000_000;

/// What left, by ledger and period.
pub struct Spending {
    rows: StableBTreeMap<PrincipalNumberKey, Cbor<Amount>, Memory>,
}

impl Spending {
    /// The spending in `memory`.
    pub fn open(memory: Memory) -> Self {
        Spending { rows: StableBTreeMap::init(memory) }
    }

    /// The first period that still counts at `now`.
    fn first(now: Timestamp) -> u64 {
        now.0.saturating_sub(WINDOW) / PERIOD
    }

    fn since(&self, ledger: Principal, period: u64) -> impl Iterator<Item = (u64, Amount)> + '_ {
        let range = PrincipalNumberKey(ledger, period)..=PrincipalNumberKey(ledger, u64::MAX);
        self.rows.range(range).map(|row| (row.key().1, row.value().0))
    }

    /// What counts at `now`.
    pub fn spent(&self, ledger: Principal, now: Timestamp) -> Amount {
        let amounts = self.since(ledger, Self::first(now)).map(|(_, amount)| amount.0);
        Amount(amounts.fold(0, u128::saturating_add))
    }

    /// Whether `amount` more may leave at `now` under `limit`.
    ///
    /// # Errors
    /// [`WalletTemporaryError::DailyLimit`].
    pub fn check(
        &self,
        ledger: Principal,
        limit: Option<Amount>,
        amount: Amount,
        now: Timestamp,
    ) -> Result<(), WalletTemporaryError> {
        let Some(limit) = limit else { return Ok(()) };
        let available = limit.saturating_sub(self.spent(ledger, now));
        if amount <= available {
            return Ok(());
        }
        let retry_at = self.room(ledger, limit, amount, now);
        Err(WalletTemporaryError::DailyLimit { ledger, limit, available, requested: amount, retry_at })
    }

    /// When enough will have been forgotten for `amount`.
    fn room(&self, ledger: Principal, limit: Amount, amount: Amount, now: Timestamp) -> Timestamp {
        let mut left = self.spent(ledger, now);
        let mut at = now;
        for (period, spent) in self.since(ledger, Self::first(now)) {
            if limit.saturating_sub(left) >= amount {
                break;
            }
            left = left.saturating_sub(spent);
            at = Timestamp(period.saturating_add(1).saturating_mul(PERIOD).saturating_add(WINDOW));
        }
        at
    }

    /// Counts `amount` at `now`, in place of `before`, the period in which it counted until now; in which period.
    ///
    /// # Errors
    /// As [`Spending::check`]; it counts as before then.
    pub fn count(
        &mut self,
        ledger: Principal,
        limit: Option<Amount>,
        amount: Amount,
        before: Option<u64>,
        now: Timestamp,
    ) -> Result<u64, WalletTemporaryError> {
        if let Some(period) = before {
            self.take_back(ledger, amount, period);
        }
        let checked = self.check(ledger, limit, amount, now);
        match (&checked, before) {
            (Ok(()), _) => self.forget(ledger, now),
            (Err(_), None) => {}
            (Err(_), Some(period)) => self.put(ledger, amount, period),
        }
        checked?;
        let period = now.0 / PERIOD;
        self.put(ledger, amount, period);
        Ok(period)
    }

    fn put(&mut self, ledger: Principal, amount: Amount, period: u64) {
        let key = PrincipalNumberKey(ledger, period);
        let before = self.rows.get(&key).map_or(Amount::ZERO, |row| row.0);
        self.rows.insert(key, Cbor(Amount(before.0.saturating_add(amount.0))));
    }

    /// Removes what no longer counts.
    fn forget(&mut self, ledger: Principal, now: Timestamp) {
        let old = PrincipalNumberKey(ledger, 0)..PrincipalNumberKey(ledger, Self::first(now));
        let old: Vec<PrincipalNumberKey> = self.rows.keys_range(old).collect();
        for key in old {
            self.rows.remove(&key);
        }
    }

    /// Takes back what was counted in `period`.
    pub fn take_back(&mut self, ledger: Principal, amount: Amount, period: u64) {
        let key = PrincipalNumberKey(ledger, period);
        let Some(Cbor(before)) = self.rows.get(&key) else { return };
        match before.saturating_sub(amount) {
            Amount::ZERO => drop(self.rows.remove(&key)),
            rest => drop(self.rows.insert(key, Cbor(rest))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ic_stable_structures::DefaultMemoryImpl;
    use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};
    use proptest::prelude::*;

    const LEDGER: Principal = Principal::from_slice(&[7]);
    const OTHER: Principal = Principal::from_slice(&[8]);

    fn spending() -> Spending {
        Spending::open(MemoryManager::init(DefaultMemoryImpl::default()).get(MemoryId::new(0)))
    }

    fn at(minutes: u64) -> Timestamp {
        Timestamp(1_700_000_000_000_000_000 + minutes * 60_000_000_000)
    }

    #[test]
    fn what_left_counts_for_a_day_and_says_when_it_will_not() {
        let mut spending = spending();
        let limit = Some(Amount(100));
        let period = spending.count(LEDGER, limit, Amount(80), None, at(0)).unwrap();
        spending.count(OTHER, None, Amount(80), None, at(0)).unwrap();
        assert_eq!(spending.check(LEDGER, limit, Amount(20), at(1)), Ok(()));
        let refusal = spending.check(LEDGER, limit, Amount(21), at(1)).unwrap_err();
        let WalletTemporaryError::DailyLimit { available, retry_at, .. } = refusal else { panic!("{refusal:?}") };
        assert_eq!(available, Amount(20));
        assert!(retry_at >= at(24 * 60) && retry_at <= at(24 * 60 + 10));
        assert_eq!(spending.check(LEDGER, limit, Amount(21), retry_at), Ok(()));
        assert_eq!(spending.spent(LEDGER, at(24 * 60)), Amount(80), "still within the window, by the nanosecond");
        spending.take_back(LEDGER, Amount(30), period);
        assert_eq!((spending.spent(LEDGER, at(1)), spending.spent(OTHER, at(1))), (Amount(50), Amount(80)));
        let moved = spending.count(LEDGER, limit, Amount(50), Some(period), at(60)).unwrap();
        assert_eq!(spending.spent(LEDGER, at(60)), Amount(50), "it counts once, later");
        let lower = Some(Amount(40));
        assert!(spending.count(LEDGER, lower, Amount(50), Some(moved), at(90)).is_err());
        assert_eq!(spending.spent(LEDGER, at(90)), Amount(50), "what is refused counts as before");
        spending.take_back(LEDGER, Amount(50), moved);
        spending.take_back(LEDGER, Amount(50), moved);
        assert_eq!(spending.spent(LEDGER, at(90)), Amount::ZERO);
    }

    proptest! {
        /// Whatever was let through, in whatever rhythm: no 24 hours hold more than the limit.
        #[test]
        fn no_day_exceeds_the_limit(steps in prop::collection::vec((0u64..900, 1u128..80), 1..60)) {
            let mut spending = spending();
            let (mut now, mut sent) = (at(0), Vec::new());
            for (minutes, amount) in steps {
                now = Timestamp(now.0 + minutes * 60_000_000_000 + 1);
                if spending.count(LEDGER, Some(Amount(100)), Amount(amount), None, now).is_ok() {
                    sent.push((now, amount));
                }
                let window = sent.iter().filter(|(time, _)| time.0 + WINDOW > now.0).map(|(_, amount)| amount);
                prop_assert!(window.sum::<u128>() <= 100);
            }
        }
    }
}
