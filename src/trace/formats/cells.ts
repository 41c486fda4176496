// Recordings with a line per token and layer in graph order, laid out by a survey; read again if the survey misleads.
import { UserError } from '../../base/errors.js';
import type { TraceSource } from '../source.js';
import type { RoutingTrace } from '../trace.js';
import type { Cell, CellSource, Cells, WalkPlace } from './cell.js';
import { CellFiller, EndOfWalk, LAYER_LIMIT, Spans, type Survey } from './cell-filler.js';
import { expected, type OpenOptions, type TraceFormat } from './format.js';

/** Maximum choices of a cell. */
const CHOICE_LIMIT = 4096;
/** Maximum missing rows searched individually. */
const GAP_LIMIT = 1_000_000;
/** Cells surveyed before a recording is stored. */
const SAMPLE_CELLS = 20_000;

/** Format of cell recordings. @param format `cells` inspects a file and returns a walk */
export function cellFormat({
  cells,
  ...about
}: Omit<TraceFormat, 'open'> & { cells(source: TraceSource, options: OpenOptions): Cells }): TraceFormat {
  return {
    ...about,
    open(source, options) {
      const recording = cells(source, options);
      return importCells({ ...recording, source, meta: { ...recording.meta, format: about.name } }, options);
    },
  };
}

/** @throws UserError with place for a wrong, repeated or missing cell */
export function importCells(recording: CellSource, options: OpenOptions): RoutingTrace {
  const { survey, whole } = surveyOf(recording, SAMPLE_CELLS);
  if (whole) return filled(recording, survey, survey.spans, options);
  try {
    return filled(recording, survey, null, options);
  } catch (error) {
    if (!(error instanceof EndOfWalk)) throw error;
  }
  const all = surveyOf(recording, Number.POSITIVE_INFINITY).survey;
  return filled(recording, all, all.spans, options);
}

function surveyOf(recording: CellSource, limit: number): { survey: Survey; whole: boolean } {
  const survey: Survey = {
    topK: 0,
    phases: false,
    weighted: false,
    tokenIds: false,
    layers: new Set(recording.layers),
    spans: new Spans(),
  };
  const at: WalkPlace = { place: () => recording.source.path };
  let cells = 0;
  let whole = true;
  const visit = (cell: Cell): void => {
    if (cells++ === limit) throw new EndOfWalk();
    const { token, layer, count } = cell;
    if (layer < 0 || layer >= LAYER_LIMIT) throw new UserError(`${at.place()}: layer ${layer} is not a layer number`);
    if (recording.layers !== undefined && !survey.layers.has(layer))
      throw new UserError(`${at.place()}: layer ${layer} is not among those that the file declares`);
    if (count > CHOICE_LIMIT) throw new UserError(`${at.place()}: ${count} experts for one token at one layer; no model chooses so many`);
    if (token < 0) throw new UserError(`${at.place()}: token ${token} is not a position; the first one is 0`);
    survey.layers.add(layer);
    if (count > survey.topK) survey.topK = count;
    if (cell.phase >= 0) survey.phases = true;
    if (cell.weighted) survey.weighted = true;
    if (cell.tokenId >= 0) survey.tokenIds = true;
    survey.spans.add(cell);
  };
  try {
    recording.walk(visit, at);
  } catch (error) {
    if (!(error instanceof EndOfWalk)) throw error;
    whole = false;
  }
  if (survey.topK === 0) throw new UserError(`${recording.source.path}: no token chooses any expert; the trace is empty`);
  if (whole) {
    const rows = survey.spans.first.reduce((sum, _, request) => sum + survey.spans.length(request), 0);
    if (rows > cells + GAP_LIMIT) {
      const last = survey.spans.last.reduce((most, position) => Math.max(most, position), 0);
      throw new UserError(`${recording.source.path}: positions run to ${last}, more than there are rows; the recording has gaps`);
    }
  }
  return { survey, whole };
}

/** @param spans null: requests follow in order and are measured while reading */
function filled(recording: CellSource, survey: Survey, spans: Spans | null, options: OpenOptions): RoutingTrace {
  const { source, meta } = recording;
  const layers = [...survey.layers].sort((a, b) => a - b);
  const filler = new CellFiller(source.path, survey, layers, spans);
  try {
    filler.fill(recording);
    const { experts } = recording;
    const declared = experts === undefined ? null : layers.map((layer) => (typeof experts === 'number' ? experts : experts(layer)));
    const perLayer = declared ?? expected(options, layers.length).experts ?? new Array<number>(layers.length).fill(filler.largestId + 1);
    return filler.store.finish(perLayer, meta, source);
  } catch (error) {
    filler.store.close();
    throw error;
  }
}
