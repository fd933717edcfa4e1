//! The exported Candid interface. It is checked in as `token.did`.

use crate::endpoints::StandardRecord;
use cairn_kit::api::contract::{ConfirmError, ContractHealth, NotificationStatus};
use cairn_kit::api::http::{HttpRequest, HttpResponse};
use cairn_kit::api::ledger::LedgerArg;
use candid::Nat;
use icrc_ledger_types::icrc::generic_metadata_value::MetadataValue;
use icrc_ledger_types::icrc1::account::Account;
use icrc_ledger_types::icrc1::transfer::{TransferArg, TransferError};
use icrc_ledger_types::icrc2::allowance::{Allowance, AllowanceArgs};
use icrc_ledger_types::icrc2::approve::{ApproveArgs, ApproveError};
use icrc_ledger_types::icrc2::transfer_from::{TransferFromArgs, TransferFromError};
use icrc_ledger_types::icrc3::archive::{GetArchivesArgs, GetArchivesResult};
use icrc_ledger_types::icrc3::blocks::{GetBlocksRequest, GetBlocksResult, ICRC3DataCertificate, SupportedBlockType};
use icrc_ledger_types::icrc21::errors::Icrc21Error;
use icrc_ledger_types::icrc21::requests::ConsentMessageRequest;
use icrc_ledger_types::icrc21::responses::ConsentInfo;
use icrc_ledger_types::icrc103::get_allowances::{Allowance as ListedAllowance, GetAllowancesArgs, GetAllowancesError};
use std::marker::PhantomData;

ic_cdk::export_candid!();

#[cfg(test)]
mod tests {
    use candid_parser::utils::{CandidSource, service_compatible, service_equal};

    /// The reference ledger's argument and the standards' methods, as their clients have them.
    const REFERENCE: &str = include_str!("../tests/reference.did");

    #[test]
    fn the_checked_in_file_is_the_exported_interface() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/token.did");
        let exported = super::__export_service();
        if std::env::var_os("UPDATE_CANDID").is_some() {
            std::fs::write(path, &exported).unwrap();
        }
        let checked_in = std::fs::read_to_string(path).unwrap();
        assert_eq!(checked_in, exported, "record the interface with UPDATE_CANDID=1");
        service_equal(CandidSource::Text(&exported), CandidSource::Text(&checked_in)).unwrap();
    }

    #[test]
    fn clients_of_the_reference_ledger_can_use_this_one() {
        service_compatible(CandidSource::Text(&super::__export_service()), CandidSource::Text(REFERENCE)).unwrap();
    }
}
