// JSON of other programs: whole files as Python writes them, and values inside other files.
import { messageOf, UserError } from '../base/errors.js';
import { bytesOf } from '../base/host/bytes.js';
import { type InputKind, readText } from '../base/input-file.js';
import { parseJsonBytes } from '../base/nesting.js';
import { isObject } from '../base/objects.js';

/** A JSON object from a file; NaN and Infinity, as Python writes them, become null. @param kind limits its size @throws UserError with place */
export function readJson(path: string, kind: InputKind): Record<string, unknown> {
  const text = readText(path, kind);
  // An unfinished text is matched to the end, or a file of quotes would be looked through from each of them.
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

/** A JSON value. @param otherwise message for text that is not JSON; absent: the parser's @param most lists and objects @throws UserError */
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

/** Position of the first character that is no JSON; the end, if more was expected. */
function brokenAt(text: string): number {
  try {
    JSON.parse(text);
  } catch (error) {
    return Number(/at position (\d+)/.exec(messageOf(error))?.[1] ?? text.length);
  }
  return text.length;
}
