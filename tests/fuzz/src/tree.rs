//! CBOR as a tree, to be changed and written again with every length in place.

/// How deep what is read may be.
const MAX_DEPTH: u32 = 64;
/// Byte strings shorter than this are not looked into.
const MIN_INSIDE: usize = 8;

const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// A data item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A number or a simple value: its major type and argument.
    Plain(u8, u64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A byte string that holds an item.
    Inside(Box<Item>),
    /// Text, which may not be UTF-8.
    Text(Vec<u8>),
    /// A sequence.
    Array(Vec<Item>),
    /// Keys and values, by turns.
    Map(Vec<Item>),
    /// A tag, and what it stands before.
    Tag(u64, Box<Item>),
}

impl Item {
    /// A map whose keys are texts.
    pub fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Item)>) -> Item {
        Item::Map(entries.into_iter().flat_map(|(key, value)| [Item::text(key), value]).collect())
    }

    /// Text.
    pub fn text(text: &str) -> Item {
        Item::Text(text.as_bytes().to_vec())
    }

    /// Bytes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Item {
        Item::Bytes(bytes.into())
    }

    /// Reads one item, all of `bytes`.
    pub fn read(bytes: &[u8]) -> Option<Item> {
        let mut reader = Reader { rest: bytes };
        let item = reader.item(0)?;
        reader.rest.is_empty().then_some(item)
    }

    /// The item, in the shortest form.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_to(&mut out);
        out
    }

    fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Item::Plain(major, argument) => head(out, *major, *argument),
            Item::Bytes(bytes) => string(out, BYTES, bytes),
            Item::Inside(item) => string(out, BYTES, &item.write()),
            Item::Text(text) => string(out, TEXT, text),
            Item::Array(items) => list(out, ARRAY, items.len() as u64, items),
            Item::Map(items) => list(out, MAP, items.len() as u64 / 2, items),
            Item::Tag(tag, item) => {
                head(out, TAG, *tag);
                item.write_to(out);
            }
        }
    }

    /// How many items there are in it, itself included.
    pub fn count(&self) -> u64 {
        1 + self.below().iter().map(Item::count).sum::<u64>()
    }

    /// The item with this number, in the order of writing.
    pub fn nth(&mut self, number: u64) -> Option<&mut Item> {
        let Some(mut left) = number.checked_sub(1) else { return Some(self) };
        for child in self.below_mut() {
            let count = child.count();
            if left < count {
                return child.nth(left);
            }
            left -= count;
        }
        None
    }

    fn below(&self) -> &[Item] {
        match self {
            Item::Array(items) | Item::Map(items) => items,
            Item::Tag(_, item) | Item::Inside(item) => std::slice::from_ref(item),
            _ => &[],
        }
    }

    fn below_mut(&mut self) -> &mut [Item] {
        match self {
            Item::Array(items) | Item::Map(items) => items,
            Item::Tag(_, item) | Item::Inside(item) => std::slice::from_mut(item),
            _ => &mut [],
        }
    }
}

fn head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let initial = major << 5;
    let bytes = argument.to_be_bytes();
    match argument {
        0..24 => out.push(initial | argument as u8),
        24..0x100 => out.extend([&[initial | 24][..], &bytes[7..]].concat()),
        0x100..0x1_0000 => out.extend([&[initial | 25][..], &bytes[6..]].concat()),
        0x1_0000..0x1_0000_0000 => out.extend([&[initial | 26][..], &bytes[4..]].concat()),
        _ => out.extend([&[initial | 27][..], &bytes[..]].concat()),
    }
}

fn string(out: &mut Vec<u8>, major: u8, content: &[u8]) {
    head(out, major, content.len() as u64);
    out.extend_from_slice(content);
}

fn list(out: &mut Vec<u8>, major: u8, count: u64, items: &[Item]) {
    head(out, major, count);
    items.iter().for_each(|item| item.write_to(out));
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take(&mut self, length: u64) -> Option<Vec<u8>> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken.to_vec())
    }

    fn argument(&mut self, initial: u8) -> Option<u64> {
        let length = match initial & 0x1f {
            small @ 0..24 => return Some(u64::from(small)),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return None,
        };
        Some(self.take(length)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn item(&mut self, depth: u32) -> Option<Item> {
        let initial = *self.take(1)?.first()?;
        let argument = self.argument(initial)?;
        if depth > MAX_DEPTH {
            return None;
        }
        Some(match initial >> 5 {
            BYTES => inside(self.take(argument)?),
            TEXT => Item::Text(self.take(argument)?),
            ARRAY => Item::Array(self.items(argument, depth)?),
            MAP => Item::Map(self.items(argument.checked_mul(2)?, depth)?),
            TAG => Item::Tag(argument, Box::new(self.item(depth + 1)?)),
            major => Item::Plain(major, argument),
        })
    }

    fn items(&mut self, count: u64, depth: u32) -> Option<Vec<Item>> {
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(self.item(depth + 1)?);
        }
        Some(items)
    }
}

fn inside(bytes: Vec<u8>) -> Item {
    match Item::read(&bytes) {
        Some(item @ (Item::Map(_) | Item::Array(_) | Item::Tag(..))) if bytes.len() >= MIN_INSIDE => {
            Item::Inside(Box::new(item))
        }
        _ => Item::Bytes(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        let event = cairn_events::codec::encode_event(&cairn_events::testing::story(1, 1).events[3]);
        let item = Item::Tag(55_799, Box::new(Item::Array(vec![Item::Bytes(event), Item::Plain(0, 1 << 40)])));
        let bytes = item.write();
        let mut read = Item::read(&bytes).unwrap();
        assert_eq!(read.write(), bytes);
        assert!(read.count() > 30, "the event inside is seen: {}", read.count());
        assert!((0..read.count()).all(|number| read.nth(number).is_some()));
        assert_eq!(read.nth(read.clone().count()), None);
    }
}
