//! The committed heap and globals of a canister, and the way back to them.
//!
//! After an execution the instance's memory is compared with the image page by page: what differs is
//! taken over (the execution succeeded) or written back (it trapped, or was a query). Pages are
//! shared between forks until one of them changes.

use crate::page::{PAGE, Page, zero_page};
use std::sync::Arc;
use wasmtime::{AsContextMut, Global, Memory, Val};

/// Heap and globals as of the last committed execution.
#[derive(Clone, Default)]
pub(crate) struct Image {
    pages: Vec<Arc<Page>>,
    globals: Vec<GlobalValue>,
}

/// The value of a mutable global, free of the store it came from.
#[derive(Clone, Copy)]
enum GlobalValue {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    V128(u128),
    /// A reference: it cannot leave its store, so it is left alone.
    Reference,
}

impl Image {
    /// Size of the heap in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.pages.len() * PAGE
    }

    /// The heap alone, padded with zeros to a size.
    pub(crate) fn heap_of(&self, bytes: usize) -> Self {
        let mut pages = self.pages.clone();
        pages.resize_with(pages.len().max(bytes / PAGE), zero_page);
        Self { pages, globals: Vec::new() }
    }

    /// Takes over the instance's memory and globals.
    pub(crate) fn capture(&mut self, mut store: impl AsContextMut, memory: Option<Memory>, globals: &[Global]) {
        if let Some(memory) = memory {
            let (live, _) = memory.data(&store).as_chunks::<PAGE>();
            self.pages.resize_with(live.len(), zero_page);
            for (page, live) in self.pages.iter_mut().zip(live) {
                if **page == *live {
                    continue;
                }
                match Arc::get_mut(page) {
                    Some(page) => page.copy_from_slice(live),
                    None => *page = Arc::new(*live),
                }
            }
        }
        self.globals.clear();
        for global in globals {
            self.globals.push(match global.get(store.as_context_mut()) {
                Val::I32(value) => GlobalValue::I32(value),
                Val::I64(value) => GlobalValue::I64(value),
                Val::F32(bits) => GlobalValue::F32(bits),
                Val::F64(bits) => GlobalValue::F64(bits),
                Val::V128(value) => GlobalValue::V128(value.as_u128()),
                _ => GlobalValue::Reference,
            });
        }
    }

    /// Puts the instance back to this image. False if the instance's memory is larger than the
    /// image: linear memories cannot shrink, so a new instance is needed.
    pub(crate) fn restore(&self, mut store: impl AsContextMut, memory: Option<Memory>, globals: &[Global]) -> bool {
        if let Some(memory) = memory {
            let (live, _) = memory.data_mut(&mut store).as_chunks_mut::<PAGE>();
            if live.len() != self.pages.len() {
                return false;
            }
            for (live, page) in live.iter_mut().zip(&self.pages) {
                if **page != *live {
                    live.copy_from_slice(page.as_slice());
                }
            }
        }
        for (global, value) in globals.iter().zip(&self.globals) {
            let value = match *value {
                GlobalValue::I32(value) => Val::I32(value),
                GlobalValue::I64(value) => Val::I64(value),
                GlobalValue::F32(bits) => Val::F32(bits),
                GlobalValue::F64(bits) => Val::F64(bits),
                GlobalValue::V128(value) => Val::V128(value.into()),
                GlobalValue::Reference => continue,
            };
            if global.set(store.as_context_mut(), value).is_err() {
                return false;
            }
        }
        true
    }
}
