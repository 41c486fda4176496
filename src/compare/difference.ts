// Differences of two runs: in inputs, which must be the same for a verdict, and in configuration, the subject of a comparison.
import { hasKeys } from '../base/objects.js';
import type { Result } from '../result/result.js';

/** Something that two runs do not share. */
export interface Difference {
  /** Dotted path, e.g. `cache.policy`. */
  readonly path: string;
  /** JSON text; `-` where it is absent. */
  readonly base: string;
  readonly candidate: string;
}

/**
 * Inputs that differ. Results with the same fingerprint have the same model and machine, whatever these are called; what is hashed
 * as it stands in a result must then be the same, too, or the fingerprint is not its own.
 */
export function inputDifferences(base: Result, candidate: Result): Difference[] {
  if (base.fingerprint === candidate.fingerprint) {
    const hashed = ({ inputs: { traces, variants }, seed }: Result): unknown => ({
      seed,
      variants,
      trace: traces.map(({ sha256 }) => sha256),
    });
    return differences(hashed(base), hashed(candidate));
  }
  const inputsOf = ({ inputs: { model, quantization, hardware, traces, variants }, seed }: Result): Record<string, unknown> => ({
    model,
    quantization,
    hardware,
    seed,
    // The hash identifies the routing; the path does not.
    variants,
    trace: traces.map(({ sha256, tokens, requests }) => ({ sha256: sha256.slice(0, 12), tokens, requests })),
  });
  const found = differences(inputsOf(base), inputsOf(candidate));
  return found.length > 0
    ? found
    : [{ path: 'fingerprint', base: base.fingerprint.slice(0, 12), candidate: candidate.fingerprint.slice(0, 12) }];
}

/**
 * Settings that are prose: where a description was taken from, and what it leaves out; or what stands in the system already. They change no
 * figure.
 */
const PROSE = /(^|\.)(cites|simplifies)$|^(system|machine)\.(.*\.)?source$|^overrides\.system(\.|$)/;

/** Settings that differ, the name of the system and the version of moeprof included, prose excepted. */
export function configDifferences(base: Result, candidate: Result): Difference[] {
  const settings = ({ config, inputs, tool }: Result): unknown => ({ moeprof: tool.version, system: inputs.system, ...config });
  return differences(settings(base), settings(candidate)).filter(({ path }) => !PROSE.test(path));
}

/** Leaves that differ between two JSON values, by dotted path. */
function differences(base: unknown, candidate: unknown, path = ''): Difference[] {
  if (hasKeys(base) && hasKeys(candidate)) {
    const keys = [...new Set([...Object.keys(base), ...Object.keys(candidate)])].sort();
    return keys.flatMap((key) => differences(base[key], candidate[key], path === '' ? key : `${path}.${key}`));
  }
  const [before, after] = [leaf(base), leaf(candidate)];
  return before === after ? [] : [{ path, base: before, candidate: after }];
}

function leaf(value: unknown): string {
  return value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value);
}
