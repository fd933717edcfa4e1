//! What an auditor trusts, and holds apart from any export: a text of a few lines that a person can review.
//!
//! ```text
//! # Compare every line with a source of your own.
//! root_key: 308182301d060d2b...
//! canister: rwlgt-iiaaa-aaaaa-aaaaa-cai
//! log_id: 41b2...
//! freshness: at most 300 seconds old
//! ```
//! The last line is for live answers. Without it, or with `freshness: archival`, a verdict is as of the time at which
//! the network certified what is shown, however long ago, and silent about later.

use cairn_events::{Hash, LogId, Principal, Timestamp};

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
    /// How old a certificate may be; without it, any age will do.
    pub freshness: Option<Freshness>,
}

/// How old a certificate may be, and when that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// At most so many seconds old.
    pub seconds: u64,
    /// The present: the verifier has no clock of its own.
    pub now: Timestamp,
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
    /// The freshness.
    #[error("{0:?} is neither `archival` nor `at most N seconds old`")]
    Freshness(String),
    /// A line.
    #[error("line {line} of the policy: {problem}")]
    Line {
        /// Which one, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A line is missing.
    #[error("the policy names no {0}")]
    Missing(&'static str),
}

/// The names of the lines, in the order in which they are written.
const NAMES: [&str; 4] = ["root_key", "canister", "log_id", "freshness"];
/// How old a live answer may be, in seconds, for a policy that does not say.
const LIVE: u64 = 300;
/// The freshness of a policy that minds no age.
const ARCHIVAL: &str = "archival";

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
            freshness: None,
        })
    }

    /// Reads a policy, at the time `now`, which freshness is measured against.
    ///
    /// # Errors
    /// [`PolicyError`]: every line is known, and there once.
    pub fn from_text(text: &str, now: Timestamp) -> Result<Policy, PolicyError> {
        let mut values = [None; NAMES.len()];
        for (index, line) in text.lines().enumerate() {
            let (number, line) = (index + 1, line.trim());
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |problem| PolicyError::Line { line: number, problem };
            let (name, value) = line.split_once(':').ok_or(wrong("not of the form `name: value`"))?;
            let place = NAMES.iter().position(|known| *known == name).ok_or(wrong("an unknown name"))?;
            let slot = values.get_mut(place).ok_or(wrong("an unknown name"))?;
            if slot.replace(value.trim()).is_some() {
                return Err(wrong("a name for the second time"));
            }
        }
        let [root_key, canister, log, freshness] = values;
        let policy = Policy::new(
            root_key.ok_or(PolicyError::Missing("root_key"))?.as_bytes(),
            canister.ok_or(PolicyError::Missing("canister"))?,
            log.ok_or(PolicyError::Missing("log_id"))?,
        )?;
        Ok(Policy { freshness: parse_freshness(freshness.unwrap_or(ARCHIVAL), now)?, ..policy })
    }

    /// The same for live answers, at the time `now`: they may be as old as it says, or else [`LIVE`].
    #[must_use]
    pub fn live(&self, now: Timestamp) -> Policy {
        let seconds = self.freshness.map_or(LIVE, |freshness| freshness.seconds);
        Policy { freshness: Some(Freshness { seconds, now }), ..self.clone() }
    }

    /// The same for what may be of any age.
    #[must_use]
    pub fn archival(&self) -> Policy {
        Policy { freshness: None, ..self.clone() }
    }

    /// The policy as [`Policy::from_text`] reads it.
    pub fn to_text(&self) -> String {
        let freshness = match self.freshness {
            Some(Freshness { seconds, .. }) => format!("at most {seconds} seconds old"),
            None => ARCHIVAL.to_owned(),
        };
        let values = [hex::encode(&self.root_key), self.canister.to_text(), self.log.to_string(), freshness];
        let lines = NAMES.iter().zip(values).map(|(name, value)| format!("{name}: {value}\n"));
        std::iter::once("# Compare every line with a source of your own.\n".to_owned()).chain(lines).collect()
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

fn parse_freshness(text: &str, now: Timestamp) -> Result<Option<Freshness>, PolicyError> {
    if text == ARCHIVAL {
        return Ok(None);
    }
    let seconds = text.strip_prefix("at most ").and_then(|rest| rest.strip_suffix(" seconds old"));
    match seconds.and_then(|seconds| seconds.parse().ok()) {
        Some(seconds) => Ok(Some(Freshness { seconds, now })),
        None => Err(PolicyError::Freshness(text.to_owned())),
    }
}
