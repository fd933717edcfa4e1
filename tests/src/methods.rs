//! The methods that a canister says it has: what a stranger can try.

#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests ask, of canisters of their own")]

use candid::types::value::{IDLArgs, IDLField, IDLValue, VariantValue};
use candid::types::{FuncMode, Type, TypeEnv, TypeInner};
use candid::{Int, Nat, Principal};
use candid_parser::utils::CandidSource;
use localnet::Net;

/// An update method and an argument of its type.
#[derive(Clone, Debug)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// The plainest argument, encoded.
    pub argument: Vec<u8>,
}

/// Every update method of a canister, by the interface in its module.
pub fn updates(net: &Net, id: Principal) -> Vec<Method> {
    let interface = String::from_utf8(net.metadata(id, "candid:service").unwrap()).unwrap();
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
