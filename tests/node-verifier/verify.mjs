// Verifies files against policies, and prints a line of JSON for each. Usage: verify.mjs FILE POLICY [FILE POLICY ...]
import { readFileSync } from 'node:fs';
import * as bundle from './bundle.mjs';
import * as log from './log.mjs';
import { MALFORMED, Refused, ensure } from './refused.mjs';

const NAMES = ['root_key', 'canister', 'log_id', 'freshness'];

/** What is trusted: every line is known, and there once. */
const readPolicy = (text) => {
  const values = {};
  for (const line of text.split('\n').map((line) => line.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [name, value] = [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()];
    ensure(NAMES.includes(name) && !(name in values), MALFORMED, `policy: ${line}`);
    values[name] = value;
  }
  const { freshness = 'archival' } = values;
  const seconds = /^at most (\d+) seconds old$/.exec(freshness);
  ensure(freshness === 'archival' || seconds, MALFORMED, `policy: ${freshness}`);
  return {
    rootKey: new Uint8Array(Buffer.from(values.root_key, 'hex')),
    canister: values.canister,
    log: Buffer.from(values.log_id, 'hex'),
    seconds: seconds ? BigInt(seconds[1]) : undefined,
  };
};

const verify = async (bytes, policy, now) => {
  const magic = bytes.subarray(0, 8);
  if (magic.equals(bundle.MAGIC)) return bundle.verifyBundle(bytes, policy, now);
  ensure(magic.equals(log.MAGIC), MALFORMED, 'neither an export nor a bundle');
  return log.verifyLog(bytes, policy, now);
};

const now = BigInt(Date.now()) * 1_000_000n;
const files = process.argv.slice(2);
for (let n = 0; n + 1 < files.length; n += 2) {
  let verdict;
  try {
    const policy = readPolicy(readFileSync(files[n + 1], 'utf8'));
    verdict = { exit: 0, ...(await verify(readFileSync(files[n]), policy, now)) };
  } catch (error) {
    // Anything else is a fault of this program, and is not hidden among refusals.
    if (!(error instanceof Refused)) throw error;
    verdict = { exit: error.exit, why: error.message };
  }
  console.log(JSON.stringify(verdict));
}
