//! Identifiers as text, without allocations: every event has such a text, where it is stored and where it is hashed.

use crate::Hash;
use candid::Principal;

/// The digits of base 32 (RFC 4648, in lower case), in which principals are written.
const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// The longest principal as text: 53 digits, in groups of five.
const MAX_PRINCIPAL: usize = 63;

/// ASCII text of at most `N` bytes. What is beyond is left out.
#[derive(Clone, Copy, Debug)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    /// This text, to begin with.
    pub fn of(begin: &str) -> Self {
        let mut text = Text { bytes: [0; N], length: 0 };
        text.push(begin.as_bytes());
        text
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// With the digits of a hash at its end.
    pub fn with_hash(mut self, hash: &Hash) -> Self {
        self.push(hash.hex().as_flattened());
        self
    }

    /// With a principal at its end, as [`Principal::to_text`] has it: base 32 of checksum and bytes, in groups.
    pub fn with_principal(mut self, id: &Principal) -> Self {
        let checksum = crc32fast::hash(id.as_slice()).to_be_bytes();
        let (mut bits, mut held, mut digits) = (0_u32, 0, 0);
        for byte in checksum.iter().chain(id.as_slice()) {
            (bits, held) = (bits << 8 | u32::from(*byte), held + 8);
            while held >= 5 {
                held -= 5;
                self.push_digit(bits >> held, &mut digits);
            }
        }
        if held > 0 {
            self.push_digit(bits << (5 - held), &mut digits);
        }
        self
    }

    /// Adds the digit that the last five bits are, after so many.
    fn push_digit(&mut self, bits: u32, digits: &mut u32) {
        if *digits == 5 {
            self.push(b"-");
            *digits = 0;
        }
        *digits += 1;
        self.push(&[DIGITS.get(bits as usize & 31).copied().unwrap_or_default()]);
    }

    fn push(&mut self, text: &[u8]) {
        let end = self.length + text.len();
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(text);
            self.length = end;
        }
    }
}

/// The principal that is written so, and not otherwise.
pub fn principal(text: &str) -> Option<Principal> {
    let mut bytes = [0; 4 + Principal::MAX_LENGTH_IN_BYTES];
    let (mut bits, mut held, mut length) = (0_u32, 0, 0);
    for digit in text.bytes().filter(|digit| *digit != b'-') {
        let value = match digit {
            b'a'..=b'z' => digit - b'a',
            b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        (bits, held) = (bits << 5 | u32::from(value), held + 5);
        if held >= 8 {
            held -= 8;
            *bytes.get_mut(length)? = (bits >> held) as u8;
            length += 1;
        }
    }
    // Checksum, dashes and bits left over are right if they are as we write them.
    let id = Principal::try_from_slice(bytes.get(4..length)?).ok()?;
    (Text::<MAX_PRINCIPAL>::of("").with_principal(&id).as_str() == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn principals_are_written_and_read_as_everyone_does(bytes in prop::collection::vec(any::<u8>(), 0..=29)) {
            let id = Principal::from_slice(&bytes);
            let text = id.to_text();
            let written = Text::<MAX_PRINCIPAL>::of("").with_principal(&id);
            prop_assert_eq!(written.as_str(), text.as_str());
            prop_assert_eq!(principal(&text), Some(id));
        }

        #[test]
        fn other_texts_are_no_principals(
            bytes in prop::collection::vec(any::<u8>(), 0..=29),
            place: prop::sample::Index,
            other in "[a-z2-7A-Z0-]",
        ) {
            let mut text = Principal::from_slice(&bytes).to_text();
            let place = place.index(text.len());
            text.replace_range(place..=place, &other);
            prop_assert_eq!(principal(&text), Principal::from_text(&text).ok().filter(|id| id.to_text() == text));
        }
    }
}
