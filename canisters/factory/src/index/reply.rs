//! Replies with lists of contracts. What Candid says of their types costs more than an empty list: it is put together
//! ahead, in `init` and `post_upgrade`, since a query leaves nothing behind.

use cairn_kit::api::factory::{FactoryError, FactoryTemporaryError};
use cairn_kit::api::host::Reflected;
use cairn_kit::message::Message;
use cairn_projections::contracts::{Contract, Listed, NameCursor};

/// A page of contracts by time.
pub type Contracts = Result<Reflected<Listed<Contract>>, FactoryError>;
/// A page of contracts by name.
pub type Named = Result<Reflected<Listed<Contract, NameCursor>>, FactoryError>;

thread_local! {
    static CONTRACTS: Message<Contracts> = const { Message::new() };
    static NAMED: Message<Named> = const { Message::new() };
}

/// Makes what all replies begin with.
pub fn prepare() {
    let error = || FactoryError::Temporary(FactoryTemporaryError::Busy);
    // What cannot be encoded now cannot be later, and is reported then.
    let _ =
        (CONTRACTS.with(|message| message.encode(&Err(error()))), NAMED.with(|message| message.encode(&Err(error()))));
}

/// A page of contracts by time, encoded.
pub fn contracts(reply: Contracts) -> Vec<u8> {
    made(CONTRACTS.with(|message| message.encode(&reply)))
}

/// A page of contracts by name, encoded.
pub fn named(reply: Named) -> Vec<u8> {
    made(NAMED.with(|message| message.encode(&reply)))
}

fn made(message: Result<Vec<u8>, candid::Error>) -> Vec<u8> {
    message.unwrap_or_else(|error| ic_cdk::trap(error.to_string()))
}
