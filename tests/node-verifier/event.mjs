// Events: their fields, their hash as a block of ICRC-3, their topics and links.
import { leb128, sha256, utf8 } from './bytes.mjs';
import { decode, fields, is, shape } from './cbor.mjs';
import { MALFORMED, ensure } from './refused.mjs';

/** Families of kinds, by their place in a topic's key; and the kinds of each. */
const [PLATFORM, DEPLOYMENTS, MONEY, CONTRACTS] = [0, 1, 2, 3];
const FAMILIES = {};
const kinds = (families, names) => names.split(' ').forEach((name) => (FAMILIES[name] = families));
kinds(
  [PLATFORM],
  'genesis writer_registered canister_upgraded admin_granted admin_revoked service_configured fee_configured ' +
    'maintenance_configured template_published projection_rebuilt refused auditor_granted auditor_revoked opening_erased question_asked ' +
    'audit_canister_changed fork_alarm_acknowledged archiving_configured archive_intended archive_created ' +
    'archive_unresolved range_moved template_proposed template_confirmed template_withdrawn factory_admin_granted ' +
    'factory_admin_revoked rollout_started rollout_changed cycles_low cycles_restored',
);
kinds(
  [DEPLOYMENTS, MONEY],
  'deployment_requested deployment_abandoned deployment_quarantined payment_intended payment_captured payment_failed ' +
    'refund_intended refund_paid refund_failed release_intended escrow_released release_failed',
);
kinds([DEPLOYMENTS], 'deployment_dispatched');
kinds([DEPLOYMENTS, MONEY, CONTRACTS], 'delivery_committed');
kinds(
  [CONTRACTS],
  'contract_creation_intended contract_created contract_creation_unresolved contract_install_intended ' +
    'contract_installed contract_install_failed contract_registered contract_reclaimed callback_accepted ' +
    'callback_quarantined contract_observed role_answered upgrade_requested upgrade_intended upgrade_snapshot_taken ' +
    'upgrade_installed upgrade_confirmed upgrade_rollback_intended upgrade_rolled_back upgrade_abandoned ' +
    'upgrade_settled upgrade_force_proposed control_released auto_update_set top_up_intended contract_topped_up ' +
    'top_up_unresolved',
);

const FAMILY_NAMES = ['platform', 'deployments', 'money', 'contracts'];
const SERVICE_NAMES = ['token_factory', 'multisig_factory', 'distribution_factory', 'dao_factory', 'launchpad_factory'];
/** The field that names somebody beside the actor. */
const PARTIES = {
  genesis: 'money_writer',
  writer_registered: 'writer',
  admin_granted: 'admin',
  admin_revoked: 'admin',
  factory_admin_granted: 'admin',
  factory_admin_revoked: 'admin',
  auditor_granted: 'auditor',
  auditor_revoked: 'auditor',
  delivery_committed: 'owner',
  contract_registered: 'owner',
};
const MAX_TOPICS = 8;
/** Amounts are stored as bytes, and hashed as numbers. */
const AMOUNTS = new Set(['price', 'ledger_fee', 'amount', 'fee']);

const hashNat = (number) => sha256(leb128(number));
const hashText = (text) => sha256(utf8(text));

/** The representation-independent hash of ICRC-3. */
const hashMap = (entries) => {
  const pairs = entries.map(([key, value]) => Buffer.concat([hashText(key), value]));
  return sha256(...pairs.sort(Buffer.compare));
};

const hashValue = (value, key) => {
  if (typeof value === 'bigint') return hashNat(value);
  if (typeof value === 'boolean') return hashNat(value ? 1n : 0n);
  if (typeof value === 'string') return hashText(value);
  if (Buffer.isBuffer(value)) {
    return AMOUNTS.has(key) ? hashNat(value.reduce((n, byte) => (n << 8n) | BigInt(byte), 0n)) : sha256(value);
  }
  if (Array.isArray(value)) return sha256(...value.map((item) => hashValue(item)));
  ensure(value instanceof Map, MALFORMED, 'an unexpected value');
  return hashMap([...value].map(([name, item]) => [name, hashValue(item, name)]));
};

const hashEvent = (event) => {
  const optional = [];
  if (event.h !== undefined) optional.push(['phash', sha256(event.h)]);
  if (event.c !== undefined) optional.push(['corr', sha256(event.c)]);
  if (event.u !== undefined) optional.push(['cause', hashNat(event.u)]);
  return hashMap([
    ...optional,
    ['btype', hashText(`cairn_${event.kind}`)],
    ['ts', hashNat(event.t)],
    ['v', hashNat(event.v)],
    ['log', sha256(event.l)],
    ['idx', hashNat(event.i)],
    ['stream', hashText(event.s)],
    ['sver', hashNat(event.w)],
    ['actor', sha256(event.a)],
    ['src', sha256(event.o)],
    ['sseq', hashNat(event.q)],
    ['links', sha256(...event.k.map((link) => sha256(link)))],
    ['tx', hashValue(event.content)],
  ]);
};

/** A topic's key, in hexadecimal: a tag and what it is. */
const key = (tag, bytes) => {
  ensure(is.bytes(bytes), MALFORMED, 'no topic');
  return Buffer.concat([Buffer.from([tag]), bytes]).toString('hex');
};
const party = (id) => key(2, id);

/** The key of a topic as questions name it. */
export const topicKey = (topic) => {
  ensure(topic instanceof Map && topic.size === 1, MALFORMED, 'no topic');
  const [[kind, of]] = topic;
  const numbered = (tag, names) => {
    ensure(names.includes(of), MALFORMED, `no ${kind}`);
    return key(tag, Buffer.from([names.indexOf(of)]));
  };
  const tags = { party: 2, contract: 3, deployment: 4 };
  if (kind === 'family') return numbered(1, FAMILY_NAMES);
  if (kind === 'service') return numbered(5, SERVICE_NAMES);
  ensure(kind in tags && (kind === 'deployment' ? is.hash(of) : is.principal(of)), MALFORMED, 'no topic');
  return key(tags[kind], of);
};

/** The principals that a contract's notification names. */
const notified = (notification) => {
  const [what] = notification.values();
  if (Buffer.isBuffer(what)) return [what];
  if (!(what instanceof Map)) return [];
  return ['proposer', 'from', 'to'].filter((name) => what.has(name)).map((name) => what.get(name));
};

/** The topics of an event, in the order of its links. */
const topics = ({ kind, content, a: actor }) => {
  const found = FAMILIES[kind].map((family) => key(1, Buffer.from([family])));
  const add = (topic) => {
    if (!found.includes(topic) && found.length < MAX_TOPICS) found.push(topic);
  };
  if (content.has('deployment')) add(key(4, content.get('deployment')));
  if (content.has('contract')) add(key(3, content.get('contract')));
  if (content.has('service')) add(key(5, Buffer.from([SERVICE_NAMES.indexOf(content.get('service'))])));
  add(party(actor));
  if (kind in PARTIES) add(party(content.get(PARTIES[kind])));
  const notification = content.get('notification');
  if (kind === 'callback_accepted' && notification instanceof Map) notified(notification).forEach((id) => add(party(id)));
  return found;
};

/** Number, and index and hash of the topic's event before, of which there may be none. */
const readLink = (bytes) => {
  ensure(is.bytes(bytes) && bytes.length === 48, MALFORMED, 'a malformed link');
  const [sequence, index, hash] = [bytes.readBigUInt64BE(0), bytes.readBigUInt64BE(8), bytes.subarray(16)];
  const isFirst = sequence === 1n;
  ensure(sequence > 0n && (!isFirst || bytes.subarray(8).every((byte) => byte === 0)), MALFORMED, 'a malformed link');
  return { sequence, previous: isFirst ? null : { index, hash } };
};

const FIELDS = ['i', 'v', 'l', 't', 's', 'w', 'a', 'o', 'q', 'c?', 'u?', 'k', 'p', 'h?'];

/** An event with its hash, its topics and its links. */
export const readEvent = (bytes) => {
  const event = shape(fields(decode(bytes), FIELDS), {
    i: is.number,
    v: is.number,
    l: is.hash,
    t: is.number,
    s: is.text,
    w: is.number,
    a: is.principal,
    o: is.principal,
    q: is.number,
    c: is.optional(is.hash),
    u: is.optional(is.number),
    k: is.list,
    h: is.optional(is.hash),
  });
  ensure(event.c !== null && event.u !== null && event.h !== null, MALFORMED, 'null where nothing should be');
  ensure(event.p instanceof Map && event.p.size === 1, MALFORMED, 'no payload');
  const [[kind, content]] = event.p;
  ensure(kind in FAMILIES && content instanceof Map, MALFORMED, `unknown kind ${kind}`);
  const whole = { ...event, kind, content };
  return { ...whole, hash: hashEvent(whole), topics: topics(whole), links: event.k.map(readLink) };
};
