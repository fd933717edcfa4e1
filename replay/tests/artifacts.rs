//! Building canisters.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

#[test]
fn a_canister_is_a_module_and_the_same_twice() {
    let module = cairn::artifacts::wasm("audit_storage").unwrap();
    assert!(module.starts_with(b"\0asm"));
    assert_eq!(cairn::artifacts::wasm("audit_storage").unwrap(), module);
    assert!(cairn::artifacts::wasm("nonsense").unwrap_err().to_string().contains("nonsense"));
}
