//! How dangerous an action is, and how many of the present signers it therefore needs. Pure.
//!
//! | action | risk |
//! |---|---|
//! | payments and allowances up to the ledger's large amount; observers, visibility, name; freezing | medium |
//! | payments and allowances above; signers, guardians, rules; calls; unfreezing | high |
//! | emergency payments, NFTs, stopping a recovery; any change if the wallet asks for consensus | critical |
//!
//! Nothing ever needs fewer than the threshold. Removing a signer needs one less than all at most, if the threshold
//! allows: otherwise a lost key could never be removed.

use super::Charter;
use super::screen::NFT_TRANSFER;
use cairn_events::{Amount, Principal};
use cairn_kit::api::multisig::{Action, EmergencyAct, RiskLevel, TokenTransfer, WalletChange, WalletRules};
use std::collections::BTreeMap;

/// From here on an amount is large, unless the ledger's policy says otherwise; in the smallest unit.
pub const LARGE_AMOUNT: Amount = Amount(100_000_000_000);

/// How dangerous `action` is under `rules`.
pub fn risk(action: &Action, rules: &WalletRules) -> RiskLevel {
    match action {
        Action::Transfer(transfer) => amounts(std::slice::from_ref(transfer), rules),
        Action::BatchTransfer(transfers) => amounts(transfers, rules),
        Action::TokenApproval(approval) => level(approval.amount > large(approval.ledger, rules)),
        Action::WalletModification(_) if rules.consensus_for_changes => RiskLevel::Critical,
        Action::WalletModification(change) => match change {
            WalletChange::AddObserver(_)
            | WalletChange::RemoveObserver(_)
            | WalletChange::ChangeVisibility { .. }
            | WalletChange::Rename { .. } => RiskLevel::Medium,
            _ => RiskLevel::High,
        },
        // Nobody can say what an NFT is worth, and no limit counts it.
        Action::ContractCall(call) if call.method == NFT_TRANSFER => RiskLevel::Critical,
        Action::ContractCall(_) => RiskLevel::High,
        Action::EmergencyAction(act) => match act {
            EmergencyAct::FreezeWallet => RiskLevel::Medium,
            EmergencyAct::UnfreezeWallet => RiskLevel::High,
            EmergencyAct::DisableRecoveryMode | EmergencyAct::EmergencyTransfer(_) => RiskLevel::Critical,
        },
    }
}

/// Approvals of present signers that `action` needs: the threshold at least, all signers at most.
pub fn required(action: &Action, charter: &Charter) -> u32 {
    let (signers, threshold) = (charter.signer_count(), charter.rules.threshold);
    let wanted = match risk(action, &charter.rules) {
        RiskLevel::Medium => threshold,
        RiskLevel::High => threshold.saturating_add(1).max(signers.saturating_mul(2) / 3),
        RiskLevel::Critical => signers,
    };
    let most = match action {
        Action::WalletModification(WalletChange::RemoveSigner { .. }) => signers.saturating_sub(1),
        _ => signers,
    };
    wanted.min(most).max(threshold)
}

/// Whether one ledger's payments add up to a large amount. A sum that cannot be counted is large.
fn amounts(transfers: &[TokenTransfer], rules: &WalletRules) -> RiskLevel {
    let mut sums: BTreeMap<Principal, Amount> = BTreeMap::new();
    for transfer in transfers {
        let sum = sums.entry(transfer.ledger).or_default();
        *sum = Amount(sum.0.saturating_add(transfer.amount.0));
    }
    level(sums.into_iter().any(|(ledger, sum)| sum > large(ledger, rules)))
}

fn large(ledger: Principal, rules: &WalletRules) -> Amount {
    let policy = rules.policies.iter().find(|policy| policy.ledger == ledger);
    policy.and_then(|policy| policy.large_amount).unwrap_or(LARGE_AMOUNT)
}

fn level(is_large: bool) -> RiskLevel {
    if is_large { RiskLevel::High } else { RiskLevel::Medium }
}
