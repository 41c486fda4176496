// Tables that people write: a row a setting, a column a speed: `| -ncmoe | pp512 | tg128 |`.
import { byName, definedFields } from '../base/objects.js';
import { RUNTIMES } from './index.js';
import { settingsOfFlags, settingsOfLog } from './llama.cpp/llama-log.js';
import { demandCells, FASTEST, linesOf, listField, speedFields, tableCells, wholeOf } from './logs/lines.js';
import type { PrintedTiming, Timing } from './logs/timing.js';
import { spokenFacts } from './spoken-timing.js';

const SPEED =
  /^(pp|tg|s_pp|s_tg|prefill|prompt|decode|decoding|generation|gen|eval|token generation|prompt processing|prompt eval|(?:avg |average |mean )?(?:tok(?:en)?s?\/s|t\/s|tps))\s*@?\s*(\d*)\b/i;
const PROMPT = /^(?:s_)?(?:pp|pre|prompt)/i;
const DEPTH = /^(?:depth|context(?: length)?|ctx|n_kv|input tokens|prompt tokens|input|tokens)$/i;
const WORDS = /^(?:model|quant|quantization|format|gpu|card|cpu|machine|hardware|setup|engine|runtime|backend)s?$/i;

/** Columns that tell rows apart, and are no setting. */
const LABEL = /^(?:build|version|commit|run|#|no|note|notes|comment|date|test|name|label|where)$/i;

/** Flags by the columns that mean them. */
const FLAGS = byName<string>({
  ncmoe: '-ncmoe',
  n_cpu_moe: '-ncmoe',
  'n-cpu-moe': '-ncmoe',
  ngl: '-ngl',
  threads: '-t',
  t: '-t',
  ub: '-ub',
  ubatch: '-ub',
  n_ubatch: '-ub',
  fa: '-fa',
  ot: '-ot',
  flags: '',
  args: '',
  command: '',
  settings: '',
  config: '',
  offload: '',
});

/** Most characters of the words around a table; ours. */
const LONGEST = 4000;
/** Most columns of a table; ours. */
const MOST_COLUMNS = 40;

const isRow = (line: string): boolean => /^\s*\|.*\|\s*$/.test(line);
const plain = (cell: string): string => cell.replace(/[*`_]{1,2}(?=\S)|(?<=\S)[*`]{1,2}/g, '').trim();
const isHead = (line: string): boolean =>
  isRow(line) && tableCells(line).length <= MOST_COLUMNS && tableCells(line).some((cell) => SPEED.test(plain(cell)));

/** True for a table with a column of speeds. */
export const isHandTable = (text: string): boolean => text.split('\n').some((line) => line.length <= LONGEST && isHead(line));

/** @param path for messages @throws UserError for a row of other cells than its head */
export function readHandTable(text: string, path: string): Timing[] {
  const lines = linesOf(text, path);
  const around = lines.flatMap((line) => (isRow(line.text) ? [] : [line.text])).join('\n');
  // Words between tables are no settings of a run, flags are.
  const { uncounted: flags = [], ...settings } = settingsOfLog(around, path);
  const { uncounted: _, ...spoken } = spokenFacts(around.slice(0, LONGEST));
  const found: Timing[] = [];
  let head: readonly string[] | null = null;
  for (const { place, text: line } of lines) {
    if (!isRow(line)) head = null;
    else if (head === null) head = isHead(line) ? tableCells(line).map(plain) : null;
    else if (!/^\|[\s:|-]+\|$/.test(line.trim())) {
      const cells = tableCells(line).map(plain);
      demandCells(cells, head.length, place);
      const row = rowOf(head, cells);
      if (row.decode === undefined && row.prefill === undefined) continue;
      const uncounted = [...flags, ...(row.uncounted ?? [])];
      found.push({
        engine: RUNTIMES[0]!.name,
        ...spoken,
        ...settings,
        ...row,
        ...(row.machine !== undefined && { devices: undefined, cpu: undefined }),
        place,
        ...(uncounted.length > 0 && { uncounted }),
      } as Timing);
    }
  }
  return found;
}

function rowOf(head: readonly string[], cells: readonly string[]): Partial<Timing> {
  let row: Partial<Timing> = {};
  const uncounted: string[] = [];
  for (const [i, name] of head.entries()) {
    const fields = fieldsOf(name, cells[i]!);
    if (fields === null) uncounted.push(`${name} ${cells[i]}`.trim().slice(0, 60));
    uncounted.push(...(fields?.uncounted ?? []));
    row = { ...row, ...fields };
  }
  return { ...row, ...listField('uncounted', uncounted) };
}

/** Fields of a cell; null: a column that is not understood. */
function fieldsOf(name: string, cell: string): Partial<Timing> | null {
  const speed = SPEED.exec(name);
  if (speed !== null) return speedOf(speed[1]!, wholeOf(speed[2]), cell);
  if (cell === '' || cell === '-' || LABEL.test(name)) return {};
  const key = name.toLowerCase().replace(/^-+/, '');
  if (DEPTH.test(name)) return definedFields({ depth: wholeOf(/^[\d,]+/.exec(cell)?.[0].replaceAll(',', '')) });
  const flag = /^--?[a-z]/i.test(name) ? name.split(/[\s,]/)[0] : FLAGS[key];
  if (flag !== undefined) return settingsOfFlags(`${flag} ${flag === '' ? cell : `"${cell.replaceAll('"', '')}"`}`);
  if (!WORDS.test(name)) return null;
  const { uncounted, ...facts } = spokenFacts(cell);
  return Object.keys(facts).length > 0 ? facts : { uncounted: uncounted ?? [] };
}

function speedOf(phase: string, tokens: number | undefined, cell: string): Partial<PrintedTiming> {
  const speed = Number(/^~?\s*(\d[\d,]{0,11}(?:\.\d{1,6})?)/.exec(cell)?.[1]?.replaceAll(',', '') ?? Number.NaN);
  if (!(speed > 0 && speed <= FASTEST)) return {};
  return speedFields(PROMPT.test(phase), speed, tokens || undefined);
}
