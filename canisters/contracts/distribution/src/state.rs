//! The one distribution of this canister, and its outbox towards the factory.

use crate::campaign::{Campaign, News};
use cairn_events::payload::Role;
use cairn_kit::notify::{self, Outbox, Subjects};
use std::cell::RefCell;

struct State {
    campaign: Campaign,
    outbox: Outbox,
}

thread_local! {
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// Puts the distribution in place, at install and after an upgrade. What it has to say already is told.
pub fn install(campaign: Campaign, outbox: Outbox) {
    let mut state = State { campaign, outbox };
    tell(&mut state);
    STATE.set(Some(state));
}

/// Reads the distribution. Traps if there is none: no method can be called before the install is over.
pub fn read<R>(reader: impl FnOnce(&Campaign) -> R) -> R {
    STATE.with_borrow(|state| match state {
        Some(state) => reader(&state.campaign),
        None => ic_cdk::trap("the distribution is not installed"),
    })
}

/// Changes the distribution; what the factory is to be told goes into the outbox in the same message. Traps if there is
/// none.
pub fn mutate<R>(change: impl FnOnce(&mut Campaign) -> R) -> R {
    let (result, told) = STATE.with_borrow_mut(|state| match state {
        Some(state) => {
            let result = change(&mut state.campaign);
            (result, tell(state))
        }
        None => ic_cdk::trap("the distribution is not installed"),
    });
    if told {
        notify::wake();
    }
    result
}

/// Reads the outbox. Traps if there is none.
pub fn outbox<R>(reader: impl FnOnce(&Outbox) -> R) -> R {
    STATE.with_borrow(|state| match state {
        Some(state) => reader(&state.outbox),
        None => ic_cdk::trap("the distribution is not installed"),
    })
}

/// The outbox and what it is about, for whoever empties it.
pub fn desk(work: &mut dyn FnMut(&mut Outbox, &dyn Subjects)) {
    STATE.with_borrow_mut(|state| {
        if let Some(State { campaign, outbox }) = state {
            work(outbox, campaign);
        }
    });
}

/// Moves the news to the outbox; whether there was any.
fn tell(state: &mut State) -> bool {
    let news = state.campaign.take_news();
    for item in &news {
        match *item {
            News::Recipient(who, has) => state.outbox.role_changed(Role::Recipient, who, has),
            News::Visibility(public) => state.outbox.visibility_changed(public),
            News::Status(before, after) => state.outbox.status_changed(before, after),
        }
    }
    !news.is_empty()
}
