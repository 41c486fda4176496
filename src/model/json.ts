// JSON files that Python programs wrote.
import { messageOf, UserError } from '../base/errors.js';
import { isObject } from './fields.js';
import { withFile } from './file.js';

/**
 * A JSON object from a file. Python writes NaN and Infinity as they are; nothing that is read here may be either, so they become null.
 * @param limit largest size in bytes
 * @throws UserError with line and column
 */
export function readJson(path: string, limit: number): Record<string, unknown> {
  const text = withFile(path, (file) => file.text(limit));
  const json =
    parse(text) ?? parse(text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (token) => (token.startsWith('"') ? token : 'null')));
  if (json === null) {
    const before = text.slice(0, brokenAt(text)).split('\n');
    throw new UserError(`${path}:${before.length}:${before.at(-1)!.length + 1}: is not JSON from here on; was the file cut short?`);
  }
  if (!isObject(json.value)) throw new UserError(`${path}: is not a JSON object`);
  return json.value;
}

function parse(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

/** Position of the first character that is no JSON; the end, where more was expected. */
function brokenAt(text: string): number {
  try {
    JSON.parse(text);
  } catch (error) {
    return Number(/at position (\d+)/.exec(messageOf(error))?.[1] ?? text.length);
  }
  return text.length;
}
