// Whether a page of an answer is true and complete, against the certified end of the log.
import { same } from './bytes.mjs';
import { fields, is, shape } from './cbor.mjs';
import { readEvent, topicKey } from './event.mjs';
import { MALFORMED, POLICY, UNTRUE, ensure } from './refused.mjs';
import { extendsTree, isIncluded, lookUp } from './trees.mjs';

const SCHEMA = 1n;
const MAX_TOPICS = 4;
const u64 = (item) => is.number(item) && item < 1n << 64n;

/** Which events: null for everything, or the keys of topics. */
export const readAbout = (about) => {
  if (about === 'everything') return null;
  ensure(about instanceof Map && about.size === 1 && is.list(about.get('topics')), MALFORMED, 'no question');
  return about.get('topics').map(topicKey);
};

export const readSpan = (span) =>
  shape(fields(span, ['from', 'until', 'from_time', 'until_time']), {
    from: u64,
    until: is.optional(u64),
    from_time: is.optional(u64),
    until_time: is.optional(u64),
  });

const readHead = (proof) => {
  const { l, f } = fields(proof, ['l', 'f']);
  ensure(is.list(f), MALFORMED, 'no proof of the topic map');
  const forks = f.map((fork) => {
    const { b, s } = fields(fork, ['b', 's']);
    ensure(is.number(b) && b <= 255n && is.hash(s), MALFORMED, 'no fork');
    return { bit: Number(b), sibling: s };
  });
  if (l === null) return { leaf: null, forks };
  const { p, h } = fields(l, ['p', 'h']);
  const head = shape(fields(h, ['count', 'index', 'hash']), { count: u64, index: u64, hash: is.hash });
  ensure(is.hash(p), MALFORMED, 'no place');
  return { leaf: { place: p, head }, forks };
};

const NAMES = ['hash_tree', 'certificate', 'topic', 'before', 'events', 'after', 'inclusion', 'head', 'consistency'];

/** A page. */
export const readAnswer = (item) => {
  const page = shape(fields(item, NAMES), {
    hash_tree: is.bytes,
    certificate: is.bytes,
    before: is.optional(is.bytes),
    events: is.listOf(is.bytes),
    after: is.optional(is.bytes),
    inclusion: is.listOf(is.hash),
    consistency: is.listOf(is.hash),
  });
  const topic = page.topic === null ? null : topicKey(page.topic);
  return { ...page, topic, head: page.head === null ? null : readHead(page.head) };
};

const untrue = (holds, why) => ensure(holds, UNTRUE, why);
const beginsAfter = (span, { i, t }) => i < span.from || (span.from_time !== null && t < span.from_time);
const endsBefore = (span, { i, t }) =>
  (span.until !== null && i >= span.until) || (span.until_time !== null && t >= span.until_time);

/** That a question can be asked. */
const checkQuestion = (about, span) => {
  untrue(about === null || (about.length >= 1 && about.length <= MAX_TOPICS), 'too many topics, or none');
  untrue(span.until === null || span.until >= span.from, 'it ends before it begins');
  untrue(span.until_time === null || span.from_time === null || span.until_time >= span.from_time, 'it ends early');
};

/** An event of the log. */
const readOurs = (bytes, tip) => {
  const event = readEvent(bytes);
  const isOurs = same(event.l, tip.log) && event.v === SCHEMA && event.i < tip.size;
  untrue(isOurs, `event ${event.i} belongs elsewhere`);
  return event;
};

/** An event of the thread asked about, with the one before it there. */
const show = (bytes, topic, tip) => {
  const event = readOurs(bytes, tip);
  let previous = event.h !== undefined && event.i > 0n ? { index: event.i - 1n, hash: event.h } : null;
  if (topic !== null) {
    const place = event.topics.indexOf(topic);
    untrue(place >= 0 && place < event.links.length, `event ${event.i} does not have the topic`);
    previous = event.links[place].previous;
  }
  untrue(event.topics.length === event.links.length, `event ${event.i} has other links than topics`);
  untrue(previous === null || previous.index < event.i, `event ${event.i} follows on a later one`);
  return { ...event, previous };
};

const isSame = (previous, event) =>
  previous !== null && previous.index === event.i && same(previous.hash, event.hash);

const checkPlaces = (shown, before, after, span) => {
  shown.forEach((event, n) => {
    const [isBefore, isAfter] = [beginsAfter(span, event), endsBefore(span, event)];
    const within = n >= before && n < shown.length - after;
    const fits = n < before ? isBefore : within ? !isBefore && !isAfter : !isBefore;
    untrue(fits, `event ${event.i} is shown where it is not`);
  });
};

const checkIncluded = ({ hash, i }, { inclusion }, { size, root }) =>
  untrue(isIncluded(hash, i, size, inclusion, root), `event ${i} is not in the log`);

/** Whether an event, the first one that the topic map does not cover or an earlier one, shows that the time is over. */
const isOver = (page, span, tip) => {
  if (page.after === null) return false;
  const isNeeded = span.until === null && span.until_time !== null && tip.topicsSize < tip.size;
  untrue(isNeeded, "an event after the topic's last proves nothing");
  const event = readOurs(page.after, tip);
  untrue(event.i <= tip.topicsSize && endsBefore(span, event), `event ${event.i} does not show that the time is over`);
  checkIncluded(event, page, tip);
  return true;
};

/** Up to where the page is complete; whether it goes on. */
const checkEnd = (page, shown, span, tip) => {
  const last = shown[shown.length - 1];
  if (page.head === null && page.after !== null) {
    checkIncluded(last, page, tip);
    const isCut = !endsBefore(span, last);
    untrue(!isCut || page.events.length > 0, 'an open end');
    return { until: span.until !== null && span.until < last.i ? span.until : last.i, isCut };
  }
  untrue(page.after !== null || page.inclusion.length === 0, 'a path proves nothing');
  untrue(page.head === null || page.topic !== null, 'the head of no topic proves nothing');
  let [end, size] = [{ index: tip.size - 1n, hash: tip.lastHash }, tip.size];
  if (page.topic !== null) {
    untrue(page.head !== null, 'an open end');
    end = lookUp(page.head, page.topic, tip.topicsRoot);
    untrue(end !== undefined, 'the topic map says something else');
    size = tip.topicsSize;
  }
  const isLast = last ? isSame(end, last) : end === null || end.index < span.from;
  untrue(isLast, 'nothing shows that no event follows');
  // A time that is not shown to be over goes on as long as the log.
  const isOpen = !isOver(page, span, tip) && span.until === null && span.until_time !== null;
  const isEnough = (span.until ?? span.from) <= size && (!isOpen || size === tip.size);
  untrue(isEnough, 'complete for less than was asked');
  return { until: span.until ?? size, isCut: false };
};

/** Checks a page; the events found, how far it is complete, and what is left to be asked about. */
export const verifyAnswer = (about, span, page, tip, remembered) => {
  checkQuestion(about, span);
  if (remembered) {
    const grown = extendsTree(remembered.size, remembered.root, tip.size, tip.root, page.consistency);
    untrue(grown, 'the log is not the one before, grown');
  } else {
    untrue(page.consistency.length === 0, 'a proof of growth proves nothing');
  }
  const isAbout = about === null ? page.topic === null : page.topic !== null && about.includes(page.topic);
  untrue(isAbout, 'it is about something else');
  const following = page.head === null ? page.after : null;
  const parts = [page.before, ...page.events, following].filter((part) => part !== null);
  const shown = [];
  for (const bytes of parts) {
    const next = show(bytes, page.topic, tip);
    const last = shown[shown.length - 1];
    untrue(!last || (isSame(next.previous, last) && last.t <= next.t), `event ${next.i} does not follow`);
    shown.push(next);
  }
  const [before, after] = [page.before === null ? 0 : 1, following === null ? 0 : 1];
  checkPlaces(shown, before, after, span);
  const { until, isCut } = checkEnd(page, shown, span, tip);
  const [first] = shown;
  const isBegin = !first || before === 1 || first.previous === null || first.previous.index < span.from;
  untrue(isBegin, 'nothing shows that no event precedes');
  const has = (event) => about === null || about.every((topic) => event.topics.includes(topic));
  const events = shown.slice(before, before + page.events.length).filter(has);
  return { events, until, rest: isCut ? { ...span, from: until } : null };
};

/** Refuses an event of a log that the policy does not name, where that is what is wrong. */
export const ofLog = (event, policy) => ensure(same(event.l, policy.log), POLICY, 'the file holds another log');
