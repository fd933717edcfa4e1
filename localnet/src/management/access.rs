//! Who may call which method: users through ingress messages, canisters with their version.

use super::decode;
use crate::net::Net;
use crate::payload;
use crate::reject::Reject;
use candid::{CandidType, Principal};
use ic_management_canister_types::{
    CanisterIdRecord, InstallChunkedCodeArgs, InstallCodeArgs, StatusVisibility, UploadCanisterSnapshotDataArgs,
    UploadChunkArgs,
};
use serde::Deserialize;

/// Who may call a method by an ingress message.
enum Ingress {
    Anyone,
    Controllers,
    /// Those to whom the canister shows its status.
    StatusViewers,
    /// Those to whom the canister shows its snapshots.
    SnapshotViewers,
    /// Nobody: it is a query.
    Queries,
    /// Nobody: it is for canisters.
    Canisters,
}

impl Ingress {
    /// By the name of a method, if there is one of that name.
    fn of(method: &str) -> Option<Self> {
        Some(match method {
            "provisional_create_canister_with_cycles" | "provisional_top_up_canister" => Self::Anyone,
            "update_settings"
            | "start_canister"
            | "stop_canister"
            | "delete_canister"
            | "install_code"
            | "install_chunked_code"
            | "uninstall_code"
            | "upload_chunk"
            | "stored_chunks"
            | "clear_chunk_store"
            | "take_canister_snapshot"
            | "load_canister_snapshot"
            | "delete_canister_snapshot"
            | "upload_canister_snapshot_metadata"
            | "upload_canister_snapshot_data" => Self::Controllers,
            "canister_status" => Self::StatusViewers,
            "list_canister_snapshots" | "read_canister_snapshot_metadata" | "read_canister_snapshot_data" => {
                Self::SnapshotViewers
            }
            "fetch_canister_logs" => Self::Queries,
            "create_canister"
            | "deposit_cycles"
            | "raw_rand"
            | "canister_info"
            | "canister_metadata"
            | "http_request"
            | "flexible_http_request"
            | "node_metrics_history"
            | "subnet_info"
            | "ecdsa_public_key"
            | "sign_with_ecdsa"
            | "schnorr_public_key"
            | "sign_with_schnorr"
            | "vetkd_public_key"
            | "vetkd_derive_key"
            | "bitcoin_get_balance"
            | "bitcoin_get_utxos"
            | "bitcoin_send_transaction"
            | "bitcoin_get_current_fee_percentiles" => Self::Canisters,
            _ => return None,
        })
    }
}

impl Net {
    /// Whether an ingress message to the management canister is accepted ("Request: Call").
    pub(crate) fn accept_management_call(&self, caller: Principal, method: &str, arg: &[u8]) -> Result<(), Reject> {
        let only = |text: String| Err(Reject::system(406, text));
        let ingress = Ingress::of(method).ok_or_else(|| Reject::no_such_management_method(method))?;
        match ingress {
            Ingress::Anyone => return Ok(()),
            Ingress::Canisters => return only(format!("Only canisters can call ic00 method {method}")),
            Ingress::Queries => return only(format!("{method} API is only accessible in non-replicated mode")),
            Ingress::Controllers | Ingress::StatusViewers | Ingress::SnapshotViewers => {}
        }
        let id = target(method, arg)?;
        let canister = self.canisters.get(&id).ok_or_else(|| Reject::canister_not_found(id))?;
        let shown = match ingress {
            Ingress::StatusViewers => canister.settings.shows_status_to(caller),
            Ingress::SnapshotViewers => canister.shows_snapshots_to(caller).is_ok(),
            _ => false,
        };
        if shown || canister.controllers.contains(&caller) {
            return Ok(());
        }
        Err(Reject::canister_error(
            512,
            format_args!("Only controllers of canister {id} can call ic00 method {method}"),
        ))
    }
}

/// Small changes of settings are free: they may be what it takes to thaw the canister.
const FREE_SETTINGS_BYTES: usize = 366;

impl Net {
    /// Has the canister that a user's call is about pay for it.
    pub(crate) fn charge_management_call(&mut self, method: &str, arg: &[u8], price: u128) -> Result<(), Reject> {
        if price == 0 || method == "update_settings" && arg.len() <= FREE_SETTINGS_BYTES {
            return Ok(());
        }
        let costs = &self.subnet.config.costs;
        let payer = target(method, arg).ok().and_then(|id| self.canisters.get_mut(&id));
        payer.map_or(Ok(()), |payer| payer.pay(costs, price))
    }
}

/// The canister a method is about, which is also the effective canister id of the request.
fn target(method: &str, arg: &[u8]) -> Result<Principal, Reject> {
    // Types that know their blobs are decoded much faster than those that skip them.
    Ok(match method {
        "install_code" => decode::<InstallCodeArgs>(arg)?.canister_id,
        "install_chunked_code" => decode::<InstallChunkedCodeArgs>(arg)?.target_canister,
        "upload_chunk" => decode::<UploadChunkArgs>(arg)?.canister_id,
        "upload_canister_snapshot_data" => decode::<UploadCanisterSnapshotDataArgs>(arg)?.canister_id,
        _ => decode::<CanisterIdRecord>(arg)?.canister_id,
    })
}

impl crate::settings::Settings {
    /// Whether a caller that is no controller may see the status ("status_visibility").
    pub(super) fn shows_status_to(&self, caller: Principal) -> bool {
        match &self.status_visibility {
            StatusVisibility::Controllers => false,
            StatusVisibility::Public => true,
            StatusVisibility::AllowedViewers(viewers) => viewers.contains(&caller),
        }
    }
}

#[derive(CandidType, Deserialize)]
struct SenderVersion {
    sender_canister_version: Option<u64>,
}

/// Whether the version that a canister gives in a call to the management canister is its own; the call
/// cannot be made otherwise ("validate_sender_canister_version").
pub(crate) fn check_sender_version(method: &str, arg: &[u8], version: u64) -> Result<(), String> {
    let takes_version = matches!(
        method,
        "create_canister"
            | "update_settings"
            | "install_code"
            | "install_chunked_code"
            | "uninstall_code"
            | "provisional_create_canister_with_cycles"
            | "take_canister_snapshot"
            | "load_canister_snapshot"
    );
    if !takes_version {
        return Ok(());
    }
    let given = match method {
        "install_code" => payload::decode::<InstallCodeArgs>(arg).ok().and_then(|args| args.sender_canister_version),
        _ => payload::decode::<SenderVersion>(arg).ok().and_then(|args| args.sender_canister_version),
    };
    match given {
        Some(given) if given != version => Err(format!(
            "Management canister call payload includes sender canister version {given} \
             that does not match the actual sender canister version {version}."
        )),
        _ => Ok(()),
    }
}
