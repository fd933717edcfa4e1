//! Whatever a stranger or nobody at all sends to whatever update method: nothing is changed by it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails here says enough")]

use cairn::platform::{Options, Platform, user};
use cairn_tests::methods::updates;
use candid::Principal;
use localnet::Reject;

/// What must not change in a canister: stable memory and certified data.
#[derive(PartialEq, Eq)]
struct State {
    stable: Option<Vec<u8>>,
    certified: Option<Vec<u8>>,
}

/// The state of every canister of the platform.
fn state(platform: &Platform) -> Vec<State> {
    let of = |id| State { stable: platform.net.stable_memory(id), certified: platform.net.certified_data(id) };
    platform.canisters().into_iter().map(|(_, id)| of(id)).collect()
}

fn calm() -> Platform {
    let mut platform =
        Platform::boot_with(Options { seed: 31, every_service: true, pool: 2, ..Options::default() }).unwrap();
    platform.settle().unwrap();
    platform
}

/// Methods that are meant for anyone, and change nothing of anyone's: consent messages are computed, and a transfer of
/// one's own nothing is refused by balance, which the ledger's own tests show.
#[test]
fn strangers_change_nothing() {
    let calm = calm();
    let (before, mut called) = (state(&calm), 0);
    for (package, id) in calm.canisters() {
        for method in updates(&calm.net, id) {
            let mut platform = calm.fork();
            for caller in [Principal::anonymous(), user("stranger")] {
                let argument = method.argument.clone();
                let _: Result<Vec<u8>, Reject> = platform.net.update_raw(id, caller, &method.name, argument);
                called += 1;
            }
            assert!(state(&platform) == before, "{package}.{} changed something", method.name);
        }
    }
    assert!(called >= 300, "only {called} calls were made");
}

#[test]
fn malformed_candid_is_rejected_and_changes_nothing() {
    let calm = calm();
    let before = state(&calm);
    let deep = [b"DIDL".as_slice(), &[0x01, 0x6e, 0x00, 0x01, 0x00], &[1; 4_000]].concat();
    let huge = [b"DIDL".as_slice(), &[0x01, 0x6d, 0x7f, 0x01, 0x00, 0xff, 0xff, 0xff, 0xff, 0x7f]].concat();
    for (package, id) in calm.canisters() {
        // Methods without arguments have nothing to decode.
        let methods = updates(&calm.net, id).into_iter().filter(|method| method.argument != b"DIDL\0\0");
        for method in methods {
            let mut platform = calm.fork();
            for bytes in [b"".as_slice(), b"DIDL", b"not candid", &deep, &huge] {
                for caller in [user("stranger"), platform.admin] {
                    // A method whose arguments are all optional may read nothing as none: then it refuses.
                    let _: Result<Vec<u8>, Reject> = platform.net.update_raw(id, caller, &method.name, bytes.to_vec());
                }
            }
            assert!(state(&platform) == before, "{package}.{} changed something", method.name);
        }
    }
}
