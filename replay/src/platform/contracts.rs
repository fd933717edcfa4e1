//! People who want wallets and locks.

use super::{Platform, account};
use anyhow::Result;
use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::api::backend::{BackendError, CreateLockArgs, CreateMultisigArgs, DeploymentView};
use cairn_kit::api::distribution::{LockArgs, TokenInfo};
use cairn_kit::api::multisig::{Action, MultisigArgs, NewSigner, ProposalArgs, SignerRole, TokenTransfer, WalletRules};

/// Nanoseconds of a day.
const DAY: u64 = 86_400_000_000_000;

/// What the backend answered.
type Answer = std::result::Result<DeploymentView, BackendError>;

/// A public wallet of these signers, the first its owner, without timelock.
pub fn wallet(name: &str, signers: &[Principal], threshold: u32) -> MultisigArgs {
    let role = |place: usize| if place == 0 { SignerRole::Owner } else { SignerRole::Signer };
    let signers = signers.iter().enumerate();
    let signers = signers.map(|(place, principal)| NewSigner { principal: *principal, name: None, role: role(place) });
    MultisigArgs {
        name: name.to_owned(),
        description: None,
        signers: signers.collect(),
        observers: Vec::new(),
        guardians: Vec::new(),
        rules: WalletRules {
            threshold,
            timelock: 0,
            proposal_lifetime: DAY,
            consensus_for_changes: false,
            policies: Vec::new(),
            recovery: None,
        },
        public: true,
    }
}

/// A proposal to pay from a wallet.
pub fn payment(ledger: Principal, to: Principal, amount: Amount) -> ProposalArgs {
    let transfer = TokenTransfer { ledger, to: account(to), amount, memo: None };
    ProposalArgs {
        title: "Pay".to_owned(),
        description: String::new(),
        action: Action::Transfer(transfer),
        lifetime: None,
        depends_on: Vec::new(),
    }
}

impl Platform {
    /// A public lock of the fee token, for `beneficiary`.
    pub fn lock(&self, amount: Amount, beneficiary: Principal, unlock_at: Timestamp) -> LockArgs {
        LockArgs {
            title: "Lock".to_owned(),
            description: String::new(),
            public: true,
            token: TokenInfo { ledger: self.ledger, symbol: "FEE".to_owned(), decimals: 8 },
            amount,
            beneficiary,
            unlock_at,
            early_unlock: None,
        }
    }

    /// An order for `wallet`, as quoted now.
    pub fn order_wallet(&self, wallet: MultisigArgs) -> CreateMultisigArgs {
        CreateMultisigArgs { wallet, agreed: self.agreed(), from_subaccount: None, billing_reference: None }
    }

    /// An order for `lock`, as quoted now.
    pub fn order_lock(&self, lock: LockArgs) -> CreateLockArgs {
        CreateLockArgs { lock, agreed: self.agreed(), from_subaccount: None, billing_reference: None }
    }

    /// Calls `createMultisig` and waits for the answer.
    ///
    /// # Errors
    /// The call was rejected. What the backend refuses is in the answer.
    pub fn create_wallet(&mut self, owner: Principal, order: CreateMultisigArgs, request_id: &str) -> Result<Answer> {
        self.create(owner, "createMultisig", order, request_id)
    }

    /// Calls `createLock` and waits for the answer.
    ///
    /// # Errors
    /// The call was rejected. What the backend refuses is in the answer.
    pub fn create_lock(&mut self, owner: Principal, order: CreateLockArgs, request_id: &str) -> Result<Answer> {
        self.create(owner, "createLock", order, request_id)
    }

    /// The contract that was delivered to `owner` for `request_id`, once it is registered.
    ///
    /// # Errors
    /// The log does not answer.
    pub fn contract_of(&mut self, owner: Principal, request_id: &str) -> Result<Option<Principal>> {
        let deployment = self.deployment_id(owner, request_id);
        Ok(self.events()?.iter().find_map(|event| match &event.payload {
            cairn_events::Payload::ContractRegistered(registered) if registered.deployment == deployment => {
                Some(registered.contract)
            }
            _ => None,
        }))
    }
}
