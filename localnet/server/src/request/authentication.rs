//! Whether a request comes from whom it says ("Authentication").

use super::envelope::SignedDelegation;
use super::{Envelope, Kind, Malformed};
use crate::signature::PublicKey;
use localnet::Principal;
use std::collections::BTreeSet;
use std::time::Duration;

/// How far in the future the expiry of a request may lie.
const MAX_TTL: Duration = Duration::from_secs(5 * 60);
/// By how much clocks may differ.
const DRIFT: Duration = Duration::from_secs(60);
const MAX_DELEGATIONS: usize = 20;
const MAX_TARGETS: usize = 1_000;

/// The canisters that a delegated sender may act on; all without targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Targets(Option<BTreeSet<Principal>>);

impl Targets {
    /// Whether the sender may act on this canister.
    pub(crate) fn include(&self, canister: Principal) -> bool {
        self.0.as_ref().is_none_or(|targets| targets.contains(&canister))
    }

    fn restrict(&mut self, targets: &[Principal]) {
        let given: BTreeSet<Principal> = targets.iter().copied().collect();
        self.0 = Some(match &self.0 {
            Some(so_far) => so_far.intersection(&given).copied().collect(),
            None => given,
        });
    }
}

/// A request whose sender is known.
#[derive(Clone, Debug)]
pub(crate) struct Authenticated {
    pub(crate) envelope: Envelope,
    pub(crate) targets: Targets,
}

/// Checks expiry, sender and signatures; `now` in nanoseconds since 1970, the root key in DER.
pub(crate) fn authenticate(envelope: Envelope, now: u64, root_key: &[u8]) -> Result<Authenticated, Malformed> {
    let anonymous = envelope.content.sender == Principal::anonymous();
    // Anonymous questions change nothing and reveal nothing: they may be as old as they like.
    if !anonymous || matches!(envelope.content.kind, Kind::Call(_)) {
        check_expiry(envelope.content.ingress_expiry, now)?;
    }
    let targets = if anonymous { unsigned(&envelope) } else { signed(&envelope, now, root_key) }?;
    if let Kind::Call(call) | Kind::Query(call) = &envelope.content.kind
        && !targets.include(call.canister_id)
    {
        return Err(Malformed(format!("the delegation does not extend to the canister {}", call.canister_id)));
    }
    Ok(Authenticated { envelope, targets })
}

fn check_expiry(expiry: u64, now: u64) -> Result<(), Malformed> {
    let latest = (MAX_TTL + DRIFT).as_nanos() as u64;
    if expiry < now || expiry > now.saturating_add(latest) {
        return Err(Malformed(format!(
            "Specified ingress_expiry not within expected range: Minimum allowed expiry: {now}, \
             Maximum allowed expiry: {}, Provided expiry: {expiry}",
            now.saturating_add(latest)
        )));
    }
    Ok(())
}

fn unsigned(envelope: &Envelope) -> Result<Targets, Malformed> {
    let bare =
        envelope.sender_pubkey.is_none() && envelope.sender_sig.is_none() && envelope.sender_delegation.is_empty();
    if bare { Ok(Targets::default()) } else { Err(Malformed::new("an anonymous request is not signed")) }
}

fn signed(envelope: &Envelope, now: u64, root_key: &[u8]) -> Result<Targets, Malformed> {
    let (Some(pubkey), Some(signature)) = (&envelope.sender_pubkey, &envelope.sender_sig) else {
        return Err(Malformed::new("sender_pubkey or sender_sig is missing"));
    };
    let sender = envelope.content.sender;
    if sender != Principal::self_authenticating(pubkey) {
        return Err(Malformed(format!("the public key does not belong to the sender {sender}")));
    }
    let (key, targets) = follow(pubkey, &envelope.sender_delegation, now, root_key)?;
    let is_call = matches!(envelope.content.kind, Kind::Call(_));
    if is_call && envelope.sender_delegation.iter().any(|link| link.queries_only) {
        return Err(Malformed::new("a delegation permits queries only"));
    }
    let message = [b"\x0Aic-request".as_slice(), &envelope.request_id].concat();
    let key = PublicKey::from_der(key).map_err(Malformed)?;
    key.verify(&message, signature, root_key).map_err(|error| Malformed(format!("Invalid signature: {error}")))?;
    Ok(targets)
}

/// Follows a chain of delegations from a key to the one that signs.
fn follow<'a>(
    pubkey: &'a [u8],
    chain: &'a [SignedDelegation],
    now: u64,
    root_key: &[u8],
) -> Result<(&'a [u8], Targets), Malformed> {
    if chain.len() > MAX_DELEGATIONS {
        return Err(Malformed(format!("at most {MAX_DELEGATIONS} delegations are allowed, not {}", chain.len())));
    }
    let mut targets = Targets::default();
    let mut seen = BTreeSet::from([pubkey]);
    let mut signer = pubkey;
    for link in chain {
        if !seen.insert(&link.pubkey) {
            return Err(Malformed::new("a key occurs twice in the chain of delegations"));
        }
        if link.expiration < now {
            return Err(Malformed(format!("a delegation expired at {}, it is {now}", link.expiration)));
        }
        let message = [b"\x1Aic-request-auth-delegation".as_slice(), &link.hash].concat();
        let key = PublicKey::from_der(signer).map_err(Malformed)?;
        key.verify(&message, &link.signature, root_key)
            .map_err(|error| Malformed(format!("Invalid delegation: {error}")))?;
        if let Some(given) = &link.targets {
            if given.len() > MAX_TARGETS {
                return Err(Malformed(format!("a delegation has at most {MAX_TARGETS} targets, not {}", given.len())));
            }
            targets.restrict(given);
        }
        signer = &link.pubkey;
    }
    Ok((signer, targets))
}
