//! People who want wallets, locks and airdrops.

use super::{Platform, account};
use anyhow::{Context, Result};
use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::api::backend::{
    BackendError, CreateDistributionArgs, CreateLockArgs, CreateMultisigArgs, DeploymentView,
};
use cairn_kit::api::distribution::{
    Campaign, Category, DistributionArgs, LockArgs, Membership, RecipientArgs, Schedule, TokenInfo,
};
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
            token: self.fee_token_info(),
            amount,
            beneficiary,
            unlock_at,
            early_unlock: None,
        }
    }

    /// A public airdrop of the fee token: a share each for these people, all of it from `start` on.
    ///
    /// # Errors
    /// The shares together are beyond any amount.
    pub fn airdrop(&self, people: &[Principal], share: Amount, start: Timestamp) -> Result<DistributionArgs> {
        let total = share.0.checked_mul(people.len() as u128).context("the sum of the shares")?;
        let recipient =
            |person: &Principal| RecipientArgs { recipient: *person, category: 0, amount: share, note: None };
        Ok(DistributionArgs {
            title: "Airdrop".to_owned(),
            description: String::new(),
            public: true,
            campaign: Campaign::Airdrop,
            token: self.fee_token_info(),
            total: Amount(total),
            categories: vec![Category {
                name: "Everybody".to_owned(),
                budget: Amount(total),
                members: Membership::Listed,
                schedule: Schedule::Instant,
                initial_unlock: 0,
                start: None,
            }],
            recipients: people.iter().map(recipient).collect(),
            max_recipients: None,
            registration: None,
            start,
            end: None,
            early_unlock: None,
            minimum_claim: Amount::ZERO,
            claim_limit: None,
            allow_cancel: false,
            allow_modification: false,
            refund_to: None,
        })
    }

    fn fee_token_info(&self) -> TokenInfo {
        TokenInfo { ledger: self.ledger, symbol: "FEE".to_owned(), decimals: 8 }
    }

    /// An order for `wallet`, as quoted now.
    pub fn order_wallet(&self, wallet: MultisigArgs) -> CreateMultisigArgs {
        CreateMultisigArgs { wallet, agreed: self.agreed(), from_subaccount: None, billing_reference: None }
    }

    /// An order for `lock`, as quoted now.
    pub fn order_lock(&self, lock: LockArgs) -> CreateLockArgs {
        CreateLockArgs { lock, agreed: self.agreed(), from_subaccount: None, billing_reference: None }
    }

    /// An order for `distribution`, as quoted now.
    pub fn order_distribution(&self, distribution: DistributionArgs) -> CreateDistributionArgs {
        CreateDistributionArgs { distribution, agreed: self.agreed(), from_subaccount: None, billing_reference: None }
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
