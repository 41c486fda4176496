// What `predict eval` and `predict train` report: data first, as JSON; then the same as tables that fit a terminal.
import { formatBytes, formatCount, formatNumber } from '../base/units.js';
import type { TraceEvaluation, TraceReference } from '../predict/compare.js';
import type { Evaluation, EvaluationOptions } from '../predict/evaluate.js';
import type { PredictorTraining, TrainedPredictor } from '../predict/onnx/train.js';
import type { Score } from '../predict/score.js';
import type { Format, ReportOptions } from '../report/format.js';
import { toJson } from '../report/json.js';
import { palette, ruledTable, widthOf, wrap } from '../report/text.js';

export const EVALUATION_SCHEMA = 'moeprof.evaluation/1';
export const TRAINING_SCHEMA = 'moeprof.training/1';

/** What both reports say. */
interface ReportHead {
  readonly tool: { readonly name: 'moeprof'; readonly version: string };
  readonly model: { readonly name: string; readonly layers: number; readonly experts: number; readonly topK: number };
  /** Traces learned from. */
  readonly training: readonly TraceReference[];
  readonly seed: number;
  readonly evaluations: readonly TraceEvaluation[];
  /** Everything that may differ between two runs of the same inputs. */
  readonly environment: Readonly<Record<string, string | number>>;
}

/** Report of `predict eval`. */
export interface EvaluationReport extends ReportHead {
  readonly schema: typeof EVALUATION_SCHEMA;
}

/** Report of `predict train`. */
export interface TrainingReport extends ReportHead {
  readonly schema: typeof TRAINING_SCHEMA;
  readonly options: Omit<PredictorTraining, 'checkpoint'>;
  readonly trained: Omit<TrainedPredictor, 'bytes' | 'resumed'> & { readonly bytes: number };
}

/** Formats of `predict eval`. */
export const evaluationReports: readonly Format<EvaluationReport>[] = [
  { name: 'table', summary: 'for reading', extensions: ['.txt'], render: renderEvaluation },
  { name: 'json', summary: 'everything, for tools', extensions: ['.json'], render: (report) => toJson(report) },
];

/** Formats of `predict train`. */
export const trainingReports: readonly Format<TrainingReport>[] = [
  { name: 'table', summary: 'for reading', extensions: ['.txt'], render: renderTraining },
  { name: 'json', summary: 'everything, for tools', extensions: ['.json'], render: (report) => toJson(report) },
];

function renderEvaluation(report: EvaluationReport, options: ReportOptions): string {
  const learned = report.training.map(({ path, tokens }) => `${path} (${formatCount(tokens)} tokens)`).join(', ');
  const from = learned === '' ? 'nothing learned beforehand' : `learned from ${learned}`;
  return `${[title(report, from, options), ...evaluationBlocks(report, options)].join('\n\n')}\n`;
}

function renderTraining(report: TrainingReport, options: ReportOptions): string {
  const { bestEpoch, bytes, epochs, heldOut, learned, parameters, tokenIds } = report.trained;
  const { gru, hidden, rank } = report.options.network;
  const facts =
    `${formatCount(learned)} tokens of ${report.training.map(({ path }) => path).join(', ')}; ${formatCount(heldOut)} held out to stop by. ` +
    `${gru ? 'GRU across layers' : 'One hidden layer'} of ${hidden}, rank ${rank}, ${tokenIds ? 'with' : 'without'} token ids: ` +
    `${formatCount(parameters)} parameters, ${formatBytes(bytes)}.`;
  const table = ruledTable(
    ['epoch', 'loss', 'held out', ''],
    epochs.map(({ epoch, heldOutLoss, loss }) => [
      String(epoch),
      loss.toFixed(5),
      heldOutLoss.toFixed(5),
      epoch === bestEpoch ? (options.unicode ? '← best' : '<- best') : '',
    ]),
    options,
    { align: ['right', 'right', 'right', 'left'] },
  );
  return `${[title(report, facts, options), table, ...evaluationBlocks(report, options)].join('\n\n')}\n`;
}

function title({ model }: ReportHead, facts: string, options: ReportOptions): string {
  const chalk = palette(options);
  const head = `path prediction, ${model.name} (${model.layers} layers x ${model.experts} experts, top-${model.topK})`;
  return `${chalk.bold(wrap(head, widthOf(options)))}\n${chalk.dim(wrap(facts, widthOf(options)))}`;
}

function evaluationBlocks({ evaluations, model }: ReportHead, options: ReportOptions): string[] {
  const chalk = palette(options);
  const width = widthOf(options);
  const blocks = evaluations.map((evaluation) => {
    const { trace } = evaluation;
    const head = wrap(`judged on ${trace.path} (${formatCount(trace.tokens)} tokens)`, width);
    const tables = [summaryTable(evaluation, model.topK, options)];
    if (options.verbose) for (const one of evaluation.predictors) tables.push(...detailTables(one, options));
    return `${chalk.bold(head)}\n${tables.join('\n\n')}`;
  });
  const first = evaluations[0];
  return first === undefined ? blocks : [...blocks, chalk.dim(wrap(legend(first.options, model.topK), width))];
}

function summaryTable({ options: { distances }, predictors }: TraceEvaluation, topK: number, options: ReportOptions): string {
  const head = ['predictor', `@${topK}`, `@${2 * topK}`, ...distances.map((distance) => `+${distance}`), 'batch', 'prec.', 'calib.'];
  const rows = predictors.map(({ ahead, batch, before, predictor }) => {
    // A predictor that only speaks during the pass is judged by what it says then.
    const spoken = before ?? ahead[0]?.score ?? null;
    return [
      short(predictor, options),
      ratio(before?.recallAtK),
      ratio(before?.recallAt2K),
      ...ahead.map(({ score }) => ratio(score?.recallAtK)),
      batch === null ? '-' : `${ratio(batch.recall)}/${ratio(batch.precision)}`,
      ratio(spoken?.precision),
      ratio(spoken?.calibrationError),
    ];
  });
  return ruledTable(head, rows, options);
}

function legend({ batch, distances, minProbability }: EvaluationOptions, topK: number): string {
  return (
    `Recall, mean over layers. @${topK}, @${2 * topK}: of a token's experts, those among the ${topK} or ${2 * topK} named before the pass. ` +
    (distances.length > 0 ? `+d: @${topK} of the layer d layers ahead, while the pass goes on. ` : '') +
    `batch: recall and precision of the union of ${batch} tokens' paths, before the pass. ` +
    `prec.: share that came true of what was at least ${formatNumber(minProbability * 100)} % probable. ` +
    'calib.: mean distance of probability from frequency.'
  );
}

/** By layer, and the reliability curve. */
function detailTables({ ahead, before, predictor }: { readonly predictor: string } & Evaluation, options: ReportOptions): string[] {
  const spoken = before ?? ahead[0]?.score ?? null;
  if (spoken === null) return [];
  const nearest = ahead[0];
  const layers = ruledTable(
    ['layer', '@k', '@2k', ...(nearest === undefined ? [] : [`+${nearest.distance}`])],
    spoken.recallAtKByLayer.map((_, layer) => [
      String(layer),
      ratio(before?.recallAtKByLayer[layer]),
      ratio(before?.recallAt2KByLayer[layer]),
      ...(nearest === undefined ? [] : [ratio(nearest.score?.recallAtKByLayer[layer])]),
    ]),
    options,
  );
  return [
    `${predictor}, by layer\n${layers}`,
    `${predictor}, reliability ${before === null ? 'one layer ahead' : 'before the pass'}\n${reliability(spoken, options)}`,
  ];
}

function reliability(score: Score, options: ReportOptions): string {
  return ruledTable(
    ['probability', 'predictions', 'mean', 'came true'],
    score.reliability.map((bin) => [
      `${bin.from.toFixed(1)}-${bin.to.toFixed(1)}`,
      formatCount(bin.predictions),
      ratio(bin.probability),
      ratio(bin.frequency),
    ]),
    options,
  );
}

/** `.590`; nothing there: a dash. */
function ratio(value: number | null | undefined): string {
  if (value === null || value === undefined) return '-';
  return value >= 0.9995 ? '1' : value.toFixed(3).slice(1);
}

/** Columns that the name of a predictor may take beside ten figures. */
const NAME = 20;

/** A name that fits its column; of a path, its end says more. */
function short(name: string, { unicode }: ReportOptions): string {
  if (name.length <= NAME) return name;
  const gap = unicode ? '…' : '...';
  return gap + name.slice(name.length - NAME + gap.length);
}
