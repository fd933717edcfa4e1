//! Who may read what is not public: a fold of the events by which admins and auditors come and go.
//!
//! A person who is or was one of them has a thread of their own: its mark says whether they are an admin, its events are
//! the grants and revocations of the auditor, of which the last one holds. An opening that was erased has one, too.

use super::check::check_eraser;
use super::key::Key;
use super::{Log, broken};
use cairn_events::payload::OpeningErased;
use cairn_events::{Commitment, Opening, Payload, Principal, Topic, codec};
use cairn_kit::api::audit::{AuditError, AuditRequestError, BadErasure};
use ic_stable_structures::Memory;

/// The mark of an admin's thread.
pub const ADMIN: u8 = 1;

/// How an event changes the thread of the reader whom it makes or unmakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entitlement {
    /// It gets the mark of an admin.
    Admin,
    /// It loses that mark.
    NoAdmin,
    /// It gains the event.
    Auditor,
}

/// The reader whom an event makes or unmakes.
pub fn entitled(payload: &Payload) -> Option<(Principal, Entitlement)> {
    match payload {
        Payload::AdminGranted(granted) => Some((granted.admin, Entitlement::Admin)),
        Payload::AdminRevoked(revoked) => Some((revoked.admin, Entitlement::NoAdmin)),
        Payload::AuditorGranted(granted) => Some((granted.auditor, Entitlement::Auditor)),
        Payload::AuditorRevoked(revoked) => Some((revoked.auditor, Entitlement::Auditor)),
        _ => None,
    }
}

/// Whether the last event about an auditor lets them read at the time `now`.
fn grants(payload: &Payload, now: u64) -> bool {
    matches!(payload, Payload::AuditorGranted(granted) if now < granted.until.0)
}

impl<M: Memory> Log<M> {
    /// Whether `person` is an admin.
    pub fn is_admin(&self, person: Principal) -> bool {
        self.thread(&Key::reader(person)).mark & ADMIN != 0
    }

    /// Whether `person` may read what is private, at the time `now`: an admin, or an auditor whose grant has not expired.
    ///
    /// # Errors
    /// That the log is broken.
    pub fn is_entitled(&self, person: Principal, now: u64) -> Result<bool, AuditError> {
        if person == Principal::anonymous() {
            return Ok(false);
        }
        let head = self.thread(&Key::reader(person));
        let admin = head.mark & ADMIN != 0;
        Ok(admin || (head.count > 0 && grants(&self.event(head.last)?.payload, now)))
    }

    /// That `caller` may read what is private.
    ///
    /// # Errors
    /// [`AuditRequestError::Unauthorized`].
    pub fn check_entitled(&self, caller: Principal, now: u64) -> Result<(), AuditError> {
        if self.is_entitled(caller, now)? {
            return Ok(());
        }
        Err(AuditError::Request(AuditRequestError::Unauthorized { caller }))
    }

    /// Whether `caller` may ask for the events of these topics.
    ///
    /// # Errors
    /// [`AuditRequestError::Private`] names the first person of whom the caller may not know.
    pub fn check_topics<'a>(
        &self,
        caller: Principal,
        topics: impl IntoIterator<Item = &'a Topic>,
        now: u64,
    ) -> Result<(), AuditError> {
        let own = |topic: &Topic| *topic == Topic::Party(caller) && caller != Principal::anonymous();
        match topics.into_iter().find(|topic| !topic.is_public() && !own(topic)) {
            Some(topic) if !self.is_entitled(caller, now)? => {
                Err(AuditError::Request(AuditRequestError::Private { topic: *topic, caller }))
            }
            _ => Ok(()),
        }
    }

    /// The opening of a commitment in event `index`, for those whom the event concerns, for auditors and for admins;
    /// `None` if there is none.
    ///
    /// # Errors
    /// [`AuditRequestError::Unauthorized`], [`AuditRequestError::Erased`], [`AuditRequestError::OutOfBounds`].
    pub fn opening(
        &self,
        caller: Principal,
        index: u64,
        commitment: Commitment,
        now: u64,
    ) -> Result<Option<Opening>, AuditError> {
        self.check_exists(index)?;
        if !self.is_concerned(index, caller) && !self.is_entitled(caller, now)? {
            return Err(AuditError::Request(AuditRequestError::Unauthorized { caller }));
        }
        if let Some(event) = self.erased_by(index, commitment) {
            return Err(AuditError::Request(AuditRequestError::Erased { index, event }));
        }
        Ok(self.openings(index)?.into_iter().find(|opening| opening.commitment() == commitment))
    }

    /// The event that erased an opening.
    fn erased_by(&self, index: u64, commitment: Commitment) -> Option<u64> {
        let head = self.thread(&Key::opening(index, commitment));
        (head.count > 0).then_some(head.last)
    }

    /// The openings of event `index`; what was erased is all zeros.
    fn openings(&self, index: u64) -> Result<Vec<Opening>, AuditError> {
        let bytes = self.columns.openings(index).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(Vec::new());
        }
        codec::decode_trusted(&bytes).map_err(|_| broken("an opening cannot be decoded"))
    }

    /// Whether `actor` may have this opening erased, and it is there.
    ///
    /// # Errors
    /// [`BadErasure`].
    pub(super) fn check_erasure(
        &self,
        position: u32,
        actor: Principal,
        erased: &OpeningErased,
    ) -> Result<(), AuditError> {
        let OpeningErased { index, commitment, .. } = *erased;
        let refused = |problem: BadErasure| Err(AuditError::Request(AuditRequestError::Erasure { position, problem }));
        if index >= self.columns.len() {
            return refused(BadErasure::NoOpening { index });
        }
        let concerned = self.is_concerned(index, actor);
        if let Err(problem) = check_eraser(actor, concerned, self.is_admin(actor)) {
            return refused(problem);
        }
        if let Some(event) = self.erased_by(index, commitment) {
            return refused(BadErasure::Erased { event });
        }
        if self.openings(index)?.iter().all(|opening| opening.commitment() != commitment) {
            return refused(BadErasure::NoOpening { index });
        }
        Ok(())
    }

    /// Overwrites an opening with zeros; its length stays, so that nothing else moves.
    pub(super) fn overwrite(&self, index: u64, commitment: Commitment) {
        let Ok(mut openings) = self.openings(index) else { return };
        for opening in openings.iter_mut().filter(|opening| opening.commitment() == commitment) {
            opening.salt.fill(0);
            opening.content.fill(0);
        }
        self.columns.overwrite_openings(index, &codec::encode(&openings));
    }
}
