use super::*;
use std::path::Path;

#[test]
fn candid_interface_is_checked_in() {
    let exported = __export_service();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("multisig_factory.did");
    if std::env::var_os("UPDATE_CANDID").is_some() {
        std::fs::write(&file, &exported).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&file).unwrap_or_default(),
        exported,
        "run with UPDATE_CANDID=1 and look at the difference"
    );
}

/// W-14: the queue believed whom an argument said to be the caller, and whoever was whitelisted whitelisted others.
#[test]
fn w14_nobody_is_believed_to_be_whom_they_name() {
    let exported = __export_service();
    for method in ["getQueueStatus", "addToWhitelist", "removeFromWhitelist", "getPendingUpgradeRequests"] {
        assert!(!exported.contains(method), "{method}");
    }
    assert!(exported.contains("setupWhitelist"));
}
