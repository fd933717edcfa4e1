//! What tests begin with.

mod changes;
mod execution;
mod model;
mod private;
mod properties;
mod recovery;
mod voting;
mod weaknesses;

use super::{Answer, Payment, Step, Wallet};
use crate::memory::Memories;
use cairn_events::payload::Account;
use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::api::multisig::{
    Action, AssetPolicy, ContractCall, EmergencyAct, MAX_LIFETIME, MIN_LIFETIME, MIN_RECOVERY_DELAY, MultisigArgs,
    NewMember, NewSigner, ProposalArgs, ProposalStatus, RecoveryRules, SignerRole, TokenApproval, TokenTransfer,
    WalletChange, WalletError, WalletInit, WalletRequestError, WalletRules, WalletTemporaryError,
};
use ic_stable_structures::DefaultMemoryImpl;
use serde_bytes::ByteBuf;

/// When tests begin.
pub const START: Timestamp = Timestamp(1_700_000_000_000_000_000);
pub const SECOND: u64 = 1_000_000_000;
pub const HOUR: u64 = 3_600 * SECOND;
pub const DAY: u64 = 24 * HOUR;
/// The wallet.
pub const WALLET: Principal = Principal::from_slice(&[0xaa, 1]);
/// The factory.
pub const FACTORY: Principal = Principal::from_slice(&[0xfa, 1]);
/// A ledger with a daily limit of [`LIMIT`].
pub const LEDGER: Principal = Principal::from_slice(&[0x1e, 1]);
/// A ledger without.
pub const OTHER_LEDGER: Principal = Principal::from_slice(&[0x1e, 2]);
pub const LIMIT: u128 = 1_000;
/// Cycles that the wallet holds.
pub const CYCLES: u64 = 1_000_000_000_000;
/// Guardians are persons 100 and 101, the observer is person 90.
pub const OBSERVER: u8 = 90;

pub fn person(n: u8) -> Principal {
    Principal::self_authenticating([n])
}

pub fn signer(n: u8) -> NewSigner {
    let role = if n == 1 { SignerRole::Owner } else { SignerRole::Signer };
    NewSigner { principal: person(n), name: None, role }
}

pub fn member(n: u8) -> NewMember {
    NewMember { principal: person(n), name: None }
}

/// A wallet of the signers 1 to `signers`; the first one is an owner.
pub fn args(signers: u8, threshold: u32) -> MultisigArgs {
    MultisigArgs {
        name: "Treasury".to_owned(),
        description: None,
        signers: (1..=signers).map(signer).collect(),
        observers: vec![member(OBSERVER)],
        guardians: vec![member(100), member(101)],
        rules: WalletRules {
            threshold,
            timelock: 0,
            proposal_lifetime: MAX_LIFETIME,
            consensus_for_changes: false,
            policies: vec![AssetPolicy { ledger: LEDGER, daily_limit: Some(Amount(LIMIT)), large_amount: None }],
            recovery: Some(RecoveryRules { threshold: 2, delay: MIN_RECOVERY_DELAY }),
        },
        public: false,
    }
}

/// A wallet, and the time.
pub struct World {
    pub wallet: Wallet,
    memory: DefaultMemoryImpl,
    pub now: Timestamp,
}

impl World {
    pub fn new(signers: u8, threshold: u32) -> Self {
        Self::of(args(signers, threshold))
    }

    pub fn of(args: MultisigArgs) -> Self {
        let memory = DefaultMemoryImpl::default();
        let init = WalletInit { wallet: args, creator: person(1), factory: Some(FACTORY), epoch: 1 };
        let wallet = Wallet::create(&Memories::new(memory.clone()), WALLET, init, START).unwrap();
        World { wallet, memory, now: START }
    }

    /// The same wallet after an upgrade.
    pub fn upgrade(&mut self) {
        self.wallet = Wallet::open(&Memories::new(self.memory.clone())).unwrap();
    }

    pub fn pass(&mut self, nanoseconds: u64) {
        self.now = Timestamp(self.now.0 + nanoseconds);
    }

    pub fn propose(&mut self, by: u8, action: Action) -> Result<u64, WalletError> {
        self.wallet.propose(person(by), proposal(action), self.now)
    }

    pub fn approve(&mut self, by: u8, id: u64) -> Result<(), WalletError> {
        self.wallet.approve(person(by), id, None, self.now)
    }

    pub fn reject(&mut self, by: u8, id: u64) -> Result<(), WalletError> {
        self.wallet.reject(person(by), id, None, self.now)
    }

    pub fn begin(&mut self, by: u8, id: u64) -> Result<(), WalletError> {
        self.wallet.begin(person(by), id, CYCLES, self.now)
    }

    /// A proposal that the signers 1 to `approvals` approve.
    pub fn approved(&mut self, action: Action, approvals: u8) -> u64 {
        let id = self.propose(1, action).unwrap();
        for by in 2..=approvals {
            self.approve(by, id).unwrap();
        }
        id
    }

    pub fn status(&self, id: u64) -> ProposalStatus {
        self.wallet.proposal_view(id, self.now).unwrap().status
    }

    /// The next sending, with the fee known to be 1.
    pub fn next_send(&mut self, id: u64) -> Option<(u32, u32, Payment)> {
        loop {
            match self.wallet.next_step(id, self.now)? {
                Step::Quote { item, .. } => self.wallet.quoted(id, item, Ok(Amount(1)), self.now),
                Step::Send { item, attempt, payment } => return Some((item, attempt, payment)),
            }
        }
    }

    /// Goes on with the execution, every sending answered in the same way; what was sent.
    pub fn drive(&mut self, id: u64, answer: &Answer) -> Vec<Payment> {
        let mut sent = Vec::new();
        while let Some((item, attempt, payment)) = self.next_send(id) {
            sent.push(payment);
            assert!(self.wallet.answered(id, item, attempt, answer.clone(), self.now));
        }
        sent
    }

    /// A change of the wallet that the signers 1 to `approvals` have approved, executed.
    pub fn change(&mut self, change: WalletChange, approvals: u8) -> Result<u64, WalletError> {
        let id = self.approved(Action::WalletModification(change), approvals);
        self.begin(1, id).map(|()| id)
    }
}

pub fn proposal(action: Action) -> ProposalArgs {
    ProposalArgs { title: "Title".to_owned(), description: String::new(), action, lifetime: None, depends_on: vec![] }
}

pub fn pay_on(ledger: Principal, amount: u128) -> TokenTransfer {
    TokenTransfer { ledger, to: Account { owner: person(200), subaccount: None }, amount: Amount(amount), memo: None }
}

pub fn pay(amount: u128) -> Action {
    Action::Transfer(pay_on(LEDGER, amount))
}

pub fn call(canister: Principal, method: &str) -> Action {
    let args = ByteBuf::from(candid::encode_args(()).unwrap());
    Action::ContractCall(ContractCall { canister, method: method.to_owned(), args, cycles: 0 })
}

pub fn remove(n: u8) -> WalletChange {
    WalletChange::RemoveSigner { signer: person(n), threshold: None }
}

pub fn done() -> Answer {
    Answer::Block(Amount(7))
}

pub fn request(error: WalletError) -> WalletRequestError {
    match error {
        WalletError::Request(error) => error,
        other => panic!("{other:?}"),
    }
}

pub fn temporary(error: WalletError) -> WalletTemporaryError {
    match error {
        WalletError::Temporary(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wallet_is_found_again_after_an_upgrade() {
    let mut world = World::new(3, 2);
    let id = world.approved(pay(5), 2);
    world.begin(1, id).unwrap();
    let before = (world.wallet.charter().clone(), world.wallet.course().clone(), world.wallet.proposal(id).unwrap());
    world.upgrade();
    let after = (world.wallet.charter().clone(), world.wallet.course().clone(), world.wallet.proposal(id).unwrap());
    assert_eq!(before, after);
    assert_eq!(world.wallet.examine(), Ok(()));
    assert_eq!(world.drive(id, &done()).len(), 1);
    assert_eq!(world.status(id), ProposalStatus::Executed);
}

#[test]
fn memory_that_holds_no_wallet_is_refused() {
    assert!(Wallet::open(&Memories::new(DefaultMemoryImpl::default())).is_err());
    let world = World::new(2, 1);
    let memories = Memories::new(world.memory.clone());
    cairn_kit::layout::begin(&memories.get(crate::memory::LAYOUT), 99).unwrap();
    assert!(Wallet::open(&memories).is_err());
}

#[test]
fn a_wallet_that_cannot_be_is_not_created() {
    let memories = Memories::new(DefaultMemoryImpl::default());
    let init = WalletInit { wallet: args(2, 3), creator: person(1), factory: None, epoch: 0 };
    assert!(Wallet::create(&memories, WALLET, init, START).is_err());
}
