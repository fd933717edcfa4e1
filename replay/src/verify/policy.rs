//! What an auditor trusts, and holds apart from any export.

use cairn_events::{Hash, LogId, Principal};
use serde::{Deserialize, Serialize};

/// The beginning of a BLS public key in DER.
const DER_PREFIX: [u8; 37] = [
    0x30, 0x81, 0x82, 0x30, 0x1d, 0x06, 0x0d, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xdc, 0x7c, 0x05, 0x03, 0x01, 0x02,
    0x01, 0x06, 0x0c, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xdc, 0x7c, 0x05, 0x03, 0x02, 0x01, 0x03, 0x61, 0x00,
];
/// Bytes of the key itself.
const KEY_BYTES: usize = 96;
/// The root key of the public Internet Computer.
const PUBLIC_KEY: &str = "814c0e6ec71fab583b08bd81373c255c3c371b2e84863c98a4f1e08b74235d14fb5d9c0cd546d9685f913a0c0b2cc534\
                          1583bf4b4392e467db96d65b9bb4cb717112f8472e0d5a4d14505ffd7484b01291091c5f87b98883463f98091a0baaae";

/// What an auditor trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The root key of the network, in DER.
    pub root_key: Vec<u8>,
    /// The audit canister.
    pub canister: Principal,
    /// Its log.
    pub log: LogId,
}

/// Why something is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The root key.
    #[error("the root key must be 133 bytes of DER, or 266 hexadecimal digits; this is {0}")]
    RootKey(String),
    /// The canister.
    #[error("{0:?} is no canister id")]
    Canister(String),
    /// The log.
    #[error("{0:?} is no log id of 64 hexadecimal digits")]
    Log(String),
    /// The file.
    #[error("not a policy file: {0}")]
    File(String),
}

/// The policy file: JSON, for people to read and compare.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    root_key: String,
    canister: String,
    log_id: String,
}

impl Policy {
    /// A policy from what a command line offers: the key as bytes or as text.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn new(root_key: &[u8], canister: &str, log_id: &str) -> Result<Policy, PolicyError> {
        Ok(Policy {
            root_key: parse_root_key(root_key)?,
            canister: Principal::from_text(canister.trim()).map_err(|_| PolicyError::Canister(canister.to_owned()))?,
            log: LogId(Hash::from_hex(log_id.trim()).ok_or_else(|| PolicyError::Log(log_id.to_owned()))?),
        })
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn from_json(json: &[u8]) -> Result<Policy, PolicyError> {
        let file: PolicyFile = serde_json::from_slice(json).map_err(|error| PolicyError::File(error.to_string()))?;
        Policy::new(file.root_key.as_bytes(), &file.canister, &file.log_id)
    }

    /// The policy file.
    pub fn to_json(&self) -> String {
        let file = PolicyFile {
            root_key: hex::encode(&self.root_key),
            canister: self.canister.to_text(),
            log_id: self.log.to_string(),
        };
        serde_json::to_string_pretty(&file).unwrap_or_default()
    }

    /// Whether the root key is that of the public Internet Computer: any other is of a local or test network.
    pub fn is_public_network(&self) -> bool {
        self.root_key.strip_prefix(&DER_PREFIX).is_some_and(|key| hex::encode(key) == PUBLIC_KEY)
    }
}

fn parse_root_key(given: &[u8]) -> Result<Vec<u8>, PolicyError> {
    let text = std::str::from_utf8(given).map(str::trim).unwrap_or_default();
    let key = hex::decode(text).ok().filter(|key| !key.is_empty()).unwrap_or_else(|| given.to_vec());
    if key.len() == DER_PREFIX.len() + KEY_BYTES && key.starts_with(&DER_PREFIX) {
        return Ok(key);
    }
    Err(PolicyError::RootKey(format!("{} bytes", given.len())))
}
