// Answers of `moeprof advise` for 12 machines and 8 models: where an expert cache stands first, with its ratio, band and rows; `moeprof breakeven`
// agrees. MOEPROF_UPDATE=1 writes the table of docs/advise.md.
import { expect, it } from 'vitest';
import { answered, bestAnswer } from '../../../src/advise/advise.js';
import { basisOf, withQuestion } from '../../../src/advise/ask.js';
import { breakEvensOn } from '../../../src/advise/breakeven.js';
import { machineNamed } from '../../../src/advise/door.js';
import { strategiesOf } from '../../../src/advise/search.js';
import { type CacheRatio, cacheRatio } from '../../../src/advise/sure.js';
import { expectShown } from '../../support/shown.js';

const MACHINES: readonly (readonly [machine: string, runtime?: string])[] = [
  ['rtx-3060+ryzen-5-5600+32GB'],
  ['rtx-4060-laptop+core-i7-13700h+32GB'],
  ['rtx-4070+ryzen-5-7600+64GB'],
  ['rtx-4080+ryzen-9-7950x+64GB'],
  ['rtx-5070-ti+ryzen-9-5950x+64GB'],
  ['rtx-4090+ryzen-9-7950x+64GB'],
  ['2xrtx-3090+ryzen-9-5950x+128GB'],
  ['rtx-5090+ryzen-9-9950x+96GB+windows'],
  ['rtx-4070+ryzen-9-9950x+2xddr5-6400+64GB+pcie3x4'],
  ['radeon-ai-pro-r9700+core-i7-12700kf+64GB+pcie4x4', 'llama.cpp-rocm'],
  ['rx-9070-xt+ryzen-9-7950x+64GB', 'llama.cpp-vulkan'],
  ['arc-b580+core-i5-12400+32GB', 'llama.cpp-vulkan'],
];
const MODELS = [
  'qwen3-30b-a3b',
  'gpt-oss-20b',
  'gpt-oss-120b',
  'glm-4.5-air',
  'qwen3-next-80b-a3b',
  'qwen3-235b-a22b',
  'mixtral-8x7b',
  'deepseek-v3',
];

interface Choice {
  readonly machine: string;
  readonly model: string;
  readonly first: string | null;
  readonly beside: CacheRatio | null;
  readonly again: CacheRatio | null;
}

async function choiceOf(machine: string, runtime: string | undefined, model: string): Promise<Choice> {
  const wishes = { quantizations: [model.startsWith('gpt-oss') ? 'mxfp4' : 'q4_k_m'], ...(runtime === undefined ? {} : { runtime }) };
  const finder = machineNamed(machine);
  const found = await withQuestion(model, await basisOf(finder, wishes), wishes, async (asked) => {
    const { answer, question } = await answered(asked, bestAnswer);
    if (answer === null) return { first: null, beside: null };
    const { fromDisk, kv, quantization } = answer.setting;
    const strategies = await strategiesOf(question, quantization, kv, fromDisk);
    const [fixed, cache] = [
      strategies.find(({ setting }) => setting.cache === null),
      strategies.find(({ setting }) => setting.cache !== null),
    ];
    return { first: answer.setting.cache, beside: fixed === undefined || cache === undefined ? null : cacheRatio(question, cache, fixed) };
  });
  // Two searches a cell are one too many: every fourth machine.
  const twice = found.beside !== null && MACHINES.findIndex(([name]) => name === machine) % 4 === 0;
  const again = !twice ? found.beside : (await breakEvensOn(model, finder, wishes, [1])).rows[0]!.beside;
  return { machine, model, ...found, again };
}

const WORDS: Readonly<Record<CacheRatio['verdict'], string>> = {
  sure: 'first',
  close: 'too close',
  slower: 'slower',
  unmeasured: 'a guess',
};

it('an expert cache stands first only where it is surely faster, by rows of its backend', { timeout: 1_800_000 }, async () => {
  const choices: Choice[] = [];
  for (const [machine, runtime] of MACHINES) for (const model of MODELS) choices.push(await choiceOf(machine, runtime, model));
  const number = (value: number): string => value.toFixed(2);
  const text = MACHINES.map(([machine]) => {
    const cells = choices
      .filter((choice) => choice.machine === machine)
      .map(({ beside }) =>
        beside === null ? '' : `${number(beside.ratio)} (${number(beside.low)} to ${number(beside.high)}) ${WORDS[beside.verdict]}`,
      );
    return `| \`${machine}\` | ${cells.join(' | ')} |`;
  });
  const head = [`| machine | ${MODELS.join(' | ')} |`, `| --- |${' ---: |'.repeat(MODELS.length)}`];
  const test = 'test/claims/advise/cache-choices.test.ts';
  const marks = [`<!-- cache choices: written by ${test} -->\n`, '<!-- end of cache choices -->'] as const;
  expectShown('docs/advise.md', marks, `\n${[...head, ...text].join('\n')}\n\n`, test);
  for (const { again, beside, first, machine, model } of choices) {
    expect(again?.ratio, `breakeven of ${model} on ${machine}`).toBe(beside?.ratio);
    if (first !== null) expect([beside?.verdict, beside?.rows === null], `${model} on ${machine}`).toEqual(['sure', false]);
    if (machine.includes('rx-9070') || machine.includes('arc')) expect(first).toBeNull();
  }
  expect(choices.filter(({ first }) => first !== null).length).toBeGreaterThan(0);
});
