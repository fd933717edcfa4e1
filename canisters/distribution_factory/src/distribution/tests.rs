use super::*;
use cairn_events::payload::ContractStatus;
use cairn_events::{Amount, Timestamp};
use cairn_factory::template::interface::Interface;
use cairn_factory::template::registry::check_kind;
use cairn_kit::api::distribution::{LockArgs, TokenInfo};
use cairn_kit::api::template::TemplateRefusal;

fn person(n: u8) -> Principal {
    Principal::from_slice(&[n, 1])
}

fn lock() -> DistributionArgs {
    let lock = LockArgs {
        title: "Liquidity".to_owned(),
        description: String::new(),
        public: false,
        token: TokenInfo { ledger: person(9), symbol: "TT".to_owned(), decimals: 8 },
        amount: Amount(5),
        beneficiary: person(1),
        unlock_at: Timestamp(1),
        early_unlock: None,
    };
    lock.into_distribution()
}

#[test]
fn arguments_are_checked_and_handed_on() {
    let args = Distribution::parse(&candid::encode_one(lock()).unwrap()).unwrap();
    assert_eq!(args, lock(), "a start that has passed meanwhile is no reason to refuse");
    let context = InstallContext { factory: person(7), owner: person(8), epoch: 3 };
    let init: DistributionInit = candid::decode_one(&Distribution::install_argument(&args, &context).unwrap()).unwrap();
    assert_eq!(init, DistributionInit { args, owner: person(8), factory: Some(person(7)), epoch: Some(3) });
    let listing = Distribution::listing(&lock());
    assert_eq!((listing.name.as_str(), listing.symbol.as_deref(), listing.public), ("Liquidity", Some("TT"), false));
    assert_eq!(Distribution::token(&lock(), person(5)), Some(person(9)), "found by the ledger that it pays with");
}

#[test]
fn what_the_gateway_would_refuse_is_refused_here() {
    let wrong = DistributionArgs { total: Amount(6), ..lock() };
    assert_eq!(Distribution::parse(&candid::encode_one(wrong).unwrap()).unwrap_err().field, "total");
    assert_eq!(Distribution::parse(b"DIDL").unwrap_err().field, "args");
}

/// Safety C1.
#[test]
fn the_creator_does_not_control_other_peoples_money() {
    let controllers = Distribution::controllers(person(7), person(5), person(8));
    assert_eq!(controllers, [person(7), person(5)]);
}

#[test]
fn distributions_speak_of_recipients_status_and_visibility() {
    for said in [
        Notification::DeploymentComplete,
        Notification::RecipientAdded(person(1)),
        Notification::RecipientRemoved(person(1)),
        Notification::StatusChanged(ContractStatus::Active),
        Notification::VisibilityChanged(true),
    ] {
        assert!(Distribution::accepts(&said));
    }
    assert!(!Distribution::accepts(&Notification::HolderAdded(person(1))));
}

/// By the interfaces of all that factories make.
#[test]
fn templates_are_distributions() {
    let check = |interface: &str, foreign| check_kind::<Distribution>(&Interface::parse(interface).unwrap(), foreign);
    for foreign in [false, true] {
        assert_eq!(check(include_str!("../../../contracts/distribution/distribution.did"), foreign), Ok(()));
        let others = [
            include_str!("../../../contracts/token/token.did"),
            include_str!("../../../contracts/multisig/multisig.did"),
        ];
        for other in others {
            let outcome = check(other, foreign);
            assert!(matches!(outcome, Err(TemplateRefusal::MissingMethod { .. })), "{outcome:?}");
        }
    }
}
