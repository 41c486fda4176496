// docs/onnx-predictor.md: its table is the contract that the code keeps, and its YAML is a system.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { HISTORY_DECAY, HISTORY_SLOW_DECAY, INPUT_NAMES, OUTPUT_NAME, tensorOf } from '../../../src/predict/onnx/contract.js';
import { onnx } from '../../../src/predict/onnx/onnx.js';
import { checkRun } from '../../../src/system/run.js';

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/onnx-predictor.md'), 'utf8');

it('lists every input and the output with its type and shape, and the decays', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\w+) (\[.*?\]) \|/gm)].map(([, name, type, shape]) => [name, type, shape]);
  const expected = ([...INPUT_NAMES, OUTPUT_NAME] as const).map((name) => {
    const { shape, type } = tensorOf(name, 8);
    return [name, type, `[${shape.map((size) => (size === 8 ? 'L*E' : size)).join(', ')}]`];
  });
  expect(rows).toEqual(expected);
  expect(HISTORY_DECAY).toBe(0.5);
  expect(page).toContain(`a decay of ${HISTORY_SLOW_DECAY}`);
});

it('shows a system that can be read', () => {
  const [, text] = /```yaml\n([\s\S]*?)```/.exec(page)!;
  const { system } = parse(text!) as { system: Record<string, unknown> };
  const { predictor } = checkRun({ system }, 'docs').system;
  expect(predictor.kind.name).toBe('onnx');
  for (const name of Object.keys(predictor.parameters)) expect(Object.keys(onnx.parameters)).toContain(name);
});
