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
const FILES = ['routing.jsonl', 'routing.safetensors', 'server.log', 'a.json', 'b.json', 'study', 'paper.pdf'];

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

/** What a stranger with the README alone writes. */
const STRANGER: readonly Row[] = [
  [
    '--model gpt-oss-20b',
    "unknown option '--model'; a command comes first: moeprof advise gpt-oss-20b -w rtx-3060+32GB (see moeprof --help)",
    '--model gpt-oss-20b',
    'advise gpt-oss-20b -w rtx-3060+32GB',
  ],
  [
    "advise gpt-oss-20b -w 'RTX 4090, 64 GB RAM'",
    'unknown hardware profile "RTX 4090, 64 GB RAM": parts of a machine are joined by +: -w rtx-3060+32GB',
    "'RTX 4090, 64 GB RAM'",
    "'RTX 4090+64 GB'",
  ],
  [
    "advise gpt-oss-20b -w 'rtx-3060+32GB DDR4-3200'",
    'unknown part "32GB DDR4-3200": memory is a size, and channels x type-speed: 64GB+2xddr4-3200; parts: moeprof profiles list gpu, cpu',
    "'rtx-3060+32GB DDR4-3200'",
    'rtx-3060+32GB+2xddr4-3200',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+32GB+ddr4',
    'unknown part "ddr4": memory is a size, and channels x type-speed: 64GB+2xddr4-3200; parts: moeprof profiles list gpu, cpu',
    '+32GB+ddr4',
    '+64GB+2xddr4-3200',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+32GB+DDR4-3200MHz',
    'unknown part "DDR4-3200MHz": memory is a size, and channels x type-speed: 64GB+2xddr4-3200; parts: moeprof profiles list gpu, cpu',
    '+32GB+DDR4-3200MHz',
    '+64GB+2xddr4-3200',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+32GB+dual-channel',
    'unknown part "channel": memory is a size, and channels x type-speed: 64GB+2xddr4-3200; parts: moeprof profiles list gpu, cpu',
    '+32GB+dual-channel',
    '+64GB+2xddr4-3200',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+r5-5600+32GB',
    'unknown part "r5-5600": did you mean "ryzen-5-5600"? (as in rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16); parts: moeprof profiles list gpu, cpu',
    'r5-5600',
    'ryzen-5-5600',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+ryzen-5600+32GB',
    'unknown part "ryzen-5600": did you mean "ryzen-5-5600"? (as in rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16); parts: moeprof profiles list gpu, cpu',
    'ryzen-5600',
    'ryzen-5-5600',
  ],
  [
    'advise gpt-oss-20b -w 3060+32GB',
    'unknown part "3060": did you mean "rtx-3060"? (as in rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16); parts: moeprof profiles list gpu, cpu',
    '3060',
    'rtx-3060',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+32GB+linux',
    'unknown part "linux": leave it out (as in rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16); parts: moeprof profiles list gpu, cpu',
    '+linux',
    '',
  ],
  [
    'advise -hf ggml-org/gpt-oss-20b-GGUF -w rtx-3060+32GB',
    "unknown option '-hf'; a repository stands alone, without a flag: ggml-org/gpt-oss-20b-GGUF (see moeprof advise --help)",
    '-hf ',
    '',
  ],
  [
    'advise unsloth/gpt-oss-20b-GGUF:Q4_K_M -w rtx-3060+32GB',
    'unsloth/gpt-oss-20b-GGUF:Q4_K_M: there is no such file; the repository of the Hugging Face hub is hf:unsloth/gpt-oss-20b-GGUF:Q4_K_M, the bundled model is gpt-oss-20b in q4_k_m',
    'unsloth/gpt-oss-20b-GGUF:Q4_K_M',
    'gpt-oss-20b',
  ],
  ['advise gpt-oss-20b -w rtx-3060+32GB -t 6', '-t 6: -t names a trace; leave threads out', ' -t 6', ''],
  [
    'advise gpt-oss-20b -w rtx-3060+32GB --threads 6',
    "unknown option '--threads'; it is what advise finds: leave it out (see moeprof advise --help)",
    ' --threads 6',
    '',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+32GB -b 2048',
    "unknown option '-b'; it is what advise finds: leave it out (see moeprof advise --help)",
    ' -b 2048',
    '',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+32GB -ub 2048',
    "unknown option '-ub'; it is what advise finds: leave it out (see moeprof advise --help)",
    ' -ub 2048',
    '',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+32GB -fa on',
    "unknown option '-fa'; it is what advise finds: leave it out (see moeprof advise --help)",
    ' -fa on',
    '',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+32GB -ctk q8_0',
    "unknown option '-ctk'; it is what advise finds: leave it out (see moeprof advise --help)",
    ' -ctk q8_0',
    '',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+32GB -ot exps=CPU',
    "unknown option '-ot'; it is what advise finds: leave it out (see moeprof advise --help)",
    ' -ot exps=CPU',
    '',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+32GB -ts 1,1',
    "unknown option '-ts'; it is what advise finds: leave it out (see moeprof advise --help)",
    ' -ts 1,1',
    '',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+32GB --no-mmap',
    "unknown option '--no-mmap'; it is what advise finds: leave it out (see moeprof advise --help)",
    ' --no-mmap',
    '',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+32GB --jinja',
    "unknown option '--jinja'; it is what advise finds: leave it out (see moeprof advise --help)",
    ' --jinja',
    '',
  ],
  [
    'run -t mini-mixtral-8x8l --tokens 200 --no-bounds -ot exps=CPU',
    "unknown option '-ot'; a runtime has it: --runtime llama.cpp; for flags of llama.cpp use moeprof advise (see moeprof run --help)",
    '-ot exps=CPU',
    '--runtime llama.cpp',
  ],
  [
    'run -t mini-mixtral-8x8l --tokens 200 --no-bounds -fa on',
    "unknown option '-fa'; a runtime has it: --runtime llama.cpp; for flags of llama.cpp use moeprof advise (see moeprof run --help)",
    '-fa on',
    '--runtime llama.cpp',
  ],
  [
    'advise gpt-oss-20b -w rtx-3060+32GB --timing 11',
    '--timing "11": nothing of it was read; not understood is "11"; write e.g. "eval 24.3 tok/s, prompt 410 tok/s, -ncmoe 26", or the path of a log',
    '11',
    "'eval 24.3 tok/s, prompt 410 tok/s, -ncmoe 20'",
  ],
  [
    "check '40 tok/s' -w rtx-3060+32GB",
    '"40 tok/s": nothing of it was read; not understood is "40 tok/s"; write e.g. "eval 24.3 tok/s, prompt 410 tok/s, -ncmoe 26", or the path of a log',
    "'40 tok/s'",
    "'eval 40 tok/s, mxfp4, -m gpt-oss-20b -ncmoe 12'",
  ],
  [
    'curve -t mini-mixtral-8x8l --hit-rate 90%',
    "unknown option '--hit-rate'; that is moeprof plan -t mini-mixtral-8x8l -w t4 --assert 'cache.hit_rate >= 90%' (see moeprof curve --help)",
    'curve -t mini-mixtral-8x8l --hit-rate 90%',
    "plan -t mini-mixtral-8x8l -w t4 --tokens 200 --assert 'cache.hit_rate >= 90%'",
  ],
  [
    'place mini-finegrained-64x12l',
    "unknown action 'mini-finegrained-64x12l'; use judge, merge; a model is named with -m, a trace with -t (see moeprof place --help)",
    'place',
    'place -t',
  ],
  [
    'plot a.json b.json',
    "required option '--x <name>' not specified; write e.g. --x system (see moeprof plot --help)",
    'b.json',
    'b.json --x system',
  ],
  [
    'breakeven -w rtx-3060+32GB --quantizations q4_k_m --users 1',
    "missing required argument 'model'; name a model: gpt-oss-20b (see moeprof breakeven --help)",
    'breakeven',
    'breakeven gpt-oss-20b',
  ],
  [
    'machine show rtx-3090 64GB',
    "too many arguments for 'show'. Expected 1 argument but got 2; parts of a machine are joined by +: rtx-3060+32GB (see moeprof machine show --help)",
    'rtx-3090 64GB',
    'rtx-3090+64GB',
  ],
  [
    "plan -t mini-mixtral-8x8l -w t4 --tokens 400 --assert 'cache.hit_rate >= 50'",
    '--assert: cache.hit_rate: "50" does not fit; write a share such as 80%, or a change such as +0.5pp or +3%',
    '50',
    '50%',
  ],
  [
    'run -t mini-mixtral-8x8l --tokens 200 --no-bounds --set hardware.links.h2d.bandwidth=12',
    '--set hardware.links.h2d.bandwidth: links.0.bandwidth: 12 is not a rate; write e.g. 25.2 GB/s, 2460 MiB/s, or a plain number of bytes per second from 1000 on',
    '=12',
    '=12GB/s',
  ],
  [
    'run -t mini-mixtral-8x8l --tokens 200 --no-bounds --set batch=4',
    '--set batch: unknown key "batch"; did you mean "workload.batch"?',
    'batch',
    'workload.batch',
  ],
  [
    'sweep -t mini-mixtral-8x8l --tokens 200 --vary cache=25%,50%',
    '--vary cache: unknown key "cache"; did you mean "memory.expertCache" or "memory.dramCache" or "memory.minExpertCache"?',
    'cache',
    'memory.expertCache',
  ],
  [
    'sweep -t mini-mixtral-8x8l --tokens 200 --vary seed=1,2 -o study.jsonl',
    '-o study.jsonl: is for a study.yaml; of options, moeprof table reads --store FOLDER',
    '-o study.jsonl',
    '--store study',
  ],
  ['explain chur', 'there is no word, metric or warning "chur": did you mean "churn"?', 'chur', 'churn'],
];

/** What cannot be repeated here as the line has it: a server, an engine, a page that is not built, a file of another system. */
const LINES: readonly (readonly [mistake: string, line: string])[] = [
  ['play', "required option '-o, --output <path>' not specified; write -o play.html (see moeprof play --help)"],
  ['play -o play.pdf', '-o play.pdf: the page is HTML; write -o play.html'],
  ['gui', "unknown command 'gui'; that is moeprof play -o play.html (see moeprof --help)"],
  ['record model.gguf', "required option '-o, --output <path>' not specified; write e.g. -o t.safetensors (see moeprof record --help)"],
  ['serve --port 80', "unknown option '--port'; that is --listen 127.0.0.1:8642 (see moeprof serve --help)"],
  ['search', "missing required argument 'space'; name the file of a space: search.yaml (see moeprof search --help)"],
  [
    'search -t mini-mixtral-8x8l',
    "unknown option '-t'; they stand in the file of the space: moeprof search search.yaml (see moeprof search --help)",
  ],
  ['update', "unknown command 'update'; that is npm install -g, in a clone of moeprof (see moeprof --help)"],
  [
    'check 11',
    '"11": nothing of it was read; not understood is "11"; write e.g. "eval 24.3 tok/s, prompt 410 tok/s, -ncmoe 26", or the path of a log',
  ],
  ['advise C:\\models\\gpt-oss.gguf', 'C:\\models\\gpt-oss.gguf: there is no such file; in WSL it is /mnt/c/models/gpt-oss.gguf'],
];

describe.each([
  ['a machine', MACHINES],
  ['a model', MODELS],
  ['a flag of another program', FLAGS],
  ['a command', COMMANDS],
  ['a stranger', STRANGER],
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

describe('a line alone', () => {
  it.each(LINES)('moeprof %s', async (mistake, line) => {
    expect(await run(mistake)).toBe(2);
    expect(output.stderr).toBe(`moeprof: ${line}\n`);
  });

  it('a file that is no text: what was expected of it', async () => {
    writeFileSync(join(folder, 'paper.pdf'), '%PDF-1.4\n%\xe2\xe3\n1 0 obj\n');
    expect(await run('advise paper.pdf')).toBe(2);
    expect(output.stderr).toMatch(/^moeprof: \S*paper\.pdf: is no text of YAML or JSON; is it the file that was meant\?\n$/);
  });
});

it('are eighty and more', () => {
  expect(MACHINES.length + MODELS.length + FLAGS.length + COMMANDS.length + STRANGER.length + LINES.length).toBeGreaterThanOrEqual(80);
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
