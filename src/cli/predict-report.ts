import { formatBytes, formatCount, formatNs, formatNumber, formatRatio } from '../base/units.js';
import { axisOf, drawnFormats, linesOver } from '../figure/door.js';
import type { JudgedTimes, TraceEvaluation, TraceReference } from '../predict/evaluation/compare.js';
import type { EvaluationOptions } from '../predict/evaluation/evaluate.js';
import type { Score } from '../predict/evaluation/score.js';
import type { TrainedPredictor } from '../predict/onnx/train.js';
import type { Block, ColumnOf, Datum, Document, Grid } from '../report/door.js';
import { documentFormats, figure, grid, gridOf, note } from '../report/door.js';

export const EVALUATION_SCHEMA = 'moeprof.evaluation/1' as const;
export const TRAINING_SCHEMA = 'moeprof.training/1' as const;

interface ReportHead {
  readonly tool: { readonly name: 'moeprof'; readonly version: string };
  readonly model: { readonly name: string; readonly layers: number; readonly experts: number; readonly topK: number };
  readonly training: readonly TraceReference[];
  readonly seed: number;
  readonly evaluations: readonly TraceEvaluation[];
  readonly environment: ReportEnvironment;
}

/** Facts that may differ between runs of the same inputs. */
export interface ReportEnvironment {
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly wallMs: number;
  readonly trainingMs?: number;
  /** ns/token. */
  readonly predictNs: readonly JudgedTimes[];
}

/** Report of `predict eval`. */
export interface EvaluationReport extends ReportHead {
  readonly schema: typeof EVALUATION_SCHEMA;
}

interface TrainingReport extends ReportHead {
  readonly schema: typeof TRAINING_SCHEMA;
  /** Kind, network and options of the training. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly network: string;
  readonly trained: Omit<TrainedPredictor, 'bytes' | 'resumed'> & { readonly bytes: number };
}

/** Formats of `predict eval`. */
export const evaluationReports = drawnFormats<EvaluationReport>('moeprof predict eval', evaluationDocument, ({ evaluations }) =>
  evaluations.flatMap(({ options, predictors }) => {
    const points = predictors.flatMap(({ ahead, predictor }) =>
      ahead.flatMap(({ score }, at) =>
        score === null ? [] : [{ x: options.distances[at]!, y: 100 * score.recallAtK, series: predictor }],
      ),
    );
    const names = predictors.map(({ predictor }) => predictor).filter((name) => points.some(({ series }) => series === name));
    return linesOver(axisOf('layers ahead'), axisOf('recall', '%'), names, points);
  }),
);

function evaluationDocument(report: EvaluationReport): Document {
  const learned = report.training.map(({ path, tokens }) => `${path} (${formatCount(tokens)} tokens)`).join(', ');
  const recall = ({ ahead, before }: Judged): number => before?.recallAtK ?? ahead[0]?.score?.recallAtK ?? 0;
  const best = report.evaluations.flatMap(({ predictors }) => predictors).toSorted((a, b) => recall(b) - recall(a))[0];
  return {
    ...documentOf(report, learned === '' ? 'nothing learned beforehand' : `learned from ${learned}`),
    ...(best === undefined
      ? {}
      : { answer: `${best.predictor} predicts best: ${formatRatio(recall(best))} of the experts that tokens take` }),
  };
}

/** Formats of `predict train`. */
export const trainingReports = documentFormats<TrainingReport>((report) => {
  const { bytes, heldOut, learned, parameters } = report.trained;
  const facts =
    `${formatCount(learned)} tokens of ${report.training.map(({ path }) => path).join(', ')}; ${formatCount(heldOut)} held out to stop by. ` +
    `${report.network}: ${formatCount(parameters)} parameters, ${formatBytes(bytes)}.`;
  return documentOf(report, facts, [epochGrid(report.trained)]);
});

function documentOf({ environment, evaluations, model }: ReportHead, facts: string, blocks: readonly Block[] = []): Document {
  const { name, layers, experts, topK } = model;
  return {
    title: `path prediction, ${name} (${layers} layers x ${experts} experts, top-${topK})`,
    lead: [{ text: facts }],
    blocks: [
      ...blocks,
      ...evaluations.flatMap((evaluation) => evaluationGrids(evaluation, topK, environment.predictNs)),
      ...evaluations.slice(0, 1).map(({ options }) => note(legend(options, topK), 'dim')),
    ],
    records: recordsOf(evaluations),
  };
}

function epochGrid({ bestEpoch, epochs }: TrainingReport['trained']): Grid {
  const loss = (value: number): Datum => ({ value, text: value.toFixed(5) });
  return gridOf(
    [{ head: 'epoch', align: 'right' }, 'loss', 'held out', { head: '', name: 'best', align: 'left' }],
    epochs.map((epoch) => [epoch.epoch, loss(epoch.loss), loss(epoch.heldOutLoss), epoch.epoch === bestEpoch ? '← best' : null]),
  );
}

type Judged = TraceEvaluation['predictors'][number];

/** Score of a predictor's first prediction, before or during the pass. */
const spokenBy = ({ ahead, before }: Judged): Score | null => before ?? ahead[0]?.score ?? null;

function evaluationGrids(
  { options: { batch: size, distances }, predictors, trace, unjudged }: TraceEvaluation,
  topK: number,
  times: readonly JudgedTimes[],
): Block[] {
  const summary = grid(
    predictors,
    [
      { head: 'predictor', of: ({ predictor }) => predictor, most: NAME },
      ratioColumn(`@${topK}`, ({ before }) => before?.recallAtK),
      ratioColumn(`@${2 * topK}`, ({ before }) => before?.recallAt2K),
      ...distances.map((distance, index) => ratioColumn(`+${distance}`, ({ ahead }: Judged) => ahead[index]!.score?.recallAtK)),
      ratioColumn('prec.', (judged) => spokenBy(judged)?.precision),
      ratioColumn('calib.', (judged) => spokenBy(judged)?.calibrationError),
    ],
    { title: `judged on ${trace.path} (${formatCount(trace.tokens)} tokens)` },
  );
  return [
    summary,
    batchGrid(
      predictors,
      size,
      times.filter((time) => time.trace === trace.path),
    ),
    ...(unjudged.length === 0
      ? []
      : [{ kind: 'lines' as const, lines: unjudged.map(({ reason }) => ({ tone: 'caution' as const, text: `not judged: ${reason}` })) }]),
    ...predictors.flatMap(detailGrids),
  ];
}

function batchGrid(predictors: readonly Judged[], size: number, times: readonly JudgedTimes[]): Grid {
  const timesOf = ({ predictor }: Judged): JudgedTimes | undefined => times.find((time) => time.predictor === predictor);
  const count = (head: string, of: (judged: Judged) => number | undefined): ColumnOf<Judged> => ({
    head,
    of: (judged) => ({ value: of(judged) ?? null, text: of(judged)?.toFixed(1) ?? '-' }),
  });
  const time = (head: string, of: (times: JudgedTimes) => number | null): ColumnOf<Judged> => ({
    head,
    of: (judged) => {
      const ns = timesOf(judged) === undefined ? null : of(timesOf(judged)!);
      return { value: ns, text: ns === null ? '-' : formatNs(ns) };
    },
  });
  return grid(
    predictors,
    [
      { head: 'predictor', of: ({ predictor }) => predictor, most: NAME },
      count('names', ({ batch }) => batch?.expected.named),
      ratioColumn('recall', ({ batch }) => batch?.expected.recall),
      ratioColumn('prec.', ({ batch }) => batch?.expected.precision),
      ratioColumn('sized', ({ batch }) => batch?.atTrueSize),
      time('before', ({ before }) => before),
      time('during', ({ during }) => during),
      time('learning', ({ learning }) => learning),
    ],
    { title: `unions of ${size} tokens (${batchSize(predictors)}), and time a token` },
  );
}

function batchSize(predictors: readonly Judged[]): string {
  const batch = predictors.find((judged) => judged.batch !== null)?.batch ?? null;
  return batch === null ? 'none' : `${batch.demanded.toFixed(1)} experts a layer`;
}

function recordsOf(evaluations: readonly TraceEvaluation[]): Grid {
  const distances = evaluations[0]?.options.distances ?? [];
  const rows = evaluations.flatMap(({ predictors, trace }) => predictors.map((judged) => ({ trace: trace.path, ...judged })));
  return grid<Judged & { readonly trace: string }>(rows, [
    { head: 'trace', of: ({ trace }) => trace },
    { head: 'predictor', of: ({ predictor }) => predictor },
    { head: 'recall_at_k', of: ({ before }) => before?.recallAtK },
    { head: 'recall_at_2k', of: ({ before }) => before?.recallAt2K },
    ...distances.map(
      (distance, index): ColumnOf<Judged> => ({ head: `recall_${distance}_ahead`, of: ({ ahead }) => ahead[index]!.score?.recallAtK }),
    ),
    { head: 'batch_recall', of: ({ batch }) => batch?.recall },
    { head: 'batch_precision', of: ({ batch }) => batch?.precision },
    { head: 'batch_expected_names', of: ({ batch }) => batch?.expected.named },
    { head: 'batch_expected_recall', of: ({ batch }) => batch?.expected.recall },
    { head: 'batch_expected_precision', of: ({ batch }) => batch?.expected.precision },
    { head: 'batch_sized_recall', of: ({ batch }) => batch?.atTrueSize },
    { head: 'precision', of: (judged) => spokenBy(judged)?.precision },
    { head: 'calibration_error', of: (judged) => spokenBy(judged)?.calibrationError },
    { head: 'recall_at_k_prefill', of: (judged) => spokenBy(judged)?.recallAtKByPhase.prefill },
    { head: 'recall_at_k_decode', of: (judged) => spokenBy(judged)?.recallAtKByPhase.decode },
  ]);
}

const legend = ({ batch, distances, minProbability }: EvaluationOptions, topK: number): string =>
  `Recall, mean over layers. @${topK}, @${2 * topK}: of a token's experts, those among the ${topK} or ${2 * topK} named before the pass. ` +
  (distances.length > 0 ? `+d: @${topK} of the layer d layers ahead, while the pass goes on. ` : '') +
  `prec.: share that came true of what was at least ${formatNumber(minProbability * 100)} % probable. ` +
  'calib.: mean distance of probability from frequency. ' +
  `Unions: of what ${batch} tokens use together, before the pass, with so many names as probabilities add up to; sized: with as many as there are. ` +
  'last-token and previous-layer are filled up by popularity. Times: of the whole path before the pass, of all layers during it, of learning; as measured here.';

function detailGrids(judged: Judged): Grid[] {
  const { before, predictor } = judged;
  const spoken = spokenBy(judged);
  if (spoken === null) return [];
  const nearest = judged.ahead.slice(0, 1);
  const more = { detail: 'verbose', under: `${predictor}, by layer, by phase and by probability` } as const;
  return [
    grid(
      spoken.recallAtKByLayer.map((_, layer) => layer),
      [
        { head: 'layer', of: (layer) => layer },
        ratioColumn('@k', (layer) => before?.recallAtKByLayer[layer]),
        ratioColumn('@2k', (layer) => before?.recallAt2KByLayer[layer]),
        ...nearest.map(({ distance, score }) => ratioColumn(`+${distance}`, (layer: number) => score?.recallAtKByLayer[layer])),
      ],
      { title: `${predictor}, by layer`, ...more },
    ),
    grid(
      [['prompt tokens', spoken.recallAtKByPhase.prefill] as const, ['generated tokens', spoken.recallAtKByPhase.decode] as const],
      [{ head: '', name: 'phase', of: ([phase]) => phase }, ratioColumn('@k', ([, recall]) => recall)],
      { title: `${predictor}, by phase`, ...more },
    ),
    grid(
      spoken.reliability,
      [
        { head: 'probability', of: ({ from, to }) => `${from.toFixed(1)}-${to.toFixed(1)}` },
        { head: 'predictions', of: ({ predictions }) => figure(predictions, 'count') },
        ratioColumn('mean', ({ probability }) => probability),
        ratioColumn('came true', ({ frequency }) => frequency),
      ],
      { title: `${predictor}, reliability ${before === null ? 'one layer ahead' : 'before the pass'}`, ...more },
    ),
  ];
}

function ratioColumn<Row>(head: string, of: (row: Row) => number | null | undefined): ColumnOf<Row> {
  return { head, of: (row) => ({ value: of(row) ?? null, text: shareText(of(row)) }) };
}

/** `.590`; a dash for no value. */
function shareText(value: number | null | undefined): string {
  if (value === null || value === undefined) return '-';
  return value >= 0.9995 ? '1' : value.toFixed(3).slice(1);
}

/** Width of a predictor's name next to ten figures, columns. */
const NAME = 20;
