//! The methods: authenticate, ask the core, reply.

use crate::config::change;
use crate::config::command;
use crate::config::key::Key;
use crate::request::intake;
use crate::request::order::Order;
use crate::setup::microservices::{Microservices, set_up};
use crate::setup::monitor;
use crate::state::{State, check};
use crate::{erasure, metrics, platform};
use cairn_events::payload::ErasureReason;
use cairn_events::topic::Service;
use cairn_events::{Commitment, DeploymentId, Principal, Timestamp};
use cairn_kit::access::Caller;
use cairn_kit::api::SupportedStandard;
use cairn_kit::api::backend::{
    Auditor, BackendError, BackendRequestError, ConfigEntry, CreateDistributionArgs, CreateLockArgs,
    CreateMultisigArgs, CreateTokenArgs, DeploymentView, Quote, ServiceHealth, ServiceSetupStatus, StateCheck,
    SystemStatus,
};
use cairn_kit::api::http::{HttpRequest, HttpResponse};
use candid::{CandidType, DecoderConfig, Deserialize, Nat};
use ic_cdk::{query, update};

/// Bytes of the largest request that is decoded; what is too long in it is then refused by name.
const MAX_CREATE: usize = 1_000_000;
/// Work that decoding may cost, per byte.
const QUOTA_PER_BYTE: usize = 20;

fn create_arguments<A: for<'a> Deserialize<'a> + CandidType>(bytes: Vec<u8>) -> (A, String) {
    if bytes.len() > MAX_CREATE {
        ic_cdk::trap(format!("{} bytes of arguments, at most {MAX_CREATE}", bytes.len()));
    }
    let quota = MAX_CREATE.saturating_mul(QUOTA_PER_BYTE);
    let mut config = DecoderConfig::new();
    config.set_decoding_quota(quota).set_skipping_quota(quota).set_full_error_message(false);
    match candid::utils::decode_args_with_config(&bytes, &config) {
        Ok(arguments) => arguments,
        Err(error) => ic_cdk::trap(format!("malformed arguments: {error}")),
    }
}

/// Takes payment for a token and has it delivered. The second argument is the caller's id of the request: repeating the
/// call gives the record of the same deployment. For everyone but anonymous callers.
#[update(name = "createToken", decode_with = "create_arguments", hidden = true)]
#[candid::candid_method(update, rename = "createToken")]
async fn create_token(args: CreateTokenArgs, request_id: String) -> Result<DeploymentView, BackendError> {
    create(|_| Order::token(args), &request_id).await
}

/// As `createToken`, for a multisig wallet; the caller is one of its signers.
#[update(name = "createMultisig", decode_with = "create_arguments", hidden = true)]
#[candid::candid_method(update, rename = "createMultisig")]
async fn create_multisig(args: CreateMultisigArgs, request_id: String) -> Result<DeploymentView, BackendError> {
    create(|caller| Order::wallet(args, caller), &request_id).await
}

/// As `createToken`, for a distribution.
#[update(name = "createDistribution", decode_with = "create_arguments", hidden = true)]
#[candid::candid_method(update, rename = "createDistribution")]
async fn create_distribution(args: CreateDistributionArgs, request_id: String) -> Result<DeploymentView, BackendError> {
    create(|_| Order::distribution(args), &request_id).await
}

/// As `createToken`, for a lock: a distribution with one recipient and a single date.
#[update(name = "createLock", decode_with = "create_arguments", hidden = true)]
#[candid::candid_method(update, rename = "createLock")]
async fn create_lock(args: CreateLockArgs, request_id: String) -> Result<DeploymentView, BackendError> {
    create(|_| Order::lock(args), &request_id).await
}

async fn create(
    order: impl FnOnce(Principal) -> Result<Order, BackendError>,
    request_id: &str,
) -> Result<DeploymentView, BackendError> {
    let ordered = authenticate().and_then(|caller| Ok((caller, order(caller.principal())?)));
    metrics::counted(match ordered {
        Ok((caller, order)) => intake::create(caller, order, request_id).await,
        Err(error) => Err(error),
    })
}

/// What a service costs now, and what must be approved for whom. For everyone but anonymous callers.
#[update(name = "getQuote")]
async fn get_quote(service_name: String) -> Result<Quote, BackendError> {
    let caller = authenticate()?;
    let service = Service::from_name(&service_name).ok_or_else(|| not_found("service", &service_name))?;
    metrics::counted(intake::quote(caller, service).await)
}

/// The price of a service, if one is set. For everyone.
#[query(name = "getServiceFee")]
fn get_service_fee(service_name: String) -> Option<Nat> {
    let fee = platform::state(State::config).service(Service::from_name(&service_name)?)?.fee?;
    Some(fee.price.0.into())
}

/// The record of a deployment. For everyone: the log says the same.
#[query(name = "getDeployment")]
fn get_deployment(id: DeploymentId) -> Result<DeploymentView, BackendError> {
    intake::view(id)
}

/// Puts a value into force. For admins.
#[update(name = "adminSetConfigValue")]
async fn admin_set_config_value(key: String, value: String) -> Result<(), BackendError> {
    let admin = metrics::counted(platform::require_admin(ic_cdk::api::msg_caller()))?;
    command::set_value(admin, &key, &value).await
}

/// Makes somebody an admin. For admins and controllers.
#[update(name = "adminAddAdmin")]
async fn admin_add_admin(admin: Principal) -> Result<(), BackendError> {
    let permit = metrics::counted(platform::require_admin_or_controller(ic_cdk::api::msg_caller()))?;
    command::add_admin(permit, admin).await
}

/// Makes somebody an admin no more, here and for the log; what they did stays, and so do auditors whom they named. The
/// only admin stays one. Repeatable. For controllers: one bad admin must not be able to turn out the good ones.
#[update(name = "revokeAdmin")]
async fn revoke_admin(admin: Principal) -> Result<(), BackendError> {
    let controller = metrics::counted(platform::require_controller(ic_cdk::api::msg_caller()))?;
    command::revoke_admin(controller, admin).await
}

/// The admins. For everyone: the log says the same.
#[query(name = "adminGetAdmins")]
fn admin_get_admins() -> Vec<Principal> {
    platform::state(|state| state.admins().all())
}

/// Lets a person read what is private, as an auditor, until a time (nanoseconds since 1970, at most 366 days ahead).
/// For admins.
#[update(name = "adminGrantAuditor")]
async fn admin_grant_auditor(auditor: Principal, until: Timestamp) -> Result<(), BackendError> {
    let admin = metrics::counted(platform::require_admin(ic_cdk::api::msg_caller()))?;
    command::grant_auditor(admin, auditor, until).await
}

/// Ends what an auditor was granted. For admins.
#[update(name = "adminRevokeAuditor")]
async fn admin_revoke_auditor(auditor: Principal) -> Result<(), BackendError> {
    let admin = metrics::counted(platform::require_admin(ic_cdk::api::msg_caller()))?;
    command::revoke_auditor(admin, auditor).await
}

/// The auditors, and until when each may read; expired ones too, until they are revoked. For everyone: the log says the
/// same.
#[query(name = "getAuditors")]
fn get_auditors() -> Vec<Auditor> {
    platform::state(State::auditors)
}

/// Erases the opening of a commitment in event `index`, for ever; the index of the event that says so. Repeatable. For
/// admins.
#[update(name = "adminEraseOpening")]
async fn admin_erase_opening(index: u64, commitment: Commitment, reason: ErasureReason) -> Result<u64, BackendError> {
    let admin = metrics::counted(platform::require_admin(ic_cdk::api::msg_caller()))?;
    erasure::by_admin(admin, index, commitment, reason).await
}

/// As `adminEraseOpening`. For whoever the event concerns.
#[update(name = "eraseMyOpening")]
async fn erase_my_opening(index: u64, commitment: Commitment) -> Result<u64, BackendError> {
    let caller = authenticate()?;
    metrics::counted(erasure::by_person(caller, index, commitment).await)
}

/// Ends the fork alarm: the log was another one than this canister knew, and is the one again. The log records it. For
/// admins; repeatable.
#[update(name = "acknowledgeForkAlarm")]
async fn acknowledge_fork_alarm() -> Result<(), BackendError> {
    let admin = metrics::counted(platform::require_admin(ic_cdk::api::msg_caller()))?;
    command::acknowledge_alarm(admin).await
}

/// The value under a key, if it is set. For everyone.
#[query(name = "getConfigValue")]
fn get_config_value(key: String) -> Result<Option<String>, BackendError> {
    let key: Key = key.parse()?;
    Ok(change::value(key, &platform::state(State::config), &platform::setup().payment))
}

/// Every key with its value. For everyone.
#[query(name = "getAllConfigValues")]
fn get_all_config_values() -> Vec<ConfigEntry> {
    let (config, payment) = (platform::state(State::config), platform::setup().payment);
    Key::all().map(|key| ConfigEntry { key: key.to_string(), value: change::value(key, &config, &payment) }).collect()
}

/// Names the other canisters of the platform, checks them and registers them as writers of the log. The management
/// canister stands for a service that there is not. For admins; repeatable.
#[update(name = "setupMicroservices")]
async fn setup_microservices(
    audit_storage: Principal,
    invoice_storage: Principal,
    token_factory: Principal,
    distribution_factory: Principal,
    multisig_factory: Principal,
    dao_factory: Principal,
    launchpad_factory: Principal,
) -> Result<(), BackendError> {
    crate::setup::bootstrap::complete_for(ic_cdk::api::msg_caller()).await?;
    let admin = metrics::counted(platform::require_admin(ic_cdk::api::msg_caller()))?;
    let factories = [
        (Service::Token, token_factory),
        (Service::Distribution, distribution_factory),
        (Service::Multisig, multisig_factory),
        (Service::Dao, dao_factory),
        (Service::Launchpad, launchpad_factory),
    ];
    set_up(admin, &Microservices { audit: audit_storage, invoices: invoice_storage, factories }).await
}

/// How the other canisters are; they are asked once a minute at most. For everyone but anonymous callers.
#[update(name = "getMicroserviceHealth")]
async fn get_microservice_health() -> Result<Vec<ServiceHealth>, BackendError> {
    authenticate()?;
    Ok(monitor::survey().await.health)
}

/// What the other canisters lack; they are asked once a minute at most. For everyone but anonymous callers.
#[update(name = "getMicroserviceSetupStatus")]
async fn get_microservice_setup_status() -> Result<Vec<ServiceSetupStatus>, BackendError> {
    authenticate()?;
    Ok(monitor::survey().await.setup)
}

/// Where the platform stands; the health of its canisters as it was when they were last asked. For everyone.
#[query(name = "getSystemStatus")]
fn get_system_status() -> SystemStatus {
    metrics::status()
}

/// Begins to fold our own events from the log anew, beside the state in force, and to compare the two: reported, never
/// swapped. For admins.
#[update(name = "checkState")]
fn check_state() -> Result<(), BackendError> {
    metrics::counted(platform::require_admin(ic_cdk::api::msg_caller()))?;
    check::begin()
}

/// How the check of the state stands, or how the last one ended. For everyone.
#[query(name = "getStateCheck")]
fn get_state_check() -> Option<StateCheck> {
    check::status()
}

/// The standards that this canister implements (ICRC-10). For everyone.
#[query]
fn icrc10_supported_standards() -> Vec<SupportedStandard> {
    vec![SupportedStandard::icrc10()]
}

/// `/metrics` and `/health`. For everyone.
#[query]
fn http_request(request: HttpRequest) -> HttpResponse {
    metrics::http(&request)
}

fn authenticate() -> Result<Caller, BackendError> {
    Caller::authenticate(ic_cdk::api::msg_caller()).map_err(|_| BackendRequestError::Anonymous.into())
}

fn not_found(what: &str, name: &str) -> BackendError {
    let name: String = name.chars().take(64).collect();
    BackendRequestError::NotFound { what: format!("{what} {name:?}") }.into()
}
