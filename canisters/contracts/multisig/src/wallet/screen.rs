//! What may be proposed at all. Asked when something is proposed, and again before it is executed.

use super::{Charter, Moment, Phase, Wallet, refuse};
use cairn_events::payload::Account;
use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::api::multisig::{
    Action, ContractCall, EmergencyAct, InvalidWallet, TokenApproval, TokenTransfer, WalletChange, WalletError,
    WalletRequestError, can_act, length,
};
use cairn_kit::runtime::decode_bounded;
use candid::{CandidType, Deserialize};
use std::collections::BTreeMap;

/// Most payments of a batch.
pub const MAX_BATCH: usize = 50;
/// Most bytes of a memo: as many as every ledger takes.
pub const MAX_MEMO: usize = 32;
/// Most bytes of a method's name.
pub const MAX_METHOD: usize = 64;
/// Most bytes of a call's argument.
pub const MAX_ARGS: usize = 20_000;

/// How an NFT leaves the wallet (ICRC-7). It is no payment: no limit counts an NFT, no rule knows what one is worth. So
/// it is a call, which every signer approves: see [`super::risk`].
pub(super) const NFT_TRANSFER: &str = "icrc7_transfer";

/// Methods that move or give away tokens: payments are proposed as such, so that limits and risk hold for them. Those
/// of ICRC-37 let others take NFTs later, or take those of others: no NFT needs them to leave.
const MONEY_METHODS: [&str; 15] = [
    "icrc1_transfer",
    "icrc2_approve",
    "icrc2_transfer_from",
    "icrc4_transfer_batch",
    "icrc37_approve_tokens",
    "icrc37_approve_collection",
    "icrc37_transfer_from",
    "icrc152_mint",
    "icrc152_burn",
    "transfer",
    "transferFrom",
    "approve",
    "send_dfx",
    "send_pb",
    "notify_dfx",
];

/// Methods of the management canister that concern the one canister whose id their argument has.
const MANAGEMENT_METHODS: [&str; 7] = [
    "canister_status",
    "deposit_cycles",
    "install_code",
    "start_canister",
    "stop_canister",
    "uninstall_code",
    "update_settings",
];

/// What the methods begin with by which contracts notify their factory: `notifyBatch`, and one for each notification.
const NOTIFY: &str = "notify";

/// The beginning of the argument of [`MANAGEMENT_METHODS`].
#[derive(CandidType, Deserialize)]
struct Target {
    canister_id: Principal,
}

impl Wallet {
    /// Whether `action` is possible in the wallet as it is.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn screen(&self, action: &Action, now: Timestamp) -> Result<(), WalletError> {
        match action {
            Action::Transfer(transfer) => self.screen_transfers(std::slice::from_ref(transfer)),
            Action::BatchTransfer(transfers) => {
                length("transfers", transfers.len(), 1, MAX_BATCH, "payments")?;
                self.screen_transfers(transfers)
            }
            Action::TokenApproval(approval) => self.screen_approval(approval, now),
            Action::WalletModification(change) => self.screen_change(change, now),
            Action::ContractCall(call) => self.screen_call(call),
            Action::EmergencyAction(act) => self.screen_emergency(act, now),
        }
    }

    fn screen_transfers(&self, transfers: &[TokenTransfer]) -> Result<(), WalletError> {
        for (item, transfer) in (0..).zip(transfers) {
            self.check_ledger(item, transfer.ledger)?;
            self.check_account(item, &transfer.to, "paid")?;
            if transfer.amount == Amount::ZERO {
                return Err(refuse(WalletRequestError::ZeroAmount { item }));
            }
            length("memo", transfer.memo.as_ref().map_or(0, |memo| memo.len()), 0, MAX_MEMO, "bytes")?;
        }
        sums(transfers).map(drop)
    }

    fn screen_approval(&self, approval: &TokenApproval, now: Timestamp) -> Result<(), WalletError> {
        self.check_ledger(0, approval.ledger)?;
        self.check_account(0, &approval.spender, "a spender")?;
        match approval.expires_at {
            Some(found) if found <= now.0 => {
                let field = "expires_at".to_owned();
                Err(refuse(WalletRequestError::TimeOutOfRange { field, found, min: now.0, max: u64::MAX }))
            }
            _ => Ok(()),
        }
    }

    fn screen_change(&self, change: &WalletChange, now: Timestamp) -> Result<(), WalletError> {
        if let WalletChange::SetAssetPolicy(policy) = change {
            self.check_ledger(0, policy.ledger)?;
        }
        let next = self.charter().changed(change, Moment { entry: self.trail_length(), at: now })?;
        self.check_newcomers(&next)
    }

    /// That `next` does not take in the wallet itself: it can neither vote nor guard, and would still be counted.
    pub(super) fn check_newcomers(&self, next: &Charter) -> Result<(), WalletError> {
        if next.member(self.id()).is_some() && self.charter().member(self.id()).is_none() {
            let field = "member".to_owned();
            return Err(InvalidWallet::NoMember { field, principal: self.id() }.into());
        }
        Ok(())
    }

    fn screen_emergency(&self, act: &EmergencyAct, now: Timestamp) -> Result<(), WalletError> {
        let nothing = |what: &str| Err(refuse(WalletRequestError::NoChange { what: what.to_owned() }));
        match act {
            EmergencyAct::EmergencyTransfer(transfer) => self.screen(&Action::Transfer(transfer.clone()), now),
            EmergencyAct::FreezeWallet if self.course().freeze.is_some() => nothing("the wallet is frozen"),
            EmergencyAct::UnfreezeWallet if self.course().freeze.is_none() => nothing("the wallet is not frozen"),
            EmergencyAct::DisableRecoveryMode if !matches!(self.phase(), Phase::Recovering { .. }) => {
                nothing("no recovery is under way")
            }
            _ => Ok(()),
        }
    }

    /// Whether a call is possible. [`NFT_TRANSFER`] is, but not at a ledger that the wallet watches or limits: it might
    /// move by it what the daily limit should count.
    fn screen_call(&self, call: &ContractCall) -> Result<(), WalletError> {
        length("method", call.method.len(), 1, MAX_METHOD, "bytes")?;
        length("args", call.args.len(), 0, MAX_ARGS, "bytes")?;
        let problem = if call.canister == self.id() {
            "a wallet changes itself by wallet modifications only"
        } else if call.canister == Principal::anonymous() {
            "no canister is there"
        } else if call.canister == Principal::management_canister() {
            match self.managed(call) {
                Ok(()) => return Ok(()),
                Err(problem) => problem,
            }
        } else if MONEY_METHODS.contains(&call.method.as_str()) {
            "payments and allowances are proposed as such"
        } else if self.is_money(call.canister) {
            "the wallet watches or limits this ledger: payments and allowances are proposed as such"
        } else if self.course().factory == Some(call.canister) && call.method.starts_with(NOTIFY) {
            "the wallet notifies its factory by itself"
        } else {
            return Ok(());
        };
        Err(refuse(WalletRequestError::ForbiddenCall {
            canister: call.canister,
            method: call.method.clone(),
            reason: problem.to_owned(),
        }))
    }

    /// A wallet may manage canisters that it controls, but never itself: not even by what seems harmless.
    fn managed(&self, call: &ContractCall) -> Result<(), &'static str> {
        if !MANAGEMENT_METHODS.contains(&call.method.as_str()) {
            return Err("only methods that name one canister are allowed");
        }
        match decode_bounded::<Target>(&call.args, MAX_ARGS) {
            Ok(Target { canister_id }) if canister_id != self.id() => Ok(()),
            Ok(_) => Err("a wallet does not manage itself"),
            Err(_) => Err("the argument does not name a canister"),
        }
    }

    /// Whether the wallet counts what leaves it through `ledger`.
    fn is_money(&self, ledger: Principal) -> bool {
        self.is_watched(ledger) || self.charter().rules.policies.iter().any(|policy| policy.ledger == ledger)
    }

    pub(super) fn check_ledger(&self, item: u64, ledger: Principal) -> Result<(), WalletError> {
        if can_act(ledger) && ledger != self.id() {
            return Ok(());
        }
        let role = "a ledger".to_owned();
        Err(refuse(WalletRequestError::ImpossibleParty { item, principal: ledger, role }))
    }

    fn check_account(&self, item: u64, account: &Account, role: &str) -> Result<(), WalletError> {
        if can_act(account.owner) && account.owner != self.id() {
            return Ok(());
        }
        let role = role.to_owned();
        Err(refuse(WalletRequestError::ImpossibleParty { item, principal: account.owner, role }))
    }
}

/// What would leave, by ledger.
///
/// # Errors
/// [`WalletRequestError::AmountOverflow`].
pub fn outflow(action: &Action) -> Result<BTreeMap<Principal, Amount>, WalletError> {
    match action {
        Action::Transfer(transfer) | Action::EmergencyAction(EmergencyAct::EmergencyTransfer(transfer)) => {
            sums(std::slice::from_ref(transfer))
        }
        Action::BatchTransfer(transfers) => sums(transfers),
        Action::TokenApproval(approval) => Ok([(approval.ledger, approval.amount)].into()),
        Action::WalletModification(_) | Action::ContractCall(_) | Action::EmergencyAction(_) => Ok(BTreeMap::new()),
    }
}

fn sums(transfers: &[TokenTransfer]) -> Result<BTreeMap<Principal, Amount>, WalletError> {
    let mut sums: BTreeMap<Principal, Amount> = BTreeMap::new();
    for transfer in transfers {
        let sum = sums.entry(transfer.ledger).or_default();
        *sum = sum.checked_add(transfer.amount).ok_or_else(|| refuse(WalletRequestError::AmountOverflow))?;
    }
    Ok(sums)
}
