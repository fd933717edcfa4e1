//! The methods of the canister: they take caller and clock, ask the wallet, reply.

mod emergency;
mod http;
mod proposals;
mod reads;

use crate::wallet::Wallet;
use crate::{state, timer};
use cairn_events::{Principal, Timestamp};
use cairn_kit::api::multisig::WalletError;
use cairn_kit::arguments::decode_or_trap;
use cairn_kit::notify;
use candid::utils::ArgumentDecoder;

cairn_kit::contract_endpoints! {
    outbox: state::outbox,
    resume: timer::resume,
    can_upgrade: ready,
    examine: examine,
}

/// A wallet waits for the answers of ledgers: they would come to code that did not ask.
fn ready() -> Result<(), String> {
    if state::read(Wallet::is_awaiting) {
        return Err("an answer is awaited".to_owned());
    }
    Ok(())
}

fn examine() -> Result<(), String> {
    state::read(Wallet::examine)
}

/// The caller of an update. Whoever has an identity sets the timers again, refused or not: the network forgets them in a
/// trap.
fn caller() -> Principal {
    let caller = ic_cdk::api::msg_caller();
    if caller != Principal::anonymous() {
        cairn_kit::runtime::revive();
    }
    caller
}

fn now() -> Timestamp {
    Timestamp(cairn_kit::runtime::now())
}

/// Cycles held, as far as they can be counted.
fn cycles() -> u64 {
    u64::try_from(cairn_kit::runtime::cycles()).unwrap_or(u64::MAX)
}

/// Has the wallet do something, then sees to timers. A refusal has changed nothing.
fn change<T>(command: impl FnOnce(&mut Wallet) -> Result<T, WalletError>) -> Result<T, WalletError> {
    let done = state::mutate(command)?;
    timer::reset();
    notify::wake();
    Ok(done)
}

/// Reads what the caller may read.
fn read<T>(reader: impl FnOnce(&Wallet) -> Result<T, WalletError>) -> Result<T, WalletError> {
    // A query: it sets no timers.
    let caller = ic_cdk::api::msg_caller();
    state::read(|wallet| {
        wallet.require_reader(caller)?;
        reader(wallet)
    })
}

/// Bytes of the largest argument: a batch of payments, or a call.
const MAX_ARGUMENT: usize = 64_000;

/// Decodes arguments; traps if they are too long or too much work, which rejects the call.
fn arguments<T: for<'a> ArgumentDecoder<'a>>(bytes: Vec<u8>) -> T {
    decode_or_trap(&bytes, MAX_ARGUMENT)
}
