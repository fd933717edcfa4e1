//! The exported Candid interface. It is checked in as `archive.did`.

use cairn_events::Hash;
use cairn_kit::api::SupportedStandard;
use cairn_kit::api::archive::{ArchiveError, ArchiveInit, Holdings};
use cairn_kit::api::audit::TipCertificate;
use cairn_kit::api::blocks::GetBlocksResult;
use cairn_kit::api::http::{HttpRequest, HttpResponse};
use icrc_ledger_types::icrc3::archive::{GetArchivesArgs, GetArchivesResult};
use icrc_ledger_types::icrc3::blocks::{GetBlocksRequest, SupportedBlockType};
use serde_bytes::ByteBuf;

ic_cdk::export_candid!();

#[cfg(test)]
mod tests {
    #[test]
    fn candid_interface_is_checked_in() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/archive.did");
        let exported = super::__export_service();
        if std::env::var_os("UPDATE_CANDID").is_some() {
            std::fs::write(path, &exported).unwrap();
        }
        let checked_in = std::fs::read_to_string(path).unwrap_or_default();
        assert!(checked_in == exported, "record the interface with UPDATE_CANDID=1");
    }
}
