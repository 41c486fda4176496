// Models that keep the contract answer at once and exactly; models that do not, and files that are none, are refused in one line.
import { existsSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { checkContract } from '../../../src/predict/onnx/contract.js';
import { SyncSession } from '../../../src/predict/onnx/session.js';
import { echoModel, modelFile, modelWithDataAt, node, rows, scalar, temporaryModel } from '../../fixtures/onnx/models.js';
import { temporaryFolder } from '../../trace/builders.js';

const folder = temporaryFolder();

/** A session whose input and output are bound, for 4 rows. */
async function bound(path: string, experts: number) {
  const session = await SyncSession.open(path);
  const input = new Float32Array(new SharedArrayBuffer(16 * experts));
  const output = new Float32Array(new SharedArrayBuffer(16 * experts));
  const shape = [-1, experts];
  session.bind({ inputs: [{ name: 'observed', data: input, shape }], outputs: [{ name: 'logits', data: output, shape }] });
  return { session, input, output };
}

async function refusal(path: string): Promise<string> {
  const error = await SyncSession.open(path).then(
    (session) => session.close(),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UserError);
  const { exitCode, message } = error as UserError;
  expect(exitCode).toBe(2);
  expect(message).not.toContain('\n');
  return message;
}

describe('a session', () => {
  it('answers without a promise, call after call, for any number of rows', async () => {
    const { session, input, output } = await bound(echoModel('observed', 3), 3);
    input.set([1, 0, 1, 0, 1, 0]);
    session.run(1);
    expect(Array.from(output.subarray(0, 6))).toEqual([4, -4, 4, 0, 0, 0]);
    session.run(2);
    expect(Array.from(output.subarray(0, 6))).toEqual([4, -4, 4, -4, 4, -4]);
    input[0] = 0;
    session.run(1);
    expect(output[0]).toBe(-4);
    session.close();
  });

  it('goes on waiting when it is woken before there is an answer', async () => {
    const { session, input, output } = await bound(echoModel('observed', 2), 2);
    input.set([1, 0]);
    // What the worker says late of a call before wakes the next one, with its answer still to come.
    const wait = vi.spyOn(Atomics, 'wait').mockReturnValueOnce('ok').mockReturnValueOnce('ok');
    session.run(1);
    wait.mockRestore();
    expect(Array.from(output.subarray(0, 2))).toEqual([4, -4]);
    session.close();
  });

  it('takes larger tensors when they are bound', async () => {
    const { session, input } = await bound(echoModel('observed', 2), 2);
    input.fill(1);
    session.run(4);
    const larger = new Float32Array(new SharedArrayBuffer(4 * 2 * 9)).fill(1);
    const output = new Float32Array(new SharedArrayBuffer(4 * 2 * 9));
    session.bind({
      inputs: [{ name: 'observed', data: larger, shape: [-1, 2] }],
      outputs: [{ name: 'logits', data: output, shape: [-1, 2] }],
    });
    session.run(9);
    expect(output.every((value) => value === 4)).toBe(true);
    session.close();
  });

  it('says in one line that a model fails when it runs, and goes on', async () => {
    // The model adds a constant of 5 columns to whatever it is given: that cannot be told before.
    const path = modelFile({
      nodes: [node('Add', ['observed', 'five'], ['logits'])],
      initializers: [{ name: 'five', shape: [5], data: new Float32Array(5) }],
      inputs: [{ name: 'observed', type: 'float32', shape: ['N', 'M'] }],
      outputs: [{ name: 'logits', type: 'float32', shape: ['N', 'M'] }],
    });
    const { session } = await bound(path, 3);
    const first = (): void => session.run(2);
    expect(first).toThrow(UserError);
    expect(first).toThrow(/^\S+predictor\.onnx: the model fails when it runs: [^\n]+$/);
    session.close();
  });

  it('refuses an output of another size than expected', async () => {
    const path = modelFile({
      nodes: [node('Concat', ['observed', 'observed'], ['logits'])].map((spec) => ({ ...spec, attributes: { axis: { int: 1 } } })),
      inputs: [rows('observed', 3)],
      outputs: [{ name: 'logits', type: 'float32', shape: ['N', 'M'] }],
    });
    const { session } = await bound(path, 3);
    expect(() => session.run(2)).toThrow('it gives logits [2,6], expected [2,3]');
    session.close();
  });
});

describe('a file that is no model', () => {
  it('is not there, or is a folder', async () => {
    expect(await refusal(join(folder, 'none.onnx'))).toContain('none.onnx: there is no such file');
    mkdirSync(join(folder, 'folder.onnx'));
    expect(await refusal(join(folder, 'folder.onnx'))).toContain('is a folder, not a file');
  });

  it.each([
    ['text', 'this is no model'],
    ['nothing', ''],
    ['random bytes', Uint8Array.from({ length: 4096 }, (_, i) => (i * 197 + 31) % 256)],
  ])('holds %s', async (_, bytes) => {
    expect(await refusal(temporaryModel(bytes))).toContain('predictor.onnx: is not a model that onnxruntime can load');
  });

  it('is the first half of one', async () => {
    const path = echoModel('observed', 100);
    truncateSync(path, 60);
    expect(await refusal(path)).toContain('is not a model that onnxruntime can load');
  });

  it.each(['../secret.bin', '/etc/passwd', 'link.bin'])('takes its numbers from %s, which is not beside it', async (location) => {
    const inside = join(folder, 'inside');
    mkdirSync(inside, { recursive: true });
    writeFileSync(join(folder, 'secret.bin'), new Float32Array(4));
    if (!existsSync(join(inside, 'link.bin'))) symlinkSync('../secret.bin', join(inside, 'link.bin'));
    const path = join(inside, 'predictor.onnx');
    writeFileSync(path, modelWithDataAt(location));
    expect(await refusal(path)).toMatch(/External data path escapes model directory|Absolute path not allowed/);
  });

  it('is too large, and is not even read', async () => {
    const path = join(folder, 'large.onnx');
    writeFileSync(path, '');
    truncateSync(path, 600 * 2 ** 20); // sparse: takes no space
    expect(await refusal(path)).toContain('has 600 MiB, more than a path predictor may have (512 MiB)');
  });
});

describe('the contract', () => {
  const open = (name: string, shape: readonly (number | string)[] = ['N', 8], type = 'float32') => ({ name, shape, type });
  const logits = [open('logits')];

  it('takes any subset of the inputs, and other outputs beside the logits', () => {
    const ids = ['token_id', 'position'].map((name) => open(name, ['batch'], 'int64'));
    const inputs = [open('history'), ...ids, open('popularity', [8]), open('history_slow'), open('observed', ['batch', 8])];
    expect(checkContract('p.onnx', inputs, [open('hidden', ['N', 3]), ...logits], 8)).toEqual(inputs.map(({ name }) => name));
    expect(checkContract('p.onnx', [open('history', ['', ''])], logits, 8)).toEqual(['history']);
  });

  it.each([
    ['an unknown input', [open('histroy')], logits, 'asks for an input "histroy", which moeprof does not give; did you mean "history"'],
    ['no logits', [open('history')], [open('output')], 'has no output "logits" (found "output"); name its [N, 8] logits so'],
    ['another number of experts', [open('history', ['N', 6])], logits, 'input "history" must be float32 [N, 8], found float32 [N, 6]'],
    ['another element type', [open('token_id', ['N'], 'int32')], logits, 'input "token_id" must be int64 [N], found int32 [N]'],
    [
      'a fixed batch',
      [open('history', [1, 8])],
      logits,
      'input "history" must be float32 [N, 8], found float32 [1, 8]; export it with a dynamic first axis',
    ],
    [
      'a wrong rank',
      [open('history', ['N', 2, 4])],
      logits,
      'input "history" must be float32 [N, 8], found float32 [N, 2, 4]; was it made for another model?',
    ],
    ['wrong logits', [open('history')], [open('logits', ['N', 9])], 'output "logits" must be float32 [N, 8], found float32 [N, 9]'],
  ])('refuses %s', (_, inputs, outputs, message) => {
    expect(() => checkContract('p.onnx', inputs, outputs, 8)).toThrow(UserError);
    expect(() => checkContract('p.onnx', inputs, outputs, 8)).toThrow(`p.onnx: ${message}`);
  });

  it('is what a loaded file declares', async () => {
    const session = await SyncSession.open(
      modelFile({
        nodes: [node('Mul', ['history', 'two'], ['logits'])],
        initializers: [scalar('two', 2)],
        inputs: [rows('history', 8)],
        outputs: [rows('logits', 8)],
      }),
    );
    expect(session.inputs).toEqual([{ name: 'history', type: 'float32', shape: ['N', 8] }]);
    expect(session.outputs).toEqual([{ name: 'logits', type: 'float32', shape: ['N', 8] }]);
    session.close();
  });
});
