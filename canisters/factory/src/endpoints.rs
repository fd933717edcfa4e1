//! The endpoints of every face, by [`endpoints!`].

use candid::DecoderConfig;
use candid::utils::ArgumentDecoder;

/// Bytes of the largest `createContract`: its arguments are bounded, the rest is small.
pub const MAX_CREATE: usize = 64_000;
/// Bytes of the largest `notifyBatch`: a hundred notifications.
pub const MAX_NOTIFY: usize = 32_000;
/// Bytes of the largest question that holds a text: the texts are short, the rest is numbers.
pub const MAX_QUESTION: usize = 1_000;
/// Work that decoding may cost, per byte.
const QUOTA_PER_BYTE: usize = 50;

/// Decodes arguments of at most `max` bytes; traps otherwise, which rejects the call.
pub fn decode<T: for<'a> ArgumentDecoder<'a>>(bytes: &[u8], max: usize) -> T {
    if bytes.len() > max {
        ic_cdk::trap(format!("{} bytes of arguments, at most {max}", bytes.len()));
    }
    let quota = max.saturating_mul(QUOTA_PER_BYTE);
    let mut config = DecoderConfig::new();
    config.set_decoding_quota(quota).set_skipping_quota(quota).set_full_error_message(false);
    match candid::utils::decode_args_with_config(bytes, &config) {
        Ok(arguments) => arguments,
        Err(error) => ic_cdk::trap(format!("malformed arguments: {error}")),
    }
}

/// Defines the endpoints of a factory of contracts of `$kind`. The face adds `ic_cdk::export_candid!()`.
#[macro_export]
macro_rules! endpoints {
    ($kind:ty) => {
        use cairn_events::{Hash, Principal};
        use cairn_kit::api::SupportedStandard;
        use cairn_kit::api::factory::{
            Capacity, ContractArgs, Delivered, FactoryError, FactoryHealth, FactoryInit, SetupStatus,
        };
        use cairn_kit::api::host::{DigestCertificate, ProjectionStatus, Reflected};
        use cairn_kit::api::http::{HttpRequest, HttpResponse};
        use cairn_kit::host;
        use cairn_projections::contracts::Contract;
        use $crate::{ContractKind, access, deployment, endpoints, index, lifecycle, metrics};

        $crate::callback_endpoints!($kind);
        $crate::role_endpoints!();
        $crate::index_endpoints!($kind);
        $crate::template_endpoints!($kind);

        #[ic_cdk::init]
        fn init(init: FactoryInit) {
            lifecycle::init::<$kind>(ic_cdk::api::msg_caller(), init);
        }

        #[ic_cdk::post_upgrade]
        fn post_upgrade() {
            lifecycle::post_upgrade::<$kind>();
        }

        fn create_arguments(bytes: Vec<u8>) -> (Principal, ContractArgs) {
            endpoints::decode(&bytes, endpoints::MAX_CREATE)
        }

        /// Delivers a contract. Only for the whitelisted backend. Repeating it repeats the reply.
        #[ic_cdk::update(name = "createContract", decode_with = "create_arguments", hidden = true)]
        #[candid::candid_method(update, rename = "createContract")]
        async fn create_contract(owner: Principal, args: ContractArgs) -> Result<Delivered, FactoryError> {
            deployment::create::<$kind>(access::backend(ic_cdk::api::msg_caller())?, owner, args).await
        }

        /// Names the backend that is obeyed, once. Only for admins.
        #[ic_cdk::update(name = "setupWhitelist")]
        fn setup_whitelist(backend: Principal) -> Result<(), FactoryError> {
            access::whitelist(access::admin(ic_cdk::api::msg_caller())?, backend)
        }

        /// Ends the fork alarm: the log was another one than this canister knew, and is the one again. The log records
        /// it. Only for admins; repeatable.
        #[ic_cdk::update(name = "acknowledgeForkAlarm")]
        async fn acknowledge_fork_alarm() -> Result<(), FactoryError> {
            access::acknowledge_alarm(access::admin(ic_cdk::api::msg_caller())?).await
        }

        /// Goes on with what is due, should the network have forgotten this canister's timer. Only for the whitelisted
        /// backend.
        #[ic_cdk::update(name = "wake")]
        fn wake() -> Result<(), FactoryError> {
            access::backend(ic_cdk::api::msg_caller())?;
            cairn_kit::runtime::revive();
            Ok(())
        }

        $crate::upgrade_endpoints!($kind);

        /// What can be delivered now: asked before money moves. For everyone.
        #[ic_cdk::query(name = "getCapacity")]
        fn get_capacity() -> Result<Capacity, FactoryError> {
            deployment::capacity_now()
        }

        /// Whether the factory is ready. For everyone.
        #[ic_cdk::query(name = "getFactoryHealth")]
        fn get_factory_health() -> FactoryHealth {
            metrics::health::<$kind>()
        }

        /// What the factory still lacks. For everyone.
        #[ic_cdk::query(name = "getSetupStatus")]
        fn get_setup_status() -> Option<SetupStatus> {
            metrics::setup_status()
        }

        /// A contract of this kind. For everyone, if it is public; otherwise for the contract itself, its owner, and those
        /// for whom it gives a role.
        #[ic_cdk::query(name = "getContractInfo")]
        fn get_contract_info(contract: Principal) -> Result<Reflected<Contract>, FactoryError> {
            index::contract::<$kind>(ic_cdk::api::msg_caller(), contract)
        }

        /// Rebuilds the projection of this name from the log, beside the rows that serve. Only for admins.
        #[ic_cdk::update(name = "rebuildProjection")]
        fn rebuild_projection(name: String) -> Result<(), FactoryError> {
            index::rebuild(access::admin(ic_cdk::api::msg_caller())?, &name)
        }

        /// Where the projections stand. For everyone.
        #[ic_cdk::query(name = "getProjectionStatus")]
        fn get_projection_status() -> Vec<ProjectionStatus> {
            host::status()
        }

        /// The certified digests of the projections' last rebuilds. For everyone.
        #[ic_cdk::query(name = "getDigestCertificate")]
        fn get_digest_certificate() -> Option<DigestCertificate> {
            host::certificate()
        }

        /// The standards this canister implements (ICRC-10).
        #[ic_cdk::query(name = "icrc10_supported_standards")]
        fn icrc10_supported_standards() -> Vec<SupportedStandard> {
            endpoints::standards()
        }

        /// `/metrics` and `/health`. For everyone.
        #[ic_cdk::query(name = "http_request")]
        fn http_request(request: HttpRequest) -> HttpResponse {
            metrics::http::<$kind>(&request)
        }
    };
}

/// What `icrc10_supported_standards` answers.
pub fn standards() -> Vec<cairn_kit::api::SupportedStandard> {
    vec![cairn_kit::api::SupportedStandard {
        name: "ICRC-10".to_owned(),
        url: "https://github.com/dfinity/ICRC/blob/main/ICRCs/ICRC-10/ICRC-10.md".to_owned(),
    }]
}
