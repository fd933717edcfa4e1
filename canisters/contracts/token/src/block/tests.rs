use super::*;
use crate::ledger::fixtures::{START, account, minter};
use crate::memory::Memories;
use cairn_events::codec;
use ic_stable_structures::DefaultMemoryImpl;
use icrc_ledger_types::icrc::generic_value::ICRC3Value;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn transaction(operation: Operation) -> Transaction {
    Transaction {
        operation,
        from: Some(account(1)),
        to: Some(Account { owner: account(2).owner, subaccount: Some([7; 32]) }),
        spender: None,
        amount: Amount(1_000_000),
        fee: None,
        expected_allowance: None,
        expires_at: None,
        memo: Some(ByteBuf::from(*b"golden")),
        created_at: Some(Timestamp(START.0 - 5)),
    }
}

/// One block of each type, with every field that it can have.
fn examples() -> [(BlockType, Block); 5] {
    let spender = Some(account(3));
    let transactions = [
        Transaction { from: None, ..transaction(Operation::Mint) },
        Transaction { to: None, spender, ..transaction(Operation::Burn) },
        transaction(Operation::Transfer),
        Transaction { spender, fee: Some(Amount(10_000)), ..transaction(Operation::Transfer) },
        Transaction {
            to: None,
            spender,
            expected_allowance: Some(Amount(u128::MAX)),
            expires_at: Some(Timestamp(u64::MAX)),
            ..transaction(Operation::Approve)
        },
    ];
    transactions.map(|transaction| {
        let is_transfer = transaction.operation == Operation::Transfer;
        let block = Block {
            parent: Some(Hash::of(&[b"parent"])),
            block_type: transaction.block_type(),
            timestamp: START,
            fee: (is_transfer && transaction.fee.is_none()).then_some(Amount(10_000)),
            fee_collector: is_transfer.then_some(minter()),
            transaction,
        };
        (block.block_type, block)
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hashes and stored forms never change: what was written is there for ever. Each line of the file is a block's type,
/// hash and stored form; `RECORD_GOLDEN_BLOCKS=1` writes it, which only a new type of block may call for.
#[test]
fn golden_hashes_and_encodings() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/blocks.txt");
    let lines = examples().map(|(block_type, block)| {
        let stored = codec::encode(&block);
        format!("{block_type:?} {} {}\n", block.hash().unwrap(), hex(&stored))
    });
    if std::env::var_os("RECORD_GOLDEN_BLOCKS").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).unwrap();
        std::fs::write(path, lines.concat()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), lines.concat());
}

#[test]
fn a_transfer_has_the_shape_of_the_standard() {
    let [_, _, (_, block), _, _] = examples();
    let Value::Map(entries) = block.to_value().unwrap() else { panic!("a block is a map") };
    let keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["phash", "btype", "ts", "fee", "fee_col", "tx"]);
    let value = block.to_value().unwrap();
    assert_eq!(value.get("btype"), Some(&Value::text("1xfer")));
    let tx = value.get("tx").unwrap();
    assert_eq!(tx.get("op"), Some(&Value::text("xfer")));
    assert_eq!(tx.get("amt"), Some(&Value::Nat(1_000_000)));
    assert_eq!(tx.get("from"), Some(&Value::Array(vec![Value::blob(account(1).owner.as_slice())])));
    let to = vec![Value::blob(account(2).owner.as_slice()), Value::blob([7; 32])];
    assert_eq!(tx.get("to"), Some(&Value::Array(to)));
    assert_eq!(tx.get("memo"), Some(&Value::blob(*b"golden")));
    assert_eq!(tx.get("ts"), Some(&Value::Nat(u128::from(START.0 - 5))));
    assert_eq!(tx.get("spender"), None);
}

/// The reference implementation of the value hash, on the same value.
fn reference(value: &Value) -> ICRC3Value {
    match value {
        Value::Nat(n) => ICRC3Value::Nat((*n).into()),
        Value::Text(text) => ICRC3Value::Text(text.clone()),
        Value::Blob(bytes) => ICRC3Value::Blob(bytes.clone()),
        Value::Array(items) => ICRC3Value::Array(items.iter().map(reference).collect()),
        Value::Map(entries) => {
            ICRC3Value::Map(entries.iter().map(|(key, value)| (key.clone(), reference(value))).collect())
        }
    }
}

fn arb_account() -> impl Strategy<Value = Account> {
    let subaccount = prop::option::of(any::<[u8; 32]>());
    (prop::collection::vec(any::<u8>(), 0..=29), subaccount)
        .prop_map(|(owner, subaccount)| Account { owner: candid::Principal::from_slice(&owner), subaccount })
}

fn arb_amount() -> impl Strategy<Value = Amount> {
    prop_oneof![Just(Amount(0)), Just(Amount(u128::MAX)), any::<u64>().prop_map(|n| Amount(n.into()))]
}

prop_compose! {
    fn arb_block()(
        operation in prop_oneof![
            Just(Operation::Mint), Just(Operation::Burn), Just(Operation::Transfer), Just(Operation::Approve)
        ],
        accounts in [prop::option::of(arb_account()), prop::option::of(arb_account()), prop::option::of(arb_account())],
        amount in arb_amount(),
        amounts in [prop::option::of(arb_amount()), prop::option::of(arb_amount()), prop::option::of(arb_amount())],
        times in [prop::option::of(any::<u64>()), prop::option::of(any::<u64>())],
        memo in prop::option::of(prop::collection::vec(any::<u8>(), 0..80)),
        parent in prop::option::of(any::<[u8; 32]>()),
        timestamp in any::<u64>(),
    ) -> Block {
        let [from, to, spender] = accounts;
        let [fee, charged, expected_allowance] = amounts;
        let [expires_at, created_at] = times.map(|time| time.map(Timestamp));
        let memo = memo.map(ByteBuf::from);
        let transaction = Transaction {
            operation, from, to, spender, amount, fee, expected_allowance, expires_at, memo, created_at,
        };
        Block {
            parent: parent.map(Hash),
            block_type: transaction.block_type(),
            timestamp: Timestamp(timestamp),
            fee: charged,
            fee_collector: from,
            transaction,
        }
    }
}

proptest! {
    #[test]
    fn blocks_survive_storage_and_hash_as_the_reference_does(block in arb_block()) {
        let stored = codec::encode(&block);
        let read: Block = codec::decode(&stored).unwrap();
        // Equality of accounts ignores how the default subaccount is written; the value does not.
        prop_assert_eq!(read.to_value().unwrap(), block.to_value().unwrap());
        let value = block.to_value().unwrap();
        prop_assert_eq!(block.hash().unwrap(), value.hash());
        prop_assert_eq!(block.hash().unwrap().0, reference(&value).hash());
    }

    #[test]
    fn fingerprints_differ_whenever_transactions_do(a in arb_block(), b in arb_block()) {
        let (a, b) = (a.transaction, b.transaction);
        prop_assert_eq!(fingerprint(&a), fingerprint(&a.clone()));
        prop_assert_eq!(fingerprint(&a) == fingerprint(&b), a == b);
    }
}

#[test]
fn the_default_subaccount_written_out_is_another_transaction() {
    let short = Transaction { to: Some(account(2)), ..transaction(Operation::Transfer) };
    let long =
        Transaction { to: Some(Account { owner: account(2).owner, subaccount: Some([0; 32]) }), ..short.clone() };
    assert_ne!(fingerprint(&short), fingerprint(&long));
}

#[test]
fn the_log_chains_and_finds_its_tip_again() {
    let memories = Memories::new(DefaultMemoryImpl::default());
    let mut log = BlockLog::open(&memories);
    assert_eq!(log.compute_tip().unwrap(), None);
    let mut tip: Option<Tip> = None;
    for (_, block) in examples() {
        let block = Block { parent: tip.map(|tip| tip.hash), ..block };
        tip = Some(log.append(&block).unwrap());
    }
    let log = BlockLog::open(&memories);
    assert_eq!(log.len(), 5);
    assert_eq!(log.compute_tip().unwrap(), tip);
    for index in 1..5 {
        let (parent, _) = log.get(BlockIndex(index - 1)).unwrap().unwrap();
        let (child, _) = log.get(BlockIndex(index)).unwrap().unwrap();
        assert_eq!(child.parent, Some(parent.hash().unwrap()));
    }
    assert!(log.get(BlockIndex(5)).unwrap().is_none());
}

/// The tree by hand, from the interface specification: domain separators, labels, leaves.
#[test]
fn the_certified_root_is_that_of_the_standard() {
    let separated = |domain: &str, parts: &[&[u8]]| -> [u8; 32] {
        let mut sha = Sha256::new();
        sha.update([domain.len() as u8]);
        sha.update(domain);
        parts.iter().for_each(|part| sha.update(part));
        sha.finalize().into()
    };
    let tip = Tip { index: BlockIndex(300), hash: Hash([5; 32]) };
    let hash = separated("ic-hashtree-labeled", &[b"last_block_hash", &separated("ic-hashtree-leaf", &[&[5; 32]])]);
    let index = separated("ic-hashtree-labeled", &[b"last_block_index", &separated("ic-hashtree-leaf", &[&[0xac, 2]])]);
    assert_eq!(certified_root(Some(tip)), separated("ic-hashtree-fork", &[&hash, &index]));
    assert_eq!(certified_root(None), separated("ic-hashtree-empty", &[]));
    let encoded = encode_tree(Some(tip));
    assert_eq!(encoded.get(..3), Some(&[0xd9, 0xd9, 0xf7][..]), "the tag that says: this is CBOR");
    let tree: ic_certification::HashTree = codec::decode_trusted(&encoded).unwrap();
    assert_eq!(tree.digest(), certified_root(Some(tip)));
}
