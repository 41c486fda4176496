// Prices a setting by two short engine runs: decoding after a prompt, and one pass of a prompt.

import { LIMITS, Meter } from '../base/meter.js';
import { remembered } from '../base/objects.js';
import type { WorkWatch } from '../base/work-watch.js';
import { passTokensOf } from '../cache/policies/index.js';
import { pinnedFor, routingOfPart } from '../engine/inputs/inputs.js';
import { simulateInputs } from '../engine/simulate.js';
import { type HardwareSpec, joinGpus, loadRuntime, underSystem } from '../hardware/door.js';
import { expertBytesTotal, type ModelSpec, mostExperts, parseKvFormat, withKvFormat } from '../model/door.js';
import type { MetricName } from '../result/metrics.js';
import type { Accuracy, RunFigures } from '../result/result.js';
import {
  cacheMebibytes,
  isAllOnGpu,
  type Loaded,
  machineFor,
  type PassTime,
  type RequestShape,
  type Setting,
  type SharedSpeeds,
} from '../runtime/door.js';
import { checkRun, type RunInput, type RunSpec, type SystemSpec } from '../system/door.js';
import { selectRows } from '../trace/selection.js';
import type { RoutingTrace } from '../trace/trace.js';
import { type Drafting, rightShares, USUAL_DRAFTING } from './drafting.js';

/** Generated tokens of a run; only routing varies between tokens. Ours. */
const DECODED = 16;
/** As DECODED, with drafts: accepted drafts vary, so a mean needs more tokens. Ours. */
const DRAFTED = 48;
/** Most prompt tokens from which a runtime chooses its GPU's experts. Ours. */
const FOLLOWED = 4096;
/** Tokens that warm an expert cache, and as many counted after; as for measured rows. */
const WARMING = 160;
/** Most warming tokens of all users together; a pass walks all users. Ours. */
const WARMING_OF_ALL = 10_240;
/** Fewest passes of a run. Ours. */
const LEAST_PASSES = 4;
/** Longest pass of any runtime, tokens. */
const LONGEST_PASS = 8192;

/** Drawn tokens beyond the walked part, for cache profiles. Ours. */
export const PROFILED = 1000;

/** Speeds of a setting, and error bands of comparable predictions. */
export interface Price extends SharedSpeeds {
  /** Wait of a decoded token beyond GPU compute, ns: for the link, and for experts computed on the CPU. */
  readonly waits: { readonly link: number; readonly cpu: number };
  /** Share of decoded experts that the GPUs hold. */
  readonly hitRate: number;
  readonly bands: { readonly decode: Accuracy | null; readonly prefill: Accuracy | null };
}

/** A setting that fits, with speeds. */
export interface Priced extends Loaded {
  readonly setting: Setting;
  readonly model: ModelSpec;
  readonly price: Price;
  /** Cost under the goal; smaller is better. */
  readonly cost: number;
  /** True if the setting meets the goal's targets. */
  readonly kept: boolean;
}

interface PricedCase {
  readonly model: ModelSpec;
  readonly hardware: HardwareSpec;
  readonly setting: Setting;
  /** Bytes of memory that cache experts of the disk; null: all experts in memory. */
  readonly cached: number | null;
}

/** Prices settings of a model under a runtime. */
export class Pricer {
  readonly #drafting: Drafting;
  readonly #trace: RoutingTrace;
  readonly #request: RequestShape;
  readonly #breathe: WorkWatch['breathe'];
  readonly #warming: number;
  readonly #known = new Map<string, Promise<RunFigures>>();
  readonly #walked = new Meter('advise', LIMITS.pricing);
  runs = 0;

  /** @param trace at least {@link tokensNeeded} tokens long @param warming tokens that warm a cache, and as many counted after */
  constructor(
    trace: RoutingTrace,
    request: RequestShape,
    drafting: Drafting = USUAL_DRAFTING,
    { breathe }: WorkWatch = {},
    warming: number = WARMING,
  ) {
    this.#warming = warming;
    this.#breathe = breathe;
    this.#drafting = drafting;
    this.#trace = trace;
    this.#request = request;
  }

  async price(priced: PricedCase): Promise<Price> {
    const [decoded, prompted] = [await this.#decoded(priced), await this.#prompted(priced)];
    const bands = { decode: decoded.accuracy?.decode ?? null, prefill: prompted.accuracy?.prefill ?? null };
    const shared = priced.setting.users === 1 ? {} : { ridersNs: await this.#ridersNs(priced), passes: await this.#passes(priced) };
    return { ...(await this.cached(priced)), prefill: await this.prefill(priced), ...shared, bands, waits: await this.waits(priced) };
  }

  /** Attention of the tokens of all other users in a pass of a prompt, which reads all weights. */
  async #ridersNs(priced: PricedCase): Promise<number> {
    const { users } = priced.setting;
    const attentionNs = (users * 1e9) / (await this.decode(priced)) - (users * 1e9) / (await this.decode(priced, 0));
    return (Math.max(0, attentionNs) * (users - 1)) / users;
  }

  /** A full pass of several short prompts. */
  async #passes(priced: PricedCase): Promise<PassTime[]> {
    const { ubatch, users } = priced.setting;
    const { prompt } = this.#request;
    if (prompt >= ubatch) return [];
    const prompts = Math.min(users, Math.ceil(ubatch / prompt));
    const each = Math.min(prompt, Math.floor(ubatch / prompts));
    const figures = await this.#run(
      { ...priced, setting: { ...priced.setting, draft: 0 } },
      { users: prompts, prompt: each, output: 1, context: 0 },
    );
    return [{ rows: prompts * each, ns: of(figures, 'latency.ttft.mean') }];
  }

  async waits(priced: PricedCase): Promise<Price['waits']> {
    const counted = await this.#counted(priced);
    const [stall, cpu] = [counted('time.stall.decode'), counted('time.stall_cpu.decode')];
    const { users } = priced.setting;
    // The first token of a run belongs to the prompt.
    const tokens = users * (warms(priced) ? this.#warmingOf(users) : decodedOf(priced.setting) - 1);
    return { link: (stall - cpu) / tokens, cpu: cpu / tokens };
  }

  async cached(priced: PricedCase): Promise<Pick<Price, 'decode' | 'hitRate'>> {
    const counted = await this.#counted(priced);
    const [hits, misses] = [counted('cache.hits.decode'), counted('cache.misses.decode')];
    return { decode: await this.decode(priced), hitRate: hits / (hits + misses) };
  }

  /** A metric's sum over the counted tokens. */
  async #counted(priced: PricedCase, depth?: number): Promise<(metric: MetricName) => number> {
    const decoded = await this.#decoded(priced, undefined, depth);
    if (!warms(priced)) return (metric) => of(decoded, metric);
    const warm = await this.#decoded(priced, this.#warmingOf(priced.setting.users), depth);
    return (metric) => of(decoded, metric) - of(warm, metric);
  }

  /** Decode speed, tokens/s of all users together. @param depth context in tokens; absent: the request's prompt */
  async decode(priced: PricedCase, depth?: number): Promise<number> {
    const { users } = priced.setting;
    const counted = await this.#counted(priced, depth);
    return warms(priced) ? (users * this.#warmingOf(users) * 1e9) / counted('time.total') : (users * 1e9) / counted('latency.tpot.mean');
  }

  async prefill(priced: PricedCase): Promise<number> {
    return (promptTokens(priced.setting, this.#request) * 1e9) / of(await this.#prompted(priced), 'latency.ttft.mean');
  }

  #warmingOf(users: number): number {
    return warmingOf(users, this.#warming);
  }

  #decoded(priced: PricedCase, warming?: number, context = this.#request.prompt): Promise<RunFigures> {
    const { setting } = priced;
    const { draft, users } = setting;
    const output = warming ?? (warms(priced) ? 2 * this.#warmingOf(users) : decodedOf(setting));
    const walk = { users, prompt: 1, output, context };
    return this.#run({ ...priced, setting: { ...setting, ubatch: users * (1 + draft) } }, walk);
  }

  #prompted(priced: PricedCase): Promise<RunFigures> {
    const prompt = promptTokens(priced.setting, this.#request);
    const context = Math.round((this.#request.prompt - prompt) / 2);
    const setting = { ...priced.setting, ubatch: prompt, draft: 0 };
    return this.#run({ ...priced, setting }, { users: 1, prompt, output: 1, context });
  }

  #run(priced: PricedCase, walk: Walk): Promise<RunFigures> {
    const { cached, hardware, model, setting } = priced;
    const key = JSON.stringify([model.quantization, hardware, { ...setting, context: 0 }, walk, cached]);
    return remembered(this.#known, key, async () => {
      this.runs++;
      this.#walked.spent(choicesOf(this.#trace, walk.users * (walk.prompt + walk.output)));
      await this.#breathe?.();
      const { run, machine } = runOf(priced, walk, Math.min(FOLLOWED, this.#trace.tokens), this.#drafting);
      const spec = withOwnCache(run, setting, model);
      const trace = partOf(this.#trace, walk);
      // Popularity counts the whole trace; a cache's profile counts other text than the run.
      const apart = setting.cache === null ? {} : { apart: heldOut(this.#trace, trace.tokens) };
      const routing = { ...routingOfPart(trace, this.#trace), ...apart };
      const stored = withKvFormat(model, parseKvFormat(setting.kv));
      const driven = withOwnHandovers(spec.system, pinnedFor(spec.system, machine, expertBytesTotal(model)));
      const watch = this.#breathe && { breathe: this.#breathe };
      return simulateInputs({ model: stored, modelNote: null, hardware: driven, system: spec.system, ...routing }, spec, watch);
    });
  }
}

function withOwnCache(run: RunInput, { cache, cpuMoe, cpuShare, slots }: Setting, model: ModelSpec): RunSpec {
  const spec = checkRun(run, 'advise');
  const { policy } = spec.system.cache;
  if (cache === null || slots === 0 || passTokensOf(policy) === null) return spec;
  const mebibytes = cacheMebibytes(model, { cpuMoe, slots });
  const sized = { ...run, memory: { ...run.memory, expertCache: `${mebibytes} MiB` } };
  const given = [
    ...(cpuShare === undefined ? [] : [`share=${cpuShare}`]),
    ...(cpuMoe >= model.layers.length ? [] : [`cpuLayers=${cpuMoe}`]),
  ];
  if (given.length === 0) return checkRun(sized, 'advise');
  const stated = cpuShare === undefined ? policy.text.split(':').slice(1) : [];
  const value = `${policy.name}:${[...stated, ...given].join()}`;
  return checkRun(sized, 'advise', [{ path: ['system', 'cache', 'policy'], value, label: 'advise' }]);
}

/** True if a cache fills during the run: only the warm part counts. */
const warms = ({ cached, setting }: PricedCase): boolean => cached !== null || setting.cache !== null;

/** Adds the hand-over cost of the system's own variant of the runtime: hot experts hand over more often per layer. */
function withOwnHandovers({ runtime }: SystemSpec, hardware: HardwareSpec): HardwareSpec {
  const { cpu, machine, software } = hardware;
  if (cpu === null || software === undefined || !`${runtime}`.startsWith(`${software.runtime}-`)) return hardware;
  const handover = (name: string): number => underSystem(loadRuntime(name), machine?.system).handover;
  return { ...hardware, cpu: { ...cpu, handoverNs: cpu.handoverNs + handover(`${runtime}`) - handover(software.runtime) } };
}

const warmingOf = (users: number, usual = WARMING): number => bounded(usual, WARMING_OF_ALL / users, LEAST_PASSES / 2);

const decodedOf = ({ draft, users }: Setting): number => bounded(draft > 0 ? DRAFTED : DECODED, (2 * WARMING_OF_ALL) / users, LEAST_PASSES);

const bounded = (usual: number, most: number, least: number): number => Math.max(least, Math.min(usual, Math.floor(most)));

/** Expert choices of `tokens` tokens. */
export const choicesOf = ({ layers, topK }: Pick<RoutingTrace, 'layers' | 'topK'>, tokens: number): number => tokens * layers * topK;

/** Longest walk of a user's own text, tokens. */
const ownText = (users: number): number => 1 + 2 * warmingOf(users);

/** Tokens of routing for pricing: the longest walk, plus 1 for cache profiles. */
export function tokensNeeded(users: number, { prompt }: RequestShape): number {
  const passed = Math.min(prompt, LONGEST_PASS) + 1;
  if (users === 1) return Math.max(1 + 2 * warmingOf(1), passed) + 1;
  return Math.max(users * ownText(users) + passed, Math.min(users * prompt, LONGEST_PASS) + users) + 1;
}

/** Lengths of drawn texts: one of each of several users, and one of the prompt. */
export function textsOf(users: number, tokens: number): number[] {
  return users === 1 ? [tokens] : [...Array.from({ length: users }, () => ownText(users)), tokens - users * ownText(users)];
}

interface Walk {
  readonly users: number;
  readonly prompt: number;
  readonly output: number;
  readonly context: number;
}

const promptTokens = ({ ubatch }: Setting, { prompt }: RequestShape): number => Math.min(ubatch, prompt);

const of = ({ metrics }: RunFigures, name: MetricName): number => metrics[name]!.value;

/** @param counted tokens over which popularity is counted */
function runOf(
  { cached, hardware, model, setting }: PricedCase,
  { context, users }: Walk,
  counted: number,
  drafting: Drafting,
): { readonly run: RunInput; readonly machine: HardwareSpec } {
  const { draft } = setting;
  const { found } = drafting;
  const lookup = setting.drafter === 'ngram' ? { drafter: '0ms', found: String(found) } : {};
  const drafts = draft === 0 ? {} : { speculation: { draft, acceptances: rightShares(drafting, draft).map(String), ...lookup } };
  const workload = { batch: users, context, maxTokensPerPass: Math.max(setting.ubatch, users), ...drafts };
  const common = { workload, bounds: false, audit: 'off' } as const;
  const whole = asOneGpu(machineFor(hardware, setting));
  const machine = cached === null ? withoutDisk(whole) : whole;
  const { cache, cpuMoe, cpuProjections, gpuExperts, gpuLayers, slots } = setting;
  if (cached !== null && machine.cpu === null) {
    // Unified memory caches the disk.
    const system = { name: 'mapped', cache: { policy: 'lru', scope: 'global' as const } };
    return { run: { ...common, system, memory: { expertCache: `${Math.floor(cached)} B` } }, machine };
  }
  if (machine.cpu === null || isAllOnGpu(setting)) return { run: { ...common, system: 'all-resident' }, machine };
  if (cache !== null) return { run: { ...common, system: cache, memory: { expertCache: `${slots}/layer` } }, machine };
  const layers = gpuExperts === null;
  const system = {
    name: 'fixed',
    cache: layers
      ? { policy: `static:by=layer,cpuLayers=${cpuMoe}`, scope: 'global' as const }
      : { policy: `static:by=${setting.followsPrompts ? 'popularity' : 'id'}`, scope: 'layer' as const, popularity: counted },
    onMiss: 'cpu' as const,
  };
  // Memory is already counted, with buffers that the engine does not model.
  const most = mostExperts(model);
  const memory = {
    expertCache: layers ? '100%' : `${Math.min(gpuExperts, most)}/layer`,
    ...(gpuLayers === null ? {} : { gpuLayers }),
    ...(cpuProjections === null ? {} : { splitLayer: { layer: cpuMoe, cpu: cpuProjections } }),
    ...(cached === null ? {} : { dramCache: `${Math.floor(cached)} B` }),
  };
  return { run: { ...common, system, memory }, machine };
}

function withoutDisk(hardware: HardwareSpec): HardwareSpec {
  if (hardware.tiers.at(-1)!.name !== 'ssd') return hardware;
  return { ...hardware, tiers: hardware.tiers.slice(0, -1), links: hardware.links.filter(({ name }) => name !== 'ssd') };
}

/** GPU bytes beyond any need: the placement is already known to fit. Ours. */
const AMPLE = 64e12;

function asOneGpu(hardware: HardwareSpec): HardwareSpec {
  const joined = joinGpus(hardware, hardware.software?.several === 'tensor' ? 'tensor' : 'layers');
  const [first, ...others] = joined.tiers;
  return { ...joined, tiers: [{ ...first!, bytes: AMPLE }, ...others] };
}

/** Text after the run, for a cache's profile. */
function heldOut(trace: RoutingTrace, walked: number): ReturnType<typeof routingOfPart>['apart'] {
  const { path, tokens } = trace;
  const take = async (some: number): Promise<RoutingTrace> => selectRows(trace, walked, Math.min(tokens, walked + some), path);
  return { tokens: tokens - walked, place: 'beside those that are replayed', take };
}

/** The walk's requests, each in a text of its own if the routing has as many of that length. */
function partOf(trace: RoutingTrace, { output, prompt, users }: Walk): RoutingTrace {
  const length = prompt + output;
  const texts = trace.requests.filter(({ decode, prefill }) => prefill + decode >= length);
  const startOf = texts.length < users ? (id: number) => id * length : (id: number) => texts[id]!.start;
  const requests = Array.from({ length: users }, (_, id) => ({ id, start: startOf(id), prefill: prompt, decode: output }));
  const sha256 = (): string => `advise: ${users} x ${prompt}+${output}`;
  return { ...trace, tokens: requests.at(-1)!.start + length, requests, sha256, read: trace.read.bind(trace), close: () => undefined };
}
