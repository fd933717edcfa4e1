//! What is refused before anything happens, and why.

use super::admission::*;
use super::order::{Order, ValidRequest};
use super::validate::{MAX_BALANCES, MAX_LOGO, MAX_SUPPLY};
use crate::config::{Config, Fee, ServiceConfig};
use cairn_events::payload::{Account, Subaccount};
use cairn_events::topic::Service;
use cairn_events::{Amount, Hash, Principal};
use cairn_kit::api::backend::*;
use cairn_kit::api::factory::Capacity;

fn principal(n: u8) -> Principal {
    Principal::from_slice(&[n, 1])
}

fn account(n: u8) -> Account {
    Account { owner: principal(n), subaccount: None }
}

fn args() -> CreateTokenArgs {
    CreateTokenArgs {
        token: TokenArgs {
            name: "Example".to_owned(),
            symbol: "EXA".to_owned(),
            decimals: 8,
            logo: None,
            transfer_fee: Amount(10_000),
            total_supply: Amount(1_000_000),
            initial_balances: vec![(account(1), Amount(400_000)), (account(2), Amount(600_000))],
            minting_account: None,
            description: None,
            public: true,
        },
        agreed: AgreedPrice { ledger: principal(3), max_price: Amount(1000), template: Some(Hash([5; 32])) },
        from_subaccount: None,
        billing_reference: Some("invoice 7".to_owned()),
    }
}

const SECRET: [u8; 32] = [1; 32];

fn validate(args: &CreateTokenArgs, request_id: &str, secret: &[u8; 32]) -> Result<ValidRequest, BackendError> {
    Order::token(args.clone())?.request(request_id, secret)
}

/// The field that is named when `change` is made.
fn refused(change: impl FnOnce(&mut CreateTokenArgs)) -> String {
    let mut args = args();
    change(&mut args);
    match validate(&args, "r", &SECRET) {
        Err(BackendError::Request(BackendRequestError::Invalid { field, problem })) => {
            assert!(!problem.is_empty() && problem.len() < 200);
            field
        }
        other => panic!("{other:?}"),
    }
}

fn accepted(change: impl FnOnce(&mut CreateTokenArgs)) {
    let mut args = args();
    change(&mut args);
    validate(&args, "r", &SECRET).unwrap();
}

#[test]
fn texts_are_bounded() {
    assert_eq!(refused(|args| args.token.name = "ab".to_owned()), "token.name");
    assert_eq!(refused(|args| args.token.name = "x".repeat(33)), "token.name");
    assert_eq!(refused(|args| args.token.name = " abc".to_owned()), "token.name");
    assert_eq!(refused(|args| args.token.name = "a\nb".to_owned()), "token.name");
    accepted(|args| args.token.name = "ä".repeat(32));
    assert_eq!(refused(|args| args.token.symbol = "A".to_owned()), "token.symbol");
    assert_eq!(refused(|args| args.token.symbol = "ABCDEFGHI".to_owned()), "token.symbol");
    assert_eq!(refused(|args| args.token.symbol = "abc".to_owned()), "token.symbol");
    assert_eq!(refused(|args| args.token.symbol = "ÄÖ".to_owned()), "token.symbol");
    accepted(|args| args.token.symbol = "A1".to_owned());
    assert_eq!(refused(|args| args.token.decimals = 19), "token.decimals");
    let logo = |bytes: usize| Some(format!("{:x<bytes$}", "data:image/png;base64,"));
    accepted(|args| args.token.logo = logo(MAX_LOGO));
    assert_eq!(refused(|args| args.token.logo = logo(MAX_LOGO + 1)), "token.logo");
    assert_eq!(refused(|args| args.token.logo = Some("https://x".to_owned())), "token.logo");
    assert_eq!(refused(|args| args.token.description = Some("x".repeat(501))), "token.description");
    assert_eq!(refused(|args| args.billing_reference = Some("x".repeat(257))), "billing_reference");
    assert_eq!(refused(|args| args.billing_reference = Some(String::new())), "billing_reference");
    for id in ["", &"x".repeat(65)] {
        assert!(validate(&args(), id, &SECRET).is_err());
    }
}

#[test]
fn amounts_add_up() {
    const BALANCES: &str = "token.initial_balances";
    assert_eq!(refused(|args| args.token.total_supply = Amount(999_999)), BALANCES);
    assert_eq!(refused(|args| args.token.initial_balances.clear()), BALANCES);
    assert_eq!(refused(|args| args.token.initial_balances[0].1 = Amount(0)), BALANCES);
    assert_eq!(refused(|args| args.token.initial_balances[0].1 = Amount(u128::MAX)), BALANCES);
    let zeros = |owner| Account { owner, subaccount: Some(Subaccount([0; 32])) };
    assert_eq!(refused(|args| args.token.initial_balances[1].0 = zeros(principal(1))), BALANCES);
    assert_eq!(refused(|args| args.token.initial_balances[0].0.owner = Principal::anonymous()), BALANCES);
    assert_eq!(refused(|args| args.token.minting_account = Some(account(2))), BALANCES);
    let many = |n: usize| -> Vec<(Account, Amount)> {
        (0..n)
            .map(|n| (Account { owner: Principal::from_slice(&n.to_be_bytes()), subaccount: None }, Amount(1)))
            .collect()
    };
    let spread = |args: &mut CreateTokenArgs, n: usize| {
        args.token.transfer_fee = Amount(0);
        args.token.initial_balances = many(n);
        args.token.total_supply = Amount(n as u128);
    };
    accepted(|args| spread(args, MAX_BALANCES));
    assert_eq!(refused(|args| spread(args, MAX_BALANCES + 1)), BALANCES);
    assert_eq!(refused(|args| args.token.transfer_fee = Amount(1_000_001)), "token.transfer_fee");
    assert_eq!(refused(|args| args.token.total_supply = Amount(MAX_SUPPLY.0 + 1)), "token.total_supply");
    let unissued = |args: &mut CreateTokenArgs| {
        args.token.total_supply = Amount(0);
        args.token.initial_balances.clear();
    };
    assert_eq!(refused(unissued), "token.total_supply");
    accepted(|args| {
        unissued(args);
        args.token.minting_account = Some(account(1));
    });
}

#[test]
fn the_whole_fits_into_its_event() {
    let full = |logo: usize| {
        move |args: &mut CreateTokenArgs| {
            let balance = |n: u8| {
                (
                    Account { owner: Principal::from_slice(&[n; 29]), subaccount: Some(Subaccount([n; 32])) },
                    Amount(1 << 100),
                )
            };
            args.token.initial_balances = (0..100).map(balance).collect();
            args.token.total_supply = Amount(100 << 100);
            args.token.logo = Some(format!("{:x<logo$}", "data:image/png;base64,"));
        }
    };
    accepted(full(20_000));
    assert_eq!(refused(full(MAX_LOGO)), "token");
}

#[test]
fn everything_sent_is_in_the_hash_and_the_private_part_cannot_be_guessed() {
    let base = validate(&args(), "r", &SECRET).unwrap();
    assert_eq!(validate(&args(), "r", &SECRET).unwrap(), base);
    let mut other = args();
    other.billing_reference = Some("invoice 8".to_owned());
    assert_ne!(validate(&other, "r", &SECRET).unwrap().request, base.request);
    assert_ne!(validate(&args(), "r", &[2; 32]).unwrap().request, base.request);
    let mut other = args();
    other.agreed.max_price = Amount(1001);
    assert_ne!(validate(&other, "r", &SECRET).unwrap().request, base.request);
}

#[test]
fn the_factory_reads_its_own_part_only() {
    let valid = validate(&args(), "r", &SECRET).unwrap();
    assert_eq!(candid::decode_one::<TokenArgs>(&valid.args).unwrap(), args().token);
    assert_eq!(crate::driver::quoted_template(&valid.args), Some(Hash([5; 32])));
}

fn config(enabled: bool) -> Config {
    let fee = Fee { ledger: principal(3), price: Amount(1000), ledger_fee: Amount(10), treasury: account(4) };
    let row = ServiceConfig { factory: Some(principal(2)), enabled, fee: Some(fee) };
    Config { maintenance: false, services: [(Service::Token, row)].into() }
}

fn temporary(result: Result<impl std::fmt::Debug, BackendError>) -> BackendTemporaryError {
    match result {
        Err(BackendError::Temporary(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn request(result: Result<impl std::fmt::Debug, BackendError>) -> BackendRequestError {
    match result {
        Err(BackendError::Request(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_configuration_decides() {
    let taken = offer(&config(true), Service::Token).unwrap();
    assert_eq!((taken.factory, taken.fee.price), (principal(2), Amount(1000)));
    assert!(matches!(temporary(offer(&config(false), Service::Token)), BackendTemporaryError::ServiceDisabled { .. }));
    assert!(matches!(temporary(offer(&config(true), Service::Dao)), BackendTemporaryError::NotSetUp { .. }));
    let closed = Config { maintenance: true, ..config(true) };
    assert_eq!(temporary(offer(&closed, Service::Token)), BackendTemporaryError::Maintenance);
    let agreed = args().agreed;
    assert_eq!(agree(&taken, &agreed), Ok(()));
    let (found, accepted) = (principal(8), principal(3));
    let other = AgreedPrice { ledger: found, ..agreed };
    assert_eq!(request(agree(&taken, &other)), BackendRequestError::TokenNotAccepted { found, accepted });
    let (price, max_price) = (Amount(1000), Amount(999));
    let less = AgreedPrice { max_price, ..agreed };
    assert_eq!(request(agree(&taken, &less)), BackendRequestError::PriceAboveMaximum { price, max_price });
}

#[test]
fn quotas_bound_everyone() {
    let standing = Standing::default();
    assert_eq!(room(&standing), Ok(()));
    let many = Standing { unfinished: MAX_UNFINISHED_PER_CALLER, ..standing };
    assert_eq!(request(room(&many)), BackendRequestError::Quota { found: 10, max: 10 });
    let often = Standing { today: MAX_PER_DAY, ..standing };
    assert_eq!(request(room(&often)), BackendRequestError::Quota { found: 50, max: 50 });
    let full = Standing { unfinished_in_all: MAX_UNFINISHED, ..standing };
    assert_eq!(temporary(room(&full)), BackendTemporaryError::Overloaded { in_flight: 200 });
}

#[test]
fn what_is_missing_is_named() {
    let taken = offer(&config(true), Service::Token).unwrap();
    let findings = Findings {
        capacity: Capacity { template: Hash([5; 32]), version: "1".to_owned(), contracts: 1 },
        ledger_fee: Amount(10),
        allowance: Amount(1020),
        balance: Amount(1020),
        payer_mints: false,
    };
    let ask = |findings: &Findings| afford(&taken, Some(Hash([5; 32])), findings);
    assert_eq!(ask(&findings).unwrap().required(), Amount(1020));
    let (price, ledger_fee, required) = (Amount(1000), Amount(10), Amount(1020));
    let (allowance, missing) = (Amount(1019), Amount(1));
    let short = Findings { allowance, ..findings.clone() };
    let error = BackendRequestError::AllowanceShort { allowance, required, price, ledger_fee, missing };
    assert_eq!(request(ask(&short)), error);
    let (balance, missing) = (Amount(20), Amount(1000));
    let poor = Findings { balance, ..findings.clone() };
    assert_eq!(
        request(ask(&poor)),
        BackendRequestError::BalanceShort { balance, required, price, ledger_fee, missing }
    );
    let empty = Findings { capacity: Capacity { contracts: 0, ..findings.capacity.clone() }, ..findings.clone() };
    assert!(matches!(temporary(ask(&empty)), BackendTemporaryError::NoCapacity { .. }));
    let dear = Findings { ledger_fee: Amount(51), ..findings.clone() };
    assert!(matches!(temporary(ask(&dear)), BackendTemporaryError::NotSetUp { .. }));
    let minting = Findings { payer_mints: true, ..findings.clone() };
    assert!(matches!(request(ask(&minting)), BackendRequestError::Invalid { .. }));
    let (quoted, actual) = (Hash([6; 32]), Hash([5; 32]));
    let changed = afford(&taken, Some(quoted), &findings);
    assert_eq!(request(changed), BackendRequestError::TemplateChanged { quoted, actual });
    assert!(afford(&taken, None, &findings).is_ok(), "any template");
}

#[test]
fn quotes_are_given_one_at_a_time_and_fifty_in_all() {
    let held: Vec<_> = (0..50).map(|n| crate::platform::quote_for(principal(n)).unwrap()).collect();
    assert_eq!(temporary(crate::platform::quote_for(principal(50))), BackendTemporaryError::Busy, "fifty in all");
    drop(held);
    let one = crate::platform::quote_for(principal(1)).unwrap();
    assert_eq!(temporary(crate::platform::quote_for(principal(1))), BackendTemporaryError::Busy, "one per caller");
    assert!(crate::platform::quote_for(principal(2)).is_ok(), "others are not kept waiting");
    drop(one);
    assert!(crate::platform::quote_for(principal(1)).is_ok());
}
