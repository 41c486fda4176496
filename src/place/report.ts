// The report of `moeprof place`: the verdict, the worth by text and by context, other uses of the same bytes, and which experts stay.

import { formatBytes, formatCount, formatNumber, formatRatio, formatTokensPerSecond } from '../base/units.js';
import { onePanel, type PaperFigure, pictureFormats } from '../figure/door.js';
import {
  type Block,
  bareRange,
  type Document,
  documentFormats,
  figure,
  type Grid,
  gridOf,
  heatmap,
  type Line,
  note,
  ratio,
} from '../report/door.js';
import { type DomainScore, type ExpertPlacement, TOO_FEW } from './place.js';
import type { CaptureScore } from './score.js';

/** Formats of a placement, the one for reading first. */
export const placeReports = [
  ...documentFormats<ExpertPlacement>(placeDocument),
  ...pictureFormats('moeprof place', placeFigures, placeDocument),
] as const;

function placeDocument(placement: ExpertPlacement): Document {
  const { contexts, domains: all, file, hardware, imbalance, model, score, ways } = placement;
  const domains = imbalance === null ? all : [];
  return {
    title: `Experts of ${model.name} (${model.quantization}) that stay${hardware === null ? '' : ` on ${hardware}`}`,
    lead: [verdictOf(placement), ...factsOf(placement).map((text) => ({ text }))],
    blocks: [
      scoreGrid(
        'text',
        domains.map(({ name, score: one }) => [name, one] as const),
      ),
      ...cacheGrid(domains),
      ...(contexts.length > 1 && imbalance === null
        ? [
            scoreGrid(
              'tokens of context',
              contexts.map(({ from, score: one, to }) => [bandText(from, to), one] as const),
            ),
          ]
        : []),
      ...(ways === null ? [] : [wayGrid(ways)]),
      ...domains.flatMap(driftNotes),
      ...(imbalance === null ? [heatOf(placement), layerGrid(placement)] : []),
      ...(file === null ? [] : [fileBlock(file)]),
      ...(score === null && domains.length > 0 ? [note(TOO_FEW, 'warning')] : []),
    ],
    records: scoreGrid(
      'text',
      domains.map(({ name, score: one }) => [name, one] as const),
    ),
  };
}

/** What the placement is worth, in a sentence. */
function verdictOf({ domains, imbalance, inSample, score }: ExpertPlacement): Line {
  if (imbalance !== null) {
    const { after, before, gpus } = imbalance;
    const text = `The busiest of ${gpus} GPUs does ${formatNumber(after, 2)} times the mean; with neighbours together ${formatNumber(before, 2)} times`;
    return { text, tone: after <= before ? 'strong' : 'bad' };
  }
  if (score === null) return { text: domains.length === 0 ? 'Nothing judges it: name a text with -t' : TOO_FEW, tone: 'caution' };
  const { captured, headroom, oracle, uniform } = score;
  const later = inSample ? 'the text that it was counted on (in sample: the most that it can be)' : 'text that it has not seen';
  const share =
    headroom === null ? '' : headroom < 0 ? ': worse than chance' : `: ${formatRatio(headroom, 0)} of what a fixed set can gain`;
  const text = `Captures ${formatRatio(captured)} of the demand of ${later}; chance ${formatRatio(uniform)}, the best set ${formatRatio(oracle)}${share}`;
  return { text, tone: headroom !== null && headroom < 0 ? 'bad' : 'strong' };
}

function factsOf({ by, bytes, from, imbalance, model, slots, split }: ExpertPlacement): string[] {
  const all = model.experts.reduce((sum, experts) => sum + experts, 0);
  const kept = slots.reduce((sum, count) => sum + count, 0);
  const sources = from
    .map(({ format, name, weight }) => `${name}${from.length > 1 ? ` x ${formatNumber(weight)}` : ''} (${format})`)
    .join(', ');
  if (imbalance !== null) return [`${formatCount(imbalance.redundant)} further slots a layer; counted on ${sources}`];
  const size = bytes === 0 ? '' : `, ${formatBytes(bytes)}`;
  return [
    `${formatCount(kept)} of ${formatCount(all)} experts stay (${formatRatio(kept / all, 0)}${size})${split === null ? '' : `, ${split}`}, by ${by} of ${sources}`,
  ];
}

function scoreGrid(head: string, rows: readonly (readonly [name: string, score: CaptureScore | null])[]): Grid {
  return gridOf(
    [{ head, most: 28 }, 'tokens', 'captured', '+-', 'chance', 'best', 'headroom'],
    rows
      .map(([name, score]) =>
        score === null
          ? [name, TOO_FEW]
          : [
              name,
              score.tokens,
              ratio(score.captured),
              ratio(score.error),
              ratio(score.uniform),
              ratio(score.oracle),
              ratio(score.headroom),
            ],
      )
      .map((row) => [...row, ...Array<null>(7 - row.length).fill(null)]),
  );
}

/** The set beside caches of as many bytes, and beside a set of the text's own. */
function cacheGrid(domains: readonly DomainScore[]): Grid[] {
  const policies = domains[0]?.caches?.map(({ policy }) => policy) ?? [];
  const merged = domains.some(({ own }) => own !== null);
  const rows = domains.map(({ caches, name, own, score }) => [
    name,
    ratio(score?.captured),
    ...(merged ? [ratio(own)] : []),
    ...(caches ?? []).map(({ hitRate }) => ratio(hitRate)),
  ]);
  return [
    gridOf(
      [
        { head: 'hits of as many bytes', most: 25 },
        'this set',
        ...(merged ? ['own set'] : []),
        ...policies.map((policy) => ({ head: policy.replace(/:.*/, ''), name: policy })),
      ],
      rows,
    ),
  ];
}

function wayGrid(ways: NonNullable<ExpertPlacement['ways']>): Grid {
  return gridOf(
    ['use of the bytes', 'hits', 'decode', '80 % of machines', 'GPU memory'],
    ways.map(({ band, decode, gpuBytes, hitRate, name }) => [
      name,
      ratio(hitRate),
      decode === null ? null : { value: decode, text: formatTokensPerSecond(decode) },
      bareRange(band, decode),
      figure(gpuBytes, 'bytes'),
    ]),
  );
}

function bandText(from: number, to: number): string {
  return Number.isFinite(to) ? `${formatCount(from)} to ${formatCount(to)}` : `${formatCount(from)} and more`;
}

function driftNotes({ drift, name }: DomainScore): Block[] {
  if (drift === null) return [];
  const { error, first, gain, rebuild, rebuilt, second } = drift;
  const points = (value: number): string => formatNumber(100 * value, 1);
  const halves = `${name}: captures ${formatRatio(first)} of the first half and ${formatRatio(second)} of the second`;
  const again = `counted again half-way ${formatRatio(rebuilt)}, ${points(gain)} points more (+- ${points(error)})`;
  return [note(`${halves}; ${again}: ${rebuild ? 'count it again' : 'it still holds'}`, rebuild ? 'caution' : 'plain')];
}

/** Judged demand for experts that stay, and for those that do not, one map below the other. */
function heatOf({ demand, residents }: ExpertPlacement): Block {
  const part = (stays: boolean) => demand.map((layer, l) => layer.map((count, e) => (residents[l]!.includes(e) === stays ? count : 0)));
  return {
    kind: 'drawing',
    detail: 'verbose',
    draw: (options) => `captured\n${heatmap(part(true), options)}\nmissed\n${heatmap(part(false), options)}`,
  };
}

/** By layer: experts that stay, demand that they have, and those of them that nothing asked for. */
function layerGrid({ demand, model, residents, slots }: ExpertPlacement): Grid {
  const rows = slots.map((count, l) => {
    const all = demand[l]!.reduce((sum, one) => sum + one, 0);
    const had = residents[l]!.reduce((sum, expert) => sum + demand[l]![expert]!, 0);
    const idle = residents[l]!.filter((expert) => demand[l]![expert] === 0).length;
    return [l, count, model.experts[l]!, all === 0 ? null : ratio(had / all), idle];
  });
  return gridOf(['layer', 'stay', 'of', 'captured', 'idle'], rows, { detail: 'verbose' });
}

function fileBlock({ cites, engine, use }: NonNullable<ExpertPlacement['file']>): Block {
  return { kind: 'code', title: `${engine} (${cites}) loads it with`, lines: [use] };
}

/** Layers by experts: 2 where an expert stays and is asked for, 1 where it stays idle, 0 elsewhere; and capture against slots. */
function placeFigures({ curve, demand, residents }: ExpertPlacement): PaperFigure[] {
  const count = { unit: '', continuous: true };
  const states = demand.flatMap((layer, l) =>
    layer.map((asked, e) => ({ x: e, y: residents[l]!.includes(e) ? (asked > 0 ? 2 : 1) : 0, series: String(l) })),
  );
  const kinds = ['captured', 'uniform', 'oracle'] as const;
  const points = kinds.flatMap((kind) => curve.map((point) => ({ x: 100 * point.share, y: 100 * point[kind], series: kind })));
  const percent = { unit: '%', continuous: true };
  return [
    onePanel(
      {
        kind: 'heat',
        x: 'expert',
        y: 'state',
        series: 'layer',
        title: 'Experts that stay (2 captured, 1 idle)',
        xAxis: { name: 'expert', ...count },
        yAxis: { name: 'state', ...count },
        seriesNames: demand.map((_, l) => String(l)),
      },
      states,
    ),
    onePanel(
      {
        kind: 'line',
        x: 'share',
        y: 'captured',
        series: 'set',
        title: 'Capture against slots',
        xAxis: { name: 'experts that stay', ...percent },
        yAxis: { name: 'demand captured', ...percent },
        seriesNames: [...kinds],
      },
      points,
    ),
  ];
}
