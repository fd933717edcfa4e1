//! Between an upgrade and its confirmation a contract is there for its factory alone, whatever its kind.

use crate::estate::{Contract, Estate, buyer};
use crate::interface::methods;
use cairn::platform::user;
use cairn_events::topic::Service;
use cairn_kit::api::contract::{ConfirmError, NotificationStatus};
use cairn_tests::methods::{Method, updates};
use candid::Principal;
use localnet::{Net, Reject};

/// What must not change: stable memory and certified data.
fn state(net: &Net, contract: Contract) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    (net.stable_memory(contract.id), net.certified_data(contract.id))
}

/// Whether an answer tells nothing of the contract but that it is in quarantine; of the method that ends that, that it is
/// not for everybody.
fn is_refusal(method: &str, answer: &Result<Vec<u8>, Reject>) -> bool {
    match answer {
        Err(reject) => reject.message.contains("has just been upgraded"),
        Ok(reply) if method == "confirmUpgrade" => {
            let reply = candid::decode_one::<Result<(), ConfirmError>>(reply);
            matches!(reply, Ok(Err(ConfirmError::Unauthorized { .. })))
        }
        Ok(_) => false,
    }
}

/// Calls every method of the contract; how many there are.
fn call_everything(net: &mut Net, contract: Contract, caller: Principal) -> usize {
    let before = state(net, contract);
    let (service, mut called) = (contract.service, 0);
    for Method { name, argument } in updates(net, contract.id) {
        let answer = net.update_raw(contract.id, caller, &name, argument);
        assert!(is_refusal(&name, &answer), "{service:?}: {name} by {caller}: {answer:?}");
        assert!(state(net, contract) == before, "{service:?}: {name} by {caller} changed something");
        called += 1;
    }
    for method in methods(contract.interface).into_iter().filter(|method| method.is_query) {
        // Nothing is read of an argument before the refusal.
        let answer = net.query_raw(contract.id, caller, &method.name, b"DIDL\0\0".to_vec());
        assert!(is_refusal(&method.name, &answer), "{service:?}: {} by {caller}: {answer:?}", method.name);
        called += 1;
    }
    called
}

#[test]
fn in_quarantine_nobody_but_the_factory_is_answered() {
    for service in [Service::Token, Service::Multisig, Service::Distribution] {
        let mut estate = Estate::open();
        let contract = estate.contract(service);
        estate.hold_in_quarantine(contract);
        for caller in [buyer(), user("stranger"), Principal::anonymous()] {
            let called = call_everything(&mut estate.platform.net, contract, caller);
            assert!(called == methods(contract.interface).len() && called >= 20, "{service:?}: {called} methods");
        }
        // The factory hears how it is, and it serves.
        estate.platform.net.clear_faults();
        estate.rest();
        estate.confirmed(contract);
        let status: Result<NotificationStatus, Reject> =
            estate.platform.net.query(contract.id, user("stranger"), "getNotificationStatus", ());
        assert!(status.is_ok(), "{service:?}: {status:?}");
    }
}
