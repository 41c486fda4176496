// A digest over the figures of a result: only that notices two numbers of the same unit that were exchanged.
import { newSha256 } from '../base/host/hash.js';
import { hasKeys } from '../base/objects.js';
import type { Result } from './result.js';

/** The fields that the digest covers: everything that a gate judges or reports. */
const COVERED = ['fingerprint', 'seed', 'inputs', 'config', 'metrics', 'perLayer', 'bounds', 'classes', 'knowledge'] as const;

type Covered = Readonly<Partial<Record<(typeof COVERED)[number], unknown>>>;

/** SHA-256, in hex, of the canonical JSON (keys sorted, no blanks) of the covered fields of a result, or of what was parsed from its file. */
export function digestOf(result: Covered): string {
  const covered = Object.fromEntries(COVERED.map((field) => [field, result[field]]));
  return hashOfValue(covered);
}

/** True if a digest is that of the result. Earlier versions left its knowledge out. */
export const isDigestOf = (digest: string, result: Covered): boolean =>
  digest === digestOf(result) || digest === digestOf({ ...result, knowledge: undefined });

/** The form of a SHA-256 in hex. */
export const SHA256_HEX = /^[0-9a-f]{64}$/;

/** SHA-256, in hex, of a value as {@link canonicalJson}. */
export const hashOfValue = (value: unknown): string => newSha256().update(canonicalJson(value)).digest('hex');

/** The result with its seal, instead of an older one. From here on its parts do not change. */
export function sealed(result: Result): Result {
  for (const field of COVERED) {
    const part = result[field];
    if (hasKeys(part)) TEXTS.set(part, new CanonicalText(canonicalJson(part)));
  }
  return { ...result, digest: digestOf(inText(result)) };
}

/** A part of a value whose canonical JSON is known, and copied by {@link canonicalJson}. */
export class CanonicalText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Canonical JSON of the parts of sealed results: a store writes the same parts once more, and they are most of a result. */
const TEXTS = new WeakMap<object, CanonicalText>();

/** The same result for {@link canonicalJson}: the parts that {@link sealed} has written are texts. */
export const inText = (result: Result): object =>
  Object.fromEntries(
    Object.entries(result).map(([field, part]) => [field, (typeof part === 'object' && TEXTS.get(part as object)) || part]),
  );

/** JSON in which equal values are equal text: keys sorted, absent fields left out. @param instead replaces each value; absent: they stay */
export function canonicalJson(given: unknown, instead?: (value: unknown) => unknown): string {
  const value = instead === undefined ? given : instead(given);
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null';
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (value instanceof CanonicalText) return value.text;
  if (Array.isArray(value)) {
    const flat = instead === undefined && value.every((item) => typeof item !== 'object' || item === null);
    return flat ? JSON.stringify(value) : `[${value.map((item) => canonicalJson(item, instead)).join(',')}]`;
  }
  let text = '';
  for (const key of Object.keys(value).sort()) {
    const field = (value as Readonly<Record<string, unknown>>)[key];
    if (field !== undefined) text += `${text === '' ? '' : ','}${keyText(key)}:${canonicalJson(field, instead)}`;
  }
  return `{${text}}`;
}

/** Keys as JSON: a result has hundreds of them, the same in each. */
const KEYS = new Map<string, string>();
const MOST_KEYS = 4096;

function keyText(key: string): string {
  const known = KEYS.get(key);
  if (known !== undefined) return known;
  const text = JSON.stringify(key);
  if (KEYS.size < MOST_KEYS) KEYS.set(key, text);
  return text;
}
