//! Certificates and hash trees: CBOR of which each has exactly one accepted encoding.
//!
//! Accepted is what the network and our canisters write: the self-describing tag, definite lengths in their shortest
//! form, the keys of a certificate in the order tree, signature, delegation. Source: Internet Computer interface
//! specification, "Certification" and its CDDL. Depth is bounded, so that no input exhausts the stack.

use cairn_events::Principal;
use ic_certification::hash_tree::{empty, fork, label, leaf, pruned};
use ic_certification::{Certificate, Delegation, HashTree};

/// The tag that says "this is CBOR".
const SELF_DESCRIBED: [u8; 3] = [0xd9, 0xd9, 0xf7];
/// Nodes below one another: a balanced tree over all canisters of a subnet has some thirty.
const MAX_DEPTH: u32 = 128;

const UNSIGNED: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;

/// Why bytes are not the encoding of a hash tree or a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// The tag is missing.
    #[error("the self-describing tag is missing")]
    Tag,
    /// The bytes end too early.
    #[error("cut short")]
    Short,
    /// Bytes that belong to nothing.
    #[error("bytes after the end")]
    Trailing,
    /// Something else stands where this was expected.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A number or length in more bytes than it needs, or of unknown form.
    #[error("a number is not in its shortest form")]
    NotShortest,
    /// Too deep.
    #[error("nested deeper than {MAX_DEPTH}")]
    Depth,
}

/// Reads a hash tree.
pub fn hash_tree(bytes: &[u8]) -> Result<HashTree, CborError> {
    let mut decoder = Decoder::new(bytes)?;
    let tree = decoder.tree(0)?;
    decoder.end(tree)
}

/// Reads a certificate. That of a delegation is checked as well, and has itself none.
pub fn certificate(bytes: &[u8]) -> Result<Certificate, CborError> {
    let certificate = shallow_certificate(bytes)?;
    if let Some(delegation) = &certificate.delegation
        && shallow_certificate(&delegation.certificate)?.delegation.is_some()
    {
        return Err(CborError::Expected("a certificate without a second delegation"));
    }
    Ok(certificate)
}

/// Reads a list of ranges of canisters, first and last of each.
pub fn ranges(bytes: &[u8]) -> Result<Vec<(Principal, Principal)>, CborError> {
    let mut decoder = Decoder::new(bytes)?;
    let count = decoder.head(ARRAY, "a list of ranges")?;
    // The count is not believed: no memory is set aside for it.
    let mut ranges = Vec::new();
    for _ in 0..count {
        if decoder.head(ARRAY, "first and last of a range")? != 2 {
            return Err(CborError::Expected("first and last of a range"));
        }
        ranges.push((decoder.principal()?, decoder.principal()?));
    }
    decoder.end(ranges)
}

fn shallow_certificate(bytes: &[u8]) -> Result<Certificate, CborError> {
    let mut decoder = Decoder::new(bytes)?;
    let entries = decoder.head(MAP, "a map of 2 or 3 entries")?;
    if !(2..=3).contains(&entries) {
        return Err(CborError::Expected("a map of 2 or 3 entries"));
    }
    decoder.key("tree")?;
    let tree = decoder.tree(0)?;
    decoder.key("signature")?;
    let signature = decoder.bytes()?;
    let delegation = if entries == 3 { Some(decoder.delegation()?) } else { None };
    decoder.end(Certificate { tree, signature, delegation })
}

struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, CborError> {
        bytes.strip_prefix(&SELF_DESCRIBED).map(|rest| Decoder { rest }).ok_or(CborError::Tag)
    }

    fn end<T>(self, value: T) -> Result<T, CborError> {
        if self.rest.is_empty() { Ok(value) } else { Err(CborError::Trailing) }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], CborError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(CborError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The argument of an item of type `major`.
    fn head(&mut self, major: u8, expected: &'static str) -> Result<u64, CborError> {
        let initial = self.take(1)?.first().copied().ok_or(CborError::Short)?;
        if initial >> 5 != major {
            return Err(CborError::Expected(expected));
        }
        let (length, least) = match initial & 0x1f {
            small @ 0..=23 => return Ok(u64::from(small)),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            _ => return Err(CborError::NotShortest),
        };
        let value = self.take(length)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        if value < least { Err(CborError::NotShortest) } else { Ok(value) }
    }

    fn bytes(&mut self) -> Result<Vec<u8>, CborError> {
        let length = self.head(BYTES, "bytes")?;
        self.take(usize::try_from(length).map_err(|_| CborError::Short)?).map(<[u8]>::to_vec)
    }

    fn principal(&mut self) -> Result<Principal, CborError> {
        Principal::try_from_slice(&self.bytes()?).map_err(|_| CborError::Expected("a principal"))
    }

    fn key(&mut self, name: &'static str) -> Result<(), CborError> {
        let length = self.head(TEXT, name)?;
        let found = self.take(usize::try_from(length).map_err(|_| CborError::Short)?)?;
        if found == name.as_bytes() { Ok(()) } else { Err(CborError::Expected(name)) }
    }

    fn delegation(&mut self) -> Result<Delegation, CborError> {
        self.key("delegation")?;
        if self.head(MAP, "a map of 2 entries")? != 2 {
            return Err(CborError::Expected("a map of 2 entries"));
        }
        self.key("subnet_id")?;
        let subnet_id = self.bytes()?;
        self.key("certificate")?;
        let certificate = self.bytes()?;
        Ok(Delegation { subnet_id, certificate })
    }

    fn tree(&mut self, depth: u32) -> Result<HashTree, CborError> {
        if depth > MAX_DEPTH {
            return Err(CborError::Depth);
        }
        let items = self.head(ARRAY, "a node of a hash tree")?;
        let kind = self.head(UNSIGNED, "the kind of a node")?;
        match (kind, items) {
            (0, 1) => Ok(empty()),
            (1, 3) => {
                let left = self.tree(depth + 1)?;
                Ok(fork(left, self.tree(depth + 1)?))
            }
            (2, 3) => {
                let name = self.bytes()?;
                Ok(label(name, self.tree(depth + 1)?))
            }
            (3, 2) => Ok(leaf(self.bytes()?)),
            (4, 2) => {
                let digest: [u8; 32] =
                    self.bytes()?.try_into().map_err(|_| CborError::Expected("a digest of 32 bytes"))?;
                Ok(pruned(digest))
            }
            _ => Err(CborError::Expected("a node of a hash tree")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn deep_nesting_is_refused_without_recursion() {
        let deep = [vec![0xd9, 0xd9, 0xf7], [0x83, 1].repeat(1_000_000)].concat();
        assert_eq!(hash_tree(&deep), Err(CborError::Depth));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_bytes_make_it_panic(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = hash_tree(&noise);
            let _ = certificate(&[SELF_DESCRIBED.to_vec(), noise].concat());
        }
    }
}
