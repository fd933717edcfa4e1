// Verifies files as a page does, and prints a line of JSON for each.
// Usage: browser.mjs MODULE [FILE POLICY NANOSECONDS ...]
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { load } from '../../../replay/verifier/browser/verify.mjs';

const [module, ...asked] = process.argv.slice(2);
const bytes = readFileSync(module);
assert.deepEqual(WebAssembly.Module.imports(new WebAssembly.Module(bytes)), []);
const verifier = await load(bytes);
for (let n = 0; n < asked.length; n += 3) {
  const [file, policy, now] = asked.slice(n, n + 3);
  console.log(JSON.stringify(verifier.verify(readFileSync(file), readFileSync(policy, 'utf8'), BigInt(now))));
}
