// Bundles: a question and all pages of its answer.
import { readAbout, readAnswer, readSpan, verifyAnswer } from './answer.mjs';
import { hex } from './bytes.mjs';
import { decode, fields, is } from './cbor.mjs';
import { openTip } from './certificate.mjs';
import { MALFORMED, UNTRUE, ensure } from './refused.mjs';

export const MAGIC = Buffer.from('CAIRNANS');
const VERSION = 1;

export const verifyBundle = async (bytes, policy, now) => {
  ensure(bytes.length >= 12 && bytes.readUInt32BE(8) === VERSION, MALFORMED, 'another version');
  const bundle = fields(decode(bytes.subarray(12)), ['about', 'span', 'pages']);
  ensure(is.list(bundle.pages), MALFORMED, 'no pages');
  const [about, span, pages] = [readAbout(bundle.about), readSpan(bundle.span), bundle.pages.map(readAnswer)];
  let [rest, last, until, events] = [span, null, 0n, []];
  for (const page of pages) {
    ensure(rest !== null, UNTRUE, 'a page that answers nothing');
    const tip = await openTip(page.hash_tree, page.certificate, policy, now);
    const found = verifyAnswer(about, rest, page, tip, last);
    events = events.concat(found.events);
    [rest, last, until] = [found.rest, tip, found.until];
  }
  ensure(pages.length > 0, UNTRUE, 'no pages');
  ensure(rest === null, UNTRUE, 'the last page leaves something open');
  return {
    events: events.length,
    hashes: events.map((event) => hex(event.hash)),
    complete: [span.from, until].map(Number),
    size: Number(last.size),
  };
};
