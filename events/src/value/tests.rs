use super::*;

/// The vectors published with the standard (`HASHINGVALUES.md`), but for the one of `Int`, which we do not have.
#[test]
fn published_vectors() {
    let vectors = [
        (Value::Nat(42), "684888c0ebb17f374298b65ee2807526c066094c701bcc7ebbe1c1095f494fc1"),
        (Value::text("Hello, World!"), "dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f"),
        (Value::blob([1, 2, 3, 4]), "9f64a747e1b97f131fabb6b447296c9b6f0201e79fb3c5356e6c77e89b6a806a"),
        (
            Value::Array(vec![Value::Nat(3), Value::text("foo"), Value::blob([5, 6])]),
            "514a04011caa503990d446b7dec5d79e19c221ae607fb08b2848c67734d468d6",
        ),
        (
            Value::Map(vec![
                (
                    "from".into(),
                    Value::blob(
                        *b"\x00\xab\xcd\xef\x00\x12\x34\x00\x56\x78\x9a\x00\xbc\xde\xf0\x00\x01\x23\x45\x67\x89\x00\xab\xcd\xef\x01",
                    ),
                ),
                (
                    "to".into(),
                    Value::blob(
                        *b"\x00\xab\x0d\xef\x00\x12\x34\x00\x56\x78\x9a\x00\xbc\xde\xf0\x00\x01\x23\x45\x67\x89\x00\xab\xcd\xef\x01",
                    ),
                ),
                ("amount".into(), Value::Nat(42)),
                ("created_at".into(), Value::Nat(1_699_218_263)),
                ("memo".into(), Value::Nat(0)),
            ]),
            "c56ece650e1de4269c5bdeff7875949e3e2033f85b2d193c2ff4f7f78bdcfc75",
        ),
    ];
    for (value, expected) in vectors {
        assert_eq!(value.hash().to_string(), expected, "{value:?}");
    }
}

#[test]
fn the_order_of_a_map_does_not_matter() {
    let a = ("ts".to_owned(), Value::Nat(1));
    let b = ("amt".to_owned(), Value::Nat(2));
    assert_eq!(Value::Map(vec![a.clone(), b.clone()]).hash(), Value::Map(vec![b, a]).hash());
}

#[test]
fn constant_key_hashes_are_the_hashes() {
    for key in ["phash", "btype", "tx", "deployment"] {
        assert!(is_constant_key(key));
        assert_eq!(key::hash(key), Hash::of(&[key.as_bytes()]));
    }
    assert!(!is_constant_key("no such key"));
    assert_eq!(key::hash("no such key"), Hash::of(&[b"no such key"]));
}

#[test]
fn leb128_is_shortest() {
    assert_eq!(leb128(0), [0]);
    assert_eq!(leb128(127), [0x7f]);
    assert_eq!(leb128(128), [0x80, 0x01]);
    assert_eq!(leb128(u64::MAX).len(), 10);
    let mut buffer = [0; 19];
    assert_eq!(uleb128(u128::MAX, &mut buffer), 19);
}

#[test]
fn constant_hashes_of_numbers_are_the_hashes() {
    for n in 0..=u64::from(u8::MAX) {
        assert_eq!(hash_nat(u128::from(n)), Hash::of(&[&leb128(n)]), "{n}");
    }
}

#[test]
fn constant_hashes_of_kinds_are_the_hashes() {
    for kind in crate::Kind::ALL {
        assert_eq!(kind.btype_hash(), Value::text(kind.btype()).hash(), "{kind:?}");
    }
}

#[test]
fn signed_numbers_and_floats_are_refused() {
    assert!(to_value(&-1i64).is_err());
    assert!(to_value(&1.0f64).is_err());
}

#[test]
fn the_hash_without_the_value_is_the_hash_of_the_value() {
    #[derive(serde::Serialize)]
    struct Sample {
        phash: crate::Hash,
        amount: crate::Amount,
        none: Option<u64>,
        list: Vec<crate::topic::Service>,
        unknown_key: Result<u8, String>,
    }
    let sample = Sample {
        phash: crate::Hash([9; 32]),
        amount: crate::Amount(1 << 100),
        none: None,
        list: vec![crate::topic::Service::Dao, crate::topic::Service::Token],
        unknown_key: Err("text".into()),
    };
    let value = to_value(&sample).unwrap();
    assert_eq!(value.get("amount"), Some(&Value::Nat(1 << 100)));
    assert_eq!(value.get("none"), None);
    assert_eq!(to_form::<Hashed, _>(&sample).unwrap().0, value.hash());
}
