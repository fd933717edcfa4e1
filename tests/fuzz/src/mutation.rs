//! From valid inputs to others: blindly, byte by byte, and along their structure, so that what is spoiled lies behind
//! lengths and checksums that are in order.

use crate::tree::Item;
use cairn_events::testing::Dice;

/// Longer inputs show nothing new.
const MAX_INPUT: usize = 64 * 1024;
/// Numbers at which things change.
const EDGES: [u64; 16] = [
    0,
    1,
    0x17,
    0x18,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 32,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX,
];

/// The structure of inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// None that is known here.
    Bytes,
    /// CBOR after a head of so many bytes.
    Cbor(usize),
    /// Sections of CBOR, each with its length: of an export, whose head counts the events, or of a part of one.
    Sections {
        /// Whether they are counted.
        counted: bool,
    },
    /// Lines of text.
    Lines,
    /// A wasm module: sections, each with its number and its length.
    Module,
}

/// One of the inputs that follow from a corpus.
pub fn mutate(dice: &mut Dice, shape: Shape, corpus: &[Vec<u8>]) -> Vec<u8> {
    let any = |dice: &mut Dice| corpus[dice.below(corpus.len() as u64) as usize].clone();
    let mut input = any(dice);
    for _ in 0..1 + dice.below(4) {
        let donor = any(dice);
        let structural = if dice.one_in(3) { None } else { along(dice, shape, &input, &donor) };
        match structural {
            Some(changed) => input = changed,
            None => blindly(dice, &mut input, &donor),
        }
        input.truncate(MAX_INPUT);
    }
    input
}

fn along(dice: &mut Dice, shape: Shape, input: &[u8], donor: &[u8]) -> Option<Vec<u8>> {
    match shape {
        Shape::Bytes => None,
        Shape::Cbor(head) => {
            let (before, body) = input.split_at_checked(head)?;
            Some([before, &in_tree(dice, body, donor.get(head..)?)?].concat())
        }
        Shape::Sections { counted } => in_sections(dice, counted, input, donor),
        Shape::Lines => Some(in_lines(dice, input, donor)),
        Shape::Module => in_module(dice, input, donor),
    }
}

/// A range of `length` bytes that is not long.
fn range(dice: &mut Dice, length: usize) -> std::ops::Range<usize> {
    let from = dice.below(length as u64 + 1) as usize;
    let most = if dice.one_in(4) { length } else { 40 };
    let size = dice.below(most as u64 + 1) as usize;
    from..(from + size).min(length)
}

fn noise(dice: &mut Dice, most: u64) -> Vec<u8> {
    (0..dice.below(most) + 1).map(|_| dice.below(256) as u8).collect()
}

/// A number at an edge, or next to it, or any.
fn edge(dice: &mut Dice) -> u64 {
    let edge = EDGES[dice.below(EDGES.len() as u64) as usize];
    match dice.below(4) {
        0 => edge.wrapping_add(1),
        1 => dice.below(u64::MAX),
        _ => edge,
    }
}

fn leb128(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn blindly(dice: &mut Dice, input: &mut Vec<u8>, donor: &[u8]) {
    let here = range(dice, input.len());
    match dice.below(12) {
        0..3 if !input.is_empty() => {
            let at = dice.below(input.len() as u64) as usize;
            input[at] ^= 1 << dice.below(8);
        }
        3 if !input.is_empty() => {
            let at = dice.below(input.len() as u64) as usize;
            input[at] = edge(dice) as u8;
        }
        4 => drop(input.splice(here.start..here.start, noise(dice, 12))),
        5 => drop(input.drain(here)),
        6 => input.truncate(here.start),
        7 => {
            let again = input[here.clone()].to_vec();
            input.splice(here.end..here.end, again);
        }
        8 => {
            let taken = donor[range(dice, donor.len())].to_vec();
            let end = (here.start + taken.len()).min(input.len());
            input.splice(here.start..end, taken);
        }
        9 => {
            let from = range(dice, donor.len()).start;
            input.splice(here.start.., donor[from..].to_vec());
        }
        10 => {
            let (number, width) = (edge(dice), 1 << dice.below(4));
            let bytes = if dice.one_in(2) {
                number.to_le_bytes()[..width].to_vec()
            } else {
                number.to_be_bytes()[8 - width..].to_vec()
            };
            let end = (here.start + width).min(input.len());
            input.splice(here.start..end, bytes);
        }
        11 => {
            let end = (here.start + 1).min(input.len());
            input.splice(here.start..end, leb128(edge(dice)));
        }
        _ => input.extend(noise(dice, 8)),
    }
}

/// Changes one item of a tree.
fn in_tree(dice: &mut Dice, input: &[u8], donor: &[u8]) -> Option<Vec<u8>> {
    let mut tree = Item::read(input)?;
    let count = tree.count();
    let mut donor = Item::read(donor).unwrap_or(Item::Plain(7, 22));
    let donors = donor.count();
    let other = donor.nth(dice.below(donors))?.clone();
    let item = tree.nth(dice.below(count))?;
    spoil(dice, item, other);
    Some(tree.write())
}

fn spoil(dice: &mut Dice, item: &mut Item, other: Item) {
    match item {
        Item::Array(items) | Item::Map(items) if !items.is_empty() && !dice.one_in(4) => {
            let (one, two) = (dice.below(items.len() as u64) as usize, dice.below(items.len() as u64) as usize);
            match dice.below(6) {
                0 => drop(items.remove(one)),
                1 => items.swap(one, two),
                2 => items.insert(one, items[two].clone()),
                3 => items.insert(one, other),
                4 => items.truncate(one),
                _ => items.reverse(),
            }
        }
        Item::Plain(_, number) if !dice.one_in(4) => {
            *number = if dice.one_in(2) { number.wrapping_add(dice.below(3)).wrapping_sub(1) } else { edge(dice) };
        }
        Item::Bytes(bytes) | Item::Text(bytes) if !dice.one_in(4) => {
            let donor = other.write();
            blindly(dice, bytes, &donor);
        }
        Item::Tag(tag, _) if dice.one_in(2) => *tag = edge(dice),
        _ => {
            *item = match dice.below(8) {
                0 => Item::Plain(dice.below(2) as u8, edge(dice)),
                1 => Item::Plain(7, dice.below(24)),
                2 => Item::Bytes(noise(dice, 40)),
                3 => Item::Array(vec![item.clone(); dice.below(4) as usize]),
                4 => (0..dice.below(300)).fold(item.clone(), |inner, _| Item::Array(vec![inner])),
                _ => other,
            }
        }
    }
}

/// The head of sections: magic, version.
const HEAD: usize = 12;
/// Their count behind it, where there is one.
const COUNT: usize = 8;

/// Changes a section, or the order of sections; sometimes the count is not theirs any more.
fn in_sections(dice: &mut Dice, counted: bool, input: &[u8], donor: &[u8]) -> Option<Vec<u8>> {
    let begin = if counted { HEAD + COUNT } else { HEAD };
    let (mut sections, donors) = (sections(input.get(begin..)?)?, sections(donor.get(begin..)?)?);
    let declared = sections.len().checked_sub(2)?;
    let (one, two) = (dice.below(sections.len() as u64) as usize, dice.below(sections.len() as u64) as usize);
    let other = donors.get(dice.below(donors.len() as u64) as usize)?.clone();
    match dice.below(8) {
        0 => drop(sections.remove(one)),
        1 => sections.swap(one, two),
        2 => sections.insert(one, sections[two].clone()),
        3 => sections[one] = other,
        _ => {
            let changed = in_tree(dice, &sections[one], &other);
            sections[one] = changed?;
        }
    }
    let count = if dice.one_in(8) { declared as u64 } else { sections.len().saturating_sub(2) as u64 };
    let mut out = input[..HEAD].to_vec();
    if counted {
        out.extend(count.to_be_bytes());
    }
    for section in sections {
        out.extend((section.len() as u32).to_be_bytes());
        out.extend(section);
    }
    Some(out)
}

fn sections(mut rest: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut sections = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (section, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        sections.push(section.to_vec());
        rest = after;
    }
    (sections.len() >= 2).then_some(sections)
}

/// The head of a module: magic, version.
const MODULE_HEAD: usize = 8;

/// Changes a section of a module, its number, or the order of sections; the lengths are theirs.
fn in_module(dice: &mut Dice, input: &[u8], donor: &[u8]) -> Option<Vec<u8>> {
    let (mut sections, donors) = (numbered_sections(input)?, numbered_sections(donor)?);
    let (one, two) = (dice.below(sections.len() as u64) as usize, dice.below(sections.len() as u64) as usize);
    let (number, content) = donors[dice.below(donors.len() as u64) as usize].clone();
    match dice.below(10) {
        0 => drop(sections.remove(one)),
        1 => sections.swap(one, two),
        2 => sections.insert(one, sections[two].clone()),
        3 => sections.insert(one, (number, content)),
        4 => sections[one].0 = dice.below(16) as u8,
        _ => blindly(dice, &mut sections[one].1, &content),
    }
    let mut out = input[..MODULE_HEAD].to_vec();
    for (number, content) in sections {
        out.push(number);
        out.extend(leb128(content.len() as u64));
        out.extend(content);
    }
    Some(out)
}

fn numbered_sections(module: &[u8]) -> Option<Vec<(u8, Vec<u8>)>> {
    let mut rest = module.get(MODULE_HEAD..)?;
    let mut sections = Vec::new();
    while let Some((number, after)) = rest.split_first() {
        let size = after.iter().position(|byte| byte & 0x80 == 0)? + 1;
        let (length, after) = after.split_at(size);
        let length = length.iter().rev().fold(0_usize, |length, byte| length << 7 | usize::from(byte & 0x7f));
        let (content, after) = after.split_at_checked(length)?;
        sections.push((*number, content.to_vec()));
        rest = after;
    }
    (!sections.is_empty()).then_some(sections)
}

/// Changes a line, a word of it, or the order of lines.
fn in_lines(dice: &mut Dice, input: &[u8], donor: &[u8]) -> Vec<u8> {
    let split = |text: &[u8]| text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (mut lines, donors) = (split(input), split(donor));
    if lines.is_empty() || donors.is_empty() {
        return noise(dice, 40);
    }
    let (one, two) = (dice.below(lines.len() as u64) as usize, dice.below(lines.len() as u64) as usize);
    let other = donors[dice.below(donors.len() as u64) as usize].clone();
    match dice.below(10) {
        0 => drop(lines.remove(one)),
        1 => lines.swap(one, two),
        2 => lines.insert(one, other),
        3 => lines[one] = other,
        4 => lines.insert(one, b"\n".to_vec()),
        _ => lines[one] = in_words(dice, &lines[one], &other),
    }
    lines.concat()
}

fn in_words(dice: &mut Dice, line: &[u8], donor: &[u8]) -> Vec<u8> {
    let ends = |byte: &u8| b" ,:;\"{}[]()\n".contains(byte);
    let split = |line: &[u8]| line.split_inclusive(ends).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (mut words, donors) = (split(line), split(donor));
    if words.is_empty() || donors.is_empty() {
        return noise(dice, 20);
    }
    let one = dice.below(words.len() as u64) as usize;
    let two = one + dice.below(5).min((words.len() - one - 1) as u64) as usize;
    let end = words[one].last().copied().filter(ends);
    let with_end = |word: Vec<u8>| word.into_iter().chain(end).collect::<Vec<u8>>();
    match dice.below(8) {
        0 => drop(words.remove(one)),
        1 => words[one] = donors[dice.below(donors.len() as u64) as usize].clone(),
        2 => words[one] = with_end(edge(dice).to_string().into_bytes()),
        3 => words[one] = with_end(words[one].to_ascii_uppercase()),
        4 => {
            words[one] = with_end(
                [b"null".to_vec(), b"[]".to_vec(), b"{}".to_vec(), b"-1".to_vec(), b"1e9".to_vec()]
                    [dice.below(5) as usize]
                    .clone(),
            )
        }
        5 => words.insert(one, words[one].clone()),
        // Deep nesting, long lists.
        6 => {
            let again = vec![words[one..=two].concat(); dice.below(100) as usize];
            words.splice(one..one, again);
        }
        _ => {
            let mut word = words[one].clone();
            blindly(dice, &mut word, donor);
            words[one] = word;
        }
    }
    words.concat()
}
