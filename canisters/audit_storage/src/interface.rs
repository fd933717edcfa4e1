//! The exported Candid interface. It is checked in as `audit_storage.did`.

use crate::view::EventView;
use cairn_events::payload::ArchivingConfigured;
use cairn_events::question::{Answer, Question};
use cairn_events::{Commitment, Hash, Opening, Principal, WriterRole};
use cairn_kit::api::SupportedStandard;
use cairn_kit::api::audit::{
    AppendArgs, Appended, ArchivingStatus, AuditError, AuditInit, AuditedQuestion, EventPage, EventQuery, Proof, Seen,
    Tip, TipCertificate, Writer,
};
use cairn_kit::api::blocks::GetBlocksResult;
use cairn_kit::api::http::{HttpRequest, HttpResponse};
use icrc_ledger_types::icrc3::archive::{GetArchivesArgs, GetArchivesResult};
use icrc_ledger_types::icrc3::blocks::{GetBlocksRequest, SupportedBlockType};
use serde_bytes::ByteBuf;

ic_cdk::export_candid!();

#[cfg(test)]
mod tests {
    use candid_parser::utils::{CandidSource, service_equal};

    #[test]
    fn candid_interface_is_checked_in() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/audit_storage.did");
        let exported = super::__export_service();
        if std::env::var_os("UPDATE_CANDID").is_some() {
            std::fs::write(path, &exported).unwrap();
        }
        let checked_in = std::fs::read_to_string(path).unwrap();
        assert!(checked_in == exported, "record the interface with UPDATE_CANDID=1");
        service_equal(CandidSource::Text(&exported), CandidSource::Text(&checked_in)).unwrap();
    }
}
