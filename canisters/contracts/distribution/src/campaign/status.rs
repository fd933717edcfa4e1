//! Pausing, cancelling, and what time does.

use super::{Answer, Books, Campaign, News, Stage};
use cairn_events::{Principal, Timestamp};
use cairn_kit::api::distribution::{
    DistributionError, DistributionRequestError as Request, DistributionTemporaryError as Temporary,
};

impl Campaign {
    /// The owner stops claims and registrations; only while it is active.
    ///
    /// # Errors
    /// Not the owner, not allowed at creation, not active.
    pub fn pause(&mut self, caller: Principal, now: Timestamp) -> Answer<()> {
        self.require_modification(caller, "pausing")?;
        self.pass_time(now);
        self.change_stage(Stage::Active, Stage::Paused)
    }

    /// The owner lets them go on. Whatever has been paid meanwhile need not be there again.
    ///
    /// # Errors
    /// Not the owner, not allowed at creation, not paused.
    pub fn resume(&mut self, caller: Principal, now: Timestamp) -> Answer<()> {
        self.require_modification(caller, "pausing")?;
        self.pass_time(now);
        self.change_stage(Stage::Paused, Stage::Active)
    }

    fn change_stage(&mut self, from: Stage, to: Stage) -> Answer<()> {
        let mut books = self.books();
        if books.stage != from {
            return Err(wrong(&books));
        }
        self.enter(&mut books, to);
        self.save_books(&books);
        Ok(())
    }

    /// The owner ends it: what nobody has claimed goes back, but for what is on its way. Before it is funded always,
    /// afterwards if that was allowed at creation.
    ///
    /// # Errors
    /// Not the owner, not allowed, over already; not allowed, and a deposit is under way.
    pub fn cancel(&mut self, caller: Principal, now: Timestamp) -> Answer<()> {
        self.require_owner(caller)?;
        self.pass_time(now);
        let mut books = self.books();
        if books.stage.is_final() {
            return Err(wrong(&books));
        }
        if !self.terms.args.allow_cancel {
            if books.stage != Stage::Pending {
                return Err(Request::NotAllowed { what: "cancelling".to_owned() }.into());
            }
            // Whoever pays in has been promised that nobody cancels: what is on its way must not go to the owner.
            if let Some(transfer) = books.open_deposit {
                return Err(Temporary::Busy { transfer }.into());
            }
        }
        self.enter(&mut books, Stage::Cancelled);
        self.save_books(&books);
        Ok(())
    }

    /// The owner stops, or lets go on, the claims of one category.
    ///
    /// # Errors
    /// Not the owner, not allowed at creation, no such category.
    pub fn pause_category(&mut self, caller: Principal, category: u32, paused: bool) -> Answer<()> {
        self.require_modification(caller, "pausing")?;
        self.category(category)?;
        let mut state = self.category_state(category);
        state.paused = paused;
        self.save_category(category, state);
        Ok(())
    }

    /// The owner shows it to strangers, or not.
    ///
    /// # Errors
    /// Not the owner.
    pub fn set_visibility(&mut self, caller: Principal, public: bool) -> Answer<()> {
        self.require_owner(caller)?;
        if self.terms.args.public != public {
            self.terms.args.public = public;
            self.save_terms();
            self.news.push(News::Visibility(public));
        }
        Ok(())
    }

    /// What time does by itself: at the end it is over.
    pub fn pass_time(&mut self, now: Timestamp) {
        let mut books = self.books();
        let over = books.end.is_some_and(|end| end <= now);
        if over && matches!(books.stage, Stage::Active | Stage::Paused) {
            self.enter(&mut books, Stage::Completed);
            self.save_books(&books);
        }
    }

    /// That it is funded, and neither paused nor over.
    pub(super) fn require_active(&self, books: &Books, now: Timestamp) -> Answer<()> {
        match books.stage {
            Stage::Pending => {
                Err(Temporary::NotFunded { deposited: books.deposited, total: self.terms.args.total }.into())
            }
            Stage::Paused => Err(Temporary::Paused.into()),
            Stage::Completed | Stage::Cancelled => Err(wrong(books)),
            Stage::Active => match books.end {
                Some(until) if until <= now => Err(Request::TooLate { until }.into()),
                _ => Ok(()),
            },
        }
    }
}

/// The stage does not allow it.
pub(super) fn wrong(books: &Books) -> DistributionError {
    Request::WrongStatus { status: books.stage.name().to_owned() }.into()
}
