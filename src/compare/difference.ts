import { hasKeys, isObject, ownValue } from '../base/objects.js';
import { BYTES, formatBytes, formatCounted, SHARE } from '../base/units.js';
import { VARYING } from '../result/budget.js';
import type { Result } from '../result/result.js';

/** Something that two runs do not share: inputs, which must be the same for a verdict, or configuration, the subject of a comparison. */
export interface Difference {
  /** Dotted path, e.g. `cache.policy`. */
  readonly path: string;
  /** JSON text; `-` if it is absent. */
  readonly base: string;
  readonly candidate: string;
}

/** Inputs that differ: the work and the machine, then what budgets may let vary. */
export function inputDifferences(base: Result, candidate: Result): Difference[] {
  return [...workDifferences(base, candidate), ...runtimeDifference(base, candidate), ...roomDifferences(base, candidate)];
}

/** Of equal fingerprints, model and machine are equal, whatever they are called; if what is hashed differs, the fingerprint is not its own. */
function workDifferences(base: Result, candidate: Result): Difference[] {
  const [before, after] = [workOf(base), workOf(candidate)];
  if (before === after) {
    const hashed = ({ inputs: { traces, variants }, seed }: Result): unknown => ({
      seed,
      variants,
      trace: traces.map(({ sha256 }) => sha256),
    });
    return differences(hashed(base), hashed(candidate));
  }
  const inputsOf = ({ config, inputs: { model, quantization, hardware, traces, variants }, seed }: Result): Record<string, unknown> => ({
    model,
    quantization,
    hardware,
    seed,
    // The hash identifies the routing; the path does not.
    variants,
    trace: traces.map(({ heldOut, sha256, tokens, requests }) => ({ sha256: sha256.slice(0, 12), heldOut, tokens, requests })),
    traceColumns: config.traceColumns,
    workload: { ...part(config.workload), holdOut: undefined, slo: undefined, speculation: undefined },
    memory: { kvFormat: part(config.memory).kvFormat },
    replay: config.replay,
    faults: config.faults,
  });
  const found = differences(inputsOf(base), inputsOf(candidate));
  return found.length > 0 ? found : [{ path: 'fingerprint', base: before.slice(0, 12), candidate: after.slice(0, 12) }];
}

/** The part of a fingerprint that is of all inputs but the runtime. */
const workOf = ({ fingerprint }: Result): string => fingerprint.split('-')[0]!;

/** Runtimes of one name that differ are distinguished by their hashes. */
function runtimeDifference(base: Result, candidate: Result): Difference[] {
  const [before, after] = [base, candidate].map(({ fingerprint }) => fingerprint.split('-')[1]);
  if (before === after) return [];
  const named = base.inputs.runtime === candidate.inputs.runtime;
  const text = ({ inputs: { runtime = '-' } }: Result, hash = '-'): string => (named ? `${runtime} (${hash.slice(0, 8)})` : runtime);
  return [{ path: 'runtime', base: text(base, before), candidate: text(candidate, after) }];
}

/** Settings of memory with one meaning: those that are as if they were absent, and how else to write them. */
const USUAL = { kvGrowth: 'static', kvIn: 'gpu' };

/** Sizes that are set, and objectives. A system's own size is an input only if the candidate has more; room that systems leave is none. */
function roomDifferences(base: Result, candidate: Result): Difference[] {
  const settings = ({ config: { memory } }: Result) =>
    canonical({ ...USUAL, ...part(memory), expertCache: undefined, kvFormat: undefined });
  const cache = ({ config: { system } }: Result) => part(part(system).cache);
  const asked = ({ config: { memory } }: Result): unknown => canonical(part(memory).expertCache);
  const [before, after] = [base.bounds.capacityBytes, candidate.bounds.capacityBytes];
  const stated = [base, candidate].some((result) => cache(result).capacity !== undefined) && after > before;
  const slots = (result: Result): number => {
    const { quotas } = cache(result);
    return Array.isArray(quotas) ? quotas.reduce<number>((total, quota) => total + Number(quota), 0) : Number.POSITIVE_INFINITY;
  };
  const quotas = (result: Result): string =>
    slots(result) === Number.POSITIVE_INFINITY ? 'all that fit' : formatCounted(slots(result), 'expert');
  const slo = ({ config: { workload } }: Result): unknown => part(workload).slo;
  return [
    ...(before !== after && (asked(base) !== asked(candidate) || stated)
      ? [{ path: 'memory.expertCache', base: formatBytes(before), candidate: formatBytes(after) }]
      : []),
    ...differences(settings(base), settings(candidate), 'memory'),
    ...(slots(candidate) > slots(base) ? [{ path: 'system.cache.quotas', base: quotas(base), candidate: quotas(candidate) }] : []),
    ...(slo(base) === undefined || slo(candidate) === undefined ? [] : differences(slo(base), slo(candidate), 'workload.slo')),
  ];
}

/** The warning about drafts whose acceptance, which no run simulates, is not taken to be the same; null: it is. */
export function draftsDiffer(base: Result, candidate: Result): { readonly metric: string; readonly message: string } | null {
  const taken = ({ config: { workload } }: Result): string => {
    const { acceptance, acceptances, draft = 0, drafter } = part(part(workload).speculation);
    return draft === 0 ? 'no drafts' : String(acceptance ?? acceptances ?? drafter);
  };
  const [before, after] = [taken(base), taken(candidate)];
  const message = `${before} -> ${after}: acceptance is taken as said, not simulated`;
  return before === after ? null : { metric: 'workload.speculation', message };
}

/** Sizes and shares as numbers, however they are written. */
function canonical(value: unknown): unknown {
  if (typeof value === 'string') return BYTES.read(value) ?? SHARE.read(value) ?? value.toLowerCase();
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, canonical(item)])) : value;
}

/** A part of a configuration, whose shape a saved result does not promise. */
const part = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : {});

/** The input of {@link VARYING} that a difference is in; undefined: it may not vary. */
export const varyingOf = ({ path }: Difference): string | undefined =>
  VARYING.find((input) => path === input || path.startsWith(`${input}.`));

/** What to do about inputs that differ, for a message. @param names of base and candidate */
export function remedyOf(base: Result, candidate: Result, names: readonly [string, string], inputs: readonly Difference[]): string {
  const held = [base, candidate].map(({ inputs: { traces } }) => traces.some(({ heldOut }) => heldOut !== undefined));
  const only = held[0] === held[1] ? null : held.indexOf(true);
  const share = part((only === 0 ? base : candidate).config.workload).holdOut ?? '20%';
  const varying = [...new Set(inputs.flatMap((input) => varyingOf(input) ?? []))];
  const rest = inputs.filter(
    (input) => varyingOf(input) === undefined && !(only !== null && /^trace\.\d+\.(heldOut|tokens|requests)$/.test(input.path)),
  );
  const { runtime = 'own' } = base.config;
  const same = varying.includes('runtime')
    ? `run both with --runtime ${runtime === 'own' ? base.inputs.runtime : runtime}`
    : 'run both with the same room';
  const ways = [
    ...(rest.length > 0 ? ['rerun with the same inputs'] : []),
    ...(only === null ? [] : [`run ${names[1 - only]} with --set workload.holdOut=${share}`]),
    ...(varying.length === 0 ? [] : [`${same} (or let budgets say varies: [${varying.join(', ')}])`]),
  ];
  return `${ways.join(' and ')}, or pass --allow-different-inputs`;
}

/** Settings that are prose, sources or repeats: they change no figure. */
const PROSE = /(^|\.)(cites|simplifies)$|^system\.decisive\.|^(system|machine)\.(.*\.)?source$|^overrides\.system(\.|$)/;

/** Settings that differ, the name of the system and the version of moeprof included, prose excepted. */
export function configDifferences(base: Result, candidate: Result): Difference[] {
  const settings = ({ config, inputs, tool }: Result): unknown => ({ moeprof: tool.version, system: inputs.system, ...config });
  return differences(settings(base), settings(candidate)).filter(({ path }) => !PROSE.test(path));
}

/** Leaves that differ between two JSON values, by dotted path. */
function differences(base: unknown, candidate: unknown, path = ''): Difference[] {
  if (hasKeys(base) && hasKeys(candidate)) {
    const keys = [...new Set([...Object.keys(base), ...Object.keys(candidate)])].sort();
    return keys.flatMap((key) => differences(ownValue(base, key), ownValue(candidate, key), path === '' ? key : `${path}.${key}`));
  }
  const [before, after] = [leaf(base), leaf(candidate)];
  return before === after ? [] : [{ path, base: before, candidate: after }];
}

const leaf = (value: unknown): string => (value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value));
