//! The exported Candid interface. It is checked in as `multisig.did`.

use cairn_events::Principal;
use cairn_kit::api::SupportedStandard;
use cairn_kit::api::contract::{ConfirmError, ContractHealth, NotificationStatus};
use cairn_kit::api::http::{HttpRequest, HttpResponse};
use cairn_kit::api::multisig::{
    AssetView, MemberRole, NewSigner, ProposalArgs, ProposalPage, ProposalStatus, ProposalView, RecoveryView,
    TrailPage, TrailTip, WalletError, WalletInfo, WalletInit,
};

ic_cdk::export_candid!();

#[cfg(test)]
mod tests {
    use candid_parser::utils::{CandidSource, service_equal};

    #[test]
    fn the_checked_in_file_is_the_exported_interface() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/multisig.did");
        let exported = super::__export_service();
        if std::env::var_os("UPDATE_CANDID").is_some() {
            std::fs::write(path, &exported).unwrap();
        }
        let checked_in = std::fs::read_to_string(path).unwrap();
        assert_eq!(checked_in, exported, "record the interface with UPDATE_CANDID=1");
        service_equal(CandidSource::Text(&exported), CandidSource::Text(&checked_in)).unwrap();
    }

    /// W-02: `completeUpgrade` and `cancelUpgrade` believed whom an argument said to be the caller.
    #[test]
    fn w02_nobody_is_believed_to_be_whom_they_name() {
        let exported = super::__export_service();
        for method in ["completeUpgrade", "cancelUpgrade", "emergencyUnlockUpgrade", "updateSecurityScore"] {
            assert!(!exported.contains(method), "{method}");
        }
        let (env, service) = CandidSource::Text(&exported).load().unwrap();
        let service = service.unwrap();
        let principal = candid::types::TypeInner::Principal.into();
        let named = env.as_service(&service).unwrap().iter().filter(|(_, method)| {
            env.as_func(method).unwrap().args.iter().any(|argument| env.trace_type(argument).unwrap() == principal)
        });
        let named: Vec<&str> = named.map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            named,
            ["addWatchedAsset", "getUserRole", "removeWatchedAsset"],
            "ledgers, and whom a reader asks for"
        );
    }
}
