import { UserError } from '../../base/errors.js';
import { findProfile, isPath, splitRows } from '../../base/profiles.js';
import { Random } from '../../base/random.js';
import { formatRatio } from '../../base/units.js';
import { loadModel, type ModelSpec } from '../../model/door.js';
import type { ColumnMap } from '../../trace/formats/format.js';
import { checkFits, openTrace } from '../../trace/open/open.js';
import { recordedModel } from '../../trace/recorded-model.js';
import { rowsNamed, selectMarked } from '../../trace/selection.js';
import type { RoutingTrace } from '../../trace/trace.js';
import { holdOut } from '../onnx/dataset.js';

/** A trace is a path, a bundled name, or a range of rows: `path#from:to`. */
export interface PredictionRequest {
  readonly training: readonly string[];
  readonly judged: readonly string[];
  /** Share of training traces held out if `judged` is empty. */
  readonly holdOut: number;
  /** Absent: the first trace's model. */
  readonly model?: string;
  readonly traceFormat?: string;
  readonly traceColumns?: ColumnMap;
  readonly seed: number;
}

/** Opened traces and the model of a prediction. */
export interface PredictionInputs {
  readonly model: ModelSpec;
  /** How the model was found, if unnamed in the trace. */
  readonly modelNote: string | null;
  readonly training: readonly RoutingTrace[];
  readonly judged: readonly RoutingTrace[];
  close(): void;
}

/** Training apart from judged rows. @throws UserError for unknown, malformed or mismatched inputs */
export async function openPrediction(request: PredictionRequest): Promise<PredictionInputs> {
  const { judged, traceColumns, traceFormat, training } = request;
  const named = request.model === undefined ? undefined : loadModel(request.model);
  const whole = new Map<string, RoutingTrace>();
  const close = (): void => {
    for (const trace of whole.values()) trace.close();
  };
  try {
    const open = async (spec: string): Promise<RoutingTrace> => {
      const { path, rows } = splitRows(spec);
      let trace = whole.get(path);
      if (trace === undefined) {
        trace = await openTrace(isPath(path) || path === '-' ? path : findProfile('traces', path), {
          ...(named === undefined ? {} : { model: named }),
          format: traceFormat,
          columns: traceColumns,
        });
        whole.set(path, trace);
      }
      return rowsNamed(trace, rows, spec);
    };
    const learned: RoutingTrace[] = [];
    const asked: RoutingTrace[] = [];
    for (const spec of training) learned.push(await open(spec));
    for (const spec of judged) asked.push(await open(spec));
    const first = learned[0] ?? asked[0];
    if (first === undefined) throw new UserError('no trace is given; name one to be judged on with --eval, or to learn from with --trace');
    const recorded = named === undefined ? recordedModel(first) : null;
    const model = named ?? loadModel(recorded!.name);
    const modelNote = recorded?.note ?? model.note ?? null;
    for (const trace of whole.values()) checkFits(trace, model);
    if (asked.length > 0) return { model, modelNote, training: learned, judged: asked, close };
    return { model, modelNote, ...divided(learned, request.holdOut, request.seed), close };
  } catch (error) {
    close();
    throw error;
  }
}

function divided(traces: readonly RoutingTrace[], share: number, seed: number): Pick<PredictionInputs, 'training' | 'judged'> {
  const training: RoutingTrace[] = [];
  const judged: RoutingTrace[] = [];
  for (const [index, trace] of traces.entries()) {
    const random = new Random(seed, `predict/hold-out-${index}`);
    const { held, learn } = holdOut(trace.requests, share, () => random.next());
    if (held.length === 0 || learn.length === 0)
      throw new UserError(`${trace.path}: is too short to hold out ${formatRatio(share)} of it; name a trace to judge on with --eval`);
    training.push(selectMarked(trace, learn, `${formatRatio(1 - share, 0)} of ${trace.path}`));
    judged.push(selectMarked(trace, held, `${formatRatio(share, 0)} of ${trace.path}`));
  }
  return { training, judged };
}
