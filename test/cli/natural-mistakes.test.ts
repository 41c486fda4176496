// What people write who come from llama.cpp, vLLM, LM Studio or Ollama, or who are new here: the one line that names the remedy, exactly, and
// the command with what it names in the place of what was written, which runs.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/program.js';
import { catchOutput } from '../support/cli-output.js';

const output = catchOutput();
const folder = mkdtempSync(join(tmpdir(), 'moeprof-natural-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A small run, so that remedies end soon. */
const RUN = 'run -t mini-mixtral-8x8l --tokens 200 --no-bounds';
const BIG = 'run -m gpt-oss-20b --tokens 260 --no-bounds';
const ADVISE = 'advise gpt-oss-20b -w rtx-3060+32GB';
const PATH = 'a file needs its path, e.g. ./';
const LOG = '       eval time =    2000.00 ms /   128 runs   (   15.63 ms per token,    64.00 tokens per second)\n';

/** Files that remedies name. */
const FILES = ['routing.jsonl', 'routing.safetensors', 'server.log', 'a.json', 'b.json'];

beforeAll(async () => {
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('server.log'), `$ llama-server -m gpt-oss-20b-mxfp4.gguf -ngl 99 -ncmoe 8\n${LOG}`);
  expect(await runCli(`trace generate --like mini-mixtral-8x8l --tokens 300 -q -o ${at('routing.jsonl')}`.split(' '))).toBe(0);
  for (const name of ['a.json', 'b.json']) expect(await runCli(`${RUN} -q -o ${at(name)}`.split(' '))).toBe(0);
});

/** Runs a command line, whose words a shell would take so. @returns its exit code */
function run(line: string): Promise<number> {
  const words = line.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ''));
  return runCli(words.map((word) => (FILES.includes(word) ? join(folder, word) : word)));
}

/** A mistake, the line that it gets, and what is written in the place of what. */
type Row = readonly [mistake: string, line: string, from: string, to: string];

const help = (command: string): string => ` (see moeprof ${command} --help)`;
const unknown = (word: string, remedy: string, command = 'run'): string => `unknown option '${word}'; ${remedy}${help(command)}`;
const MEMORY = 'memory is a part of the machine: -w rtx-3060+32GB';
const JOINED = 'parts of a machine are joined by +: -w rtx-3060+32GB';

const MACHINES: readonly Row[] = [
  [`${BIG} -w rtx-3060,32GB`, `--hardware: unknown hardware profile "32GB": ${JOINED}`, '-w rtx-3060,32GB', '-w rtx-3060+32GB'],
  [
    `${BIG} -w 'rtx-3060 32GB'`,
    `--hardware: hardware: unknown hardware profile "rtx-3060 32GB": ${JOINED}`,
    "-w 'rtx-3060 32GB'",
    '-w rtx-3060+32GB',
  ],
  ['advise gpt-oss-20b -w rtx-3060 32GB', `unknown model "32GB": ${JOINED}`, '-w rtx-3060 32GB', '-w rtx-3060+32GB'],
  [
    `${BIG} -w 'laptop 4060'`,
    `--hardware: hardware: unknown hardware profile "laptop 4060": did you mean "rtx-4060-laptop"? (${PATH}laptop 4060.yaml)`,
    "'laptop 4060'",
    'rtx-4060-laptop',
  ],
  [`${BIG} -w rtx-3060+64MB`, '--hardware: hardware: "64MB" is no memory that machines have; write 64GB', '64MB', '64GB'],
  [`${BIG} -w rtx-3060+32`, '--hardware: hardware: "32" has no unit; memory is written as 32GB', '+32', '+32GB'],
  [`${BIG} --ram 32GB`, unknown('--ram', MEMORY), '--ram 32GB', '-w rtx-3060+32GB'],
  ['advise gpt-oss-20b --vram 12GB', unknown('--vram', MEMORY, 'advise'), '--vram 12GB', '-w rtx-3060+32GB'],
  [
    'advise gpt-oss-20b --gpu rtx-3060',
    unknown('--gpu', 'the machine is named by its parts: -w rtx-3060+32GB', 'advise'),
    '--gpu rtx-3060',
    '-w rtx-3060+32GB',
  ],
  [
    `${RUN} --tensor-parallel-size 2`,
    unknown('--tensor-parallel-size', 'cards are a part of the machine: -w 2xrtx-3090+64GB'),
    '--tensor-parallel-size 2',
    '-w 2xrtx-3090+64GB',
  ],
  [`${BIG} -w`, `option '-w, --hardware <machine>' argument missing; write e.g. -w rtx-3060+32GB${help('run')}`, '-w', '-w rtx-3060+32GB'],
];

const MODELS: readonly Row[] = [
  [
    'plan gpt-oss-20b --tokens 260 --slo tpot=1s',
    'unknown run profile "gpt-oss-20b": it is named with -m gpt-oss-20b',
    'gpt-oss-20b',
    '-m gpt-oss-20b',
  ],
  [
    'run gpt-oss-20b --tokens 260 --no-bounds',
    'unknown run profile "gpt-oss-20b": it is named with -m gpt-oss-20b',
    'gpt-oss-20b',
    '-m gpt-oss-20b',
  ],
  [
    'advise -m gpt-oss-20b -w rtx-3060+32GB',
    unknown('-m', 'the model stands alone, without a flag: gpt-oss-20b', 'advise'),
    '-m gpt-oss-20b',
    'gpt-oss-20b',
  ],
  [
    'advise llama-3-70b -w rtx-3060+32GB',
    'unknown model "llama-3-70b": models are of experts (MoE), e.g. gpt-oss-20b; all bundled ones are in moeprof profiles list model, ' +
      `others are hf:owner/repo or a GGUF file (${PATH}llama-3-70b.yaml)`,
    'llama-3-70b',
    'gpt-oss-20b',
  ],
  [
    'model inspect qwen3:30b-a3b',
    `unknown model "qwen3:30b-a3b": did you mean "qwen3-30b-a3b" or "qwen3.5-35b-a3b" or "qwen3.6-35b-a3b"? (${PATH}qwen3:30b-a3b.yaml)`,
    'qwen3:30b-a3b',
    'qwen3-30b-a3b',
  ],
  [
    'run -s fiddler --tokens 260 --no-bounds',
    'moeprof run: model: synthetic routing needs a model; name one, e.g. --model qwen3-30b-a3b',
    '-s fiddler',
    '-s fiddler --model qwen3-30b-a3b',
  ],
  [
    'model gpt-oss-20b',
    `unknown command 'gpt-oss-20b'; that is moeprof model inspect gpt-oss-20b${help('model')}`,
    'model',
    'model inspect',
  ],
  [
    'model inspect',
    `missing required argument 'model'; name a model: gpt-oss-20b${help('model inspect')}`,
    'inspect',
    'inspect gpt-oss-20b',
  ],
  [
    `${RUN} -m`,
    `option '-m, --model <model>' argument missing; write e.g. -m gpt-oss-20b${help('run')}`,
    '-t mini-mixtral-8x8l --tokens 200 --no-bounds -m',
    '-m gpt-oss-20b',
  ],
];

const FLAGS: readonly Row[] = [
  [`${ADVISE} -c 32768`, unknown('-c', 'that is --context 32768', 'advise'), '-c 32768', '--context 32768'],
  [
    `${ADVISE} --max-model-len 32768`,
    unknown('--max-model-len', 'that is --context 32768', 'advise'),
    '--max-model-len 32768',
    '--context 32768',
  ],
  [`${ADVISE} -np 4`, unknown('-np', 'that is --users 4', 'advise'), '-np', '--users'],
  [`${ADVISE} --quant q4_k_m`, unknown('--quant', 'that is --quantizations q4_k_m', 'advise'), '--quant', '--quantizations'],
  [
    `${ADVISE} --ncmoe 20`,
    unknown(
      '--ncmoe',
      'it is what advise finds: leave it out; a speed reached with it goes into --timing "eval 24 tok/s, -ncmoe 20"',
      'advise',
    ),
    '--ncmoe 20',
    "--timing 'eval 24 tok/s, -ncmoe 20'",
  ],
  [
    `${RUN} --n-cpu-moe 4`,
    unknown('--n-cpu-moe', 'what the card holds is --cache 25%; for flags of llama.cpp use moeprof advise'),
    '--n-cpu-moe 4',
    '--cache 25%',
  ],
  [`${RUN} -ngl 20`, unknown('-ngl', 'that is --gpu-layers 20'), '-ngl', '--gpu-layers'],
  [
    'run -m gpt-oss-20b --no-bounds --ctx-size 1024',
    unknown('--ctx-size', 'the prompt of a run is --set workload.prompt=1024 --tokens 2k'),
    '--ctx-size 1024',
    '--set workload.prompt=1024 --tokens 2k',
  ],
  [`${BIG} -n 128`, unknown('-n', 'the answer of a run is --set workload.output=128'), '-n 128', '--set workload.output=128'],
  [`${RUN} --max-num-seqs 4`, unknown('--max-num-seqs', 'that is --batch 4'), '--max-num-seqs', '--batch'],
  [`${BIG} --dtype q4_k_m`, unknown('--dtype', 'that is --quantization q4_k_m'), '--dtype', '--quantization'],
  [`${RUN} --engine llama.cpp`, unknown('--engine', 'that is --runtime llama.cpp'), '--engine', '--runtime'],
  [
    `${RUN} --cache 8`,
    '--cache: memory.expertCache: "8" has no unit; write 8GiB, 8% of all experts, or 8/layer (slots a layer)',
    '--cache 8',
    '--cache 8%',
  ],
  [
    `${RUN} --policy LRU`,
    '--policy: cache.policy: unknown policy "LRU"; did you mean "lru" or "lfru" or "lfu"? (a policy of your own: ./file.mjs)',
    'LRU',
    'lru',
  ],
  [`${RUN} --slo 2s`, "--slo: workload.slo: '2s' is no limit; write e.g. ttft=2s,tpot=100ms", '2s', 'ttft=2s,tpot=100ms'],
];

const COMMANDS: readonly Row[] = [
  [
    'curve mini-mixtral-8x8l --tokens 200',
    `too many arguments for 'curve'. Expected 0 arguments but got 1; a model is named with -m, a trace with -t${help('curve')}`,
    'curve mini-mixtral-8x8l',
    'curve -t mini-mixtral-8x8l',
  ],
  [
    'trace mini-mixtral-8x8l',
    `unknown command 'mini-mixtral-8x8l'; that is moeprof trace inspect mini-mixtral-8x8l${help('trace')}`,
    'trace',
    'trace inspect',
  ],
  [
    'trace inspect',
    `missing required argument 'trace'; name a trace: routing.jsonl, or mini-mixtral-8x8l, which is bundled${help('trace inspect')}`,
    'inspect',
    'inspect mini-mixtral-8x8l',
  ],
  [
    'trace convert routing.jsonl',
    `required option '-o, --output <path>' not specified; write e.g. -o routing.safetensors${help('trace convert')}`,
    'routing.jsonl',
    'routing.jsonl -o routing.safetensors',
  ],
  [
    'check',
    `missing required argument 'log'; name a file with what a runtime printed: server.log${help('check')}`,
    'check',
    'check server.log -w rtx-3060+32GB',
  ],
  [
    'compare',
    `missing required argument 'base'; name the results of two runs: a.json b.json${help('compare')}`,
    'compare',
    'compare a.json b.json',
  ],
  [
    'sweep -t mini-mixtral-8x8l --tokens 200',
    'nothing varies; write e.g. --rates 0.5,1,2 or --vary memory.expertCache=25%,50%',
    'sweep',
    'sweep --vary memory.expertCache=25%,50%',
  ],
  [
    'list models',
    `unknown command 'list'; that is moeprof profiles list${help('').replace(' --', '--')}`,
    'list models',
    'profiles list model',
  ],
  ['models', `unknown command 'models'; that is moeprof profiles list${help('').replace(' --', '--')}`, 'models', 'profiles list'],
  ['version', `unknown command 'version'; that is moeprof --version${help('').replace(' --', '--')}`, 'version', '--version'],
  [
    'bench -t mini-mixtral-8x8l --tokens 200',
    `unknown command 'bench'; that is moeprof run${help('').replace(' --', '--')}`,
    'bench',
    'run',
  ],
];

describe.each([
  ['a machine', MACHINES],
  ['a model', MODELS],
  ['a flag of another program', FLAGS],
  ['a command', COMMANDS],
] as const)('%s', (_, rows) => {
  it.each(rows)('moeprof %s', { timeout: 60_000 }, async (mistake, line, from, to) => {
    expect(await run(mistake)).toBe(2);
    expect(output.stderr).toBe(`moeprof: ${line}\n`);
    expect(mistake).toContain(from);
    const remedy = mistake.replace(from, to);
    output.stderr = '';
    expect(await run(remedy), `${remedy}: ${output.stderr}`).toBe(0);
  });
});

it('are forty and more', () => {
  expect(MACHINES.length + MODELS.length + FLAGS.length + COMMANDS.length).toBeGreaterThanOrEqual(40);
});

describe('what is no error, but not what was wanted', () => {
  it('a cache that is larger than the card: the size that fits, with which it fits', async () => {
    const asked = `run -m gpt-oss-120b -w rtx-4090 -s fiddler --tokens 260 --no-bounds --cache `;
    expect(await run(`${asked}50GB`)).toBe(0);
    const [, size] = /take\s+--cache\s+([\d.]+GiB)\s+or\s+less/.exec(output.stdout)!;
    output.stdout = '';
    expect(await run(asked + size)).toBe(0);
    expect(output.stdout).not.toContain('does-not-fit');
  });

  it('a run that ends within its prompts: the number of tokens that generate', async () => {
    expect(await run('run --tokens 100 --no-bounds')).toBe(0);
    const [, tokens] = /use\s+--tokens\s+(\d+)\s+or\s+more/.exec(output.stdout)!;
    output.stdout = '';
    expect(await run(`run --no-bounds --tokens ${tokens}`)).toBe(0);
    expect(output.stdout).toMatch(/^[\d.]+ tok\/s decode/);
  });
});
