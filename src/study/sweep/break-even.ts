import { formatNumber } from '../../base/units.js';
import type { SweepValue } from '../../figure/door.js';
import { barGlyphs, type Drawing, widthOf } from '../../report/door.js';
import { metricValue } from '../../result/catalogue.js';
import { combinations, type SweepAxis, type SweepPoint } from './sweep.js';

const DRAFT_PATHS: readonly string[] = ['workload.speculation.draft', 'system.speculation.draft'];

interface DraftGain {
  readonly draft: number;
  /** Decode speed relative to no drafts; above 1, drafting pays. */
  readonly gain: number;
}

interface BreakEven {
  readonly path: string;
  /** Values of the remaining axes, in order. */
  readonly values: readonly SweepValue[];
  /** Ascending by depth; depth 0 has gain 1. */
  readonly drafts: readonly DraftGain[];
}

/** Break-even of drafting by combination of the remaining axes; empty unless depth varies and includes 0. */
export function breakEvensOf(axes: readonly SweepAxis[], points: readonly SweepPoint[]): BreakEven[] {
  const at = axes.findIndex(({ path }) => DRAFT_PATHS.includes(path));
  if (at < 0) return [];
  return combinations(axes.toSpliced(at, 1)).flatMap((values) => {
    const same = points.filter((point) => JSON.stringify(point.values.toSpliced(at, 1)) === JSON.stringify(values));
    const speeds = same.flatMap((point) => {
      const speed = metricValue(point.result, 'speed.decode');
      return speed === null ? [] : [{ draft: Number(point.values[at]), speed }];
    });
    const none = speeds.find(({ draft }) => draft === 0);
    if (none === undefined || speeds.length < 2) return [];
    const drafts = speeds.map(({ draft, speed }) => ({ draft, gain: speed / none.speed })).sort((a, b) => a.draft - b.draft);
    return [{ path: axes[at]!.path, values, drafts }];
  });
}

/** A break-even in a sentence. */
export function breakEvenSentence({ drafts }: BreakEven): string {
  const drafted = drafts.filter(({ draft }) => draft > 0);
  const best = drafted.reduce((a, b) => (b.gain > a.gain ? b : a));
  const of = (gain: number): string => `${formatNumber(gain, 2)} times the speed without`;
  if (best.gain <= 1) return `Drafting does not pay: a draft of ${best.draft}, the best, decodes at ${of(best.gain)}.`;
  const paid = drafted.filter(({ gain }) => gain > 1);
  const last = paid.at(-1)!;
  const end = last === drafted.at(-1) ? `pays at every depth up to ${last.draft}` : `pays up to a draft of ${last.draft}`;
  const where =
    paid.length === drafted.filter(({ draft }) => draft <= last.draft).length
      ? end
      : `pays at drafts of ${paid.map(({ draft }) => draft).join(', ')}`;
  return `Drafting ${where}; best is ${best.draft}, at ${of(best.gain)}.`;
}

/** Columns of depth and gain; ours. */
const LABEL = 10;
const FIGURE = 8;

/** Speeds as bars by depth. */
export function breakEvenPicture({ drafts }: BreakEven): Drawing {
  const most = Math.max(...drafts.map(({ gain }) => gain));
  return {
    kind: 'drawing',
    draw: (options) => {
      const width = widthOf(options) - LABEL - FIGURE;
      const [solid] = barGlyphs(options.unicode);
      const even = Math.round(width / most);
      return drafts
        .map(({ draft, gain }) => {
          const length = Math.round((gain / most) * width);
          const bar = solid.repeat(length).padEnd(width);
          const marked = length < even ? `${bar.slice(0, even - 1)}${options.unicode ? '│' : '|'}${bar.slice(even)}` : bar;
          return `${`draft ${draft}`.padEnd(LABEL)}${marked}${`${formatNumber(gain, 2)}x`.padStart(FIGURE)}`;
        })
        .join('\n');
    },
  };
}
