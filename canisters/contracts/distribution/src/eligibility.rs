//! Whether somebody may register: conditions, and what ledgers and collections say about them.
//!
//! Eligibility is a condition of registering, not of claiming. It is asked when somebody registers, once; the allocation
//! that follows is theirs, whatever they sell afterwards. And there is no claim without it: who takes part in an open
//! category has registered for it.
//!
//! An NFT is used up by a registration, so it serves one person, once. A balance is not: tokens that are passed on can
//! make the next one eligible, too. Where each token is to count once, the whitelist, a Merkle tree of balances at one
//! time, or NFTs are the conditions to choose.
//!
//! [`asked`] makes the calls, [`evaluate`] is pure.

use crate::transfer::ledger;
use cairn_events::{Amount, Principal};
use cairn_kit::api::distribution::{
    Condition, DistributionError, DistributionRequestError as Request, DistributionTemporaryError as Temporary,
    Eligibility, Logic,
};
use candid::Nat;

/// Most NFTs that one registration names.
pub const MAX_NAMED: usize = 50;

/// An NFT: collection and id.
pub type Nft = (Principal, u128);

/// What is known about one condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// It holds, by means of these NFTs, which serve no one else.
    Holds(Vec<Nft>),
    /// It does not.
    Fails(String),
    /// A canister did not answer.
    Unknown(Principal, String),
    /// It was not asked for: another condition was enough.
    NotAsked,
}

/// The conditions of an eligibility, and how they go together.
pub fn conditions(eligibility: &Eligibility) -> (Logic, &[Condition]) {
    match eligibility {
        Eligibility::Open => (Logic::And, &[]),
        Eligibility::If(condition) => (Logic::And, std::slice::from_ref(condition)),
        Eligibility::Hybrid { logic, conditions } => (*logic, conditions),
    }
}

/// Whether the facts suffice, and which NFTs are used up by it.
///
/// # Errors
/// Not eligible, or not known yet.
pub fn evaluate(logic: Logic, facts: &[Fact]) -> Result<Vec<Nft>, DistributionError> {
    let mut used = Vec::new();
    let (mut failed, mut unknown) = (None, None);
    for fact in facts {
        match fact {
            Fact::Holds(nfts) if logic == Logic::Or => return Ok(nfts.clone()),
            Fact::Holds(nfts) => used.extend(nfts),
            Fact::Fails(why) => failed = Some(why),
            Fact::Unknown(canister, detail) => unknown = Some((canister, detail)),
            Fact::NotAsked => {}
        }
    }
    let unreachable = unknown.map(|(canister, detail)| {
        DistributionError::from(Temporary::Unreachable { canister: *canister, detail: detail.clone() })
    });
    let refused = failed.map(|why| DistributionError::from(Request::NotEligible { condition: why.clone() }));
    // A condition that fails decides where all must hold; where one is enough, one that is not known may still hold.
    let first = if logic == Logic::And { refused.or(unreachable) } else { unreachable.or(refused) };
    first.map_or(Ok(used), Err)
}

/// Asks what the conditions need, and no more. What is known here is looked at first: nobody can make calls who fails by
/// it, and no NFT is used up by somebody on the whitelist whom that is enough for.
pub async fn asked(
    who: Principal,
    logic: Logic,
    conditions: &[Condition],
    whitelisted: bool,
    nfts: &[Nft],
) -> Vec<Fact> {
    let mut facts: Vec<Fact> = conditions.iter().map(|condition| known(condition, whitelisted, nfts)).collect();
    for (place, condition) in conditions.iter().enumerate() {
        let decided = facts.iter().any(|fact| match logic {
            Logic::Or => matches!(fact, Fact::Holds(_)),
            Logic::And => matches!(fact, Fact::Fails(_)),
        });
        if decided {
            break;
        }
        if let Some(fact @ Fact::NotAsked) = facts.get_mut(place) {
            *fact = ask(who, condition, nfts).await;
        }
    }
    facts
}

/// What needs no call.
fn known(condition: &Condition, whitelisted: bool, nfts: &[Nft]) -> Fact {
    match condition {
        Condition::Whitelist if whitelisted => Fact::Holds(Vec::new()),
        Condition::Whitelist => Fact::Fails("not on the whitelist".to_owned()),
        Condition::NftHolder { collection, count } => match chosen(*collection, *count, nfts).len() {
            found if found < *count as usize => {
                Fact::Fails(format!("{found} NFTs of {collection} named, {count} needed"))
            }
            _ => Fact::NotAsked,
        },
        Condition::TokenHolder { .. } => Fact::NotAsked,
    }
}

async fn ask(who: Principal, condition: &Condition, nfts: &[Nft]) -> Fact {
    match condition {
        Condition::Whitelist => Fact::NotAsked,
        Condition::TokenHolder { ledger, minimum } => match ledger::balance(*ledger, who).await {
            Ok(balance) => holding(*ledger, balance, *minimum),
            Err(failure) => Fact::Unknown(*ledger, failure.to_string()),
        },
        Condition::NftHolder { collection, count } => {
            let named: Vec<u128> = chosen(*collection, *count, nfts);
            match ledger::owners(*collection, &named).await {
                Ok(owners) => owning(who, *collection, &named, &owners),
                Err(failure) => Fact::Unknown(*collection, failure.to_string()),
            }
        }
    }
}

/// The NFTs of a collection that serve: as many as are needed, in the order they were named.
pub fn chosen(collection: Principal, count: u32, nfts: &[Nft]) -> Vec<u128> {
    nfts.iter().filter(|(of, _)| *of == collection).map(|(_, id)| *id).take(count as usize).collect()
}

fn holding(ledger: Principal, balance: Amount, minimum: Amount) -> Fact {
    if balance >= minimum {
        return Fact::Holds(Vec::new());
    }
    Fact::Fails(format!("{balance} held at {ledger}, {minimum} needed"))
}

fn owning(who: Principal, collection: Principal, ids: &[u128], owners: &[Option<Principal>]) -> Fact {
    match ids.iter().zip(owners).find(|(_, owner)| **owner != Some(who)) {
        Some((id, _)) => Fact::Fails(format!("NFT {id} of {collection} is not the caller's")),
        None => Fact::Holds(ids.iter().map(|id| (collection, *id)).collect()),
    }
}

/// The NFTs that a registration names, each once.
///
/// # Errors
/// Too many, one twice, or an id beyond 128 bits.
pub fn named(nfts: &[(Principal, Nat)]) -> Result<Vec<Nft>, DistributionError> {
    let invalid = |problem: String| Request::Invalid { field: "nfts".to_owned(), problem };
    if nfts.len() > MAX_NAMED {
        return Err(invalid(format!("{}; at most {MAX_NAMED}", nfts.len())).into());
    }
    let mut named: Vec<Nft> = Vec::with_capacity(nfts.len());
    for (collection, id) in nfts {
        let id = u128::try_from(&id.0).map_err(|_| invalid("an id beyond 128 bits".to_owned()))?;
        if named.contains(&(*collection, id)) {
            return Err(invalid(format!("{id} of {collection} is there twice")).into());
        }
        named.push((*collection, id));
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_kit::runtime::CallFailure;
    use cairn_kit::runtime::testing::{Network, run};
    use icrc_ledger_types::icrc1::account::Account;

    fn id(n: u8) -> Principal {
        Principal::from_slice(&[n, 1, 1])
    }

    fn holds() -> Fact {
        Fact::Holds(vec![(id(1), 7)])
    }

    fn fails() -> Fact {
        Fact::Fails("no".to_owned())
    }

    fn unknown() -> Fact {
        Fact::Unknown(id(1), "silence".to_owned())
    }

    /// W: token holder, NFT holder and hybrid eligibility always passed.
    #[test]
    fn conditions_go_together_as_they_say() {
        let used = vec![(id(1), 7)];
        assert_eq!(evaluate(Logic::And, &[]), Ok(vec![]));
        assert_eq!(evaluate(Logic::And, &[holds(), holds()]).unwrap().len(), 2);
        assert_eq!(evaluate(Logic::Or, &[fails(), holds(), Fact::NotAsked]), Ok(used));
        let refused = |result| matches!(result, Err(DistributionError::Request(Request::NotEligible { .. })));
        let open = |result| matches!(result, Err(DistributionError::Temporary(Temporary::Unreachable { .. })));
        assert!(refused(evaluate(Logic::And, &[holds(), fails()])));
        assert!(refused(evaluate(Logic::And, &[unknown(), fails()])));
        assert!(open(evaluate(Logic::And, &[holds(), unknown()])));
        assert!(refused(evaluate(Logic::Or, &[fails(), fails()])));
        assert!(open(evaluate(Logic::Or, &[fails(), unknown()])));
        assert_eq!(evaluate(Logic::Or, &[unknown(), holds()]).unwrap().len(), 1);
    }

    #[test]
    fn balances_and_owners_are_asked_and_no_more_than_needed() {
        let (ledger, collection, who) = (id(1), id(2), id(9));
        let network = Network::install();
        let balance = |balance: u64| move |_: &_| Ok(candid::encode_one(Nat::from(balance)).unwrap());
        let tokens = Condition::TokenHolder { ledger, minimum: Amount(100) };
        let nfts = Condition::NftHolder { collection, count: 1 };
        let both = [tokens.clone(), nfts.clone()];

        network.answer(balance(100));
        let facts = run(asked(who, Logic::Or, &both, false, &[(collection, 3)]));
        assert_eq!(facts, [Fact::Holds(vec![]), Fact::NotAsked]);

        let strangers = [tokens.clone(), Condition::Whitelist];
        let facts = run(asked(who, Logic::And, &strangers, false, &[]));
        assert!(matches!(facts.as_slice(), [Fact::NotAsked, Fact::Fails(_)]), "no call for a stranger: {facts:?}");
        let either = [nfts, Condition::Whitelist];
        let facts = run(asked(who, Logic::Or, &either, true, &[(collection, 3)]));
        assert_eq!(facts, [Fact::NotAsked, Fact::Holds(vec![])], "no NFT is used up in vain");

        network.answer(balance(99));
        let facts = run(asked(who, Logic::And, &both, false, &[(collection, 3)]));
        assert!(matches!(facts.as_slice(), [Fact::Fails(_), Fact::NotAsked]), "{facts:?}");

        network.answer(move |request| {
            assert_eq!((request.to, request.method), (collection, "icrc7_owner_of"));
            Ok(candid::encode_one(vec![Some(Account::from(who))]).unwrap())
        });
        let named = [(ledger, 1), (collection, 3), (collection, 4)];
        assert_eq!(run(asked(who, Logic::And, &both[1..], false, &named)), [Fact::Holds(vec![(collection, 3)])]);

        network.answer(move |_| Ok(candid::encode_one(vec![Some(Account::from(ledger))]).unwrap()));
        assert!(matches!(run(asked(who, Logic::And, &both[1..], false, &named)).as_slice(), [Fact::Fails(_)]));
        network.answer(|_| Err(CallFailure::rejected(5, "trap")));
        assert!(matches!(run(asked(who, Logic::And, &both[1..], false, &named)).as_slice(), [Fact::Unknown(..)]));
        assert!(matches!(run(asked(who, Logic::And, &both[1..], false, &[])).as_slice(), [Fact::Fails(_)]));
        assert_eq!(network.sent().len(), 5);
        assert_eq!(run(asked(who, Logic::And, &[Condition::Whitelist], true, &[])), [Fact::Holds(vec![])]);
    }

    #[test]
    fn an_nft_is_named_once() {
        let nft = |n: u64| (id(2), Nat::from(n));
        assert_eq!(named(&[nft(1), nft(2)]).unwrap(), [(id(2), 1), (id(2), 2)]);
        assert!(named(&[nft(1), nft(1)]).is_err());
        assert!(named(&[(id(2), Nat::from(u128::MAX) + 1u8)]).is_err());
        assert!(named(&(0..51).map(nft).collect::<Vec<_>>()).is_err());
    }
}
