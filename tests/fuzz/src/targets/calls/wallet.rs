//! The wallet's methods.

use super::{Bounds, Method, method, plain};
use cairn_events::payload::Account;
use cairn_events::testing::principal;
use cairn_events::{Amount, Principal};
use cairn_kit::api::multisig::{
    Action, AssetPolicy, ContractCall, EmergencyAct, MultisigArgs, NewMember, NewSigner, ProposalArgs, ProposalStatus,
    RecoveryRules, SignerRole, TokenApproval, TokenTransfer, WalletChange, WalletInit, WalletRules,
};
use cairn_kit::runtime::decode_bounded;
use candid::{CandidType, Deserialize};
use serde_bytes::ByteBuf;

/// As the wallet has them.
const BOUNDS: Bounds = Bounds::own(64_000, 50);
/// Bytes of the arguments of a call that a wallet proposes to make.
const MAX_ARGS: usize = 20_000;
const DAY: u64 = 86_400_000_000_000;

/// What every argument of the management canister's methods that a wallet may call has.
#[derive(CandidType, Deserialize)]
struct Managed {
    #[allow(dead_code)] // it is decoded
    canister_id: Principal,
}

fn signers() -> Vec<NewSigner> {
    let signer = |number| NewSigner {
        principal: principal(number),
        name: (number == 1).then(|| "Someone".to_owned()),
        role: if number == 1 { SignerRole::Owner } else { SignerRole::Signer },
    };
    (1..4).map(signer).collect()
}

fn members(from: u64) -> Vec<NewMember> {
    (from..from + 2).map(|number| NewMember { principal: principal(number), name: None }).collect()
}

/// A wallet with everything that a wallet can have.
pub(super) fn wallet() -> MultisigArgs {
    let policy = AssetPolicy { ledger: principal(30), daily_limit: Some(Amount(1 << 70)), large_amount: None };
    let rules = WalletRules {
        threshold: 2,
        timelock: DAY,
        proposal_lifetime: 3 * DAY,
        consensus_for_changes: true,
        policies: vec![policy],
        recovery: Some(RecoveryRules { threshold: 2, delay: DAY }),
    };
    MultisigArgs {
        name: "Name".to_owned(),
        description: Some("Description".to_owned()),
        signers: signers(),
        observers: members(10),
        guardians: members(20),
        rules,
        public: false,
    }
}

/// Something of every kind that can be proposed.
fn actions() -> anyhow::Result<Vec<Action>> {
    let account = Account { owner: principal(5), subaccount: None };
    let transfer = TokenTransfer {
        ledger: principal(30),
        to: account,
        amount: Amount(1 << 80),
        memo: Some(ByteBuf::from(b"memo".to_vec())),
    };
    let approval = TokenApproval {
        ledger: principal(30),
        spender: account,
        amount: Amount(9),
        expected_allowance: Some(Amount(0)),
        expires_at: Some(DAY),
    };
    let call = ContractCall {
        canister: Principal::management_canister(),
        method: "start_canister".to_owned(),
        args: ByteBuf::from(candid::encode_one(Managed { canister_id: principal(40) })?),
        cycles: 1 << 40,
    };
    Ok(vec![
        Action::Transfer(transfer.clone()),
        Action::BatchTransfer(vec![transfer.clone(); 3]),
        Action::TokenApproval(approval),
        Action::WalletModification(WalletChange::AddSigner { signer: signers()[0].clone(), threshold: Some(3) }),
        Action::WalletModification(WalletChange::Rename { name: "Other".to_owned(), description: None }),
        Action::WalletModification(WalletChange::SetAssetPolicy(wallet().rules.policies[0])),
        Action::WalletModification(WalletChange::ChangeRecovery { rules: wallet().rules.recovery }),
        Action::ContractCall(call),
        Action::EmergencyAction(EmergencyAct::EmergencyTransfer(transfer)),
    ])
}

pub(super) fn methods() -> anyhow::Result<Vec<Method>> {
    let init = WalletInit { wallet: wallet(), creator: principal(1), factory: Some(principal(9)), epoch: 3 };
    let mut methods = vec![
        method(Bounds::PLAIN, (init,), |(init,)| init.wallet.validate_for(init.creator).is_ok())?
            .of(&["multisig.init"]),
        plain(BOUNDS, ("reason".to_owned(),))?.of(&["multisig.freezeWallet"]),
        plain(BOUNDS, (signers(), 2_u32))?.of(&["multisig.proposeRecovery"]),
        plain(BOUNDS, (7_u64, Some("note".to_owned())))?.of(&["multisig.approveProposal", "multisig.rejectProposal"]),
        plain(Bounds::PLAIN, (Some(7_u64), Some(20_u32), Some(ProposalStatus::Pending)))?
            .of(&["multisig.getProposals"]),
    ];
    for action in actions()? {
        let args = ProposalArgs {
            title: "Title".to_owned(),
            description: "Description".to_owned(),
            action,
            lifetime: Some(2 * DAY),
            depends_on: vec![1, 2],
        };
        let proposal = method(BOUNDS, (args,), |(args,)| match &args.action {
            Action::ContractCall(call) => decode_bounded::<Managed>(&call.args, MAX_ARGS).is_ok(),
            _ => true,
        })?;
        methods.push(proposal.of(&["multisig.createProposal"]));
    }
    Ok(methods)
}
