//! Validation of what creators send, in full. Pure: the backend, the factory and the contract apply the same rules.

use super::{
    Campaign, Category, Condition, DistributionArgs, EarlyUnlock, Eligibility, Frequency, Membership, RecipientArgs,
    Schedule, Step, Tranche, WHOLE,
};
use cairn_events::payload::{Account, ContractRegistered, DeploymentRequested};
use cairn_events::{Amount, Principal, Timestamp};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Most characters of a title, or of a category's name.
pub const MAX_TITLE: usize = 100;
/// Most bytes of a title: what the log keeps of a contract's name.
const MAX_TITLE_BYTES: usize = ContractRegistered::MAX_NAME;
/// Most bytes of a description.
pub const MAX_DESCRIPTION: usize = 1_000;
/// Most bytes of a note.
pub const MAX_NOTE: usize = 100;
/// Most categories.
pub const MAX_CATEGORIES: usize = 10;
/// Most steps of a schedule.
pub const MAX_STEPS: usize = 100;
/// Most conditions of a hybrid eligibility.
pub const MAX_CONDITIONS: usize = 5;
/// Most NFTs that a condition can ask for.
pub const MAX_NFTS: u32 = 10;
/// The highest total.
pub const MAX_TOTAL: Amount = Amount(1 << 120);
/// The longest duration, 100 years in nanoseconds.
pub const MAX_DURATION: u64 = 36_500 * super::DAY;
/// Most bytes of the encoded arguments.
pub const MAX_ARGS_BYTES: usize = DeploymentRequested::MAX_ARGS;
/// Most characters of a symbol.
const MAX_SYMBOL: usize = 16;
/// Most decimals.
const MAX_DECIMALS: u8 = 18;
/// The longest window of a claim limit, a year.
const MAX_WINDOW: u64 = 365 * super::DAY;

/// Which of the arguments is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidDistribution {
    /// The field.
    pub field: String,
    /// The value and the bound.
    pub problem: String,
}

type Validity = Result<(), InvalidDistribution>;

fn invalid(field: impl Into<String>, problem: impl Into<String>) -> InvalidDistribution {
    InvalidDistribution { field: field.into(), problem: problem.into() }
}

impl DistributionArgs {
    /// Validates everything before money moves, at the time `now`: [`DistributionArgs::check`], the encoded size, and
    /// that the start is to come.
    ///
    /// # Errors
    /// [`InvalidDistribution`] names the first field that is not acceptable.
    pub fn validate(&self, now: Timestamp) -> Validity {
        self.check()?;
        if self.start <= now {
            return Err(invalid("start", format!("{} is not later than now, {now}", self.start)));
        }
        if let Some(period) = self.registration.filter(|period| period.until <= now) {
            return Err(invalid("registration.until", format!("{} is not later than now, {now}", period.until)));
        }
        let encoded = candid::encode_one(self).map_err(|_| invalid("args", "cannot be encoded"))?;
        within("args", encoded.len(), 1..=MAX_ARGS_BYTES, "bytes encoded")
    }

    /// Validates what does not depend on the time. What passes can be installed whenever it arrives.
    ///
    /// # Errors
    /// [`InvalidDistribution`] names the first field that is not acceptable.
    pub fn check(&self) -> Validity {
        name("title", &self.title)?;
        within("description", self.description.len(), 0..=MAX_DESCRIPTION, "bytes")?;
        self.check_token()?;
        self.check_times()?;
        self.check_categories()?;
        self.check_recipients()?;
        self.check_remainder()?;
        if self.minimum_claim > self.total {
            return Err(invalid("minimum_claim", format!("{}; at most the total, {}", self.minimum_claim, self.total)));
        }
        if let Some(limit) = self.claim_limit {
            if limit.claims == 0 {
                return Err(invalid("claim_limit.claims", "0; at least 1"));
            }
            duration("claim_limit.window", limit.window, MAX_WINDOW)?;
        }
        if let Some(early) = &self.early_unlock {
            check_early_unlock(early)?;
        }
        self.refund_to.map_or(Ok(()), |account| holds("refund_to", account))
    }

    fn check_token(&self) -> Validity {
        person("token.ledger", self.token.ledger)?;
        within("token.symbol", self.token.symbol.chars().count(), 1..=MAX_SYMBOL, "characters")?;
        within("token.symbol", self.token.symbol.len(), 1..=ContractRegistered::MAX_SYMBOL, "bytes")?;
        plain("token.symbol", &self.token.symbol)?;
        if self.token.decimals > MAX_DECIMALS {
            return Err(invalid("token.decimals", format!("{}; at most {MAX_DECIMALS}", self.token.decimals)));
        }
        if let Campaign::LaunchpadDistribution { launchpad } = self.campaign {
            person("campaign.launchpad", launchpad)?;
        }
        Ok(())
    }

    fn check_times(&self) -> Validity {
        if let Some(end) = self.end.filter(|end| *end <= self.start) {
            return Err(invalid("end", format!("{end} is not later than the start, {}", self.start)));
        }
        let Some(period) = self.registration else { return Ok(()) };
        if period.until <= period.from {
            return Err(invalid("registration.until", format!("{} is not later than {}", period.until, period.from)));
        }
        if let Some(end) = self.end.filter(|end| period.until > *end) {
            return Err(invalid("registration.until", format!("{} is later than the end, {end}", period.until)));
        }
        if period.max_participants == Some(0) {
            return Err(invalid("registration.max_participants", "0; at least 1"));
        }
        Ok(())
    }

    fn check_categories(&self) -> Validity {
        within("categories", self.categories.len(), 1..=MAX_CATEGORIES, "categories")?;
        let mut names = BTreeSet::new();
        let mut sum = Amount::ZERO;
        for (number, category) in self.categories.iter().enumerate() {
            let field = format!("categories[{number}]");
            self.check_category(&field, category)?;
            if !names.insert(category.name.as_str()) {
                return Err(invalid(format!("{field}.name"), "another category has it"));
            }
            sum = sum.checked_add(category.budget).ok_or_else(|| invalid("categories", "the sum overflows"))?;
        }
        if self.total == Amount::ZERO || self.total > MAX_TOTAL {
            return Err(invalid("total", format!("{}; at least 1, at most {MAX_TOTAL}", self.total)));
        }
        if sum != self.total {
            return Err(invalid("total", format!("{}; the budgets add up to {sum}", self.total)));
        }
        Ok(())
    }

    fn check_category(&self, field: &str, category: &Category) -> Validity {
        name(&format!("{field}.name"), &category.name)?;
        if category.budget == Amount::ZERO {
            return Err(invalid(format!("{field}.budget"), "0; at least 1"));
        }
        let start = category.start.unwrap_or(self.start);
        if start < self.start {
            return Err(invalid(format!("{field}.start"), format!("{start} is before the start, {}", self.start)));
        }
        if let Membership::Open { allocation, eligibility, max_participants } = &category.members {
            if *allocation == Amount::ZERO || *allocation > category.budget {
                let problem = format!("{allocation}; at least 1, at most the budget, {}", category.budget);
                return Err(invalid(format!("{field}.allocation"), problem));
            }
            if *max_participants == Some(0) {
                return Err(invalid(format!("{field}.max_participants"), "0; at least 1"));
            }
            check_eligibility(&format!("{field}.eligibility"), eligibility)?;
        }
        let unlocked = check_schedule(&format!("{field}.schedule"), category, start)?;
        match self.end {
            Some(end) if unlocked >= end.0 => {
                let problem = format!("the last part unlocks at {unlocked}, the end is {end}");
                Err(invalid(format!("{field}.schedule"), problem))
            }
            _ => Ok(()),
        }
    }

    fn check_recipients(&self) -> Validity {
        let mut seen = BTreeSet::new();
        let mut people = BTreeSet::new();
        let mut sums = vec![Amount::ZERO; self.categories.len()];
        for (number, recipient) in self.recipients.iter().enumerate() {
            let field = format!("recipients[{number}]");
            check_recipient(&field, recipient, &self.categories)?;
            if !seen.insert((recipient.recipient, recipient.category)) {
                return Err(invalid(field, format!("{} is listed twice", recipient.recipient)));
            }
            people.insert(recipient.recipient);
            let category = usize::try_from(recipient.category).ok();
            let Some(sum) = category.and_then(|category| sums.get_mut(category)) else { continue };
            *sum = sum.checked_add(recipient.amount).ok_or_else(|| invalid(field, "the sum overflows"))?;
        }
        for (number, (sum, category)) in sums.iter().zip(&self.categories).enumerate() {
            if *sum > category.budget {
                let problem = format!("those of category {number} get {sum}; its budget is {}", category.budget);
                return Err(invalid("recipients", problem));
            }
        }
        match self.max_recipients {
            Some(0) => Err(invalid("max_recipients", "0; at least 1")),
            Some(most) if (people.len() as u64) > most => {
                Err(invalid("recipients", format!("{} people; at most {most}", people.len())))
            }
            _ => Ok(()),
        }
    }

    /// That nothing can stay for ever: without an end and a cancel, all of it must be somebody's from the start.
    fn check_remainder(&self) -> Validity {
        if self.end.is_some() || self.allow_cancel {
            return Ok(());
        }
        for (number, category) in self.categories.iter().enumerate() {
            let listed = self.recipients.iter().filter(|listed| usize::try_from(listed.category) == Ok(number));
            let sum = listed.map(|listed| listed.amount).try_fold(Amount::ZERO, Amount::checked_add);
            if sum != Some(category.budget) {
                let problem = format!("none, and no cancel: what is left of category {number} could never go back");
                return Err(invalid("end", problem));
            }
        }
        Ok(())
    }
}

/// Validates one recipient of a list.
///
/// # Errors
/// [`InvalidDistribution`], if it is nobody, gets nothing, or is of no listed category.
pub fn check_recipient(field: &str, recipient: &RecipientArgs, categories: &[Category]) -> Validity {
    person(&format!("{field}.recipient"), recipient.recipient)?;
    let category = usize::try_from(recipient.category).ok().and_then(|category| categories.get(category));
    match category.map(|category| &category.members) {
        Some(Membership::Listed) => {}
        Some(_) => return Err(invalid(format!("{field}.category"), "nobody is listed in it")),
        None => {
            let problem = format!("{}; there are {}", recipient.category, categories.len());
            return Err(invalid(format!("{field}.category"), problem));
        }
    }
    if recipient.amount == Amount::ZERO || recipient.amount > MAX_TOTAL {
        let problem = format!("{}; at least 1, at most {MAX_TOTAL}", recipient.amount);
        return Err(invalid(format!("{field}.amount"), problem));
    }
    within(&format!("{field}.note"), recipient.note.as_ref().map_or(0, String::len), 0..=MAX_NOTE, "bytes")
}

fn check_eligibility(field: &str, eligibility: &Eligibility) -> Validity {
    let conditions = match eligibility {
        Eligibility::Open => return Ok(()),
        Eligibility::If(condition) => std::slice::from_ref(condition),
        Eligibility::Hybrid { conditions, .. } => {
            within(field, conditions.len(), 2..=MAX_CONDITIONS, "conditions")?;
            conditions
        }
    };
    for (number, condition) in conditions.iter().enumerate() {
        if conditions.iter().take(number).any(|earlier| earlier == condition) {
            return Err(invalid(field, format!("condition {number} is there twice")));
        }
        match condition {
            Condition::Whitelist => {}
            Condition::TokenHolder { ledger, minimum } => {
                person(&format!("{field}.ledger"), *ledger)?;
                if *minimum == Amount::ZERO {
                    return Err(invalid(format!("{field}.minimum"), "0; at least 1"));
                }
            }
            Condition::NftHolder { collection, count } => {
                person(&format!("{field}.collection"), *collection)?;
                if !(1..=MAX_NFTS).contains(count) {
                    return Err(invalid(format!("{field}.count"), format!("{count}; at least 1, at most {MAX_NFTS}")));
                }
            }
        }
    }
    Ok(())
}

/// Validates a schedule that begins at `start`; when its last part unlocks.
fn check_schedule(field: &str, category: &Category, start: Timestamp) -> Result<u64, InvalidDistribution> {
    let initial = category.initial_unlock;
    if initial > WHOLE {
        return Err(invalid(format!("{field}.initial_unlock"), format!("{initial}; at most {WHOLE}")));
    }
    let late = || invalid(field, "it reaches beyond the end of time");
    match &category.schedule {
        Schedule::Instant if initial > 0 => {
            Err(invalid(format!("{field}.initial_unlock"), format!("{initial}; 0 where all is unlocked at the start")))
        }
        Schedule::Instant => Ok(start.0),
        Schedule::Linear { duration: time, frequency } => {
            spread(field, *time, *frequency)?;
            start.0.checked_add(*time).ok_or_else(late)
        }
        Schedule::Cliff { cliff, share, vesting, frequency } => {
            duration(&format!("{field}.cliff"), *cliff, MAX_DURATION)?;
            spread(field, *vesting, *frequency)?;
            if u32::from(initial) + u32::from(*share) > u32::from(WHOLE) {
                return Err(invalid(format!("{field}.share"), format!("{share} and {initial} at first; over {WHOLE}")));
            }
            start.0.checked_add(*cliff).and_then(|at| at.checked_add(*vesting)).ok_or_else(late)
        }
        Schedule::Stepped(steps) => {
            let last = check_steps(field, steps, initial)?;
            start.0.checked_add(last).ok_or_else(late)
        }
        Schedule::Single { after } => {
            duration(&format!("{field}.after"), *after, MAX_DURATION)?;
            start.0.checked_add(*after).ok_or_else(late)
        }
        Schedule::Custom(tranches) => check_tranches(field, tranches, start),
    }
}

fn spread(field: &str, time: u64, frequency: Frequency) -> Validity {
    duration(&format!("{field}.duration"), time, MAX_DURATION)?;
    let period = frequency.period();
    if period == 0 || period > time {
        return Err(invalid(format!("{field}.frequency"), format!("every {period}; at least 1, at most {time}")));
    }
    Ok(())
}

fn check_steps(field: &str, steps: &[Step], initial: u16) -> Result<u64, InvalidDistribution> {
    within(field, steps.len(), 1..=MAX_STEPS, "steps")?;
    let (mut sum, mut last) = (u32::from(initial), 0);
    for (number, step) in steps.iter().enumerate() {
        duration(&format!("{field}[{number}].after"), step.after, MAX_DURATION)?;
        if step.after <= last {
            return Err(invalid(format!("{field}[{number}].after"), format!("{}; later than {last}", step.after)));
        }
        if step.share == 0 {
            return Err(invalid(format!("{field}[{number}].share"), "0; at least 1"));
        }
        (sum, last) = (sum + u32::from(step.share), step.after);
    }
    if sum != u32::from(WHOLE) {
        return Err(invalid(field, format!("the shares add up to {sum}, the initial one included; exactly {WHOLE}")));
    }
    Ok(last)
}

fn check_tranches(field: &str, tranches: &[Tranche], start: Timestamp) -> Result<u64, InvalidDistribution> {
    within(field, tranches.len(), 1..=MAX_STEPS, "tranches")?;
    let (mut sum, mut last) = (Amount::ZERO, None);
    for (number, tranche) in tranches.iter().enumerate() {
        let field = format!("{field}[{number}]");
        if tranche.at < start || last.is_some_and(|last| tranche.at <= last) {
            let after = last.unwrap_or(start);
            return Err(invalid(format!("{field}.at"), format!("{} is not later than {after}", tranche.at)));
        }
        if tranche.amount == Amount::ZERO {
            return Err(invalid(format!("{field}.amount"), "0; at least 1"));
        }
        sum = sum.checked_add(tranche.amount).ok_or_else(|| invalid(&field, "the sum overflows"))?;
        last = Some(tranche.at);
    }
    if sum > MAX_TOTAL {
        return Err(invalid(field, format!("they add up to {sum}; at most {MAX_TOTAL}")));
    }
    Ok(last.unwrap_or(start).0)
}

fn check_early_unlock(early: &EarlyUnlock) -> Validity {
    if early.penalty > WHOLE {
        return Err(invalid("early_unlock.penalty", format!("{}; at most {WHOLE}", early.penalty)));
    }
    if early.min_lock > MAX_DURATION {
        return Err(invalid("early_unlock.min_lock", format!("{}; at most {MAX_DURATION}", early.min_lock)));
    }
    early.penalty_to.map_or(Ok(()), |account| holds("early_unlock.penalty_to", account))
}

/// Whether `principal` can be paid: anonymous callers and the management canister never can claim.
pub fn earning_account(principal: Principal) -> bool {
    principal != Principal::anonymous() && principal != Principal::management_canister()
}

fn person(field: &str, principal: Principal) -> Validity {
    if earning_account(principal) { Ok(()) } else { Err(invalid(field, format!("{principal} can hold no tokens"))) }
}

fn holds(field: &str, account: Account) -> Validity {
    person(field, account.owner)
}

fn name(field: &str, text: &str) -> Validity {
    within(field, text.chars().count(), 1..=MAX_TITLE, "characters")?;
    within(field, text.len(), 1..=MAX_TITLE_BYTES, "bytes")?;
    plain(field, text)
}

fn plain(field: &str, text: &str) -> Validity {
    if text.chars().any(char::is_control) || text.trim() != text {
        return Err(invalid(field, "control characters, or spaces at an end"));
    }
    Ok(())
}

fn duration(field: &str, found: u64, most: u64) -> Validity {
    if (1..=most).contains(&found) {
        Ok(())
    } else {
        Err(invalid(field, format!("{found}; at least 1, at most {most}")))
    }
}

fn within(field: &str, found: usize, range: RangeInclusive<usize>, unit: &str) -> Validity {
    if range.contains(&found) {
        return Ok(());
    }
    Err(invalid(field, format!("{found} {unit}; at least {}, at most {}", range.start(), range.end())))
}

#[cfg(test)]
mod tests;
