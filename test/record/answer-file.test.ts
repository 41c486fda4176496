// Rows that are written as they come: whole answers alone, and a trace that may be cut anywhere.
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AnswerFile } from '../../src/record/answer-file.js';
import { openTrace } from '../../src/trace/open/open.js';
import { temporaryFolder } from '../support/folder.js';

const HEADER = '{"format":"moeprof.trace/1","num_layers":"1","top_k":"1","recording":"unfinished"}\n';
const row = (request: number): string => `{"request":${request},"position":0,"phase":"prefill","experts":[[${request % 4}]]}\n`;

it('an answer that cannot be written leaves nothing of itself', async () => {
  const path = join(temporaryFolder(), 'a.part.jsonl');
  const rows = new AnswerFile(path);
  expect(existsSync(path)).toBe(false);
  rows.add([HEADER, row(0)]);
  const breaking = function* (): Generator<string> {
    yield row(1);
    throw new Error('no room');
  };
  expect(() => rows.add(breaking())).toThrow('no room');
  rows.add([row(1)]);
  expect(readFileSync(path, 'utf8')).toBe(HEADER + row(0) + row(1));
  const trace = await rows.trace({});
  expect([trace.tokens, trace.requests.length]).toEqual([2, 2]);
  trace.close();
  rows.remove();
  expect(existsSync(path)).toBe(false);
});

it('a file that stands there is refused', () => {
  const path = join(temporaryFolder(), 'a.part.jsonl');
  writeFileSync(path, HEADER);
  expect(() => new AnswerFile(path)).toThrow(
    /holds a recording that did not end; make a trace of it \(moeprof trace convert .*\), then remove it$/,
  );
});

it('a recording that was cut anywhere has all whole lines before', async () => {
  const path = join(temporaryFolder(), 'cut.jsonl');
  const text = HEADER + row(0) + row(1) + row(2);
  const first = HEADER.length + row(0).length;
  for (let bytes = text.length; bytes >= first; bytes--) {
    writeFileSync(path, text.slice(0, bytes));
    const trace = await openTrace(path);
    expect(trace.tokens).toBe(1 + Math.floor((bytes - first) / row(0).length));
    trace.close();
  }
  truncateSync(path, first - 1);
  await expect(openTrace(path)).rejects.toThrow(/no token follows the header; the trace is empty$/);
  // A trace that is not under way is whole.
  writeFileSync(path, text.replace(',"recording":"unfinished"', '').slice(0, -5));
  await expect(openTrace(path)).rejects.toThrow(/cut\.jsonl:4: /);
});
