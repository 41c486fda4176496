import type { LineShell } from '../base/shell.js';
import type { HardwareSpec, Learned } from '../hardware/door.js';
import type { ModelSpec } from '../model/door.js';
import type { AdvisedRuntime } from '../runtime/kind/runtime.js';
import type { Goal, RequestShape } from '../runtime/setting/goal.js';
import type { RoutingTrace } from '../trace/trace.js';
import type { Drafting } from './drafting.js';
import type { Pricer } from './price.js';

/** What timings taught of a machine, as a runtime drives it. */
interface LearnedMachine {
  readonly learned: Learned;
  /** With each knob moved, as of `nudged`. */
  readonly moved: readonly HardwareSpec[];
}

/** A question for advice: the goal, of which model on which machine, under which runtime, and what the answer needs besides. */
export interface Question {
  readonly runtime: AdvisedRuntime;
  readonly hardware: HardwareSpec;
  readonly goal: Goal;
  readonly request: RequestShape;
  readonly context: number;
  readonly users: number;
  /** Formats on offer, the preferred one first; null stands for the model's own. At least one. */
  readonly quantizations: readonly (string | null)[];
  readonly drafting: Drafting;
  /** Slots of each layer in the expert cache; absent: as many as fit, or no cache if that is faster. */
  readonly slots?: number;
  /** Prices settings on the trace. */
  readonly pricer: Pricer;
  /** Routing of the model, long enough for pricing. */
  readonly trace: RoutingTrace;
  /** The model's name on a command line: a file or a folder; null: its file's usual name. */
  readonly file: string | null;
  /** Its place on the Hugging Face hub, `owner/repo` or `owner/repo:format`; null: it is not from there. */
  readonly hub: string | null;
  /** True: it is a bundled one, whose files may be known. */
  readonly bundled?: boolean;
  /** The shell that lines are for; absent: the usual one of the machine, or of this computer. */
  readonly shell?: LineShell;
  /** The machine with weights that are mapped from their file, if `hardware` is one with weights in pinned memory; absent: they are alike. */
  readonly mapped?: HardwareSpec;
  /** The machine as `-w` named it; absent: it was detected. */
  readonly named?: string;
  /** Sentences on the machine, e.g. what was not seen of it. */
  readonly notes: readonly string[];
  /** Sentences: other backends and programs of the GPU, besides the one that is taken; absent: none. */
  readonly backends?: readonly string[];
  /** What timings taught of the machine, and the machine with each knob moved in turn; absent: nothing. */
  readonly learned?: LearnedMachine;
  /** The model in a format; null: its own. @throws UserError if there is none */
  model(quantization: string | null): ModelSpec;
}

/** A question before its routing is drawn. */
export type Unpriced = Omit<Question, 'pricer' | 'trace'>;
