//! Arguments of methods, as strangers send them: decoded within bounds, since a short message can claim to be long.

use candid::DecoderConfig;
use candid::utils::ArgumentDecoder;

/// Work that decoding may cost, per byte allowed.
const QUOTA_PER_BYTE: usize = 50;

/// Decodes arguments of at most `max` bytes, at a cost in proportion to `max`.
///
/// # Errors
/// They are longer, cost more, or are of other types.
pub fn decode<T: for<'a> ArgumentDecoder<'a>>(bytes: &[u8], max: usize) -> Result<T, String> {
    if bytes.len() > max {
        return Err(format!("{} bytes of arguments, at most {max}", bytes.len()));
    }
    let quota = max.saturating_mul(QUOTA_PER_BYTE);
    let mut config = DecoderConfig::new();
    config.set_decoding_quota(quota).set_skipping_quota(quota).set_full_error_message(false);
    candid::utils::decode_args_with_config(bytes, &config).map_err(|error| format!("malformed arguments: {error}"))
}

/// As [`decode`]; traps where that fails, which rejects the call.
pub fn decode_or_trap<T: for<'a> ArgumentDecoder<'a>>(bytes: &[u8], max: usize) -> T {
    match decode(bytes, max) {
        Ok(arguments) => arguments,
        Err(problem) => ic_cdk::trap(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candid::{Reserved, encode_args};

    #[test]
    fn arguments_are_bounded_in_bytes() {
        let text = "x".repeat(100);
        let bytes = encode_args((7_u64, &text)).unwrap();
        assert_eq!(decode::<(u64, String)>(&bytes, bytes.len()), Ok((7, text)));
        let long = decode::<(u64, String)>(&bytes, bytes.len() - 1).unwrap_err();
        assert!(long.contains("at most"), "{long}");
    }

    #[test]
    fn arguments_are_bounded_in_work() {
        // A list of a hundred million nulls takes a handful of bytes to claim.
        let bomb = b"DIDL\x01\x6d\x7f\x01\x00\x80\xc2\xd7\x2f";
        assert!(decode::<(Vec<()>,)>(bomb, 200).is_err(), "where it is asked for");
        assert!(decode::<(Reserved,)>(bomb, 200).is_err(), "where anything would do");
        assert!(decode::<()>(bomb, 200).is_err(), "where it is passed over");
    }

    #[test]
    fn other_arguments_are_refused() {
        for bytes in [b"".to_vec(), b"DIDL".to_vec(), b"not candid".to_vec(), encode_args(("text",)).unwrap()] {
            let refused = decode::<(u64,)>(&bytes, 200).unwrap_err();
            assert!(refused.starts_with("malformed arguments"), "{refused}");
        }
    }
}
