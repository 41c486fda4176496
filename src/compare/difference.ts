import { hasKeys, isObject, ownValue } from '../base/objects.js';
import { BYTES, formatBytes, formatCounted, SHARE } from '../base/units.js';
import { VARYING } from '../result/budget.js';
import { metricValue } from '../result/catalogue.js';
import { knowledgeGap, knowledgeText, markOf } from '../result/knowledge.js';
import type { Result } from '../result/result.js';

/** Difference of two runs, in inputs, which must agree, or in configuration, the subject of a comparison. */
export interface Difference {
  /** Dotted path, e.g. `cache.policy`. */
  readonly path: string;
  /** JSON text; `-` if absent. */
  readonly base: string;
  readonly candidate: string;
}

/** Work, machine, inputs that budgets may let vary, and settings with more room for the candidate. */
export function inputDifferences(base: Result, candidate: Result): Difference[] {
  const differing = [workDifferences, runtimeDifference, knowledgeDifferences, roomDifferences];
  return differing.flatMap((differ) => differ(base, candidate));
}

/** Equal fingerprints mean equal model and machine, whatever their names; other hashed fields reveal a foreign one. */
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

/** Part of a fingerprint without the runtime. */
const workOf = ({ fingerprint }: Result): string => fingerprint.split('-')[0]!;

/** Hashes distinguish different runtimes of one name. */
function runtimeDifference(base: Result, candidate: Result): Difference[] {
  const [before, after] = [base, candidate].map(({ fingerprint }) => fingerprint.split('-')[1]);
  if (before === after) return [];
  const named = base.inputs.runtime === candidate.inputs.runtime;
  const text = ({ inputs: { runtime = '-' } }: Result, hash = '-'): string => (named ? `${runtime} (${hash.slice(0, 8)})` : runtime);
  return [{ path: 'runtime', base: text(base, before), candidate: text(candidate, after) }];
}

/** Knowledge beyond the past: kinds by part, then how far parts see the future. */
function knowledgeDifferences(base: Result, candidate: Result): Difference[] {
  const [before, after] = [base.knowledge, candidate.knowledge];
  // Older results state no knowledge; a base of unknown knowledge is at most harder to beat.
  if (after === undefined ? before === undefined : before === undefined && after.parts.length === 0) return [];
  if (before === undefined || after === undefined || knowledgeGap(base, candidate) !== null) {
    const words = markOf(base) === markOf(candidate) ? knowledgeText : markOf;
    const text = (result: Result): string => words(result) ?? (result.knowledge === undefined ? 'not stated' : 'the past alone');
    return [{ path: 'knowledge', base: text(base), candidate: text(candidate) }];
  }
  return after.parts.flatMap(({ knows, part: field }) => {
    const setting = ({ config: { system } }: Result): unknown =>
      field.split('.').reduce<unknown>((value, key) => ownValue(part(value), key), system);
    return knows === 'future' ? differences(setting(base), setting(candidate), `knowledge.${field}`) : [];
  });
}

/** Memory settings equivalent to absence, and renamed settings. */
const USUAL = { kvGrowth: 'static', kvIn: 'gpu' };

const cacheOf = ({ config: { system } }: Result) => part(part(system).cache);
const askedOf = ({ config: { memory } }: Result): unknown => canonical(part(memory).expertCache);

/**
 * Settings that give the candidate more cache, memory on GPU or in DRAM, or slots. Less is a choice, judged by figures.
 */
function roomDifferences(base: Result, candidate: Result): Difference[] {
  const settings = ({ config: { memory } }: Result) =>
    canonical({ ...USUAL, ...part(memory), expertCache: undefined, kvFormat: undefined });
  const [before, after] = [base.bounds.capacityBytes, candidate.bounds.capacityBytes];
  const isAsked = [base, candidate].some((result) => cacheOf(result).capacity !== undefined) || askedOf(base) !== askedOf(candidate);
  const uses = (where: 'gpu.allocated' | 'dram.peak', result: Result): number => metricValue(result, `memory.${where}`) ?? Number.NaN;
  const isLess = (where: Parameters<typeof uses>[0]): boolean => uses(where, candidate) <= uses(where, base);
  const slots = (result: Result): number => {
    const { quotas } = cacheOf(result);
    return Array.isArray(quotas) ? quotas.reduce<number>((total, quota) => total + Number(quota), 0) : Number.POSITIVE_INFINITY;
  };
  const quotas = (result: Result): string =>
    slots(result) === Number.POSITIVE_INFINITY ? 'all that fit' : formatCounted(slots(result), 'expert');
  const slo = ({ config: { workload } }: Result): unknown => part(workload).slo;
  return [
    ...(after > before && isAsked ? [{ path: 'memory.expertCache', base: formatBytes(before), candidate: formatBytes(after) }] : []),
    ...differences(settings(base), settings(candidate), 'memory').filter(
      ({ path }) => !(path === 'memory.dramCache' ? isLess('dram.peak') : after <= before && isLess('gpu.allocated')),
    ),
    ...(slots(candidate) > slots(base) ? [{ path: 'system.cache.quotas', base: quotas(base), candidate: quotas(candidate) }] : []),
    ...(slo(base) === undefined || slo(candidate) === undefined ? [] : differences(slo(base), slo(candidate), 'workload.slo')),
  ];
}

/** Advantage of the candidate, free in all figures. */
interface Help {
  readonly metric: string;
  readonly message: string;
}

/**
 * Advantages that may hide a regression: drafts of unsimulated acceptance, earlier text, expert space beyond settings.
 */
export function helpsOf(base: Result, candidate: Result): Help[] {
  const drafts = ({ config: { workload } }: Result): string => {
    const { acceptance, acceptances, draft = 0, drafter } = part(part(workload).speculation);
    return draft === 0 ? 'no drafts' : String(acceptance ?? acceptances ?? drafter);
  };
  const warm = (result: Result): string => leaf(cacheOf(result).warm);
  const train = ({ config: { system } }: Result): string => leaf(part(part(system).predictor).train ?? []);
  const [before, after] = [base.bounds.capacityBytes, candidate.bounds.capacityBytes];
  const help = (metric: string, was: string, is: string, message: string): Help[] =>
    was === is ? [] : [{ metric, message: `${was} -> ${is}: ${message}` }];
  const earlier = 'text before the run may hide a regression';
  return [
    ...help('workload.speculation', drafts(base), drafts(candidate), 'acceptance is taken as said, not simulated'),
    ...(warm(candidate) === '-' || Number(warm(candidate)) < Number(warm(base))
      ? []
      : help('system.cache.warm', warm(base), warm(candidate), earlier)),
    ...(train(candidate) === '[]' ? [] : help('system.predictor.train', train(base), train(candidate), earlier)),
    ...(after > before && roomDifferences(base, candidate).length === 0
      ? help('memory.expertCache', formatBytes(before), formatBytes(after), 'the larger cache may hide a regression')
      : []),
  ];
}

/** Sizes and shares as numbers, in any notation. */
function canonical(value: unknown): unknown {
  if (typeof value === 'string') return BYTES.read(value) ?? SHARE.read(value) ?? value.toLowerCase();
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, canonical(item)])) : value;
}

const part = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : {});

/** Input of {@link VARYING} with the difference, or null. */
export const varyingOf = ({ path }: Difference): string | null =>
  VARYING.find((input) => path === input || path.startsWith(`${input}.`)) ?? null;

/** Remedy for inputs that differ. @param names of base and candidate */
export function remedyOf(base: Result, candidate: Result, names: readonly [string, string], inputs: readonly Difference[]): string {
  const held = [base, candidate].map(({ inputs: { traces } }) => traces.some(({ heldOut }) => heldOut !== undefined));
  const only = held[0] === held[1] ? null : held.indexOf(true);
  const share = part((only === 0 ? base : candidate).config.workload).holdOut ?? '20%';
  const varying = [...new Set(inputs.flatMap((input) => varyingOf(input) ?? []))];
  const rest = inputs.filter(
    (input) => varyingOf(input) === null && !(only !== null && /^trace\.\d+\.(heldOut|tokens|requests)$/.test(input.path)),
  );
  const { runtime = 'own' } = base.config;
  const same = [
    ...(varying.includes('runtime') ? [`run both with --runtime ${runtime === 'own' ? base.inputs.runtime : runtime}`] : []),
    ...(varying.includes('knowledge') ? ['give both the same knowledge'] : []),
    ...(varying.some((input) => !['runtime', 'knowledge'].includes(input)) ? ['run both with the same room'] : []),
  ];
  const ways = [
    ...(rest.length > 0 ? ['rerun with the same inputs'] : []),
    ...(only === null ? [] : [`run ${names[1 - only]} with --set workload.holdOut=${share}`]),
    ...(varying.length === 0 ? [] : [`${same.join(' and ')} (or let budgets say varies: [${varying.join(', ')}])`]),
  ];
  return `${ways.join(' and ')}, or pass --allow-different-inputs`;
}

/** Prose, sources and repeats, without effect on figures. */
const PROSE = /(^|\.)(cites|simplifies)$|^system\.decisive\.|^(system|machine)\.(.*\.)?source$|^overrides\.system(\.|$)/;

/** Settings that differ, without prose, with the system's name and moeprof's version. */
export function configDifferences(base: Result, candidate: Result): Difference[] {
  const settings = ({ config, inputs, tool }: Result): unknown => ({ moeprof: tool.version, system: inputs.system, ...config });
  return differences(settings(base), settings(candidate)).filter(({ path }) => !PROSE.test(path));
}

function differences(base: unknown, candidate: unknown, path = ''): Difference[] {
  if (hasKeys(base) && hasKeys(candidate)) {
    const keys = [...new Set([...Object.keys(base), ...Object.keys(candidate)])].sort();
    return keys.flatMap((key) => differences(ownValue(base, key), ownValue(candidate, key), path === '' ? key : `${path}.${key}`));
  }
  const [before, after] = [leaf(base), leaf(candidate)];
  return before === after ? [] : [{ path, base: before, candidate: after }];
}

const leaf = (value: unknown): string => (value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value));
