//! I9 from the outside: everything that the platform asked of ledger, factory and network had been intended before, in
//! the log, with the very same arguments.

use crate::invariants::World;
use cairn::platform::Platform;
use cairn_events::payload::{Account, Subaccount, Transfer};
use cairn_events::{DeploymentId, Event, Payload, Principal};
use cairn_kit::api::factory::ContractArgs;
use candid::{CandidType, Nat};
use icrc_ledger_types::icrc1::account::Account as LedgerAccount;
use icrc_ledger_types::icrc1::transfer::TransferArg;
use icrc_ledger_types::icrc2::transfer_from::TransferFromArgs;
use localnet::management_types::{InstallChunkedCodeArgs, InstallCodeArgs};
use localnet::{MessageKind, Observed};
use serde::de::DeserializeOwned;

/// What left the platform in the messages that `platform` observed, against what `world` says was intended.
pub(super) fn check(platform: &Platform, world: &World, found: &mut Vec<String>) {
    let mut creations = 0;
    let ours: Vec<Principal> = platform.factories().into_iter().map(|(_, id)| id).chain([platform.backend]).collect();
    for observed in platform.net.observed() {
        let Observed { message, time, .. } = observed;
        if message.kind != MessageKind::Request || !ours.contains(&message.caller) {
            continue;
        }
        let intended = |intended: &dyn Fn(&Payload) -> bool| {
            world.events.iter().any(|event| event.timestamp.0 <= *time && intended(&event.payload))
        };
        let is_intended = match message.method.as_str() {
            "icrc2_transfer_from" => {
                let asked = decode::<TransferFromArgs>(observed).map(Asked::from);
                asked.is_some_and(|asked| intended(&|payload| asked.is(transfer(payload))))
            }
            "icrc1_transfer" => {
                let asked = decode::<TransferArg>(observed).map(|arg| Asked::new(arg, message.caller));
                asked.is_some_and(|asked| intended(&|payload| asked.is(transfer(payload))))
            }
            "createContract" => {
                let asked = candid::decode_args::<(Principal, ContractArgs)>(&observed.payload).ok();
                asked.is_some_and(|(_, args)| intended(&|payload| dispatches(payload, args.deployment)))
            }
            "install_code" => decode::<InstallCodeArgs>(observed)
                .is_some_and(|args| intended(&|payload| installs(payload, args.canister_id))),
            "install_chunked_code" => decode::<InstallChunkedCodeArgs>(observed)
                .is_some_and(|args| intended(&|payload| installs(payload, args.target_canister))),
            "create_canister" => {
                creations += 1;
                let begun = |event: &&Event| {
                    event.timestamp.0 <= *time && matches!(event.payload, Payload::CreationIntended(_))
                };
                world.events.iter().filter(begun).count() >= creations
            }
            "stop_canister" | "take_canister_snapshot" => {
                concerns(observed).is_some_and(|id| intended(&|payload| upgrades(payload, id)))
            }
            "load_canister_snapshot" => {
                concerns(observed).is_some_and(|id| intended(&|payload| rolls_back(payload, id)))
            }
            "deposit_cycles" => concerns(observed).is_some_and(|id| intended(&|payload| tops_up(payload, id))),
            _ => true,
        };
        if !is_intended {
            found.push(format!("I9: {} was called without an intent that says so", message.method));
        }
    }
}

fn decode<T: CandidType + DeserializeOwned>(observed: &Observed) -> Option<T> {
    candid::decode_one(&observed.payload).ok()
}

fn transfer(payload: &Payload) -> Option<&Transfer> {
    match payload {
        Payload::PaymentIntended(intended) | Payload::RefundIntended(intended) | Payload::ReleaseIntended(intended) => {
            Some(&intended.transfer)
        }
        _ => None,
    }
}

fn dispatches(payload: &Payload, deployment: DeploymentId) -> bool {
    matches!(payload, Payload::DeploymentDispatched(dispatched) if dispatched.deployment == deployment)
}

fn installs(payload: &Payload, contract: Principal) -> bool {
    matches!(payload, Payload::InstallIntended(intended) if intended.contract == contract)
        || upgrades(payload, contract)
}

fn upgrades(payload: &Payload, contract: Principal) -> bool {
    matches!(payload, Payload::UpgradeIntended(intended) if intended.contract == contract)
}

fn rolls_back(payload: &Payload, contract: Principal) -> bool {
    matches!(payload, Payload::RollbackIntended(intended) if intended.contract == contract)
}

fn tops_up(payload: &Payload, contract: Principal) -> bool {
    matches!(payload, Payload::TopUpIntended(intended) if intended.contract == contract)
}

/// The canister that a call of the management canister is about.
fn concerns(observed: &Observed) -> Option<Principal> {
    #[derive(CandidType, candid::Deserialize)]
    struct About {
        canister_id: Principal,
    }
    decode::<About>(observed).map(|about| about.canister_id)
}

/// A transfer as the ledger was asked for it.
struct Asked {
    from: Account,
    to: Account,
    amount: Nat,
    fee: Option<Nat>,
    memo: Option<Vec<u8>>,
    created_at: Option<u64>,
}

impl From<TransferFromArgs> for Asked {
    fn from(args: TransferFromArgs) -> Self {
        Asked {
            from: account(args.from),
            to: account(args.to),
            amount: args.amount,
            fee: args.fee,
            memo: args.memo.map(|memo| memo.0.into_vec()),
            created_at: args.created_at_time,
        }
    }
}

impl Asked {
    fn new(arg: TransferArg, caller: Principal) -> Self {
        Asked {
            from: Account { owner: caller, subaccount: arg.from_subaccount.map(Subaccount) },
            to: account(arg.to),
            amount: arg.amount,
            fee: arg.fee,
            memo: arg.memo.map(|memo| memo.0.into_vec()),
            created_at: arg.created_at_time,
        }
    }

    /// Whether it is this transfer, to the letter.
    fn is(&self, intended: Option<&Transfer>) -> bool {
        intended.is_some_and(|transfer| {
            self.from == transfer.from
                && self.to == transfer.to
                && self.amount == transfer.amount.0
                && self.fee == Some(Nat::from(transfer.fee.0))
                && self.memo.as_deref() == Some(transfer.memo.as_slice())
                && self.created_at == Some(transfer.created_at.0)
        })
    }
}

fn account(account: LedgerAccount) -> Account {
    Account { owner: account.owner, subaccount: account.subaccount.map(Subaccount) }
}
