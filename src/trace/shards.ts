// A folder of shards: one recording in several files, as engines write them by rank (Megatron-LM, TensorRT-LLM) or by reply (vLLM, SGLang).

import { UserError } from '../base/errors.js';
import { join } from '../base/host/paths.js';
import { isFolder, listFolder } from '../base/input-file.js';
import { concatTraces } from './concat.js';
import type { Popularity } from './popularity.js';
import type { RoutingTrace } from './trace.js';

/** Files of TensorRT-LLM beside the counts of its ranks: the layout of experts, and their co-occurrence. */
const BESIDE = /^(meta_info\.json|cooccurrence_rank\d+\.safetensors)$/;

/** Compares numbers in names by value: rank2 comes before rank10. */
const byNumber = new Intl.Collator('en', { numeric: true });

/**
 * The files of a folder that are shards, in the order of their names; hidden ones are omitted.
 * @throws UserError where there is none, or a folder among them
 */
export function filesOfFolder(folder: string): string[] {
  const names = listFolder(folder).filter((name) => !name.startsWith('.') && !BESIDE.test(name));
  if (names.length === 0) throw new UserError(`${folder}: the folder is empty; name the one that holds the recording's files`);
  return names.sort(byNumber.compare).map((name) => {
    const path = join(folder, name);
    if (isFolder(path)) throw new UserError(`${path}: is a folder among shards; name the one that holds files only, or move it away`);
    return path;
  });
}

/**
 * All shards of a folder as one trace, with the requests of one after those of another.
 * @param open opens one of them
 * @throws UserError where one cannot be opened, or two are not of one model
 */
export async function joinedShards(folder: string, open: (path: string) => Promise<RoutingTrace>): Promise<RoutingTrace> {
  const traces: RoutingTrace[] = [];
  try {
    for (const path of filesOfFolder(folder)) traces.push(await open(path));
    const joined = concatTraces(traces);
    return { ...joined, path: folder, meta: { ...joined.meta, notes: { ...joined.meta.notes, shards: String(traces.length) } } };
  } catch (error) {
    for (const trace of traces) trace.close();
    throw error;
  }
}

/**
 * Counts of all shards of a folder, added up.
 * @throws UserError where two differ in layers or experts
 */
export async function summedShards(folder: string, open: (path: string) => Promise<Popularity>): Promise<Popularity> {
  let sum: Popularity | null = null;
  for (const path of filesOfFolder(folder)) {
    const one = await open(path);
    if (sum === null) sum = { ...one, path: folder, counts: one.counts.map((counts) => counts.slice()) };
    else add(sum, one);
  }
  return sum!;
}

function add(sum: Popularity, one: Popularity): void {
  if (one.counts.length !== sum.counts.length) {
    throw new UserError(
      `${one.path}: counts ${one.counts.length} layers, other shards ${sum.counts.length}; keep those of one model in a folder`,
    );
  }
  for (const [layer, counts] of one.counts.entries()) {
    const total = sum.counts[layer]!;
    if (counts.length !== total.length) {
      throw new UserError(
        `${one.path}: layer ${layer} has ${counts.length} experts, in other shards ${total.length}; keep those of one model in a folder`,
      );
    }
    for (let expert = 0; expert < counts.length; expert++) total[expert]! += counts[expert]!;
  }
}
