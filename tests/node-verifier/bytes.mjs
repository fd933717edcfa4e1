// Bytes, numbers and SHA-256.
import { createHash } from 'node:crypto';

export const hex = (bytes) => Buffer.from(bytes).toString('hex');
const isBytes = (item) => item instanceof Uint8Array;
export const same = (a, b) => isBytes(a) && isBytes(b) && Buffer.compare(a, b) === 0;
export const utf8 = (text) => Buffer.from(text, 'utf8');

export const sha256 = (...parts) => {
  const hash = createHash('sha256');
  parts.forEach((part) => hash.update(part));
  return hash.digest();
};

export const u64 = (number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(number);
  return bytes;
};

/** Unsigned LEB128, the shortest form. */
export const leb128 = (number) => {
  const bytes = [];
  do {
    const low = Number(number & 0x7fn);
    number >>= 7n;
    bytes.push(number ? low | 0x80 : low);
  } while (number);
  return Buffer.from(bytes);
};

/** Reads what `leb128` writes for numbers of 64 bits; undefined for anything else. */
export const readLeb128 = (bytes) => {
  if (bytes.length > 10) return undefined;
  const number = [...bytes].reverse().reduce((value, byte) => (value << 7n) | BigInt(byte & 0x7f), 0n);
  return number < 1n << 64n && same(leb128(number), bytes) ? number : undefined;
};

/** The digest of parts, each preceded by its length, under a domain. */
export const hashOfFields = (domain, parts) =>
  sha256(...[utf8(domain), ...parts].flatMap((part) => [u64(BigInt(part.length)), part]));
