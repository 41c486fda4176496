import { UserError } from './errors.js';
import { textOf } from './host/bytes.js';
import { LIMITS, Meter } from './meter.js';
import { hasKeys } from './objects.js';

/** Bundled files have at most ten; ours. */
const MOST_LEVELS = 64;

/** ASCII: space. */
const SPACE = 32;
/** ASCII: double quote. */
const QUOTE = 34;
/** ASCII: colon. */
const COLON = 58;
/** Digits, commas and spaces lie below. */
const LETTERS = 65;
/** ASCII: backslash. */
const BACKSLASH = 92;

/** True if lists and objects nest too deep. Values may contain themselves. */
export function nestsTooDeep(value: unknown): boolean {
  let level = new Set([value]);
  for (let depth = 0; level.size > 0; depth++) {
    if (depth > MOST_LEVELS) return true;
    const below = new Set<unknown>();
    for (const container of level) {
      if (!hasKeys(container)) continue;
      for (const entry of entriesOf(container)) if (hasKeys(entry)) below.add(entry);
    }
    level = below;
  }
  return false;
}

function* entriesOf(container: object): Generator<unknown, void, void> {
  if (container instanceof Map) {
    yield* container.keys() as Iterable<unknown>;
    yield* container.values() as Iterable<unknown>;
  } else yield* Object.values(container) as unknown[];
}

/**
 * Parses a JSON document. @param most brackets @throws UserError for too many or too deep brackets, or `__proto__`
 * @throws SyntaxError
 */
export function parseJsonBytes(bytes: Uint8Array, place: string, most?: number): unknown {
  const lists = new Meter(place, most === undefined ? LIMITS.lists : { ...LIMITS.lists, most, instead: 'no such file does' });
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte < LETTERS) {
      if (byte === QUOTE) at = endOfText(bytes, at + 1);
      continue;
    }
    // `[` and `{`, `]` and `}` differ in one bit.
    const bracket = byte & ~0x20;
    if (bracket === 0x5b) {
      if (++depth > MOST_LEVELS) throw new UserError(`${place}: nests more than ${MOST_LEVELS} lists and objects; no such file does`);
      lists.spent(1);
    } else if (bracket === 0x5d) depth--;
  }
  const text = textOf(bytes);
  // Record readers silently drop this key.
  const refused = (key: string, value: unknown): unknown => {
    if (key === '__proto__') throw new UserError(`${place}: has the key "__proto__"; no such file has`);
    return value;
  };
  return JSON.parse(text, /__proto__|\\u005f/i.test(text) ? refused : undefined) as unknown;
}

/** First key repeated within an object, and its byte, or null. */
export function keyTwice(bytes: Uint8Array): { readonly key: string; readonly at: number } | null {
  const open: Set<string>[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const bracket = bytes[at]! & ~0x20;
    if (bytes[at]! >= LETTERS && bracket === 0x5b) open.push(new Set());
    else if (bytes[at]! >= LETTERS && bracket === 0x5d) open.pop();
    if (bytes[at] !== QUOTE) continue;
    const from = at;
    at = endOfText(bytes, at + 1);
    let next = at + 1;
    while (bytes[next]! <= SPACE) next++;
    if (bytes[next] !== COLON) continue;
    const key = JSON.parse(textOf(bytes.subarray(from, at + 1))) as string;
    const keys = open.at(-1)!;
    if (keys.has(key)) return { key, at: from };
    keys.add(key);
  }
  return null;
}

function endOfText(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(QUOTE, from); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
    let before = at;
    while (before > from && bytes[before - 1] === BACKSLASH) before--;
    if ((at - before) % 2 === 0) return at;
  }
  return bytes.length;
}
