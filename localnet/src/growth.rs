//! Growth of the heap: what it costs, and when it is refused.

use crate::execution::Violation;
use crate::metering::GROWTH_REST;
use crate::sandbox::Host;
use wasmtime::{ResourceLimiter, Result};

/// Bytes of a heap with 32-bit pointers.
const HEAP_32: usize = 4 << 30;
/// Bytes of a heap with 64-bit pointers, as the network limits it.
const HEAP_64: usize = 6 << 30;

impl Host {
    fn owe_growth(&mut self) {
        if self.system_calls_cost {
            self.owed += GROWTH_REST;
        }
    }

    /// Traps if the canister's own limit is exceeded ("wasm_memory_limit").
    fn within_own_limit(&self, bytes: u64) -> Result<()> {
        let limit = self.execution.as_ref().and_then(|execution| execution.facts.wasm_memory_limit);
        match limit {
            Some(limit) if bytes > limit => Err(wasmtime::Error::new(Violation::WasmMemoryLimit { bytes, limit })),
            _ => Ok(()),
        }
    }
}

impl ResourceLimiter for Host {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.owe_growth();
        if self.execution.as_ref().is_some_and(|execution| execution.facts.growth_refused) {
            return Ok(false);
        }
        let most = if self.memory64 { HEAP_64 } else { HEAP_32 };
        if desired > maximum.unwrap_or(most).min(most) {
            return Ok(false);
        }
        self.within_own_limit(desired as u64)?;
        if let Some(execution) = &mut self.execution {
            execution.grow_memory(desired.saturating_sub(current) as u64).map_err(wasmtime::Error::new)?;
        }
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.owe_growth();
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }
}
