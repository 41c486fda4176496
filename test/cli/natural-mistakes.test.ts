// What people write who come from llama.cpp, vLLM, LM Studio or Ollama, or who are new here: the one line that names the remedy, exactly, and
// the command with what it names in the place of what was written, which runs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/program.js';
import { catchOutput } from '../support/cli-output.js';
import { temporaryFolder } from '../support/folder.js';
import { pairsOf } from '../support/pairs.js';

const output = catchOutput();
const folder = temporaryFolder();

/** A small run, so that remedies end soon. */
const RUN = 'run -t mini-mixtral-8x8l --tokens 200 --no-bounds';
const BIG = 'run -m gpt-oss-20b --tokens 260 --no-bounds';
/** A short prompt, which is priced soon. */
const SHORT = '--prompt 512';
const ADVISE = `advise gpt-oss-20b -w rtx-3060+32GB ${SHORT}`;
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

/** A mistake, the line that it gets, and the command with the remedy in the place of what was wrong. */
type Row = readonly [mistake: string, line: string, remedy: string];

/** Rows of a text: a mistake, in which `{what is wrong→its remedy}` stands where there is one, and below it the line that it gets. */
function rowsOf(text: string): readonly Row[] {
  return pairsOf(text).map(([mistake, line]) => [mistake.replace(/\{(.*)→.*\}/, '$1'), line, mistake.replace(/\{.*→(.*)\}/, '$1')]);
}

const JOINED = 'parts of a machine are joined by +: -w rtx-3060+32GB';

const MACHINES = rowsOf(`
  ${BIG} {-w rtx-3060,32GB→-w rtx-3060+32GB}
    --hardware: unknown hardware profile "32GB": ${JOINED}
  ${BIG} {-w 'rtx-3060 32GB'→-w rtx-3060+32GB}
    --hardware: hardware: unknown hardware profile "rtx-3060 32GB": ${JOINED}
  advise gpt-oss-20b {-w rtx-3060 32GB→-w rtx-3060+32GB} ${SHORT}
    unknown model "32GB": ${JOINED}
  ${BIG} -w {'laptop 4060'→rtx-4060-laptop}
    --hardware: hardware: unknown hardware profile "laptop 4060": did you mean "rtx-4060-laptop"? (${PATH}laptop 4060.yaml)
  ${BIG} -w rtx-3060+{64MB→64GB}
    --hardware: hardware: "64MB" is no memory that machines have; write 64GB
  ${BIG} -w rtx-3060{+32→+32GB}
    --hardware: hardware: "32" has no unit; memory is written as 32GB
  ${BIG} {--ram 32GB→-w rtx-3060+32GB}
    unknown option '--ram'; memory is a part of the machine: -w rtx-3060+32GB (see moeprof run --help)
  advise gpt-oss-20b {--vram 12GB→-w rtx-3060+32GB} ${SHORT}
    unknown option '--vram'; memory is a part of the machine: -w rtx-3060+32GB (see moeprof advise --help)
  advise gpt-oss-20b {--gpu rtx-3060→-w rtx-3060+32GB} ${SHORT}
    unknown option '--gpu'; the machine is named by its parts: -w rtx-3060+32GB (see moeprof advise --help)
  ${RUN} {--tensor-parallel-size 2→-w 2xrtx-3090+64GB}
    unknown option '--tensor-parallel-size'; cards are a part of the machine: -w 2xrtx-3090+64GB (see moeprof run --help)
  ${BIG} {-w→-w rtx-3060+32GB}
    option '-w, --hardware <machine>' argument missing; write e.g. -w rtx-3060+32GB (see moeprof run --help)
`);

const MODELS = rowsOf(`
  plan {gpt-oss-20b→-m gpt-oss-20b} --tokens 260 --slo tpot=1s
    unknown run profile "gpt-oss-20b": it is named with -m gpt-oss-20b
  run {gpt-oss-20b→-m gpt-oss-20b} --tokens 260 --no-bounds
    unknown run profile "gpt-oss-20b": it is named with -m gpt-oss-20b
  advise {-m gpt-oss-20b→gpt-oss-20b} -w rtx-3060+32GB ${SHORT}
    unknown option '-m'; the model stands alone, without a flag: gpt-oss-20b (see moeprof advise --help)
  advise {llama-3-70b→gpt-oss-20b} -w rtx-3060+32GB ${SHORT}
    unknown model "llama-3-70b": models are of experts (MoE), e.g. gpt-oss-20b; all bundled ones are in moeprof profiles list model, others are hf:owner/repo or a GGUF file (${PATH}llama-3-70b.yaml)
  model inspect {qwen3:30b-a3b→qwen3-30b-a3b}
    unknown model "qwen3:30b-a3b": did you mean "qwen3-30b-a3b" or "qwen3.5-35b-a3b" or "qwen3.6-35b-a3b"? (${PATH}qwen3:30b-a3b.yaml)
  run {-s fiddler→-s fiddler --model qwen3-30b-a3b} --tokens 260 --no-bounds
    moeprof run: model: synthetic routing needs a model; name one, e.g. --model qwen3-30b-a3b
  {model→model inspect} gpt-oss-20b
    unknown command 'gpt-oss-20b'; that is moeprof model inspect gpt-oss-20b (see moeprof model --help)
  model {inspect→inspect gpt-oss-20b}
    missing required argument 'model'; name a model: gpt-oss-20b (see moeprof model inspect --help)
  run {-t mini-mixtral-8x8l --tokens 200 --no-bounds -m→-m gpt-oss-20b}
    option '-m, --model <model>' argument missing; write e.g. -m gpt-oss-20b (see moeprof run --help)
`);

const FLAGS = rowsOf(`
  ${ADVISE} {-c 32768→--context 32768}
    unknown option '-c'; that is --context 32768 (see moeprof advise --help)
  ${ADVISE} {--max-model-len 32768→--context 32768}
    unknown option '--max-model-len'; that is --context 32768 (see moeprof advise --help)
  ${ADVISE} {-np→--users} 4
    unknown option '-np'; that is --users 4 (see moeprof advise --help)
  ${ADVISE} {--quant→--quantizations} q4_k_m
    unknown option '--quant'; that is --quantizations q4_k_m (see moeprof advise --help)
  ${ADVISE} {--ncmoe 20→--timing 'eval 24 tok/s, -ncmoe 20'}
    unknown option '--ncmoe'; it is what advise finds: leave it out; a speed reached with it goes into --timing "eval 24 tok/s, -ncmoe 20" (see moeprof advise --help)
  ${RUN} {--n-cpu-moe 4→--cache 25%}
    unknown option '--n-cpu-moe'; what the card holds is --cache 25%; for flags of llama.cpp use moeprof advise (see moeprof run --help)
  ${RUN} {-ngl→--gpu-layers} 20
    unknown option '-ngl'; that is --gpu-layers 20 (see moeprof run --help)
  run -m gpt-oss-20b --no-bounds {--ctx-size 1024→--set workload.prompt=1024 --tokens 2k}
    unknown option '--ctx-size'; the prompt of a run is --set workload.prompt=1024 --tokens 2k (see moeprof run --help)
  ${BIG} {-n 128→--set workload.output=128}
    unknown option '-n'; the answer of a run is --set workload.output=128 (see moeprof run --help)
  ${RUN} {--max-num-seqs→--batch} 4
    unknown option '--max-num-seqs'; that is --batch 4 (see moeprof run --help)
  ${BIG} {--dtype→--quantization} q4_k_m
    unknown option '--dtype'; that is --quantization q4_k_m (see moeprof run --help)
  ${RUN} {--engine→--runtime} llama.cpp
    unknown option '--engine'; that is --runtime llama.cpp (see moeprof run --help)
  ${RUN} {--cache 8→--cache 8%}
    --cache: memory.expertCache: "8" has no unit; write 8GiB, 8% of all experts, or 8/layer (slots a layer)
  ${RUN} --policy {LRU→lru}
    --policy: cache.policy: unknown policy "LRU"; did you mean "lru" or "lfru" or "lfu"? (a policy of your own: ./file.mjs)
  ${RUN} --slo {2s→ttft=2s,tpot=100ms}
    --slo: workload.slo: '2s' is no limit; write e.g. ttft=2s,tpot=100ms
`);

const COMMANDS = rowsOf(`
  {curve mini-mixtral-8x8l→curve -t mini-mixtral-8x8l} --tokens 200
    too many arguments for 'curve'. Expected 0 arguments but got 1; a model is named with -m, a trace with -t (see moeprof curve --help)
  {trace→trace inspect} mini-mixtral-8x8l
    unknown command 'mini-mixtral-8x8l'; that is moeprof trace inspect mini-mixtral-8x8l (see moeprof trace --help)
  trace {inspect→inspect mini-mixtral-8x8l}
    missing required argument 'trace'; name a trace: routing.jsonl, or mini-mixtral-8x8l, which is bundled (see moeprof trace inspect --help)
  trace convert {routing.jsonl→routing.jsonl -o routing.safetensors}
    required option '-o, --output <path>' not specified; write e.g. -o routing.safetensors (see moeprof trace convert --help)
  {check→check server.log -w rtx-3060+32GB}
    missing required argument 'log'; name a file with what a runtime printed: server.log (see moeprof check --help)
  {compare→compare a.json b.json}
    missing required argument 'base'; name the results of two runs: a.json b.json (see moeprof compare --help)
  {sweep→sweep --vary memory.expertCache=25%,50%} -t mini-mixtral-8x8l --tokens 200
    nothing varies; write e.g. --rates 0.5,1,2 or --vary memory.expertCache=25%,50%
  {list models→profiles list model}
    unknown command 'list'; that is moeprof profiles list (see moeprof --help)
  {models→profiles list}
    unknown command 'models'; that is moeprof profiles list (see moeprof --help)
  {version→--version}
    unknown command 'version'; that is moeprof --version (see moeprof --help)
  {bench→run} -t mini-mixtral-8x8l --tokens 200
    unknown command 'bench'; that is moeprof run (see moeprof --help)
`);

/** What a stranger with the README alone writes. */
const STRANGER = rowsOf(`
  {--model gpt-oss-20b→advise gpt-oss-20b -w rtx-3060+32GB} ${SHORT}
    unknown option '--model'; a command comes first: moeprof advise gpt-oss-20b -w rtx-3060+32GB (see moeprof --help)
  advise gpt-oss-20b -w {'RTX 4090, 64 GB RAM'→'RTX 4090+64 GB'} ${SHORT}
    unknown hardware profile "RTX 4090, 64 GB RAM": ${JOINED}
  advise gpt-oss-20b -w {'rtx-3060+32GB DDR4-3200'→rtx-3060+32GB+2xddr4-3200} ${SHORT}
    unknown part "32GB DDR4-3200": memory is a size, and channels x type-speed: 64GB+2xddr4-3200; parts: moeprof profiles list gpu, cpu
  advise gpt-oss-20b -w rtx-3060{+32GB+ddr4→+64GB+2xddr4-3200} ${SHORT}
    unknown part "ddr4": memory is a size, and channels x type-speed: 64GB+2xddr4-3200; parts: moeprof profiles list gpu, cpu
  advise gpt-oss-20b -w rtx-3060{+32GB+DDR4-3200MHz→+64GB+2xddr4-3200} ${SHORT}
    unknown part "DDR4-3200MHz": memory is a size, and channels x type-speed: 64GB+2xddr4-3200; parts: moeprof profiles list gpu, cpu
  advise gpt-oss-20b -w rtx-3060{+32GB+dual-channel→+64GB+2xddr4-3200} ${SHORT}
    unknown part "channel": memory is a size, and channels x type-speed: 64GB+2xddr4-3200; parts: moeprof profiles list gpu, cpu
  advise gpt-oss-20b -w rtx-3060+{r5-5600→ryzen-5-5600}+32GB ${SHORT}
    unknown part "r5-5600": did you mean "ryzen-5-5600"? (as in rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16); parts: moeprof profiles list gpu, cpu
  advise gpt-oss-20b -w rtx-3060+{ryzen-5600→ryzen-5-5600}+32GB ${SHORT}
    unknown part "ryzen-5600": did you mean "ryzen-5-5600"? (as in rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16); parts: moeprof profiles list gpu, cpu
  advise gpt-oss-20b -w {3060→rtx-3060}+32GB ${SHORT}
    unknown part "3060": did you mean "rtx-3060"? (as in rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16); parts: moeprof profiles list gpu, cpu
  advise gpt-oss-20b -w rtx-3060+32GB{+linux→} ${SHORT}
    unknown part "linux": leave it out (as in rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16); parts: moeprof profiles list gpu, cpu
  advise {-hf →}ggml-org/gpt-oss-20b-GGUF -w rtx-3060+32GB ${SHORT}
    unknown option '-hf'; a repository stands alone, without a flag: ggml-org/gpt-oss-20b-GGUF (see moeprof advise --help)
  advise {unsloth/gpt-oss-20b-GGUF:Q9_K→gpt-oss-20b} -w rtx-3060+32GB ${SHORT}
    unsloth/gpt-oss-20b-GGUF:Q9_K: unknown quantization "q9_k"; did you mean "q2_k" or "q6_k"?
  ${ADVISE}{ -t 6→}
    -t 6: -t names a trace; leave threads out
  ${ADVISE}{ --threads 6→}
    unknown option '--threads'; it is what advise finds: leave it out (see moeprof advise --help)
  ${ADVISE}{ -b 2048→}
    unknown option '-b'; it is what advise finds: leave it out (see moeprof advise --help)
  ${ADVISE}{ -ub 2048→}
    unknown option '-ub'; it is what advise finds: leave it out (see moeprof advise --help)
  ${ADVISE}{ -fa on→}
    unknown option '-fa'; it is what advise finds: leave it out (see moeprof advise --help)
  ${ADVISE}{ -ctk q8_0→}
    unknown option '-ctk'; it is what advise finds: leave it out (see moeprof advise --help)
  ${ADVISE}{ -ot exps=CPU→}
    unknown option '-ot'; it is what advise finds: leave it out (see moeprof advise --help)
  ${ADVISE}{ -ts 1,1→}
    unknown option '-ts'; it is what advise finds: leave it out (see moeprof advise --help)
  ${ADVISE}{ --no-mmap→}
    unknown option '--no-mmap'; it is what advise finds: leave it out (see moeprof advise --help)
  ${ADVISE}{ --jinja→}
    unknown option '--jinja'; it is what advise finds: leave it out (see moeprof advise --help)
  ${RUN} {-ot exps=CPU→--runtime llama.cpp}
    unknown option '-ot'; a runtime has it: --runtime llama.cpp; for flags of llama.cpp use moeprof advise (see moeprof run --help)
  ${RUN} {-fa on→--runtime llama.cpp}
    unknown option '-fa'; a runtime has it: --runtime llama.cpp; for flags of llama.cpp use moeprof advise (see moeprof run --help)
  ${ADVISE} --timing {11→'eval 24 tok/s, -ncmoe 20'}
    --timing "11": nothing of it was read; not understood is "11"; write e.g. "eval 24.3 tok/s, prompt 410 tok/s, -ncmoe 26", or the path of a log
  check {'40 tok/s'→'eval 40 tok/s, mxfp4, -m gpt-oss-20b -ncmoe 12'} -w rtx-3060+32GB
    "40 tok/s": names no model; name one with -m (moeprof profiles list model)
  {curve -t mini-mixtral-8x8l --hit-rate 90%→plan -t mini-mixtral-8x8l -w t4 --tokens 200 --assert 'cache.hit_rate >= 90%'}
    unknown option '--hit-rate'; that is moeprof plan -t mini-mixtral-8x8l -w t4 --assert 'cache.hit_rate >= 90%' (see moeprof curve --help)
  {place→place -t} mini-finegrained-64x12l
    unknown action 'mini-finegrained-64x12l'; use judge, merge; a model is named with -m, a trace with -t (see moeprof place --help)
  plot a.json {b.json→b.json --x system}
    required option '--x <name>' not specified; write e.g. --x system (see moeprof plot --help)
  {breakeven→breakeven gpt-oss-20b} -w rtx-3060+32GB --quantizations q4_k_m --users 1
    missing required argument 'model'; name a model: gpt-oss-20b (see moeprof breakeven --help)
  machine show {rtx-3090 64GB→rtx-3090+64GB}
    too many arguments for 'show'. Expected 1 argument but got 2; parts of a machine are joined by +: rtx-3060+32GB (see moeprof machine show --help)
  plan -t mini-mixtral-8x8l -w t4 --tokens 400 --assert 'cache.hit_rate >= {50→50%}'
    --assert: cache.hit_rate: "50" does not fit; write a share such as 80%, or a change such as +0.5pp or +3%
  ${RUN} --set hardware.links.h2d.bandwidth{=12→=12GB/s}
    --set hardware.links.h2d.bandwidth: links.0.bandwidth: 12 is not a rate; write e.g. 25.2 GB/s, 2460 MiB/s, or a plain number of bytes per second from 1000 on
  ${RUN} --set {batch→workload.batch}=4
    --set batch: unknown key "batch"; did you mean "workload.batch"?
  sweep -t mini-mixtral-8x8l --tokens 200 --vary {cache→memory.expertCache}=25%,50%
    --vary cache: unknown key "cache"; did you mean "memory.expertCache" or "memory.dramCache" or "memory.minExpertCache"?
  sweep -t mini-mixtral-8x8l --tokens 200 --vary seed=1,2 {-o study.jsonl→--store study}
    -o study.jsonl: is for a study.yaml; of options, moeprof table reads --store FOLDER
  explain {chur→churn}
    there is no word, metric or warning "chur": did you mean "churn"?
`);

/** What cannot be repeated here as the line has it: a server, an engine, a page that is not built, a file of another system. */
const LINES = rowsOf(`
  play
    required option '-o, --output <path>' not specified; write -o play.html (see moeprof play --help)
  play -o play.pdf
    -o play.pdf: the page is HTML; write -o play.html
  gui
    unknown command 'gui'; that is moeprof play -o play.html (see moeprof --help)
  record model.gguf
    required option '-o, --output <path>' not specified; write e.g. -o t.safetensors (see moeprof record --help)
  serve --port 80
    unknown option '--port'; that is --listen 127.0.0.1:8642 (see moeprof serve --help)
  search
    missing required argument 'space'; name the file of a space: search.yaml (see moeprof search --help)
  search -t mini-mixtral-8x8l
    unknown option '-t'; they stand in the file of the space: moeprof search search.yaml (see moeprof search --help)
  update
    unknown command 'update'; that is npm install -g, in a clone of moeprof (see moeprof --help)
  check 11
    "11": nothing of it was read; not understood is "11"; write e.g. "eval 24.3 tok/s, prompt 410 tok/s, -ncmoe 26", or the path of a log
  advise C:\\models\\gpt-oss.gguf
    C:\\models\\gpt-oss.gguf: there is no such file; in WSL it is /mnt/c/models/gpt-oss.gguf
`);

/** Remedies that have run: several mistakes have one. */
const ran = new Set<string>();

describe.each([
  ['a machine', MACHINES],
  ['a model', MODELS],
  ['a flag of another program', FLAGS],
  ['a command', COMMANDS],
  ['a stranger', STRANGER],
] as const)('%s', (_, rows) => {
  it.each(rows)('moeprof %s', { timeout: 60_000 }, async (mistake, line, remedy) => {
    expect(await run(mistake)).toBe(2);
    expect(output.stderr).toBe(`moeprof: ${line}\n`);
    expect(remedy).not.toBe(mistake);
    if (ran.has(remedy)) return;
    output.stderr = '';
    expect(await run(remedy), `${remedy}: ${output.stderr}`).toBe(0);
    ran.add(remedy);
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
