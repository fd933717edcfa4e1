// Exports: a whole log.
import { Principal } from '@icp-sdk/core/principal';
import { ofLog } from './answer.mjs';
import { hashOfFields, hex, same } from './bytes.mjs';
import { openTip } from './certificate.mjs';
import { readEvent } from './event.mjs';
import { CERTIFICATE, MALFORMED, POLICY, UNTRUE, ensure } from './refused.mjs';
import { mapRoot, merkleRoot } from './trees.mjs';

export const MAGIC = Buffer.from('CAIRNLOG');
const VERSION = 1;
const SCHEMA = 1n;

const sections = (bytes) => {
  ensure(bytes.length >= 20 && bytes.readUInt32BE(8) === VERSION, MALFORMED, 'another version');
  const found = [];
  let at = 20;
  const count = bytes.readBigUInt64BE(12);
  for (let n = 0n; n < count + 2n; n += 1n) {
    ensure(at + 4 <= bytes.length, MALFORMED, 'cut short');
    const end = at + 4 + bytes.readUInt32BE(at);
    ensure(end <= bytes.length, MALFORMED, 'cut short');
    found.push(bytes.subarray(at + 4, end));
    at = end;
  }
  ensure(at === bytes.length, MALFORMED, 'bytes after the end');
  ensure(count > 0n, MALFORMED, 'no events');
  return { events: found.slice(0, -2), hashTree: found[found.length - 2], certificate: found[found.length - 1] };
};

/** What the log has been so far. */
class Log {
  constructor(canister, id) {
    [this.canister, this.id] = [canister, id];
    [this.last, this.hashes] = [null, []];
    [this.heads, this.sources, this.streams] = [new Map(), new Map(), new Map()];
  }

  take(event) {
    const index = BigInt(this.hashes.length);
    const rule = (holds, what) => ensure(holds, UNTRUE, `event ${index}: ${what}`);
    rule(event.i === index && event.v === SCHEMA && same(event.l, this.id), 'index, schema or log');
    rule(this.last ? event.h && same(event.h, this.last.hash) : event.h === undefined, 'parent');
    rule(!this.last || event.t >= this.last.t, 'time');
    rule(event.u === undefined || event.u < index, 'cause');
    rule((event.kind === 'genesis') === (index === 0n), 'genesis');
    if (index === 0n) this.checkGenesis(event, rule);
    const next = (map, key) => (map.get(key) ?? 0n) + 1n;
    const source = hex(event.o);
    rule(event.q === next(this.sources, source) && event.w === next(this.streams, event.s), 'numbering');
    this.checkLinks(event, rule);
    this.sources.set(source, event.q);
    this.streams.set(event.s, event.w);
    this.hashes.push(event.hash);
    this.last = event;
  }

  checkGenesis({ content }, rule) {
    rule(same(content.get('canister'), this.canister), 'genesis');
    rule(content.get('seed') instanceof Uint8Array, 'genesis');
    rule(same(hashOfFields('cairn.log', [this.canister, content.get('seed')]), this.id), 'log id');
  }

  checkLinks(event, rule) {
    rule(event.topics.length === event.links.length, 'links');
    event.topics.forEach((topic, n) => {
      const { sequence, previous } = event.links[n];
      const head = this.heads.get(topic);
      const follows = head
        ? sequence === head.count + 1n && previous && previous.index === head.index && same(previous.hash, head.hash)
        : previous === null;
      rule(follows, 'links');
      this.heads.set(topic, { count: sequence, index: event.i, hash: event.hash });
    });
  }
}

export const verifyLog = async (bytes, policy, now) => {
  const { events, hashTree, certificate } = sections(bytes);
  const canister = Buffer.from(Principal.fromText(policy.canister).toUint8Array());
  const first = readEvent(events[0]);
  const isOurs = first.kind !== 'genesis' || same(first.content.get('canister'), canister);
  ensure(isOurs, POLICY, 'the log of another canister');
  ofLog(first, policy);
  const tip = await openTip(hashTree, certificate, policy, now);
  const log = new Log(canister, policy.log);
  let topicsRoot = mapRoot(log.heads);
  for (const section of events) {
    log.take(readEvent(section));
    if (BigInt(log.hashes.length) === tip.topicsSize) topicsRoot = mapRoot(log.heads);
  }
  const { last, hashes } = log;
  const isCertified =
    same(last.hash, tip.lastHash) &&
    BigInt(hashes.length) === tip.size &&
    same(merkleRoot(hashes), tip.root) &&
    same(topicsRoot, tip.topicsRoot);
  ensure(isCertified, CERTIFICATE, 'something else is certified');
  ensure(tip.time >= last.t, CERTIFICATE, 'made before the last event');
  return { events: hashes.length, hashes: hashes.map(hex), complete: [0, hashes.length], size: hashes.length };
};
