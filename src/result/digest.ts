// Digest of a result's figures, the only means to notice two swapped numbers of the same unit.
import { newSha256 } from '../base/host/hash.js';
import { hasKeys } from '../base/objects.js';
import type { Result } from './result.js';

/** Covered fields: everything judged or reported by a gate. */
const COVERED = ['fingerprint', 'seed', 'inputs', 'config', 'metrics', 'perLayer', 'bounds', 'classes', 'knowledge'] as const;

type Covered = Readonly<Partial<Record<(typeof COVERED)[number], unknown>>>;

/** SHA-256, hex, of a result's covered fields as {@link canonicalJson}. */
export function digestOf(result: Covered): string {
  const covered = Object.fromEntries(COVERED.map((field) => [field, result[field]]));
  return hashOfValue(covered);
}

/** True if the digest matches. Earlier versions excluded knowledge. */
export const isDigestOf = (digest: string, result: Covered): boolean =>
  digest === digestOf(result) || digest === digestOf({ ...result, knowledge: undefined });

/** SHA-256 in hex. */
export const SHA256_HEX = /^[0-9a-f]{64}$/;

/** SHA-256, hex, of a value as {@link canonicalJson}. */
export const hashOfValue = (value: unknown): string => newSha256().update(canonicalJson(value)).digest('hex');

/** Seals a result, whose parts must not change afterwards. */
export function sealed(result: Result): Result {
  for (const field of COVERED) {
    const part = result[field];
    if (hasKeys(part)) TEXTS.set(part, new CanonicalText(canonicalJson(part)));
  }
  return { ...result, digest: digestOf(inText(result)) };
}

/** Part with known canonical JSON. */
export class CanonicalText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Canonical JSON of sealed parts, which a store writes again. */
const TEXTS = new WeakMap<object, CanonicalText>();

/** Same result with sealed parts as {@link CanonicalText}. */
export const inText = (result: Result): object =>
  Object.fromEntries(
    Object.entries(result).map(([field, part]) => [field, (typeof part === 'object' && TEXTS.get(part as object)) || part]),
  );

/** JSON with equal text for equal values: keys sorted, absent fields omitted. @param instead replaces each value */
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

const KEYS = new Map<string, string>();
const MOST_KEYS = 4096;

function keyText(key: string): string {
  const known = KEYS.get(key);
  if (known !== undefined) return known;
  const text = JSON.stringify(key);
  if (KEYS.size < MOST_KEYS) KEYS.set(key, text);
  return text;
}
