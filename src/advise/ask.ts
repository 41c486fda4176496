import { UserError } from '../base/errors.js';
import { basename, dirname } from '../base/host/paths.js';
import { isFolder, listFolder } from '../base/input-file.js';
import { LIMITS, Meter } from '../base/meter.js';
import { ownValue, remembered, rememberedWork } from '../base/objects.js';
import { findProfile, isPath, listProfiles } from '../base/profiles.js';
import { shellNamed } from '../base/shell.js';
import { formatCount } from '../base/units.js';
import type { WorkWatch } from '../base/work-watch.js';
import { checkValue } from '../base/yaml.js';
import { type HardwareSpec, type Learned, loadRuntime, nudged } from '../hardware/door.js';
import {
  assemble,
  bitsPerWeight,
  isHubAddress,
  loadProfile,
  loadRouting,
  type MeantModel,
  type ModelSpec,
  meantOf,
  mostTopK,
  type OpenModel,
  openModel,
  type Stored,
  weightBytes,
} from '../model/door.js';
import {
  ADVISED,
  type AdvisedRuntime,
  advisedRuntime,
  DEFAULT_RUNTIME,
  loadHardware,
  parseGoal,
  type RequestShape,
  slotRange,
} from '../runtime/door.js';
import { cutNote } from '../trace/cut.js';
import { routingProfileSchema } from '../trace/generate/routing-profile.js';
import { synthesizing } from '../trace/generate/synthetic.js';
import { openTrace } from '../trace/open/open.js';
import type { RoutingTrace } from '../trace/trace.js';
import { type DraftWishes, wishedDrafting } from './drafting.js';
import { MOST_CONTEXT, memoryBytes, usersHeld } from './fit.js';
import { missingBytes } from './misfits.js';
import { choicesOf, PROFILED, Pricer, textsOf, tokensNeeded } from './price.js';
import type { Question, Unpriced } from './question.js';

/** Seed of drawn routing. Ours. */
const SEED = 1;

/** Default context of each user, tokens. Ours: a long chat. */
const USUAL_CONTEXT = 16_384;

/** Default prompt, tokens; half of the context if shorter. Ours. */
export const USUAL_PROMPT = 4096;

/** Step of contexts derived from a prompt, tokens. Ours. */
const CONTEXT_STEP = 1024;

/** Generated tokens of a whole request. Ours: about a page. */
const OUTPUT = 512;

/** Wishes of a user. */
export interface AdviceWishes extends DraftWishes {
  /** Default: llama.cpp. */
  readonly runtime?: string;
  /** `request` (default), `decode`, `prefill`, or targets such as `ttft=2s,tpot=50ms`. */
  readonly goal?: string;
  /** Tokens per user. Default: 16,384, or longer prompt and answer, within the model's limit. */
  readonly context?: number;
  /** Tokens. Default: 4,096, or half of the context if shorter. */
  readonly prompt?: number;
  /** Tokens. Default: 512. */
  readonly answer?: number;
  /** Default: 1. */
  readonly users?: number;
  /** Formats on offer, the preferred first. Default: the runtime's usual formats. */
  readonly quantizations?: readonly string[];
  /** sh, powershell or cmd. Default: the machine's usual shell. */
  readonly shell?: string;
  /** Recorded routing. Default: drawn from the model's profile. */
  readonly trace?: string;
  /** Cached experts of each layer. Default: as many as fit, or no cache if faster. */
  readonly slots?: number;
  /** First MoE layers of that cache; the experts of later ones lie on the GPU. Default: all. */
  readonly cachedLayers?: number;
}

type FoundMachine = Pick<Question, 'hardware' | 'learned' | 'named' | 'notes'>;

/** Finds a machine as a runtime drives it. */
export type MachineFinder = (runtime: AdvisedRuntime) => Promise<FoundMachine>;

/** Finds a machine by profile, file or parts. The finder throws a UserError for an unknown name. */
export function machineNamed(name: string): MachineFinder {
  return async ({ profile }) => {
    const hardware = loadHardware(name, undefined, [], profile === null ? null : loadRuntime(profile));
    return { hardware, named: name, notes: [] };
  };
}

/** A machine with learned constants. @param at its hardware */
export function asTaught(usual: FoundMachine, learned: Learned, at: (learned: Learned) => HardwareSpec): FoundMachine {
  const hardware = at(learned);
  const notes = [hardware.machine!.calibration!, ...usual.notes];
  return { ...usual, hardware, learned: { learned, moved: nudged(learned).map(at) }, notes };
}

/** Part of a question shared by all models. */
export type AdviceBasis = Pick<
  Question,
  'backends' | 'runtime' | 'drafting' | 'goal' | 'hardware' | 'learned' | 'named' | 'notes' | 'shell'
>;

/** Resolves runtime, goal and machine. @throws UserError for an unknown name, or a prompt beyond its context */
export async function basisOf(machine: MachineFinder, wishes: AdviceWishes): Promise<AdviceBasis> {
  const { answer = OUTPUT, context = Number.POSITIVE_INFINITY, prompt = 0 } = wishes;
  new Meter(`--prompt ${prompt}`, LIMITS.prompt).spent(prompt);
  new Meter(`--answer ${answer}`, LIMITS.prompt).spent(answer);
  if (prompt + answer > context) {
    const [asked, beside] =
      prompt === 0 ? [`--answer ${answer}`, ''] : [`--prompt ${prompt}`, ` beside an answer of ${formatCount(answer)}`];
    throw new UserError(
      `${asked}: does not fit into a context of ${formatCount(context)} tokens${beside}; give --context ${prompt + answer} or more`,
    );
  }
  const runtime = advisedRuntime(wishes.runtime ?? DEFAULT_RUNTIME);
  const goal = parseGoal(wishes.goal ?? 'request');
  const shell = wishes.shell === undefined ? {} : { shell: shellNamed(wishes.shell) };
  return { runtime, goal, drafting: wishedDrafting(wishes), ...shell, ...(await machine(runtime)) };
}

/** Answers a question. @throws UserError for an unknown name or a short recording */
export async function withQuestion<T>(
  name: string,
  basis: AdviceBasis,
  wishes: AdviceWishes,
  answer: (question: Question) => Promise<T>,
  watch?: WorkWatch,
): Promise<T> {
  return (await withQuestions(name, [basis], wishes, answer, watch))[0]!;
}

/** As {@link withQuestion}, for several runtimes (at least 1) on the same routing. */
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

/** Model under question: loads each format once, and opens the routing once per length. */
export class Subject {
  readonly #watch: WorkWatch;
  readonly #models: (quantization: string | null) => Loaded;
  readonly #name: string;
  readonly #path?: string;
  readonly #traces = new Map<string, Promise<RoutingTrace>>();
  #isNoted = false;

  /** @param path recorded routing; absent: drawn routing @param watch may throw to stop the work */
  constructor(name: string, path: string | undefined, watch: WorkWatch = {}) {
    this.#watch = watch;
    this.#models = modelsOf(name);
    this.#name = name;
    this.#path = path;
  }

  /** @throws UserError for an unknown name or a short recording */
  async question(basis: AdviceBasis, wishes: AdviceWishes): Promise<Question> {
    const question = questionOn(this.#name, this.#models, basis, wishes);
    const { model, quantizations, request, users } = question;
    // More users than the machine holds: nothing is priced.
    const priced = users > usersHeld(question) ? 1 : users;
    const tokens = tokensNeeded(priced, request);
    const trace = await rememberedWork(this.#traces, `${priced} ${tokens}`, () => {
      const loaded = model(quantizations[0]!);
      if (this.#path !== undefined) return recordedRouting(this.#path, loaded, tokens);
      return drawnRouting(this.#name, loaded, { users: priced, tokens: tokens + PROFILED }, this.#watch);
    });
    const cut = cutNote(trace);
    if (cut !== null && !this.#isNoted) this.#watch.note?.(cut);
    this.#isNoted = true;
    return { ...question, trace, pricer: new Pricer(trace, request, question.drafting, this.#watch) };
  }

  /** False if memory does not hold a format. @param usual the first on offer, else the last */
  mayFit(basis: AdviceBasis, wishes: AdviceWishes, usual: boolean): boolean {
    const question = questionOn(this.#name, this.#models, basis, wishes);
    const format = question.quantizations.at(usual ? 0 : -1)!;
    return weightBytes(question.model(format)) < memoryBytes(basis.hardware) && missingBytes(question, format) === 0;
  }

  close(): void {
    for (const opening of this.#traces.values())
      opening.then(
        (trace) => trace.close(),
        () => undefined,
      );
  }
}

/** Context of each user before the model's limit, tokens. */
export function wishedContext({ answer = OUTPUT, context, prompt = 0 }: AdviceWishes): number {
  return context ?? Math.max(USUAL_CONTEXT, CONTEXT_STEP * Math.ceil((prompt + answer) / CONTEXT_STEP));
}

/** Shape of a request; a prompt is cut only to the model's trained context. */
export function requestShape({ answer, prompt }: AdviceWishes, context: number): RequestShape {
  const output = answer ?? OUTPUT;
  const most = answer === undefined && prompt === undefined ? context >> 1 : context - output;
  return { prompt: Math.min(prompt ?? USUAL_PROMPT, Math.max(1, most)), output };
}

function questionOn(name: string, models: (quantization: string | null) => Loaded, basis: AdviceBasis, wishes: AdviceWishes): Unpriced {
  const { runtime } = basis;
  const { users = 1 } = wishes;
  const model = (quantization: string | null): ModelSpec => models(quantization).spec;
  const meant = meantOf(name);
  const quantizations = wishes.quantizations ?? offerOf(runtime, models, meant);
  const { note, trainedContext: trained } = model(quantizations[0]!);
  const wished = wishedContext(wishes);
  const most = trained ?? MOST_CONTEXT;
  const context = wishes.context ?? Math.min(wished, most);
  const request = requestShape(wishes, context);
  const ofContext = most >= wished ? [] : [contextNote(context, most, trained === undefined)];
  const unread = meant?.stored === undefined || isRead(meant.stored, runtime) ? [] : [unreadNote(name, runtime)];
  const notes = [...(note === undefined ? [] : [note]), ...unread, ...ofContext, ...basis.notes];
  return {
    ...basis,
    ...checkedSlots(wishes, runtime, model(quantizations[0]!)),
    request,
    context,
    users,
    quantizations,
    model,
    ...filesOf(name, runtime, models, wishes),
    notes,
  };
}

/** The runtime for the files in a name; null: any. */
export function readerOf(name: string): string | null {
  const { container, format } = meantOf(name)?.stored ?? {};
  return format === undefined ? null : (ADVISED.find(({ opens }) => opens !== undefined && opens === container)?.name ?? null);
}

const isRead = ({ container }: Stored, { opens = 'safetensors', reads }: AdvisedRuntime): boolean =>
  container === (reads === 'gguf' ? reads : opens);

const unreadNote = (name: string, { name: runtime, reads }: AdvisedRuntime): string =>
  `${name} is no ${reads === 'gguf' ? 'GGUF file' : 'folder'} that ${runtime} reads: one of the same model is taken.`;

function offerOf(runtime: AdvisedRuntime, models: (quantization: string | null) => Loaded, meant: MeantModel | null): (string | null)[] {
  if (meant?.stored?.format === undefined) return usualFormats(runtime, models(null));
  if (isRead(meant.stored, runtime)) return [null];
  const { quantization: native } = loadProfile(meant.name);
  return usualFormats(runtime, models(native)).map((format) => format ?? native);
}

function filesOf(
  name: string,
  runtime: AdvisedRuntime,
  models: (quantization: string | null) => Loaded,
  wishes: AdviceWishes,
): Pick<Question, 'asked' | 'file' | 'hub' | 'repository'> {
  const meant = meantOf(name);
  const unplaced = { file: null, hub: null };
  if (meant === null && isHubAddress(name)) {
    const isGguf = wishes.quantizations === undefined && models(null).sizes === 'tensors';
    return { ...unplaced, hub: runtime.reads === 'gguf' && !isGguf ? null : name.replace(/^hf:/, '').replace(/@[^:]*/, '') };
  }
  if (meant === null)
    return listProfiles('models').includes(name) ? { ...unplaced, asked: name } : { hub: null, file: fileAt(name, runtime) };
  const { repository, stored } = meant;
  if (stored === undefined || !isRead(stored, runtime)) return { ...unplaced, asked: name };
  if (repository === undefined) return { hub: null, file: fileAt(name, runtime), asked: name };
  const { container, format } = stored;
  if (format === undefined || wishes.quantizations !== undefined)
    return { ...unplaced, asked: name, ...(container === 'gguf' ? { repository } : {}) };
  return {
    ...unplaced,
    asked: name,
    hub: container === 'gguf' ? `${repository}:${/:([^:]+)$/.exec(name)?.[1] ?? format.toUpperCase()}` : repository,
  };
}

const fileAt = (name: string, runtime: AdvisedRuntime): string | null => (isPath(name) ? fileOf(name, runtime) : null);

const CACHING = ADVISED.filter(({ caches }) => caches.some(({ keeps }) => keeps)).map(({ name }) => name);

/** @throws UserError without an expert cache, or for impossible slots or layers */
function checkedSlots(
  { cachedLayers, slots }: AdviceWishes,
  { caches, name }: AdvisedRuntime,
  { layers, name: model }: ModelSpec,
): Pick<Question, 'cachedLayers' | 'slots'> {
  if (slots === undefined) return {};
  const label = `--slots ${slots}${cachedLayers === undefined ? '' : `x${cachedLayers}`}`;
  if (!caches.some(({ keeps }) => keeps))
    throw new UserError(`${label}: ${name} has no expert cache; engines that have one: ${CACHING.join(', ')} (--runtime)`);
  const [least, most] = slotRange(layers);
  if (slots !== 0 && (slots < least || slots > most))
    throw new UserError(`${label}: a cache of ${model} has ${least} to ${most} slots in each layer; 0: no cache`);
  if (cachedLayers === undefined) return { slots };
  if (slots === 0 || !caches.some(({ ofLayers }) => ofLayers === true))
    throw new UserError(`${label}: ${slots === 0 ? 'no cache' : `the cache of ${name}`} is of no part of the layers; give ${slots} alone`);
  if (cachedLayers === 0 || cachedLayers > layers.length)
    throw new UserError(`${label}: ${model} has ${layers.length} layers with experts; give 1 to ${layers.length} behind the x`);
  return { slots, cachedLayers };
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

async function drawnRouting(
  name: string,
  model: ModelSpec,
  texts: Readonly<Record<'users' | 'tokens', number>>,
  { breathe }: WorkWatch,
): Promise<RoutingTrace> {
  const routing = loadRouting(name);
  const profile = routing === null ? undefined : checkValue(routing, `model ${name}: routing`, routingProfileSchema);
  const topK = mostTopK(model);
  new Meter('advise', LIMITS.routing).spent(choicesOf({ layers: model.layers.length, topK }, texts.tokens));
  const requests = textsOf(texts.users, texts.tokens).map((prefill) => ({ prefill, decode: 0 }));
  const drawing = synthesizing(model, { seed: SEED, requests, profile });
  let step = drawing.next();
  for (; step.done !== true; step = drawing.next()) await breathe?.();
  return step.value;
}

/** Path on a command line; null: unreadable by the runtime. */
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
 * The model's own if readable, then fewer bits.
 * @param fixed true if sizes come from the files
 * @param ownBits bits per weight of the own format
 */
export function usualOffer(
  { quantizations, reads, usualFile }: AdvisedRuntime,
  { quantization: native }: Pick<ModelSpec, 'quantization'>,
  fixed: boolean,
  ownBits: number,
): (string | null)[] {
  // Models trained in 4 bits keep their experts' size in every format.
  if (fixed || native.startsWith('mxfp4')) return [null];
  const names = Object.keys(quantizations);
  const isRead = reads === 'folder' ? !/^i?q\d|^ud-/.test(native) : !/^(bf16|fp8)/.test(native);
  if (isRead) return [null, ...names.filter((name) => name !== native && ownValue(quantizations, name)! < ownBits)];
  return usualFile === null ? names : names.slice(names.indexOf(usualFile));
}
