//! The exported Candid interface. It is checked in as `backend.did`.

use crate::readers::Profile;
use cairn_events::payload::ErasureReason;
use cairn_events::{Commitment, DeploymentId, Principal, Timestamp};
use cairn_kit::api::SupportedStandard;
use cairn_kit::api::backend::{
    Auditor, BackendError, BackendInit, ConfigEntry, CreateDistributionArgs, CreateLockArgs, CreateMultisigArgs,
    CreateTokenArgs, DeploymentView, Quote, ServiceHealth, ServiceSetupStatus, StateCheck, SystemStatus,
};
use cairn_kit::api::host::{DigestCertificate, ProjectionStatus, Reflected};
use cairn_kit::api::http::{HttpRequest, HttpResponse};
use cairn_projections::deployments::{Deployment, ProgressCount, Step};
use cairn_projections::users::{User, UserCounts};
use cairn_projections::{Moment, Page};
use candid::Nat;

ic_cdk::export_candid!();

#[cfg(test)]
mod tests {
    #[test]
    fn candid_interface_is_checked_in() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/backend.did");
        let exported = super::__export_service();
        if std::env::var_os("UPDATE_CANDID").is_some() {
            std::fs::write(path, &exported).unwrap();
        }
        let checked_in = std::fs::read_to_string(path).unwrap();
        assert!(checked_in == exported, "record the interface with UPDATE_CANDID=1");
    }
}
