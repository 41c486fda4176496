// Charts as inline SVG. Plots scale with the page; HTML labels keep their size.
import type { Tick } from './axis.js';
import { html, type Markup, type Piece } from './markup.js';
import { percent } from './pieces.js';

/** A line, or the top of an area: points in 0..1 of each axis, by x. */
interface PlottedCurve {
  /** Colour: name of a CSS variable, e.g. `hit`. */
  readonly color: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dashed?: boolean;
}

interface Frame {
  /** Text alternative of the picture. */
  readonly label: string;
  /** CSS pixels. */
  readonly height: number;
  readonly x: readonly Tick[];
  readonly y: readonly Tick[];
  readonly xTitle: string;
  readonly yTitle: string;
  /** Interactive chart that replaces the plot, see `client/series.js`. */
  readonly live?: string;
}

/** Units of the coordinate system inside a plot. */
const SIZE = 1000;

const coordinate = (share: number): number => Math.round(share * SIZE * 10) / 10;

/** Plot with axes; `marks` are SVG in a square of 1000 units, `over` is an HTML overlay. */
export function plot(frame: Frame, marks: Piece, over: Piece = null): Markup {
  const { label, height, x, y, xTitle, yTitle, live } = frame;
  // Phones show every second label.
  const dense = x.reduce((letters, { label }) => letters + label.length + 2, 0) > 34;
  const edge = (at: number): Piece => (at > 0.94 ? html` class="last"` : at < 0.04 && html` class="first"`);
  return html`<div class="plot" style="--h:${height}px"${live !== undefined && html` data-live="${live}"`}>
<div class="ytitle" aria-hidden="true">${yTitle}</div>
<div class="yaxis" aria-hidden="true">${y.map(({ at, label }) => html`<span style="bottom:${percent(at)}">${label}</span>`)}</div>
<div class="area"><svg viewBox="0 0 ${SIZE} ${SIZE}" preserveAspectRatio="none" role="img" aria-label="${label}">${y.map(
    ({ at }) => html`<path class="rule" d="M0 ${coordinate(1 - at)}H${SIZE}"/>`,
  )}${marks}</svg>${over}</div>
<div class="xaxis${dense && ' dense'}" aria-hidden="true">${x.map(({ at, label }) => html`<span style="left:${percent(at)}"${edge(at)}>${label}</span>`)}</div>
<div class="xtitle" aria-hidden="true">${xTitle}</div>
</div>`;
}

/** Lines of a plot. */
export function curves(all: readonly PlottedCurve[]): Markup[] {
  return all.map(({ color, points, dashed }) => {
    const path = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${coordinate(x)} ${coordinate(1 - y)}`).join('');
    return html`<path class="line${dashed === true && ' dashed'}" d="${path}" stroke="var(--${color})"/>`;
  });
}

/** Empty part of a column's width; ours. */
const GAP = 0.15;

function columnPath(i: number, count: number, gap: number, y: number, height: number): string {
  const width = coordinate((1 - gap) / count);
  return `M${coordinate((i + gap / 2) / count)} ${y}h${width}v${coordinate(height)}h-${width}z`;
}

/** Stacked columns, first at the bottom: `stacks[k][i]` is 0..1 of the height. @param gap empty part of a column */
export function columns(stacks: readonly (readonly number[])[], colors: readonly string[], gap = GAP): Markup[] {
  const count = stacks[0]?.length ?? 0;
  const bottom = new Float64Array(count);
  return stacks.map((shares, k) => {
    let path = '';
    for (let i = 0; i < count; i++) {
      const height = shares[i]!;
      if (!(height > 0)) continue;
      const top = bottom[i]! + height;
      path += columnPath(i, count, gap, coordinate(1 - top), height);
      bottom[i] = top;
    }
    return html`<path d="${path}" fill="var(--${colors[k]!})"/>`;
  });
}

/** Columns up or down from half height: `shares[i]` is -1..1 of half the height. */
export function divergingColumns(shares: readonly number[], up: string, down: string): Markup[] {
  const part = (sign: number): string =>
    shares.map((share, i) => (share * sign > 0 ? columnPath(i, shares.length, GAP, SIZE / 2, -share / 2) : '')).join('');
  return [html`<path d="${part(1)}" fill="var(--${up})"/>`, html`<path d="${part(-1)}" fill="var(--${down})"/>`];
}

/** Labelled dot, at 0..1 of each axis. */
export function dot(x: number, y: number, word: string, color = 'accent'): Markup {
  return html`<b class="dot${x > 0.8 && ' left'}" style="left:${percent(x)};bottom:${percent(y)};--dot:var(--${color})"><span aria-hidden="true">${word}</span></b>`;
}
