//! The committed state of an instance: its heap and its mutable globals.
//!
//! Tables are no part of it: on the network each execution begins with those of the module. A module
//! that changes them gets a new instance for each execution ([`Prepared::keeps_instance`]).
//!
//! [`Prepared::keeps_instance`]: crate::module::Prepared::keeps_instance

use crate::heap::Heap;
use crate::page::PAGE;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use wasmtime::{AsContextMut, Global, Val};

/// Heap and globals as of the last committed execution. Cloning shares everything.
#[derive(Clone, Default)]
pub(crate) struct Image {
    pub(crate) heap: Heap,
    pub(crate) globals: Globals,
}

impl Image {
    /// Whether both are the same state, not merely equal ones.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.heap.is(&other.heap) && Arc::ptr_eq(&self.globals.0, &other.globals.0)
    }

    /// Takes size and content of the heap, and the globals, into a digest.
    pub(crate) fn digest(&self, digest: &mut Sha256) {
        digest.update(self.heap.bytes().to_be_bytes());
        (0..self.heap.bytes() / PAGE).for_each(|number| digest.update(self.heap.page(number)));
        self.globals.0.iter().for_each(|global| digest.update(format!("{global:?};")));
    }
}

/// The values of an instance's mutable globals, free of the store they came from.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Globals(#[serde(with = "crate::state::shared")] Arc<[GlobalValue]>);

/// The value of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GlobalValue {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    V128(u128),
    /// It cannot leave its store, and the network does not keep it either.
    Reference,
}

impl GlobalValue {
    fn of(value: &Val) -> Self {
        match *value {
            Val::I32(value) => Self::I32(value),
            Val::I64(value) => Self::I64(value),
            Val::F32(bits) => Self::F32(bits),
            Val::F64(bits) => Self::F64(bits),
            Val::V128(value) => Self::V128(value.as_u128()),
            _ => Self::Reference,
        }
    }

    fn value(self) -> Option<Val> {
        Some(match self {
            Self::I32(value) => Val::I32(value),
            Self::I64(value) => Val::I64(value),
            Self::F32(bits) => Val::F32(bits),
            Self::F64(bits) => Val::F64(bits),
            Self::V128(value) => Val::V128(value.into()),
            Self::Reference => return None,
        })
    }
}

impl From<Vec<GlobalValue>> for Globals {
    fn from(values: Vec<GlobalValue>) -> Self {
        Self(values.into())
    }
}

impl Globals {
    /// The values, in the order of the module.
    pub(crate) fn values(&self) -> &[GlobalValue] {
        &self.0
    }

    /// Takes over the values of an instance.
    pub(crate) fn capture(&mut self, mut store: impl AsContextMut, globals: &[Global]) {
        let mut live = globals.iter().map(|global| GlobalValue::of(&global.get(store.as_context_mut())));
        if !live.by_ref().eq(self.0.iter().copied()) {
            self.0 = globals.iter().map(|global| GlobalValue::of(&global.get(store.as_context_mut()))).collect();
        }
    }

    /// Puts an instance back to these values; false if it is not an instance of the same module.
    pub(crate) fn restore(&self, mut store: impl AsContextMut, globals: &[Global]) -> bool {
        self.0.len() == globals.len()
            && globals.iter().zip(self.0.iter()).all(|(global, wanted)| {
                let live = GlobalValue::of(&global.get(store.as_context_mut()));
                live == *wanted || wanted.value().is_none_or(|value| global.set(store.as_context_mut(), value).is_ok())
            })
    }
}
