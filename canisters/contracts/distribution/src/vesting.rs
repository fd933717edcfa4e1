//! How much of an allocation is unlocked at a time. Pure; exact to the unit.
//!
//! Every schedule is a sum up to now, rounded down once, never a sum of rounded parts: so what is unlocked never
//! shrinks, never exceeds the allocation, and is the whole of it at the end. What was claimed before does not enter.

use cairn_events::{Amount, Timestamp};
use cairn_kit::api::distribution::{Category, Frequency, Schedule, Step, Tranche, WHOLE};

/// What is unlocked at `now` of an allocation of `amount` in `category`, whose schedule begins at `start`.
pub fn unlocked(category: &Category, start: Timestamp, amount: Amount, now: Timestamp) -> Amount {
    let Some(elapsed) = now.0.checked_sub(start.0) else { return Amount::ZERO };
    let initial = share(amount, category.initial_unlock);
    let rest = amount.saturating_sub(initial);
    match &category.schedule {
        Schedule::Instant => amount,
        Schedule::Linear { duration, frequency } => plus(initial, spread(rest, elapsed, *duration, *frequency)),
        Schedule::Cliff { cliff, share: at_cliff, vesting, frequency } => match elapsed.checked_sub(*cliff) {
            None => initial,
            Some(since) => {
                let reached = share(amount, category.initial_unlock.saturating_add(*at_cliff));
                plus(reached, spread(amount.saturating_sub(reached), since, *vesting, *frequency))
            }
        },
        Schedule::Stepped(steps) => share(amount, category.initial_unlock.saturating_add(reached(steps, elapsed))),
        Schedule::Single { after } => {
            if elapsed >= *after {
                amount
            } else {
                initial
            }
        }
        Schedule::Custom(tranches) => {
            let (come, all) = (sum(tranches.iter().filter(|tranche| tranche.at <= now)), sum(tranches.iter()));
            plus(initial, Amount(fraction(rest.0, come, all)))
        }
    }
}

/// When more will be unlocked than at `now`, if ever. For display: rounding may keep a step from showing.
pub fn next_unlock(category: &Category, start: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let Some(elapsed) = now.0.checked_sub(start.0) else { return Some(start) };
    let later = |offset: u64| start.0.checked_add(offset).map(Timestamp);
    match &category.schedule {
        Schedule::Instant => None,
        Schedule::Linear { duration, frequency } => next_step(elapsed, *duration, *frequency).and_then(later),
        Schedule::Cliff { cliff, vesting, frequency, .. } => match elapsed.checked_sub(*cliff) {
            None => later(*cliff),
            Some(since) => {
                next_step(since, *vesting, *frequency).and_then(|step| cliff.checked_add(step)).and_then(later)
            }
        },
        Schedule::Stepped(steps) => steps.iter().find(|step| step.after > elapsed).and_then(|step| later(step.after)),
        Schedule::Single { after } => Some(*after).filter(|after| *after > elapsed).and_then(later),
        Schedule::Custom(tranches) => tranches.iter().map(|tranche| tranche.at).find(|at| *at > now),
    }
}

/// The share of `amount`, in basis points, rounded down.
pub fn share(amount: Amount, points: u16) -> Amount {
    Amount(fraction(amount.0, u128::from(points), u128::from(WHOLE)))
}

/// `amount · part / whole`, rounded down, exactly, for any `amount`: `part` counts as at most `whole`, and `whole` is at
/// most 2^127. The product of the remainders, which may exceed 128 bits, is divided while it is built, bit by bit.
pub fn fraction(amount: u128, part: u128, whole: u128) -> u128 {
    if part >= whole {
        return amount;
    }
    let (quotient, remainder) = (amount / whole, amount % whole);
    let (mut result, mut rest) = (0_u128, 0_u128);
    for bit in (0..u128::BITS - part.leading_zeros()).rev() {
        (result, rest) = carry(result << 1, rest << 1, whole);
        if part >> bit & 1 == 1 {
            (result, rest) = carry(result, rest + remainder, whole);
        }
    }
    quotient * part + result
}

/// `rest` is below twice `whole`: at most one more fits.
fn carry(result: u128, rest: u128, whole: u128) -> (u128, u128) {
    if rest >= whole { (result + 1, rest - whole) } else { (result, rest) }
}

fn plus(one: Amount, other: Amount) -> Amount {
    Amount(one.0.saturating_add(other.0))
}

/// The part of `amount` that is unlocked after `elapsed`, if it unlocks evenly in steps.
fn spread(amount: Amount, elapsed: u64, duration: u64, frequency: Frequency) -> Amount {
    let period = frequency.period().max(1);
    let complete = if elapsed >= duration { duration } else { elapsed - elapsed % period };
    Amount(fraction(amount.0, u128::from(complete), u128::from(duration)))
}

/// When the next step of a spread is complete, since its beginning.
fn next_step(elapsed: u64, duration: u64, frequency: Frequency) -> Option<u64> {
    if elapsed >= duration {
        return None;
    }
    let period = frequency.period().max(1);
    Some((elapsed - elapsed % period).saturating_add(period).min(duration))
}

fn reached(steps: &[Step], elapsed: u64) -> u16 {
    steps.iter().filter(|step| step.after <= elapsed).fold(0, |sum: u16, step| sum.saturating_add(step.share))
}

fn sum<'a>(tranches: impl Iterator<Item = &'a Tranche>) -> u128 {
    tranches.fold(0, |sum: u128, tranche| sum.saturating_add(tranche.amount.0))
}

#[cfg(test)]
mod tests;
