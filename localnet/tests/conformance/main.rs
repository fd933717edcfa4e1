//! Conformance of the engine to the interface specification, one rule per test, on canisters in
//! WebAssembly's text form.

mod calls;
mod certification;
mod determinism;
mod lifecycle;
mod limits;
mod queries;
mod rollback;
mod timers;
mod wat_canister;
