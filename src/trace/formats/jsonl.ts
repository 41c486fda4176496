import { UserError } from '../../base/errors.js';
import { temporaryFile, writeTemporary } from '../../base/files.js';
import { bytesOf } from '../../base/host/bytes.js';
import { InputFile } from '../../base/input-file.js';
import { isObject } from '../../base/objects.js';
import { LineScanner } from '../../base/scan.js';
import { parseJson } from '../../model/door.js';
import { TraceSource } from '../source.js';
import { TraceStore } from '../store.js';
import type { RoutingTrace } from '../trace.js';
import { expected, type OpenOptions, type TraceFormat } from './format.js';
import { documents, wholeAt } from './json-values.js';
import { parseJsonRow, RowParser } from './jsonl-row.js';
import { describe, layerExperts, TRACE_FORMAT, UNFINISHED } from './metadata.js';

/** Canonical text trace: an optional header line with the metadata of the binary layout, then a token per line. */
export const jsonl: TraceFormat = {
  name: 'jsonl',
  detect: ({ text }) =>
    WHOLE.test(text) ||
    /^\s*\{[^\n]*"format"\s*:\s*"moeprof\.trace/.test(text) ||
    /^\s*\{[^\n]*"(experts|routing)"\s*:\s*\[\s*(\[|\])/.test(text),
  open: (source, options) =>
    WHOLE.test(source.text) ? { ...openJsonl(asLines(source), options), path: source.path } : openJsonl(source, options),
};

/** A request with all tokens: lists [layers][choices], or objects like lines. */
const WHOLE = /^\s*\[?\s*\{[^[]*"(tokens|routing|experts)"\s*:\s*\[\s*(\{|\[\s*\[)/;

/** Other fields form the header. @throws UserError without a list of tokens */
function asLines(source: TraceSource): TraceSource {
  const fd = temporaryFile();
  let request = 0;
  for (const { value, place } of documents(source)) {
    const { prompt_tokens: _, tokens, routing, experts, ...header } = value;
    const list = tokens ?? routing ?? experts;
    if (!Array.isArray(list)) throw new UserError(`${place}: has no list of tokens, as the first request has`);
    const prompt = wholeAt(value, 'prompt_tokens', place);
    const lines = list.map((token, at) => {
      const phase = prompt === null ? {} : { phase: at < prompt ? 'prefill' : 'decode' };
      return JSON.stringify({ request, ...(isObject(token) ? token : { experts: token }), ...phase });
    });
    if (request++ === 0) lines.unshift(JSON.stringify({ format: TRACE_FORMAT, ...header }));
    writeTemporary(fd, bytesOf(`${lines.join('\n')}\n`));
  }
  return new TraceSource(new InputFile(`${source.path}: tokens`, fd), source);
}

function openJsonl(source: TraceSource, options: OpenOptions): RoutingTrace {
  const { path } = source;
  const scanner = new LineScanner(source);
  if (!scanner.nextFilled()) throw new UserError(`${path}: the trace is empty`);
  const header = headerOf(scanner);
  const described = describe(path, 'jsonl', header ?? {});
  // A killed recording may end inside a line.
  const cuts = header?.recording === UNFINISHED.recording;
  const next = (): boolean => scanner.nextFilled() && !(cuts && scanner.cut);
  if (header !== null && !next()) throw new UserError(`${path}: no token follows the header; the trace is empty`);
  const first = parseJsonRow(scanner);
  const layers = described.layers ?? first.experts.length;
  const topK = described.topK ?? widest(first.experts);
  if (layers * topK === 0)
    throw new UserError(`${scanner.place()}: the first token chooses no expert; state num_layers and top_k in a header line`);
  const predictedK = first.predicted === undefined ? 0 : (described.predictedK ?? widest(first.predicted));
  if (first.predicted !== undefined && predictedK === 0)
    throw new UserError(`${scanner.place()}: the first token has no prediction; state predicted_k in a header line`);
  const store = new TraceStore({
    path,
    layers,
    topK,
    weights: first.weights !== undefined,
    tokenIds: first.token !== undefined,
    predictedK,
    phases: first.phase !== undefined,
    place: (row) => placeOfRow(source, row, header !== null),
  });
  try {
    const parser = new RowParser(scanner, store, first, predictedK);
    do parser.add();
    while (next());
    return store.finish(layerExperts(path, layers, described.experts) ?? expected(options, layers).experts, described.meta, source);
  } catch (error) {
    store.close();
    throw error;
  }
}

function headerOf(scanner: LineScanner): Record<string, string> | null {
  const text = scanner.text();
  if (!/^\s*\{\s*"format"/.test(text) && !text.includes(TRACE_FORMAT)) return null;
  const header = parseJson(scanner.lineBytes(), scanner.place(), 'the header line is not JSON');
  const texts = Object.entries(header as object).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]);
  const strings = Object.fromEntries(texts) as Record<string, string>;
  if (strings.format !== TRACE_FORMAT)
    throw new UserError(`${scanner.place()}: format is ${JSON.stringify(strings.format)}; this version reads ${TRACE_FORMAT}`);
  return strings;
}

/** Line of a row, for messages only, so found by counting. */
function placeOfRow(source: TraceSource, row: number, header: boolean): string {
  const scanner = new LineScanner(source);
  for (let left = row + (header ? 1 : 0); scanner.nextFilled() && left > 0; left--);
  return scanner.place();
}

const widest = (lists: readonly (readonly number[])[]): number => lists.reduce((width, list) => Math.max(width, list.length), 0);
