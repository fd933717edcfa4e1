//! What a face of the factory supplies: the kind of contract that it makes.

use cairn_events::Principal;
use cairn_events::payload::Notification;
use cairn_events::topic::Service;

/// A kind of contract. Everything else about making contracts is the same for all kinds.
pub trait ContractKind: 'static {
    /// The service that the kind is sold as.
    const SERVICE: Service;

    /// Methods without which a module is no contract of the kind, not even if it is somebody else's code. Contracts of no
    /// other kind have them all.
    const METHODS: &'static [&'static str];

    /// The contract's own arguments.
    type Args;

    /// Decodes and checks the contract's arguments in full: what is accepted here must install.
    ///
    /// # Errors
    /// [`InvalidArgs`] with the first field that is not acceptable.
    fn parse(args: &[u8]) -> Result<Self::Args, InvalidArgs>;

    /// How the contract is listed.
    fn listing(args: &Self::Args) -> Listing;

    /// The ledger that the contract at `contract` is about, by which it is found too; none, unless the kind knows one.
    fn token(_args: &Self::Args, _contract: Principal) -> Option<Principal> {
        None
    }

    /// The template's install argument, Candid-encoded: a pure function of what is given.
    ///
    /// # Errors
    /// [`InvalidArgs`] if the arguments cannot be expressed to the template.
    fn install_argument(args: &Self::Args, context: &InstallContext) -> Result<Vec<u8>, InvalidArgs>;

    /// Whether contracts of the kind may say this to their factory.
    fn accepts(notification: &Notification) -> bool;

    /// The argument that a contract of the kind is upgraded with, Candid-encoded: nothing, unless the kind knows better.
    fn upgrade_argument() -> Vec<u8> {
        b"DIDL\0\0".to_vec()
    }

    /// Who controls a delivered contract: its factory, and whoever may rightfully do so beside it. Where third parties'
    /// money lies that is the contract itself, by its own governance, and not its owner.
    fn controllers(factory: Principal, contract: Principal, owner: Principal) -> Vec<Principal>;

    /// Who decides for a contract whether it is upgraded, and whether it leaves its factory for ever. Its owner, unless it
    /// is governed by more people.
    fn is_decided_by(person: Principal, _contract: Principal, owner: Principal) -> bool {
        person == owner
    }
}

/// Which of the contract's arguments is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidArgs {
    /// The field.
    pub field: String,
    /// The value and the bound.
    pub problem: String,
}

impl InvalidArgs {
    /// The field `field` is wrong.
    pub fn new(field: &str, problem: impl Into<String>) -> Self {
        InvalidArgs { field: field.to_owned(), problem: problem.into() }
    }
}

/// How a contract is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its name.
    pub name: String,
    /// Its symbol, where the kind has one.
    pub symbol: Option<String>,
    /// Whether strangers may see it listed.
    pub public: bool,
}

/// What an install argument depends on beside the contract's own arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstallContext {
    /// The factory that installs.
    pub factory: Principal,
    /// Who will own the contract.
    pub owner: Principal,
    /// The epoch in which the contract numbers its notifications.
    pub epoch: u64,
}
