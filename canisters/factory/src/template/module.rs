//! What a module exports: as much of the format of wasm as that takes.
//!
//! Source: the WebAssembly specification, "Binary Format": modules, sections, exports; and the interface specification of
//! the Internet Computer, "Entry points".

use std::collections::BTreeSet;

/// Bytes before the first section: magic number and version.
pub const HEADER: u64 = 8;
/// The magic number of wasm, and version 1.
const WASM: &[u8] = b"\0asm\x01\0\0\0";
/// The first bytes of gzip with deflate (RFC 1952).
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];
/// The number of the section of exports.
const EXPORTS: u8 = 7;
/// The kind of an export that is a function.
const FUNCTION: u8 = 0;
/// The highest kind of an export: a tag.
const LAST_KIND: u8 = 4;
/// Most sections that are passed over.
const MAX_SECTIONS: usize = 10_000;
/// Most bytes of the section of exports.
const MAX_EXPORTS: u64 = 500_000;

/// Whether bytes begin like a wasm module of version 1, or like one in gzip.
pub fn is_wasm(header: &[u8]) -> bool {
    header.starts_with(WASM) || is_packed(header)
}

/// Whether bytes begin like gzip: what is in there is not looked at.
pub fn is_packed(header: &[u8]) -> bool {
    header.starts_with(&GZIP)
}

/// The module is not as wasm modules are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// The functions that a module of `size` bytes exports, by name; `read` gives bytes of it by offset and length.
///
/// # Errors
/// [`Malformed`], also for one with too many sections or exports, and for one in gzip.
pub fn exports(size: u64, read: impl Fn(u64, u64) -> Vec<u8>) -> Result<BTreeSet<String>, Malformed> {
    if is_packed(&read(0, HEADER.min(size))) {
        return Err(Malformed("packed by gzip: upload it unpacked"));
    }
    let mut offset = HEADER;
    for _ in 0..MAX_SECTIONS {
        if offset >= size {
            return Ok(BTreeSet::new());
        }
        // A number of the section, and at most five bytes for its length.
        let head = read(offset, 6.min(size - offset));
        let mut rest = head.as_slice();
        let section = take_byte(&mut rest)?;
        let length = u64::from(take_number(&mut rest)?);
        let start = offset + (head.len() - rest.len()) as u64;
        offset = start + length;
        if offset > size {
            return Err(Malformed("a section goes beyond the end"));
        }
        if section == EXPORTS {
            if length > MAX_EXPORTS {
                return Err(Malformed("too many exports"));
            }
            return names(&read(start, length));
        }
    }
    Err(Malformed("too many sections"))
}

fn names(mut rest: &[u8]) -> Result<BTreeSet<String>, Malformed> {
    let count = take_number(&mut rest)?;
    let mut names = BTreeSet::new();
    for _ in 0..count {
        let length = take_number(&mut rest)? as usize;
        let (name, after) = rest.split_at_checked(length).ok_or(Malformed("a name goes beyond the end"))?;
        rest = after;
        let name = std::str::from_utf8(name).map_err(|_| Malformed("a name that is no text"))?;
        let kind = take_byte(&mut rest)?;
        take_number(&mut rest)?;
        if kind > LAST_KIND {
            return Err(Malformed("an export of no known kind"));
        }
        if kind == FUNCTION {
            names.insert(name.to_owned());
        }
    }
    if rest.is_empty() { Ok(names) } else { Err(Malformed("more than its exports in their section")) }
}

fn take_byte(rest: &mut &[u8]) -> Result<u8, Malformed> {
    let (byte, after) = rest.split_first().ok_or(Malformed("it ends too early"))?;
    *rest = after;
    Ok(*byte)
}

/// A number of 32 bits in LEB128.
fn take_number(rest: &mut &[u8]) -> Result<u32, Malformed> {
    let mut number = 0_u64;
    for shift in [0, 7, 14, 21, 28] {
        let byte = take_byte(rest)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(number).map_err(|_| Malformed("a number of more than 32 bits"));
        }
    }
    Err(Malformed("a number of more than 32 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(module: &[u8]) -> Result<BTreeSet<String>, Malformed> {
        let read = |offset: u64, length: u64| module[offset as usize..(offset + length) as usize].to_vec();
        exports(module.len() as u64, read)
    }

    fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut module = WASM.to_vec();
        for (number, content) in sections {
            module.extend([*number, content.len() as u8]);
            module.extend(*content);
        }
        module
    }

    #[test]
    fn exports_are_found() {
        let two = b"\x02\x04init\x00\x05\x06memory\x02\x80\x01";
        let expected = Ok(BTreeSet::from(["init".to_owned()]));
        assert_eq!(of(&module(&[(1, b"types"), (7, two), (10, b"code")])), expected);
        assert_eq!(of(&module(&[(0, b"\x04name"), (7, two)])), expected);
        assert_eq!(of(&module(&[(0, b"\x04name")])), Ok(BTreeSet::new()));
        assert_eq!(of(WASM), Ok(BTreeSet::new()));
        assert!(is_wasm(WASM) && !is_packed(WASM) && is_wasm(&GZIP) && is_packed(&GZIP));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let whole = module(&[(0, b"\x04name"), (7, b"\x01\x04init\x00\x05")]);
        for length in 9..whole.len() {
            assert!(of(&whole[..length]).is_err() || length == 15, "{length} bytes");
        }
        for content in [b"".as_slice(), b"\x02\x01a\x00\x00", b"\x01\x09a\x00\x00", b"\x01\x01\xff\x00\x00", &[0x80; 6]]
        {
            assert!(of(&module(&[(7, content)])).is_err(), "{content:?}");
        }
        let packed = [GZIP.as_slice(), &whole].concat();
        assert_eq!(of(&packed), Err(Malformed("packed by gzip: upload it unpacked")));
        assert!(of(&[WASM, &[7, 0xff, 0xff, 0xff, 0xff, 0x0f]].concat()).is_err(), "a length beyond everything");
        assert!(of(&[WASM, &[7, 0xff, 0xff, 0xff, 0xff, 0x7f]].concat()).is_err(), "a length of more than 32 bits");
        assert_eq!(
            of(&[WASM, [0, 0].repeat(MAX_SECTIONS + 1).as_slice()].concat()),
            Err(Malformed("too many sections"))
        );
    }
}
