//! Calls to other canisters, and what a failed one means.

use super::current;
use cairn_events::Principal;
use cairn_events::payload::Reason;
use candid::utils::ArgumentEncoder;
use candid::{CandidType, DecoderConfig, Reserved};
use serde::de::DeserializeOwned;

/// For how long a reply is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// As long as it takes: the reply is guaranteed. For our own canisters and the management canister only, since a
    /// callee that never answers keeps its caller from ever being stopped.
    Unbounded,
    /// At most this many seconds; then the outcome is unknown.
    Bounded(u32),
}

/// A call to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The callee.
    pub to: Principal,
    /// Its method.
    pub method: &'static str,
    /// Candid.
    pub args: Vec<u8>,
    /// Cycles that go along.
    pub cycles: u128,
    /// How long to wait.
    pub wait: Wait,
}

/// Seconds that a bounded call waits.
const BOUNDED_SECONDS: u32 = 60;

impl Request {
    /// An unbounded call without cycles.
    pub fn new(to: Principal, method: &'static str, args: Vec<u8>) -> Self {
        Request { to, method, args, cycles: 0, wait: Wait::Unbounded }
    }

    /// Gives up waiting after a minute.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.wait = Wait::Bounded(BOUNDED_SECONDS);
        self
    }
}

/// Why there is no reply. The message is bounded, whatever the callee said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFailure {
    /// The callee did not execute it: it could not be sent (code 0), or was rejected with code 1 to 3.
    #[error("not executed (code {code}): {message}")]
    NotExecuted {
        /// The reject code; 0 if it was not sent at all.
        code: u32,
        /// The beginning of the reject message.
        message: String,
    },
    /// It may or may not have had its effect: reject codes 4 to 6, or a reply that cannot be decoded (code 0).
    #[error("outcome unknown (code {code}): {message}")]
    Unknown {
        /// The reject code; 0 if there was a reply that could not be decoded.
        code: u32,
        /// The beginning of the reject message.
        message: String,
    },
}

/// Bytes of a reject message that are kept.
const MAX_MESSAGE: usize = 200;

impl CallFailure {
    /// A call that was not sent.
    pub fn unsent(message: &str) -> Self {
        CallFailure::NotExecuted { code: 0, message: bounded(message) }
    }

    /// A call that was rejected with `code`. Codes that do not exist yet count as unknown.
    pub fn rejected(code: u32, message: &str) -> Self {
        let message = bounded(message);
        match code {
            1..=3 => CallFailure::NotExecuted { code, message },
            _ => CallFailure::Unknown { code, message },
        }
    }

    /// A call whose reply makes no sense.
    pub fn undecodable(message: &str) -> Self {
        CallFailure::Unknown { code: 0, message: bounded(message) }
    }

    /// Whether the call certainly had no effect.
    pub fn not_executed(&self) -> bool {
        matches!(self, CallFailure::NotExecuted { .. })
    }

    /// The failure as it is recorded in an event.
    pub fn reason(&self) -> Reason {
        let (kind, code, message) = match self {
            CallFailure::NotExecuted { code, message } => ("not_executed", code, message),
            CallFailure::Unknown { code, message } => ("unknown", code, message),
        };
        Reason::new(&format!("{kind}_{code}"), message)
    }
}

fn bounded(message: &str) -> String {
    let end = (0..=MAX_MESSAGE.min(message.len())).rev().find(|end| message.is_char_boundary(*end));
    message.get(..end.unwrap_or_default()).unwrap_or_default().to_owned()
}

/// Calls a canister of the platform, or the management canister, and waits until it has replied.
///
/// The reply is decoded as one value; `()` for none.
///
/// # Errors
/// [`CallFailure`]. A reply that is not an `R` is [`CallFailure::Unknown`].
pub async fn call<A: ArgumentEncoder, R: CandidType + DeserializeOwned>(
    to: Principal,
    method: &'static str,
    args: A,
) -> Result<R, CallFailure> {
    call_with_cycles(to, method, args, 0).await
}

/// Calls a method of the platform that may refuse, and waits until it has replied.
///
/// # Errors
/// As [`call`].
pub async fn call_or_refusal<A, R, E>(to: Principal, method: &'static str, args: A) -> Result<Result<R, E>, CallFailure>
where
    A: ArgumentEncoder,
    R: CandidType + DeserializeOwned,
    E: CandidType + DeserializeOwned,
{
    decode_or_refusal(&current().send(Request::new(to, method, encode(args)?)).await?)
}

/// Decodes a reply that is hardly ever a refusal. Candid puts all types together that are expected before it reads a
/// byte, and those of refusals are many: they are expected only where there is one.
///
/// # Errors
/// [`CallFailure::Unknown`].
pub fn decode_or_refusal<R, E>(reply: &[u8]) -> Result<Result<R, E>, CallFailure>
where
    R: CandidType + DeserializeOwned,
    E: CandidType + DeserializeOwned,
{
    let decoded = match candid::decode_one::<Result<R, Reserved>>(reply) {
        Ok(Ok(result)) => Ok(Ok(result)),
        Ok(Err(Reserved)) => candid::decode_one(reply),
        Err(error) => Err(error),
    };
    decoded.map_err(|error| CallFailure::undecodable(&error.to_string()))
}

/// As [`call`], with `cycles` attached; what the callee does not accept comes back.
///
/// # Errors
/// As [`call`].
pub async fn call_with_cycles<A: ArgumentEncoder, R: CandidType + DeserializeOwned>(
    to: Principal,
    method: &'static str,
    args: A,
    cycles: u128,
) -> Result<R, CallFailure> {
    let mut request = Request::new(to, method, encode(args)?);
    request.cycles = cycles;
    let reply = current().send(request).await?;
    candid::decode_one(&reply).map_err(|error| CallFailure::undecodable(&error.to_string()))
}

/// Calls a query of a canister of the platform, from a composite query.
///
/// # Errors
/// As [`call`].
pub async fn ask<A: ArgumentEncoder, R: CandidType + DeserializeOwned>(
    to: Principal,
    method: &'static str,
    args: A,
) -> Result<R, CallFailure> {
    let reply = current().ask(Request::new(to, method, encode(args)?)).await?;
    candid::decode_one(&reply).map_err(|error| CallFailure::undecodable(&error.to_string()))
}

/// Calls a canister outside the platform: waits a minute at most, and believes no reply beyond `max_reply_bytes`.
///
/// # Errors
/// [`CallFailure`]. Silence, and a reply that is too large or no `R`, are [`CallFailure::Unknown`].
pub async fn call_bounded<A: ArgumentEncoder, R: CandidType + DeserializeOwned>(
    to: Principal,
    method: &'static str,
    args: A,
    max_reply_bytes: usize,
) -> Result<R, CallFailure> {
    let request = Request::new(to, method, encode(args)?).bounded();
    let reply = current().send(request).await?;
    decode_bounded(&reply, max_reply_bytes)
}

fn encode<A: ArgumentEncoder>(args: A) -> Result<Vec<u8>, CallFailure> {
    candid::encode_args(args).map_err(|error| CallFailure::unsent(&error.to_string()))
}

/// Work that decoding may cost, per byte of reply allowed.
const QUOTA_PER_BYTE: usize = 100;
/// Work that decoding of the smallest reply may cost.
const QUOTA_BASE: usize = 50_000;

/// Decodes one value that a stranger encoded: bounded in bytes and in work, since a short message can claim to be long.
///
/// # Errors
/// [`CallFailure::Unknown`].
pub fn decode_bounded<R: CandidType + DeserializeOwned>(bytes: &[u8], max_bytes: usize) -> Result<R, CallFailure> {
    if bytes.len() > max_bytes {
        return Err(CallFailure::undecodable(&format!("{} bytes, at most {max_bytes} are read", bytes.len())));
    }
    let mut config = DecoderConfig::new();
    config.set_decoding_quota(max_bytes.saturating_mul(QUOTA_PER_BYTE).saturating_add(QUOTA_BASE));
    config.set_skipping_quota(max_bytes.saturating_mul(QUOTA_PER_BYTE).saturating_add(QUOTA_BASE));
    config.set_full_error_message(false);
    candid::utils::decode_one_with_config(bytes, &config).map_err(|error| CallFailure::undecodable(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_the_network_means() {
        for (code, not_executed) in [(1, true), (2, true), (3, true), (4, false), (5, false), (6, false), (7, false)] {
            assert_eq!(CallFailure::rejected(code, "").not_executed(), not_executed, "{code}");
        }
        assert!(CallFailure::unsent("").not_executed());
        assert!(!CallFailure::undecodable("").not_executed());
    }

    #[test]
    fn messages_are_bounded() {
        let CallFailure::Unknown { message, .. } = CallFailure::rejected(5, &"é".repeat(1000)) else { unreachable!() };
        assert!(message.len() <= MAX_MESSAGE && message.len() >= MAX_MESSAGE - 1);
    }

    #[test]
    fn replies_of_strangers_are_bounded() {
        let bytes = candid::encode_one("x".repeat(100)).unwrap();
        assert_eq!(decode_bounded::<String>(&bytes, 200).unwrap().len(), 100);
        assert!(decode_bounded::<String>(&bytes, 50).is_err());
        assert!(decode_bounded::<u64>(&bytes, 200).is_err());
        // A vector of a hundred million nulls takes a handful of bytes to claim.
        let bomb = b"DIDL\x01\x6d\x7f\x01\x00\x80\xc2\xd7\x2f";
        assert!(decode_bounded::<Vec<()>>(bomb, 200).is_err());
        assert!(decode_bounded::<candid::Reserved>(bomb, 200).is_err());
    }

    #[test]
    fn refusals_are_read_like_results() {
        let reply = |result: Result<u64, (String, u64)>| candid::encode_one(result).unwrap();
        assert_eq!(decode_or_refusal(&reply(Ok(7))), Ok(Ok::<u64, (String, u64)>(7)));
        let refusal = ("no".to_owned(), 3);
        assert_eq!(decode_or_refusal::<u64, _>(&reply(Err(refusal.clone()))), Ok(Err(refusal)));
        assert!(decode_or_refusal::<u64, u64>(&reply(Err(("no".to_owned(), 3)))).is_err());
        assert!(decode_or_refusal::<String, String>(&reply(Ok(7))).is_err());
        assert!(decode_or_refusal::<u64, u64>(b"DIDL").is_err());
    }

    #[test]
    fn no_value_is_unit() {
        assert_eq!(candid::decode_one::<()>(&candid::encode_args(()).unwrap()).ok(), Some(()));
    }
}
