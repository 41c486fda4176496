// A line lost out of the middle of a recording is told: the reader refuses the file, or the audit that precedes each run warns. Untold stays
// what a format cannot know, which is listed here.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { auditTrace } from '../../src/trace/audit/index.js';
import { openTrace } from '../../src/trace/open/open.js';
import { fileOf, temporaryFolder } from '../trace/builders.js';
import { countFixtures } from '../trace/formats/fixtures.js';
import { twice } from './twice.js';

const folder = temporaryFolder();

/** What is said of a file: the refusal, or the warnings of the audit. */
async function told(bytes: Uint8Array): Promise<string[]> {
  const trace = await openTrace(fileOf(folder, 'cut', bytes)).catch((error: unknown) => {
    if (error instanceof UserError) return error;
    throw error;
  });
  if (trace instanceof UserError) return [trace.message];
  try {
    return auditTrace(trace).flatMap(({ code, level }) => (level === 'warning' ? [code] : []));
  } finally {
    trace.close();
  }
}

/** Lines whose loss nothing tells, from 0: what is left is as another recording would be. */
const UNTOLD: Readonly<Record<string, RegExp>> = {
  // All of a prompt at the last layer, which llama.cpp computes in its last part alone.
  megatron: /^4$/,
  // The end of one request and the beginning of the next; and rows without positions.
  jsonl: /^7 8$/,
  'jsonl with a header': /^1 2 3 4 5 6 7 8 9 10$/,
  // One of several choices, a line each: tokens may have fewer.
  bigmoeonedge: /^1( \d+)+$/,
  'csv by activation': /^\d+( \d+)+$/,
  // Empty lines between events, and the counts of tokens, which ids of tokens give as well.
  'vLLM generate, streamed': /^1 3 4 5$/,
};

/** Recordings of a line per token, per token and layer, or per choice. */
const texts = Object.entries(twice.files).filter(
  ([name, bytes]) =>
    !bytes.includes(0) &&
    !(name in countFixtures) &&
    Buffer.from(bytes).toString().trim().split('\n').length > 5 &&
    name !== 'gpt-oss fingerprint' &&
    // Its replies have no shape of their own: it is opened with a model alone.
    name !== 'SGLang chat, streamed',
);

describe('a recording', () => {
  it.each(texts)('%s that lacks a line out of its middle is told', async (name, bytes) => {
    expect(await told(bytes)).toEqual([]);
    const lines = Buffer.from(bytes).toString().trimEnd().split('\n');
    const untold: number[] = [];
    for (let at = 1; at < lines.length - 1; at++) {
      if ((await told(Buffer.from(`${lines.toSpliced(at, 1).join('\n')}\n`))).length === 0) untold.push(at);
    }
    expect(untold.join(' ')).toMatch(UNTOLD[name] ?? /^$/);
  });
});
