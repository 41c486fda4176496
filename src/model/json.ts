import { messageOf, UserError } from '../base/errors.js';
import { bytesOf } from '../base/host/bytes.js';
import { readText } from '../base/input-file.js';
import type { InputKind } from '../base/input-kinds.js';
import { parseJsonBytes } from '../base/nesting.js';
import { isObject } from '../base/objects.js';

/** Python's NaN and Infinity become null. @param kind limits the size @throws UserError with line and column */
export function readJson(path: string, kind: InputKind): Record<string, unknown> {
  const text = readText(path, kind);
  // An unfinished string is matched to the end, for linear time.
  const finite = (): string =>
    text.replace(/"[^"\\]*(?:\\[\s\S]?[^"\\]*)*(?:"|$)|-?\bInfinity\b|\bNaN\b/g, (token) => (token.startsWith('"') ? token : 'null'));
  const json = parse(text, path) ?? parse(finite(), path);
  if (json === null) {
    const before = text.slice(0, brokenAt(text)).split('\n');
    throw new UserError(`${path}:${before.length}:${before.at(-1)!.length + 1}: is not JSON from here on; was the file cut short?`);
  }
  if (!isObject(json.value)) throw new UserError(`${path}: is not a JSON object`);
  return json.value;
}

/** @param otherwise message for non-JSON; absent: the parser's @param most lists and objects @throws UserError */
export function parseJson(bytes: Uint8Array, place: string, otherwise?: string, most?: number): unknown {
  try {
    return parseJsonBytes(bytes, place, most);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${place}: ${otherwise ?? `not JSON: ${messageOf(error)}`}`);
  }
}

function parse(text: string, path: string): { value: unknown } | null {
  try {
    return { value: parseJsonBytes(bytesOf(text), path) };
  } catch (error) {
    if (error instanceof UserError) throw error;
    return null;
  }
}

function brokenAt(text: string): number {
  try {
    JSON.parse(text);
  } catch (error) {
    return Number(/at position (\d+)/.exec(messageOf(error))?.[1] ?? text.length);
  }
  return text.length;
}
