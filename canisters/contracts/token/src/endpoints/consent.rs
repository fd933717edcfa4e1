//! ICRC-21: what a wallet shows before its user signs a call.
//!
//! An update that answers anybody. Amounts are shown exactly, digit by digit: a person is about to sign them.

use super::icrc1::configured;
use crate::config::Config;
use cairn_kit::quarantine::serving;
use candid::{Decode, DecoderConfig, Nat, Principal};
use ic_cdk::update;
use icrc_ledger_types::icrc1::account::Account;
use icrc_ledger_types::icrc1::transfer::{Memo, TransferArg};
use icrc_ledger_types::icrc2::approve::ApproveArgs;
use icrc_ledger_types::icrc2::transfer_from::TransferFromArgs;
use icrc_ledger_types::icrc21::errors::{ErrorInfo, Icrc21Error};
use icrc_ledger_types::icrc21::requests::{ConsentMessageMetadata, ConsentMessageRequest};
use icrc_ledger_types::icrc21::responses::{ConsentInfo, ConsentMessage};

/// The longest argument that is decoded. Those of the three methods stay below it unless numbers or memo are absurd.
const MAX_ARGUMENT_BYTES: usize = 1_000;
/// Work that decoding an argument may cost.
const QUOTA: usize = 50_000;
/// The most digits of a number that are shown.
const MAX_DIGITS: usize = 80;

const NANOSECONDS: u64 = 1_000_000_000;

#[update(guard = "serving")]
fn icrc21_canister_call_consent_message(request: ConsentMessageRequest) -> Result<ConsentInfo, Icrc21Error> {
    let caller = ic_cdk::api::msg_caller();
    let text = configured(|config| describe(config, caller, &request.method, &request.arg))?;
    Ok(ConsentInfo {
        consent_message: ConsentMessage::GenericDisplayMessage(text),
        metadata: ConsentMessageMetadata {
            language: "en".to_owned(),
            utc_offset_minutes: request.user_preferences.metadata.utc_offset_minutes,
        },
    })
}

/// The message for a call of `method` by `caller`.
fn describe(config: &Config, caller: Principal, method: &str, argument: &[u8]) -> Result<String, Icrc21Error> {
    if argument.len() > MAX_ARGUMENT_BYTES {
        return Err(unsupported(format!(
            "the argument has {} bytes, at most {MAX_ARGUMENT_BYTES} are explained",
            argument.len()
        )));
    }
    match method {
        "icrc1_transfer" => transfer(config, caller, decode(argument, |a, c| Decode!([c.clone()]; a, TransferArg))?),
        "icrc2_approve" => approval(config, caller, decode(argument, |a, c| Decode!([c.clone()]; a, ApproveArgs))?),
        "icrc2_transfer_from" => {
            transfer_from(config, caller, decode(argument, |a, c| Decode!([c.clone()]; a, TransferFromArgs))?)
        }
        _ => Err(unsupported("only icrc1_transfer, icrc2_approve and icrc2_transfer_from are explained".to_owned())),
    }
}

fn decode<T>(
    argument: &[u8],
    decoder: impl FnOnce(&[u8], &DecoderConfig) -> candid::Result<T>,
) -> Result<T, Icrc21Error> {
    let mut quota = DecoderConfig::new();
    quota.set_decoding_quota(QUOTA).set_skipping_quota(QUOTA);
    decoder(argument, &quota).map_err(|_| unsupported("the argument is not that of the method".to_owned()))
}

fn unsupported(description: String) -> Icrc21Error {
    Icrc21Error::UnsupportedCanisterCall(ErrorInfo { description })
}

fn transfer(config: &Config, caller: Principal, arg: TransferArg) -> Result<String, Icrc21Error> {
    let from = Account { owner: caller, subaccount: arg.from_subaccount };
    let fee = fee(config, arg.fee.as_ref(), [&from, &arg.to])?;
    let mut message = Message::titled(&format!("Send {}", plain(&config.name)));
    message.text("You are approving a transfer of funds from your account.");
    if caller != Principal::anonymous() {
        message.field("From", &code(from));
    }
    message.field("Amount", &tokens(config, &arg.amount));
    message.field("To", &code(arg.to));
    message.field("Fees", &format!("{}\nCharged for processing the transfer.", tokens(config, &fee)));
    message.memo(arg.memo.as_ref());
    Ok(message.0)
}

fn transfer_from(config: &Config, caller: Principal, arg: TransferFromArgs) -> Result<String, Icrc21Error> {
    let spender = Account { owner: caller, subaccount: arg.spender_subaccount };
    let fee = fee(config, arg.fee.as_ref(), [&arg.from, &arg.to])?;
    let mut message = Message::titled(&format!("Spend {}", plain(&config.name)));
    message.text("You are approving a transfer of funds from a withdrawal account.");
    message.field("From", &code(arg.from));
    message.field("Amount", &tokens(config, &arg.amount));
    if caller != Principal::anonymous() {
        message.field("Spender", &code(spender));
    }
    message.field("To", &code(arg.to));
    message.field("Fees", &format!("{}\nCharged for processing the transfer.", tokens(config, &fee)));
    message.memo(arg.memo.as_ref());
    Ok(message.0)
}

fn approval(config: &Config, caller: Principal, arg: ApproveArgs) -> Result<String, Icrc21Error> {
    let from = Account { owner: caller, subaccount: arg.from_subaccount };
    let fee = fee(config, arg.fee.as_ref(), [])?;
    let mut message = Message::titled("Approve spending");
    message.text("You are authorizing another address to withdraw funds from your account.");
    if caller != Principal::anonymous() {
        message.field("From", &code(from));
    }
    message.field("Approve to spender", &code(arg.spender));
    let requested = "\nThis is the withdrawal limit that will apply upon approval.";
    message.field("Requested allowance", &format!("{}{requested}", tokens(config, &arg.amount)));
    if let Some(expected) = &arg.expected_allowance {
        let until_now = "\nUntil approval, this allowance remains in effect.";
        message.field("Existing allowance", &format!("{}{until_now}", tokens(config, expected)));
    }
    let expiry = match arg.expires_at {
        Some(end) => format!("{} seconds after 1970-01-01 UTC", end / NANOSECONDS),
        None => "This approval does not have an expiration.".to_owned(),
    };
    message.field("Approval expiration", &expiry);
    message.field("Approval fees", &format!("{}\nCharged for processing the approval.", tokens(config, &fee)));
    message.memo(arg.memo.as_ref());
    Ok(message.0)
}

/// The fee the call would be charged; an error if the caller names another, because the call would fail.
fn fee<const N: usize>(config: &Config, named: Option<&Nat>, ends: [&Account; N]) -> Result<Nat, Icrc21Error> {
    let free = ends.contains(&&config.minting_account);
    let fee = Nat::from(if free { 0 } else { config.fee.0 });
    match named {
        Some(named) if *named != fee => Err(unsupported(format!("the fee is {}, not the one named", config.fee))),
        _ => Ok(fee),
    }
}

/// A message in the Markdown that ICRC-21 allows.
struct Message(String);

impl Message {
    fn titled(title: &str) -> Self {
        Message(format!("# {title}"))
    }

    fn text(&mut self, text: &str) {
        self.0.push_str("\n\n");
        self.0.push_str(text);
    }

    fn field(&mut self, name: &str, value: &str) {
        self.text(&format!("**{name}:**\n{value}"));
    }

    fn memo(&mut self, memo: Option<&Memo>) {
        let Some(Memo(bytes)) = memo else { return };
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => plain(text),
            Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        self.field("Memo", &format!("`{text}`"));
    }
}

fn code(account: Account) -> String {
    format!("`{account}`")
}

fn tokens(config: &Config, amount: &Nat) -> String {
    format!("`{} {}`", decimal(amount, config.decimals), plain(&config.symbol))
}

/// Text that others chose, with nothing that could be taken for the layout of the message.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || "`*#[]<>\\".contains(c) { ' ' } else { c }).collect()
}

/// The exact decimal form of an amount in the smallest unit.
fn decimal(amount: &Nat, decimals: u8) -> String {
    let decimals = usize::from(decimals);
    let digits = amount.0.to_string();
    if digits.len() > MAX_DIGITS {
        return format!("a number of {} digits", digits.len());
    }
    let padded = format!("{digits:0>width$}", width = decimals.saturating_add(1));
    let (whole, fraction) = padded.split_at_checked(padded.len().saturating_sub(decimals)).unwrap_or((&padded, ""));
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::fixtures::{account, config};
    use candid::Encode;

    #[test]
    fn decimals_are_exact() {
        for (amount, decimals, shown) in [
            (Nat::from(0u8), 8, "0"),
            (Nat::from(1u8), 8, "0.00000001"),
            (Nat::from(100_000_000u64), 8, "1"),
            (Nat::from(123_450_000_000u64), 8, "1234.5"),
            (Nat::from(42u8), 0, "42"),
            (Nat::from(u128::MAX), 18, "340282366920938463463.374607431768211455"),
        ] {
            assert_eq!(decimal(&amount, decimals), shown);
        }
    }

    #[test]
    fn a_transfer_is_explained() {
        let arg = TransferArg {
            from_subaccount: None,
            to: account(2),
            fee: None,
            created_at_time: None,
            memo: Some(Memo::from(b"rent`**".to_vec())),
            amount: Nat::from(150_000_000u64),
        };
        let text = describe(&config(), account(1).owner, "icrc1_transfer", &Encode!(&arg).unwrap()).unwrap();
        let expected = format!(
            "# Send Test Token\n\nYou are approving a transfer of funds from your account.\n\n**From:**\n`{}`\n\n\
             **Amount:**\n`1.5 TT`\n\n**To:**\n`{}`\n\n**Fees:**\n`0.0001 TT`\nCharged for processing the transfer.\n\n\
             **Memo:**\n`rent   `",
            account(1),
            account(2)
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn the_other_methods_name_their_accounts() {
        let approve = ApproveArgs {
            from_subaccount: None,
            spender: account(2),
            amount: Nat::from(5u8),
            expected_allowance: Some(Nat::from(0u8)),
            expires_at: Some(9_000_000_000),
            fee: Some(Nat::from(10_000u64)),
            memo: None,
            created_at_time: None,
        };
        let text = describe(&config(), account(1).owner, "icrc2_approve", &Encode!(&approve).unwrap()).unwrap();
        for part in ["`0.00000005 TT`", &account(2).to_string(), "9 seconds after", "Existing allowance"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let spend = TransferFromArgs {
            spender_subaccount: None,
            from: account(1),
            to: account(3),
            amount: Nat::from(5u8),
            fee: None,
            memo: None,
            created_at_time: None,
        };
        let spent = Encode!(&spend).unwrap();
        let text = describe(&config(), Principal::anonymous(), "icrc2_transfer_from", &spent).unwrap();
        assert!(text.contains(&account(3).to_string()) && !text.contains("Spender"));
    }

    #[test]
    fn what_cannot_be_explained_is_refused() {
        let refused = |method: &str, argument: &[u8]| describe(&config(), account(1).owner, method, argument).is_err();
        assert!(refused("icrc1_transfer", b"DIDL"));
        assert!(refused("icrc1_transfer", &[0; MAX_ARGUMENT_BYTES + 1]));
        assert!(refused("icrc1_balance_of", &[]));
    }
}
