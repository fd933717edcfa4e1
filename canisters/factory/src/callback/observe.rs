//! Whether a contract that gives roles is one that its factory answers for.

use crate::kind::ContractKind;
use crate::state::{State, observation_hash};
use cairn_events::Principal;
use cairn_events::payload::ContractObserved;
use cairn_kit::runtime::CanisterInfo;

/// What is to be recorded of how `contract` stands, if it is another way than the log has it: pure.
///
/// Known are published templates, under the controllers of the kind; a contract that its owner has taken out of the
/// factory's control is not.
pub fn news<K: ContractKind>(
    state: &State,
    factory: Principal,
    contract: Principal,
    info: CanisterInfo,
) -> Option<ContractObserved> {
    let owner = state.job(state.canister(contract)?.deployment?)?.owner;
    let policy = K::controllers(factory, contract, owner);
    let CanisterInfo { mut controllers, module_hash, .. } = info;
    let known = module_hash.is_some_and(|hash| state.templates().of_module(hash).is_some())
        && controllers.iter().all(|controller| policy.contains(controller))
        && controllers.contains(&factory) == policy.contains(&factory);
    controllers.truncate(ContractObserved::MAX_CONTROLLERS);
    let found = ContractObserved { contract, module_hash, controllers, known };
    let is_news = match state.callbacks().tally(contract).observed {
        Some(last) => last != observation_hash(&found),
        // It was delivered so.
        None => !known,
    };
    is_news.then_some(found)
}
