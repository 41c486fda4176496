// JSON documents of a file: one document, an array, or JSON lines.
import { UserError } from '../../base/errors.js';
import { isCount, isObject, ownValue } from '../../base/objects.js';
import { LineScanner } from '../../base/scan.js';
import { quoted } from '../../base/text.js';
import { parseJson } from '../../model/door.js';
import type { TraceSource } from '../source.js';

/** Maximum document, bytes; parsing more takes a gigabyte. */
const DOCUMENT_LIMIT = 64 * 1024 * 1024;

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Objects with place (`path:line`). @throws UserError for a non-object, or a document beyond 64 MiB */
export function* documents(source: TraceSource): Generator<{ readonly value: JsonObject; readonly place: string }, void, void> {
  if (isLines(source)) {
    const scanner = new LineScanner(source);
    while (scanner.nextFilled()) {
      const place = scanner.place();
      yield { value: objectAt(parseJson(scanner.lineBytes(), place), place), place };
    }
    return;
  }
  const { path } = source;
  const value = wholeJson(source);
  const list = Array.isArray(value) ? value : [value];
  for (const [index, entry] of list.entries()) {
    const place = Array.isArray(value) ? `${path}: document ${index}` : path;
    yield { value: objectAt(entry, place), place };
  }
}

/** The whole file as one JSON value. */
export const wholeJson = (source: TraceSource): unknown => parseJson(source.readAll(DOCUMENT_LIMIT), source.path);

function isLines(source: TraceSource): boolean {
  const scanner = new LineScanner(source);
  if (!scanner.next()) return false;
  const first = scanner.text().trim();
  if (!first.startsWith('{') || !first.endsWith('}')) return false;
  return scanner.nextFilled() && scanner.bytes[scanner.start] === 123;
}

/** @throws UserError if `value` is no object */
export function objectAt(value: unknown, place: string): JsonObject {
  if (!isObject(value)) throw new UserError(`${place}: not a JSON object`);
  return value;
}

/** Whole-number field, from 0; null if absent. @throws UserError */
export function wholeAt(object: JsonObject, key: string, place: string): number | null {
  const value = ownValue(object, key);
  if (value === undefined || value === null) return null;
  if (!isCount(value)) throw new UserError(`${place}: ${key} is ${quoted(value)}; a whole number is expected`);
  return value;
}

/** @throws UserError if `object[key]` is no array */
export function arrayAt(object: JsonObject, key: string, place: string): readonly unknown[] {
  const value = ownValue(object, key);
  if (!Array.isArray(value)) throw new UserError(`${place}: ${key} is missing or not a list`);
  return value;
}
