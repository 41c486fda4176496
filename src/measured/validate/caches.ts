import { groupedBy } from '../../base/objects.js';
import { formatNumber } from '../../base/units.js';
import { type Block, type ColumnOf, type Datum, grid, note, ratio } from '../../report/door.js';
import { isRight, signOf } from './gains.js';
import type { Prediction } from './predict.js';
import { isOwnCache, type Measurement } from './rows/measurement.js';

/** Decode speed of an expert cache over the speed of its series without a cache. */
export interface CacheGain {
  readonly series: string;
  readonly id: string;
  readonly machine: string;
  /** False: a cache of another engine, scored apart. */
  readonly simulated: boolean;
  /** True: something that no specification states; not counted. */
  readonly pathology: boolean;
  readonly measured: number;
  /** Null: a missing prediction. */
  readonly predicted: number | null;
  /** Predicted speed over the measured one without a cache; null: a missing prediction. */
  readonly overMeasured: number | null;
  /** Predicted at the measured hit rate; null: no prediction, or hits are not measured. */
  readonly byHits: number | null;
  readonly hits: { readonly measured: number | null; readonly predicted: number | null };
  readonly sign: boolean | null;
  /** True for the right sign, and a factor within 25 %. */
  readonly right: boolean | null;
}

/** Gains over the first row of their series. @param predictions of `rows`, in order */
export function cacheGains(rows: readonly Measurement[], predictions: readonly Prediction[]): CacheGain[] {
  const compared = rows.flatMap((row, i) => (row.scorable?.cache === true ? [{ row, prediction: predictions[i]! }] : []));
  return [...groupedBy(compared, ({ row }) => row.series!.id)].flatMap(([series, [first, ...members]]) =>
    members.filter(({ row }) => row.placement.kind === 'expert-cache').map((member) => gainOf(series, first!, member)),
  );
}

interface Member {
  readonly row: Measurement;
  readonly prediction: Prediction;
}

function gainOf(series: string, first: Member, { prediction, row }: Member): CacheGain {
  const [without, cached] = [first.row.measured.tg_tps!, row.measured.tg_tps!];
  const { decode: base = null } = first.prediction.figures;
  const over = (speed: number | null, of: number | null): number | null => (speed === null || of === null ? null : speed / of);
  const measured = cached / without;
  const { decode = null } = prediction.figures;
  const predicted = over(decode, base);
  const sign = predicted === null ? null : signOf(measured) === signOf(predicted);
  return {
    series,
    id: row.id,
    machine: row.machine.name,
    simulated: isOwnCache(row),
    pathology: row.pathology !== undefined,
    measured,
    predicted,
    overMeasured: over(decode, without),
    byHits: over(prediction.cached?.byMeasured ?? null, base),
    hits: { measured: row.measured.hit_rate ?? null, predicted: prediction.cached?.hits ?? null },
    sign,
    right: sign && isRight(measured, predicted!),
  };
}

/** Table of caches, with counts. */
export function cacheGrids(gains: readonly CacheGain[]): Block[] {
  if (gains.length === 0) return [];
  const factor = (value: number | null): Datum => ({ value, text: value === null ? '' : `x ${formatNumber(value, 2)}` });
  const share = (value: number | null): Datum => (value === null ? '' : ratio(value));
  const columns: readonly ColumnOf<CacheGain>[] = [
    { head: 'cache', most: 28, of: ({ id }) => id },
    { head: 'measured', of: ({ measured }) => factor(measured) },
    { head: 'predicted', of: ({ predicted }) => factor(predicted) },
    { head: 'of line', of: ({ overMeasured }) => factor(overMeasured) },
    { head: 'by hits', of: ({ byHits }) => factor(byHits) },
    { head: 'hits', of: ({ hits }) => share(hits.measured) },
    { head: 'hits predicted', only: ['markdown', 'csv'], of: ({ hits }) => share(hits.predicted) },
    { head: 'right', align: 'left', of: wordOf },
  ];
  const titles = { own: 'Expert caches over the same line without', others: 'Caches of other engines, apart' };
  return (['own', 'others'] as const).flatMap((which): Block[] => {
    const shown = gains.filter(({ simulated }) => simulated === (which === 'own'));
    return shown.length === 0 ? [] : [grid(shown, columns, { title: titles[which] }), note(countsOf(shown))];
  });
}

function wordOf({ pathology, right, sign }: CacheGain): string {
  if (sign === null || pathology) return '';
  return right === true ? 'yes' : sign ? 'sign' : 'no';
}

function countsOf(gains: readonly CacheGain[]): string {
  const counted = gains.filter(({ pathology, predicted }) => predicted !== null && !pathology);
  const count = (of: readonly boolean[]): string => `${of.filter(Boolean).length} of ${of.length}`;
  const within = (of: (gain: CacheGain) => number | null): string =>
    count(counted.flatMap((gain) => (of(gain) === null ? [] : [isRight(gain.measured, of(gain)!)])));
  return (
    `The sign is right for ${count(counted.map(({ sign }) => sign!))}; within 25 % are ${within(({ predicted }) => predicted)}, ` +
    `over the measured line without a cache ${within(({ overMeasured }) => overMeasured)}, by measured hits ${within(({ byHits }) => byHits)}.`
  );
}
