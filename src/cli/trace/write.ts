import { UserError } from '../../base/errors.js';
import { AtomicFile } from '../../base/files.js';
import { extname } from '../../base/host/paths.js';
import { metadataOf } from '../../trace/formats/metadata.js';
import { fillJsonl, fillSafetensors, jsonlLines, type WriteOptions } from '../../trace/open/write.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { CliContext } from '../kit/context.js';

/** @throws UserError for an unknown extension */
export function layoutOf(path: string): 'safetensors' | 'jsonl' {
  const ending = extname(path).toLowerCase();
  if (ending === '.safetensors') return 'safetensors';
  if (path === '-' || ending === '.jsonl' || ending === '.ndjson') return 'jsonl';
  throw new UserError(`-o ${path}: the ending does not tell the layout; use .safetensors or .jsonl, or - for JSONL on stdout`);
}

/** Writes a trace atomically. */
export async function writeTrace(trace: RoutingTrace, path: string, options: WriteOptions, context: CliContext): Promise<void> {
  if (path === '-') {
    context.out(`${JSON.stringify(metadataOf(trace, options.metadata))}\n`);
    for (const block of jsonlLines(trace, trace.has.weights && options.weights !== 'none')) {
      context.out(block);
      await context.breathe();
    }
    return;
  }
  const fill = layoutOf(path) === 'safetensors' ? fillSafetensors : fillJsonl;
  const file = new AtomicFile(path);
  try {
    for (const _ of fill(trace, file, options)) await context.breathe();
    file.commit();
  } finally {
    file.abort();
  }
}
