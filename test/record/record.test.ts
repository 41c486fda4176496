// A recording as its parent process makes it, with a process that plays the engine: rows become a trace, and every end of it one line.
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { startProcess } from '../../src/base/host/children.js';
import { recordRouting } from '../../src/record/record.js';
import { allocateChunk, NULL_EXPERT } from '../../src/trace/trace.js';
import { ggufHeader } from '../model/gguf-file.js';
import { temporaryFolder } from '../support/folder.js';

const FAKE = fileURLToPath(new URL('fake-engine.mjs', import.meta.url));
const folder = temporaryFolder();
const model = join(folder, 'tiny.gguf');
writeFileSync(model, ggufHeader({ 'general.architecture': 'qwen3moe', 'general.name': 'Tiny Mix' }, []));

/** Starts the fake with a scenario. */
function playing(scenario: string): typeof startProcess {
  return (module, ears) => {
    expect(module).toBe('record/engine-child');
    const child = fork(FAKE, [scenario], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    child.stderr!.on('data', (chunk: Buffer) => ears.stderr(String(chunk)));
    child.on('message', (message) => ears.message(message));
    child.on('error', ears.error);
    child.on('close', ears.close);
    return {
      connected: true,
      send: (message) => void child.send(message as object, () => undefined),
      disconnect: () => child.disconnect(),
      kill: () => void child.kill('SIGKILL'),
    };
  };
}

const record = (scenario: string, watch = {}) => recordRouting({ model, prompts: ['a', 'b'] }, watch, playing(scenario));

describe('a recording', () => {
  it('has the rows, phases, positions, ids and gates that were sent', async () => {
    const progress: number[][] = [];
    const { trace, ...rest } = await record('whole', { progress: (...numbers: number[]) => progress.push(numbers) });
    expect(rest).toMatchObject({ engine: 'fake 1', choices: 1, compared: 2, differsAt: null, timesAsLong: 1.25 });
    expect(trace).toMatchObject({ tokens: 4, layers: 2, topK: 2, expertsPerLayer: [4, 4] });
    expect(trace.meta).toMatchObject({ model: 'Tiny Mix', synthetic: false, notes: { engine: 'fake 1', first_other_token: 'none' } });
    expect(trace.requests).toEqual([
      { id: 0, start: 0, prefill: 2, decode: 1 },
      { id: 1, start: 3, prefill: 1, decode: 0 },
    ]);
    const chunk = allocateChunk(trace, 4);
    trace.read(0, 4, chunk);
    expect([...chunk.position]).toEqual([0, 1, 2, 0]);
    expect([...chunk.tokenId!]).toEqual([10, 11, 12, 20]);
    expect([...chunk.experts]).toEqual([0, 1, NULL_EXPERT, NULL_EXPERT, 2, 3, 1, 0, 3, 0, 2, 1, 1, 2, 1, 2]);
    expect([...chunk.weights!.subarray(0, 4)]).toEqual([1, 0.5, 0, 0]);
    expect(progress).toEqual([0, 2, 3, 4].map((rows) => [rows, 5]));
    trace.close();
  });

  it('notes where recording changed what was generated', async () => {
    const { trace, differsAt } = await record('other');
    expect(differsAt).toBe(1);
    expect(trace.meta.notes.first_other_token).toBe('1');
    trace.close();
  });
});

describe('an engine that fails', () => {
  it.each([
    ['failed', /tiny\.gguf: the engine cannot load it: load_tensors: error: tensor data are not within the file$/],
    ['abort', /tiny\.gguf: the engine crashed \(SIGABRT\): .*GGML_ASSERT/],
    ['killed', /tiny\.gguf: the engine was killed, most often because memory ran out; take a smaller model, or fewer --tokens$/],
    ['exit', /tiny\.gguf: the engine ended with 7 before it was done$/],
    ['twice', /tiny\.gguf: token 0, layer 0: expert 1 .*twice/],
  ])('%s: one line', async (scenario, message) => {
    const error = await record(scenario).then(
      () => null,
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ name: 'UserError', exitCode: 2 });
    expect(error!.message).toMatch(message);
    expect(error!.message).not.toContain('\n');
  });

  it('is not started for what is no model, or without a prompt', async () => {
    const never = (): never => expect.fail('it is started');
    const text = join(folder, 'my.txt');
    writeFileSync(text, 'hello');
    await expect(recordRouting({ model: text, prompts: ['a'] }, {}, never)).rejects.toThrow('my.txt: is no GGUF file');
    await expect(recordRouting({ model: join(folder, 'gone'), prompts: ['a'] }, {}, never)).rejects.toThrow('there is no such file');
    await expect(recordRouting({ model, prompts: [] }, {}, never)).rejects.toThrow('there is no prompt');
  });
});
