//! What makes a contract a multisig wallet.

use cairn_events::Principal;
use cairn_events::payload::Notification;
use cairn_events::topic::Service;
use cairn_factory::{ContractKind, InstallContext, InvalidArgs, Listing};
use cairn_kit::api::multisig::{InvalidWallet, MultisigArgs, WalletInit};

/// The kind of contract that is a multisig wallet.
#[derive(Clone, Copy, Debug)]
pub struct Multisig;

impl ContractKind for Multisig {
    const SERVICE: Service = Service::Multisig;
    const METHODS: &'static [&'static str] = &["createProposal", "approveProposal", "executeProposal"];
    type Args = MultisigArgs;

    fn parse(args: &[u8]) -> Result<MultisigArgs, InvalidArgs> {
        let wallet: MultisigArgs =
            candid::decode_one(args).map_err(|_| InvalidArgs::new("args", "not the arguments of a wallet"))?;
        wallet.validate().map_err(|error| refused(&error))?;
        Ok(wallet)
    }

    fn listing(wallet: &MultisigArgs) -> Listing {
        Listing { name: wallet.name.clone(), symbol: None, public: wallet.public }
    }

    fn install_argument(wallet: &MultisigArgs, context: &InstallContext) -> Result<Vec<u8>, InvalidArgs> {
        candid::encode_one(WalletInit {
            wallet: wallet.clone(),
            creator: context.owner,
            factory: Some(context.factory),
            epoch: context.epoch,
        })
        .map_err(|_| InvalidArgs::new("args", "cannot be encoded for the wallet"))
    }

    fn accepts(notification: &Notification) -> bool {
        use Notification as N;
        matches!(
            notification,
            N::DeploymentComplete
                | N::SignerAdded(_)
                | N::SignerRemoved(_)
                | N::ObserverAdded(_)
                | N::ObserverRemoved(_)
                | N::ProposalCreated(_)
                | N::Transfer(_)
                | N::VisibilityChanged(_)
                | N::StatusChanged(_)
        )
    }

    /// The factory and the wallet itself, never the creator: whoever controls a canister can take what it holds.
    fn controllers(factory: Principal, contract: Principal, _owner: Principal) -> Vec<Principal> {
        vec![factory, contract]
    }

    /// The wallet itself, by a proposal: who created it may not even sign for it any more.
    fn is_decided_by(person: Principal, contract: Principal, _owner: Principal) -> bool {
        person == contract
    }
}

fn refused(error: &InvalidWallet) -> InvalidArgs {
    InvalidArgs::new(error.field(), error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_events::Amount;
    use cairn_events::payload::{ContractRegistered, ContractStatus, DeploymentRequested, Movement};
    use cairn_factory::template::interface::Interface;
    use cairn_factory::template::registry::check_kind;
    use cairn_kit::api::multisig::{
        AssetPolicy, MAX_GUARDIANS, MAX_LIFETIME, MAX_OBSERVERS, MAX_POLICIES, MAX_SIGNERS, MIN_RECOVERY_DELAY,
        NewMember, NewSigner, RecoveryRules, SignerRole, WalletRules,
    };
    use cairn_kit::api::template::TemplateRefusal;

    fn person(n: usize) -> Principal {
        Principal::self_authenticating(n.to_be_bytes())
    }

    fn name(n: usize) -> Option<String> {
        Some(format!("{n:64}"))
    }

    /// As large as a wallet can be.
    fn largest() -> MultisigArgs {
        let members = |from: usize, count: usize| {
            (from..from + count).map(|n| NewMember { principal: person(n), name: name(n) }).collect()
        };
        MultisigArgs {
            name: "n".repeat(100),
            description: Some("d".repeat(500)),
            signers: (0..MAX_SIGNERS)
                .map(|n| NewSigner { principal: person(n), name: name(n), role: SignerRole::Owner })
                .collect(),
            observers: members(100, MAX_OBSERVERS),
            guardians: members(200, MAX_GUARDIANS),
            rules: WalletRules {
                threshold: 2,
                timelock: 1,
                proposal_lifetime: MAX_LIFETIME,
                consensus_for_changes: true,
                policies: (300..300 + MAX_POLICIES)
                    .map(|n| AssetPolicy {
                        ledger: person(n),
                        daily_limit: Some(Amount(u128::MAX)),
                        large_amount: Some(Amount(u128::MAX)),
                    })
                    .collect(),
                recovery: Some(RecoveryRules { threshold: 2, delay: MIN_RECOVERY_DELAY }),
            },
            public: true,
        }
    }

    #[test]
    fn the_largest_wallet_fits_into_its_event_and_its_listing() {
        let args = candid::encode_one(largest()).unwrap();
        assert!(args.len() <= DeploymentRequested::MAX_ARGS, "{} bytes", args.len());
        let parsed = Multisig::parse(&args).unwrap();
        assert_eq!(parsed, largest());
        let listing = Multisig::listing(&parsed);
        assert!(listing.name.len() <= ContractRegistered::MAX_NAME && listing.symbol.is_none() && listing.public);
    }

    #[test]
    fn what_the_wallet_would_refuse_is_refused_here() {
        let refused = |change: fn(&mut MultisigArgs)| {
            let mut args = largest();
            change(&mut args);
            Multisig::parse(&candid::encode_one(args).unwrap()).unwrap_err().field
        };
        assert_eq!(refused(|args| args.rules.threshold = 0), "rules.threshold");
        assert_eq!(refused(|args| args.rules.threshold = 51), "rules.threshold");
        assert_eq!(refused(|args| args.signers[1] = args.signers[0].clone()), "signers");
        assert_eq!(refused(|args| args.signers[0].principal = Principal::anonymous()), "signers");
        assert_eq!(refused(|args| args.name.clear()), "name");
        assert_eq!(Multisig::parse(b"DIDL\x00\x00").unwrap_err().field, "args");
    }

    #[test]
    fn the_wallet_is_installed_with_what_was_asked_for() {
        let context = InstallContext { factory: person(1_000), owner: person(0), epoch: 3 };
        let argument = Multisig::install_argument(&largest(), &context).unwrap();
        let init: WalletInit = candid::decode_one(&argument).unwrap();
        let expected = WalletInit { wallet: largest(), creator: person(0), factory: Some(person(1_000)), epoch: 3 };
        assert_eq!(init, expected);
    }

    #[test]
    fn a_wallet_owns_itself() {
        let (factory, wallet, creator) = (person(1), person(2), person(3));
        assert_eq!(Multisig::controllers(factory, wallet, creator), vec![factory, wallet]);
        let decides = |person| Multisig::is_decided_by(person, wallet, creator);
        assert_eq!([wallet, creator, factory].map(decides), [true, false, false]);
    }

    #[test]
    fn wallets_speak_of_signers_and_not_of_holders() {
        let who = person(1);
        let paid = Movement { token: Some(who), from: Some(who), to: Some(who), amount: Amount(1) };
        for heard in [
            Notification::DeploymentComplete,
            Notification::SignerAdded(who),
            Notification::ObserverRemoved(who),
            Notification::Transfer(paid),
            Notification::VisibilityChanged(true),
            Notification::StatusChanged(ContractStatus::Frozen),
        ] {
            assert!(Multisig::accepts(&heard), "{heard:?}");
        }
        for unheard in [Notification::HolderAdded(who), Notification::MemberAdded(who), Notification::Mint(paid)] {
            assert!(!Multisig::accepts(&unheard), "{unheard:?}");
        }
    }

    /// By the interfaces of all that factories make.
    #[test]
    fn templates_are_wallets() {
        let check = |interface: &str, foreign| check_kind::<Multisig>(&Interface::parse(interface).unwrap(), foreign);
        for foreign in [false, true] {
            assert_eq!(check(include_str!("../../contracts/multisig/multisig.did"), foreign), Ok(()));
            let others = [
                include_str!("../../contracts/token/token.did"),
                include_str!("../../contracts/distribution/distribution.did"),
            ];
            for other in others {
                let outcome = check(other, foreign);
                assert!(matches!(outcome, Err(TemplateRefusal::MissingMethod { .. })), "{outcome:?}");
            }
        }
    }
}
