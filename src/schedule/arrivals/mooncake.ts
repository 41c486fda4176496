import { UserError } from '../../base/errors.js';
import { bytesOf } from '../../base/host/bytes.js';
import { parseJsonBytes } from '../../base/nesting.js';
import { isObject } from '../../base/objects.js';
import { type ArrivalFormat, arrivalTimeOf, tokensOf } from './format.js';

/** Null: no JSON object. */
function objectOf(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = parseJsonBytes(bytesOf(line), 'line');
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Mooncake traces: JSON lines, times in ms. Prefix hashes are unused. */
export const mooncake: ArrivalFormat = {
  name: 'mooncake',
  summary: 'JSON lines of timestamp (ms), input_length, output_length',
  cites: 'Mooncake, FAST 2025, arXiv 2407.00079',
  header: false,
  recognises: (firstLine) => {
    const first = objectOf(firstLine);
    return first !== null && 'timestamp' in first && 'input_length' in first && 'output_length' in first;
  },
  reader: () => (line, place) => {
    const fields = objectOf(line);
    if (fields === null) throw new UserError(`${place}: not a JSON object; is the line cut off?`);
    return {
      arrivalNs: arrivalTimeOf(fields.timestamp, 1e6, 'timestamp', place),
      prompt: tokensOf(fields.input_length, 'input_length', place),
      output: tokensOf(fields.output_length, 'output_length', place),
      requestClass: '',
    };
  },
};
