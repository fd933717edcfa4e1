// Hashes events anew. Usage: golden.mjs FILE, of lines "KIND EVENT HASH". Prints how many have the hash that they should.
import { readFileSync } from 'node:fs';
import { hex } from './bytes.mjs';
import { readEvent } from './event.mjs';

const lines = readFileSync(process.argv[2], 'utf8').trim().split('\n');
const wrong = lines.filter((line) => {
  const [kind, bytes, hash] = line.split(' ');
  const event = readEvent(Buffer.from(bytes, 'hex'));
  return `cairn_${event.kind}` !== kind || hex(event.hash) !== hash;
});
wrong.forEach((line) => console.error(line));
console.log(lines.length - wrong.length);
