//! Candid as strangers send it: decoded within bounds, since a few bytes can claim to be a list of any length.

use candid::types::value::IDLArgs;
use candid::{CandidType, DecoderConfig};
use serde::de::DeserializeOwned;

/// Work that decoding may cost, per byte: values of unknown types count fifty-fold.
const QUOTA_PER_BYTE: usize = 200;
/// Work that it may cost beside that.
const QUOTA: usize = 1_000_000;

fn config(bytes: &[u8]) -> DecoderConfig {
    let quota = bytes.len().saturating_mul(QUOTA_PER_BYTE).saturating_add(QUOTA);
    let mut config = DecoderConfig::new();
    config.set_decoding_quota(quota).set_skipping_quota(quota);
    config
}

/// Decodes one value, at a cost in proportion to the number of bytes. What follows it is passed over.
///
/// # Errors
/// It costs more, or is of another type.
pub fn decode<T: CandidType + DeserializeOwned>(bytes: &[u8]) -> candid::Result<T> {
    let (value,) = candid::utils::decode_args_with_config(bytes, &config(bytes))?;
    Ok(value)
}

/// As [`decode`], for values of whatever types the bytes say.
///
/// # Errors
/// It costs more, or is no Candid.
pub fn decode_any(bytes: &[u8]) -> candid::Result<IDLArgs> {
    IDLArgs::from_bytes_with_config(bytes, &config(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test may fail

    use super::*;
    use candid::Reserved;

    #[test]
    fn a_short_message_cannot_claim_to_be_long() {
        // A list of 2^62 nulls: alone, and behind a text.
        let length = [[0x80; 8].as_slice(), &[0x40]].concat();
        let alone = [b"DIDL\x01\x6d\x7f\x01\x00".as_slice(), &length].concat();
        let behind = [b"DIDL\x01\x6d\x7f\x02\x71\x00\x01x".as_slice(), &length].concat();
        assert!(decode::<Vec<()>>(&alone).is_err() && decode::<Reserved>(&alone).is_err());
        assert!(decode::<String>(&behind).is_err());
        assert!(decode_any(&alone).is_err() && decode_any(&behind).is_err());
    }

    #[test]
    fn large_values_are_read() {
        let blob = serde_bytes::ByteBuf::from(vec![7; 3 << 20]);
        let words: Vec<String> = (0..50_000).map(|n: u32| n.to_string()).collect();
        let bytes = candid::encode_args((&blob, &words)).unwrap();
        let read = decode::<serde_bytes::ByteBuf>(&bytes).ok();
        assert!(read == Some(blob));
        assert_eq!(decode_any(&bytes).ok().map(|read| read.args.len()), Some(2));
    }
}
