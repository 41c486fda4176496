// Ways to hide a regression of a tenth by profiles, files and budgets alone: each ends with 1, 2 or 3, or passes with a warning in every
// format. And harmless changes, none of which fails or warns. All of it through the command, in this process.
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../../src/cli/program.js';
import { catchOutput } from '../../support/cli-output.js';

const output = catchOutput();

/** The base: a small model whose cache is short of room. */
const BASE = `model: mini-finegrained-64x12l
hardware: rtx-4090
runtime: llama.cpp
system: { name: mine, cache: { policy: lru, scope: layer } }
memory: { expertCache: 25% }
workload: { tokens: 96, prompt: 16, output: 16 }
bounds: false
`;
/** A candidate whose tokens take 16.1 % longer. */
const worse = (text: string): string => text.replace('policy: lru', 'policy: mru');
const BUDGETS = "budgets:\n  - { metric: 'latency.tpot.mean', max_regression: 3% }\n";
/** Routing in a file: 120 tokens, 4 of 64 experts at each of 12 layers. The column `calm` is kinder to a cache. */
const CSV = ((): string => {
  const rows = ['token,layer,experts,calm'];
  for (let token = 0; token < 120; token++) {
    for (let layer = 0; layer < 12; layer++) {
      const wild = Array.from({ length: 4 }, (_, k) => (token * (7 + (token % 3)) + layer * 3 + k * 13) % 64);
      const calm = Array.from({ length: 4 }, (_, k) => (Math.floor(token / 20) + k) % 64);
      rows.push(`${token},${layer},${wild.join(' ')},${calm.join(' ')}`);
    }
  }
  return `${rows.join('\n')}\n`;
})();

interface Case {
  /** Exit code. */
  readonly code: number;
  /** Of the message, of the first fault, or of the first warning. */
  readonly says: string;
  readonly base?: (text: string) => string;
  readonly candidate?: (text: string) => string;
  /** Of the file of budgets; null: there is none. */
  readonly budgets?: string | null;
  /** Further files, by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** The operands, instead of base.yaml and pr.yaml. */
  readonly operands?: readonly [base: string, candidate: string];
  readonly args?: readonly string[];
  /** Prepares the folder further. */
  readonly prepare?: (folder: string) => void;
}

const line = (text: string) => (profile: string) => profile + text;
const put = (from: string | RegExp, to: string) => (profile: string) => {
  const changed = profile.replace(from, to);
  if (changed === profile) throw new Error(`${from} is not in ${profile}`);
  return changed;
};
const memory = (text: string) => put(/memory: .*/, `memory: { ${text} }`);
const workload = (text: string) => put('output: 16 }', `output: 16, ${text} }`);
const inSystem = (text: string) => put('scope: layer } }', `scope: layer }, ${text} }`);
const inCache = (text: string) => put('scope: layer }', `scope: layer, ${text} }`);
const traced = (text: string): string => `${text}trace: t.csv\n`;
const budget = (text: string): string => `budgets:\n  - { ${text} }\n`;
const both =
  (...changes: readonly ((text: string) => string)[]) =>
  (text: string) =>
    changes.reduce((now, change) => change(now), text);
/** Runtimes and machines of the candidate's own. */
const RUNTIME = 'name: llama.cpp\nbase: llama.cpp\n';

/** Results of bases that were run before, by text: their paths. */
const KNOWN = new Map<string, string>();

/** The words of the command, in a folder of its own. */
async function commandOf(one: Omit<Case, 'code' | 'says'>, plant: (text: string) => string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-gate-'));
  const base = (one.base ?? String)(BASE);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write('base.yaml', base);
  write('pr.yaml', (one.candidate ?? String)(plant(base)));
  write('t.csv', CSV);
  write('budgets.yaml', one.budgets ?? BUDGETS);
  for (const [path, text] of Object.entries(one.files ?? {})) write(path, text);
  one.prepare?.(folder);
  const own = base.includes('budgets');
  if (one.operands === undefined && !own && !KNOWN.has(base)) {
    const path = join(folder, 'base.json');
    expect(await runCli(['run', join(folder, 'base.yaml'), '-q', '-o', path]), output.stderr).toBe(0);
    KNOWN.set(base, path);
  }
  const [before, after] = one.operands ?? [own ? 'base.yaml' : KNOWN.get(base)!, 'pr.yaml'];
  const budgets = one.budgets === null ? [] : ['--budgets', join(folder, 'budgets.yaml')];
  return ['compare', resolve(folder, before), resolve(folder, after), ...budgets, ...(one.args ?? [])];
}

interface Verdict {
  readonly code: number;
  readonly warnings: readonly string[];
  readonly errors: string;
}

async function verdictOf(words: readonly string[]): Promise<Verdict> {
  output.stdout = '';
  output.stderr = '';
  const code = await runCli([...words, '--json', '-q']);
  if (code > 1) {
    expect(output.stderr).toMatch(/^moeprof: [^\n]{1,500}\n$/);
    return { code, warnings: [], errors: output.stderr };
  }
  const gate = JSON.parse(output.stdout) as {
    readonly faults: readonly { level: string; message: string }[];
    readonly comparisons: readonly { readonly knowledge: unknown; readonly findings: readonly { level: string; message: string }[] }[];
  };
  const all = [...gate.faults, ...gate.comparisons.flatMap(({ findings }) => findings)];
  const of = (level: string): string[] => all.filter((one) => one.level === level).map(({ message }) => message);
  const knows = gate.comparisons.some(({ knowledge }) => knowledge !== null) ? ['the runs do not know the same'] : [];
  return { code, warnings: [...of('warn'), ...knows], errors: of('error').join('; ') };
}

const MACHINE = 'name: mine\nparts: [rtx-4090, ryzen-9-7950x, 64GB]\n';
const MODEL = 'mini-finegrained-64x12l';

/** The regression under each of these is not to pass unwarned. */
const WAYS: Readonly<Record<string, Case>> = {
  'nothing beside it': { code: 1, says: '-> 2.14 ms (+16.1 %) is worse by more than 3%' },
  'runtime: ideal': { code: 3, says: 'runtime llama.cpp -> ideal', candidate: put('llama.cpp', 'ideal') },
  'a faster runtime of another name': { code: 3, says: 'runtime llama.cpp -> vllm', candidate: put('llama.cpp', 'vllm') },
  'a runtime file of the same name': {
    code: 3,
    says: 'runtime llama.cpp (',
    candidate: put('llama.cpp', './own.yaml'),
    files: { 'own.yaml': `${RUNTIME}layer: 0\npass: 0\n` },
  },
  'a runtime file that copies faster': {
    code: 3,
    says: 'runtime llama.cpp (',
    candidate: put('llama.cpp', './own.yaml'),
    files: { 'own.yaml': `${RUNTIME}copy: { efficiency: 100%, host: 0, pieces: 1 }\n` },
  },
  'a runtime file that predicts for nothing': {
    code: 3,
    says: 'runtime llama.cpp (',
    candidate: put('llama.cpp', './own.yaml'),
    files: { 'own.yaml': `${RUNTIME}prediction: 0\n` },
  },
  'the runtime of its system': {
    code: 3,
    says: 'runtime llama.cpp -> ideal',
    base: put('runtime: llama.cpp\n', ''),
    candidate: inSystem('runtime: ideal'),
  },
  'no runtime where the base names one': {
    code: 3,
    says: 'runtime hf-eager -> llama.cpp',
    base: put('llama.cpp', 'hf-eager'),
    candidate: put('runtime: hf-eager\n', ''),
  },
  'constants in a file of its machine': {
    code: 2,
    says: 'measured: unknown key "runtimes"; known: date, memory, copies, disk, byThreads',
    base: both(put('rtx-4090', './machine.yaml')),
    candidate: put('./machine.yaml', './fast.yaml'),
    files: {
      'machine.yaml': MACHINE,
      'fast.yaml': `${MACHINE}measured: { runtimes: { llama.cpp: { constants: { layer: 0, copy: { host: 0 } }, timings: [] } } }\n`,
    },
  },
  'timings in a file of its machine': {
    code: 1,
    says: '(+16.1 %) is worse by more than 3%',
    base: both(put('rtx-4090', './machine.yaml')),
    candidate: put('./machine.yaml', './fast.yaml'),
    files: {
      'machine.yaml': MACHINE,
      'fast.yaml': `${MACHINE}timings: ['eval 900 tok/s, prompt 20000 tok/s, q4_k_m, -m olmoe-1b-7b -ncmoe 8']\n`,
    },
  },
  'another machine': { code: 3, says: 'hardware rtx-4090 -> h100-80g', candidate: put('rtx-4090', 'h100-80g') },
  'a machine of other parts': {
    code: 3,
    says: 'hardware rtx-4090 -> rtx-4090+ryzen-9-7950x+64GB+pcie5x16',
    candidate: put('rtx-4090', 'rtx-4090+ryzen-9-7950x+64GB+pcie5x16'),
  },
  'a link that was measured faster': {
    code: 3,
    says: 'hardware rtx-4090+64GB -> rtx-4090+64GB+pcie4x16@60GB/s',
    base: put('rtx-4090', 'rtx-4090+64GB'),
    candidate: put('rtx-4090+64GB', 'rtx-4090+64GB+pcie4x16@60GB/s'),
  },
  'copies that its machine measured': {
    code: 3,
    says: 'fingerprint ',
    base: put('rtx-4090', './machine.yaml'),
    candidate: put('./machine.yaml', './fast.yaml'),
    files: { 'machine.yaml': MACHINE, 'fast.yaml': `${MACHINE}measured: { copies: 60GB/s }\n` },
  },
  'a larger cache': { code: 3, says: 'memory.expertCache 20.3 MiB -> 40.5 MiB', candidate: memory('expertCache: 50%') },
  'a slightly larger cache': { code: 3, says: 'memory.expertCache 20.3 MiB -> 25.9 MiB', candidate: memory('expertCache: 32%') },
  'a cache in bytes': { code: 3, says: 'memory.expertCache 20.3 MiB -> 81.0 MiB', candidate: memory('expertCache: 8GiB') },
  'a cache in experts': { code: 3, says: 'memory.expertCache 20.3 MiB -> 40.5 MiB', candidate: memory('expertCache: 32/layer') },
  'no size of the cache': { code: 3, says: 'memory.expertCache 20.3 MiB -> 81.0 MiB', candidate: put(/memory: .*\n/, '') },
  'a capacity that its system states': {
    code: 3,
    says: 'memory.expertCache 20.3 MiB -> 48.6 MiB',
    candidate: both(put(/memory: .*\n/, ''), inCache("capacity: '60%'")),
  },
  'quotas that its base did not have room for': {
    code: 3,
    says: 'system.cache.quotas 192 experts -> 288 experts',
    base: both(put(/memory: .*\n/, ''), inCache(`quotas: [${new Array(12).fill(16).join(', ')}]`)),
    candidate: put(/quotas: .*?\]/, `quotas: [${new Array(12).fill(24).join(', ')}]`),
  },
  'quotas that are gone': {
    code: 3,
    says: 'system.cache.quotas 192 experts -> all that fit',
    base: both(put(/memory: .*\n/, ''), inCache(`quotas: [${new Array(12).fill(16).join(', ')}]`)),
    candidate: put(/, quotas: .*?\]/, ''),
  },
  'room for KV caches': {
    code: 3,
    says: 'memory.kv - -> 8589934592',
    base: workload('batch: 4'),
    candidate: memory('expertCache: 25%, kv: 8GiB'),
  },
  'another format of KV caches': {
    code: 3,
    says: 'memory.kvFormat - -> q4_0',
    candidate: memory('expertCache: 25%, kvFormat: q4_0'),
  },
  'KV caches in host memory': { code: 1, says: 'is worse by more than 3%', candidate: memory('expertCache: 25%, kvIn: dram') },
  'KV caches that grow': { code: 3, says: 'memory.kvGrowth static -> grow', candidate: memory('expertCache: 25%, kvGrowth: grow') },
  'more of DRAM': {
    code: 3,
    says: 'memory.dramCache 0.3 -> 0.9',
    base: memory('expertCache: 25%, dramCache: 30%'),
    candidate: memory('expertCache: 25%, dramCache: 90%'),
  },
  'fewer tokens': { code: 3, says: 'trace.0.requests 3 -> 1', candidate: put('tokens: 96', 'tokens: 32') },
  'shorter prompts': { code: 3, says: 'trace.0.requests 3 -> 4', candidate: put('prompt: 16', 'prompt: 8') },
  'shorter outputs': { code: 3, says: 'trace.0.requests 3 -> 4', candidate: put('output: 16', 'output: 8') },
  'more users': { code: 3, says: 'workload.batch 1 -> 4', candidate: workload('batch: 4') },
  'smaller passes': { code: 3, says: 'workload.maxTokensPerPass 512 -> 8', candidate: workload('maxTokensPerPass: 8') },
  'a shorter context': { code: 3, says: 'workload.context 20000 -> 10', base: workload('context: 20000'), candidate: put('20000', '10') },
  'fewer requests': {
    code: 3,
    says: 'workload.arrivals - -> poisson:rate=0.1',
    candidate: workload('arrivals: poisson:rate=0.1, requests: 2'),
  },
  'looser objectives': {
    code: 3,
    says: 'workload.slo tpot=1.4ms -> tpot=9s',
    base: workload("slo: 'tpot=1.4ms'"),
    candidate: put('tpot=1.4ms', 'tpot=9s'),
    budgets: budget('metric: goodput.*, max_regression: 3%'),
  },
  'drafts that are always right': {
    code: 0,
    says: 'no drafts -> 1: acceptance is taken as said, n',
    candidate: workload('speculation: { draft: 8, acceptance: 1 }'),
  },
  'drafts of its system that are always right': {
    code: 0,
    says: 'no drafts -> 1: acceptance is taken as said, n',
    candidate: inSystem('speculation: { draft: 8, acceptance: 1 }'),
  },
  'drafts that are right more often': {
    code: 0,
    says: '0.5 -> 1: acceptance is taken as said, not sim',
    base: workload('speculation: { draft: 4, acceptance: 0.5 }'),
    candidate: put('acceptance: 0.5', 'acceptance: 1'),
  },
  'another seed': { code: 3, says: 'seed 1 -> 7', candidate: line('seed: 7\n') },
  'faults that are gone': {
    code: 3,
    says: 'faults [',
    base: line('faults: [{ at: 0s, link: h2d, bandwidth: 50% }]\n'),
    candidate: put(/faults: .*\n/, ''),
  },
  'sequential replay': { code: 3, says: 'replay atomic -> sequential', candidate: line('replay: sequential\n') },
  'fewer experts a token': { code: 3, says: 'variants - -> ["top-k=1"]', candidate: line('variants: [top-k=1]\n') },
  'layers that are skipped': { code: 3, says: 'variants - -> ["skip=0.5"]', candidate: line('variants: [skip=0.5]\n') },
  'another quantization': { code: 3, says: 'quantization bf16 -> q4_k_m', candidate: put('hardware', 'quantization: q4_k_m\nhardware') },
  'another model': { code: 3, says: 'model mini-finegrained-64x12l -> mini-mixtral-8x8l', candidate: put(MODEL, 'mini-mixtral-8x8l') },
  'rows of a trace': {
    code: 3,
    says: 'trace.0.sha256 30678da79bed -> 4d4d96171f01',
    base: traced,
    candidate: put('t.csv', "'t.csv#60:120'"),
  },
  'another column of the trace': {
    code: 3,
    says: 'traceColumns - -> {"layer":"layer","experts":"calm","token":"token"}',
    base: traced,
    candidate: line('traceColumns: { token: token, layer: layer, experts: calm }\n'),
  },
  'another trace': {
    code: 3,
    says: 'trace.0.sha256 30678da79bed -> 64168a918567',
    base: traced,
    candidate: put('t.csv', './sub/t.csv'),
    files: { 'sub/t.csv': CSV.replace(/^0,0,.*$/m, '0,0,1 2 3 4,1 2 3 4') },
  },
  'drawn routing': { code: 3, says: 'trace.0.requests 1 -> 3', base: traced, candidate: put('trace: t.csv', 'trace: synthetic') },
  'rows that are held out': { code: 3, says: 'trace.0.heldOut - -> 60', base: traced, candidate: workload('holdOut: 50%') },
  'a predictor of the future': { code: 3, says: 'knowledge', candidate: inSystem('predictor: oracle') },
  'a stand-in of higher recall': {
    code: 3,
    says: 'knowledge',
    base: both(traced, inSystem('predictor: { kind: gate, recall: 0.5, source: x }')),
    candidate: put('recall: 0.5', 'recall: 1'),
  },
  'popularity of the tokens themselves': {
    code: 3,
    says: 'knowledge',
    base: traced,
    candidate: both(put('policy: mru', "policy: 'static:by=popularity'"), inCache('popularity: t.csv')),
  },
  'experts that are not loaded': {
    code: 0,
    says: '87.5 % is worse by 10 % or more',
    candidate: inSystem('onMiss: { do: skip, admit: background }'),
  },
  'a budget of 99999%': {
    code: 0,
    says: 'hardly any regression can break this: what is',
    budgets: budget('metric: latency.tpot.mean, max_regression: 99999%'),
  },
  'a budget of 3% and 1000s': {
    code: 0,
    says: 'hardly any regression can break this: what is',
    budgets: budget('metric: latency.tpot.mean, max_regression: 3% and 1000s'),
  },
  'a budget of 50%': {
    code: 0,
    says: 'is worse by 10 % or more, and no budget fails',
    budgets: budget('metric: latency.tpot.mean, max_regression: 50%'),
  },
  'a budget of a second': {
    code: 0,
    says: 'hardly any regression can break this: what is',
    budgets: budget('metric: latency.tpot.mean, max_regression: 1s'),
  },
  'a budget that is off': {
    code: 0,
    says: 'is not looked at: trust me',
    budgets: `${BUDGETS}  - { metric: 'latency.*', level: off, reason: trust me }\n`,
  },
  'a budget that only warns': {
    code: 0,
    says: 'is worse by more than 3%',
    budgets: budget('metric: latency.tpot.mean, max_regression: 3%, level: warn'),
  },
  'a limit that holds': {
    code: 0,
    says: 'hardly any regression can break this: what is',
    budgets: budget("metric: latency.tpot.mean, limit: '<= 1000s'"),
  },
  'a near limit that holds': {
    code: 0,
    says: 'is worse by 10 % or more, and no budget fails',
    budgets: budget("metric: latency.tpot.mean, limit: '<= 2.2ms'"),
  },
  'a limit the other way round': {
    code: 0,
    says: 'only an improvement can break this; turn its c',
    budgets: budget("metric: latency.tpot.mean, limit: '>= 1us'"),
  },
  'a budget for something else': {
    code: 0,
    says: 'is worse by 10 % or more, and no budget fails',
    budgets: budget('metric: memory.gpu.peak, max_regression: 3%'),
  },
  'a budget for one percentile': {
    code: 0,
    says: 'is worse by 10 % or more, and no budget fails',
    budgets: budget('metric: latency.ttft.p50, max_regression: 90%'),
  },
  'a budget for another scenario': {
    code: 1,
    says: 'is missing: no run is of this scenario',
    budgets: budget('metric: latency.tpot.mean, scenario: other, max_regression: 3%'),
  },
  'a budget for gains': {
    code: 0,
    says: 'only an improvement can break this; turn its c',
    budgets: null,
    args: ['--fail-on', 'latency.tpot.mean < -3%'],
  },
  'budgets that let the runtime vary': {
    code: 0,
    says: 'llama.cpp -> ideal: figures are not of the sam',
    budgets: `${BUDGETS}  - varies: [runtime]\n`,
    candidate: put('llama.cpp', 'ideal'),
  },
  'budgets that let the cache vary': {
    code: 0,
    says: '20.3 MiB -> 40.5 MiB: figures are not of the s',
    budgets: `${BUDGETS}  - varies: [memory.expertCache]\n`,
    candidate: memory('expertCache: 50%'),
  },
  'budgets that let something else vary': {
    code: 3,
    says: 'memory.expertCache 20.3 MiB -> 40.5 MiB',
    budgets: `${BUDGETS}  - varies: [memory.kv]\n`,
    candidate: memory('expertCache: 50%'),
  },
  'its own word that the runtime varies': {
    code: 3,
    says: 'runtime llama.cpp -> ideal',
    candidate: both(put('llama.cpp', 'ideal'), line('budgets: [{ varies: [runtime] }]\n')),
  },
  'its own budgets, off': {
    code: 1,
    says: '-> 2.14 ms (+16.1 %) is worse by more than 3%',
    candidate: line("budgets: [{ metric: '*', level: off, reason: x }]\n"),
  },
  'its own budgets, off, over those of the base': {
    code: 1,
    says: '-> 2.14 ms (+16.1 %) is worse by more than 3%',
    budgets: null,
    base: line('budgets: [{ metric: latency.tpot.mean, max_regression: 3% }]\n'),
    candidate: put(/budgets: .*/, "budgets: [{ metric: '*', level: off, reason: x }]"),
  },
  'its own budgets, loose': {
    code: 0,
    says: 'hardly any regression can break this: what is',
    budgets: null,
    candidate: line('budgets: [{ metric: latency.tpot.mean, max_regression: 900% }]\n'),
  },
  'a key of the budgets that stands twice': {
    code: 2,
    says: 'this key stands twice; keep one of them',
    budgets: 'budgets:\n  - metric: latency.tpot.mean\n    max_regression: 3%\n    max_regression: 99%\n',
  },
  'a key of the profile that stands twice': {
    code: 2,
    says: 'this key stands twice; keep one of them',
    candidate: line('runtime: ideal\n'),
  },
  'a name in other letters': {
    code: 2,
    says: 'there is no metric "lаtency.tpot.mean"; did yo',
    budgets: budget('metric: lаtency.tpot.mean, max_regression: 3%'),
  },
  'a glob of nothing': {
    code: 2,
    says: 'there is no metric "latency.tpot.?"; did you m',
    budgets: budget("metric: 'latency.tpot.?', max_regression: 3%"),
  },
  'an infinite budget': {
    code: 2,
    says: 'latency.tpot.mean: "1e400%" does not fit; writ',
    budgets: budget('metric: latency.tpot.mean, max_regression: 1e400%'),
  },
  'a negative budget': {
    code: 2,
    says: 'budgets.0.max_regression: write 3% without a s',
    budgets: budget('metric: latency.tpot.mean, max_regression: -3%'),
  },
  'a scenario of another name': {
    code: 1,
    says: 'base has this scenario, the candidate does not',
    operands: ['main', 'pr'],
    files: { 'main/code.yaml': BASE, 'pr/Code.yaml': worse(BASE) },
  },
  'a scenario that is hidden': {
    code: 1,
    says: 'base has this scenario, the candidate does not',
    operands: ['main', 'pr'],
    files: { 'main/code.yaml': BASE, 'main/chat.yaml': BASE, 'pr/.code.yaml': worse(BASE), 'pr/chat.yaml': BASE },
  },
  'a scenario that is excused': {
    code: 0,
    says: 'is not looked at: retired',
    operands: ['main', 'pr'],
    files: { 'main/code.yaml': BASE, 'main/chat.yaml': BASE, 'pr/chat.yaml': BASE },
    budgets: `${BUDGETS}  - { metric: '*', scenario: code, level: off, reason: retired }\n`,
  },
  'a scenario without a budget': {
    code: 0,
    says: 'is worse by 10 % or more, and no budget fails',
    operands: ['main', 'pr'],
    files: { 'main/code.yaml': BASE, 'main/chat.yaml': BASE, 'pr/code.yaml': worse(BASE), 'pr/chat.yaml': BASE },
    budgets: budget('metric: latency.tpot.mean, scenario: chat, max_regression: 3%'),
  },
  'a scenario that is composed of other characters': {
    code: 1,
    says: 'base has this scenario, the candidate does not',
    operands: ['main', 'pr'],
    files: { 'main/caf\u00e9.yaml': BASE, 'pr/cafe\u0301.yaml': worse(BASE) },
  },
  'a circle of links': {
    code: 2,
    says: 'cannot be read: its symbolic links lead in a c',
    operands: ['base.yaml', 'loop.yaml'],
    prepare: (folder) => symlinkSync('loop.yaml', join(folder, 'loop.yaml')),
  },
};

describe('a regression of a tenth', () => {
  it.each(Object.entries(WAYS))('does not pass unwarned beside %s', async (_, way) => {
    const words = await commandOf(way, worse);
    const { code, errors, warnings } = await verdictOf(words);
    expect([code, code === 0 ? warnings[0] : errors]).toEqual([way.code, expect.stringContaining(way.says)]);
  });

  it('has sixty ways and more', () => {
    expect(Object.keys(WAYS).length).toBeGreaterThanOrEqual(60);
  });
});

/** None of these changes is a regression. */
const HARMLESS: Readonly<Record<string, Omit<Case, 'code' | 'says'>>> = {
  'nothing at all': {},
  comments: { candidate: put('model:', '# Of a pull request.\nmodel:') },
  'the order of keys': { candidate: (text) => text.trimEnd().split('\n').reverse().join('\n') },
  'block style': { candidate: put('memory: { expertCache: 25% }', 'memory:\n  expertCache: 25%') },
  'the case of the machine': { candidate: put('rtx-4090', 'RTX-4090') },
  'blanks in the machine': { candidate: put('rtx-4090', 'RTX 4090') },
  'the spelling of parts': { base: put('rtx-4090', 'rtx-4090+64GB'), candidate: put('rtx-4090+64GB', '64GB+NVIDIA GeForce RTX 4090') },
  'a size in other words': { candidate: memory('expertCache: 25.0%') },
  'a size in experts': { candidate: memory('expertCache: 16/layer') },
  'defaults that are said': { candidate: both(memory('expertCache: 25%, kvIn: gpu, kvGrowth: static'), line('seed: 1\nreplay: atomic\n')) },
  'the runtime that is usual': { base: put('runtime: llama.cpp\n', ''), candidate: line('runtime: llama.cpp\n') },
  'a runtime file that only describes more': {
    candidate: put('llama.cpp', './own.yaml'),
    files: { 'own.yaml': `${RUNTIME}cites: the same program\nassumed: nothing\n` },
  },
  'a machine file of the same parts': {
    base: put('rtx-4090', 'rtx-4090+ryzen-9-7950x+64GB'),
    candidate: put('rtx-4090+ryzen-9-7950x+64GB', './machine.yaml'),
    files: { 'machine.yaml': `${MACHINE}remarks: [on a desk]\n` },
  },
  'the name of the system': { candidate: put('name: mine', 'name: ours') },
  'prose of the system': { candidate: inSystem('cites: a paper, simplifies: much') },
  'another policy that is as fast': { candidate: put('policy: lru', 'policy: clock') },
  'a faster policy': { base: put('policy: lru', 'policy: fifo'), candidate: put('policy: fifo', 'policy: lru') },
  'budgets of its own': { candidate: line('budgets: [{ metric: cache.hit_rate, max_regression: 1pp }]\n') },
  'figures that were not asked for': { candidate: put('bounds: false\n', 'bounds: true\n') },
  'the path of a trace': { base: traced, candidate: put('t.csv', './sub/t.csv'), files: { 'sub/t.csv': CSV } },
  'a format that is said': { base: traced, candidate: line('traceFormat: csv\n') },
  'objectives that are new': { candidate: workload("slo: 'tpot=9s'") },
  'a new scenario': {
    operands: ['main', 'pr'],
    files: { 'main/code.yaml': BASE, 'pr/code.yaml': BASE, 'pr/chat.yaml': worse(BASE) },
  },
  'inputs that could vary and do not': { budgets: `${BUDGETS}  - varies: [runtime, memory.expertCache]\n` },
};

describe('a harmless change', () => {
  it.each(Object.entries(HARMLESS))('of %s neither fails nor warns', async (_, change) => {
    expect(await verdictOf(await commandOf(change, String))).toEqual({ code: 0, warnings: [], errors: '' });
  });

  it('is any of twenty and more', () => {
    expect(Object.keys(HARMLESS).length).toBeGreaterThanOrEqual(20);
  });
});
