// Trace formats of the user's own: the example of docs/extend.md does what the page says, and each wrong row is told.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTrace } from '../../../src/trace/open/open.js';
import { allocateChunk, NULL_EXPERT } from '../../../src/trace/trace.js';
import { exampleOf, ownFolder, refusal, withoutTrials } from '../../support/own-parts.js';

const folder = ownFolder();
const example = exampleOf('engine-log.mjs', folder);

const log = join(folder, 'engine.log');
writeFileSync(log, '# an engine\n4 prefill 3,7;1,4\n4 decode 0,2;5\n\n9 decode 1,0;-1,3\n');

describe('docs/extend.md, a trace format', () => {
  it('reads the rows of a file', async () => {
    const trace = await openTrace(log, { format: example });
    const { layers, requests, tokens, topK } = trace;
    expect([tokens, layers, topK]).toEqual([3, 2, 2]);
    expect(requests).toEqual([
      { id: 4, start: 0, prefill: 1, decode: 1 },
      { id: 9, start: 2, prefill: 0, decode: 1 },
    ]);
    const chunk = allocateChunk(trace, 3);
    trace.read(0, 3, chunk);
    expect([...chunk.experts]).toEqual([3, 7, 1, 4, 0, 2, 5, NULL_EXPERT, 1, 0, NULL_EXPERT, 3]);
    expect(trace.meta.format).toBe('engine-log');
    trace.close();
  });

  it('hashes the file and the module', async () => {
    const other = join(folder, 'other.mjs');
    writeFileSync(other, "export default { name: 'other', *rows(file) { yield { experts: [[file.bytes]] }; } };");
    const hashOf = async (format: string): Promise<string> => {
      const trace = await openTrace(log, { format });
      const hash = trace.sha256();
      trace.close();
      return hash;
    };
    const hashes = [await hashOf(example), await hashOf(other), await hashOf(example)];
    expect(hashes.every((hash) => /^[0-9a-f]{64}$/.test(hash))).toBe(true);
    expect([hashes[0] === hashes[1], hashes[0] === hashes[2]]).toEqual([false, true]);
  });
});

describe('a wrong row is one line', () => {
  withoutTrials();
  it.each([
    ['other layers', '0 decode 1,2;3,4\n0 decode 1,2\n', /bad\.log:2: .*engine-log\.mjs: the row has 1 layers, the first one has 2/],
    ['too wide', '0 decode 1,2;3,4\n0 decode 1,2,3;4\n', /bad\.log:2: .*layer 0 has 3 experts, a token chooses 2; give topK in head/],
    ['no id', '0 decode 1,x\n', /bad\.log:1: .*layer 0: NaN is no expert; ids are 0 to/],
    ['twice', '0 decode 1,1\n', /bad\.log:1: .*layer 0: expert 1 stands twice/],
    ['another phase', '0 decoding 1,2\n', /bad\.log:1: .*phase is 'decoding'; write prefill or decode/],
    ['no rows', '# none\n', /bad\.log: .*rows yielded nothing/],
    ['a throw', '0 decode\n', /engine-log\.mjs:\d+:\d+: rows threw TypeError: /],
    ['a prompt after', '0 decode 1,2\n0 prefill 1,2\n', /a prefill row follows a decode row of request 0/],
  ])('%s', async (_what, text, message) => {
    const path = join(folder, 'bad.log');
    writeFileSync(path, text);
    const said = await refusal(() => openTrace(path, { format: example }));
    expect(said).toMatch(/^UserError: /);
    expect(said).toMatch(message);
  });
});
