// Writing a trace lets signals in, and one that ends it leaves nothing half written behind.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CliContext } from '../../src/cli/kit/context.js';
import { writeTrace } from '../../src/cli/trace/write.js';
import { loadModel } from '../../src/model/load/load.js';
import { synthesize } from '../../src/trace/generate/synthetic.js';
import { temporaryFolder } from '../support/folder.js';

let folder = '';
beforeEach(() => {
  folder = temporaryFolder();
});
const trace = synthesize(loadModel('mini-mixtral-8x8l'), { seed: 1, requests: [{ prefill: 4, decode: 5000 }] });

/** A context in which a signal comes at breath number `fatal`. */
function contextOf(fatal: number): { context: CliContext; seen: string[][]; printed: () => number } {
  const seen: string[][] = [];
  let printed = 0;
  const context = {
    out: () => void printed++,
    breathe: async () => {
      seen.push(readdirSync(folder));
      if (seen.length < fatal) return;
      throw new Error('interrupted');
    },
  } as Partial<CliContext> as CliContext;
  return { context, seen, printed: () => printed };
}

describe('writing a trace', () => {
  it.each(['t.safetensors', 't.jsonl'])('%s: an interrupt between blocks removes the unfinished file', async (name) => {
    const { context, seen } = contextOf(3);
    await expect(writeTrace(trace, join(folder, name), {}, context)).rejects.toThrow('interrupted');
    expect(seen.map((files) => files.length)).toEqual([1, 1, 1]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('writes no more to stdout when its reader has gone', async () => {
    const { context, printed } = contextOf(2);
    await expect(writeTrace(trace, '-', {}, context)).rejects.toThrow('interrupted');
    expect(printed()).toBe(3);
  });

  it('is in place when nothing happens', async () => {
    const { context, seen } = contextOf(Number.POSITIVE_INFINITY);
    await writeTrace(trace, join(folder, 't.safetensors'), {}, context);
    expect(seen.length).toBe(Math.ceil(trace.tokens / 1024));
    expect(readdirSync(folder)).toEqual(['t.safetensors']);
  });
});
