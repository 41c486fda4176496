// What a run is told on the command line, for all commands that run. Flags become overrides of the run profile, so that a wrong one is
// answered with its own name.
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { parse as parseScalar } from 'yaml';
import { UserError } from '../base/errors.js';
import { isPath } from '../base/profiles.js';
import type { Override } from '../base/yaml.js';
import { locatedPredictor } from '../predict/create.js';
import { MISS_ACTIONS, REPLAYS } from '../system/choices.js';
import { splitFault } from '../system/faults.js';
import { checkRun, loadRun, type RunSpec } from '../system/run.js';
import { replacePredictor } from '../system/system.js';
import { parseColumns } from '../trace/formats/columns.js';
import { collect } from './options.js';

/** Values of {@link addRunOptions}. */
export interface RunFlags {
  readonly model?: string;
  readonly quantization?: string;
  readonly trace: readonly string[];
  readonly traceFormat?: string;
  readonly traceColumns?: string;
  readonly variant: readonly string[];
  readonly topK?: string;
  readonly rerank?: string;
  readonly hardware?: string;
  readonly system?: string;
  readonly cache?: string;
  readonly policy?: string;
  readonly predictor?: string;
  readonly scheduler?: string;
  readonly onMiss?: string;
  readonly scope?: string;
  readonly replay?: string;
  readonly workload?: string;
  readonly rate?: string;
  readonly requests?: string;
  readonly slo?: string;
  readonly batch?: string;
  readonly tokens?: string;
  readonly seed?: string;
  readonly fault: readonly string[];
  readonly bounds: boolean;
  readonly strict?: boolean;
  readonly set: readonly string[];
}

/** Adds the flags that say what runs. */
export function addRunOptions(command: Command): Command {
  return command
    .optionsGroup('What runs:')
    .option('-m, --model <model>', 'model: a bundled name or a file; may be left out where the trace names it')
    .option('--quantization <format>', 'storage format of the weights, e.g. q4_k_m')
    .option('-t, --trace <trace>', "routing trace, repeatable; - is JSONL on stdin, 'synthetic' is drawn", collect, [])
    .option('--trace-format <format>', 'format of the traces, instead of recognising it')
    .option('--trace-columns <map>', 'columns of a CSV, JSON lines or Parquet table: layer=…,experts=…,token=…')
    .option('--variant <variant>', 'routing as it might be: top-p=0.9, null=8, random, ...; repeatable, in order', collect, [])
    .option('--top-k <n>', 'only the first choices of each token, short for a last --variant top-k=<n>')
    .option('-w, --hardware <machine>', 'machine: a bundled name or a YAML file; several with commas')
    .option('-s, --system <system>', 'offloading system: a bundled name or a YAML file; several with commas')
    .optionsGroup('Parts of the system:')
    .option('--cache <size>', 'expert cache: 8GiB, 25% of all experts, or 16/layer')
    .option('--policy <policy>', 'cache policy, e.g. lru or s3-fifo:small=0.1')
    .addOption(new Option('--scope <scope>', 'one cache for all layers, or one per layer').choices(['global', 'layer']))
    .option('--predictor <predictor>', 'path predictor: transition, predictor.onnx, none, ...')
    .option('--rerank <lambda>', 'prefer resident experts by so much log gate weight, where a trace has candidates')
    .option('--scheduler <scheduler>', 'batch scheduler: fcfs, static, cache-affinity:batches=4, ...')
    .addOption(new Option('--on-miss <action>', 'what happens to a miss').choices([...MISS_ACTIONS]))
    .addOption(new Option('--replay <replay>', 'an event is a pass at a layer, or a single activation').choices([...REPLAYS]))
    .optionsGroup('Workload:')
    .option('--workload <arrivals>', 'arrivals: a file, poisson:rate=2 or gamma:rate=2,cv=2')
    .option('--rate <n>', 'requests per second, whatever the arrivals say')
    .option('--requests <n>', 'most requests')
    .option('--slo <limits>', 'what counts as goodput, e.g. ttft=2s,tpot=100ms')
    .option('--batch <n>', 'concurrent requests')
    .option('--tokens <n>', 'tokens to replay, from the start of the trace')
    .option('--seed <n>', 'seed of everything that is drawn')
    .option('--fault <fault>', 'what goes wrong: at=2s,link=h2d,bandwidth=50%; repeatable', collect, [])
    .option('--no-bounds', 'leave out the Belady bound')
    .option('--strict', 'fail with exit code 2 on what the audit of the trace finds, instead of warning')
    .option('--set <path=value>', 'set any value of the run, system.*, hardware.* or model.*, repeatable', collect, []);
}

/**
 * The run that a profile and flags name; without either, the quick start.
 * @param profile bundled name or file
 * @param last overrides that win over flags
 * @throws UserError
 */
export function runOf(profile: string | undefined, options: RunFlags, last: readonly Override[] = []): RunSpec {
  const names = options.model ?? options.hardware ?? options.system ?? options.trace[0];
  const file = profile ?? (names === undefined ? 'quickstart' : null);
  const overrides = [...overridesOf(options, file !== null), ...last];
  return file === null ? checkRun({}, 'moeprof run', overrides) : loadRun(file, overrides);
}

/**
 * Flags win over `--set`, so they come later.
 * @param fromFile true: the profile's paths are relative to its own folder, so those of flags must not be relative at all
 */
function overridesOf(options: RunFlags, fromFile: boolean): Override[] {
  const overrides: Override[] = options.set.map(setOverride);
  const flag = (label: string, path: string, value: unknown): void => {
    if (value !== undefined) overrides.push({ path: path.split('.'), value, label });
  };
  const local = (value: string | undefined): string | undefined =>
    value !== undefined && fromFile && isPath(value) ? resolve(value) : value;
  const integer = (value: string | undefined): unknown => (value !== undefined && /^-?\d+$/.test(value) ? Number(value) : value);
  const number = (value: string | undefined): unknown => (value !== undefined && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value);
  flag('--model', 'model', local(options.model));
  flag('--quantization', 'quantization', options.quantization);
  if (options.trace.length > 0) flag('--trace', 'trace', options.trace.map(local));
  flag('--trace-format', 'traceFormat', options.traceFormat);
  if (options.traceColumns !== undefined) flag('--trace-columns', 'traceColumns', parseColumns(options.traceColumns));
  const variants = options.topK === undefined ? options.variant : [...options.variant, `top-k=${options.topK}`];
  if (variants.length > 0) flag('--variant', 'variants', variants);
  flag('--hardware', 'hardware', local(options.hardware));
  flag('--system', 'system', local(options.system));
  flag('--cache', 'memory.expertCache', options.cache);
  flag('--policy', 'system.cache.policy', local(options.policy));
  flag('--scope', 'system.cache.scope', options.scope);
  if (options.predictor !== undefined) {
    const kind = fromFile ? locatedPredictor(options.predictor, process.cwd()) : options.predictor;
    overrides.push({ path: ['system', 'predictor'], value: kind, amend: replacePredictor(kind), label: '--predictor' });
  }
  flag('--rerank', 'system.rerank.lambda', number(options.rerank));
  flag('--scheduler', 'system.scheduler', options.scheduler);
  flag('--on-miss', 'system.onMiss', options.onMiss);
  flag('--replay', 'replay', options.replay);
  flag('--workload', 'workload.arrivals', local(options.workload));
  flag('--rate', 'workload.rate', number(options.rate));
  flag('--requests', 'workload.requests', integer(options.requests));
  flag('--slo', 'workload.slo', options.slo);
  flag('--batch', 'workload.batch', integer(options.batch));
  flag('--tokens', 'workload.tokens', options.tokens);
  flag('--seed', 'seed', integer(options.seed));
  if (options.fault.length > 0) flag('--fault', 'faults', options.fault.map(splitFault));
  if (!options.bounds) flag('--no-bounds', 'bounds', false);
  if (options.strict === true) flag('--strict', 'audit', 'strict');
  return overrides;
}

function setOverride(text: string): Override {
  const equals = text.indexOf('=');
  const path = text.slice(0, Math.max(0, equals)).trim().split('.');
  if (equals <= 0 || path.includes('')) throw new UserError(`--set ${text}: expected path=value, e.g. --set system.cache.policy=lfu`);
  let value: unknown;
  try {
    value = parseScalar(text.slice(equals + 1));
  } catch {
    throw new UserError(`--set ${text}: the value is not YAML; quote it, e.g. --set '${path.join('.')}="..."'`);
  }
  return { path, value, label: `--set ${path.join('.')}` };
}
