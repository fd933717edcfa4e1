//! Keys, values, and the events that put them into force.

use super::change::{Conflict, Facts, LedgerFacts, Payment, value};
use super::key::{Key, Setting};
use super::{Config, Fee};
use cairn_events::payload::{Account, FeeConfigured, ServiceConfigured, Subaccount};
use cairn_events::topic::Service;
use cairn_events::{Amount, Payload, Principal};

fn principal(n: u8) -> Principal {
    Principal::from_slice(&[n, 1])
}

fn account(n: u8) -> Account {
    Account { owner: principal(n), subaccount: None }
}

fn facts(fee: u128) -> Facts {
    Facts::from([(principal(3), LedgerFacts { fee: Amount(fee), minting: Some(account(9)) })])
}

const NONE: Payment = Payment { ledger: None, treasury: None };

fn payment() -> Payment {
    Payment { ledger: Some(principal(3)), treasury: Some(account(4)) }
}

fn configured() -> Config {
    let mut config = Config::default();
    let (service, factory) = (Service::Token, principal(2));
    config.apply(&Payload::ServiceConfigured(ServiceConfigured { service, factory, enabled: false }));
    let fee = FeeConfigured {
        service,
        ledger: principal(3),
        price: Amount(1000),
        ledger_fee: Amount(10),
        treasury: account(4),
    };
    config.apply(&Payload::FeeConfigured(fee));
    config
}

#[test]
fn every_key_reads_as_it_is_written() {
    for key in Key::all() {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
    assert_eq!(Key::all().count(), 13);
    for unknown in
        ["", "fee", "token_factory", "token_factory.fees", "nft_factory.fee", "system.version", "payment.fee"]
    {
        assert_eq!(unknown.parse::<Key>().unwrap_err().field, "key", "{unknown}");
    }
    assert!("x".repeat(100_000).parse::<Key>().unwrap_err().problem.len() < 100);
}

#[test]
fn values_are_read_strictly() {
    let parse = Setting::parse;
    assert_eq!(parse("token_factory.fee", "100000000"), Ok(Setting::Price(Service::Token, Amount(100_000_000))));
    assert_eq!(parse("dao_factory.enabled", "true"), Ok(Setting::Enabled(Service::Dao, true)));
    assert_eq!(parse("system.maintenance_mode", "false"), Ok(Setting::Maintenance(false)));
    assert_eq!(parse("payment.ledger", &principal(3).to_text()), Ok(Setting::Ledger(principal(3))));
    let treasury = Account { owner: principal(4), subaccount: Some(Subaccount([1; 32])) };
    let text = super::key::account_text(treasury);
    assert_eq!(parse("payment.treasury", &text), Ok(Setting::Treasury(treasury)));
    let bad = [
        ("token_factory.fee", ""),
        ("token_factory.fee", "-1"),
        ("token_factory.fee", "+1"),
        ("token_factory.fee", "1e8"),
        ("token_factory.fee", "340282366920938463463374607431768211456"),
        ("token_factory.enabled", "yes"),
        ("system.maintenance_mode", "True"),
        ("payment.ledger", "aaaaa-aa"),
        ("payment.ledger", "2vxsx-fae"),
        ("payment.ledger", "nonsense"),
        ("payment.treasury", "2vxsx-fae"),
        ("payment.treasury", ""),
    ];
    for (key, value) in bad {
        assert_eq!(parse(key, value).unwrap_err().field, "value", "{key} = {value}");
    }
    assert!(parse("token_factory.fee", &"1".repeat(100_000)).unwrap_err().problem.len() < 100);
}

#[test]
fn a_price_needs_its_ledger_and_twenty_fees() {
    let price = |amount| Setting::Price(Service::Token, Amount(amount));
    let config = configured();
    assert_eq!(price(1000).ledgers(&config, &payment()), [principal(3)].into());
    assert_eq!(price(1000).events(&config, &NONE, &Facts::new()), Err(Conflict::Missing("payment.ledger")));
    let untold = Payment { treasury: None, ..payment() };
    assert_eq!(price(1000).events(&config, &untold, &facts(10)), Err(Conflict::Missing("payment.treasury")));
    let short = price(199).events(&config, &payment(), &facts(10));
    assert!(matches!(short, Err(Conflict::Price { least: Amount(200), .. })), "{short:?}");
    let events = price(200).events(&config, &payment(), &facts(10)).unwrap();
    let [Payload::FeeConfigured(fee)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (fee.price, fee.ledger_fee, fee.ledger, fee.treasury),
        (Amount(200), Amount(10), principal(3), account(4))
    );
    let burning = Payment { treasury: Some(account(9)), ..payment() };
    assert_eq!(price(200).events(&config, &burning, &facts(10)), Err(Conflict::MintingTreasury));
}

#[test]
fn what_is_in_force_is_not_recorded_again() {
    let config = configured();
    let events = |setting: Setting| setting.events(&config, &payment(), &facts(10));
    assert_eq!(events(Setting::Enabled(Service::Token, false)), Ok(Vec::new()));
    assert_eq!(events(Setting::Enabled(Service::Token, true)).unwrap().len(), 1);
    assert_eq!(events(Setting::Enabled(Service::Dao, true)), Err(Conflict::NoFactory(Service::Dao)));
    assert_eq!(events(Setting::Maintenance(false)), Ok(Vec::new()));
    assert_eq!(events(Setting::Maintenance(true)).unwrap().len(), 1);
    assert_eq!(events(Setting::Ledger(principal(8))), Ok(Vec::new()), "a price in another token must be set anew");
}

#[test]
fn a_new_treasury_holds_for_every_price() {
    let mut config = configured();
    let setting = Setting::Treasury(account(5));
    for payload in setting.events(&config, &payment(), &facts(10)).unwrap() {
        config.apply(&payload);
    }
    let fee = config.service(Service::Token).unwrap().fee.unwrap();
    let expected = Fee { ledger: principal(3), price: Amount(1000), ledger_fee: Amount(10), treasury: account(5) };
    assert_eq!(fee, expected);
    assert_eq!(setting.payment(NONE).treasury, Some(account(5)));
    assert_eq!(Setting::Treasury(account(9)).events(&config, &payment(), &facts(10)), Err(Conflict::MintingTreasury));
}

#[test]
fn a_new_treasury_mints_on_no_ledger_paid_in() {
    let mut config = configured();
    let fee = FeeConfigured {
        service: Service::Dao,
        ledger: principal(6),
        price: Amount(1000),
        ledger_fee: Amount(10),
        treasury: account(4),
    };
    config.apply(&Payload::FeeConfigured(fee));
    let to_come = Payment { ledger: Some(principal(7)), ..payment() };
    let mut facts = facts(10);
    for (ledger, minting) in [(6, 8), (7, 12)] {
        facts.insert(principal(ledger), LedgerFacts { fee: Amount(10), minting: Some(account(minting)) });
    }
    let treasury = |n| Setting::Treasury(account(n));
    assert!(treasury(5).ledgers(&config, &to_come).iter().eq(facts.keys()), "each ledger is asked");
    for minting in [9, 8, 12] {
        assert_eq!(treasury(minting).events(&config, &to_come, &facts), Err(Conflict::MintingTreasury), "{minting}");
    }
    assert_eq!(treasury(5).events(&config, &to_come, &facts).map(|events| events.len()), Ok(2));
}

#[test]
fn what_is_shown_can_be_set() {
    let config = configured();
    for key in Key::all() {
        if let Some(value) = value(key, &config, &payment()) {
            assert!(Setting::parse(&key.to_string(), &value).is_ok(), "{key} = {value}");
        }
    }
    assert_eq!(value(Key::Price(Service::Token), &config, &NONE), Some("1000".to_owned()));
    assert_eq!(value(Key::Price(Service::Dao), &config, &NONE), None);
    assert_eq!(value(Key::Ledger, &config, &NONE), None);
}
