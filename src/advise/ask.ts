// From what a user names to a question for advice: the model, the formats on offer, and the routing to price settings on, for command and library.
import { UserError } from '../base/errors.js';
import { basename, dirname } from '../base/host/paths.js';
import { isFolder, listFolder } from '../base/input-file.js';
import { LIMITS, Meter } from '../base/meter.js';
import { ownValue, remembered } from '../base/objects.js';
import { findProfile, isPath, listProfiles } from '../base/profiles.js';
import { shellNamed } from '../base/shell.js';
import { formatCount } from '../base/units.js';
import type { WorkWatch } from '../base/work-watch.js';
import { checkValue } from '../base/yaml.js';
import { loadRuntime } from '../hardware/door.js';
import { assemble, bitsPerWeight, isHubAddress, loadRouting, type ModelSpec, type OpenModel, openModel } from '../model/door.js';
import { ADVISED, advisedRuntime, DEFAULT_RUNTIME } from '../runtime/index.js';
import type { AdvisedRuntime } from '../runtime/kind/runtime.js';
import { loadHardware } from '../runtime/machine.js';
import { parseGoal, type RequestShape } from '../runtime/setting/goal.js';
import { slotRange } from '../runtime/setting/setting.js';
import { routingProfileSchema } from '../trace/generate/routing-profile.js';
import { synthesizing } from '../trace/generate/synthetic.js';
import { openTrace } from '../trace/open/open.js';
import type { RoutingTrace } from '../trace/trace.js';
import { type DraftWishes, wishedDrafting } from './drafting.js';
import { MOST_CONTEXT, usersHeld } from './fit.js';
import { choicesOf, PROFILED, Pricer, tokensNeeded } from './price.js';
import type { Question, Unpriced } from './question.js';

const SEED = 1;

/** Context of each user by default, tokens. Ours: a long chat. */
const USUAL_CONTEXT = 16_384;

/** Prompt by default, tokens, or half of a context that is shorter than twice of it. */
export const USUAL_PROMPT = 4096;

/** Contexts that follow from a prompt are whole multiples of this. */
const CONTEXT_STEP = 1024;

/** Tokens that are generated after a prompt, if a whole request counts. Ours: about a page. */
const OUTPUT = 512;

/** Wishes of a user; all fields are optional. */
export interface AdviceWishes extends DraftWishes {
  /** llama.cpp unless given. */
  readonly runtime?: string | undefined;
  /** request (unless given), decode, prefill, or targets such as `ttft=2s,tpot=50ms`. */
  readonly goal?: string | undefined;
  /** Context of each user, tokens; by default 16,384, or what `prompt` and its answer take if more, at most the model's limit. */
  readonly context?: number | undefined;
  /** Prompt of the request, tokens; 4,096 unless given, or half of the context if that is less. */
  readonly prompt?: number | undefined;
  /** Users at a time; 1 unless given. */
  readonly users?: number | undefined;
  /** Formats on offer, the most wanted first; the usual ones of the runtime unless given. */
  readonly quantizations?: readonly string[] | undefined;
  /** The shell that lines are for: sh, powershell or cmd; the usual one of the machine unless given. */
  readonly shell?: string | undefined;
  /** Recorded routing to price settings on; drawn as the model routes unless given. */
  readonly trace?: string | undefined;
  /** Experts of each layer that the runtime's expert cache holds; unless given as many as fit, or no cache if that is faster. */
  readonly slots?: number | undefined;
}

/** Finds a machine as a runtime drives it, with sentences on how it was found. */
export type MachineFinder = (runtime: AdvisedRuntime) => Promise<Pick<Question, 'hardware' | 'learned' | 'named' | 'notes'>>;

/** Finds the machine of a name: a bundled one, a file, or parts. Its error is a UserError if that is unknown. */
export function machineNamed(name: string): MachineFinder {
  return async ({ profile }) => {
    const hardware = loadHardware(name, undefined, [], profile === null ? null : loadRuntime(profile));
    return { hardware, named: name, notes: [] };
  };
}

/** The part of a question that is the same for all models. */
export type AdviceBasis = Pick<
  Question,
  'backends' | 'runtime' | 'drafting' | 'goal' | 'hardware' | 'learned' | 'named' | 'notes' | 'shell'
>;

/** The runtime and the goal of the wishes, and the machine. @throws UserError if one is unknown, or a prompt exceeds its context */
export async function basisOf(machine: MachineFinder, wishes: AdviceWishes): Promise<AdviceBasis> {
  const { context = Number.POSITIVE_INFINITY, prompt = 0 } = wishes;
  new Meter(`--prompt ${prompt}`, LIMITS.prompt).spent(prompt);
  if (prompt + OUTPUT > context)
    throw new UserError(
      `--prompt ${prompt}: does not fit into a context of ${formatCount(context)} tokens beside an answer of ${OUTPUT}; give --context ${prompt + OUTPUT} or more`,
    );
  const runtime = advisedRuntime(wishes.runtime ?? DEFAULT_RUNTIME);
  const goal = parseGoal(wishes.goal ?? 'request');
  const shell = wishes.shell === undefined ? {} : { shell: shellNamed(wishes.shell) };
  return { runtime, goal, drafting: wishedDrafting(wishes), ...shell, ...(await machine(runtime)) };
}

/** Answers the question for advice on a model, and closes its trace. @throws UserError if something is unknown, or a recording is too short */
export async function withQuestion<T>(
  name: string,
  basis: AdviceBasis,
  wishes: AdviceWishes,
  answer: (question: Question) => Promise<T>,
  watch?: WorkWatch,
): Promise<T> {
  return (await withQuestions(name, [basis], wishes, answer, watch))[0]!;
}

/** As {@link withQuestion}, of several runtimes on the same routing. @param bases at least one */
export async function withQuestions<T>(
  name: string,
  bases: readonly AdviceBasis[],
  wishes: AdviceWishes,
  answer: (question: Question) => Promise<T>,
  watch?: WorkWatch,
): Promise<T[]> {
  const subject = new Subject(name, wishes.trace, watch);
  try {
    const answers: T[] = [];
    for (const basis of bases) answers.push(await answer(await subject.question(basis, wishes)));
    return answers;
  } finally {
    subject.close();
  }
}

/** A model that questions are about: each of its formats is loaded once, and its routing is opened once for each length. */
export class Subject {
  readonly #watch: WorkWatch;
  readonly #models: (quantization: string | null) => Loaded;
  readonly #name: string;
  readonly #path: string | undefined;
  readonly #traces = new Map<number, Promise<RoutingTrace>>();

  /** @param path recorded routing; absent: it is drawn @param watch may throw, which ends the work */
  constructor(name: string, path: string | undefined, watch: WorkWatch = {}) {
    this.#watch = watch;
    this.#models = modelsOf(name);
    this.#name = name;
    this.#path = path;
  }

  /** A question with a pricer of its own. @throws UserError if something is unknown, or a recording is too short */
  async question(basis: AdviceBasis, wishes: AdviceWishes): Promise<Question> {
    const question = questionOn(this.#name, this.#models, basis, wishes);
    const { model, quantizations, request, users } = question;
    // For more users than the machine holds nothing is priced.
    const tokens = tokensNeeded(users > usersHeld(question) ? 1 : users, request);
    // Routing is that of the model in any format.
    const trace = await remembered(this.#traces, tokens, () => this.#routing(model(quantizations[0]!), tokens));
    return { ...question, trace, pricer: new Pricer(trace, request, question.drafting, this.#watch) };
  }

  /** Routing that settings are priced on: recorded, or drawn as the model routes. @throws UserError if a recording is too short */
  async #routing(model: ModelSpec, tokens: number): Promise<RoutingTrace> {
    try {
      return await (this.#path === undefined
        ? drawnRouting(this.#name, model, tokens, this.#watch)
        : recordedRouting(this.#path, model, tokens));
    } catch (error) {
      this.#traces.delete(tokens);
      throw error;
    }
  }

  close(): void {
    for (const opening of this.#traces.values())
      opening.then(
        (trace) => trace.close(),
        () => undefined,
      );
  }
}

/** Context of each user before the model bounds it, tokens. */
export function wishedContext({ context, prompt = 0 }: AdviceWishes): number {
  return context ?? Math.max(USUAL_CONTEXT, CONTEXT_STEP * Math.ceil((prompt + OUTPUT) / CONTEXT_STEP));
}

/** Shape of a request in a context. A wished prompt is shorter only if the model was not trained on a context that holds it. */
export function requestShape({ prompt }: AdviceWishes, context: number): RequestShape {
  const [wished, most] = prompt === undefined ? [USUAL_PROMPT, context >> 1] : [prompt, context - OUTPUT];
  return { prompt: Math.min(wished, Math.max(1, most)), output: OUTPUT };
}

/** A question without the routing that it is answered on. */
function questionOn(name: string, models: (quantization: string | null) => Loaded, basis: AdviceBasis, wishes: AdviceWishes): Unpriced {
  const { runtime } = basis;
  const { users = 1 } = wishes;
  const model = (quantization: string | null): ModelSpec => models(quantization).spec;
  const quantizations = wishes.quantizations === undefined ? usualFormats(runtime, models(null)) : wishes.quantizations;
  const { note, trainedContext: trained } = model(quantizations[0]!);
  const wished = wishedContext(wishes);
  const most = trained ?? MOST_CONTEXT;
  const context = wishes.context ?? Math.min(wished, most);
  const request = requestShape(wishes, context);
  const ofContext = most >= wished ? [] : [contextNote(context, most, trained === undefined)];
  const notes = [...(note === undefined ? [] : [note]), ...ofContext, ...basis.notes];
  const hub = isHubAddress(name) ? name.replace(/^hf:/, '').replace(/@[^:]*/, '') : null;
  const file = hub !== null || !isPath(name) ? null : fileOf(name, runtime);
  const bundled = listProfiles('models').includes(name);
  const slots = wishes.slots === undefined ? {} : { slots: checkedSlots(wishes.slots, runtime, model(quantizations[0]!)) };
  return { ...basis, ...slots, request, context, users, quantizations, model, file, hub, bundled, notes };
}

const CACHING = ADVISED.filter(({ caches }) => caches.some(({ keeps }) => keeps)).map(({ name }) => name);

/** @throws UserError if the runtime has no expert cache, or a cache of the model cannot have so many slots */
function checkedSlots(slots: number, { caches, name }: AdvisedRuntime, { layers, name: model }: ModelSpec): number {
  if (!caches.some(({ keeps }) => keeps))
    throw new UserError(`--slots ${slots}: ${name} has no expert cache; engines that have one: ${CACHING.join(', ')} (--runtime)`);
  const [least, most] = slotRange(layers);
  if (slots >= least && slots <= most) return slots;
  throw new UserError(`--slots ${slots}: a cache of ${model} has ${least} to ${most} slots in each layer`);
}

function contextNote(context: number, trained: number, any: boolean): string {
  const most = `${any ? 'No model is trained on more than' : 'The model was trained on'} ${formatCount(trained)} tokens of context`;
  return context > trained ? `${most}: with more, answers become worse or end.` : `${most}, so it gets no more.`;
}

async function recordedRouting(path: string, model: ModelSpec, tokens: number): Promise<RoutingTrace> {
  const trace = await openTrace(isPath(path) ? path : findProfile('traces', path), { model });
  if (trace.tokens >= tokens) return trace;
  trace.close();
  throw new UserError(
    `--trace ${path}: has ${trace.tokens} tokens, and ${tokens} are walked; take a longer one, a shorter --prompt or fewer --users`,
  );
}

async function drawnRouting(name: string, model: ModelSpec, tokens: number, { breathe }: WorkWatch): Promise<RoutingTrace> {
  const routing = loadRouting(name);
  const profile = routing === null ? undefined : checkValue(routing, `model ${name}: routing`, routingProfileSchema);
  const drawn = tokens + PROFILED;
  const topK = Math.max(...model.layers.map((layer) => layer.topK));
  new Meter('advise', LIMITS.routing).spent(choicesOf({ layers: model.layers.length, topK }, drawn));
  const drawing = synthesizing(model, { seed: SEED, requests: [{ prefill: drawn, decode: 0 }], profile });
  let step = drawing.next();
  for (; step.done !== true; step = drawing.next()) await breathe?.();
  return step.value;
}

/** The model's file in a command line: of a folder its one GGUF file or the first part; of a config.json its folder. Null: not readable. */
function fileOf(path: string, { reads }: AdvisedRuntime): string | null {
  const isGguf = (name: string): boolean => /\.gguf$/i.test(name);
  if (!isFolder(path)) {
    if (reads === 'gguf') return isGguf(path) ? path : null;
    return basename(path) === 'config.json' ? dirname(path) : null;
  }
  if (reads === 'folder') return path;
  const file = listFolder(path).filter(isGguf).sort()[0];
  return file === undefined ? null : `${path.replace(/\/$/, '')}/${file}`;
}

interface Loaded {
  readonly spec: ModelSpec;
  readonly sizes: OpenModel['sizes'];
}

function modelsOf(name: string): (quantization: string | null) => Loaded {
  const models = new Map<string | null, Loaded>();
  return (quantization) =>
    remembered(models, quantization, () => {
      const { parts, sizes } = openModel(name, quantization);
      return { spec: assemble(parts), sizes };
    });
}

function usualFormats(runtime: AdvisedRuntime, { sizes, spec }: Loaded): (string | null)[] {
  return usualOffer(runtime, spec, sizes === 'tensors', bitsPerWeight(spec));
}

/**
 * Default formats on offer: the model's own, if the runtime reads its files, then formats of fewer bits.
 * @param own the model in its own format @param fixed true if its sizes are those of its files @param ownBits bits a weight of that format
 */
export function usualOffer(
  { quantizations, reads, usualFile }: AdvisedRuntime,
  { quantization: native }: Pick<ModelSpec, 'quantization'>,
  fixed: boolean,
  ownBits: number,
): (string | null)[] {
  // Files of models that are trained in 4 bits are no smaller in other formats: their experts stay as they are.
  if (fixed || native.startsWith('mxfp4')) return [null];
  const names = Object.keys(quantizations);
  const isRead = reads === 'folder' ? !/^i?q\d|^ud-/.test(native) : !/^(bf16|fp8)/.test(native);
  if (isRead) return [null, ...names.filter((name) => name !== native && ownValue(quantizations, name)! < ownBits)];
  return usualFile === null ? names : names.slice(names.indexOf(usualFile));
}
