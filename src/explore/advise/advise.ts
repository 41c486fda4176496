// What to run: the best setting of a runtime on a machine for what is wanted, what is lost and won by others, what does not fit, and what
// would help. Pure but for the runs of the engine.
import { formatBytes } from '../../base/units.js';
import type { HardwareSpec } from '../../hardware/spec.js';
import { decoderLayers, type ModelSpec, mainFormat } from '../../model/spec.js';
import { VERSION } from '../../result/version.js';
import type { RoutingTrace } from '../../trace/trace.js';
import { type DeviceMemory, freeOf, HOST } from './fits.js';
import type { Command } from './flags/dialect.js';
import type { Goal, RequestShape } from './goal.js';
import { firstMoe } from './loaded.js';
import { type Price, Pricer } from './price.js';
import type { AdvisedRuntime } from './runtimes.js';
import {
  bestSetting,
  contextThatFits,
  devicesOf,
  highestFit,
  ladderOf,
  memoryOf,
  type Priced,
  priced,
  type Question,
  rungOf,
} from './search.js';
import type { KvType, Setting } from './setting.js';
import { type Bound, bitsPerWeight, boundOf, type Purchase, purchasesOf } from './what-if.js';

/** Version tag of the format. Additions keep it; a change of meaning raises it. */
const ADVICE_SCHEMA = 'moeprof.advice/1';

/** What advice is asked for. */
export interface AdviceRequest {
  readonly runtime: AdvisedRuntime;
  readonly hardware: HardwareSpec;
  readonly goal: Goal;
  readonly request: RequestShape;
  readonly context: number;
  readonly users: number;
  /** Formats on offer, the most wanted first; null stands for the model's own. At least one. */
  readonly quantizations: readonly (string | null)[];
  /** The model in a format. @throws UserError where there is none such */
  model(quantization: string | null): ModelSpec;
  /** Routing of the model, as long as pricing walks. */
  readonly trace: RoutingTrace;
  /** What the model is called on a command line: a file or a folder; null: as its file is usually called. */
  readonly file: string | null;
}

/** A setting with what it reaches and takes. */
export interface AdvisedSetting {
  readonly setting: Setting;
  /** How it differs from the answer; empty: it is the answer. */
  readonly change: string;
  readonly decode: number;
  readonly prefill: number;
  readonly devices: readonly DeviceMemory[];
  /** Longest context of each user with which it still fits, tokens. */
  readonly longest: number;
  /** Bits a weight, over the whole file. */
  readonly bits: number;
}

/** Finished advice: the public format `moeprof.advice/1`. */
export interface Advice {
  readonly schema: typeof ADVICE_SCHEMA;
  readonly tool: { readonly name: 'moeprof'; readonly version: string };
  readonly model: string;
  readonly quantization: string;
  readonly machine: string;
  readonly runtime: string;
  readonly goal: Goal;
  readonly request: RequestShape;
  readonly context: number;
  readonly users: number;
  /** Null: nothing fits. */
  readonly answer: AdvisedSetting | null;
  /** False where targets were given and the answer does not keep them. */
  readonly kept: boolean;
  readonly command: Command | null;
  readonly bands: Price['bands'] | null;
  readonly bound: Bound | null;
  /** Up to five, best first. */
  readonly alternatives: readonly AdvisedSetting[];
  /** Sentences: what does not fit, and what is missing. */
  readonly misfits: readonly string[];
  readonly purchases: readonly Purchase[];
  /** Sentences: what the figures rest on. */
  readonly notes: readonly string[];
  /** Runs of the engine. */
  readonly runs: number;
}

/** Alternatives that are shown. */
const SHOWN = 5;

/** Advises. */
export async function advise(asked: AdviceRequest): Promise<Advice> {
  const pricer = new Pricer(asked.trace, asked.request);
  const question: Question = { ...asked, pricer };
  const answer = await answerOf(question, asked.quantizations);
  const common = {
    schema: ADVICE_SCHEMA,
    tool: { name: 'moeprof', version: VERSION },
    model: asked.model(asked.quantizations[0]!).name,
    machine: asked.hardware.name,
    runtime: asked.runtime.name,
    ...{ goal: asked.goal, request: asked.request, context: asked.context, users: asked.users },
    notes: notesOf(asked),
  } as const;
  if (answer === null) {
    const { quantization } = asked.model(asked.quantizations.at(-1)!);
    const nothing = { answer: null, kept: false, command: null, bands: null, bound: null, alternatives: [], purchases: [] };
    return { ...common, ...nothing, quantization, misfits: missing(question, asked.quantizations), runs: pricer.runs };
  }
  return {
    ...common,
    quantization: answer.model.quantization,
    answer: choiceOf(question, answer, ''),
    kept: answer.kept,
    command: commandOf(asked, answer),
    bands: answer.price.bands,
    bound: await boundOf(question, answer),
    alternatives: await alternativesOf(question, answer, asked.quantizations),
    misfits: misfitsOf(question, answer),
    purchases: await purchasesOf(question, answer),
    runs: pricer.runs,
  };
}

/**
 * The best setting of the most wanted format that fits; where targets are given, of the first that keeps them, else of the one that comes
 * nearest. A smaller KV cache is taken only where nothing fits with the usual one.
 */
async function answerOf(question: Question, quantizations: readonly (string | null)[]): Promise<Priced | null> {
  let nearest: Priced | null = null;
  for (const kv of question.runtime.kv) {
    for (const quantization of quantizations) {
      const best = await bestSetting(question, quantization, kv);
      if (best === null) continue;
      if (best.kept) return best;
      if (nearest === null || best.cost < nearest.cost) nearest = best;
    }
    if (nearest !== null) return nearest;
  }
  return null;
}

function choiceOf(question: Question, one: Priced, change: string): AdvisedSetting {
  const { devices, model, price, setting } = one;
  const longest = contextThatFits(question, one);
  return { setting, change, decode: price.decode, prefill: price.prefill, devices, longest, bits: bitsPerWeight(model) };
}

/** Settings that differ from the answer in one thing, the best of each; up to five, best first. */
async function alternativesOf(question: Question, answer: Priced, quantizations: readonly (string | null)[]): Promise<AdvisedSetting[]> {
  const { runtime } = question;
  const { setting } = answer;
  const tried: { change: string; beside: Setting }[] = [
    ...runtime.ubatches
      .filter((ubatch) => ubatch !== setting.ubatch)
      .map((ubatch) => ({ change: `passes of ${ubatch}`, beside: { ...setting, ubatch } })),
    ...runtime.kv.filter((kv: KvType) => kv !== setting.kv).map((kv) => ({ change: `KV cache in ${kv}`, beside: { ...setting, kv } })),
    ...quantizations
      .filter((name) => name !== setting.quantization)
      .map((quantization) => ({ change: `${question.model(quantization).quantization}`, beside: { ...setting, quantization } })),
    { change: `context of ${4 * setting.context}`, beside: { ...setting, context: 4 * setting.context } },
  ];
  const found: { change: string; one: Priced }[] = [];
  for (const { beside, change } of tried) {
    const model = question.model(beside.quantization);
    const fit = highestFit(question, model, beside);
    if (fit !== null) found.push({ change, one: await priced(question, model, fit) });
  }
  const ladder = ladderOf(question, answer.model);
  const last = { ...setting, ...ladder.at(-1)! };
  if (
    rungOf(ladder, setting) < ladder.length - 1 &&
    highestFit({ ...question, runtime: { ...runtime, ladder: () => [ladder.at(-1)!] } }, answer.model, last) !== null
  ) {
    found.push({ change: 'CPU alone', one: await priced(question, answer.model, last) });
  }
  const best = found.sort((a, b) => a.one.cost - b.one.cost).slice(0, SHOWN);
  return best.map(({ change, one }) => choiceOf(question, one, change));
}

/** What does not fit: the rung above the answer, and everything on the GPU. */
function misfitsOf(question: Question, { model, setting }: Priced): string[] {
  const ladder = ladderOf(question, model);
  const at = rungOf(ladder, setting);
  const wanted = [...new Set([at - 1, 0])].filter((rung) => rung >= 0 && rung < at);
  return wanted.map((rung) => {
    const devices = devicesOf(question, model, { ...setting, ...ladder[rung]! });
    const what = rung === 0 ? 'Everything on the GPU' : 'One layer more on the GPU';
    return `${what}: ${lackOf(devices)}.`;
  });
}

/** Sentences of what is missing where nothing fits. */
function missing(question: Question, quantizations: readonly (string | null)[]): string[] {
  const { context, runtime, users } = question;
  return quantizations.map((quantization) => {
    const model = question.model(quantization);
    const beside = { quantization, ubatch: runtime.ubatches[0]!, kv: runtime.kv.at(-1)!, context, users };
    const lacks = ladderOf(question, model).map((placement) => devicesOf(question, model, { ...beside, ...placement }));
    const least = lacks.reduce((a, b) => (lackBytes(b) < lackBytes(a) ? b : a));
    return `${model.quantization} does not fit: ${lackOf(least)}.`;
  });
}

function lackBytes(devices: readonly DeviceMemory[]): number {
  return devices.reduce((sum, device) => sum + Math.max(0, -freeOf(device)), 0);
}

function lackOf(devices: readonly DeviceMemory[]): string {
  const parts = devices
    .filter((device) => freeOf(device) < 0)
    .map((device) => `${formatBytes(-freeOf(device))} more on ${device.name === HOST ? 'the host' : `the ${device.name}`}`);
  return parts.length === 0 ? 'fits, and is not faster' : `needs ${parts.join(' and ')}`;
}

/** The setting in the words of the runtime. */
export function commandOf(asked: AdviceRequest, { model, setting }: Priced): Command {
  const { hardware, runtime } = asked;
  const cpu = hardware.machine?.cpu ?? null;
  const sockets = hardware.machine?.sockets ?? 1;
  const isGpu = hardware.gpu.attention !== undefined;
  return runtime.dialect.write({
    setting,
    model: asked.file ?? fileName(model, runtime),
    name: model.name,
    layers: decoderLayers(model),
    moeLayers: model.layers.length,
    firstMoe: firstMoe(model),
    gpus: isGpu ? (hardware.gpus?.count ?? 1) : 0,
    split: memoryOf(asked, model, setting).split,
    cores: (cpu?.cores ?? 0) * sockets,
    sockets,
    unified: hardware.tiers[0]!.name === 'unified',
    gpuBytes: hardware.tiers[0]!.bytes,
    format: mainFormat(model.layers[0]!.formats),
    mla: model.anatomy?.layers.some(({ kind }) => kind === 'latent') ?? false,
  });
}

/** What the file of a bundled model is usually called. */
function fileName(model: ModelSpec, { reads }: AdvisedRuntime): string {
  return reads === 'gguf' ? `${model.name}-${model.quantization}.gguf` : model.name;
}

function notesOf({ hardware, trace }: AdviceRequest): string[] {
  return [
    ...(trace.meta.synthetic ? ['Routing is synthetic, drawn as models of this shape route.'] : []),
    ...(hardware.machine?.defaults ?? []),
  ];
}
