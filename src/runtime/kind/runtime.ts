// Each runtime has a folder in `src/runtime`; its speeds are a profile of profiles/runtimes/.
import { ownValue } from '../../base/objects.js';
import type { HardwareSpec, Machine } from '../../hardware/door.js';
import type { Container, ModelSpec } from '../../model/door.js';
import type { AllocationRules } from '../allocation/graph/load-plan.js';
import type { Dialect } from '../flags/dialect.js';
import type { FlagUse } from '../flags/flag.js';
import type { Timer } from '../flags/timer.js';
import type { TimingFormat } from '../logs/timing.js';
import type { KvType, Setting, WeightPlacement } from '../setting/setting.js';
import type { Loaded } from './loaded.js';
import type { OwnDrafts } from './own-drafts.js';

/** A runtime: {@link runtimeFrom} fills in what its folder leaves out. An absent field means unknown or unsupported. */
export interface KnownRuntime {
  /** Name for `--runtime` and in measurements. */
  readonly name: string;
  /** Further measurement programs, each with a profile. */
  readonly programs: Readonly<Record<string, string>>;
  /** Profile of a measurement program. @param mixed GPU and CPU hold experts */
  profileOf(program: string, mixed: boolean): string;
  /** Profiles for some GPUs; a vendor's first is the default. */
  readonly backends: readonly Backend[];
  /** Vendors of supported GPUs; `none`: CPUs alone. Absent: any, and CPUs alone. */
  readonly vendors?: readonly (Vendor | 'none')[];
  readonly logs: readonly Log[];
  /** Settings for advice; absent: no advice. */
  readonly advised?: Advised;
  /** Memory allocation, known to the byte. */
  readonly memory?: AllocatedMemory;
  /** Default experts in host memory: by flags, by the runtime, or all. Absent: no experts. */
  readonly places?: 'by flags' | 'by itself' | 'all in host memory';
  /** MoE layers in host memory by a flag's count: those among the first blocks. @param blocks of MoE layers */
  hostLayers(count: number, blocks: readonly number[]): number;
  /** True: threads use several sockets only with a flag (`--numa`). */
  readonly numaByFlag: boolean;
  /** True: the depth of benchmarks precedes the prompt; false: possibly the prompt. */
  readonly depthFirst: boolean;
  /** Recurrent state is saved before a pass, and accepted tokens run again after a rejection. */
  readonly redoesAccepted: boolean;
  /** System of experts on GPUs: a name, unless a policy is named, or the only system. Null: by the policy. */
  systemOf(experts: GpuExperts): string | Readonly<Record<string, unknown>> | null;
  readonly streaming?: Streaming;
}

/** What a folder states of its runtime. */
export type RuntimeFacts = Pick<KnownRuntime, 'name'> & Partial<KnownRuntime>;

/** A runtime with what most do where its facts state nothing. */
export function runtimeFrom({ programs = {}, ...facts }: RuntimeFacts): KnownRuntime {
  return {
    profileOf: (program) => ownValue(programs, program) ?? program,
    backends: [],
    logs: [],
    hostLayers: (count, blocks) => blocks.filter((block) => block < count).length,
    numaByFlag: false,
    depthFirst: false,
    redoesAccepted: false,
    systemOf: () => null,
    ...facts,
    programs,
  };
}

interface GpuExperts {
  readonly program: string;
  /** A cache, or a share that prompts re-choose. */
  readonly as: 'cache' | 'followed share';
  /** Device that computes misses; undefined: any. */
  readonly misses?: string;
}

/** Maker of a GPU. */
export type Vendor = Machine['gpus'][number]['vendor'];

interface Backend {
  readonly profile: string;
  readonly vendors: readonly Vendor[];
  /** GPU names that imply the backend in measurements. */
  readonly gpus: RegExp;
}

interface Log {
  readonly format: TimingFormat;
  readonly by: string;
  /** Text that only the runtime prints; absent: the fallback. */
  readonly mark?: RegExp;
}

interface AllocatedMemory {
  /** Default server sequences for a model with recurrent layers. */
  readonly sequences: number;
  /** Allocation rules of a log's build; default: the newest. */
  rulesOf(log: { readonly source?: string; readonly version?: string }): AllocationRules;
  /** Reason why the rules do not give the compute buffers of latent attention in a measurement; null: they do. */
  latentLack(source: string): string | null;
}

/** Streaming of experts from a disk, with defaults. */
export interface Streaming {
  /** Default drafts by MTP layers: tokens, and share accepted. */
  readonly drafts: { readonly draft: number; readonly acceptance: number };
  /** GB of experts on cards, by a run's note; 0: none, or unknown. @param cards memory, GB */
  expertsOnCards(note: string, cards: readonly number[]): number;
  /** True: the GPU holds dense weights; false: only experts. */
  denseOnGpu(flags: string): boolean;
  /** True: reads continue during expert compute. */
  readsAhead(flags: string): boolean;
  /** Predictor of the next layer's loads; null: none. */
  looksAhead(flags: string): Readonly<Record<string, unknown>> | null;
}

/** An expert cache on GPUs, or streaming of all experts. */
export interface OfferedCache {
  /** Name in tables: `LRU cache`, `hot set`, `hybrid`, `stream`. */
  readonly name: string;
  readonly system: string;
  /** Handling of a miss: a copy over the link, the CPU, or the faster of the two. */
  readonly misses: 'link' | 'cpu' | 'either';
  /** False: no expert is kept, each crosses the link when needed. */
  readonly keeps: boolean;
  /** Layers with experts on the GPU may stand outside the cache. */
  readonly ofLayers?: true;
  /** A variable names a file for the routing of the layers, and the CPU can compute a share of the misses. */
  readonly recorded?: {
    readonly variable: string;
    /** System in which the CPU computes a share, by {@link Setting.cpuShare}. */
    readonly shared: string;
  };
  /** Source of the facts, with date or build: `server README, 2026-11-20`. */
  readonly read: string;
  /** Measured rows in words, by profile of the runtime; a cache without rows is never advised first. */
  readonly measured: Readonly<Record<string, string>>;
}

type Offer = Readonly<Record<string, number>>;

interface Advised {
  /** Profile in `profiles/runtimes/`; null: the machine's usual profile. */
  readonly profile: string | null;
  readonly dialect: Dialect;
  /** Placements, most on the GPU first. Speed mostly falls along the ladder; the search runs all rungs. */
  ladder(model: ModelSpec): readonly WeightPlacement[];
  readonly caches: readonly OfferedCache[];
  /** Memory of a setting by device. @throws UserError if unknown tensors matter */
  memory(model: ModelSpec, setting: Setting, hardware: HardwareSpec): Loaded;
  /** Candidate tokens per prompt pass. */
  readonly ubatches: readonly number[];
  /** KV-cache formats, the default first. */
  readonly kv: readonly KvType[];
  /** Least prompt tokens for GPU experts chosen by the prompt; null: no flag. */
  followsFrom(model: ModelSpec): number | null;
  /** True if a flag limits the program to a socket and its memory. */
  readonly isolates: boolean;
  readonly ownDrafts: OwnDrafts;
  /** True if a flag enables n-gram drafts. */
  readonly looksUp: boolean;
  /** Bits per weight by file format, most first. */
  readonly quantizations: Offer;
  /** Format of the most common file, if checkpoints are not read; null: the first. */
  readonly usualFile: string | null;
  /** Input: GGUF files, or a folder of safetensors. */
  readonly reads: 'gguf' | 'folder';
  /** Folders that are usually read by this runtime. Absent: none. */
  readonly opens?: Exclude<Container, 'gguf'>;
  /** True: a flag reads weights into pinned memory. */
  readonly pins: boolean;
  /** Program that times one conversation; null: runs print the speed. */
  readonly benchmark: Benchmark | null;
  /** Times a setting after several depths of context; null: no output is read. */
  readonly timer: Timer | null;
  /** True: files are mapped, so a model may exceed memory. */
  readonly mapsFiles: boolean;
}

/** A program that times one conversation. */
export interface Benchmark {
  readonly command: string;
  readonly tests: string;
  /**
   * Words of a setting, without the model.
   * @param uses the server's flags
   * @param expertLayers first decoder layers with experts in host memory
   * @param tuned with flags that are only tried
   */
  words(uses: readonly FlagUse[], expertLayers: number, tuned?: boolean): string[];
  /** Flags to try: half of the threads, other loading, plain attention; null: no choice. @param alone CPU only */
  ways(uses: readonly FlagUse[], alone: boolean): readonly [threads: FlagUse | null, loading: FlagUse | null, attention: FlagUse | null];
}

/** A runtime with advice. */
export interface AdvisedRuntime extends Advised, Pick<KnownRuntime, 'vendors'> {
  readonly name: string;
}
