// Texts as threads have them, with figures of the source that each names: read, and judged by the machine that they name.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.js';
import { runCli } from '../../src/cli/program.js';
import { catchOutput } from '../support/cli-output.js';

const THREADS = new URL('../fixtures/threads/', import.meta.url);
const output = catchOutput();

/** Machine, model, and of each run: decode, prefill, verdict. */
type Expected = readonly [machine: string, model: string, ...runs: readonly (readonly [number | null, number | null, string])[]];

const JUDGED: Readonly<Record<string, Expected>> = {
  'a10-bench.jsonl.txt': [
    'a10+xeon-platinum-8358',
    'qwen3-30b-a3b',
    [145.61, null, 'normal'],
    [110.56, null, 'normal'],
    [63.14, null, 'normal'],
  ],
  'rtx-2060-drafts.txt': ['rtx-2060+ryzen-5-5600g+32GB', 'qwen3.6-35b-a3b', [28.42, 287, 'normal']],
  'rtx-2080-gpt-oss.txt': ['rtx-2080+i9-10900x+62GB', 'gpt-oss-20b', [36.4, null, 'normal']],
  'rtx-2080-sentence.txt': ['rtx-2080+i9-10900x', 'qwen3-30b-a3b', [36.7, null, 'normal']],
  'rtx-3080-tensor-rules.txt': ['rtx-3080', 'gpt-oss-20b', [null, 724.63, 'normal']],
  'rtx-3080-ti-cache.txt': ['rtx-3080-ti+ryzen-5-5600x+64GB', 'qwen3.8-flash-next', [11.5, null, 'slow']],
  'rtx-3090-epyc-table.txt': [
    'rtx-3090+epyc-7343+64GB+ddr4-3200',
    'gpt-oss-120b',
    [1.81, 48.49, 'slow'],
    [1.57, 173.6, 'slow'],
    [1.61, 229.07, 'slow'],
    [1.41, 246.18, 'slow'],
  ],
  'rtx-4070-12600k.txt': ['rtx-4070+i5-12600k', 'gpt-oss-120b', [28, null, 'normal']],
  'rtx-5070-ti-sweep.txt': ['rtx-5070-ti+i7-12700k+32GB+ddr5-5400', 'qwen3.5-35b-a3b', [57, null, 'normal'], [70, null, 'normal']],
  'rtx-a1000-builds.txt': ['rtx-a1000', 'qwen3.6-35b-a3b', [26.23, 192.4, 'normal'], [16.8, 215.3, 'slow'], [26.15, 170.5, 'normal']],
  'rx-7900-xt-sweep.txt': [
    'rx-7900-xt+ryzen-9-5900x',
    'gpt-oss-20b',
    [94, null, 'normal'],
    [60, null, 'normal'],
    [38, null, 'normal'],
    [26, null, 'normal'],
    [20, null, 'normal'],
  ],
  'strix-halo-sentence.txt': ['radeon-8060s+128GB', 'qwen3.5-122b-a10b', [22, null, 'normal']],
  'strix-halo-server.txt': [
    'radeon-8060s+ryzen-ai-max-395+128GB',
    'qwen3.8-flash-next',
    [22.01, 352.16, 'normal'],
    [12.88, 253.34, 'slow'],
  ],
  'strix-halo-vulkan.txt': ['radeon-8060s', 'qwen3-next-80b-a3b', [28.4, 290.28, 'slow']],
  'two-a5000.txt': ['2xrtx-a5000', 'gpt-oss-20b', [138.25, 3830.22, 'normal']],
};

/** What is refused, in one line. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'radeon-780m.txt':
    /:5: was printed on "AMD Radeon 780M Graphics \(AMD proprietary driver\)", which is no known part; name the machine with -w/,
};

const textOf = (name: string): string => readFileSync(new URL(name, THREADS), 'utf8').replace(/^source: \S.*\n/, '');

async function checked(...args: string[]): Promise<number> {
  output.stdout = '';
  output.stderr = '';
  return runCli(['check', ...args], commands);
}

interface Checked {
  readonly machine: string;
  readonly runs: readonly {
    readonly model: string;
    readonly verdict: string;
    readonly speeds: readonly { readonly metric: string; readonly measured: number }[];
  }[];
}

describe('texts of threads', () => {
  it('name their source, and are all judged or refused', () => {
    const names = readdirSync(fileURLToPath(THREADS));
    expect(names.sort()).toEqual([...Object.keys(JUDGED), ...Object.keys(REFUSED)].sort());
    for (const name of names) expect(readFileSync(new URL(name, THREADS), 'utf8')).toMatch(/^source: (https:\/\/\S+|\S+\.\w+ \()/);
  });

  it.each(Object.entries(JUDGED))('%s is judged by its machine', async (name, expected) => {
    const code = await checked('--json', '--', textOf(name));
    const { machine, runs } = JSON.parse(output.stdout) as Checked;
    const speed = (run: Checked['runs'][number], metric: string): number | null =>
      run.speeds.find((found) => found.metric === metric)?.measured ?? null;
    expect([
      machine,
      [...new Set(runs.map(({ model }) => model))].join(),
      ...runs.map((run) => [speed(run, 'decode'), speed(run, 'prefill'), run.verdict]),
    ]).toEqual(expected);
    expect(code).toBe(runs.some(({ verdict }) => verdict === 'slow') ? 1 : 0);
  });

  it.each(Object.entries(REFUSED))('%s is refused in one line', async (name, message) => {
    expect(await checked('--', textOf(name))).toBe(2);
    expect(output.stderr).toMatch(message);
    expect(output.stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});
