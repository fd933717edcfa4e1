//! What the interfaces of our canisters declare: so no method is left out, and each takes what its clients send.

use super::Method;
use crate::target::Verdict;
use anyhow::{Context as _, anyhow, ensure};
use candid::types::{Type, TypeInner};
use candid::{IDLArgs, TypeEnv};
use candid_parser::{IDLProg, check_prog};
use std::collections::BTreeSet;

/// The interfaces, by canister. Factories differ in nothing that they take.
const INTERFACES: [(&str, &str); 10] = [
    ("archive", include_str!("../../../../../canisters/archive/archive.did")),
    ("audit_storage", include_str!("../../../../../canisters/audit_storage/audit_storage.did")),
    ("backend", include_str!("../../../../../canisters/backend/backend.did")),
    ("distribution", include_str!("../../../../../canisters/contracts/distribution/distribution.did")),
    ("factory", include_str!("../../../../../canisters/distribution_factory/distribution_factory.did")),
    ("factory", include_str!("../../../../../canisters/multisig_factory/multisig_factory.did")),
    ("factory", include_str!("../../../../../canisters/token_factory/token_factory.did")),
    ("invoice_storage", include_str!("../../../../../canisters/invoice_storage/invoice_storage.did")),
    ("multisig", include_str!("../../../../../canisters/contracts/multisig/multisig.did")),
    ("token", include_str!("../../../../../canisters/contracts/token/token.did")),
];

/// A method that takes arguments, and their types.
type Declared = (String, Vec<Type>);

/// The methods of a canister that take arguments.
fn declared(canister: &str, interface: &str) -> anyhow::Result<(TypeEnv, Vec<Declared>)> {
    let program: IDLProg = interface.parse().map_err(|error: candid_parser::Error| anyhow!("{error}"))?;
    let mut types = TypeEnv::new();
    let service = check_prog(&mut types, &program).map_err(|error| anyhow!("{error}"))?.context("no service")?;
    let mut methods = Vec::new();
    if let TypeInner::Class(init, _) = service.as_ref() {
        methods.push((format!("{canister}.init"), init.clone()));
    }
    for (name, method) in types.as_service(&service)? {
        methods.push((format!("{canister}.{name}"), types.as_func(method)?.args.clone()));
    }
    methods.retain(|(_, arguments)| !arguments.is_empty());
    Ok((types, methods))
}

/// That `methods` are those which are declared, and take what somebody sends who knows the interface alone.
pub(super) fn check(methods: &[Method]) -> anyhow::Result<()> {
    let mut left: BTreeSet<&str> = methods.iter().flat_map(|method| method.of).copied().collect();
    for (canister, interface) in INTERFACES {
        let (types, declared) = declared(canister, interface)?;
        for (name, arguments) in declared {
            let takers: Vec<&Method> = methods.iter().filter(|method| method.of.contains(&name.as_str())).collect();
            ensure!(!takers.is_empty(), "{name} is not among the methods");
            for method in takers {
                let sent = IDLArgs::from_bytes_with_types(&method.examples[0], &types, &arguments)?;
                let sent = sent.to_bytes_with_types(&types, &arguments)?;
                ensure!((method.check)(&sent) == Ok(Verdict::Accepted), "{name} refuses what clients send");
            }
            left.remove(name.as_str());
        }
    }
    ensure!(left.is_empty(), "there are no methods {left:?}");
    Ok(())
}
