//! The ways a deployment can go.

use super::{Sightings, Stage, Wanted, cutover, private};
use crate::invariants::End;
use cairn::platform::Pending;
use cairn_events::payload::{Account, Subaccount};
use cairn_events::topic::Service;
use cairn_events::{Amount, Principal};
use candid::{CandidType, Nat};
use icrc_ledger_types::icrc1::account::Account as LedgerAccount;
use icrc_ledger_types::icrc1::transfer::TransferArg;
use localnet::explore::Subject as _;
use localnet::management_types::CanisterIdRecord;
use localnet::{Fault, RejectCode};
use std::time::Duration;

/// How a deployment goes when nothing else goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Flow {
    /// Paid, delivered, released; the owner, a controller now, stops and starts the token.
    Delivered,
    /// The factory cannot be reached until the deadline: abandoned and refunded; somebody donates to the escrow.
    Abandoned,
    /// As before, and the ledger's fee is raised before the refund.
    FeeRaised,
    /// The template is withdrawn after the payment: the factory declines, the payer is refunded.
    Declined,
    /// The factory is held up after the installation; the backend, upgraded, has forgotten that it waits, and abandons
    /// at the deadline what the factory then wants to commit. The canister, in which a token has lived, is emptied, and
    /// goes to somebody else.
    Overtaken,
    /// Paid under a private reference and delivered; an auditor is let in, asks, and is let out; the reference is erased.
    Erased,
    /// A wallet is bought; two sign a payment out of it.
    Wallet,
    /// A lock is bought, funded, and claimed from when it ends.
    Lock,
    /// An airdrop to two is bought and paid in by an approval; one claims, the other has everything early, less a penalty;
    /// then it is cancelled, and the rest goes back.
    Airdrop,
    /// Somebody else buys while every index is built anew beside the one that serves, and takes its place.
    Rebuilt,
}

/// Rounds that a message of the flow may take, with everything it sets off.
const ROUNDS: u64 = 120;
/// Attempts to reach the factory before the deadline.
const ATTEMPTS: usize = 3;
/// Rounds that the factory is held up.
const HELD_UP: u64 = 60;
/// A little more than the factory may take.
const DEADLINE: Duration = Duration::from_secs(31 * 60);

impl Flow {
    /// All of them.
    pub const ALL: [Flow; 10] = [
        Flow::Delivered,
        Flow::Abandoned,
        Flow::FeeRaised,
        Flow::Declined,
        Flow::Overtaken,
        Flow::Erased,
        Flow::Wallet,
        Flow::Lock,
        Flow::Airdrop,
        Flow::Rebuilt,
    ];

    /// How it ends if nothing else goes wrong.
    pub fn end(self) -> End {
        match self {
            Flow::Delivered | Flow::Erased | Flow::Wallet | Flow::Lock | Flow::Airdrop | Flow::Rebuilt => {
                End::Delivered
            }
            Flow::Abandoned | Flow::FeeRaised | Flow::Declined | Flow::Overtaken => End::Refunded,
        }
    }

    /// What the buyer wants.
    pub fn wanted(self) -> Wanted {
        match self {
            Flow::Wallet => Wanted::Wallet,
            Flow::Lock => Wanted::Lock,
            Flow::Airdrop => Wanted::Airdrop,
            _ => Wanted::Token,
        }
    }

    /// Which factory is asked to deliver.
    pub(super) fn service(self) -> Service {
        self.wanted().service()
    }

    /// Boots what it is played on.
    ///
    /// # Errors
    /// Something does not build, or was refused.
    pub fn stage(self, seed: u64) -> anyhow::Result<Stage> {
        if self.wanted() == Wanted::Token { Stage::boot(seed) } else { Stage::boot_all(seed) }
    }

    /// How many deployments are asked for.
    pub(super) fn deployments(self) -> usize {
        if matches!(self, Flow::Overtaken | Flow::Rebuilt) { 2 } else { 1 }
    }

    /// What keeps requests from the factory, as part of a flow.
    fn cut_off() -> Fault {
        Fault::reject(RejectCode::SysTransient).method("createContract")
    }

    /// What holds up what the factory writes, as part of a flow.
    fn held_up(factory: Principal) -> Fault {
        Fault::delay(HELD_UP).method("append").caller(factory)
    }

    /// Whether a fault is one of the flows' own.
    pub(super) fn is_staged(fault: &Fault, factory: Principal) -> bool {
        *fault == Flow::cut_off() || *fault == Flow::held_up(factory)
    }

    /// Plays it; what was seen and answered on the way.
    pub fn play(self, stage: &mut Stage) -> Sightings {
        let mut seen = Sightings::default();
        stage.wanted = self.wanted();
        stage.net().observe();
        if matches!(self, Flow::Abandoned | Flow::FeeRaised) {
            (0..ATTEMPTS).for_each(|_| stage.net().inject(Flow::cut_off()));
        }
        if self == Flow::Erased {
            stage.reference = Some(private::REFERENCE);
        }
        let first = stage.ask();
        seen.asked(first);
        match self {
            Flow::Erased => go_on(stage, &mut seen),
            Flow::Wallet | Flow::Lock | Flow::Airdrop => {
                go_on(stage, &mut seen);
                wait(stage, &mut seen, Duration::from_secs(3));
                self.wanted().make_use(stage, &mut seen);
            }
            Flow::Rebuilt => {
                go_on(stage, &mut seen);
                cutover::play(stage, &mut seen);
            }
            Flow::Delivered => {
                go_on(stage, &mut seen);
                own(stage, &mut seen);
            }
            Flow::Abandoned => {
                go_on(stage, &mut seen);
                donate(stage);
                wait(stage, &mut seen, DEADLINE);
            }
            Flow::FeeRaised => {
                go_on(stage, &mut seen);
                raise_fee(stage);
                wait(stage, &mut seen, DEADLINE);
            }
            Flow::Declined => {
                go_on_until(stage, &mut seen, "icrc2_transfer_from");
                withdraw(stage);
                go_on(stage, &mut seen);
            }
            Flow::Overtaken => {
                go_on_until(stage, &mut seen, "install_chunked_code");
                hold_up(stage);
                wait(stage, &mut seen, DEADLINE);
                let other = stage.ask_for_another();
                seen.asked(other);
                go_on(stage, &mut seen);
            }
        }
        // What follows by timers; and the buyer, who may have heard nothing, asks again.
        wait(stage, &mut seen, Duration::from_secs(3));
        let again = stage.ask();
        seen.asked(again);
        go_on(stage, &mut seen);
        wait(stage, &mut seen, Duration::from_secs(65));
        if self == Flow::Erased {
            private::play(stage, &mut seen);
        }
        seen
    }
}

/// Runs what is on its way; then the factory confirms what an incident has upgraded.
pub(super) fn go_on(stage: &mut Stage, seen: &mut Sightings) {
    run(stage, seen);
    if stage.confirm() {
        run(stage, seen);
    }
}

fn run(stage: &mut Stage, seen: &mut Sightings) {
    for _ in 0..ROUNDS {
        if stage.net().is_idle() {
            break;
        }
        stage.net().tick();
        seen.look(&mut stage.platform);
    }
}

pub(super) fn wait(stage: &mut Stage, seen: &mut Sightings, duration: Duration) {
    stage.net().advance(duration);
    go_on(stage, seen);
}

/// Runs until this method is called, or nothing moves.
fn go_on_until(stage: &mut Stage, seen: &mut Sightings, method: &str) {
    for _ in 0..ROUNDS {
        let called = |observed: &localnet::Observed| observed.message.method == method;
        if stage.net().is_idle() || stage.net().observed().iter().any(called) {
            break;
        }
        stage.net().tick();
        seen.look(&mut stage.platform);
    }
}

/// The owner of a delivered token does what a controller may.
fn own(stage: &mut Stage, seen: &mut Sightings) {
    let (buyer, net) = (stage.buyer, stage.net());
    let controls = |id: &Principal| net.controllers(*id).is_some_and(|controllers| controllers.contains(&buyer));
    let Some(canister_id) = net.canisters().into_iter().find(controls) else { return };
    for method in ["stop_canister", "start_canister"] {
        let management = Principal::management_canister();
        stage.net().submit(management, buyer, method, (CanisterIdRecord { canister_id },));
        go_on(stage, seen);
    }
}

/// Somebody sends money to the escrow account, which is nobody's then.
fn donate(stage: &mut Stage) {
    let escrow =
        Account { owner: stage.platform.backend, subaccount: Some(Subaccount(stage.deployment().escrow_subaccount())) };
    let argument = TransferArg {
        from_subaccount: None,
        to: LedgerAccount { owner: escrow.owner, subaccount: escrow.subaccount.map(|subaccount| subaccount.0) },
        fee: None,
        created_at_time: None,
        memo: None,
        amount: Nat::from(123_456_u64),
    };
    let (ledger, donor) = (stage.platform.ledger, stage.donor);
    stage.net().submit(ledger, donor, "icrc1_transfer", (argument,));
}

/// The admin withdraws the template that was quoted: the one before it is sold again.
fn withdraw(stage: &mut Stage) {
    let (factory, admin) = (stage.platform.factory, stage.platform.admin);
    stage.net().submit(factory, admin, "withdrawTemplate", ("2.0.0", "a fault was found"));
}

/// The factory's next words to the log take their time; the backend is upgraded while it waits for the factory.
fn hold_up(stage: &mut Stage) {
    let (backend, factory, admin) = (stage.platform.backend, stage.platform.factory, stage.platform.admin);
    stage.net().inject(Flow::held_up(factory));
    if let (Ok(module), Ok(argument)) = (cairn::artifacts::wasm("backend"), candid::encode_args(())) {
        // In the middle of things; if it refuses, another run it is.
        let _ = stage.net().upgrade(backend, admin, &module, argument);
    }
}

/// What a ledger is upgraded with.
#[derive(CandidType)]
enum LedgerArg {
    Upgrade(Option<FeeChange>),
}

#[derive(CandidType)]
struct FeeChange {
    transfer_fee: Option<Nat>,
}

/// The ledger's controller raises its fee threefold.
fn raise_fee(stage: &mut Stage) {
    let Amount(fee) = stage.platform.ledger_fee;
    let change = LedgerArg::Upgrade(Some(FeeChange { transfer_fee: Some(Nat::from(fee * 3)) }));
    let (ledger, admin) = (stage.platform.ledger, stage.platform.admin);
    if let (Ok(module), Ok(argument)) = (cairn::artifacts::wasm("token"), candid::encode_one(change)) {
        // A ledger that a fault holds in the middle of something is upgraded all the same.
        let _ = stage.net().upgrade(ledger, admin, &module, argument);
    }
}

/// An answer to one of the buyer's requests.
pub(super) type Asked = Pending;
