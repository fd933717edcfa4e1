//! What makes a contract a distribution.

use cairn_events::Principal;
use cairn_events::payload::Notification;
use cairn_events::topic::Service;
use cairn_factory::{ContractKind, InstallContext, InvalidArgs, Listing};
use cairn_kit::api::distribution::{DistributionArgs, DistributionInit, InvalidDistribution};

#[cfg(test)]
mod tests;

/// The kind of contract that gives a token to many. A lock is one of these.
#[derive(Clone, Copy, Debug)]
pub struct Distribution;

impl ContractKind for Distribution {
    const SERVICE: Service = Service::Distribution;
    const METHODS: &'static [&'static str] = &["depositTokens", "getClaimable", "claim"];
    type Args = DistributionArgs;

    /// What does not depend on the time is checked, by the rules of the gateway: a delivery that was delayed beyond the
    /// start is late, but not wrong.
    fn parse(args: &[u8]) -> Result<DistributionArgs, InvalidArgs> {
        let args: DistributionArgs =
            candid::decode_one(args).map_err(|_| InvalidArgs::new("args", "not the arguments of a distribution"))?;
        args.check().map_err(|InvalidDistribution { field, problem }| InvalidArgs { field, problem })?;
        Ok(args)
    }

    fn listing(args: &DistributionArgs) -> Listing {
        Listing { name: args.title.clone(), symbol: Some(args.token.symbol.clone()), public: args.public }
    }

    fn token(args: &DistributionArgs, _contract: Principal) -> Option<Principal> {
        Some(args.token.ledger)
    }

    fn install_argument(args: &DistributionArgs, context: &InstallContext) -> Result<Vec<u8>, InvalidArgs> {
        let init = DistributionInit {
            args: args.clone(),
            owner: context.owner,
            factory: Some(context.factory),
            epoch: Some(context.epoch),
        };
        candid::encode_one(init).map_err(|_| InvalidArgs::new("args", "cannot be encoded for the contract"))
    }

    fn accepts(notification: &Notification) -> bool {
        matches!(
            notification,
            Notification::DeploymentComplete
                | Notification::RecipientAdded(_)
                | Notification::RecipientRemoved(_)
                | Notification::StatusChanged(_)
                | Notification::VisibilityChanged(_)
        )
    }

    /// Other people's money lies in it: its creator, who could install code and take everything, is none of them.
    fn controllers(factory: Principal, contract: Principal, _owner: Principal) -> Vec<Principal> {
        vec![factory, contract]
    }
}
