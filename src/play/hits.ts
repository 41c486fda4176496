// Hit rate by slots of an expert cache.
import type { Advice } from '../advise/door.js';
import type { WorkWatch } from '../base/work-watch.js';
import { type Curve, curveFor } from '../capacity/door.js';
import { loadModel } from '../model/door.js';
import { curves, dot, html, legend, type Markup, plot } from '../report/door.js';
import { slotRange } from '../runtime/door.js';
import type { PlayQuestion } from './question.js';

/** Replayed tokens. Ours: more tokens move the curve by less than its range. */
const REPLAYED = 512;

const DRAWN = [
  { policy: 'lru', color: 'hit', label: 'LRU' },
  { policy: 'belady', color: 'belady', label: 'perfect foresight' },
] as const;

/** A drawn curve with a control. */
export interface HitView {
  readonly html: string;
  /** Slots per layer: least, most, and the answer's; null: no cache in the runtime or the answer. */
  readonly slots: { readonly least: number; readonly most: number; readonly now: number | null };
}

/** Curve on any machine. */
export function hitCurve({ model, wishes }: PlayQuestion, watch: Pick<WorkWatch, 'breathe'>): Promise<Curve> {
  const input = { model, ...(wishes.trace !== undefined && { trace: wishes.trace }), workload: { tokens: REPLAYED } };
  return curveFor(input, { policies: DRAWN.map(({ policy }) => policy), scope: 'layer', capacities: '5%..95%:10' }, watch);
}

/** Draws the curve and the answer's cache. */
export function hitView(curve: Curve, { model }: PlayQuestion, { answer }: Advice): HitView {
  const { layers } = loadModel(model);
  const [least, most] = slotRange(layers);
  const slots = answer?.setting.slots ?? null;
  const shares = curve.capacities.map((bytes) => bytes / curve.expertBytes);
  const lines = curve.policies.map(({ points }, index) => ({
    color: DRAWN[index]!.color,
    points: points.map(({ hitRate }, at): [number, number] => [shares[at]!, hitRate]),
    dashed: index > 0,
  }));
  const lru = lines[0]!.points;
  const at = slots === null ? null : slots / (most + 1);
  const label = `Hit rate of LRU in each layer: ${lru.map(([x, y]) => `${percentText(y)} with ${percentText(x)} of the experts`).join(', ')}`;
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  const drawn = plot(
    {
      label,
      height: 220,
      x: ticks.map((x) => ({ at: x, label: `${Math.round(x * (most + 1))}` })),
      y: ticks.map((y) => ({ at: y, label: percentText(y) })),
      xTitle: `slots of each layer, of ${most + 1} experts`,
      yTitle: 'hit rate',
    },
    curves(lines),
    at === null ? null : dot(at, rateAt(lru, at), `${slots} slots`),
  );
  const view: Markup = html`${drawn}${legend(DRAWN.map(({ color, label }) => [color, label]))}`;
  return { html: view.text, slots: { least, most, now: slots } };
}

/** Linear interpolation, constant outside the points. */
function rateAt(points: readonly (readonly [x: number, y: number])[], x: number): number {
  const after = points.findIndex(([to]) => to >= x);
  if (after <= 0) return points.at(after)![1];
  const [[x0, y0], [x1, y1]] = [points[after - 1]!, points[after]!];
  return y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
}

const percentText = (share: number): string => `${Math.round(100 * share)} %`;
