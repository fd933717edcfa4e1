//! Contracts of the model: they run, are stopped, saved and restored, and do something whenever they serve.

use super::world::{Hosted, Model, encode, unit};
use cairn_events::payload::UpgradeRolledBack;
use cairn_events::{Hash, Kind, Principal};
use cairn_kit::api::contract::{ConfirmError, ContractHealth};
use cairn_kit::api::upgrade::RunState;
use cairn_kit::runtime::{self, CallFailure, Request};
use candid::{CandidType, Decode, Nat};
use ic_management_canister_types::{
    CanisterIdRecord, DeleteCanisterSnapshotArgs, LoadCanisterSnapshotArgs, TakeCanisterSnapshotArgs,
};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

type Reply = Result<Vec<u8>, CallFailure>;

/// What a contract does to those who would upgrade it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Whim {
    /// Nothing.
    #[default]
    None,
    /// It does not want to.
    Refuses,
    /// It does not answer.
    Silent,
    /// It cannot be stopped.
    Hangs,
    /// It has no cycles.
    Dry,
    /// The new code traps.
    Traps,
    /// The new code finds its state wanting.
    Sick,
    /// The new code does not answer.
    Mute,
}

impl Whim {
    pub const ALL: [Whim; 8] =
        [Whim::None, Whim::Refuses, Whim::Silent, Whim::Hangs, Whim::Dry, Whim::Traps, Whim::Sick, Whim::Mute];

    /// How an upgrade of such a contract ends.
    pub fn end(self) -> Kind {
        match self {
            Whim::None => Kind::UpgradeConfirmed,
            Whim::Sick | Whim::Mute => Kind::UpgradeRolledBack,
            _ => Kind::UpgradeAbandoned,
        }
    }
}

/// What is restored with a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    module: Option<Hash>,
    data: Vec<u8>,
    served: usize,
    taken_at: u64,
}

/// A contract's life: its data have a `.` for whenever it began to serve, and a `+` for every other code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Life {
    pub whim: Whim,
    pub stopped: bool,
    pub quarantined: bool,
    pub data: Vec<u8>,
    /// How often it began to serve: nothing makes it forget.
    pub served: usize,
    pub snapshots: BTreeMap<Vec<u8>, Saved>,
    pub made: u8,
    pub deposited: u128,
}

impl Life {
    pub fn serve(&mut self) {
        self.data.push(b'.');
        self.served += 1;
    }
}

#[derive(CandidType)]
struct Status {
    status: RunState,
    settings: Settings,
    module_hash: Option<ByteBuf>,
    memory_size: Nat,
    cycles: Nat,
    idle_cycles_burned_per_day: Nat,
}

#[derive(CandidType)]
struct Settings {
    freezing_threshold: Nat,
}

#[derive(CandidType)]
struct Listed {
    id: ByteBuf,
    taken_at_timestamp: u64,
    total_size: u64,
}

impl Model {
    /// Answers what is about a contract's life.
    pub fn live(&mut self, factory: Principal, request: &Request) -> Option<Reply> {
        let args = request.args.as_slice();
        let of_record = |bytes: &[u8]| Decode!(bytes, CanisterIdRecord).unwrap().canister_id;
        Some(match request.method {
            "canUpgrade" => self.asked(request.to, |life| match life.whim {
                Whim::Refuses => Ok(encode(Err::<(), _>("a payment is in flight"))),
                Whim::Silent => Err(CallFailure::rejected(5, "trapped")),
                _ => Ok(encode(Ok::<(), String>(()))),
            }),
            "getContractHealth" => self.asked(request.to, |life| {
                if life.whim == Whim::Mute && life.quarantined {
                    return Err(CallFailure::rejected(5, "trapped"));
                }
                Ok(encode(ContractHealth {
                    problem: (life.whim == Whim::Sick && life.quarantined).then(|| "a balance is missing".to_owned()),
                    quarantined: life.quarantined,
                    epoch: 1,
                    cycles: Nat::from(7_u8),
                    stableBytes: 0,
                }))
            }),
            "confirmUpgrade" => {
                let confirmed = self.last_decision(request.to) == Some(Kind::UpgradeConfirmed);
                self.asked(request.to, |life| {
                    if std::mem::take(&mut life.quarantined) {
                        assert!(confirmed, "the log knows before the contract");
                        life.serve();
                    }
                    Ok(encode(Ok::<(), ConfirmError>(())))
                })
            }
            "canister_status" => self.controlled(factory, of_record(args), status),
            "stop_canister" => self.controlled(factory, of_record(args), |hosted| match hosted.life.whim {
                Whim::Hangs => Err(CallFailure::rejected(5, "timed out")),
                _ => {
                    hosted.life.stopped = true;
                    Ok(unit())
                }
            }),
            "start_canister" => self.controlled(factory, of_record(args), |hosted| {
                if std::mem::take(&mut hosted.life.stopped) && !hosted.life.quarantined {
                    hosted.life.serve();
                }
                Ok(unit())
            }),
            "deposit_cycles" => {
                self.canisters.get_mut(&of_record(args))?.life.deposited += request.cycles;
                Ok(unit())
            }
            "take_canister_snapshot" => {
                let args = Decode!(args, TakeCanisterSnapshotArgs).unwrap();
                self.controlled(factory, args.canister_id, |hosted| take(hosted, &args))
            }
            "list_canister_snapshots" => self.controlled(factory, of_record(args), |hosted| {
                let listed = hosted.life.snapshots.iter().map(|(id, saved)| listed(id, saved));
                Ok(encode(listed.collect::<Vec<_>>()))
            }),
            "delete_canister_snapshot" => {
                let args = Decode!(args, DeleteCanisterSnapshotArgs).unwrap();
                self.controlled(factory, args.canister_id, |hosted| {
                    let deleted = hosted.life.snapshots.remove(&args.snapshot_id);
                    deleted.map(|_| unit()).ok_or_else(|| CallFailure::rejected(5, "no such snapshot"))
                })
            }
            "load_canister_snapshot" => {
                let args = Decode!(args, LoadCanisterSnapshotArgs).unwrap();
                let decision = self.last_decision(args.canister_id);
                assert_eq!(decision, Some(Kind::RollbackIntended), "loaded only if the log says so");
                self.controlled(factory, args.canister_id, |hosted| load(hosted, &args.snapshot_id))
            }
            _ => return None,
        })
    }

    fn asked(&mut self, contract: Principal, answer: impl FnOnce(&mut Life) -> Reply) -> Reply {
        match self.canisters.get_mut(&contract) {
            Some(hosted) if !hosted.life.stopped => answer(&mut hosted.life),
            _ => Err(CallFailure::rejected(5, "stopped")),
        }
    }

    fn controlled(
        &mut self,
        factory: Principal,
        canister: Principal,
        answer: impl FnOnce(&mut Hosted) -> Reply,
    ) -> Reply {
        match self.canisters.get_mut(&canister) {
            Some(hosted) if hosted.controllers.contains(&factory) => answer(hosted),
            _ => Err(CallFailure::rejected(5, "only controllers may")),
        }
    }

    /// The code is replaced, by the factory.
    pub fn replace(&mut self, factory: Principal, canister: Principal, module: Hash) -> Reply {
        let decision = self.last_decision(canister);
        assert_eq!(decision, Some(Kind::UpgradeIntended), "installed only if the log says so");
        self.controlled(factory, canister, |hosted| {
            assert!(hosted.life.stopped && !hosted.life.snapshots.is_empty(), "stopped and saved");
            if hosted.life.whim == Whim::Traps {
                return Err(CallFailure::rejected(5, "post_upgrade trapped"));
            }
            hosted.module = Some(module);
            hosted.life.quarantined = true;
            hosted.life.data.push(b'+');
            Ok(unit())
        })
    }

    /// What the log said last about the contract's code.
    pub fn last_decision(&self, contract: Principal) -> Option<Kind> {
        const DECISIONS: [Kind; 5] = [
            Kind::UpgradeIntended,
            Kind::UpgradeConfirmed,
            Kind::RollbackIntended,
            Kind::UpgradeRolledBack,
            Kind::UpgradeAbandoned,
        ];
        self.kinds_about(contract).into_iter().rev().find(|kind| DECISIONS.contains(kind))
    }

    /// The kinds of the events about a contract, in order.
    pub fn kinds_about(&self, contract: Principal) -> Vec<Kind> {
        let about = |event: &&cairn_kit::journal::Recorded| event.payload.contract() == Some(contract);
        self.events.iter().filter(about).map(|event| event.payload.kind()).collect()
    }
}

fn status(hosted: &mut Hosted) -> Reply {
    Ok(encode(Status {
        status: if hosted.life.stopped { RunState::Stopped } else { RunState::Running },
        settings: Settings { freezing_threshold: Nat::from(86_400_u32) },
        module_hash: hosted.module.map(|hash| ByteBuf::from(hash.0)),
        memory_size: Nat::from(1_000_u32),
        cycles: Nat::from(if hosted.life.whim == Whim::Dry { 5_u64 } else { 1_000_000_000_000 }),
        idle_cycles_burned_per_day: Nat::from(10_u8),
    }))
}

fn take(hosted: &mut Hosted, args: &TakeCanisterSnapshotArgs) -> Reply {
    let life = &mut hosted.life;
    assert!(life.stopped && !life.quarantined, "only what is stopped is saved");
    if let Some(replaced) = &args.replace_snapshot
        && life.snapshots.remove(replaced).is_none()
    {
        return Err(CallFailure::rejected(5, "no such snapshot"));
    }
    life.made += 1;
    let id = [args.canister_id.as_slice(), &[life.made]].concat();
    let saved = Saved { module: hosted.module, data: life.data.clone(), served: life.served, taken_at: runtime::now() };
    let reply = encode(listed(&id, &saved));
    life.snapshots.insert(id, saved);
    Ok(reply)
}

fn load(hosted: &mut Hosted, snapshot: &[u8]) -> Reply {
    let saved = hosted.life.snapshots.get(snapshot).cloned();
    let Some(saved) = saved else { return Err(CallFailure::rejected(5, "no such snapshot")) };
    assert_eq!(saved.served, hosted.life.served, "what it did since would be forgotten");
    hosted.module = saved.module;
    (hosted.life.data, hosted.life.quarantined) = (saved.data, false);
    Ok(unit())
}

fn listed(id: &[u8], saved: &Saved) -> Listed {
    Listed { id: ByteBuf::from(id), taken_at_timestamp: saved.taken_at, total_size: 1 }
}

/// The contract runs, its data tell what it did, and the log tells what was done to it.
pub fn check_life(model: &Model, contract: Principal, life: &Life) {
    let kinds = model.kinds_about(contract);
    let count = |kind: Kind| kinds.iter().filter(|found| **found == kind).count();
    assert!(!life.stopped && !life.quarantined, "{contract}: {life:?} {kinds:?}");
    assert!(life.snapshots.is_empty(), "{contract}: {life:?} {kinds:?}");
    let marks = |mark: u8| life.data.iter().filter(|found| **found == mark).count();
    assert_eq!(marks(b'.'), life.served, "{contract} has forgotten something: {kinds:?}");
    assert_eq!(marks(b'+'), count(Kind::UpgradeConfirmed), "{kinds:?}");
    let ended = count(Kind::UpgradeConfirmed) + count(Kind::UpgradeRolledBack);
    assert!(count(Kind::UpgradeIntended) <= ended + count(Kind::UpgradeAbandoned), "{kinds:?}");
    assert_eq!(count(Kind::UpgradeRequested), ended + count(Kind::UpgradeAbandoned), "{kinds:?}");
    assert_eq!(count(Kind::RollbackIntended), count(Kind::UpgradeRolledBack), "{kinds:?}");
    let epochs = model.events.iter().filter_map(|event| match &event.payload {
        cairn_events::Payload::UpgradeConfirmed(p) if p.contract == contract => Some(p.epoch),
        cairn_events::Payload::UpgradeRolledBack(UpgradeRolledBack { contract: id, epoch, .. }) if *id == contract => {
            Some(*epoch)
        }
        _ => None,
    });
    assert!(epochs.is_sorted_by(|one, other| one < other), "epochs only rise");
}
