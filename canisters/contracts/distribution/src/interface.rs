//! The exported Candid interface. It is checked in as `distribution.did`.

use cairn_events::Principal;
use cairn_events::payload::{ContractStatus, Subaccount};
use cairn_kit::api::SupportedStandard;
use cairn_kit::api::contract::{ConfirmError, ContractHealth, NotificationStatus};
use cairn_kit::api::distribution::{
    CategoryView, ClaimArgs, ClaimReceipt, Claimable, DistributionError, DistributionInit, Funding, HistoryEntry,
    MerkleClaim, MerkleRoot, RecipientArgs, RecipientView, RegisterArgs, Statistics, Terms, TransferView,
};
use cairn_kit::api::http::{HttpRequest, HttpResponse};

ic_cdk::export_candid!();

#[cfg(test)]
mod tests {
    use candid_parser::utils::{CandidSource, service_equal};

    #[test]
    fn the_checked_in_file_is_the_exported_interface() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/distribution.did");
        let exported = super::__export_service();
        if std::env::var_os("UPDATE_CANDID").is_some() {
            std::fs::write(path, &exported).unwrap();
        }
        let checked_in = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(checked_in, exported, "record the interface with UPDATE_CANDID=1");
        service_equal(CandidSource::Text(&exported), CandidSource::Text(&checked_in)).unwrap();
    }
}
