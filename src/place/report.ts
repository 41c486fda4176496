import { sum } from '../base/statistics.js';
import { formatBytes, formatCount, formatNumber, formatRatio, formatTokensPerSecond } from '../base/units.js';
import { axisOf, drawnFormats, heatMap, linesOver, type PaperFigure } from '../figure/door.js';
import * as is from '../report/door.js';
import { type ExpertPlacement, TOO_FEW } from './place.js';
import type { CaptureScore } from './score.js';

/** Report of `moeprof place`. */
export const placeReports = drawnFormats<ExpertPlacement>('moeprof place', placeDocument, placeFigures);

function placeDocument(placement: ExpertPlacement): is.Document {
  const { contexts, domains: all, file, hardware, imbalance, model, ways } = placement;
  const domains = imbalance === null ? all : [];
  return {
    title: `Experts of ${model.name} (${model.quantization}) that stay${hardware === null ? '' : ` on ${hardware}`}`,
    lead: [verdictOf(placement), { text: factsOf(placement) }, ...heldOutOf(placement)],
    blocks: [
      scoreGrid('text', domains),
      hitGrid(domains),
      ...(contexts.length > 1 && imbalance === null ? [scoreGrid('tokens of context', contexts)] : []),
      is.grid(ways ?? [], [
        { head: 'use of the bytes', of: ({ name }) => name },
        { head: 'hits', of: ({ hitRate }) => is.ratio(hitRate) },
        { head: 'decode', of: ({ decode }) => decode && { value: decode, text: formatTokensPerSecond(decode) } },
        { head: '80 % of machines', of: ({ band, decode }) => is.bareRange(band, decode) },
        { head: 'GPU memory', of: ({ gpuBytes }) => is.figure(gpuBytes, 'bytes') },
      ]),
      ...domains.flatMap(({ drift, name }) => (drift === null ? [] : [driftNote(name, drift)])),
      ...(imbalance === null ? [heatOf(placement), layerGrid(placement)] : []),
      ...(file === null ? [] : [{ kind: 'code' as const, title: `${file.engine} (${file.cites}) loads it with`, lines: [file.use] }]),
    ],
    records: scoreGrid('text', domains),
  };
}

function verdictOf({ domains, imbalance, inSample, score }: ExpertPlacement): is.Line {
  if (imbalance !== null) {
    const { after, before, gpus } = imbalance;
    const text = `The busiest of ${gpus} GPUs does ${formatNumber(after, 2)} times the mean; with neighbours together ${formatNumber(before, 2)} times`;
    return { text, tone: after <= before ? 'strong' : 'bad' };
  }
  if (score === null) return { text: domains.length === 0 ? 'Nothing judges it: name a text with -t' : TOO_FEW, tone: 'caution' };
  const { captured, headroom, oracle, uniform } = score;
  const bad = headroom !== null && headroom < 0;
  const later = inSample ? 'the text that it was counted on (in sample: the most that it can be)' : 'text that it has not seen';
  const share = headroom === null ? '' : bad ? ': worse than chance' : `: ${formatRatio(headroom, 0)} of what a fixed set can gain`;
  const between = `chance ${formatRatio(uniform)}, the best set ${formatRatio(oracle)}`;
  return { text: `Captures ${formatRatio(captured)} of the demand of ${later}; ${between}${share}`, tone: bad ? 'bad' : 'strong' };
}

function heldOutOf({ file, heldOut }: ExpertPlacement): is.Line[] {
  if (heldOut === null) return [];
  const [first, rest] = [heldOut.counted, heldOut.judged].map((rows) => sum(rows.map(({ from, to }) => to - from)));
  const share = formatRatio(first! / (first! + rest!), 0);
  const what = file === null ? 'The placement' : 'The file';
  return [{ text: `${what} is counted on all of that; its figures are those of one counted on the first ${share}, judged by the rest` }];
}

const judgedSet = ({ heldOut, residents }: ExpertPlacement) => heldOut?.residents ?? residents;

function factsOf({ by, bytes, from, imbalance, model, residents, split }: ExpertPlacement): string {
  const [all, kept] = [sum(model.experts), residents.flat().length];
  const sources = from.map(({ format, name, weight }) => `${name}${from.length > 1 ? ` x ${formatNumber(weight)}` : ''} (${format})`);
  if (imbalance !== null) return `${formatCount(imbalance.redundant)} further slots a layer; counted on ${sources.join(', ')}`;
  const size = `${formatRatio(kept / all, 0)}${bytes === 0 ? '' : `, ${formatBytes(bytes)}`}`;
  const how = split === null ? '' : `, ${split}`;
  return `${formatCount(kept)} of ${formatCount(all)} experts stay (${size})${how}, by ${by} of ${sources.join(', ')}`;
}

function scoreGrid(head: string, rows: readonly { readonly name: string; readonly score: CaptureScore | null }[]): is.Grid {
  const share = (title: string, of: (score: CaptureScore) => number | null) => ({
    head: title,
    of: ({ score }: (typeof rows)[number]) => score && is.ratio(of(score)),
  });
  return is.grid(rows, [
    { head, most: 28, of: ({ name }) => name },
    { head: 'tokens', of: ({ score }) => score?.tokens ?? TOO_FEW },
    share('captured', ({ captured }) => captured),
    share('+-', ({ error }) => error),
    share('chance', ({ uniform }) => uniform),
    share('best', ({ oracle }) => oracle),
    share('headroom', ({ headroom }) => headroom),
  ]);
}

/** The set, caches of equal bytes, and the text's own set. */
function hitGrid(domains: ExpertPlacement['domains']): is.Grid {
  const merged = domains.some(({ own: self }) => self !== null);
  const policies = (domains[0]?.caches ?? []).map(({ policy }) => ({ head: policy.replace(/:.*/, ''), name: policy }));
  const heads = [{ head: 'hits of as many bytes', most: 25 }, 'this set', ...(merged ? ['own set'] : []), ...policies];
  const hits = ({ caches, own: self, score }: (typeof domains)[number]) => [
    score?.captured,
    ...(merged ? [self] : []),
    ...caches.map(({ hitRate }) => hitRate),
  ];
  return is.gridOf(
    heads,
    domains.map((domain) => [domain.name, ...hits(domain).map(is.ratio)]),
  );
}

function driftNote(
  name: string,
  { error, first, gain, rebuild, rebuilt, second }: NonNullable<ExpertPlacement['domains'][number]['drift']>,
): is.Lines {
  const points = (value: number): string => formatNumber(100 * value, 1);
  const halves = `${name}: captures ${formatRatio(first)} of the first half and ${formatRatio(second)} of the second`;
  const again = `counted again half-way ${formatRatio(rebuilt)}, ${points(gain)} points more (+- ${points(error)})`;
  return is.note(`${halves}; ${again}: ${rebuild ? 'count it again' : 'it still holds'}`, rebuild ? 'caution' : 'plain');
}

function heatOf(placement: ExpertPlacement): is.Block {
  const { demand } = placement;
  const residents = judgedSet(placement);
  const part = (stays: boolean) => demand.map((layer, l) => layer.map((count, e) => (residents[l]!.includes(e) === stays ? count : 0)));
  const draw = (options: is.ReportOptions): string =>
    `captured\n${is.heatmap(part(true), options)}\nmissed\n${is.heatmap(part(false), options)}`;
  return { kind: 'drawing', detail: 'verbose', draw };
}

/** By layer: residents, captured demand, and idle residents. */
function layerGrid(placement: ExpertPlacement): is.Grid {
  const { demand, model } = placement;
  const rows = judgedSet(placement).map((experts, l) => {
    const all = sum(demand[l]!);
    const had = sum(experts.map((expert) => demand[l]![expert]!));
    return [
      l,
      experts.length,
      model.experts[l]!,
      all === 0 ? null : is.ratio(had / all),
      experts.filter((expert) => demand[l]![expert] === 0).length,
    ];
  });
  return is.gridOf(['layer', 'stay', 'of', 'captured', 'idle'], rows, { detail: 'verbose' });
}

/** Experts (2: resident and used, 1: idle, 0: not resident), and capture against slots. */
function placeFigures(placement: ExpertPlacement): PaperFigure[] {
  const { curve, demand } = placement;
  const residents = judgedSet(placement);
  const stateOf = (l: number, e: number, asked: number): number => (residents[l]!.includes(e) ? (asked > 0 ? 2 : 1) : 0);
  const states = demand.map((layer, l) => layer.map((asked, e) => stateOf(l, e, asked)));
  const kinds = ['captured', 'uniform', 'oracle'] as const;
  const points = kinds.flatMap((kind) => curve.map((point) => ({ x: 100 * point.share, y: 100 * point[kind], series: kind })));
  return [
    ...heatMap(states, ['layer', 'expert'], 'Experts that stay: strong if asked for, faint if idle'),
    ...linesOver(axisOf('experts that stay', '%'), axisOf('demand captured', '%'), kinds, points, 'Capture against slots'),
  ];
}
