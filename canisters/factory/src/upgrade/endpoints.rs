//! The endpoints that are about upgrades and cycles, by [`upgrade_endpoints!`](crate::upgrade_endpoints).

/// Defines them, as part of [`endpoints!`](crate::endpoints).
#[macro_export]
macro_rules! upgrade_endpoints {
    ($kind:ty) => {
        use cairn_kit::api::upgrade::{
            ContractResources, ForcedUpgrade, RolloutArgs, RolloutInfo, RolloutPage, ToppedUp, UpgradeInfo,
            UpgradePage, UpgradePolicy,
        };
        use $crate::{resources, upgrade};

        /// Has a contract upgraded to this version, or to the one that new contracts get. Only for the contract and its
        /// owner; of a wallet only for itself.
        #[ic_cdk::update(name = "requestUpgrade")]
        async fn request_upgrade(contract: Principal, version: Option<String>) -> Result<UpgradeInfo, FactoryError> {
            let asked = upgrade::request::<$kind>(ic_cdk::api::msg_caller(), contract, version).await?;
            upgrade::beat::<$kind>();
            Ok(asked)
        }

        /// Has a contract upgraded to this version, even if it is an earlier one, and whatever the contract says: once two
        /// admins have called this within a day. Only for admins; the log tells.
        #[ic_cdk::update(name = "forceUpgrade")]
        async fn force_upgrade(contract: Principal, version: String) -> Result<ForcedUpgrade, FactoryError> {
            let asked = upgrade::force(access::admin(ic_cdk::api::msg_caller())?, contract, version).await?;
            upgrade::beat::<$kind>();
            Ok(asked)
        }

        /// Withdraws a request whose turn has not come. Only for the contract, its owner (not of a wallet),
        /// and admins.
        #[ic_cdk::update(name = "cancelUpgrade")]
        async fn cancel_upgrade(contract: Principal) -> Result<(), FactoryError> {
            upgrade::cancel::<$kind>(ic_cdk::api::msg_caller(), contract).await
        }

        /// Says whether a contract takes part in rollouts. Only for the contract and its owner (not of a
        /// wallet).
        #[ic_cdk::update(name = "setAutoUpdate")]
        async fn set_auto_update(contract: Principal, enabled: bool) -> Result<(), FactoryError> {
            upgrade::set_auto_update::<$kind>(ic_cdk::api::msg_caller(), contract, enabled).await
        }

        /// Takes a contract out of the factory's control, for ever; an upgrade under way is brought to its end before.
        /// Only for its owner; of a wallet only for itself.
        #[ic_cdk::update(name = "releaseControl")]
        async fn release_control(contract: Principal) -> Result<(), FactoryError> {
            upgrade::release_control::<$kind>(ic_cdk::api::msg_caller(), contract).await
        }

        /// Begins to roll a version out to the contracts that take part. Only for admins.
        #[ic_cdk::update(name = "startRollout")]
        async fn start_rollout(args: RolloutArgs) -> Result<RolloutInfo, FactoryError> {
            upgrade::rollout::start::<$kind>(access::admin(ic_cdk::api::msg_caller())?, args).await
        }

        /// Holds a rollout up. Only for admins.
        #[ic_cdk::update(name = "pauseRollout")]
        async fn pause_rollout(rollout: u64) -> Result<RolloutInfo, FactoryError> {
            upgrade::rollout::pause(access::admin(ic_cdk::api::msg_caller())?, rollout).await
        }

        /// Lets a rollout go on that was held up or has stopped. Only for admins.
        #[ic_cdk::update(name = "resumeRollout")]
        async fn resume_rollout(rollout: u64) -> Result<RolloutInfo, FactoryError> {
            upgrade::rollout::resume::<$kind>(access::admin(ic_cdk::api::msg_caller())?, rollout).await
        }

        /// Upgrades of a contract, or of all, the newest first; at most 100. For everyone, as far as `getContractInfo`
        /// shows the contracts; for admins all. A page may have fewer than asked for, even none, and a next one all the
        /// same. The log itself is public: whoever reads it all knows more.
        #[ic_cdk::query(name = "getUpgrades")]
        fn get_upgrades(
            contract: Option<Principal>,
            cursor: Option<u64>,
            limit: Option<u32>,
        ) -> Result<UpgradePage, FactoryError> {
            upgrade::page_for::<$kind>(ic_cdk::api::msg_caller(), contract, cursor, limit)
        }

        /// How a contract may be upgraded. For admins, and for everyone to whom `getContractInfo` shows the contract.
        #[ic_cdk::query(name = "getUpgradePolicy")]
        fn get_upgrade_policy(contract: Principal) -> Result<UpgradePolicy, FactoryError> {
            upgrade::policy_for::<$kind>(ic_cdk::api::msg_caller(), contract)
        }

        /// The rollout of this number. For everyone.
        #[ic_cdk::query(name = "getRollout")]
        fn get_rollout(rollout: u64) -> Result<RolloutInfo, FactoryError> {
            upgrade::rollout_info(rollout)
        }

        /// Rollouts, the newest first; at most 100. For everyone.
        #[ic_cdk::query(name = "getRollouts")]
        fn get_rollouts(cursor: Option<u64>, limit: Option<u32>) -> Result<RolloutPage, FactoryError> {
            upgrade::rollouts(cursor, limit)
        }

        /// Deposits the cycles that are attached with a contract. For everyone; what is not deposited comes back.
        #[ic_cdk::update(name = "topUpContract")]
        async fn top_up_contract(contract: Principal) -> Result<ToppedUp, FactoryError> {
            let attached = ic_cdk::api::msg_cycles_available();
            resources::top_up(ic_cdk::api::msg_caller(), contract, attached, ic_cdk::api::msg_cycles_accept).await
        }

        /// What a contract has and uses. Only for its owner, itself, and admins.
        #[ic_cdk::update(name = "getContractResources")]
        async fn get_contract_resources(contract: Principal) -> Result<ContractResources, FactoryError> {
            resources::of_contract(ic_cdk::api::msg_caller(), contract).await
        }
    };
}
