// docs/extend.md: its table is the contract that the code keeps, and its YAML is a system.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { HISTORY_DECAY, HISTORY_SLOW_DECAY, INPUT_NAMES, OUTPUT_NAME, tensorOf } from '../../../src/predict/onnx/contract.js';
import { onnx } from '../../../src/predict/onnx/predictor/onnx.js';
import { SEQUENCE_INPUTS, SEQUENCE_OUTPUTS, sequenceTensorOf } from '../../../src/predict/onnx/sequence/contract.js';
import { checkRun } from '../../../src/system/load-run.js';

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/extend.md'), 'utf8')
  .split(/^## /m)
  .find((part) => part.startsWith('A trained predictor'))!;

/** Rows of tables of tensors: name, type, shape. */
const rowsOf = (text: string) =>
  [...text.matchAll(/^\| `(\w+)` \| (\w+) (\[.*?\]) \|/gm)].map(([, name, type, shape]) => [name, type, shape]);
const rowOf = (name: string, type: string, shape: readonly unknown[]) => [
  name,
  type,
  `[${shape.map((size) => (size === 8 ? 'L*E' : size)).join(', ')}]`,
];
const [tokens, sequences] = page.split('### Models that read sequences') as [string, string];

it('lists every input and the output with its type and shape, and the decays', () => {
  expect(rowsOf(tokens)).toEqual(
    ([...INPUT_NAMES, OUTPUT_NAME] as const).map((name) => {
      const { shape, type } = tensorOf(name, 8);
      return rowOf(name, type, shape);
    }),
  );
  expect(HISTORY_DECAY).toBe(0.5);
  expect(page).toContain(`a decay of ${HISTORY_SLOW_DECAY}`);
});

it('lists every input and output of models of sequences', () => {
  expect(rowsOf(sequences)).toEqual(
    [...SEQUENCE_INPUTS, ...SEQUENCE_OUTPUTS].map((name) => {
      const { shape, type } = sequenceTensorOf(name, 8, 'n');
      return rowOf(name, type, shape);
    }),
  );
});

it('shows a system that can be read', () => {
  const [, text] = /```yaml\n([\s\S]*?)```/.exec(page)!;
  const { system } = parse(text!) as { system: Record<string, unknown> };
  const { predictor } = checkRun({ system }, 'docs').system;
  expect(predictor.kind.name).toBe('onnx');
  for (const name of Object.keys(predictor.parameters)) expect(Object.keys(onnx.parameters)).toContain(name);
});
