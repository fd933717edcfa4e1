//! Whether a request is taken: pure.

use crate::kind::{ContractKind, InvalidArgs};
use crate::state::{Request, Settings, State};
use cairn_events::payload::{ContractRegistered, DeploymentRequested};
use cairn_events::{Hash, Principal};
use cairn_kit::api::factory::{Capacity, ContractArgs, FactoryError, FactoryRequestError, FactoryTemporaryError};

/// Most deployments that are not settled.
pub const MAX_OPEN: u64 = 100;

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is new, and everything that it needs is here.
    New(Request),
    /// It is known.
    Known,
}

/// Whether the request is taken.
///
/// # Errors
/// Everything that is wrong with the request, and everything that is missing here.
pub fn admit<K: ContractKind>(
    state: &State,
    cycles: u128,
    owner: Principal,
    args: ContractArgs,
) -> Result<Admission, FactoryError> {
    if args.args.len() > DeploymentRequested::MAX_ARGS {
        return Err(FactoryError::Request(FactoryRequestError::OutOfBounds {
            what: "args".to_owned(),
            found: args.args.len() as u64,
            bound: DeploymentRequested::MAX_ARGS as u64,
        }));
    }
    let hash = request_hash(owner, &args);
    if let Some(known) = state.request(args.deployment) {
        let conflict = FactoryRequestError::DeploymentConflict { deployment: args.deployment };
        return if known.hash == hash { Ok(Admission::Known) } else { Err(FactoryError::Request(conflict)) };
    }
    check_contract::<K>(owner, &args)?;
    let capacity = capacity(state, cycles)?;
    let template = args.template.unwrap_or(capacity.template);
    // What was quoted earlier is delivered, as long as it is not withdrawn.
    if !state.templates().is_installable(template) {
        let (expected, actual) = (template, capacity.template);
        return Err(FactoryError::Request(FactoryRequestError::TemplateMismatch { expected, actual }));
    }
    if state.open_count() >= MAX_OPEN {
        return Err(crate::refusal::interrupted(format!("{MAX_OPEN} deployments are under way")));
    }
    let canister = state.free_canister().ok_or(FactoryError::Temporary(FactoryTemporaryError::PoolEmpty))?;
    Ok(Admission::New(Request {
        hash,
        owner,
        template,
        dispatch_version: args.dispatch_version,
        dispatched: args.dispatched,
        args: args.args,
        canister,
    }))
}

fn request_hash(owner: Principal, args: &ContractArgs) -> Hash {
    Hash::of_fields(
        "cairn.factory.request",
        &[
            owner.as_slice(),
            args.deployment.0.as_bytes(),
            args.service.name().as_bytes(),
            args.template.as_ref().map_or(&[], |hash| hash.as_bytes().as_slice()),
            &args.dispatch_version.to_be_bytes(),
            &args.dispatched.to_be_bytes(),
            &args.args,
        ],
    )
}

fn check_contract<K: ContractKind>(owner: Principal, args: &ContractArgs) -> Result<(), FactoryError> {
    if args.service != K::SERVICE {
        let service = args.service.name().to_owned();
        return Err(FactoryError::Request(FactoryRequestError::WrongService { service }));
    }
    if owner == Principal::anonymous() || owner == Principal::management_canister() {
        return Err(invalid(InvalidArgs::new("owner", format!("{owner} cannot own anything"))));
    }
    let listing = K::listing(&K::parse(&args.args).map_err(invalid)?);
    for (field, text, max) in [
        ("name", listing.name.as_str(), ContractRegistered::MAX_NAME),
        ("symbol", listing.symbol.as_deref().unwrap_or_default(), ContractRegistered::MAX_SYMBOL),
    ] {
        if text.len() > max {
            return Err(invalid(InvalidArgs::new(field, format!("{} bytes, at most {max}", text.len()))));
        }
    }
    Ok(())
}

/// The refusal of a contract's arguments.
pub fn invalid(InvalidArgs { field, problem }: InvalidArgs) -> FactoryError {
    FactoryError::Request(FactoryRequestError::InvalidArgs { field, problem })
}

/// What can be delivered now, by template, pool and cycles.
///
/// # Errors
/// [`FactoryError::Temporary`] if something is missing: nothing should be paid for then.
pub fn capacity(state: &State, cycles: u128) -> Result<Capacity, FactoryError> {
    let Settings { backend, reserve_cycles, .. } = state.settings().ok_or(not_set_up("settings"))?;
    backend.ok_or(not_set_up("backend"))?;
    let (version, template) = state.current_template().ok_or(not_set_up("template"))?;
    if cycles < u128::from(reserve_cycles) {
        let balance = u64::try_from(cycles).unwrap_or(u64::MAX);
        let low = FactoryTemporaryError::CyclesLow { balance, required: reserve_cycles };
        return Err(FactoryError::Temporary(low));
    }
    let contracts = state.free_canisters().min(MAX_OPEN.saturating_sub(state.open_count()));
    Ok(Capacity { template: template.hash, version: version.to_string(), contracts })
}

fn not_set_up(missing: &str) -> FactoryError {
    FactoryError::Temporary(FactoryTemporaryError::NotSetUp { missing: missing.to_owned() })
}
