// CBOR (RFC 8949) in its one accepted form: definite lengths, shortest heads, maps with distinct keys of text.
// Numbers are BigInt, byte strings Buffers, maps Maps.
import { MALFORMED, ensure } from './refused.mjs';

const MAX_DEPTH = 160;
const LEAST = { 24: 24n, 25: 1n << 8n, 26: 1n << 16n, 27: 1n << 32n };
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  take(length) {
    ensure(length <= BigInt(this.bytes.length - this.at), MALFORMED, 'cut short');
    this.at += Number(length);
    return this.bytes.subarray(this.at - Number(length), this.at);
  }

  argument(info) {
    if (info < 24) return BigInt(info);
    ensure(info <= 27, MALFORMED, 'an unknown form of number');
    const value = this.take(1n << BigInt(info - 24)).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
    ensure(value >= LEAST[info], MALFORMED, 'a number is not in its shortest form');
    return value;
  }

  text(length) {
    try {
      return utf8.decode(this.take(length));
    } catch {
      ensure(false, MALFORMED, 'not UTF-8');
    }
  }

  item(depth = 0) {
    ensure(depth <= MAX_DEPTH, MALFORMED, 'too deep');
    const [initial] = this.take(1n);
    const [major, info] = [initial >> 5, initial & 0x1f];
    if (major === 7) {
      const simple = { 20: false, 21: true, 22: null };
      ensure(info in simple, MALFORMED, 'an unknown simple value');
      return simple[info];
    }
    const argument = this.argument(info);
    switch (major) {
      case 0:
        return argument;
      case 2:
        return Buffer.from(this.take(argument));
      case 3:
        return this.text(argument);
      case 4:
        return this.times(argument, () => this.item(depth + 1));
      case 5:
        return this.map(argument, depth);
      default:
        return ensure(false, MALFORMED, 'an unexpected type');
    }
  }

  times(count, read) {
    const items = [];
    for (let n = 0n; n < count; n += 1n) items.push(read());
    return items;
  }

  map(count, depth) {
    const map = new Map();
    for (let n = 0n; n < count; n += 1n) {
      const key = this.item(depth + 1);
      ensure(typeof key === 'string' && !map.has(key), MALFORMED, 'a key is no text, or there twice');
      map.set(key, this.item(depth + 1));
    }
    return map;
  }
}

/** One item, all of `bytes`. */
export const decode = (bytes) => {
  const reader = new Reader(bytes);
  const item = reader.item();
  ensure(reader.at === bytes.length, MALFORMED, 'bytes after the end');
  return item;
};

/** As `decode`, behind the tag "this is CBOR". */
export const decodeTagged = (bytes) => {
  ensure(bytes.subarray(0, 3).equals(Buffer.from('d9d9f7', 'hex')), MALFORMED, 'the self-describing tag is missing');
  return decode(bytes.subarray(3));
};

/** The fields of a map that has exactly these, in this order; those that end in "?" may be left out. */
export const fields = (map, names) => {
  ensure(map instanceof Map, MALFORMED, 'not a map');
  const found = [...map.keys()];
  const expected = names.filter((name) => !name.endsWith('?') || map.has(name.slice(0, -1)));
  const names_ = expected.map((name) => name.replace('?', ''));
  ensure(found.length === names_.length && found.every((name, n) => name === names_[n]), MALFORMED, `fields ${found}`);
  return Object.fromEntries(map);
};

/** What something must be. */
export const is = {
  number: (item) => typeof item === 'bigint',
  text: (item) => typeof item === 'string',
  list: Array.isArray,
  bytes: Buffer.isBuffer,
  hash: (item) => Buffer.isBuffer(item) && item.length === 32,
  principal: (item) => Buffer.isBuffer(item) && item.length <= 29,
  optional: (kind) => (item) => item === null || item === undefined || kind(item),
  listOf: (kind) => (item) => Array.isArray(item) && item.every(kind),
};

/** That each value is what its name must be. */
export const shape = (values, kinds) => {
  for (const [name, kind] of Object.entries(kinds)) ensure(kind(values[name]), MALFORMED, `${name} is something else`);
  return values;
};
