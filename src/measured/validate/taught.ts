import type { WorkWatch } from '../../base/work-watch.js';
import { KNOBS, NUDGE, type SpeedKind, type TaughtFigure, timeShares, turnedBy } from '../../hardware/door.js';
import type { Runtimes } from './constants.js';
import { predictRowVariants } from './predict-all.js';
import type { Measurement } from './rows/measurement.js';
import { runtimeOf } from './rows/specify.js';

/** Speeds of each row with their shares of time, decode first; empty: not predicted. @param runtimes by name */
export async function taughtFigures(
  rows: readonly Measurement[],
  runtimes: Runtimes,
  threads: number,
  watch: WorkWatch = {},
): Promise<TaughtFigure[][]> {
  const variants = [null, ...KNOBS.keys()].map((moved) => {
    const steps = KNOBS.map((_, k) => (k === moved ? NUDGE : 0));
    return new Map([...runtimes].map(([name, spec]) => [name, turnedBy(spec, steps)]));
  });
  const predictions = await predictRowVariants(rows, variants, threads, watch);
  return rows.map((row, i) =>
    speedsOf(row).flatMap(({ kind, measured }): TaughtFigure[] => {
      const [speed, ...moved] = predictions[i]!.map(({ figures }) => figures[kind] ?? 0);
      if (!(speed! > 0)) return [];
      const { model, placement, run } = row;
      const of = { kind, runtime: runtimeOf(row), model: model.name, strategy: null, setting: JSON.stringify([model, placement, run]) };
      return [{ ...of, shares: timeShares(speed!, moved), residual: Math.log(speed! / measured) }];
    }),
  );
}

/** Speeds of a row, decode first. */
export function speedsOf({ measured }: Measurement): { readonly kind: SpeedKind; readonly measured: number }[] {
  const { pp_tps, tg_tps } = measured;
  return [
    ...(tg_tps === undefined ? [] : [{ kind: 'decode' as const, measured: tg_tps }]),
    ...(pp_tps === undefined ? [] : [{ kind: 'prefill' as const, measured: pp_tps }]),
  ];
}
