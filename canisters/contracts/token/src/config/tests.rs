use super::*;
use crate::ledger::fixtures::{account, init_args, minter};
use cairn_kit::api::ledger::FeatureFlags;

fn nat(n: u128) -> Nat {
    Nat::from(n)
}

/// 2^128, which this ledger cannot count.
fn too_large() -> Nat {
    Nat::from(u128::MAX) + Nat::from(1u8)
}

fn refusal(change: impl FnOnce(&mut InitArgs)) -> InvalidArgument {
    let mut args = init_args();
    change(&mut args);
    Config::from_init(args).unwrap_err()
}

#[test]
fn defaults_are_those_of_the_reference() {
    let (config, balances) = Config::from_init(init_args()).unwrap();
    assert_eq!((config.decimals, config.max_memo_length, config.icrc2), (8, 32, true));
    assert_eq!((config.factory, config.callback_epoch), (None, 0));
    assert!(balances.is_empty());
}

#[test]
fn arguments_out_of_bounds_are_named() {
    use InvalidArgument as Invalid;
    assert_eq!(refusal(|a| a.token_symbol.clear()), Invalid::Text { field: "token_symbol", length: 0, maximum: 64 });
    assert_eq!(
        refusal(|a| a.token_name = "x".repeat(257)),
        Invalid::Text { field: "token_name", length: 257, maximum: 256 }
    );
    assert_eq!(refusal(|a| a.max_memo_length = Some(31)), Invalid::MemoLength(31));
    assert_eq!(refusal(|a| a.max_memo_length = Some(4_097)), Invalid::MemoLength(4_097));
    assert_eq!(refusal(|a| a.transfer_fee = too_large()), Invalid::NumberTooLarge { field: "transfer_fee" });
    assert_eq!(refusal(|a| a.fee_collector_account = Some(minter())), Invalid::FeeCollector);
    assert_eq!(refusal(|a| a.factory = Some(Principal::anonymous())), Invalid::Factory);
}

#[test]
fn metadata_are_bounded_and_unambiguous() {
    let text = |key: &str, bytes: usize| (key.to_owned(), MetadataValue::Text("x".repeat(bytes)));
    let key = |key: &str| InvalidArgument::MetadataKey(key.to_owned());
    assert_eq!(refusal(|a| a.metadata = vec![text("icrc1:fee", 1)]), key("icrc1:fee"));
    assert_eq!(refusal(|a| a.metadata = vec![text("a:b", 1), text("a:b", 2)]), key("a:b"));
    assert_eq!(refusal(|a| a.metadata = vec![text("", 1)]), key(""));
    assert!(matches!(refusal(|a| a.metadata = vec![text("a:b", 1 << 20)]), InvalidArgument::MetadataSize { .. }));
    let many = (0..257).map(|n| text(&format!("a:{n}"), 1)).collect();
    assert!(matches!(refusal(|a| a.metadata = many), InvalidArgument::MetadataSize { entries: 257, .. }));
}

#[test]
fn initial_balances_are_checked() {
    let balances = |list: Vec<(Account, Nat)>| refusal(|a| a.initial_balances = list);
    let wrong = |index, reason| InvalidArgument::InitialBalance { index, reason };
    let good = (account(1), nat(5));
    assert_eq!(balances(vec![good.clone(), (minter(), nat(1))]), wrong(1, "the minting account holds nothing"));
    let nobody = Account::from(Principal::anonymous());
    assert_eq!(balances(vec![(nobody, nat(1))]), wrong(0, "the anonymous principal could never move it"));
    assert_eq!(balances(vec![(account(1), nat(0))]), wrong(0, "the amount is zero"));
    assert_eq!(balances(vec![(account(1), nat(u128::MAX)), good]), wrong(1, "the total is above 2^128 - 1"));
    assert_eq!(balances(vec![(account(1), too_large())]), InvalidArgument::NumberTooLarge { field: "initial balance" });
    assert_eq!(balances(vec![(account(1), nat(1)); 20_001]), InvalidArgument::TooManyBalances(20_001));
}

#[test]
fn computed_metadata_come_first_and_agree() {
    let mut args = init_args();
    args.metadata = vec![("icrc1:logo".to_owned(), MetadataValue::from("data:,"))];
    let metadata = Config::from_init(args).unwrap().0.all_metadata();
    let keys: Vec<&str> = metadata.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys.get(..7), Some(&COMPUTED_KEYS[..]));
    assert_eq!(keys.last(), Some(&"icrc1:logo"));
    let value = |wanted: &str| metadata.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.clone());
    assert_eq!(value("icrc1:symbol"), Some(MetadataValue::from("TT")));
    assert_eq!(value("icrc1:fee"), Some(MetadataValue::from(10_000u64)));
    assert_eq!(value("icrc103:max_take_value"), Some(MetadataValue::from(500u64)));
}

#[test]
fn an_upgrade_changes_what_it_names() {
    let (before, _) = Config::from_init(init_args()).unwrap();
    assert_eq!(before.clone().upgraded(UpgradeArgs::default()).unwrap(), before);
    let args = UpgradeArgs {
        token_symbol: Some("NEW".to_owned()),
        transfer_fee: Some(nat(7)),
        change_fee_collector: Some(ChangeFeeCollector::SetTo(account(9))),
        feature_flags: Some(FeatureFlags { icrc2: false }),
        callback_epoch: Some(3),
        ..UpgradeArgs::default()
    };
    let after = before.clone().upgraded(args).unwrap();
    assert_eq!((after.symbol.as_str(), after.fee, after.icrc2), ("NEW", Amount(7), false));
    assert_eq!((after.fee_collector, after.callback_epoch), (Some(account(9)), 3));
    assert_eq!((after.name, after.minting_account), (before.name.clone(), before.minting_account));
    let too_long = UpgradeArgs { token_name: Some("x".repeat(257)), ..UpgradeArgs::default() };
    assert!(before.upgraded(too_long).is_err());
}

#[test]
fn the_stored_form_is_read_back() {
    let mut args = init_args();
    args.fee_collector_account = Some(Account { owner: account(3).owner, subaccount: Some([9; 32]) });
    args.factory = Some(account(4).owner);
    let stored = StoredConfig(Some(Config::from_init(args).unwrap().0));
    assert_eq!(StoredConfig::from_bytes(stored.to_bytes()), stored);
    assert_eq!(StoredConfig::from_bytes(StoredConfig(None).to_bytes()), StoredConfig(None));
    assert_eq!(StoredConfig::from_bytes(Cow::Borrowed(b"garbage")), StoredConfig(None));
}
