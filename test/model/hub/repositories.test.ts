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

/** Written down after the 200, and before any was tried: 8 were right, 3 gave bytes, 9 were refused, none was wrong. */
const APART: readonly (readonly [name: string, truth: string, outcome: Outcome])[] = [
  ['nvidia/Qwen3-235B-A22B-NVFP4', 'qwen3-235b-a22b', 'right'],
  ['unsloth/Qwen3-VL-235B-A22B-Instruct-GGUF:UD-Q3_K_XL', 'qwen3-235b-a22b', 'right'],
  ['MiniMaxAI/MiniMax-Text-01', 'minimax-text-01', 'right'],
  ['moonshotai/Kimi-K2.5-NVFP4', 'kimi-k2', 'right'],
  ['nvidia/Nemotron-3-Nano-30B-A3B-NVFP4', 'nemotron-3-nano-30b-a3b', 'right'],
  ['Intel/Qwen3-Next-80B-A3B-Instruct-int4-mixed-AutoRound', 'qwen3-next-80b-a3b', 'right'],
  ['mlx-community/GLM-4.5-Air-3bit-DWQ', 'glm-4.5-air', 'right'],
  ['ArliAI/GLM-4.5-Air-Derestricted', 'glm-4.5-air', 'right'],
  // Since the rule of family and both sizes.
  ['TheDrummer/GLM-Steam-106B-A12B-v1', 'glm-4.5-air', 'assumed'],
  ['cerebras/GLM-4.6-REAP-218B-A32B-FP8', 'size', 'bytes'],
  ['unsloth/Qwen3-Coder-Next-REAP-40B-A3B-GGUF', 'size', 'bytes'],
  // Since total parameters count if the name says MoE.
  ['bartowski/deepcogito_cogito-v2-preview-deepseek-671B-MoE-GGUF', 'deepseek-v3', 'bytes'],
  ['deepcogito/cogito-v2-preview-llama-109B-MoE', 'llama-4-scout', 'bytes'],
  ['inclusionAI/Ming-flash-omni-2.0', 'none', 'refused'],
  ['Skywork/Skywork-MoE-Base', 'none', 'refused'],
  ['Snowflake/snowflake-arctic-instruct', 'none', 'refused'],
  ['Kwaipilot/KAT-Dev-72B-Exp', 'none', 'refused'],
  ['zai-org/AutoGLM-Phone-9B', 'none', 'refused'],
  ['NousResearch/Hermes-4-405B', 'none', 'refused'],
  ['allenai/Olmo-Hybrid-7B', 'none', 'refused'],
];

it.each(APART)('%s, kept apart, of %s, is %s', (name, truth, outcome) => {
  expect(outcomeOf(name, truth)).toBe(outcome);
});
