import { GIB, KIB, MIB } from './units.js';

/** Name of a kind of file in messages, and the part that is read. */
export interface InputLimits {
  /** Largest size, bytes. */
  readonly limit: number;
  readonly what: string;
  /** Advice for a file above the limit. */
  readonly remedy: string;
  /** Advice for a folder or a device. */
  readonly instead: string;
  /** True if a pipe is allowed, which can be read only once. */
  readonly pipe: boolean;
}

const ANY = Number.POSITIVE_INFINITY;

const kinds =
  (pipe: boolean) =>
  (limit: number, what: string, remedy: string, instead = remedy): InputLimits => ({ limit, what, remedy, instead, pipe });
const file = kinds(false);
const piped = kinds(true);

/** Limits of files read as a whole are far above real ones: parsers take up to a hundred times the size in memory. */
export const INPUT_KINDS = {
  profile: piped(
    256 * KIB,
    'a YAML file',
    'name a shorter one; a trace is named with -t, a model with -m',
    'name a YAML file; a trace is named with -t, a model with -m',
  ),
  result: piped(32 * MIB, 'a result', 'write it without --details', 'name a file that moeprof run -o result.json wrote'),
  trace: piped(ANY, 'a trace', 'name a trace file, or - for standard input'),
  model: file(ANY, 'a model', 'name a bundled model, a YAML profile, a config.json or a GGUF file'),
  config: file(16 * MIB, 'a config.json', 'name the config.json of the model itself'),
  index: file(64 * MIB, 'an index of safetensors', 'name the config.json of the model, with a --quantization'),
  hub: file(8 * MIB, 'an entry of the hub cache', 'delete it'),
  workload: piped(4 * GIB, 'a file of arrivals', 'keep its first lines (head -n 1000000)', 'name a file of arrivals'),
  prompts: piped(64 * MIB, 'a file of prompts', 'split it into several', 'name a file of JSON lines'),
  predictor: file(512 * MIB, 'a path predictor', 'export a smaller .onnx file', 'name an .onnx file'),
  module: file(16 * MIB, 'a module', 'name a .mjs, .js or .ts file'),
  entry: file(256 * MIB, 'an entry of a store', 'delete it, and the run is repeated'),
  key: piped(4 * KIB, 'a key', 'write one line of random text', 'name a file with one line'),
  measurements: piped(32 * MIB, 'a file of measurements', 'split it into several', 'name a file of JSON lines'),
  log: piped(32 * MIB, 'a log of a runtime', 'keep its last lines (tail -n 10000)', 'name a file with what the runtime printed'),
  mapping: piped(16 * MIB, 'a mapping of experts', 'write one number per expert', 'name a JSON file'),
};

/** Kind of file in {@link INPUT_KINDS}. */
export type InputKind = keyof typeof INPUT_KINDS;
