//! What every contract owes its factory: to say whether it can be upgraded and how it is, and to end a quarantine.

use crate::api::contract::{ConfirmError, ContractHealth};
use crate::notify::{self, Outbox};
use crate::{quarantine, runtime};
use cairn_events::Principal;

/// How the contract is. `problem`: what its own examination found.
pub fn health(outbox: &Outbox, problem: Option<String>) -> ContractHealth {
    ContractHealth {
        problem,
        quarantined: quarantine::is_active(),
        epoch: outbox.state().epoch,
        cycles: runtime::cycles().into(),
        stableBytes: runtime::stable_bytes(),
    }
}

/// Ends the quarantine, and lets the contract take up its work again by `resume`. Repeatable. Only for the factory.
///
/// # Errors
/// [`ConfirmError::Unauthorized`].
pub fn confirm(caller: Principal, factory: Option<Principal>, resume: fn()) -> Result<(), ConfirmError> {
    if factory != Some(caller) {
        return Err(ConfirmError::Unauthorized { caller });
    }
    if quarantine::end() {
        resume();
        notify::resume();
    } else {
        // A contract whose former self was restored has lost its timer: the network forgets it in an upgrade.
        runtime::revive();
    }
    Ok(())
}

/// Defines the endpoints that every contract has.
///
/// * `outbox`: `fn(impl FnOnce(&Outbox) -> T) -> T`, reads the contract's outbox.
/// * `resume`: `fn()`, arms the contract's own timers.
/// * `can_upgrade`: `fn() -> Result<(), String>`, why it should not be upgraded now.
/// * `examine`: `fn() -> Result<(), String>`, what is wrong with its state.
#[macro_export]
macro_rules! contract_endpoints {
    (outbox: $outbox:path, resume: $resume:path, can_upgrade: $can_upgrade:path, examine: $examine:path $(,)?) => {
        // Names, not paths: the exported interface knows types by these.
        use cairn_kit::api::contract::{ConfirmError, ContractHealth, NotificationStatus};

        /// Whether the contract can be upgraded now, and if not, why. For everyone; in quarantine for the factory alone.
        #[ic_cdk::query(name = "canUpgrade", guard = "cairn_kit::quarantine::serving")]
        fn can_upgrade() -> Result<(), String> {
            $can_upgrade()
        }

        /// How the contract is. For everyone; in quarantine for the factory alone.
        #[ic_cdk::query(name = "getContractHealth", guard = "cairn_kit::quarantine::serving")]
        fn get_contract_health() -> ContractHealth {
            let problem = $examine().err();
            $outbox(|outbox: &$crate::notify::Outbox| $crate::contract::health(outbox, problem))
        }

        /// Ends the quarantine that an upgrade by the factory began. Only for the factory; repeatable.
        #[ic_cdk::update(name = "confirmUpgrade")]
        fn confirm_upgrade() -> Result<(), ConfirmError> {
            let factory = $outbox($crate::notify::Outbox::factory);
            $crate::contract::confirm(ic_cdk::api::msg_caller(), factory, $resume)
        }

        /// How far the notifications to the factory are. For everyone.
        #[ic_cdk::query(name = "getNotificationStatus", guard = "cairn_kit::quarantine::serving")]
        fn get_notification_status() -> NotificationStatus {
            $outbox($crate::notify::status)
        }
    };
}

#[cfg(test)]
mod tests {
    /// Guards run in canisters only: so the definition is read. That of `confirmUpgrade` is in [`super::confirm`].
    #[test]
    fn every_endpoint_has_the_guard_of_the_quarantine_but_the_one_that_ends_it() {
        let source = include_str!("contract.rs");
        let is_endpoint = |line: &&str| line.starts_with("#[ic_cdk::");
        let endpoints: Vec<&str> = source.lines().map(str::trim).filter(is_endpoint).collect();
        assert_eq!(endpoints.len(), 4, "{endpoints:?}");
        for endpoint in endpoints {
            let is_guarded = endpoint.contains("guard = \"cairn_kit::quarantine::serving\"");
            assert_eq!(is_guarded, !endpoint.contains("confirmUpgrade"), "{endpoint}");
        }
    }
}
