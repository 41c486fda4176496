import { UserError } from '../../base/errors.js';
import { join } from '../../base/host/paths.js';
import { isFolder, listFolder } from '../../base/input-file.js';
import { splitRows } from '../../base/profiles.js';
import { type ModelSpec, mostTopK } from '../../model/door.js';
import { concatTraces } from '../concat.js';
import type { OpenOptions, TraceFormat } from '../formats/format.js';
import { formatOf } from '../formats/index.js';
import { loadFormat } from '../formats/user-format.js';
import type { RoutingProfile } from '../generate/routing-profile.js';
import { type RequestLength, requestsOf, synthesize } from '../generate/synthetic.js';
import { type Popularity, popularityOf } from '../popularity.js';
import { rowsNamed } from '../selection.js';
import { openSource, type TraceSource } from '../source.js';
import type { RoutingTrace } from '../trace.js';

/** Options for opening a file, or for the generator. */
export interface TraceOptions extends OpenOptions {
  /** Seed of generated routing; default 0. */
  readonly seed?: number;
  /** Tokens to generate; default 512. */
  readonly tokens?: number;
  /** Requests to generate, instead of `tokens`. */
  readonly requests?: readonly RequestLength[];
  /** False if the caller reshapes the trace before a comparison with the model. */
  readonly fits?: false;
  readonly routing?: Partial<RoutingProfile>;
}

/** Name of generated routing in place of a file. */
const SYNTHETIC = 'synthetic';

/**
 * `-`: standard input, `synthetic`: generated. @param named `file#6000:8000`: rows; a folder: all files
 * @throws UserError if unreadable, malformed, counts only, or unfit for `options.model`
 */
export async function openTrace(named: string, options: TraceOptions = {}): Promise<RoutingTrace> {
  const { path, rows } = splitRows(named);
  if (path === SYNTHETIC) {
    if (options.model === undefined) throw new UserError('synthetic routing needs a model to route; name one with --model');
    return synthesize(options.model, {
      seed: options.seed ?? 0,
      requests: options.requests ?? requestsOf(options.tokens ?? 512),
      ...(options.routing === undefined ? {} : { profile: options.routing }),
    });
  }
  if (path !== '-' && isFolder(path)) return openFolder(named, options);
  const source = await openSource(path);
  try {
    const format = await formatFor(source, options);
    if (format.open === undefined)
      throw new UserError(
        `${path}: ${format.name} holds how often each expert was chosen, not when; a cache or predictor needs a trace with one row per token. ` +
          'Counts place experts: run --policy static --set system.cache.popularity=FILE, or curve --popularity FILE',
      );
    const trace = await format.open(source, options);
    source.checkUnchanged();
    return selected(trace, rows, named, options);
  } catch (error) {
    source.close();
    throw error;
  }
}

/** Shards (Megatron-LM, TensorRT-LLM: by rank; vLLM, SGLang: by reply). @throws UserError if shards differ */
async function openFolder(named: string, options: TraceOptions): Promise<RoutingTrace> {
  const { path, rows } = splitRows(named);
  const traces: RoutingTrace[] = [];
  try {
    for (const shard of filesOfFolder(path)) traces.push(await openTrace(shard, { ...options, fits: false }));
    const joined = concatTraces(traces);
    const notes = { ...joined.meta.notes, shards: String(traces.length) };
    return selected({ ...joined, path, meta: { ...joined.meta, notes } }, rows, named, options);
  } catch (error) {
    for (const trace of traces) trace.close();
    throw error;
  }
}

function selected(trace: RoutingTrace, rows: string, named: string, { fits, model }: TraceOptions): RoutingTrace {
  if (model !== undefined && fits !== false) checkFits(trace, model);
  return rowsNamed(trace, rows, named);
}

async function holdsCounts(folder: string, options: OpenOptions): Promise<boolean> {
  const source = await openSource(filesOfFolder(folder)[0]!);
  try {
    return (await formatFor(source, options)).counts !== undefined;
  } finally {
    source.close();
  }
}

async function formatFor(source: TraceSource, options: OpenOptions): Promise<TraceFormat> {
  const format = await loadFormat(options.format);
  if (format === null) return formatOf(source, options);
  if (options.columns === undefined) return format;
  throw new UserError(`--trace-columns: format ${format.name} has columns of its own; leave the map out`);
}

/** Activation counts, or a trace (`file#0:6000`: rows). @throws UserError if neither */
export async function openPopularity(named: string, options: OpenOptions = {}): Promise<Popularity> {
  const { path, rows } = splitRows(named);
  if (path !== '-' && isFolder(path)) {
    if (rows === '' && (await holdsCounts(path, options))) return summedShards(path, options);
    const joined = await openFolder(named, options);
    try {
      return popularityOf(joined);
    } finally {
      joined.close();
    }
  }
  const source = await openSource(path);
  try {
    const format = await formatFor(source, options);
    if (format.counts === undefined) return popularityOf(rowsNamed(await format.open!(source, options), rows, named));
    if (rows !== '') throw new UserError(`${named}: ${format.name} holds counts, which have no rows; leave ${rows} out`);
    return { path, format: format.name, model: null, counts: format.counts(source) };
  } finally {
    source.close();
  }
}

/** @throws UserError for other layers, experts or choices than the model's */
export function checkFits(trace: RoutingTrace, model: ModelSpec): void {
  const refuse = (what: string, also = ''): never => {
    throw new UserError(`${trace.path}: ${what}; name the model that was recorded with --model${also}`);
  };
  if (trace.layers !== model.layers.length) refuse(`has ${trace.layers} MoE layers, ${model.name} has ${model.layers.length}`);
  const widest = mostTopK(model);
  if (trace.topK > widest) {
    const also = `, or keep the first choices with --variant top-k=${widest} (run, trace convert)`;
    refuse(`tokens choose up to ${trace.topK} experts per layer, ${model.name} routes to ${widest}`, also);
  }
  for (const layer of model.layers) {
    const experts = trace.expertsPerLayer[layer.index]!;
    if (experts > layer.experts) refuse(`layer ${layer.index}: has ${experts} experts, ${model.name} has ${layer.experts}`);
  }
}

/** TensorRT-LLM files without counts: layout of experts, co-occurrence. */
const BESIDE = /^(meta_info\.json|cooccurrence_rank\d+\.safetensors)$/;

const byNumber = new Intl.Collator('en', { numeric: true });

/** Visible shards of a folder, by name. @throws UserError if empty or nested */
function filesOfFolder(folder: string): string[] {
  const names = listFolder(folder).filter((name) => !name.startsWith('.') && !BESIDE.test(name));
  if (names.length === 0) throw new UserError(`${folder}: the folder is empty; name the one that holds the recording's files`);
  return names.sort(byNumber.compare).map((name) => {
    const path = join(folder, name);
    if (isFolder(path)) throw new UserError(`${path}: is a folder among shards; name the one that holds files only, or move it away`);
    return path;
  });
}

/** Sum of counts over shards. @throws UserError if layers or experts differ */
async function summedShards(folder: string, options: OpenOptions): Promise<Popularity> {
  let sum: Popularity | null = null;
  for (const path of filesOfFolder(folder)) {
    const part = await openPopularity(path, options);
    if (sum === null) sum = { ...part, path: folder, counts: part.counts.map((counts) => counts.slice()) };
    else add(sum, part);
  }
  return sum!;
}

function add(sum: Popularity, part: Popularity): void {
  if (part.counts.length !== sum.counts.length)
    throw new UserError(
      `${part.path}: counts ${part.counts.length} layers, other shards ${sum.counts.length}; keep those of one model in a folder`,
    );
  for (const [layer, counts] of part.counts.entries()) {
    const total = sum.counts[layer]!;
    if (counts.length !== total.length)
      throw new UserError(
        `${part.path}: layer ${layer} has ${counts.length} experts, in other shards ${total.length}; keep those of one model in a folder`,
      );
    for (let expert = 0; expert < counts.length; expert++) total[expert]! += counts[expert]!;
  }
}
