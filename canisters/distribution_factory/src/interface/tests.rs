use super::*;
use std::path::Path;

#[test]
fn candid_interface_is_checked_in() {
    let exported = __export_service();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("distribution_factory.did");
    if std::env::var_os("UPDATE_CANDID").is_some() {
        std::fs::write(&file, &exported).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&file).unwrap_or_default(),
        exported,
        "run with UPDATE_CANDID=1 and look at the difference"
    );
}
