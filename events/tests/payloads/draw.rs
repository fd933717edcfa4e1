//! Where the values of fields come from: fixed ones, the largest ones, or random ones.

use cairn_events::payload::*;
use cairn_events::topic::Service;
use cairn_events::*;

/// Where the values of fields come from.
pub trait Draw {
    /// A number up to `u64::MAX`.
    fn number(&mut self) -> u64;
    /// A number up to `u128::MAX`.
    fn amount(&mut self) -> Amount;
    /// Bytes, at most `max`.
    fn bytes(&mut self, max: usize) -> Vec<u8>;
    /// One of several, the first being the one with the longest encoding.
    fn pick<T: Copy>(&mut self, choices: &[T]) -> T;

    fn text(&mut self, max: usize) -> String {
        self.bytes(max).iter().map(|byte| char::from(b'a' + byte % 26)).collect()
    }
    fn exactly<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.iter_mut().for_each(|byte| *byte = self.number() as u8);
        bytes
    }
    fn hash(&mut self) -> Hash {
        Hash(self.exactly())
    }
    fn principal(&mut self) -> Principal {
        Principal::from_slice(&self.bytes(29))
    }
    fn deployment(&mut self) -> DeploymentId {
        DeploymentId(self.hash())
    }
    fn option<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.pick(&[true, false]).then(|| value(self))
    }
    fn account(&mut self) -> Account {
        Account { owner: self.principal(), subaccount: self.option(|draw| Subaccount(draw.exactly())) }
    }
    fn reason(&mut self) -> Reason {
        Reason { code: self.text(Reason::MAX_CODE), detail: self.text(Reason::MAX_DETAIL), digest: self.hash() }
    }
    fn version(&mut self) -> Version {
        Version::new(self.number() as u32, self.number() as u32, self.number() as u32)
    }
    fn service(&mut self) -> Service {
        use Service::*;
        self.pick(&[Distribution, Token, Multisig, Dao, Launchpad])
    }
    fn intended(&mut self) -> TransferIntended {
        TransferIntended {
            deployment: self.deployment(),
            transfer: Transfer {
                ledger: self.principal(),
                from: self.account(),
                to: self.account(),
                amount: self.amount(),
                fee: self.amount(),
                memo: Bytes32::new(self.exactly()),
                created_at: Timestamp(self.number()),
            },
            attempt: self.number() as u32,
        }
    }
    fn settled(&mut self) -> TransferSettled {
        TransferSettled {
            deployment: self.deployment(),
            block: self.option(Self::number),
            evidence: self.pick(&[Evidence::Duplicate, Evidence::Balance, Evidence::Reply]),
        }
    }
    fn failed(&mut self) -> TransferFailed {
        TransferFailed { deployment: self.deployment(), reason: self.reason() }
    }
}

/// The same values in every run: those of the golden events. Where there is a choice, it is always the same.
pub struct Fixed {
    next: u64,
    choice: usize,
}

impl Fixed {
    /// How many choices there are at most; see [`Fixed::choosing`].
    pub const CHOICES: usize = 26;

    /// Everything present, the first of several forms.
    pub fn full() -> Self {
        Fixed::choosing(0)
    }

    /// Of several forms the one of this number, of options by turns presence and absence.
    pub fn choosing(choice: usize) -> Self {
        Fixed { next: 0, choice }
    }
}

impl Draw for Fixed {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
    fn amount(&mut self) -> Amount {
        Amount(u128::from(self.number()) * 1_000_000_007)
    }
    fn bytes(&mut self, max: usize) -> Vec<u8> {
        (0..max.min(10)).map(|_| self.number() as u8).collect()
    }
    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.choice % choices.len()]
    }
}

/// The values with the longest encoding.
pub struct Largest(pub u64);

impl Draw for Largest {
    fn number(&mut self) -> u64 {
        self.0 -= 1;
        self.0
    }
    fn amount(&mut self) -> Amount {
        Amount(u128::MAX)
    }
    fn bytes(&mut self, max: usize) -> Vec<u8> {
        (0..max).map(|_| self.number() as u8).collect()
    }
    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[0]
    }
}

/// Any values, by seed.
pub struct Random(pub testing::Dice);

impl Draw for Random {
    fn number(&mut self) -> u64 {
        let bits = self.0.below(64);
        self.0.below(u64::MAX) >> bits
    }
    fn amount(&mut self) -> Amount {
        Amount(u128::from(self.number()) << self.0.below(64))
    }
    fn bytes(&mut self, max: usize) -> Vec<u8> {
        let length = self.0.below(max.min(200) as u64 + 1);
        (0..length).map(|_| self.0.below(256) as u8).collect()
    }
    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.below(choices.len() as u64) as usize]
    }
}
