//! Keys of threads, and the hash by which they are found.

use cairn_events::{Commitment, DeploymentId, Hash, Principal, Stream, Topic};

/// Bytes of the longest key: a tag and 32 bytes.
pub const MAX_KEY: usize = 33;

// Topics have the tags 1 to 5 (`Topic::key`); ours begin above. Tags are for ever.
const PARTY: u8 = 2;
const STREAM_LOG: u8 = 0x21;
const STREAM_PLATFORM: u8 = 0x22;
const STREAM_CANISTER: u8 = 0x23;
const STREAM_DEPLOYMENT: u8 = 0x24;
const STREAM_CONTRACT: u8 = 0x25;
const STREAM_POOL: u8 = 0x26;
const SOURCE: u8 = 0x41;
const READER: u8 = 0x51;
const OPENING: u8 = 0x52;

/// What a thread is about: a topic, a stream, a writer, who may read, or what was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    bytes: [u8; MAX_KEY],
    length: u8,
}

impl Key {
    fn new(bytes: &[u8]) -> Key {
        let mut key = Key { bytes: [0; MAX_KEY], length: bytes.len().min(MAX_KEY) as u8 };
        key.bytes.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        key
    }

    fn tagged(tag: u8, bytes: &[u8]) -> Key {
        let mut key = Key { bytes: [0; MAX_KEY], length: (1 + bytes.len()).min(MAX_KEY) as u8 };
        key.bytes.iter_mut().zip(std::iter::once(&tag).chain(bytes)).for_each(|(to, from)| *to = *from);
        key
    }

    /// The key of a topic.
    pub fn topic(topic: &Topic) -> Key {
        Key::new(&topic.key())
    }

    /// The key of a stream.
    pub fn stream(stream: &Stream) -> Key {
        match stream {
            Stream::Log => Key::tagged(STREAM_LOG, &[]),
            Stream::Platform => Key::tagged(STREAM_PLATFORM, &[]),
            Stream::Canister(id) => Key::tagged(STREAM_CANISTER, id.as_slice()),
            Stream::Deployment(id) => Key::tagged(STREAM_DEPLOYMENT, id.0.as_bytes()),
            Stream::Contract(id) => Key::tagged(STREAM_CONTRACT, id.as_slice()),
            Stream::Pool(id) => Key::tagged(STREAM_POOL, id.as_slice()),
        }
    }

    /// The key of a writer: its thread has the writer's events in the order of their sequence numbers.
    pub fn source(writer: Principal) -> Key {
        Key::tagged(SOURCE, writer.as_slice())
    }

    /// The key of a person's right to read: the thread has the events that say so ([`super::access`]).
    pub fn reader(person: Principal) -> Key {
        Key::tagged(READER, person.as_slice())
    }

    /// The key of an opening: the thread has the event that erased it.
    pub fn opening(index: u64, commitment: Commitment) -> Key {
        Key::tagged(OPENING, commitment.within(index).as_bytes())
    }

    /// The stream whose key this is.
    pub fn as_stream(&self) -> Option<Stream> {
        let (tag, id) = self.as_bytes().split_first()?;
        let principal = || Principal::try_from_slice(id).ok();
        Some(match *tag {
            STREAM_LOG => Stream::Log,
            STREAM_PLATFORM => Stream::Platform,
            STREAM_CANISTER => Stream::Canister(principal()?),
            STREAM_DEPLOYMENT => Stream::Deployment(DeploymentId(Hash::from_slice(id)?)),
            STREAM_CONTRACT => Stream::Contract(principal()?),
            STREAM_POOL => Stream::Pool(principal()?),
            _ => return None,
        })
    }

    /// The principal whose events, or what it wrote, have this key.
    pub fn as_principal(&self) -> Option<Principal> {
        match self.as_bytes().split_first()? {
            (&(PARTY | SOURCE), id) => Principal::try_from_slice(id).ok(),
            _ => None,
        }
    }

    /// The key from its stored form.
    pub fn from_parts(bytes: [u8; MAX_KEY], length: u8) -> Key {
        Key { bytes, length }
    }

    /// The stored form: the bytes, filled up with zeros, and how many of them count.
    pub fn to_parts(self) -> ([u8; MAX_KEY], u8) {
        (self.bytes, self.length)
    }

    /// SipHash-2-4 under `secret`: people choose their principals, but cannot choose where they fall in our table.
    pub fn hash(&self, secret: [u8; 16]) -> u64 {
        siphash(secret, self.as_bytes())
    }

    /// The bytes that count: of a topic, [`Topic::key`].
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// SipHash-2-4 (Aumasson and Bernstein, 2012).
fn siphash(secret: [u8; 16], data: &[u8]) -> u64 {
    let secret = u128::from_le_bytes(secret);
    let (k0, k1) = (secret as u64, (secret >> 64) as u64);
    let mut state = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let (words, rest) = data.as_chunks::<8>();
    for word in words {
        absorb(&mut state, u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    absorb(&mut state, u64::from_le_bytes(last) | (data.len() as u64) << 56);
    state[2] ^= 0xff;
    for _ in 0..4 {
        round(&mut state);
    }
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

fn absorb(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    round(state);
    state[0] ^= word;
}

fn round([v0, v1, v2, v3]: &mut [u64; 4]) {
    *v0 = v0.wrapping_add(*v1);
    *v1 = v1.rotate_left(13) ^ *v0;
    *v0 = v0.rotate_left(32);
    *v2 = v2.wrapping_add(*v3);
    *v3 = v3.rotate_left(16) ^ *v2;
    *v0 = v0.wrapping_add(*v3);
    *v3 = v3.rotate_left(21) ^ *v0;
    *v2 = v2.wrapping_add(*v1);
    *v1 = v1.rotate_left(17) ^ *v2;
    *v2 = v2.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the reference implementation: key 00 .. 0f, message of n bytes 00 .. n-1.
    #[test]
    fn published_vectors() {
        let secret = std::array::from_fn(|i| i as u8);
        let message: Vec<u8> = (0..15).collect();
        let hash = |n: usize| siphash(secret, &message[..n]).to_le_bytes();
        assert_eq!(hash(0), [0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72]);
        assert_eq!(hash(1), [0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74]);
        assert_eq!(hash(8), [0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93]);
        assert_eq!(hash(15), [0xe5, 0x45, 0xbe, 0x49, 0x61, 0xca, 0x29, 0xa1]);
    }

    #[test]
    fn different_things_have_different_keys() {
        let id = Principal::from_slice(&[1]);
        let keys = [
            Key::source(id),
            Key::reader(id),
            Key::opening(1, Commitment(Hash([1; 32]))),
            Key::opening(2, Commitment(Hash([1; 32]))),
            Key::opening(1, Commitment(Hash([2; 32]))),
            Key::stream(&Stream::Canister(id)),
            Key::stream(&Stream::Contract(id)),
            Key::stream(&Stream::Pool(id)),
            Key::stream(&Stream::Log),
            Key::stream(&Stream::Platform),
            Key::topic(&Topic::Party(id)),
            Key::topic(&Topic::Contract(id)),
        ];
        for (i, key) in keys.iter().enumerate() {
            assert!(keys.iter().skip(i + 1).all(|other| other != key));
            let (bytes, length) = key.to_parts();
            assert_eq!(Key::from_parts(bytes, length), *key);
        }
    }

    #[test]
    fn names_are_read_from_keys() {
        for id in [Principal::anonymous(), Principal::from_slice(&[]), Principal::from_slice(&[7; 29])] {
            assert_eq!(Key::source(id).as_principal(), Some(id));
            assert_eq!(Key::topic(&Topic::Party(id)).as_principal(), Some(id));
            let deployment = Stream::Deployment(DeploymentId(Hash([3; 32])));
            let streams = [Stream::Canister(id), Stream::Contract(id), Stream::Pool(id), deployment];
            for stream in streams.into_iter().chain([Stream::Log, Stream::Platform]) {
                let key = Key::stream(&stream);
                assert_eq!((key.as_stream(), key.as_principal()), (Some(stream), None));
            }
            let others = [Key::topic(&Topic::Contract(id)), Key::reader(id), Key::source(id)];
            assert!(others.iter().all(|key| key.as_stream().is_none()));
            assert!(others.iter().take(2).all(|key| key.as_principal().is_none()));
        }
    }
}
