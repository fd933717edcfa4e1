//! Hashes of the map keys that our events use, computed when the code is compiled.

use crate::Hash;
use sha2_const_stable::Sha256;

macro_rules! constant_keys {
    ($($key:literal)*) => {
        /// The hash of a map key: a constant for the keys of our events, computed for others.
        pub(super) fn hash(key: &str) -> Hash {
            match key {
                $($key => {
                    const HASH: [u8; 32] = Sha256::new().update($key.as_bytes()).finalize();
                    Hash(HASH)
                })*
                other => Hash::of(&[other.as_bytes()]),
            }
        }

        /// Whether the hash of `key` is a constant. Every key of every kind of event should be.
        pub fn is_constant(key: &str) -> bool {
            matches!(key, $($key)|*)
        }
    };
}

constant_keys! {
    // The envelope, and blocks of ICRC-1, ICRC-2 and ICRC-3.
    "phash" "btype" "ts" "v" "log" "idx" "stream" "sver" "actor" "src" "sseq" "corr" "cause" "links" "tx"
    "op" "amt" "fee" "from" "to" "spender" "memo" "expected_allowance" "expires_at" "fee_col" "fee_col_block"
    // Payload fields.
    "installer" "money_writer" "seed" "canister" "writer" "role" "module_hash" "version" "admin" "service" "enabled"
    "ledger" "price" "ledger_fee" "treasury" "maintenance" "projection" "checkpoint" "checkpoint_hash" "served"
    "rebuilt" "equal" "method" "caller" "reason" "code" "detail" "digest" "deployment" "owner" "args" "billing"
    "template" "factory" "attempt" "contract" "effect" "transfer" "created_at" "block" "evidence" "cycles" "intent"
    "args_hash" "controllers" "name" "symbol" "public" "epoch" "seq" "notification" "holder_added" "holder_removed"
    "size" "instructions" "principal" "subaccount" "dispatch_version" "decimals" "supply" "request"
    "max_price" "amount" "auditor" "until" "index" "commitment" "question" "answer" "scope" "count" "complete_from"
    "complete_until" "changes" "hash" "keep" "range" "capacity" "number" "archive"
    "signer_added" "signer_removed" "observer_added" "observer_removed" "recipient_added" "recipient_removed"
    "participant_added" "participant_removed" "member_added" "member_removed" "proposal_created" "mint" "burn"
    "visibility_changed" "status_changed" "proposal" "proposer" "token"
    "channel" "upgrades_from" "interface" "source_commit" "notes" "foreign"
    "consent" "forced" "rollout" "snapshot" "canary" "wave" "max_failures" "state" "floor"
    "accepted" "found" "known"
}
