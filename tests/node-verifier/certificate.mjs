// From the network's root key to the end of the log: certificate, canister's labelled tree.
import { Certificate } from '@icp-sdk/core/agent';
import { Principal } from '@icp-sdk/core/principal';
import { readLeb128, same, sha256, utf8 } from './bytes.mjs';
import { decodeTagged, fields, is } from './cbor.mjs';
import { CERTIFICATE, MALFORMED, POLICY, Refused, STALE, ensure } from './refused.mjs';

const [EMPTY, FORK, LABELLED, LEAF, PRUNED] = [0n, 1n, 2n, 3n, 4n];
const MAX_AHEAD = 300n * 1_000_000_000n;

/** That something is a hash tree (interface specification, "Certification"). */
const checkTree = (tree) => {
  ensure(is.list(tree), MALFORMED, 'no node of a hash tree');
  const [kind, one, two] = tree;
  const lengths = new Map([[EMPTY, 1], [FORK, 3], [LABELLED, 3], [LEAF, 2], [PRUNED, 2]]);
  ensure(lengths.get(kind) === tree.length, MALFORMED, 'no node of a hash tree');
  if (kind === FORK) [one, two].forEach(checkTree);
  if (kind === LABELLED) checkTree(two);
  ensure(kind === EMPTY || kind === FORK || is.bytes(one), MALFORMED, 'no node of a hash tree');
  ensure(kind !== PRUNED || one.length === 32, MALFORMED, 'no digest');
  return tree;
};

const digest = ([kind, one, two]) => {
  const domain = (name) => Buffer.concat([Buffer.from([name.length]), utf8(name)]);
  if (kind === EMPTY) return sha256(domain('ic-hashtree-empty'));
  if (kind === FORK) return sha256(domain('ic-hashtree-fork'), digest(one), digest(two));
  if (kind === LABELLED) return sha256(domain('ic-hashtree-labeled'), one, digest(two));
  return kind === LEAF ? sha256(domain('ic-hashtree-leaf'), one) : one;
};

const children = (tree) => (tree[0] === FORK ? [...children(tree[1]), ...children(tree[2])] : [tree]);

/** The content of the leaf at a path; undefined if it is not shown. */
const lookUp = (tree, [label, ...rest]) => {
  if (label === undefined) return tree[0] === LEAF ? tree[1] : undefined;
  const child = children(tree).find(([kind, name]) => kind === LABELLED && same(name, label));
  return child && lookUp(child[2], rest);
};

const readCertificate = (bytes) => {
  const { tree, signature, delegation } = fields(decodeTagged(bytes), ['tree', 'signature', 'delegation?']);
  ensure(is.bytes(signature), MALFORMED, 'no signature');
  checkTree(tree);
  if (delegation !== undefined) {
    const { subnet_id, certificate } = fields(delegation, ['subnet_id', 'certificate']);
    ensure(is.bytes(subnet_id) && is.bytes(certificate), MALFORMED, 'no delegation');
    const told = fields(decodeTagged(certificate), ['tree', 'signature']);
    checkTree(told.tree);
  }
  return tree;
};

/** The signature, by the public package, delegations and canister ranges included. */
const checkSignature = async (bytes, policy) => {
  const principal = { canisterId: Principal.fromText(policy.canister) };
  const { rootKey } = policy;
  try {
    await Certificate.create({ certificate: new Uint8Array(bytes), rootKey, principal, disableTimeVerification: true });
  } catch (error) {
    throw new Refused(CERTIFICATE, `not the network's: ${error}`);
  }
};

const checkAge = (time, { seconds }, now) => {
  if (seconds === undefined) return;
  ensure(time <= now + MAX_AHEAD, CERTIFICATE, 'of a time that is not yet');
  ensure(time + seconds * 1_000_000_000n >= now, STALE, 'certified too long ago');
};

/** The end of the log that a certificate vouches for. */
export const openTip = async (hashTree, certificate, policy, now) => {
  const tree = checkTree(decodeTagged(hashTree));
  const state = readCertificate(certificate);
  const canister = Principal.fromText(policy.canister).toUint8Array();
  const certified = lookUp(state, [utf8('canister'), canister, utf8('certified_data')]);
  ensure(certified !== undefined, POLICY, 'the certificate does not speak about the canister');
  ensure(same(certified, digest(tree)), CERTIFICATE, 'another tree is certified');
  const time = readLeb128(lookUp(state, [utf8('time')]) ?? Buffer.alloc(11));
  ensure(time !== undefined, CERTIFICATE, 'no time');
  await checkSignature(certificate, policy);
  checkAge(time, policy, now);
  const entry = (name) => lookUp(tree, [utf8(name)]);
  const hash = (name) => {
    ensure(is.hash(entry(name)), CERTIFICATE, `no ${name}`);
    return entry(name);
  };
  const number = (name) => {
    const value = readLeb128(entry(name) ?? Buffer.alloc(11));
    ensure(value !== undefined, CERTIFICATE, `no ${name}`);
    return value;
  };
  const tip = {
    time,
    log: hash('log_id'),
    size: number('merkle_size'),
    lastHash: hash('last_block_hash'),
    root: hash('merkle_root'),
    topicsSize: number('topics_size'),
    topicsRoot: hash('topics_root'),
  };
  ensure(tip.size > 0n && number('last_block_index') === tip.size - 1n, CERTIFICATE, 'last_block_index is another');
  ensure(same(tip.log, policy.log), POLICY, 'the end of another log');
  return tip;
};
