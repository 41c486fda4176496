// The registry of trace formats, most specific first: the first whose content test says yes reads the file.

import { UserError } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import type { TraceSource } from '../source.js';
import type { TraceFormat } from './format.js';
import { jsonl } from './jsonl.js';
import { safetensors } from './safetensors.js';

/** All formats; adding one is one file and one line here. */
export const traceFormats: readonly TraceFormat[] = [safetensors, jsonl];

/**
 * The format of a file: the one that was named, or the first that recognises the content.
 * @throws UserError where the name is unknown or nothing recognises it
 */
export function formatOf(source: TraceSource, name?: string): TraceFormat {
  if (name !== undefined) {
    const named = traceFormats.find((format) => format.name === name);
    if (named !== undefined) return named;
    const names = traceFormats.map((format) => format.name);
    throw new UserError(`trace format ${JSON.stringify(name)} is unknown${didYouMean(name, names)}; formats are ${names.join(', ')}`);
  }
  const found = traceFormats.find((format) => format.detect(source));
  if (found !== undefined) return found;
  throw new UserError(
    `${source.path}: no trace format that moeprof knows; name it with --trace-format, or convert it (docs/record-a-trace.md)`,
  );
}
