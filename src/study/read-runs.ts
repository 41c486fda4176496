import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { whatStands } from '../base/files.js';
import { bytesOf } from '../base/host/bytes.js';
import { basename } from '../base/host/paths.js';
import { filesBelow, readText } from '../base/input-file.js';
import { isObject, isOwnName } from '../base/objects.js';
import { pasted } from '../base/shell.js';
import { visible } from '../base/text.js';
import { KEY_COLUMNS, type RunRow, rowOf, rowOfResult, STUDY_SCHEMA } from '../figure/door.js';
import { parseJson } from '../model/door.js';
import { METRICS, nameToday, rangeOf } from '../result/catalogue.js';
import { checkedResult, metricKey, parseResult, readResult } from '../result/read.js';
import { Store } from './store.js';

/** Rows of a store, a folder of results, a study, or results. @throws UserError for no rows, or damage */
export function readRuns(path: string): RunRow[] {
  const stat = whatStands(path);
  if (stat === null) throw new UserError(`${path}: there is no such file; give a store, a folder of results, or what sweep -o wrote`);
  if (/\.(csv|parquet)$/i.test(path))
    throw new UserError(
      `${path}: is read by data frames; give the store, or the same as .jsonl, which moeprof sweep study.yaml -o runs.jsonl writes`,
    );
  const rows = stat.isDirectory() ? rowsOfFolder(path) : /\.(jsonl|ndjson)$/i.test(path) ? rowsOfLines(path) : rowsOfJson(path);
  if (rows.length === 0) throw new UserError(`${path}: holds no results; moeprof run -o ${pasted(`${path}/one.json`)} writes one`);
  return rows;
}

function rowsOfFolder(folder: string): RunRow[] {
  const names = filesBelow(folder).filter((path) => /\.json$/i.test(path) && !basename(path).startsWith('.'));
  if (names.some((name) => !/[\\/][0-9a-f]{2}[\\/][0-9a-f]{64}\.json$/.test(name)))
    return names.map((name) => rowOfResult(readResult(name)));
  if (names.length === 0) return [];
  const store = Store.open(folder);
  return [...store.fingerprints()].map((fingerprint) => {
    const outcome = store.get(fingerprint, true);
    if (outcome === null)
      throw new UserError(`${folder}: run ${fingerprint.slice(0, 12)} is damaged; moeprof store verify ${pasted(folder)} says how`);
    const row = rowOf(fingerprint, {}, outcome);
    return outcome.status === 'done' ? { ...row, config: outcome.result.config } : row;
  });
}

/** A result, a ranking (`run -s a,b -o`), or a study (`sweep -o study.json`). */
function rowsOfJson(path: string): RunRow[] {
  const text = readText(path, 'result');
  if (/^\s*\[/.test(text)) return rowsOfRanking(text, path);
  if (!text.includes(`"${STUDY_SCHEMA}"`)) return [rowOfResult(parseResult(text, path))];
  const wrong = `is no whole study; write it again with moeprof sweep -o ${pasted(path)}`;
  const study = parseJson(bytesOf(text), path, wrong);
  if (!isObject(study) || study.schema !== STUDY_SCHEMA || !Array.isArray(study.rows)) throw new UserError(`${path}: ${wrong}`);
  return study.rows.map((row, at) => checkedRow(row, `${path}: rows.${at}`));
}

function rowsOfRanking(text: string, path: string): RunRow[] {
  const runs = parseJson(bytesOf(text), path, `is no whole ranking; write it again with moeprof run -s a,b -o ${pasted(path)}`);
  return (runs as readonly unknown[]).map((run, at): RunRow => {
    const { again, hardware, reason, status, system } = isObject(run) ? run : {};
    if (status !== 'refused') return rowOfResult(checkedResult(run, path));
    const key = Object.fromEntries(Object.entries({ system, hardware }).filter(([, name]) => name !== undefined && name !== ''));
    return checkedRow(
      { status, reason: reason ?? '', ...(again === undefined ? {} : { again }), key, values: {}, metrics: {} },
      `${path}: ${at}`,
    );
  });
}

function rowsOfLines(path: string): RunRow[] {
  const lines = readText(path, 'result').split('\n');
  return lines.flatMap((line, at): RunRow[] => {
    if (line.trim() === '') return [];
    const place = `${path}:${at + 1}`;
    const wrong = `is no row of a study; moeprof sweep study.yaml -o ${pasted(path)} writes them`;
    const fields = parseJson(bytesOf(line), place, wrong);
    if (!isObject(fields) || !('status' in fields)) throw new UserError(`${place}: ${wrong}`);
    return [checkedRow(rowOfFields(fields), place)];
  });
}

function rowOfFields({ again, reason = null, status, ...fields }: Readonly<Record<string, unknown>>): unknown {
  const [key, values, metrics] = [new Map<string, unknown>(), new Map<string, unknown>(), new Map<string, unknown>()];
  for (const [name, value] of Object.entries(fields)) {
    const metric = name.replace(/ \[[^\]]*\]$/, '');
    if (value === null) continue;
    if ((KEY_COLUMNS as readonly string[]).includes(name)) key.set(name, value);
    else if (metric !== name && METRICS.has(metric)) metrics.set(metric, value);
    else values.set(name, value);
  }
  const parts = { key: Object.fromEntries(key), values: Object.fromEntries(values), metrics: Object.fromEntries(metrics) };
  return { status, reason, ...(typeof again === 'string' ? { again } : {}), ...parts };
}

const value = z.union([z.string(), z.number(), z.boolean()]);
const line = z.string().transform(visible);
const parts = {
  again: line.optional(),
  key: z.partialRecord(z.enum(KEY_COLUMNS), value),
  values: z.record(z.string().refine(isOwnName), value),
  metrics: z.record(metricKey.transform(nameToday), z.number()),
  config: z.record(z.string().refine(isOwnName), z.unknown()).optional(),
};
const rowShape = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('done'), reason: z.null(), ...parts }),
  z.strictObject({ status: z.enum(['refused', 'failed']), reason: line, ...parts }),
]);

/** Checks kinds of values and ranges of figures. @param place for messages @throws UserError */
function checkedRow(raw: unknown, place: string): RunRow {
  const { data, error } = rowShape.safeParse(raw);
  if (data === undefined) {
    const [{ message, path }] = error.issues as [z.core.$ZodIssue];
    throw new UserError(`${place}: is no row of a study: ${[...path.map(String), message].join(': ')}; write it again with moeprof sweep`);
  }
  for (const [name, figure] of Object.entries(data.metrics)) {
    const [least, most] = rangeOf(name);
    if (figure < least || figure > most)
      throw new UserError(`${place}: ${name} is ${figure}, which no run gives; write it again with moeprof sweep`);
  }
  return data as RunRow;
}
