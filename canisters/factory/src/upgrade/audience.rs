//! Who is told of which upgrades: whoever may see the contract, see [`index::shows`], whoever decides about it, and admins.
//! To others it is as if there were no such contract. The log itself is public: whoever reads it all knows more.

use super::{page, policy};
use crate::kind::ContractKind;
use crate::{access, index, state};
use cairn_events::Principal;
use cairn_kit::api::factory::{FactoryError, FactoryRequestError};
use cairn_kit::api::upgrade::{UpgradePage, UpgradePolicy};

/// As [`page`], without upgrades of contracts that `caller` may not see: there may be fewer than were asked for, even none,
/// and a next page all the same.
///
/// # Errors
/// As [`page`].
pub fn page_for<K: ContractKind>(
    caller: Principal,
    contract: Option<Principal>,
    cursor: Option<u64>,
    limit: Option<u32>,
) -> Result<UpgradePage, FactoryError> {
    let mut page = page(contract, cursor, limit)?;
    let sees = sight::<K>(caller);
    page.upgrades.retain(|upgrade| sees(upgrade.contract));
    // That there are more of them would tell that there is the contract.
    page.next = page.next.filter(|_| contract.is_none_or(sees));
    Ok(page)
}

/// As [`policy`], for whoever may see the contract.
///
/// # Errors
/// [`FactoryRequestError::UnknownContract`].
pub fn policy_for<K: ContractKind>(caller: Principal, contract: Principal) -> Result<UpgradePolicy, FactoryError> {
    if !sight::<K>(caller)(contract) {
        return Err(FactoryError::Request(FactoryRequestError::UnknownContract { contract }));
    }
    policy(contract)
}

/// Which contracts `caller` may see. Who decides about one need not wait for the index to have it.
fn sight<K: ContractKind>(caller: Principal) -> impl Fn(Principal) -> bool {
    let is_admin = access::is_admin(caller);
    let owns = move |contract| state::read(|state| state.delivered(contract)).is_some_and(|(owner, _)| owner == caller);
    move |contract| is_admin || contract == caller || index::shows::<K>(caller, contract) || owns(contract)
}
