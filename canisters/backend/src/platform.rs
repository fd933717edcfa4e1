//! This canister's memory, opened once, and who works on what.

use crate::deployment::money::Scene;
use crate::memory;
use crate::request::admission::{MAX_UNFINISHED, MAX_UNFINISHED_PER_CALLER, Standing};
use crate::setup::{Secrets, Setup};
use crate::state::State;
use cairn_events::{DeploymentId, LogId, Payload, Principal, Timestamp};
use cairn_kit::access::{Admin, Denied};
use cairn_kit::api::backend::{BackendError, BackendRequestError, BackendTemporaryError};
use cairn_kit::guard::{Guard, GuardError, Guards};
use cairn_kit::journal::{self, Recorded};
use cairn_kit::stable::{DeploymentKey, Memory, PrincipalKey, Slot};
use cairn_kit::{host, runtime};
use ic_stable_structures::StableBTreeMap;
use std::cell::RefCell;

/// Deployments being worked on at once: all unfinished ones, and some requests on their way in.
const MAX_WORK: usize = MAX_UNFINISHED as usize + 50;
/// Quotes given at once: for each, a factory and a ledger are asked.
const MAX_QUOTES: usize = 50;

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State::open(memory::DECISIONS));
    static SETUP: Slot<Setup> = Slot::open(memory::get(memory::SETUP));
    static DELIVERIES: RefCell<StableBTreeMap<DeploymentKey, PrincipalKey, Memory>> =
        RefCell::new(StableBTreeMap::init(memory::get(memory::DELIVERIES)));
    static WORK: Guards<DeploymentId> = Guards::new(MAX_WORK);
    static ENTRANTS: Guards<(Principal, u32)> = Guards::new(MAX_UNFINISHED as usize);
    static QUOTES: Guards<Principal> = Guards::new(MAX_QUOTES);
}

/// Folds one of our own events into the decision state.
pub fn apply(recorded: &Recorded) {
    host::recorded(recorded);
    STATE.with_borrow_mut(|state| state.apply(recorded));
    crate::recovery::arm();
}

/// Reads the decision state.
pub fn state<T>(read: impl FnOnce(&State) -> T) -> T {
    STATE.with_borrow(|state| read(state))
}

/// What is set up.
pub fn setup() -> Setup {
    SETUP.with(Slot::get)
}

/// Changes what is set up.
pub fn change_setup<T>(change: impl FnOnce(&mut Setup) -> T) -> T {
    SETUP.with(|slot| {
        let mut setup = slot.get();
        let result = change(&mut setup);
        slot.set(&setup);
        result
    })
}

/// Keeps the contract of a deployment, as factory or log named it: knowledge for the owner, not for decisions.
pub fn note_delivery(deployment: DeploymentId, contract: Principal) {
    DELIVERIES.with_borrow_mut(|deliveries| deliveries.insert(DeploymentKey(deployment), PrincipalKey(contract)));
}

/// The contract of a deployment, if it is known here.
pub fn contract(deployment: DeploymentId) -> Option<Principal> {
    DELIVERIES.with_borrow(|deliveries| deliveries.get(&DeploymentKey(deployment))).map(|key| key.0)
}

/// The network's time.
pub fn now() -> Timestamp {
    Timestamp(runtime::now())
}

/// The log.
///
/// # Errors
/// [`BackendTemporaryError::NotSetUp`].
pub fn log() -> Result<LogId, BackendError> {
    setup().log.ok_or_else(|| not_set_up("the log"))
}

/// The secrets.
///
/// # Errors
/// [`BackendTemporaryError::NotSetUp`].
pub fn secrets() -> Result<Secrets, BackendError> {
    setup().secrets.ok_or_else(|| not_set_up("randomness"))
}

/// A salt that nobody has seen.
///
/// # Errors
/// [`BackendTemporaryError::NotSetUp`].
pub fn draw_salt() -> Result<[u8; 32], BackendError> {
    change_setup(|setup| setup.secrets.as_mut().map(Secrets::draw)).ok_or_else(|| not_set_up("randomness"))
}

/// What freezes a transfer now.
///
/// # Errors
/// [`BackendTemporaryError::NotSetUp`].
pub fn scene() -> Result<Scene, BackendError> {
    Ok(Scene { log: log()?, gateway: runtime::id(), now: now() })
}

/// Whether `principal` is a canister of the platform, or the ledger paid in: none of them is a customer.
pub fn is_platform(principal: Principal) -> bool {
    let Setup { audit, invoices, payment, .. } = setup();
    let config = state(State::config);
    let ledgers = config.services.values().filter_map(|service| service.fee).map(|fee| fee.ledger);
    let known = [audit, invoices, payment.ledger].into_iter().flatten();
    known.chain(ledgers).chain(config.factories()).any(|known| known == principal) || principal == runtime::id()
}

/// The permit of an admin. Whoever waited for others asks for it again: the right may have ended meanwhile.
///
/// # Errors
/// [`BackendRequestError`]: anonymous, or no admin. [`BackendTemporaryError::Busy`] for one who is being revoked.
pub fn require_admin(caller: Principal) -> Result<Admin, BackendError> {
    if is_leaving(caller) {
        return Err(BackendTemporaryError::Busy.into());
    }
    state(|state| state.admins().require(caller)).map_err(turned_away)
}

/// The permit of a controller of this canister.
///
/// # Errors
/// [`BackendRequestError`]: anonymous, or no controller.
pub fn require_controller(caller: Principal) -> Result<Admin, BackendError> {
    Admin::controller(caller).map_err(turned_away)
}

/// The permit of a controller or of an admin: controllers name another admin before they turn out the only one.
///
/// # Errors
/// As [`require_admin`].
pub fn require_admin_or_controller(caller: Principal) -> Result<Admin, BackendError> {
    require_controller(caller).or_else(|_| require_admin(caller))
}

/// Whether the log is about to hear that `person` is an admin no more: what they said now would come after that.
fn is_leaving(person: Principal) -> bool {
    journal::holds(|payload| matches!(payload, Payload::AdminRevoked(revoked) if revoked.admin == person))
}

/// That `caller` may be told about anybody: an admin, or an auditor whose grant has not expired.
///
/// # Errors
/// As [`require_admin`].
pub fn check_entitled(caller: Principal) -> Result<(), BackendError> {
    let is_auditor = state(|state| state.auditor_until(caller)).is_some_and(|until| now() < until);
    if is_auditor { Ok(()) } else { require_admin(caller).map(|_| ()) }
}

/// That `caller` may be told about `person`: they themselves, and whoever may be told about anybody.
///
/// # Errors
/// As [`require_admin`].
pub fn check_concerned(caller: Principal, person: Principal) -> Result<(), BackendError> {
    let own = caller == person && caller != Principal::anonymous();
    if own { Ok(()) } else { check_entitled(caller) }
}

fn turned_away(denied: Denied) -> BackendError {
    match denied {
        Denied::Anonymous => BackendRequestError::Anonymous.into(),
        Denied::NotAdmin(caller) => BackendRequestError::Unauthorized { caller }.into(),
    }
}

/// The right to work on a deployment.
///
/// # Errors
/// [`BackendTemporaryError`]: somebody does, or too many are being worked on.
pub fn work_on(deployment: DeploymentId) -> Result<Guard<DeploymentId>, BackendError> {
    WORK.with(|work| work.acquire(deployment)).map_err(|error| match error {
        GuardError::Busy => BackendTemporaryError::Busy.into(),
        GuardError::TooMany { held, .. } => BackendTemporaryError::Overloaded { in_flight: held as u64 }.into(),
    })
}

/// How many deployments are being worked on.
pub fn at_work() -> usize {
    WORK.with(Guards::held)
}

/// A place among the requests that nothing is recorded of yet. They count for the caller's quota as if they were.
///
/// # Errors
/// [`BackendRequestError::Quota`], or [`BackendTemporaryError::Overloaded`].
pub fn enter(caller: Principal) -> Result<Guard<(Principal, u32)>, BackendError> {
    ENTRANTS.with(|entrants| {
        let max = MAX_UNFINISHED_PER_CALLER;
        match (0..max).find(|place| !entrants.is_held(&(caller, *place))) {
            None => Err(BackendRequestError::Quota { found: max.into(), max: max.into() }.into()),
            Some(place) => entrants
                .acquire((caller, place))
                .map_err(|_| BackendTemporaryError::Overloaded { in_flight: entrants.held() as u64 }.into()),
        }
    })
}

/// The right to be given a quote: one at a time per caller, a bounded number in all.
///
/// # Errors
/// [`BackendTemporaryError::Busy`].
pub fn quote_for(caller: Principal) -> Result<Guard<Principal>, BackendError> {
    QUOTES.with(|quotes| quotes.acquire(caller)).map_err(|_| BackendTemporaryError::Busy.into())
}

/// That the log is the one that is known: while it is another one, nobody pays and nothing is set up.
///
/// # Errors
/// [`BackendTemporaryError::ForkAlarm`].
pub fn calm() -> Result<(), BackendError> {
    journal::alarm().map_or(Ok(()), |problem| Err(BackendTemporaryError::ForkAlarm { problem }.into()))
}

/// How much is under way beside the request that asks, which has entered.
pub fn standing(caller: Principal) -> Standing {
    let (own, all) = ENTRANTS.with(|entrants| {
        let own = (0..MAX_UNFINISHED_PER_CALLER).filter(|place| entrants.is_held(&(caller, *place))).count();
        (own.saturating_sub(1) as u32, entrants.held().saturating_sub(1) as u64)
    });
    let Standing { unfinished, today, unfinished_in_all } = state(|state| state.standing(caller, now()));
    Standing {
        unfinished: unfinished.saturating_add(own),
        today: today.saturating_add(own),
        unfinished_in_all: unfinished_in_all.saturating_add(all),
    }
}

fn not_set_up(what: &str) -> BackendError {
    BackendTemporaryError::NotSetUp { missing: what.to_owned() }.into()
}
