import { UserError } from '../../base/errors.js';
import { newSha256 } from '../../base/host/hash.js';
import { resolve } from '../../base/host/paths.js';
import { LineScanner } from '../../base/scan.js';
import { importOwn, moduleChoice, type OwnExport } from '../../base/user-module.js';
import type { TraceSource } from '../source.js';
import { TraceStore } from '../store.js';
import { NULL_EXPERT, PHASE, type RoutingTrace } from '../trace.js';
import { type Expected, expected, type OpenOptions, type TokenRow, type TraceFormat } from './format.js';
import { traceFormats } from './index.js';

/** Trace file as seen by a user's format, unpacked. */
export interface OwnTraceFile {
  readonly path: string;
  readonly bytes: number;
  /** Nonblank lines, with `file:line` for messages. */
  lines(): Generator<{ readonly text: string; readonly place: string }, void, void>;
  /** Up to `length` bytes from `position`; fewer at the end. */
  read(position: number, length: number): Uint8Array;
}

/** One token of a user's format. */
export interface OwnTraceRow extends TokenRow {
  readonly tokenId?: number;
  /** Place for messages. Absent: row number. */
  readonly place?: string;
}

/** Facts given before the rows. */
export interface OwnTraceHead {
  /** Maximum choices per token and layer. Absent: the model's, else those of row 0. */
  readonly topK?: number;
  /** Experts of a layer. Absent: the model's, else largest id + 1. */
  readonly experts?: number;
  readonly model?: string;
}

/** Trace format of a user: default export of a module. Every row is checked. */
export interface OwnTraceFormat {
  readonly name: string;
  /** Content in a line, for readers of the module. */
  readonly summary?: string;
  head?(file: OwnTraceFile): OwnTraceHead;
  rows(file: OwnTraceFile, known: Expected): Iterable<OwnTraceRow> | AsyncIterable<OwnTraceRow>;
}

/** Loads the format of a module path; null for any other name. @throws UserError if unusable */
export async function loadFormat(name: string | undefined): Promise<TraceFormat | null> {
  const chosen = name === undefined ? null : moduleChoice('trace format', name);
  if (chosen === null) return null;
  const exported = await importOwn('trace format', resolve(chosen.path!));
  if (Object.keys(chosen.parameters).length > 0) throw exported.wrong('a format has no parameters; leave them out');
  exported.nameApart(traceFormats.map((format) => format.name));
  exported.requireMethod('rows(file, known)');
  exported.optionalMethod('head');
  const definition = exported.value as OwnTraceFormat;
  return { name: exported.name, detect: () => false, open: (source, options) => readOwn(exported, definition, source, options) };
}

async function readOwn(exported: OwnExport, format: OwnTraceFormat, source: TraceSource, options: OpenOptions): Promise<RoutingTrace> {
  const file = ownFile(source);
  const head = exported.run('head', () => format.head?.(file)) ?? {};
  const { experts, model = null, topK } = head;
  const known = { ...options, ...(topK === undefined ? {} : { topK }), ...(experts === undefined ? {} : { experts }) };
  let rows: OwnRows | null = null;
  try {
    for await (const row of yielded(exported, () => format.rows(file, expected(known)))) {
      const place = row?.place ?? `${source.path}: row ${rows?.store.rows ?? 0}`;
      if (!Array.isArray(row?.experts) || !row.experts.every(Array.isArray))
        throw wrong(exported, place, 'experts must be one list of expert ids for each MoE layer');
      rows ??= ownRows(exported, source.path, known, row);
      rows.add(row, place);
    }
    if (rows === null) throw wrong(exported, source.path, 'rows yielded nothing; yield one object for each token');
    const trace = rows.store.finish(rows.experts, { model, format: exported.name }, source);
    return { ...trace, sha256: () => newSha256().update(`${source.sha256()} ${exported.sha256}`).digest('hex') };
  } catch (error) {
    rows?.store.close();
    throw exported.thrown('rows', error);
  }
}

function yielded(exported: OwnExport, call: () => ReturnType<OwnTraceFormat['rows']>): ReturnType<OwnTraceFormat['rows']> {
  const rows = exported.run('rows', call);
  const iterable = typeof rows === 'object' && rows !== null && (Symbol.iterator in rows || Symbol.asyncIterator in rows);
  if (!iterable) throw exported.wrong('"rows" must be a generator: *rows(file) { yield { experts: [[…], …] }; }');
  return rows;
}

type OwnRows = ReturnType<typeof ownRows>;

function ownRows(exported: OwnExport, path: string, options: OpenOptions, first: OwnTraceRow) {
  const layers = first.experts.length;
  const known = expected(options, layers);
  const [weights, tokenIds] = [first.weights !== undefined, first.tokenId !== undefined];
  const topK = known.topK ?? Math.max(0, ...first.experts.map((ids) => ids.length));
  if (layers === 0 || topK === 0) throw wrong(exported, `${path}: row 0`, 'no layer has an expert');
  const store = new TraceStore({ path, layers, topK, weights, tokenIds });
  const addLayer = (ids: readonly number[], gates: readonly number[] | undefined, layer: number, refuse: (what: string) => never): void => {
    const limit = known.experts?.[layer] ?? NULL_EXPERT;
    const at = store.idsAt + layer * topK;
    if (ids.length > topK)
      refuse(`layer ${layer} has ${ids.length} experts, a token chooses ${topK}; give topK in head where some choose more`);
    if (weights && gates?.length !== ids.length) refuse(`layer ${layer} needs a weight for each of its ${ids.length} experts`);
    for (let k = 0; k < ids.length; k++) {
      const id = ids[k]!;
      if (!Number.isInteger(id) || id < -1 || id >= limit)
        refuse(`layer ${layer}: ${String(id)} is no expert; ids are 0 to ${limit - 1}, and -1 for none`);
      if (id >= 0 && ids.indexOf(id) < k) refuse(`layer ${layer}: expert ${id} stands twice; a token chooses an expert once`);
      store.ids[at + k] = id < 0 ? NULL_EXPERT : id;
      if (!weights) continue;
      const weight = gates![k]!;
      if (!(Number.isFinite(weight) && weight >= 0)) refuse(`layer ${layer}: ${String(weight)} is no gate weight; write 0 or more`);
      store.weights[at + k] = id < 0 ? 0 : weight;
    }
  };
  return {
    store,
    experts: known.experts,
    add(row: OwnTraceRow, place: string): void {
      const refuse = (what: string): never => {
        throw wrong(exported, place, what);
      };
      if (row.experts.length !== layers)
        refuse(`the row has ${row.experts.length} layers, the first one has ${layers}; yield the same MoE layers each time`);
      store.seek(store.rows);
      for (const [layer, ids] of row.experts.entries()) addLayer(ids, row.weights?.[layer], layer, refuse);
      if (tokenIds) store.tokenIds[store.tokenAt] = row.tokenId ?? 0;
      const { phase = 'decode', position = -1, request = 0 } = row;
      if (!Object.hasOwn(PHASE, phase)) refuse(`phase is '${String(phase)}'; write prefill or decode`);
      if (!Number.isInteger(request) || !Number.isInteger(position)) refuse('request and position must be whole numbers');
      store.addRow(request, position, PHASE[phase]);
    },
  };
}

const wrong = ({ shown }: OwnExport, place: string, what: string): UserError => new UserError(`${place}: ${shown}: ${what}`);

const ownFile = (source: TraceSource): OwnTraceFile => ({
  path: source.path,
  bytes: source.bytes,
  *lines() {
    const scanner = new LineScanner(source);
    while (scanner.nextFilled()) yield { text: scanner.text(), place: scanner.place() };
  },
  read: (position, length) => source.part(position, length),
});
