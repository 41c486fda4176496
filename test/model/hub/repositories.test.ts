// 200 names of models against test/model/repositories.txt, which was written before any was tried.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { meantModel } from '../../../src/model/hub/bundled.js';
import { loadModel, loadProfile } from '../../../src/model/load/load.js';
import type { ModelSpec } from '../../../src/model/spec.js';
import { temporaryFolder } from '../../trace/builders.js';

const folder = temporaryFolder();

const NAMES = readFileSync(join(import.meta.dirname, '../repositories.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(' = ') as [name: string, truth: string]);

/** Bytes of experts and of keys and values: what a shape decides. */
const shapeOf = ({ dense, layers, parameters }: ModelSpec): unknown[] => [
  parameters,
  dense.kvBytesPerToken,
  layers.map(({ experts, topK }) => [experts, topK]),
];

type Outcome = 'right' | 'assumed' | 'bytes' | 'refused' | 'wrong';

function outcomeOf(name: string, truth: string): Outcome {
  try {
    const model = loadModel(name, 'q8_0', folder);
    if (model.assumed !== undefined) return 'assumed';
    if (truth === 'size' || truth === 'none') return 'wrong';
    return JSON.stringify(shapeOf(model)) === JSON.stringify(shapeOf(loadModel(truth, 'q8_0'))) ? 'right' : 'wrong';
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    const { message } = error as UserError;
    expect(message).not.toContain('\n');
    expect(message, 'a remedy').toMatch(/hf:|config\.json/);
    return /B of them active|: \d+(\.\d+)? B;/.test(message) ? 'bytes' : 'refused';
  }
}

describe('200 names of models', () => {
  const outcomes = NAMES.map(([name, truth]) => ({ name, truth, outcome: outcomeOf(name, truth) }));
  const of = (...kinds: Outcome[]): typeof outcomes => outcomes.filter(({ outcome }) => kinds.includes(outcome));

  it('are as many, each once', () => {
    expect(new Set(NAMES.map(([name]) => name.toLowerCase())).size).toBe(200);
  });

  it('resolve to the right shape, an assumed one, or bytes: at least 170, and none wrongly without a mark', () => {
    expect(of('wrong')).toEqual([]);
    expect(of('right', 'assumed', 'bytes').length).toBeGreaterThanOrEqual(185);
    expect(of('right', 'assumed').length).toBeGreaterThanOrEqual(160);
  });

  it('resolve wrongly nowhere among the assumed that are known otherwise', () => {
    const known = of('assumed').filter(({ truth }) => truth !== 'size' && truth !== 'none');
    for (const { name, truth } of known) expect(shapeOf(loadModel(name, 'q8_0', folder)), name).toEqual(shapeOf(loadModel(truth, 'q8_0')));
  });

  it('resolve by rule, not by the list of other names, in more than half', () => {
    const byRule = of('right', 'assumed', 'bytes').filter(({ name, outcome }) => {
      if (outcome === 'bytes') return /\d[bt][-_]?a\d/i.test(name);
      const { hub = [] } = loadProfile(meantModel(name, folder).name);
      return !hub.some((alias) => name.toLowerCase().includes(alias.toLowerCase()));
    });
    expect(byRule.length).toBeGreaterThanOrEqual(100);
  });
});
