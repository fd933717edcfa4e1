//! What makes a contract a token.

use cairn_events::payload::{Account, Notification};
use cairn_events::topic::Service;
use cairn_events::{Amount, Principal};
use cairn_factory::{ContractKind, InstallContext, InvalidArgs, Listing};
use cairn_kit::api::backend::TokenArgs;
use cairn_kit::api::ledger::{ArchiveOptions, FeatureFlags, InitArgs, LedgerArg, ledger_account};
use icrc_ledger_types::icrc::generic_metadata_value::MetadataValue;

/// Most characters of a name.
const MAX_NAME: usize = 32;
/// Most characters of a symbol.
const MAX_SYMBOL: usize = 8;
/// Most decimals.
const MAX_DECIMALS: u8 = 18;
/// Most bytes of a logo.
const MAX_LOGO: usize = 30_000;
/// Most bytes of a description.
const MAX_DESCRIPTION: usize = 500;
/// Most accounts with an initial balance.
const MAX_BALANCES: usize = 100;
/// Most bytes of a memo on the ledgers that are made.
const MEMO_BYTES: u16 = 80;

/// The kind of contract that is a token ledger.
#[derive(Clone, Copy, Debug)]
pub struct Token;

impl ContractKind for Token {
    const SERVICE: Service = Service::Token;
    const METHODS: &'static [&'static str] = &["icrc1_balance_of", "icrc1_transfer"];
    type Args = TokenArgs;

    fn parse(args: &[u8]) -> Result<TokenArgs, InvalidArgs> {
        let token: TokenArgs =
            candid::decode_one(args).map_err(|_| InvalidArgs::new("args", "not the arguments of a token"))?;
        check(&token)?;
        Ok(token)
    }

    fn listing(token: &TokenArgs) -> Listing {
        Listing { name: token.name.clone(), symbol: Some(token.symbol.clone()), public: token.public }
    }

    fn token(_args: &TokenArgs, contract: Principal) -> Option<Principal> {
        Some(contract)
    }

    fn install_argument(token: &TokenArgs, context: &InstallContext) -> Result<Vec<u8>, InvalidArgs> {
        candid::encode_one(LedgerArg::Init(init_args(token, context)))
            .map_err(|_| InvalidArgs::new("args", "cannot be encoded for the ledger"))
    }

    fn accepts(notification: &Notification) -> bool {
        use Notification::{Burn, DeploymentComplete, HolderAdded, HolderRemoved, Mint, Transfer};
        matches!(notification, DeploymentComplete | HolderAdded(_) | HolderRemoved(_) | Transfer(_) | Mint(_) | Burn(_))
    }

    fn controllers(factory: Principal, _: Principal, owner: Principal) -> Vec<Principal> {
        vec![factory, owner]
    }
}

/// The account that mints if nobody may: no message ever comes from it.
fn nobody() -> Account {
    Account { owner: Principal::management_canister(), subaccount: None }
}

fn init_args(token: &TokenArgs, context: &InstallContext) -> InitArgs {
    let metadata = |key: &str, text: &Option<String>| {
        text.as_ref().map(|text| (key.to_owned(), MetadataValue::Text(text.clone())))
    };
    let minting_account = ledger_account(token.minting_account.unwrap_or_else(nobody));
    let balances = token.initial_balances.iter();
    InitArgs {
        decimals: Some(token.decimals),
        max_memo_length: Some(MEMO_BYTES),
        metadata: [metadata("icrc1:logo", &token.logo), metadata("cairn:description", &token.description)]
            .into_iter()
            .flatten()
            .collect(),
        initial_balances: balances.map(|(account, amount)| (ledger_account(*account), amount.0.into())).collect(),
        feature_flags: Some(FeatureFlags { icrc2: true }),
        archive_options: ArchiveOptions {
            max_message_size_bytes: Some(128 * 1024),
            node_max_memory_size_bytes: Some(1 << 30),
            more_controller_ids: Some(vec![context.factory]),
            ..ArchiveOptions::controlled_by(context.owner)
        },
        factory: Some(context.factory),
        callback_epoch: Some(context.epoch),
        ..InitArgs::new(minting_account, &token.symbol, &token.name, token.transfer_fee.0)
    }
}

/// What a ledger would refuse is refused here: the gateway has checked more, and before taking money.
fn check(token: &TokenArgs) -> Result<(), InvalidArgs> {
    length("name", token.name.chars().count(), 1, MAX_NAME, "characters")?;
    length("symbol", token.symbol.chars().count(), 1, MAX_SYMBOL, "characters")?;
    length("decimals", usize::from(token.decimals), 0, usize::from(MAX_DECIMALS), "digits")?;
    length("logo", token.logo.as_ref().map_or(0, String::len), 0, MAX_LOGO, "bytes")?;
    length("description", token.description.as_ref().map_or(0, String::len), 0, MAX_DESCRIPTION, "bytes")?;
    length("initial_balances", token.initial_balances.len(), 0, MAX_BALANCES, "accounts")?;
    let minting = token.minting_account.unwrap_or_else(nobody);
    let mut sum = Amount::ZERO;
    for (account, amount) in &token.initial_balances {
        if account.owner == Principal::anonymous() || same(account, &minting) {
            return Err(InvalidArgs::new("initial_balances", format!("{} can hold no tokens", account.owner)));
        }
        if *amount == Amount::ZERO {
            return Err(InvalidArgs::new("initial_balances", format!("{} would hold 0, at least 1", account.owner)));
        }
        sum = sum.checked_add(*amount).ok_or_else(|| InvalidArgs::new("initial_balances", "the sum overflows"))?;
    }
    if sum != token.total_supply {
        let problem = format!("they add up to {sum}, the total supply is {}", token.total_supply);
        return Err(InvalidArgs::new("initial_balances", problem));
    }
    Ok(())
}

fn same(one: &Account, other: &Account) -> bool {
    let subaccount = |account: &Account| account.subaccount.map_or([0; 32], |subaccount| subaccount.0);
    one.owner == other.owner && subaccount(one) == subaccount(other)
}

fn length(field: &str, found: usize, min: usize, max: usize, unit: &str) -> Result<(), InvalidArgs> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(InvalidArgs::new(field, format!("{found} {unit}; at least {min}, at most {max}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_factory::template::interface::Interface;
    use cairn_factory::template::registry::check_kind;
    use cairn_kit::api::template::TemplateRefusal;

    /// By the interfaces of all that factories make.
    #[test]
    fn templates_are_ledgers() {
        let check = |interface: &str, foreign| check_kind::<Token>(&Interface::parse(interface).unwrap(), foreign);
        for foreign in [false, true] {
            assert_eq!(check(include_str!("../../contracts/token/token.did"), foreign), Ok(()));
            let others = [
                include_str!("../../contracts/multisig/multisig.did"),
                include_str!("../../contracts/distribution/distribution.did"),
            ];
            for other in others {
                let outcome = check(other, foreign);
                assert!(matches!(outcome, Err(TemplateRefusal::MissingMethod { .. })), "{outcome:?}");
            }
        }
    }
}
