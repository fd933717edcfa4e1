//! One encoding per event, and nothing else decodes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod payloads;

use cairn_events::codec::{CodecError, decode, decode_event, decode_payload, encode, encode_event, encode_payload};
use cairn_events::testing::Dice;
use cairn_events::{Amount, Kind};
use payloads::draw::{Fixed, Random};
use payloads::event;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_event_survives_its_encoding(kind in 0..Kind::ALL.len(), seed: u64) {
        let event = event(Kind::ALL[kind], &mut Random(Dice(seed)));
        let decoded = decode_event(&encode_event(&event));
        prop_assert_eq!(decoded.as_ref(), Ok(&event));
        prop_assert_eq!(decode_payload(&encode_payload(&event.payload)), Ok(event.payload));
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(decode_event(&bytes).is_err());
        let _ = decode_payload(&bytes);
    }

    #[test]
    fn damaged_events_never_panic(kind in 0..Kind::ALL.len(), seed: u64, damage in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..8), keep: u16) {
        let mut bytes = encode_event(&event(Kind::ALL[kind], &mut Random(Dice(seed))));
        for (place, byte) in damage {
            let place = usize::from(place) % bytes.len();
            bytes[place] = byte;
        }
        let _ = decode_event(&bytes);
        bytes.truncate(usize::from(keep) % bytes.len());
        prop_assert!(decode_event(&bytes).is_err(), "a shortened event");
    }
}

/// Whatever happens to one byte of a stored event: it is refused, or it is another event with another hash.
#[test]
fn no_altered_byte_goes_unnoticed() {
    for kind in Kind::ALL {
        let original = event(*kind, &mut Fixed::full());
        let (hash, bytes) = (original.hash(), encode_event(&original));
        for place in 0..bytes.len() {
            for flip in [0x01, 0x20, 0x80, 0xff] {
                let mut altered = bytes.clone();
                altered[place] ^= flip;
                if let Ok(event) = decode_event(&altered) {
                    assert_ne!(event.hash(), hash, "{kind:?}: byte {place} xor {flip:#x}");
                }
            }
        }
        for (name, altered) in [("longer", [&bytes[..], &[0]].concat()), ("shorter", bytes[..bytes.len() - 1].to_vec())]
        {
            assert!(decode_event(&altered).is_err(), "{kind:?}: a {name} event");
        }
    }
}

/// An event has one encoding: other spellings of the same content are refused.
#[test]
fn other_spellings_are_refused() {
    let bytes = encode_event(&event(Kind::AdminGranted, &mut Fixed::full()));
    // A map of unknown length, closed by a break.
    let mut indefinite = vec![0xbf];
    indefinite.extend(&bytes[1..]);
    indefinite.push(0xff);
    assert_eq!(decode_event(&indefinite), Err(CodecError::NotCanonical));
    // A tag before it.
    assert_eq!(decode_event(&[&[0xd9, 0xd9, 0xf7], &bytes[..]].concat()), Err(CodecError::NotCanonical));
    // A number in more bytes than it needs.
    assert_eq!(decode::<u64>(&[0x18, 0x05]), Err(CodecError::NotCanonical));
    assert_eq!(decode::<u64>(&encode(&5u64)), Ok(5));
    assert!(decode::<Amount>(&[0x42, 0x00, 0x01]).is_err(), "an amount with a leading zero");
}

#[test]
fn unknown_kinds_and_unknown_fields_are_refused() {
    let payload = encode_payload(&payloads::payload(Kind::AdminGranted, &mut Fixed::full()));
    let mut unknown = payload.clone();
    let at = unknown.windows(5).position(|window| window == b"admin").unwrap();
    unknown[at..at + 5].copy_from_slice(b"nimda");
    assert!(matches!(decode_payload(&unknown), Err(CodecError::Malformed(_))));
    // A field that this version does not know: it would not be written again, so the bytes are not canonical.
    let mut extended = payload;
    let inner = extended.windows(13).position(|window| window == b"admin_granted").unwrap() + 13;
    assert_eq!(extended[inner], 0xa1, "a map of one field");
    extended[inner] = 0xa2;
    extended.extend([0x61, b'x', 0x01]);
    assert!(decode_payload(&extended).is_err());
}

/// Nested as deep as a message can carry: an error, not an exhausted stack, also on a stack as small as a canister's.
#[test]
fn deep_nesting_is_an_error() {
    let attempt = || {
        for byte in [0x81, 0x9f, 0xa1, 0xbf, 0xc6, 0xd8] {
            let bytes = vec![byte; 1_000_000];
            assert!(decode_event(&bytes).is_err());
            assert!(decode_payload(&bytes).is_err());
            let payload = [&b"\xa1\x6dadmin_granted\xa1\x65admin"[..], &bytes].concat();
            assert!(decode_payload(&payload).is_err());
        }
        // Lengths that promise more than any memory holds.
        for head in [0x5b, 0x7b, 0x9b, 0xbb] {
            let bytes = [&[head][..], &[0xff; 8], &[0; 100]].concat();
            assert!(decode_event(&bytes).is_err());
            assert!(decode_payload(&bytes).is_err());
        }
    };
    std::thread::Builder::new().stack_size(512 * 1024).spawn(attempt).unwrap().join().unwrap();
}
