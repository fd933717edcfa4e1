//! Who may append: writers, each under a role that never changes.

use super::Log;
use super::key::Key;
use super::reserve::Means;
use cairn_events::payload::WriterRegistered;
use cairn_events::{Expected, Payload, Principal, Stream, WriterRole};
use cairn_kit::api::audit::{AuditError, AuditRequestError, Writer};
use ic_stable_structures::Memory;

/// The most writers that can be registered.
pub const MAX_WRITERS: u64 = 256;

impl<M: Memory> Log<M> {
    /// Registers `writer` under `role` for `actor`, who may do so. Does nothing if that is so already.
    ///
    /// # Errors
    /// [`AuditRequestError::WriterConflict`] for a writer or role that cannot be; else as [`Log::append`].
    pub fn register(
        &mut self,
        actor: Principal,
        writer: Principal,
        role: WriterRole,
        means: &Means,
    ) -> Result<(), AuditError> {
        self.id()?;
        let conflict = |conflict: &str| {
            Err(AuditError::Request(AuditRequestError::WriterConflict { writer, conflict: conflict.to_owned() }))
        };
        if writer == Principal::anonymous() || writer == Principal::management_canister() {
            return conflict("nobody can write as this principal");
        }
        match self.role(writer) {
            Some(present) if present == role => return Ok(()),
            Some(_) => return conflict("it has another role"),
            None => {}
        }
        if !matches!(role, WriterRole::Factory | WriterRole::Host) {
            return conflict("log and gateway are bound at genesis");
        }
        if self.thread(&Key::stream(&Stream::Log)).count >= MAX_WRITERS {
            return conflict("there are as many writers as there can be");
        }
        let payload = Payload::WriterRegistered(WriterRegistered { writer, role });
        self.write(actor, payload, Expected::Any, means)
    }

    /// The role of a registered writer.
    pub fn role(&self, writer: Principal) -> Option<WriterRole> {
        self.writer(writer).ok().map(|writer| writer.role)
    }

    /// Whether `caller` may append.
    ///
    /// # Errors
    /// [`AuditTemporaryError::NotReady`] before the log has begun, [`AuditRequestError::NotAWriter`].
    pub fn admits(&self, caller: Principal) -> Result<(), AuditError> {
        self.id()?;
        self.writer(caller).map(|_| ())
    }

    pub(super) fn writer(&self, writer: Principal) -> Result<Writer, AuditError> {
        let head = self.thread(&Key::source(writer));
        let registered = role_of(head.mark).map(|role| Writer { writer, role, next_seq: head.count + 1 });
        registered.ok_or(AuditError::Request(AuditRequestError::NotAWriter { caller: writer }))
    }
}

/// A role as the mark of its writer's thread.
pub(super) fn mark_of(role: WriterRole) -> u8 {
    match role {
        WriterRole::Log => 1,
        WriterRole::Gateway => 2,
        WriterRole::Factory => 3,
        WriterRole::Host => 4,
    }
}

fn role_of(mark: u8) -> Option<WriterRole> {
    [WriterRole::Log, WriterRole::Gateway, WriterRole::Factory, WriterRole::Host]
        .into_iter()
        .find(|role| mark_of(*role) == mark)
}
