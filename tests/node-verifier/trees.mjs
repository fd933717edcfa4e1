// The Merkle tree of events (RFC 9162) and the topic map (a radix tree), as roots and proofs.
import { same, sha256, u64 } from './bytes.mjs';

const tagged = (tag, ...parts) => sha256(Buffer.from([tag]), ...parts);
const leaf = (hash) => tagged(0, hash);
const node = (left, right) => tagged(1, left, right);

/** The largest power of two below `size`. */
const split = (size) => {
  let power = 1n;
  while (power * 2n < size) power *= 2n;
  return power;
};

/** The root of the tree over these hashes. */
export const merkleRoot = (hashes) => {
  if (hashes.length === 0) return sha256();
  if (hashes.length === 1) return leaf(hashes[0]);
  const middle = Number(split(BigInt(hashes.length)));
  return node(merkleRoot(hashes.slice(0, middle)), merkleRoot(hashes.slice(middle)));
};

/** Whether `path` leads from leaf `index` to the root; it is read from its end, at the root. */
export const isIncluded = (hash, index, size, path, root) => {
  const rest = [...path];
  const climb = (index, size) => {
    if (size === 1n) return leaf(hash);
    const [middle, sibling] = [split(size), rest.pop()];
    if (sibling === undefined) return undefined;
    if (index < middle) {
      const left = climb(index, middle);
      return left && node(left, sibling);
    }
    const right = climb(index - middle, size - middle);
    return right && node(sibling, right);
  };
  if (index >= size) return false;
  const found = climb(index, size);
  return found !== undefined && rest.length === 0 && same(found, root);
};

/** Whether the tree of `size` extends the one of `old`, by `path`, read from its end. */
export const extendsTree = (old, oldRoot, size, root, path) => {
  if (old > size) return false;
  if (old === size) return path.length === 0 && same(oldRoot, root);
  if (old === 0n) return path.length === 0 && same(oldRoot, sha256());
  const rest = [...path];
  // Both roots of a subtree: over its old leaves, and over all.
  const roots = (old, size, isWhole) => {
    if (old === size) {
      const hash = isWhole ? oldRoot : rest.pop();
      return hash && [hash, hash];
    }
    const [middle, sibling] = [split(size), rest.pop()];
    if (sibling === undefined) return undefined;
    if (old <= middle) {
      const left = roots(old, middle, isWhole);
      return left && [left[0], node(left[1], sibling)];
    }
    const right = roots(old - middle, size - middle, false);
    return right && [node(sibling, right[0]), node(sibling, right[1])];
  };
  const found = roots(old, size, true);
  return found !== undefined && rest.length === 0 && same(found[0], oldRoot) && same(found[1], root);
};

/** The place of the topic with this key (hexadecimal). */
export const place = (topic) => tagged(2, Buffer.from(topic, 'hex'));
const mapLeaf = (place, head) => tagged(3, place, u64(head.count), u64(head.index), head.hash);
const mapFork = (bit, left, right) => sha256(Buffer.from([4, bit]), left, right);
const emptyMap = () => tagged(4);
const bitOf = (place, bit) => (place[bit >> 3] >> (7 - (bit & 7))) & 1;

/** The root of the map from topics to heads. */
export const mapRoot = (heads) => {
  const leaves = [...heads].map(([topic, head]) => ({ place: place(topic), head }));
  leaves.sort((one, other) => Buffer.compare(one.place, other.place));
  const root = (leaves) => {
    const [first, last] = [leaves[0], leaves[leaves.length - 1]];
    if (leaves.length === 1) return mapLeaf(first.place, first.head);
    let bit = 0;
    while (bitOf(first.place, bit) === bitOf(last.place, bit)) bit += 1;
    const isRight = (leaf) => bitOf(leaf.place, bit) === 1;
    return mapFork(bit, root(leaves.filter((leaf) => !isRight(leaf))), root(leaves.filter(isRight)));
  };
  return leaves.length === 0 ? emptyMap() : root(leaves);
};

/** What the map of this root says of a topic: its head, null if it has none; undefined if the proof proves nothing. */
export const lookUp = ({ leaf, forks }, topic, root) => {
  const own = place(topic);
  if (leaf === null) return forks.length === 0 && same(emptyMap(), root) ? null : undefined;
  const isWay = forks.every(
    ({ bit }, n) => bit <= 255 && (n === 0 || forks[n - 1].bit < bit) && bitOf(own, bit) === bitOf(leaf.place, bit),
  );
  if (!isWay) return undefined;
  const found = forks.reduceRight(
    (hash, { bit, sibling }) => (bitOf(own, bit) ? mapFork(bit, sibling, hash) : mapFork(bit, hash, sibling)),
    mapLeaf(leaf.place, leaf.head),
  );
  if (!same(found, root)) return undefined;
  return same(leaf.place, own) ? leaf.head : null;
};
