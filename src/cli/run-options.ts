import { UserError } from '../base/errors.js';
import { resolve } from '../base/host/paths.js';
import { cwd } from '../base/host/process.js';
import { isPath } from '../base/profiles.js';
import { locatedModule } from '../base/user-module.js';
import { flagValue, type Override } from '../base/yaml.js';
import { isComposed } from '../hardware/door.js';
import { locatedPredictor } from '../predict/predictors/create.js';
import { DEFAULT_RUNTIME, DEFAULT_SYSTEM } from '../runtime/door.js';
import { checkRun, loadRun, QUICK_START, REPLAYS, type RunCommand, type RunSpec, replacePredictor, splitFault } from '../system/door.js';
import { parseColumns } from '../trace/formats/columns.js';
import { type OptionsOf, options } from './kit/declared.js';
import { ALLOW_CODE, type TIMING, TRACED_MODEL, TRACES_FORMAT } from './kit/groups.js';
import { namedModel } from './kit/options.js';
import { missRulesOf } from './on-miss.js';

/** The replayed routing and its model. */
export const ROUTING = options({
  ...TRACED_MODEL,
  '--quantization <format>': 'storage format of the weights, e.g. q4_k_m',
  '-t, --trace <trace>...':
    "routing trace, repeatable; trace#FROM:TO is a range of its rows, a folder all files in it, - is JSONL on stdin, 'synthetic' is drawn",
  ...TRACES_FORMAT,
});

/** What runs, and with what. */
export const RUN = options({
  'What runs:': '',
  ...ROUTING,
  '--variant <variant>...': 'change the routing: top-p=0.9, null=8, ./mine.mjs, ...; repeatable, in order',
  '--top-k <n>': 'only the first choices of each token, short for a last --variant top-k=<n>',
  '-w, --hardware <machine>': 'parts such as rtx-3060+32GB, a name or a file; several with commas',
  '--runtime <runtime>': "software that executes the system, e.g. llama.cpp or ktransformers; own: the system's",
  '-s, --system <system>': 'system: a bundled name or a YAML file; several with commas',
  'Parts of the system:': '',
  '--cache <size>': 'cache: 8GiB, 25% of all experts, or 16/layer',
  '--gpu-layers <n>': 'decoder layers on the GPU, from the last (-ngl); the CPU holds the others',
  '--warm <text>': 'earlier text that the caches have served: so many tokens before the replayed ones, or a trace',
  '--policy <policy>': 'cache policy, e.g. lru, s3-fifo:small=0.1 or ./mine.mjs',
  '--scope <scope>': ['one cache for all layers, or one per layer', { choices: ['global', 'layer'] }],
  '--predictor <predictor>': 'path predictor: transition, predictor.onnx, ./mine.mjs, none, ...',
  '--rerank <lambda>': 'bonus of resident experts, in log gate weight; needs a trace with candidates',
  '--scheduler <scheduler>': 'batch scheduler: fcfs, cache-affinity:batches=4, ./mine.mjs, ...',
  '--on-miss <rules>': 'how misses are served: load, cpu, cheaper, static, ..., or cpu,admit=background',
  '--replay <replay>': ['an event is a pass at a layer, or a single activation', { choices: REPLAYS }],
  'Workload:': '',
  '--workload <arrivals>': 'arrivals: a file, poisson:rate=2 or gamma:rate=2,cv=2',
  '--rate <n>': 'requests per second, whatever the arrivals say; alone: Poisson',
  '--requests <n>': 'most requests',
  '--slo <limits>': 'what counts as goodput, e.g. ttft=2s,tpot=100ms',
  '--batch <n>': 'concurrent requests',
  '--tokens <n>': 'tokens to replay, from the start of each trace',
  '--seed <n>': 'seed of everything that is drawn',
  '--fault <fault>...': 'what goes wrong: at=2s,link=h2d,bandwidth=50%; repeatable',
  '--no-bounds': "leave out the bounds: Belady's hits, the floor, the best found",
  '--found <runs>': [
    'runs that look for the fastest schedule with all demand known: short ones, of up to 524,288 demanded experts, all, or none',
    { choices: ['short', 'all', 'none'] },
  ],
  '--strict': 'fail with exit code 2 on what the audit of the trace finds, instead of warning',
  '--set <path=value>...': 'set any value of the run, system.*, hardware.*, runtime.* or model.*, repeatable',
  ...ALLOW_CODE,
});

/** Flags of the replayed routing and its model. */
export type RoutingFlags = OptionsOf<typeof ROUTING>;

/** Flags of a run; `timing` only of commands that have it. */
export type RunFlags = Omit<OptionsOf<typeof RUN>, Lax> & Partial<Pick<OptionsOf<typeof RUN>, Lax> & OptionsOf<typeof TIMING>>;
type Lax = 'strict' | 'allowCode';

/** Run of a profile and flags; default: the quick start. @param last overrides that win over flags @throws UserError */
export function runOf(profile: string | undefined, options: RunFlags, last: readonly Override[] = []): RunSpec {
  const { allowCode, note, overrides, profile: file } = runCommandOf(profile, options, last);
  const run = file === undefined ? checkRun({}, 'moeprof run', overrides, allowCode) : loadRun(file, overrides, allowCode);
  return note === undefined ? run : { ...run, note };
}

/** Values of {@link runOf} as a repeatable command; `note`: unnamed values. */
export function runCommandOf(
  profile: string | undefined,
  options: RunFlags,
  last: readonly Override[] = [],
): RunCommand & { readonly note?: string } {
  const names = options.model ?? options.hardware ?? options.system ?? options.trace[0];
  const file = profile ?? (names === undefined ? QUICK_START : undefined);
  const overrides = [...overridesOf(options, file !== undefined), ...last];
  const allowCode = options.allowCode === true;
  const timings = options.timing?.length ? { timings: options.timing } : {};
  const policy = profile === undefined && file !== undefined ? lonelyPolicy(overrides) : undefined;
  if (policy === undefined) {
    const given = { profile: file, overrides, allowCode, ...timings };
    // Without system, cache or trace, the question is how a model runs on a machine.
    const chosen = overrides.some(({ path: [root] }) => root === 'system' || root === 'memory' || root === 'trace');
    return file === undefined && !chosen ? { ...given, note: UNCHOSEN } : given;
  }
  const note = `${DEFAULT_SYSTEM} never loads an expert, so ${policy.label} runs in ${LOADING}.`;
  return {
    profile: file,
    overrides: [{ path: ['system'], value: LOADING, label: policy.label }, ...overrides],
    allowCode,
    note,
    ...timings,
  };
}

/** Quick-start system for a cache policy: the usual system never loads an expert. */
const LOADING = 'on-demand-lru';

/** Note for a model on a machine without options: no real program runs the baseline. */
const UNCHOSEN = `No -s given: ${LOADING} is a baseline that no program is; -s ${DEFAULT_SYSTEM} is ${DEFAULT_RUNTIME}, and moeprof advise finds its flags.`;

/** Cache policy among overrides that otherwise keep the system and start with an empty cache. */
function lonelyPolicy(overrides: readonly Override[]): Override | undefined {
  const ofSystem = overrides.filter(({ path: [root] }) => root === 'system');
  if (ofSystem.some(({ path: [, part] }) => part === undefined || part === 'onMiss' || part === 'predictor')) return undefined;
  const policy = ofSystem.findLast(({ path: [, part, field] }) => part === 'cache' && field === 'policy');
  return typeof policy?.value === 'string' && !/^static\b/.test(policy.value) ? policy : undefined;
}

/** Run of a study. @param study profile and common values; flags win @param varied wins over flags @throws UserError */
export function runOfStudy(
  study: { readonly label: string; readonly run?: string; readonly fixed: readonly Override[] },
  options: RunFlags,
  varied: readonly Override[],
): RunSpec {
  const overrides = overridesOfStudy(study, options, varied);
  const code = options.allowCode === true;
  return study.run === undefined ? checkRun({}, study.label, overrides, code) : loadRun(study.run, overrides, code);
}

/** {@link runOfStudy} as a repeatable command. */
export function studyCommandOf(
  study: { readonly run?: string; readonly fixed: readonly Override[] },
  options: RunFlags,
  varied: readonly Override[],
): RunCommand {
  return { profile: study.run, overrides: overridesOfStudy(study, options, varied), allowCode: options.allowCode === true };
}

/** Overrides of {@link runOfStudy}; later overrides win. */
export function overridesOfStudy(
  study: { readonly fixed: readonly Override[] },
  options: RunFlags,
  varied: readonly Override[],
): Override[] {
  return [...study.fixed, ...overridesOf(options, true), ...varied];
}

/** @param fromFile true: paths of flags become absolute */
function overridesOf(options: RunFlags, fromFile: boolean): Override[] {
  const local = (value: string): string => (fromFile && isPath(value) ? resolve(value) : value);
  const located = (value: string): string => (fromFile ? locatedModule(value, cwd()) : value);
  const machine = (value: string): string => (isComposed(value) ? value : local(value));
  const overrides: Override[] = [...options.set.map(setOverride), ...routingOverrides(options, options, local)];
  const flag = adding(overrides);
  const variants = options.topK === undefined ? options.variant : [...options.variant, `top-k=${options.topK}`];
  if (variants.length > 0) flag('--variant', 'variants', variants.map(located));
  flag('--hardware', 'hardware', options.hardware, machine);
  flag('--runtime', 'runtime', options.runtime, local);
  flag('--system', 'system', options.system, local);
  flag('--cache', 'memory.expertCache', options.cache);
  flag('--warm', 'system.cache.warm', options.warm, number);
  flag('--gpu-layers', 'memory.gpuLayers', options.gpuLayers, number);
  flag('--policy', 'system.cache.policy', options.policy, located);
  flag('--scope', 'system.cache.scope', options.scope);
  if (options.predictor !== undefined) {
    const kind = fromFile ? locatedPredictor(options.predictor, cwd()) : options.predictor;
    overrides.push({ path: ['system', 'predictor'], value: kind, amend: replacePredictor(kind), label: '--predictor' });
  }
  flag('--rerank', 'system.rerank.lambda', options.rerank, number);
  flag('--scheduler', 'system.scheduler', options.scheduler, located);
  flag('--on-miss', 'system.onMiss', options.onMiss, missRulesOf);
  flag('--replay', 'replay', options.replay);
  flag('--workload', 'workload.arrivals', options.workload, local);
  flag('--rate', 'workload.rate', options.rate, number);
  flag('--requests', 'workload.requests', options.requests, number);
  flag('--slo', 'workload.slo', options.slo);
  flag('--batch', 'workload.batch', options.batch, number);
  if (options.fault.length > 0) flag('--fault', 'faults', options.fault.map(splitFault));
  flag('--found', 'found', options.found);
  if (!options.bounds) flag('--no-bounds', 'bounds', false);
  if (options.strict === true) flag('--strict', 'audit', 'strict');
  return overrides;
}

/** Overrides of the routing flags. @param local turns a name or path of the command line into one that a run may contain */
export function routingOverrides(
  options: RoutingFlags,
  { seed, tokens }: Pick<RunFlags, 'seed' | 'tokens'>,
  local: (value: string) => string = (value) => value,
): Override[] {
  const overrides: Override[] = [];
  const flag = adding(overrides);
  flag('--model', 'model', options.model, local);
  flag('--shape', 'model', options.model === undefined ? namedModel(options) : undefined);
  flag('--quantization', 'quantization', options.quantization);
  if (options.trace.length > 0) flag('--trace', 'trace', options.trace.map(local));
  flag('--trace-format', 'traceFormat', options.traceFormat, local);
  flag('--trace-columns', 'traceColumns', options.traceColumns, (text) => parseColumns(text));
  flag('--tokens', 'workload.tokens', tokens);
  flag('--seed', 'seed', seed, number);
  return overrides;
}

function adding(overrides: Override[]) {
  return <T>(label: string, path: string, given: T | undefined, read: (given: T) => unknown = (value) => value): void => {
    if (given !== undefined) overrides.push({ path: path.split('.'), value: read(given), label });
  };
}

/** Non-numbers stay text for the schema to judge. */
const number = (text: string): unknown => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text);

/** `path=value` of `--set`. @throws UserError */
export function setOverride(text: string): Override {
  const equals = text.indexOf('=');
  const path = text.slice(0, Math.max(0, equals)).trim().split('.');
  if (equals <= 0 || path.includes('')) throw new UserError(`--set ${text}: expected path=value, e.g. --set system.cache.policy=lfu`);
  let value: unknown;
  try {
    value = flagValue(text.slice(equals + 1));
  } catch {
    throw new UserError(`--set ${text}: the value is not YAML; quote it, e.g. --set '${path.join('.')}="..."'`);
  }
  return { path, value, label: `--set ${path.join('.')}` };
}
