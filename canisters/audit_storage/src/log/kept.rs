//! Bodies of archived events that the log itself decides by: few, and here twice.
//!
//! Who may write and who may read is told by events, the factory of an undecided deployment by its dispatch; and a
//! writer that repeats its last batch is told the receipts only if the content is the same. The log cannot ask an
//! archive in the message that decides.

use super::key::Key;
use super::{Log, check};
use cairn_events::{Event, Payload};
use cairn_kit::api::audit::MAX_BATCH;
use ic_stable_structures::{Memory, StableBTreeMap};

/// The bodies, by index. Their memory is touched when there is the first one.
pub struct Kept<M: Memory> {
    unused: Option<M>,
    bodies: Option<StableBTreeMap<u64, Vec<u8>, M>>,
}

impl<M: Memory> Kept<M> {
    /// Those in `memory`.
    pub fn open(memory: M) -> Self {
        if memory.size() == 0 {
            return Kept { unused: Some(memory), bodies: None };
        }
        Kept { unused: None, bodies: Some(StableBTreeMap::init(memory)) }
    }

    /// The body of event `index`.
    pub fn get(&self, index: u64) -> Option<Vec<u8>> {
        self.bodies.as_ref()?.get(&index)
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.bodies.as_ref().map_or(0, StableBTreeMap::len)
    }

    /// Keeps a body.
    pub fn insert(&mut self, index: u64, body: Vec<u8>) {
        if let Some(memory) = self.unused.take() {
            self.bodies = Some(StableBTreeMap::init(memory));
        }
        if let Some(bodies) = &mut self.bodies {
            bodies.insert(index, body);
        }
    }
}

impl<M: Memory> Log<M> {
    /// Whether the log decides by this event, so that its body stays when it is archived.
    pub(super) fn decides_by(&self, event: &Event) -> bool {
        match event.payload {
            Payload::Genesis(_)
            | Payload::WriterRegistered(_)
            | Payload::AuditorGranted(_)
            | Payload::AuditorRevoked(_) => true,
            Payload::DeploymentDispatched(_) if !check::is_decided(&self.thread(&Key::stream(&event.stream))) => true,
            // A writer has one batch in flight, and repeats that one.
            _ => self.thread(&Key::source(event.source)).count < event.source_seq + MAX_BATCH as u64,
        }
    }
}
