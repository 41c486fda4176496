import { messageOf, UserError } from '../../base/errors.js';
import { byName, definedFields } from '../../base/objects.js';
import { demandCells, linesOf, listField, type PlacedLine, printedSize, printedSpeed, tableCells, wholeOf } from '../logs/lines.js';
import type { PrintedTiming, TimingFormat } from '../logs/timing.js';
import { withCaches } from './cache-log.js';
import { mapsBy, settingsOfLog } from './llama-log.js';

/** llama-bench: JSON, JSON lines and Markdown tables (`-o json|jsonl|md`), a row per test. */
export const llamaBenchJson: TimingFormat = {
  recognizes: (text) => /^\s*[[{]/.test(text) && /"avg_ts"\s*:/.test(text),
  read: (text, path) =>
    /^\s*\[/.test(text)
      ? listOf(text, path)
      : linesOf(text, path)
          .filter(({ text: line }) => line.trim() !== '')
          .map((line) => testOf(parsed(line.text, line.place, 'jsonl'), line.place)),
};

/** Markdown table of llama-bench, alone or in a log. */
export const llamaBenchMarkdown: TimingFormat = {
  recognizes: (text) => /^\|\s*model\s*\|.*\|\s*test\s*\|\s*t\/s\s*\|/m.test(text),
  read: readTable,
};

function parsed(text: string, place: string, format: 'json' | 'jsonl'): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`${place}: is not JSON (${messageOf(error)}); write it with llama-bench -o ${format}`);
  }
}

function listOf(text: string, path: string): PrintedTiming[] {
  const list = parsed(text, `${path}:1`, 'json') as unknown[];
  const starts = linesOf(text, path).filter((line) => line.text.startsWith('  {'));
  return list.map((entry, i) => testOf(entry, starts[i]?.place ?? `${path}:1`));
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' && value !== 'none' ? value : undefined);
const flagOf = (value: unknown): boolean | undefined =>
  value === undefined || value === null
    ? undefined
    : value === true || value === 1 || value === '1' || value === 'on' || value === 'enabled';
const numberOf = (value: unknown): number | undefined => wholeOf((value ?? undefined) as string | number | undefined);

/** Most characters of a printed name; ours. */
const LONGEST_NAME = 200;

/** Names of `gpu_info` and `cpu_info`, joined by commas. */
const namesIn = (text: unknown): string[] => (textOf(text)?.split(/,\s*/) ?? []).map((name) => name.slice(0, LONGEST_NAME));

/** No prediction counts the split, KV in host memory, shares of cards. */
function uncountedOf(values: Readonly<Record<string, unknown>>): readonly string[] {
  const [split, share] = [textOf(values.split_mode), textOf(values.tensor_split)];
  const found = [
    ...(split === undefined || /^(?:layer|none)$/.test(split) ? [] : [`-sm ${split}`]),
    ...(flagOf(values.no_kv_offload) === true ? ['-nkvo 1'] : []),
    ...(share === undefined || /^[0./,; ]*$/.test(share) ? [] : [`-ts ${share}`]),
  ];
  return found.map((text) => text.slice(0, LONGEST_NAME));
}

function testOf(value: unknown, place: string): PrintedTiming {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UserError(`${place}: is not a test of llama-bench; expected an object with avg_ts`);
  const test = value as Readonly<Record<string, unknown>>;
  const speed = printedSpeed(String(test.avg_ts), place, 'avg_ts');
  const [prompt, generated] = [numberOf(test.n_prompt) ?? 0, numberOf(test.n_gen) ?? 0];
  const spread = Number(test.stddev_ts) / speed;
  return {
    place,
    ...phaseOf(speed, prompt, generated, numberOf(test.n_depth) ?? 0),
    ...definedFields({
      model: textOf(test.model_filename),
      quantization: textOf(test.model_type),
      modelBytes: numberOf(test.model_size) || undefined,
      parameters: numberOf(test.model_n_params) || undefined,
      devices: test.gpu_info === undefined ? undefined : namesIn(test.gpu_info),
      cpu: namesIn(test.cpu_info).at(-1),
      threads: numberOf(test.n_threads),
      ubatch: numberOf(test.n_ubatch),
      gpuLayers: numberOf(test.n_gpu_layers),
      cpuMoe: numberOf(test.n_cpu_moe),
      overrides: textOf(test.tensor_buft_overrides)?.split(/[;,]/),
      split: textOf(test.split_mode),
      mainGpu: test.split_mode === 'none' ? numberOf(test.main_gpu) : undefined,
      backend: textOf(test.backends),
      ...listField('uncounted', uncountedOf(test)),
      kv: textOf(test.type_k),
      flashAttention: flagOf(test.flash_attn),
      mmap: flagOf(test.use_mmap) ?? mapsBy(typeof test.load_mode === 'string' ? test.load_mode : undefined),
      noOpOffload: flagOf(test.no_op_offload) || undefined,
      spread: Number.isFinite(spread) && spread >= 0 ? spread : undefined,
    }),
  };
}

/** A test of both phases together gives no phase speed. */
function phaseOf(speed: number, prompt: number, generated: number, depth: number): Partial<PrintedTiming> {
  const common = { depth };
  if (prompt > 0 && generated > 0) return { ...common, promptTokens: prompt, generatedTokens: generated };
  if (prompt > 0) return { ...common, prefill: speed, promptTokens: prompt };
  return { ...common, decode: speed, generatedTokens: generated };
}

/** Table columns by content; unknown columns are skipped. */
const COLUMNS = byName<(cell: string) => Partial<PrintedTiming>>({
  size: (cell) => definedFields({ modelBytes: printedSize(cell) }),
  params: (cell) => definedFields({ parameters: /^[\d.]+ B$/.test(cell) ? Number.parseFloat(cell) * 1e9 : undefined }),
  ngl: (cell) => definedFields({ gpuLayers: wholeOf(cell) }),
  threads: (cell) => definedFields({ threads: wholeOf(cell) }),
  n_ubatch: (cell) => definedFields({ ubatch: wholeOf(cell) }),
  n_cpu_moe: (cell) => definedFields({ cpuMoe: wholeOf(cell) }),
  ot: (cell) => (cell === '' || cell === 'none' ? {} : { overrides: cell.split(/[;,]/) }),
  backend: (cell) => ({ backend: cell.slice(0, LONGEST_NAME) }),
  sm: (cell) => ({ split: cell, ...listField('uncounted', uncountedOf({ split_mode: cell })) }),
  nkvo: (cell) => listField('uncounted', uncountedOf({ no_kv_offload: cell })),
  ts: (cell) => listField('uncounted', uncountedOf({ tensor_split: cell })),
  type_k: (cell) => ({ kv: cell }),
  fa: (cell) => ({ flashAttention: cell === '1' || cell === 'on' }),
  mmap: (cell) => ({ mmap: cell === '1' }),
  lm: (cell) => definedFields({ mmap: mapsBy(cell) }),
  nopo: (cell) => definedFields({ noOpOffload: cell === '1' || undefined }),
});

/** Columns without an effect on one conversation. */
const IDLE = /^(?:model|test|t\/s|n_batch|type_v|main_gpu|mg|dev|poll|embd|cpu_mask|cpu_strict|prio|uma|.*gpu.*)$/;

/** Joins the cells of a tensor rule that holds bars: `blk\.(8|9)\.ffn.*=CPU`. */
function joinedCells(head: readonly string[], cells: readonly string[]): readonly string[] {
  const [more, at] = [cells.length - head.length, head.indexOf('ot')];
  return more <= 0 || at < 0 ? cells : [...cells.slice(0, at), cells.slice(at, at + more + 1).join('|'), ...cells.slice(at + more + 1)];
}

function readTable(text: string, path: string): PrintedTiming[] {
  const settings = settingsOfLog(text, path);
  let head: string[] | null = null;
  const found: PrintedTiming[] = [];
  const lines = linesOf(text, path);
  for (const line of lines) {
    const cells = line.text.trim().startsWith('|') ? tableCells(line.text) : null;
    if (cells === null) continue;
    if (cells[0] === 'model') head = cells;
    else if (head !== null && !/^:?-+:?$/.test(cells[0]!)) found.push({ ...settings, ...rowOf(head, cells, line) });
  }
  return withCaches(found, lines);
}

function columnsOf(head: readonly string[], cells: readonly string[]): Partial<PrintedTiming> {
  const uncounted: string[] = [];
  let all: Partial<PrintedTiming> = {};
  for (const [i, name] of head.entries()) {
    const fields = COLUMNS[name]?.(cells[i]!) ?? (IDLE.test(name) ? {} : { uncounted: [`${name} ${cells[i]}`.slice(0, LONGEST_NAME)] });
    uncounted.push(...(fields.uncounted ?? []));
    all = { ...all, ...fields };
  }
  return { ...all, ...listField('uncounted', uncounted) };
}

function rowOf(head: readonly string[], split: readonly string[], { place }: PlacedLine): PrintedTiming {
  const cells = joinedCells(head, split);
  demandCells(cells, head.length, place);
  const cell = (name: string): string => cells[head.indexOf(name)]!;
  const test = /^(?:pp(\d+))?\+?(?:tg(\d+))?(?: @ d(\d+))?$/.exec(cell('test'));
  if (test === null)
    throw new UserError(`${place}: test: "${cell('test')}" is no test of llama-bench; expected e.g. pp512, tg128 or tg128 @ d4096`);
  const [mean, deviation] = cell('t/s').split('±');
  const speed = printedSpeed(mean!, place, 't/s');
  const spread = Number(deviation) / speed;
  const model = cell('model');
  return {
    place,
    quantization: model,
    ...phaseOf(speed, Number(test[1] ?? 0), Number(test[2] ?? 0), Number(test[3] ?? 0)),
    ...columnsOf(head, cells),
    ...(Number.isFinite(spread) && { spread }),
  };
}
