//! Who has to do with which contract: roles that contracts give, and what those people say of it.
//!
//! A contract's people stand under it, those who are hidden apart; every role has an entry in its person's own list.

use super::row::{CANISTERS, Canister};
use super::shelf::{Place, Shelves};
use crate::Tables;
use crate::key::Moment;
use crate::table::Table;
use cairn_events::Principal;
use cairn_events::payload::{Role, RoleAnswer, RoleAnswered};
use cairn_events::topic::Service;
use candid::CandidType;
use serde::{Deserialize, Serialize};

/// Contracts by those whom they give a role.
pub(super) const BY_ROLE: Shelves<(Principal, (Role, Service)), Held> = Shelves::new(23, 24);
/// The roles that contracts give; those of people who are hidden apart.
pub(super) const ROLES: Table<RoleKey, RoleRow> = Table::new(14);
/// What people said of their roles.
pub(super) const ANSWERS: Table<(Principal, (Role, Principal)), Answer> = Table::new(15);
/// Contracts for whose people something is left to be done.
const UNSETTLED: Table<((), Principal), Unsettled> = Table::new(16);

/// A contract, and whether the person is hidden; the role and the person.
pub(super) type RoleKey = ((Principal, bool), (Role, Principal));

/// An entry in somebody's list: the contract, and what a page of the list says of the role, so that it need not be asked of
/// [`ROLES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held(Principal, Standing, bool);

impl Held {
    /// The contract, and how the person whose list has this entry as of `since` is connected with it.
    pub fn connection(self, role: Role, since: Moment) -> (Principal, Connection) {
        let Held(contract, standing, hidden) = self;
        (contract, Connection { role, since, standing, hidden })
    }
}

/// A role that a contract gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RoleRow {
    pub role: Role,
    pub person: Principal,
    pub since: Moment,
    /// Whether the contract ran code, or had controllers, that its factory does not answer for.
    pub claimed: bool,
    /// What the person said of it: as in [`ANSWERS`], so that lists need not ask there.
    pub accepted: bool,
    pub hidden: bool,
    /// Where the person's list has it: nowhere before the contract is listed.
    pub place: Option<Place>,
}

/// What a person said of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub role: Role,
    pub person: Principal,
    pub accepted: bool,
    pub hidden: bool,
}

/// What is left to be done for a contract's people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Unsettled {
    contract: Principal,
    /// Whether they are to be forgotten; otherwise their lists are to show how the contract stands now.
    forget: bool,
    /// Whether those who are not hidden are done.
    hidden: bool,
    /// The last one done.
    after: Option<(Role, Principal)>,
}

/// How far a role can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, CandidType, Serialize, Deserialize)]
pub enum Standing {
    /// The contract gave it, running a template of its factory under the controllers of its kind.
    #[serde(rename = "told")]
    Told,
    /// The contract claims it, and its factory does not answer for the contract's code.
    #[serde(rename = "claimed")]
    Claimed,
    /// The person has accepted it.
    #[serde(rename = "accepted")]
    Accepted,
}

/// A role that a contract gives somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Assignment {
    /// The role.
    pub role: Role,
    /// Who has it.
    pub person: Principal,
    /// Since when.
    pub since: Moment,
    /// How far it can be relied on.
    pub standing: Standing,
    /// Whether the person does not want to be seen with it.
    pub hidden: bool,
}

/// In a list of somebody's contracts by role: how that person and the contract are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Connection {
    /// The role.
    pub role: Role,
    /// Since when.
    pub since: Moment,
    /// How far it can be relied on.
    pub standing: Standing,
    /// Whether the person does not want to be seen with it.
    pub hidden: bool,
}

/// A place among the roles that a contract gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct RoleCursor {
    /// The role.
    pub role: Role,
    /// Who has it.
    pub person: Principal,
}

impl RoleRow {
    fn key(&self, contract: Principal) -> RoleKey {
        ((contract, self.hidden), (self.role, self.person))
    }

    fn standing(&self) -> Standing {
        match (self.accepted, self.claimed) {
            (true, _) => Standing::Accepted,
            (false, true) => Standing::Claimed,
            (false, false) => Standing::Told,
        }
    }

    /// The role, as those see it who may.
    pub fn assignment(&self) -> Assignment {
        let RoleRow { role, person, since, hidden, .. } = *self;
        Assignment { role, person, since, standing: self.standing(), hidden }
    }

    /// Puts its entry in the person's list to `place`, as it is now.
    fn shift(&mut self, tables: &mut dyn Tables, contract: Principal, place: Option<Place>) {
        if let Some(service) = self.place.or(place).map(|place| place.service) {
            let scope = (self.person, (self.role, service));
            let (from, to) = (self.place.map(|place| place.shelf), place.map(|place| place.shelf));
            let entry = Held(contract, self.standing(), self.hidden);
            BY_ROLE.shift(tables, scope, (self.since, entry), from, to);
        }
        self.place = place;
    }
}

/// The role that `contract` gives `person`, if it does.
pub(super) fn find(tables: &dyn Tables, contract: Principal, role: Role, person: Principal) -> Option<RoleRow> {
    [false, true].into_iter().find_map(|hidden| ROLES.get(tables, &((contract, hidden), (role, person))))
}

/// `contract` told that `person` has `role` now, or has it no more.
pub(super) fn told(
    tables: &mut dyn Tables,
    at: Moment,
    contract: Principal,
    (role, person, has): (Role, Principal, bool),
) {
    match (find(tables, contract, role, person), has) {
        (None, true) => {
            let answer = ANSWERS.get(tables, &(contract, (role, person)));
            let (accepted, hidden) = answer.map_or((false, false), |answer| (answer.accepted, answer.hidden));
            let count = |canister: &mut Canister| {
                canister.people.change(role, true);
                canister.hidden += u64::from(hidden);
                (canister.foreign, canister.place(hidden))
            };
            let Some((claimed, place)) = CANISTERS.update(tables, &contract, count) else { return };
            let mut row = RoleRow { role, person, since: at, claimed, accepted, hidden, place: None };
            row.shift(tables, contract, place);
            ROLES.put(tables, &row.key(contract), &row);
        }
        (Some(mut row), true) => {
            let foreign = || CANISTERS.get(tables, &contract).is_none_or(|canister| canister.foreign);
            if row.claimed && !foreign() {
                row.claimed = false;
                row.shift(tables, contract, row.place);
                ROLES.put(tables, &row.key(contract), &row);
            }
        }
        (Some(mut row), false) => {
            row.shift(tables, contract, None);
            ROLES.remove(tables, &row.key(contract));
            CANISTERS.update(tables, &contract, |canister| {
                canister.people.change(role, false);
                canister.hidden = canister.hidden.saturating_sub(u64::from(row.hidden));
            });
        }
        (None, false) => {}
    }
}

/// `person` said what is to be thought of a role. It holds for as long as the contract has this life, whether it gives the
/// role or takes it.
pub(super) fn answered(tables: &mut dyn Tables, person: Principal, answered: &RoleAnswered) {
    let RoleAnswered { contract, role, answer } = *answered;
    let Some(canister) = CANISTERS.get(tables, &contract) else { return };
    let key = (contract, (role, person));
    let silent = Answer { role, person, accepted: false, hidden: false };
    let before = ANSWERS.get(tables, &key).unwrap_or(silent);
    let after = match answer {
        RoleAnswer::Accepted => Answer { accepted: true, ..before },
        RoleAnswer::Hidden => Answer { hidden: true, ..before },
        RoleAnswer::Shown => Answer { hidden: false, ..before },
    };
    if after == silent {
        ANSWERS.remove(tables, &key);
    } else if after != before {
        ANSWERS.put(tables, &key, &after);
    }
    if after == before {
        return;
    }
    let Some(mut row) = ROLES.get(tables, &((contract, before.hidden), (role, person))) else { return };
    if after.hidden != before.hidden {
        ROLES.remove(tables, &row.key(contract));
        CANISTERS.update(tables, &contract, |canister| {
            canister.hidden =
                if after.hidden { canister.hidden.saturating_add(1) } else { canister.hidden.saturating_sub(1) };
        });
    }
    (row.accepted, row.hidden) = (after.accepted, after.hidden);
    row.shift(tables, contract, canister.place(row.hidden));
    ROLES.put(tables, &row.key(contract), &row);
}

/// Has the lists of the people of `contract` brought up to how it stands now, or has them forgotten.
pub(super) fn unsettle(tables: &mut dyn Tables, contract: Principal, forget: bool) {
    let unsettled = Unsettled { contract, forget, hidden: false, after: None };
    UNSETTLED.put(tables, &((), contract), &unsettled);
}

/// Does it for about `limit` of them; whether nothing is left.
pub(super) fn settle(tables: &mut dyn Tables, limit: usize) -> bool {
    let Some(unsettled) = UNSETTLED.under(tables, &(), 1).pop() else { return true };
    let limit = limit.max(1);
    let rest = if unsettled.forget { forget(tables, unsettled, limit) } else { shift(tables, unsettled, limit) };
    match rest {
        Some(rest) => UNSETTLED.put(tables, &((), rest.contract), &rest),
        None => UNSETTLED.remove(tables, &((), unsettled.contract)),
    }
    false
}

fn shift(tables: &mut dyn Tables, unsettled: Unsettled, limit: usize) -> Option<Unsettled> {
    let Unsettled { contract, hidden, after, .. } = unsettled;
    let place = CANISTERS.get(tables, &contract)?.place(hidden);
    let rows = ROLES.under_after(tables, (contract, hidden), after, limit);
    let last = rows.last().map(|row| (row.role, row.person));
    let complete = rows.len() < limit;
    for mut row in rows.into_iter().filter(|row| row.place != place) {
        row.shift(tables, contract, place);
        ROLES.put(tables, &row.key(contract), &row);
    }
    match (complete, hidden) {
        (false, _) => Some(Unsettled { after: last, ..unsettled }),
        (true, false) => Some(Unsettled { hidden: true, after: None, ..unsettled }),
        (true, true) => None,
    }
}

fn forget(tables: &mut dyn Tables, unsettled: Unsettled, limit: usize) -> Option<Unsettled> {
    let contract = unsettled.contract;
    let mut rows = ROLES.under(tables, &(contract, false), limit);
    if rows.is_empty() {
        rows = ROLES.under(tables, &(contract, true), limit);
    }
    let answers = if rows.is_empty() { ANSWERS.under(tables, &contract, limit) } else { Vec::new() };
    let more = !rows.is_empty() || !answers.is_empty();
    for mut row in rows {
        row.shift(tables, contract, None);
        ROLES.remove(tables, &row.key(contract));
    }
    for Answer { role, person, .. } in answers {
        ANSWERS.remove(tables, &(contract, (role, person)));
    }
    more.then_some(unsettled)
}
