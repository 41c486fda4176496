// Random run profiles over all that a run may say: models, machines, systems, workloads, memory, variants and faults.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../../src/base/random.js';
import { QUOTAS } from '../../src/cache/layer-quotas.js';
import { POLICIES } from '../../src/cache/policies/index.js';
import { PREDICTORS } from '../../src/predict/predictors/index.js';
import { loadHardware } from '../../src/runtime/machine.js';
import { SCHEDULERS } from '../../src/schedule/index.js';
import { KV_GROWTH } from '../../src/schedule/kv-room.js';
import { ROLLBACKS } from '../../src/schedule/speculation.js';
import { ADMISSIONS, MISS_ACTIONS } from '../../src/system/actions.js';
import { PLACEMENTS } from '../../src/system/placement/index.js';
import type { RunInput } from '../../src/system/run.js';

type Tree = Record<string, unknown>;

/** What a run may use of a machine, so that most runs are none that has to be refused. */
interface Machine {
  readonly hardware: string;
  readonly links: readonly string[];
  readonly cpu: boolean;
  readonly ssdBelowDram: boolean;
  readonly several: boolean;
}

const PROFILES = fileURLToPath(new URL('../../profiles', import.meta.url));
const bundled = (family: string): string[] => readdirSync(join(PROFILES, family)).flatMap((file) => /^(.*)\.yaml$/.exec(file)?.[1] ?? []);
const SYSTEMS = bundled('systems');
const MACHINES = bundled('hardware');
const RECORDED = ['mini-mixtral-8x8l', 'mini-finegrained-64x12l'];
/** Predictors that read no file of their own. */
const SELF_TAUGHT = PREDICTORS.map(({ name }) => name).filter((name) => name !== 'supplied' && name !== 'onnx');
/** Share of the drawn parts that nobody checked for sense: what they ask for may have to be refused. */
const SENSELESS = 0.05;
const VARIANTS = ['top-k=1', 'top-k=2', 'null=2', 'skip=0.25', 'per-request', 'random'];
const FITS_NO_TRACE_HERE = ['top-p=0.8', 'hash'];
/** The model of a recorded trace with a large and a small size of every expert. */
const TWO_SIZES: Tree = {
  name: 'random',
  layers: 8,
  hidden: 256,
  vocab: 8192,
  attention: { kind: 'gqa', heads: 4, kvHeads: 4, headDim: 64 },
  moe: { experts: 8, topK: 2, intermediate: 512, modules: [{ name: 'large' }, { name: 'small', intermediate: 128, replaces: 'nothing' }] },
};

/** Draws the parts of one run. */
class Draw {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed, 'test/random-runs');
  }

  /** A whole number of [least, most]. */
  int(least: number, most: number): number {
    return least + this.#random.below(most - least + 1);
  }

  of<T>(values: readonly T[]): T {
    return values[this.#random.below(values.length)]!;
  }

  chance(share: number): boolean {
    return this.#random.next() < share;
  }

  /** `part` with this chance, nothing otherwise. */
  maybe(share: number, part: () => Tree): Tree {
    return this.chance(share) ? part() : {};
  }
}

function model(draw: Draw): Tree {
  const layers = draw.int(1, 6);
  const experts = draw.int(2, 24);
  const topK = draw.int(1, Math.min(4, experts));
  const gqa = { kind: 'gqa', heads: 4, kvHeads: draw.of([1, 2, 4]), headDim: 16 };
  const mla = { kind: 'mla', heads: 4, qLora: 0, kvLora: 32, qkNope: 16, qkRope: 8, vHead: 16 };
  const shape = draw.of(['plain', 'plain', 'plain', 'unequal', 'modules', 'dense', 'shared', 'whole']);
  const parts: Record<string, Tree> = {
    unequal: { overrides: [{ layers: [0, draw.int(0, layers - 1)], experts: draw.int(topK, 30), intermediate: draw.of([32, 48, 512]) }] },
    modules: {
      modules: [
        { name: 'attention', parameters: draw.of([4096, 50_000]), replaces: 'attention' },
        { name: 'ffn', topK: 1 },
      ],
    },
    dense: { first: draw.int(0, layers - 1), every: draw.int(1, 2) },
    shared: { shared: { intermediate: 128 } },
    whole: { whole: true },
  };
  return {
    name: 'random',
    layers,
    hidden: draw.of([32, 64, 256]),
    vocab: 512,
    attention: draw.chance(0.8) ? gqa : mla,
    moe: { experts, topK, intermediate: draw.of([32, 96, 256]), ...parts[shape] },
    ...(shape === 'whole' ? {} : { dense: { intermediate: 256 } }),
    quantization: draw.of(['bf16', 'q4_k_m', 'fp8', 'q8_0']),
    ...draw.maybe(0.1, () => ({ routing: { per: 'request', zipf: 1 } })),
  };
}

function device(draw: Draw): Tree {
  const rates = { peak: draw.of(['1 TFLOP/s', '165 TFLOP/s']), memoryBandwidth: draw.of(['50 GB/s', '1008 GB/s']) };
  const overheads = { launch: draw.of(['0us', '5us']), perLayer: draw.of(['0us', '30us']), perPass: draw.of(['0us', '100us']) };
  return { ...rates, ...overheads, computeFraction: '60%', bandwidthFraction: '65%' };
}

function link(draw: Draw, name: string): Tree {
  const speed = () => ({ bandwidth: draw.of(['1 GB/s', '7 GB/s', '25 GB/s']), latency: draw.of(['0us', '10us', '80us']) });
  if (draw.chance(0.15)) return { name, paths: [speed(), speed()], flows: draw.of(['single', 'split']) };
  return { name, ...speed(), lanes: draw.int(1, 3), ...draw.maybe(0.3, () => ({ chunk: draw.of(['1KiB', '64KiB', '1MiB']) })) };
}

function machine(draw: Draw, written: (tree: Tree) => string): Machine {
  if (draw.chance(0.25)) return bundledMachine(draw.of(MACHINES));
  const kind = draw.of(['one', 'one', 'one', 'ssd', 'ssd', 'several', 'unified', 'gpu only']);
  const gpu = { name: 'gpu', size: draw.of(kind === 'gpu only' ? ['8GiB'] : ['24MiB', '64MiB', '256MiB', '8GiB']) };
  const dram = { name: 'dram', size: kind === 'ssd' ? draw.of(['1MiB', '4MiB', '12MiB', '64MiB']) : '64GiB' };
  const ssd = { name: 'ssd', size: '1TB' };
  const tiers: Record<string, Tree[]> = { ssd: [gpu, dram, ssd], unified: [{ ...gpu, name: 'unified' }, ssd], 'gpu only': [gpu] };
  const interconnect = { bandwidth: '12 GB/s', latency: '20us' };
  const chosen = tiers[kind] ?? [gpu, dram];
  const sockets = () => ({ sockets: 2, numa: draw.of(['expert', 'tensor', 'interleaved']), interconnect });
  const cpu = chosen.includes(dram) && draw.chance(0.7);
  const links = chosen.slice(1).map(({ name }) => (name === 'ssd' ? 'ssd' : 'h2d'));
  const hardware = written({
    name: 'random',
    tiers: chosen,
    links: links.map((name) => link(draw, name)),
    gpu: device(draw),
    ...(kind === 'several' ? { gpus: { count: draw.int(2, 4), interconnect } } : {}),
    ...(cpu ? { cpu: { ...device(draw), handover: '30us', ...draw.maybe(0.3, sockets) } } : {}),
  });
  return { hardware, links, cpu, ssdBelowDram: kind === 'ssd', several: kind === 'several' };
}

function bundledMachine(hardware: string): Machine {
  const { cpu, gpus, links, tiers } = loadHardware(hardware);
  const names = links.map(({ name }) => name);
  return { hardware, links: names, cpu: cpu !== null, ssdBelowDram: tiers.length === 3, several: gpus !== undefined };
}

/** A size, a share, or experts per layer. */
const capacity = (draw: Draw): string => draw.of(['0%', '5%', '12%', '25%', '50%', '80%', '100%', '200KiB', '2MiB', '1/layer', '3/layer']);

function system(draw: Draw, { cpu }: Machine): Tree {
  const predicts = draw.chance(0.55);
  const onMiss = missRules(draw, cpu || draw.chance(SENSELESS), predicts);
  const scope = draw.of(['global', 'layer']);
  const predicted = () => ({
    predictor: {
      kind: draw.of(SELF_TAUGHT.filter((name) => name !== 'token-table' || draw.chance(SENSELESS))),
      horizon: draw.of([1, 2, 4, 'all', 'auto']),
      correction: draw.chance(0.6) ? 'on' : 'off',
    },
    prefetch: {
      minProbability: draw.of([0, 0.15, 0.4, 0.8]),
      whenFull: draw.of(['drop', 'wait']),
      ...draw.maybe(0.4, () => ({ perLayer: draw.int(1, 6) })),
      ...draw.maybe(0.35, () => ({ staging: draw.of([1, 2, 4, '1 layer', '2 layers']) })),
      ...draw.maybe(0.25, () => ({ cancel: 'off' })),
      ...draw.maybe(0.25, () => ({ budget: 'pays' })),
      ...draw.maybe(0.25, () => ({ chunk: draw.of(['4KiB', '64KiB']) })),
    },
  });
  const ahead = predicts ? predicted() : null;
  return {
    name: 'random',
    cache: {
      policy: draw.of(
        POLICIES.map(({ name }) => name).filter((name) => draw.chance(SENSELESS) || (name !== 'mrs' && (predicts || name !== 'plec'))),
      ),
      scope,
      ...(scope === 'layer' ? draw.maybe(0.4, () => ({ quotas: draw.of(QUOTAS) })) : {}),
      ...draw.maybe(0.2, () => ({ exclusive: 'on' })),
      ...copies(draw, onMiss),
    },
    dram: { policy: draw.of(['lru', 'fifo', 'lfu', 'sieve']) },
    scheduler: draw.of(SCHEDULERS.map(({ name }) => name)),
    onMiss,
    ...(ahead ?? {}),
    // Who listens to drafts needs some.
    ...(ahead?.predictor.kind === 'draft' && !draw.chance(SENSELESS) ? { speculation: speculation(draw) } : {}),
    ...draw.maybe(SENSELESS, () => ({ rerank: { lambda: draw.of([0, 0.5, 2]), keep: draw.int(0, 1) } })),
    ...draw.maybe(0.3, () => ({ placement: draw.of(PLACEMENTS.map(({ name }) => name)), overlap: draw.of(['none', 2, 'adaptive']) })),
  };
}

/** Copies that stay, mostly where some rule makes them. */
function copies(draw: Draw, onMiss: unknown): Tree {
  const made = JSON.stringify(onMiss).includes('low-precision');
  return draw.maybe(made ? 0.6 : SENSELESS, () => ({
    copies: {
      share: draw.of([0.1, 0.3, 0.6]),
      ...draw.maybe(0.5, () => ({ policy: draw.of(['lfu', 'sieve', 'static:by=id']), scope: draw.of(['global', 'layer']) })),
      ...draw.maybe(0.3, () => ({ additive: 'on' })),
    },
  }));
}

/** A word, a rule or a list of rules; the CPU alone fills no cache, but for what is predicted. */
function missRules(draw: Draw, cpu: boolean, predicts: boolean): unknown {
  if (draw.chance(0.6)) {
    const words =
      cpu && (predicts || draw.chance(SENSELESS)) ? [...MISS_ACTIONS, 'load', 'load', 'load'] : ['load', 'load', 'load', 'static'];
    return draw.of(words);
  }
  const background = () => ({ do: draw.of(['cpu', 'cheaper']), admit: 'background', after: draw.int(1, 3) });
  const one = (): Tree => {
    if (cpu && draw.chance(0.15)) return { do: 'cpu', defer: draw.int(1, 3) };
    if (cpu && draw.chance(0.6)) return background();
    return { do: draw.of(cpu ? MISS_ACTIONS : ['load', 'static']), ...draw.maybe(SENSELESS, () => ({ admit: draw.of(ADMISSIONS) })) };
  };
  const lossy = () => [
    { do: 'skip', when: { gate: draw.of(['>0.6', { by: draw.chance(SENSELESS) ? 'weights' : 'rank', share: '>0.8' }]) } },
    { do: 'low-precision', copyBytes: draw.of([0.25, 0.5]), when: { gate: '>0.4' } },
    ...(draw.chance(0.5) ? ['substitute'] : []),
  ];
  const range = () => draw.of(['>=8', '<4', 1, '>2', { min: 2, max: 20 }]);
  const when = () => ({
    ...draw.maybe(0.5, () => ({ phase: draw.of(['prefill', 'decode']) })),
    ...draw.maybe(0.4, () => ({ tokens: range() })),
    ...draw.maybe(0.4, () => ({ pass: range() })),
  });
  const last = cpu ? one() : { do: 'load', admit: draw.of(['policy', 'always']) };
  if (draw.chance(0.3)) return [...lossy(), last];
  return draw.chance(0.4) ? last : [{ ...one(), when: { phase: draw.of(['prefill', 'decode']), ...when() } }, last];
}

function workload(draw: Draw): Tree {
  return {
    tokens: draw.int(8, 160),
    batch: draw.of([1, 1, 2, 3, 8]),
    prompt: draw.int(0, 24),
    output: draw.int(1, 24),
    ...draw.maybe(0.5, () => ({ maxTokensPerPass: draw.of([4, 16, 64]) })),
    ...draw.maybe(0.3, () => ({
      arrivals: draw.of(['poisson:rate=50', 'poisson:rate=5000', 'gamma:rate=300,cv=3']),
      requests: draw.int(1, 12),
    })),
    ...draw.maybe(0.25, () => ({ speculation: speculation(draw) })),
    ...draw.maybe(0.2, () => ({ slo: draw.of(['ttft=5ms', 'tpot=1ms', 'ttft=20ms,tpot=3ms']) })),
  };
}

function speculation(draw: Draw): Tree {
  const draft = draw.int(0, 6);
  const shares = draw.of([[0.9, 0.6, 0.6, 0.3, 0.1, 0], ['70%', '45%', '33%', '21%', '12%', '12%'], [0.5]]);
  const said = draw.of([{ acceptance: 0 }, { acceptance: 0.7 }, { acceptance: '42% of 4' }, { acceptance: 1 }, { acceptances: shares }]);
  return {
    draft,
    ...draw.maybe(1 - SENSELESS, () => said),
    ...draw.maybe(0.5, () => ({ drafter: draw.of(['0ns', '20us', '1ms']), rollback: draw.of(ROLLBACKS) })),
  };
}

function fault(draw: Draw, { cpu, links }: Machine): Tree {
  const at = draw.of([0, 1, 4]);
  const what: Tree = draw.of([
    ...links.map((link) => ({ link, bandwidth: '30%' })),
    ...links.map((link) => ({ link, lanes: -1 })),
    ...(cpu ? [{ cpu: '40%' }] : []),
    { gpuMemory: draw.of(['-100KiB', '-2MiB']) },
  ]);
  return { at: `${at}ms`, ...what, ...draw.maybe(0.6, () => ({ until: `${at + draw.int(1, 20)}ms` })) };
}

function memory(draw: Draw, { links, ssdBelowDram }: Machine): Tree {
  const growth = draw.chance(0.3) ? draw.of(KV_GROWTH) : 'static';
  return {
    kvGrowth: growth,
    ...draw.maybe(0.8, () => ({ expertCache: links.length > 0 || draw.chance(SENSELESS) ? capacity(draw) : '100%' })),
    ...draw.maybe(ssdBelowDram ? 0.4 : SENSELESS, () => ({ dramCache: capacity(draw) })),
    ...draw.maybe(0.2, () => ({ kv: draw.of(['1MiB', '4MiB', '20MiB']) })),
    ...draw.maybe(growth === 'static' ? SENSELESS : 0.2, () => ({ minExpertCache: capacity(draw) })),
  };
}

/** Layers and KV caches that the CPU holds: with a placement that never changes, or KV caches alone. */
function heldByCpu(draw: Draw): { readonly system?: Tree; readonly memory: Tree } {
  if (draw.chance(0.3)) return { memory: { kvIn: 'dram', kvGrowth: 'static' } };
  const by = draw.of(['id', 'layer', 'popularity']);
  const memory = { gpuLayers: draw.int(0, 9), ...draw.maybe(0.3, () => ({ kvIn: 'dram', kvGrowth: 'static' })) };
  return { system: { name: 'held', cache: { policy: `static:by=${by}` }, onMiss: 'cpu' }, memory };
}

/**
 * Draws run `number` of the stream that `seed` begins.
 * @param folder where the model and the machine that it names are written, as files of their own
 */
export function randomRun(seed: number, number: number, folder: string): RunInput {
  const draw = new Draw(seed * 1_000_003 + number);
  const written = (name: string, tree: Tree): string => {
    const path = join(folder, `${name}-${number}.yaml`);
    writeFileSync(path, JSON.stringify(tree));
    return path;
  };
  const recorded = draw.chance(0.25) ? draw.of(RECORDED) : null;
  const twoSizes = recorded === 'mini-mixtral-8x8l' && draw.chance(0.2);
  const on = machine(draw, (tree) => written('machine', tree));
  const named = draw.chance(0.35) ? draw.of(SYSTEMS) : null;
  const held = draw.chance(on.cpu ? 0.2 : SENSELESS) ? heldByCpu(draw) : null;
  const anyModel = draw.chance(0.2) ? draw.of(RECORDED) : written('model', model(draw));
  return {
    model: twoSizes ? written('model', TWO_SIZES) : (recorded ?? anyModel),
    trace: recorded ?? 'synthetic',
    hardware: on.hardware,
    system: held?.system ?? named ?? system(draw, on),
    memory: { ...memory(draw, on), ...held?.memory },
    workload: workload(draw),
    replay: draw.of(['atomic', 'atomic', on.several ? 'atomic' : 'sequential']),
    bounds: draw.chance(0.9),
    seed: draw.int(1, 1000),
    ...draw.maybe(twoSizes ? 1 : 0.2, () => ({
      variants: [twoSizes ? 'two-sizes=0.5' : draw.of(draw.chance(SENSELESS) ? FITS_NO_TRACE_HERE : VARIANTS)],
    })),
    ...draw.maybe(0.2, () => ({ faults: Array.from({ length: draw.int(1, 3) }, () => fault(draw, on)) })),
  };
}
