//! Whatever a stranger or nobody at all sends to whatever update method: nothing is changed by it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails here says enough")]

use cairn::platform::{Platform, user};
use candid::types::value::{IDLArgs, IDLField, IDLValue, VariantValue};
use candid::types::{FuncMode, Type, TypeEnv, TypeInner};
use candid::{Int, Nat, Principal};
use candid_parser::utils::CandidSource;
use localnet::Reject;

/// An update method and an argument of its type.
struct Method {
    name: String,
    argument: Vec<u8>,
}

/// Every update method of the canister built from `package`, by the interface in its module.
fn updates(platform: &Platform, id: Principal) -> Vec<Method> {
    let interface = platform.net.metadata(id, "candid:service").unwrap();
    let interface = String::from_utf8(interface).unwrap();
    let (env, service) = CandidSource::Text(&interface).load().unwrap();
    let service = service.unwrap();
    let methods = env.as_service(&service).unwrap();
    let updates = methods.iter().filter_map(|(name, method)| {
        let function = env.as_func(method).unwrap();
        let is_query = function.modes.iter().any(|mode| matches!(mode, FuncMode::Query | FuncMode::CompositeQuery));
        let types: Vec<Type> = function.args.to_vec();
        let values: Vec<IDLValue> = types.iter().map(|wanted| simplest(&env, wanted)).collect();
        let argument = IDLArgs::new(&values).to_bytes_with_types(&env, &types).unwrap();
        (!is_query).then(|| Method { name: name.clone(), argument })
    });
    updates.collect()
}

/// The plainest value of a type.
fn simplest(env: &TypeEnv, wanted: &Type) -> IDLValue {
    match env.trace_type(wanted).unwrap().as_ref() {
        TypeInner::Null | TypeInner::Reserved => IDLValue::Null,
        TypeInner::Bool => IDLValue::Bool(false),
        TypeInner::Nat => IDLValue::Nat(Nat::from(0_u8)),
        TypeInner::Int => IDLValue::Int(Int::from(0)),
        TypeInner::Nat8 => IDLValue::Nat8(0),
        TypeInner::Nat16 => IDLValue::Nat16(0),
        TypeInner::Nat32 => IDLValue::Nat32(0),
        TypeInner::Nat64 => IDLValue::Nat64(0),
        TypeInner::Text => IDLValue::Text(String::new()),
        TypeInner::Principal => IDLValue::Principal(Principal::anonymous()),
        TypeInner::Opt(_) => IDLValue::None,
        TypeInner::Vec(_) => IDLValue::Vec(Vec::new()),
        TypeInner::Record(fields) => {
            let field =
                |field: &candid::types::Field| IDLField { id: (*field.id).clone(), val: simplest(env, &field.ty) };
            IDLValue::Record(fields.iter().map(field).collect())
        }
        TypeInner::Variant(fields) => {
            let first = fields.first().unwrap();
            let field = IDLField { id: (*first.id).clone(), val: simplest(env, &first.ty) };
            IDLValue::Variant(VariantValue(Box::new(field), 0))
        }
        other => panic!("no value for {other:?}"),
    }
}

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
    let mut platform = Platform::boot(31).unwrap();
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
        for method in updates(&calm, id) {
            let mut platform = calm.fork();
            for caller in [Principal::anonymous(), user("stranger")] {
                let argument = method.argument.clone();
                let _: Result<Vec<u8>, Reject> = platform.net.update_raw(id, caller, &method.name, argument);
                called += 1;
            }
            assert!(state(&platform) == before, "{package}.{} changed something", method.name);
        }
    }
    assert!(called >= 40, "only {called} calls were made");
}

#[test]
fn malformed_candid_is_rejected_and_changes_nothing() {
    let calm = calm();
    let before = state(&calm);
    let deep = [b"DIDL".as_slice(), &[0x01, 0x6e, 0x00, 0x01, 0x00], &[1; 4_000]].concat();
    let huge = [b"DIDL".as_slice(), &[0x01, 0x6d, 0x7f, 0x01, 0x00, 0xff, 0xff, 0xff, 0xff, 0x7f]].concat();
    for (package, id) in calm.canisters() {
        // Methods without arguments have nothing to decode.
        let methods = updates(&calm, id).into_iter().filter(|method| method.argument != b"DIDL\0\0");
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
