//! What people say of the roles that contracts give them: an event by the person, each time.

use crate::callback::{next_period, period};
use crate::state::{self, Claim, State};
use crate::{access, refusal};
use cairn_events::payload::{Role, RoleAnswer, RoleAnswered};
use cairn_events::{Payload, Principal, Submission};
use cairn_kit::api::factory::{FactoryError, FactoryRequestError, FactoryTemporaryError};
use cairn_kit::guard::Guards;
use cairn_kit::{journal, runtime};

/// Most answers of a person in an hour.
pub const MAX_BY_PERSON: u32 = 100;
/// Most answers about a contract's roles in an hour.
pub const MAX_BY_CONTRACT: u32 = 1_000;
/// Most people whose answers are recorded at the same time.
const MAX_AT_ONCE: usize = 200;

thread_local! {
    static GUARDS: Guards<Principal> = Guards::new(MAX_AT_ONCE);
}

/// Records what the caller says of a role that `contract` gave them. Saying it again changes nothing.
///
/// # Errors
/// [`FactoryError`]: nothing is recorded, unless the log was silent.
pub async fn answer(
    caller: Principal,
    contract: Principal,
    role: Role,
    answer: RoleAnswer,
) -> Result<(), FactoryError> {
    let person = access::person(caller)?.principal();
    let busy = |_| FactoryError::Temporary(FactoryTemporaryError::Busy);
    let _guard = GUARDS.with(|guards| guards.acquire(person)).map_err(busy)?;
    // What is on its way may say the opposite: it is not known yet what is news.
    let on_its_way =
        |payload: &Payload| matches!(payload, Payload::RoleAnswered(it) if (it.contract, it.role) == (contract, role));
    if journal::holds(on_its_way) {
        return Err(FactoryError::Temporary(FactoryTemporaryError::Busy));
    }
    let answered = RoleAnswered { contract, role, answer };
    let news = state::read(|state| decide(state, person, &answered, runtime::now()))?;
    if news {
        let submission = Submission::new(person, Payload::RoleAnswered(answered));
        journal::append(vec![submission]).await.map_err(refusal::append_failed)?;
    }
    Ok(())
}

/// Whether it is news: pure.
///
/// # Errors
/// [`FactoryRequestError::UnknownContract`], [`FactoryRequestError::UnknownRole`],
/// [`FactoryTemporaryError::QuotaExhausted`].
pub fn decide(state: &State, person: Principal, answered: &RoleAnswered, now: u64) -> Result<bool, FactoryError> {
    let RoleAnswered { contract, role, answer } = *answered;
    if !state.canister(contract).is_some_and(|canister| canister.delivered) {
        return Err(FactoryError::Request(FactoryRequestError::UnknownContract { contract }));
    }
    let unknown = FactoryError::Request(FactoryRequestError::UnknownRole { contract, person });
    let callbacks = state.callbacks();
    let Claim { held, accepted, hidden } = callbacks.claim(contract, role, person).ok_or(unknown.clone())?;
    let news = match answer {
        RoleAnswer::Accepted if !held => return Err(unknown),
        RoleAnswer::Accepted => !accepted,
        RoleAnswer::Hidden => !hidden,
        RoleAnswer::Shown => hidden,
    };
    let this_hour = period(now);
    let by_person = callbacks.answered(person).count(this_hour);
    let by_contract = callbacks.tally(contract).answers.count(this_hour);
    if news && (by_person >= MAX_BY_PERSON || by_contract >= MAX_BY_CONTRACT) {
        let retry_at = next_period(now).unwrap_or(u64::MAX);
        return Err(FactoryError::Temporary(FactoryTemporaryError::QuotaExhausted { retry_at }));
    }
    Ok(news)
}

/// Defines the endpoints by which people answer.
#[macro_export]
macro_rules! role_endpoints {
    () => {
        /// Accepts a role that a contract gives the caller: until then a role that a contract of unknown code gives is
        /// shown as claimed. Only for the person named; repeatable.
        #[ic_cdk::update(name = "acceptRole")]
        async fn accept_role(
            contract: ::cairn_events::Principal,
            role: ::cairn_events::payload::Role,
        ) -> Result<(), ::cairn_kit::api::factory::FactoryError> {
            let answer = ::cairn_events::payload::RoleAnswer::Accepted;
            $crate::role::answer(ic_cdk::api::msg_caller(), contract, role, answer).await
        }

        /// Hides the caller from the list of a contract's people, and the contract from the list that strangers see of
        /// the caller. That it is hidden, and what was told before, stays in the log, which is public. Only for whom the
        /// contract has named; repeatable.
        #[ic_cdk::update(name = "hideRole")]
        async fn hide_role(
            contract: ::cairn_events::Principal,
            role: ::cairn_events::payload::Role,
        ) -> Result<(), ::cairn_kit::api::factory::FactoryError> {
            let answer = ::cairn_events::payload::RoleAnswer::Hidden;
            $crate::role::answer(ic_cdk::api::msg_caller(), contract, role, answer).await
        }

        /// Undoes `hideRole`. Only for whom the contract has named; repeatable.
        #[ic_cdk::update(name = "showRole")]
        async fn show_role(
            contract: ::cairn_events::Principal,
            role: ::cairn_events::payload::Role,
        ) -> Result<(), ::cairn_kit::api::factory::FactoryError> {
            let answer = ::cairn_events::payload::RoleAnswer::Shown;
            $crate::role::answer(ic_cdk::api::msg_caller(), contract, role, answer).await
        }
    };
}
