import type { LineShell } from '../base/shell.js';
import type { HardwareSpec, Learned } from '../hardware/door.js';
import type { ModelSpec } from '../model/door.js';
import type { AdvisedRuntime, Goal, RequestShape } from '../runtime/door.js';
import type { RoutingTrace } from '../trace/trace.js';
import type { Drafting } from './drafting.js';
import type { Pricer } from './price.js';

interface LearnedMachine {
  readonly learned: Learned;
  /** The machine with each knob moved, as by `nudged`. */
  readonly moved: readonly HardwareSpec[];
}

/** A question for advice, with the inputs for pricing. */
export interface Question {
  readonly runtime: AdvisedRuntime;
  readonly hardware: HardwareSpec;
  readonly goal: Goal;
  readonly request: RequestShape;
  readonly context: number;
  readonly users: number;
  /** The preferred first, at least 1; null: the model's own. */
  readonly quantizations: readonly (string | null)[];
  readonly drafting: Drafting;
  /** Slots of each layer in the expert cache; 0: no cache; absent: as many as fit, if surely faster. */
  readonly slots?: number;
  /** First MoE layers of the cache; absent: all. */
  readonly cachedLayers?: number;
  readonly pricer: Pricer;
  readonly trace: RoutingTrace;
  /** Model path on a command line; null: the file's usual name. */
  readonly file: string | null;
  /** Hugging Face address, `owner/repo` or `owner/repo:format`; null: not from the hub. */
  readonly hub: string | null;
  /** Named `owner/repo` of several GGUF files. Absent: none. */
  readonly repository?: string;
  /** A bundled model's name as given. Absent: not bundled. */
  readonly asked?: string;
  /** Shell of the lines; absent: usual shell of the machine. */
  readonly shell?: LineShell;
  /** Machine with mapped weights if `hardware` pins weights; absent: `hardware`. */
  readonly mapped?: HardwareSpec;
  /** Machine name given with `-w`; absent: detected. */
  readonly named?: string;
  /** Sentences on the machine. */
  readonly notes: readonly string[];
  /** Sentences on further backends of the GPU; absent: none. */
  readonly backends?: readonly string[];
  /** Absent: no timings learned. */
  readonly learned?: LearnedMachine;
  /** @param quantization null: the model's own @throws UserError for an unknown format */
  model(quantization: string | null): ModelSpec;
}

/** A question without routing. */
export type Unpriced = Omit<Question, 'pricer' | 'trace'>;

/** True for a cache with a number of slots. */
export const hasSlots = ({ slots = 0 }: Pick<Question, 'slots'>): boolean => slots > 0;

/** Profile of the runtime that drives the machine. */
export const drivenBy = ({ hardware, runtime }: Pick<Question, 'hardware' | 'runtime'>): string =>
  hardware.software?.runtime ?? runtime.name;
