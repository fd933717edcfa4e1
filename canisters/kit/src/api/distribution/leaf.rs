//! Leaves of Merkle whitelists.

use cairn_events::payload::Account;
use cairn_events::{Amount, Hash, Principal};

/// The input of the leaf that allocates `amount` to `account`: it is good for one canister, one category, one place in
/// the tree, one account and one amount only. Leaves and nodes are hashed as RFC 9162 has it.
pub fn merkle_leaf(canister: Principal, category: u32, index: u64, account: Account, amount: Amount) -> Hash {
    let subaccount = account.subaccount.map_or([0; 32], |subaccount| subaccount.0);
    Hash::of_fields(
        "cairn.distribution.leaf",
        &[
            canister.as_slice(),
            &category.to_be_bytes(),
            &index.to_be_bytes(),
            account.owner.as_slice(),
            &subaccount,
            &amount.0.to_be_bytes(),
        ],
    )
}
