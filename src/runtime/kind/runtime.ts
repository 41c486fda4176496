// A runtime: all facts on one program that runs models. Each has a folder next to this one; its speeds are a profile of profiles/runtimes/.
import type { HardwareSpec, Machine } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import type { AllocationRules } from '../allocation/graph/load-plan.js';
import type { Dialect } from '../flags/dialect.js';
import type { TimingFormat } from '../logs/timing.js';
import type { KvType, Setting, WeightPlacement } from '../setting/setting.js';
import type { Loaded } from './loaded.js';

/** One runtime. What is absent is not known, or the program does not do it. */
export interface KnownRuntime {
  /** As `--runtime` and measurements have it. */
  readonly name: string;
  /** Other programs of measurements that it stands for, each with its profile. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Its profiles for some GPUs; the first of a vendor's is the usual one. */
  readonly backends?: readonly Backend[];
  /** Vendors of the GPUs that it drives; `none`: CPUs alone. Absent: any, and CPUs alone. */
  readonly vendors?: readonly (Vendor | 'none')[];
  /** Profile if the GPU holds some experts and the CPU others; absent: its usual one. */
  readonly mixedProfile?: string;
  readonly logs?: readonly Log[];
  /** What advice on it takes; absent: none is given. */
  readonly advised?: Advised;
  /** How it allocates memory, which is known to the byte. */
  readonly memory?: AllocatedMemory;
  /** Which experts lie in host memory by default: those that it chooses, or all. Absent: none. */
  readonly places?: 'by flags' | 'by itself' | 'all in host memory';
  /** MoE layers in host memory by a count of layers that flags give. @param blocks indices of MoE layers Absent: those among the first blocks. */
  hostLayers?(count: number, blocks: readonly number[]): number;
  /** True: threads use several sockets only with a flag (`--numa`). */
  readonly numaByFlag?: boolean;
  /** True: the experts of a layer are one tensor, so that no share of them can lie apart. */
  readonly wholeLayers?: boolean;
  /** True: the depth of its benchmarks precedes their prompts; false: it may be the prompt itself. */
  readonly depthFirst?: boolean;
  /** True: it keeps the state of recurrent layers from before a pass, and runs accepted tokens again after a rejection. */
  readonly redoesAccepted?: boolean;
  readonly systems?: Systems;
  /** How it reads experts from a disk. */
  readonly streaming?: Streaming;
}

/** The maker of a GPU. */
export type Vendor = Machine['gpus'][number]['vendor'];

/** A profile that holds on some GPUs. */
interface Backend {
  readonly profile: string;
  readonly vendors: readonly Vendor[];
  /** Names of GPUs that measurements mean it by, if they name none. */
  readonly gpus: RegExp;
}

/** Output that a runtime prints. */
interface Log {
  readonly format: TimingFormat;
  /** Programs that print it, in a few words. */
  readonly by: string;
  /** What only this runtime prints there; absent: nothing, and it is taken if no other's is found. */
  readonly mark?: RegExp;
}

interface AllocatedMemory {
  /** Sequences of its server for a model with recurrent layers by default. */
  readonly sequences: number;
  /** The rules of the build that a log is of; of the newest if it names none. */
  rulesOf(log: { readonly source?: string | undefined; readonly version?: string | undefined }): AllocationRules;
  /** True if a thread that a measurement is from is older than the rules of latent attention. */
  isBefore?(source: string): boolean;
}

/** Bundled systems by what a run does. */
interface Systems {
  /** An expert cache, by the device that computes misses; undefined: any. */
  cache?(program: string, misses: string | undefined): string | undefined;
  /** The only expert cache of the program, whatever policy a measurement names. @param misses device that computes them; undefined: any */
  pool?(misses: string | undefined): Readonly<Record<string, unknown>>;
  /** The GPU's experts are chosen anew as prompts go by. */
  readonly followsUse?: string;
  /** Experts stay in their first memory. */
  readonly fixed?: string;
}

/** Reading experts from a disk, with the defaults that runs seldom state. */
export interface Streaming {
  /** Drafts of the model's own layers by default: tokens, and how many of them are right. */
  readonly drafts: { readonly draft: number; readonly acceptance: number };
  /** GB of experts on cards, by the note of a run. @param cards memory of each, GB @returns 0: none, or unknown */
  expertsOnCards(note: string, cards: readonly number[]): number;
  /** True if dense weights lie on the GPU; false: experts alone. */
  denseOnGpu(flags: string): boolean;
  /** True if reads go on during the computation of experts. */
  readsAhead(flags: string): boolean;
  /** Predictor of the next layer's experts, which are loaded; null: none. */
  looksAhead(flags: string): Readonly<Record<string, unknown>> | null;
}

/** One expert cache that a runtime can have on its GPUs, or its streaming of all experts. */
export interface OfferedCache {
  /** As tables have it: `LRU cache`, `hot set`, `hybrid`, `stream`. */
  readonly name: string;
  /** Bundled system that describes it. */
  readonly system: string;
  /** What serves an expert that the cache lacks: it crosses the link, the CPU computes it, or whichever is sooner. */
  readonly misses: 'link' | 'cpu' | 'either';
  /** False: nothing is kept, each expert crosses the link when it is needed. */
  readonly keeps: boolean;
  /** Source of its facts, with date or build: `server README, 2026-11-20`. */
  readonly read: string;
}

/** Formats by their bits a weight, most first. */
type Offer = Readonly<Record<string, number>>;

/** What advice on a runtime takes: placements, values of other settings that are tried, its words and its use of memory. */
interface Advised {
  /** Profile in `profiles/runtimes/`; null: the usual one of the machine. */
  readonly profile: string | null;
  readonly dialect: Dialect;
  /** Placements, most on the GPU first. Speed mostly falls along this ladder; the search runs the rungs to be sure. */
  ladder(model: ModelSpec): readonly WeightPlacement[];
  /** Expert caches that its flags offer; empty: none. */
  readonly caches: readonly OfferedCache[];
  /** Memory of a setting by device. @throws UserError if the model's tensors are unknown, and they matter */
  memory(model: ModelSpec, setting: Setting, hardware: HardwareSpec): Loaded;
  /** Lengths of a prompt's pass that are tried, tokens. */
  readonly ubatches: readonly number[];
  /** Formats of the KV cache on offer, the usual one first. */
  readonly kv: readonly KvType[];
  /** Tokens of a prompt from which on it chooses the experts of its GPUs by what the prompt routes to; null: it has no flag for that. */
  followsFrom(model: ModelSpec): number | null;
  /** True if a flag has it use one socket of several, with its memory. */
  readonly isolates: boolean;
  /** Lengths of drafts by the model's own layers for further tokens that are tried, in order; empty: it has no flag for such a model. */
  drafts(model: ModelSpec, users: number): readonly number[];
  /** True if a flag has it draft what followed the same tokens before (n-grams). */
  readonly looksUp: boolean;
  /** Formats that its files come in, most bits first. */
  readonly quantizations: Offer;
  /** The format of the file that most people fetch, if it does not read the model's own; null: the first. */
  readonly usualFile: string | null;
  /** Its input: GGUF files, or a folder of safetensors. */
  readonly reads: 'gguf' | 'folder';
  /** How its speed is measured: the start of a command line, the flags of a setting, and more flags to try. Absent: its runs print it. */
  readonly benchmark?: {
    readonly command: string;
    readonly flags: readonly string[];
    readonly tuned: readonly string[];
    readonly tests: string;
  };
  /** Bytes of host memory that its server fills with finished prompts as requests end, by default; absent: none. */
  readonly promptCache?: number;
  /** Files are mapped, so that a model may be larger than memory. */
  readonly mapsFiles: boolean;
}

/** A runtime that advice is given for. */
export interface AdvisedRuntime extends Advised, Pick<KnownRuntime, 'vendors'> {
  readonly name: string;
}
