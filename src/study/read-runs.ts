// Rows from finished runs: a store, a folder of results, a study's JSON or JSON lines, or single results.

import { UserError } from '../base/errors.js';
import { whatStands } from '../base/files.js';
import { entriesBelow } from '../base/host/files.js';
import { join } from '../base/host/paths.js';
import { readText } from '../base/input-file.js';
import { KEY_COLUMNS, type KeyColumn, type RunRow, rowOf, rowOfResult, STUDY_SCHEMA, type Study, type SweepValue } from '../figure/door.js';
import { METRICS } from '../result/catalogue.js';
import { parseResult, readResult } from '../result/read.js';
import { Store } from './store.js';

/**
 * Reads the rows of a path.
 * @throws UserError where there are none, or one is damaged
 */
export function readRuns(path: string): RunRow[] {
  const stat = whatStands(path);
  if (stat === undefined) throw new UserError(`${path}: there is no such file; give a store, a folder of results, or what sweep -o wrote`);
  if (/\.(csv|parquet)$/i.test(path))
    throw new UserError(
      `${path}: is read by data frames; give the store, or the same as .jsonl, which moeprof sweep study.yaml -o runs.jsonl writes`,
    );
  const rows = stat.isDirectory() ? rowsOfFolder(path) : /\.(jsonl|ndjson)$/i.test(path) ? rowsOfLines(path) : rowsOfJson(path);
  if (rows.length === 0) throw new UserError(`${path}: holds no results; moeprof run -o ${path}/one.json writes one`);
  return rows;
}

/** A store, or results in files below. */
function rowsOfFolder(folder: string): RunRow[] {
  const names = entriesBelow(folder)
    .filter((entry) => entry.isFile() && /\.json$/i.test(entry.name) && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (names.some((name) => !/[\\/][0-9a-f]{2}[\\/][0-9a-f]{64}\.json$/.test(name)))
    return names.map((name) => rowOfResult(readResult(name)));
  if (names.length === 0) return [];
  const store = Store.open(folder);
  return [...store.fingerprints()].map((fingerprint) => {
    const outcome = store.get(fingerprint, true);
    if (outcome === null)
      throw new UserError(`${folder}: run ${fingerprint.slice(0, 12)} is damaged; moeprof store verify ${folder} says how`);
    const row = rowOf(fingerprint, {}, outcome);
    return outcome.status === 'done' ? { ...row, config: outcome.result.config } : row;
  });
}

/** A result, a ranking as `run -s a,b -o` writes it, or a study as `sweep -o study.json` does. */
function rowsOfJson(path: string): RunRow[] {
  const text = readText(path, 'result');
  if (/^\s*\[/.test(text)) return rowsOfRanking(text, path);
  if (!text.includes(`"${STUDY_SCHEMA}"`)) return [rowOfResult(parseResult(text, path))];
  try {
    const { rows } = JSON.parse(text) as Partial<Study>;
    if (Array.isArray(rows)) return [...rows];
  } catch {
    // Told below.
  }
  throw new UserError(`${path}: is no whole study; write it again with moeprof sweep -o ${path}`);
}

/** Results in a list, and runs that were refused. */
function rowsOfRanking(text: string, path: string): RunRow[] {
  let runs: unknown;
  try {
    runs = JSON.parse(text);
  } catch {
    throw new UserError(`${path}: is no whole ranking; write it again with moeprof run -s a,b -o ${path}`);
  }
  return (runs as readonly unknown[]).map((run): RunRow => {
    const { again, hardware, reason, status, system } = (run ?? {}) as Partial<Readonly<Record<string, string>>>;
    if (status !== 'refused') return rowOfResult(parseResult(JSON.stringify(run), path));
    const key = Object.fromEntries(Object.entries({ system, hardware }).filter(([, name]) => name !== undefined && name !== ''));
    return { status, reason: reason ?? '', ...(again === undefined ? {} : { again }), key, values: {}, metrics: {} };
  });
}

/** A study as `sweep -o study.jsonl` writes it. */
function rowsOfLines(path: string): RunRow[] {
  const lines = readText(path, 'result').split('\n');
  return lines.flatMap((line, at): RunRow[] => {
    if (line.trim() === '') return [];
    const wrong = new UserError(`${path}:${at + 1}: is no row of a study; moeprof sweep study.yaml -o ${path} writes them`);
    let fields: unknown;
    try {
      fields = JSON.parse(line);
    } catch {
      throw wrong;
    }
    if (typeof fields !== 'object' || fields === null || !('status' in fields)) throw wrong;
    return [rowOfFields(fields as Readonly<Record<string, SweepValue | null>>)];
  });
}

/** Columns that say something of the row itself. */
const OF_ROW: ReadonlySet<string> = new Set(['status', 'reason', 'again']);

/** The row whose columns these are. */
function rowOfFields(fields: Readonly<Record<string, SweepValue | null>>): RunRow {
  const key: Partial<Record<KeyColumn, SweepValue>> = {};
  const values: Record<string, SweepValue> = {};
  const metrics: Record<string, number> = {};
  for (const [name, value] of Object.entries(fields)) {
    const metric = name.replace(/ \[[^\]]*\]$/, '');
    if (value === null || OF_ROW.has(name)) continue;
    if ((KEY_COLUMNS as readonly string[]).includes(name)) key[name as KeyColumn] = value;
    else if (metric !== name && METRICS.has(metric)) metrics[metric] = Number(value);
    else values[name] = value;
  }
  const again = typeof fields.again === 'string' ? { again: fields.again } : {};
  return { status: fields.status as RunRow['status'], reason: (fields.reason ?? null) as string | null, ...again, key, values, metrics };
}
