//! The methods of token ledgers, by their standards.

use super::{Bounds, Method, method, plain};
use cairn_events::testing::principal;
use cairn_kit::api::ledger::{ChangeFeeCollector, FeatureFlags, InitArgs, LedgerArg, UpgradeArgs};
use candid::{Nat, encode_one};
use icrc_ledger_types::icrc::generic_metadata_value::MetadataValue;
use icrc_ledger_types::icrc1::account::Account;
use icrc_ledger_types::icrc1::transfer::{Memo, TransferArg};
use icrc_ledger_types::icrc2::allowance::AllowanceArgs;
use icrc_ledger_types::icrc2::approve::ApproveArgs;
use icrc_ledger_types::icrc2::transfer_from::TransferFromArgs;
use icrc_ledger_types::icrc21::requests::{
    ConsentMessageMetadata, ConsentMessageRequest, ConsentMessageSpec, DisplayMessageType,
};
use icrc_ledger_types::icrc103::get_allowances::GetAllowancesArgs;

/// For the call in a question what a wallet should show before it.
const EXPLAINED: Bounds = Bounds::own(1_000, 50);

fn account(number: u64) -> Account {
    Account { owner: principal(number), subaccount: Some([7; 32]) }
}

fn large() -> Nat {
    Nat::from(1_u128 << 90)
}

fn transfer() -> TransferArg {
    TransferArg {
        from_subaccount: Some([1; 32]),
        to: account(2),
        fee: Some(Nat::from(10_u8)),
        created_at_time: Some(3),
        memo: Some(Memo::from(b"memo".to_vec())),
        amount: large(),
    }
}

fn approval() -> ApproveArgs {
    ApproveArgs {
        from_subaccount: None,
        spender: account(2),
        amount: large(),
        expected_allowance: Some(Nat::from(0_u8)),
        expires_at: Some(9),
        fee: Some(Nat::from(10_u8)),
        memo: None,
        created_at_time: Some(3),
    }
}

fn transfer_from() -> TransferFromArgs {
    TransferFromArgs {
        spender_subaccount: Some([1; 32]),
        from: account(2),
        to: account(3),
        amount: large(),
        fee: None,
        memo: Some(Memo::from(vec![1; 32])),
        created_at_time: None,
    }
}

/// Whether the call that is asked about can be explained.
fn is_explained(ConsentMessageRequest { method, arg, .. }: &ConsentMessageRequest) -> bool {
    match method.as_str() {
        "icrc1_transfer" => EXPLAINED.decode::<(TransferArg,)>(arg).is_some(),
        "icrc2_approve" => EXPLAINED.decode::<(ApproveArgs,)>(arg).is_some(),
        "icrc2_transfer_from" => EXPLAINED.decode::<(TransferFromArgs,)>(arg).is_some(),
        _ => false,
    }
}

/// Questions what a wallet should show.
fn explanations() -> anyhow::Result<Vec<Method>> {
    let calls = [
        ("icrc1_transfer", encode_one(transfer())?),
        ("icrc2_approve", encode_one(approval())?),
        ("icrc2_transfer_from", encode_one(transfer_from())?),
    ];
    let mut methods = Vec::new();
    for (name, arg) in calls {
        let metadata = ConsentMessageMetadata { language: "en".to_owned(), utc_offset_minutes: Some(-60) };
        let device_spec = Some(DisplayMessageType::GenericDisplay);
        let user_preferences = ConsentMessageSpec { metadata, device_spec };
        let request = ConsentMessageRequest { method: name.to_owned(), arg, user_preferences };
        let method = method(Bounds::PLAIN, (request,), |(request,)| is_explained(request))?;
        methods.push(method.of(&["token.icrc21_canister_call_consent_message"]));
    }
    Ok(methods)
}

pub(super) fn methods() -> anyhow::Result<Vec<Method>> {
    let metadata = vec![("example:key".to_owned(), MetadataValue::Text("value".to_owned()))];
    let init = InitArgs {
        fee_collector_account: Some(account(4)),
        decimals: Some(8),
        max_memo_length: Some(64),
        metadata: metadata.clone(),
        initial_balances: vec![(account(5), large())],
        feature_flags: Some(FeatureFlags { icrc2: true }),
        factory: Some(principal(9)),
        callback_epoch: Some(3),
        ..InitArgs::new(account(1), "SYM", "Name", 10_u8)
    };
    let upgrade = UpgradeArgs {
        metadata: Some(metadata),
        transfer_fee: Some(Nat::from(20_u8)),
        change_fee_collector: Some(ChangeFeeCollector::SetTo(account(6))),
        callback_epoch: Some(4),
        ..UpgradeArgs::default()
    };
    let allowances =
        GetAllowancesArgs { from_account: Some(account(1)), prev_spender: None, take: Some(Nat::from(20_u8)) };
    let mut methods = explanations()?;
    methods.extend([
        plain(Bounds::PLAIN, (LedgerArg::Init(init),))?.of(&["token.init"]),
        // What an upgrade may bring.
        plain(Bounds::PLAIN, (Some(LedgerArg::Upgrade(Some(upgrade))),))?,
        plain(Bounds::PLAIN, (account(1),))?.of(&["token.icrc1_balance_of"]),
        plain(Bounds::PLAIN, (transfer(),))?.of(&["token.icrc1_transfer"]),
        plain(Bounds::PLAIN, (AllowanceArgs { account: account(1), spender: account(2) },))?
            .of(&["token.icrc2_allowance"]),
        plain(Bounds::PLAIN, (approval(),))?.of(&["token.icrc2_approve"]),
        plain(Bounds::PLAIN, (transfer_from(),))?.of(&["token.icrc2_transfer_from"]),
        plain(Bounds::PLAIN, (allowances,))?.of(&["token.icrc103_get_allowances"]),
    ]);
    Ok(methods)
}
