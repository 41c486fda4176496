// The file of a training's state: what was written is read again, and what a stranger wrote into it is refused in one line.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCheckpoint, saveCheckpoint } from '../../../src/predict/onnx/checkpoint.js';
import { checkpointBytes, checkpointLike, FINGERPRINT } from '../../attack/predictors.js';
import { temporaryFolder } from '../../trace/builders.js';

const path = join(temporaryFolder(), 'state');
const load = () => loadCheckpoint(path, FINGERPRINT, checkpointLike());

type Header = Record<string, { data_offsets?: unknown } | Record<string, string> | null>;

/** Writes the sound checkpoint with another header. */
function write(change: (header: Header) => unknown): void {
  const bytes = Buffer.from(checkpointBytes());
  const data = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, data)) as Header;
  const changed = change(header);
  const text = Buffer.from(JSON.stringify(changed === undefined ? header : changed));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([length, text, bytes.subarray(data)]));
}

const metadata = (field: string, text: string) => (header: Header) => {
  (header.__metadata__ as Record<string, string>)[field] = text;
};
const offsets = (value: unknown) => (header: Header) => {
  (header['weights.m'] as { data_offsets: unknown }).data_offsets = value;
};

describe('a checkpoint', () => {
  it('is read as it was written', () => {
    write(() => undefined);
    const read = load();
    expect(read.epochs).toEqual([
      { epoch: 1, loss: 1, heldOutLoss: 2 },
      { epoch: 2, loss: 0.5, heldOutLoss: 1 },
    ]);
    expect(read.bestEpoch).toBe(2);
    expect(read.tensors.get('weights')!.data).toEqual(new Float32Array(6).fill(1));
    const bytes = readFileSync(path);
    saveCheckpoint(path, FINGERPRINT, read);
    expect(readFileSync(path)).toEqual(bytes);
  });

  it.each([
    ['no metadata', () => ({})],
    ['null', () => null],
    ['a list', () => [1]],
    ['epochs that are a number', metadata('epochs', '5')],
    ['epochs that are null', metadata('epochs', 'null')],
    ['epochs without figures', metadata('epochs', '[null]')],
    ['a best epoch that is none', metadata('bestEpoch', 'x')],
    ['a best epoch to come', metadata('bestEpoch', '3')],
    ['a tensor that is null', (header: Header) => ({ ...header, weights: null })],
    ['offsets that are a number', offsets(5)],
    ['offsets before the data', offsets([-24, 0])],
    ['offsets between bytes', offsets([0.5, 24.5])],
    ['offsets behind the data', offsets([1e15, 1e15 + 24])],
  ] as const)('with %s is refused', (_, change) => {
    write(change);
    expect(load).toThrow(/^\S+state: is not a whole checkpoint of moeprof; delete it to train from the beginning$/);
  });
});
