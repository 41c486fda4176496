// Law L21 in every command that prints a speed: a run has the same decode and prefill wherever somebody asks for them, and what stands on the
// screen is what stands in the JSON. Commands that know no speed print none. test/result/glossary.test.ts holds the reports of a run to it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Advice } from '../../src/advise/advise.js';
import type { Plan } from '../../src/advise/plan/plan.js';
import { formatTokensPerSecond } from '../../src/base/units.js';
import { runCli } from '../../src/cli/program.js';
import { simulate } from '../../src/engine/simulate.js';
import type { CheckedLog } from '../../src/measured/check/report.js';
import { bareRate } from '../../src/report/format.js';
import { aboutRate } from '../../src/report/words.js';
import type { Result } from '../../src/result/result.js';
import type { Search } from '../../src/study/search/search.js';
import { catchOutput } from '../support/cli-output.js';
import { temporaryFolder } from '../support/folder.js';

const RUN = ['-t', 'mini-mixtral-8x8l', '-w', 't4', '-s', 'on-demand-lru', '--tokens', '300'];
const STUDY = `axes: { memory.expertCache: [50%] }
set: { model: mini-mixtral-8x8l, trace: mini-mixtral-8x8l, hardware: t4, system: on-demand-lru, workload.tokens: 300 }
`;
/** Where the log is from. */
const MACHINE = ['-w', 'rtx-3090+ryzen-9-7950x+64GB'];

let folder = '';
const at = (name: string): string => join(folder, name);
let decode = 0;
let prefill = 0;
beforeAll(async () => {
  folder = temporaryFolder();
  writeFileSync(at('study.yaml'), STUDY);
  writeFileSync(at('space.yaml'), `${STUDY}objectives: [speed.decode, speed.prefill]\nprefix: 0\n`);
  const log = { model_filename: 'olmoe-1b-7b-q4_k_m.gguf', n_gpu_layers: 99, n_prompt: 0, n_gen: 128, avg_ts: 200 };
  writeFileSync(at('log.jsonl'), JSON.stringify(log));
  const { metrics } = await simulate({
    ...{ model: 'mini-mixtral-8x8l', trace: 'mini-mixtral-8x8l', hardware: 't4', system: 'on-demand-lru' },
    ...{ memory: { expertCache: '50%' }, workload: { tokens: 300 } },
  });
  [decode, prefill] = [metrics['speed.decode']!.value, metrics['speed.prefill']!.value];
});

describe('L21 a speed is the same in every command', () => {
  const caught = catchOutput();

  /** What a command prints. */
  const print = async (...words: string[]): Promise<string> => {
    caught.stdout = '';
    expect([0, 1], caught.stderr).toContain(await runCli([...words, '-q']));
    return caught.stdout;
  };
  const json = async <T>(...words: string[]): Promise<T> => JSON.parse(await print(...words, '--json')) as T;
  const speedsIn = (text: string): string[] => [...text.matchAll(/[\d,.]+ tok\/s/g)].map(([speed]) => speed);
  const words = (text: string): string[] => text.split(/\s+/);

  it('run', async () => {
    const { metrics } = await json<Result>('run', ...RUN, '--cache', '50%');
    expect([metrics['speed.decode']!.value, metrics['speed.prefill']!.value]).toEqual([decode, prefill]);
    const text = await print('run', ...RUN, '--cache', '50%');
    expect(speedsIn(text)).toEqual(expect.arrayContaining([formatTokensPerSecond(decode), formatTokensPerSecond(prefill)]));
  });

  it('plan', async () => {
    const asked = ['plan', ...RUN, '--assert', `speed.decode >= ${Math.floor(decode)}`, '-j', '1'];
    const [placing] = (await json<Plan>(...asked)).placings;
    const probe = placing!.probes.find(({ percent }) => percent === 50)!;
    expect([probe.result.metrics['speed.decode']!.value, probe.result.metrics['speed.prefill']!.value]).toEqual([decode, prefill]);
    const tried = placing!.probes.map(({ result }) => bareRate(result.metrics['speed.decode']!.value)!.text);
    const text = words(await print(...asked));
    for (const speed of tried) expect(text).toContain(speed);
  });

  it('search, and a study with its table', async () => {
    const search = ['search', at('space.yaml'), '--no-store', '-j', '1', '--budget', '1'];
    expect((await json<Search>(...search)).front.map(({ figures }) => figures)).toEqual([
      { 'speed.decode': decode, 'speed.prefill': prefill },
    ]);
    expect(words(await print(...search))).toEqual(expect.arrayContaining([bareRate(decode)!.text, bareRate(prefill)!.text]));
    await print('sweep', at('study.yaml'), '--no-store', '-j', '1', '-o', at('study.jsonl'));
    const table = ['table', at('study.jsonl'), '--rows', 'system', '--columns', 'memory.expertCache', '--value'];
    for (const [name, value] of [['speed.decode', decode] as const, ['speed.prefill', prefill] as const]) {
      expect(JSON.stringify(await json<unknown>(...table, name))).toContain(String(value));
    }
  });

  it('advise', async () => {
    const { alternatives, answer } = await json<Advice>('advise', 'mini-mixtral-8x8l', '-w', 'rtx-3060+32GB');
    // In two digits: predictions are not surer.
    const text = await print('advise', 'mini-mixtral-8x8l', '-w', 'rtx-3060+32GB', '-v');
    expect(speedsIn(text)).toEqual(expect.arrayContaining([`${aboutRate(answer!.decode)} tok/s`, `${aboutRate(answer!.prefill)} tok/s`]));
    for (const one of [answer!, ...alternatives])
      expect(words(text)).toEqual(expect.arrayContaining([aboutRate(one.decode), aboutRate(one.prefill)]));
  });

  it('check', async () => {
    const [run] = (await json<CheckedLog>('check', at('log.jsonl'), ...MACHINE)).runs;
    const [speed] = run!.speeds;
    expect(speed!.measured).toBe(200);
    const text = await print('check', at('log.jsonl'), ...MACHINE);
    expect(text).toMatch(new RegExp(`decode +200 +${Number(speed!.expected.toPrecision(3))} `));
    expect(speedsIn(text)).toEqual([]);
  });

  it.each([
    ['curve', ['curve', '-t', 'mini-mixtral-8x8l', '--tokens', '300', '--policies', 'lru']],
    ['bound adaptive', ['bound', 'adaptive', ...RUN, '--cache', '50%']],
  ])('%s has none', async (_name, asked) => {
    expect(speedsIn(await print(...asked))).toEqual([]);
  });
});
