// Advice: the setting of a runtime on a machine that serves the goal best, what other settings gain or lose, what does not fit, and what
// hardware would help. Pure except for the runs of the engine.
import { formatBytes } from '../base/units.js';
import { assumedOf, type HardwareSpec } from '../hardware/spec.js';
import { type ModelSpec, mainFormat } from '../model/spec.js';
import { VERSION } from '../result/version.js';
import type { Command } from '../runtime/flags/dialect.js';
import { cpuExpertLayers, splitPattern } from '../runtime/kind/loaded.js';
import type { AdvisedRuntime } from '../runtime/kind/runtime.js';
import { gpusOf, HOST } from '../runtime/setting/fits.js';
import type { Goal, RequestShape } from '../runtime/setting/goal.js';
import type { RoutingTrace } from '../trace/trace.js';
import { alternativesOf } from './alternatives.js';
import { type AdvisedSetting, bestAnswer, settingOf } from './answer.js';
import { misfitsOf, missingOf } from './misfits.js';
import { ACCEPTANCE, type Price, Pricer } from './price.js';
import type { Priced, Question } from './search.js';
import { type Bound, boundOf, type Purchase, purchasesOf } from './what-if.js';

/** Version tag of the format. Additions keep it; a change of meaning raises it. */
const ADVICE_SCHEMA = 'moeprof.advice/1';

/** A request for advice. */
export interface AdviceRequest extends Omit<Question, 'pricer'> {
  /** Formats on offer, the preferred one first; null stands for the model's own. At least one. */
  readonly quantizations: readonly (string | null)[];
  /** Routing of the model, long enough for pricing. */
  readonly trace: RoutingTrace;
  /** The model's name on a command line: a file or a folder; null: its file's usual name. */
  readonly file: string | null;
  /** Where it is on the Hugging Face hub, `owner/repo` or `owner/repo:format`; null: it is not from there. */
  readonly hub: string | null;
  /** Sentences on the machine, e.g. what was not seen of it. */
  readonly notes: readonly string[];
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
  /** Sentences on the basis of the figures. */
  readonly notes: readonly string[];
  /** Runs of the engine. */
  readonly runs: number;
}

/** Finds the best setting and everything that is reported beside it. */
export async function advise(asked: AdviceRequest): Promise<Advice> {
  const pricer = new Pricer(asked.trace, asked.request);
  const question: Question = { ...asked, pricer };
  const answer = await bestAnswer(question, asked.quantizations);
  const common = {
    schema: ADVICE_SCHEMA,
    tool: { name: 'moeprof', version: VERSION },
    model: asked.model(asked.quantizations[0]!).name,
    machine: asked.hardware.name,
    runtime: asked.runtime.name,
    goal: asked.goal,
    request: asked.request,
    context: asked.context,
    users: asked.users,
    notes: notesOf(asked, answer),
  } as const;
  if (answer === null) {
    const { quantization } = asked.model(asked.quantizations.at(-1)!);
    const nothing = { answer: null, kept: false, command: null, bands: null, bound: null, alternatives: [], purchases: [] };
    return { ...common, ...nothing, quantization, misfits: missingOf(question, asked.quantizations), runs: pricer.runs };
  }
  return {
    ...common,
    quantization: answer.model.quantization,
    answer: settingOf(question, answer, ''),
    kept: answer.kept,
    command: commandOf(asked, answer),
    bands: answer.price.bands,
    bound: await boundOf(question, answer),
    alternatives: (await alternativesOf(question, answer, asked.quantizations)).map(({ change, one }) => settingOf(question, one, change)),
    misfits: misfitsOf(question, answer),
    purchases: await purchasesOf(question, answer),
    runs: pricer.runs,
  };
}

/** The setting in the words of the runtime. */
export function commandOf(asked: AdviceRequest, { model, setting, split }: Priced): Command {
  const { hardware, runtime } = asked;
  const cpu = hardware.machine?.cpu ?? null;
  const sockets = hardware.machine?.sockets ?? 1;
  return runtime.dialect.write({
    setting,
    model: asked.file ?? fileName(model, runtime),
    hub: asked.hub,
    name: model.name.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '-'),
    moeLayers: model.layers.length,
    cpuExpertLayers: cpuExpertLayers(model, setting),
    splitPattern: splitPattern(model, setting),
    gpus: gpusOf(hardware),
    split,
    cores: (cpu?.cores ?? 0) * sockets,
    sockets,
    unified: hardware.tiers[0]!.name === 'unified',
    format: mainFormat(model.layers[0]!.formats),
    mla: model.anatomy?.layers.some(({ kind }) => kind === 'latent') ?? false,
  });
}

/** The usual file name of a bundled model. */
function fileName(model: ModelSpec, { reads }: AdvisedRuntime): string {
  return reads === 'gguf' ? `${model.name}-${model.quantization.replaceAll(':', '-')}.gguf` : model.name;
}

/** The note on a setting with one socket: it rests on one constant, which can be measured. */
function oneSocketNote({ cpu, name }: HardwareSpec): string {
  const { count, efficiency = 1 } = cpu!.sockets!;
  const share = Math.round(100 * efficiency);
  return `One socket of ${name} is used: ${count} were measured to reach ${share} % of the sum of their memories; try --numa distribute with all cores, too.`;
}

/** What of each memory is left to other programs; null where the machine does not say how large its memories are. */
function keptFreeNote({ machine }: HardwareSpec, { devices, setting }: Priced): string | null {
  const gpus = machine?.gpus ?? [];
  const parts = devices.flatMap(({ has, name }) => {
    // Of several sockets one may be used alone, and some of its memory with it.
    const whole = name.startsWith('GPU') ? gpus[Number(name.slice(4))]?.memoryBytes : setting.oneSocket ? undefined : machine?.ram?.bytes;
    if (whole === undefined || whole - has < 1) return [];
    return [`${formatBytes(whole - has)} of ${/^GPU \d/.test(name) ? 'each GPU' : name === HOST ? 'host memory' : `the ${name}`}`];
  });
  return parts.length === 0 ? null : `Left to other programs: ${[...new Set(parts)].join(', ')}.`;
}

function notesOf({ hardware, notes, trace }: AdviceRequest, answer: Priced | null): string[] {
  return [
    ...(answer === null || answer.setting.draft === 0
      ? []
      : [
          `${100 * ACCEPTANCE} % of drafted tokens are taken to be right, of those behind right ones; the server prints what your texts have.`,
        ]),
    ...(answer?.setting.oneSocket === true ? [oneSocketNote(hardware)] : []),
    trace.meta.synthetic ? 'Routing is synthetic, drawn as models of this shape route.' : 'Routing is recorded.',
    ...(hardware.software === undefined
      ? [
          `The profile of ${hardware.name} says itself what its kernels reach, whatever the runtime: name its parts for this runtime's own speed.`,
        ]
      : []),
    ...(answer === null ? [] : [keptFreeNote(hardware, answer)]).filter((note) => note !== null),
    ...notes,
    ...assumedOf(hardware),
  ];
}
