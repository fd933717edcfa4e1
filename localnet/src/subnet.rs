//! What every execution on the network sees: clock, keys, settings.

use crate::certificate::{Node, RootKey};
use crate::config::Config;
use crate::pool::Pool;
use candid::Principal;
use std::sync::Arc;

/// The one subnet of the network.
#[derive(Clone)]
pub(crate) struct Subnet {
    pub(crate) config: Arc<Config>,
    /// Nanoseconds since 1970.
    pub(crate) time: u64,
    pub(crate) round: u64,
    pub(crate) id: Principal,
    /// The root key as canisters and clients get it, in DER.
    pub(crate) root_key: Arc<[u8]>,
    pub(crate) key: Arc<RootKey>,
    /// Live instances; forks and views share them.
    pub(crate) instances: Arc<Pool>,
    pub(crate) node: Arc<Node>,
}

impl Subnet {
    pub(crate) fn new(config: Config) -> Self {
        let key = RootKey::from_seed(config.seed);
        let root_key: Arc<[u8]> = key.der().into();
        Self {
            time: config.time,
            round: 0,
            id: Principal::self_authenticating(&root_key),
            root_key,
            key: Arc::new(key),
            instances: Arc::default(),
            node: Arc::new(Node::from_seed(config.seed)),
            config: Arc::new(config),
        }
    }
}

/// The first id of the network's range.
pub(crate) const FIRST_ID: u64 = 0;
/// The first canister id that is given to a new canister: lower ones belong to system canisters that clients know by heart.
pub(crate) const FIRST_CANISTER: u64 = 1 << 32;
/// The last canister id of the network's range.
pub(crate) const LAST_CANISTER: u64 = (2 << 32) - 1;

/// The id of the n-th canister of the Internet Computer ("Canister ids").
pub(crate) fn canister_id(number: u64) -> Principal {
    let mut bytes = [0; 10];
    let (counter, class) = bytes.split_at_mut(8);
    counter.copy_from_slice(&number.to_be_bytes());
    class.copy_from_slice(&[1, 1]);
    Principal::from_slice(&bytes)
}
