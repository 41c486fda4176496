// Charts as inline SVG: the plot stretches with the page, while labels are HTML beside it, so that text keeps its size on a phone and in
// print. Works without a script.
import { html, type Markup, type Piece } from './markup.js';

/** A mark on an axis: `at` is 0..1 from the left or from the bottom. */
export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** A line, or the top of a filled area: points in 0..1 of both axes, by x. */
export interface Curve {
  /** Colour, by the name of its CSS variable: `hit`, `miss`, ... */
  readonly color: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly fill?: boolean;
  readonly dashed?: boolean;
}

/** What surrounds a plot. */
export interface Frame {
  /** What the picture shows, for those who do not see it. */
  readonly label: string;
  readonly height: number;
  readonly x: readonly Tick[];
  readonly y: readonly Tick[];
  readonly xTitle: string;
  /** Where a script may put an interactive chart instead; a key of its data. */
  readonly live?: string;
}

/** Units of the coordinate system inside a plot. */
const SIZE = 1000;

/** A coordinate in short. */
export function coordinate(share: number): number {
  return Math.round(share * SIZE * 10) / 10;
}

/** A plot with axes around it; `marks` are SVG in a square of 1000 units, `over` is HTML upon it. */
export function plot(frame: Frame, marks: Piece, over: Piece = null): Markup {
  const { label, height, x, y, xTitle, live } = frame;
  return html`<div class="plot" style="--h:${height}px"${live === undefined ? null : html` data-live="${live}"`}>
<div class="yaxis" aria-hidden="true">${y.map(({ at, label }) => html`<span style="bottom:${percent(at)}">${label}</span>`)}</div>
<div class="area"><svg viewBox="0 0 ${SIZE} ${SIZE}" preserveAspectRatio="none" role="img" aria-label="${label}">${y.map(
    ({ at }) => html`<path class="rule" d="M0 ${coordinate(1 - at)}H${SIZE}"/>`,
  )}${marks}</svg>${over}</div>
<div class="xaxis" aria-hidden="true">${x.map(({ at, label }) => html`<span style="left:${percent(at)}"${at > 0.94 ? html` class="last"` : at < 0.04 ? html` class="first"` : null}>${label}</span>`)}</div>
<div class="xtitle" aria-hidden="true">${xTitle}</div>
</div>`;
}

/** Lines and areas. */
export function curves(all: readonly Curve[]): Markup[] {
  return all.map(({ color, points, fill, dashed }) => {
    const path = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${coordinate(x)} ${coordinate(1 - y)}`).join('');
    const closed = `${path}L${coordinate(points.at(-1)?.[0] ?? 0)} ${SIZE}L${coordinate(points[0]?.[0] ?? 0)} ${SIZE}Z`;
    return fill === true
      ? html`<path d="${closed}" fill="var(--${color})"/>`
      : html`<path class="line${dashed === true ? ' dashed' : ''}" d="${path}" stroke="var(--${color})"/>`;
  });
}

/** Columns of stacked shares, the first at the bottom: `stacks[k][i]` is 0..1 of the height. One path for each colour. */
export function columns(stacks: readonly (readonly number[])[], colors: readonly string[], gap = 0.15): Markup[] {
  const count = stacks[0]?.length ?? 0;
  const bottom = new Float64Array(count);
  return stacks.map((shares, k) => {
    let path = '';
    for (let i = 0; i < count; i++) {
      const height = shares[i]!;
      if (!(height > 0)) continue;
      const top = bottom[i]! + height;
      path += `M${coordinate((i + gap / 2) / count)} ${coordinate(1 - top)}h${coordinate((1 - gap) / count)}v${coordinate(height)}h-${coordinate((1 - gap) / count)}z`;
      bottom[i] = top;
    }
    return html`<path d="${path}" fill="var(--${colors[k]!})"/>`;
  });
}

/** Intensities of a heatmap. */
const LEVELS = 12;

/** Rows of cells, darker for more. Equal neighbours become one rectangle, equal intensities one path. */
export function heatmap(rows: readonly (readonly number[])[], most: number): Markup {
  const width = Math.max(1, ...rows.map((row) => row.length));
  const paths = new Array<string>(LEVELS + 1).fill('');
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < row.length; ) {
      const level = levelOf(row[x]!, most);
      let end = x + 1;
      while (end < row.length && levelOf(row[end]!, most) === level) end++;
      if (level > 0) paths[level] += `M${x} ${y}h${end - x}v1h-${end - x}z`;
      x = end;
    }
  }
  return html`<svg class="heat" viewBox="0 0 ${width} ${Math.max(1, rows.length)}" preserveAspectRatio="none" shape-rendering="crispEdges" aria-hidden="true">${paths.map(
    (path, level) => path !== '' && html`<path d="${path}" fill-opacity="${(level / LEVELS).toFixed(2)}"/>`,
  )}</svg>`;
}

/** Square root: counts of experts have long tails. */
function levelOf(value: number, most: number): number {
  return value <= 0 || most <= 0 ? 0 : Math.max(1, Math.round(Math.sqrt(value / most) * LEVELS));
}

/** Names of colours. */
export function legend(entries: readonly (readonly [color: string, label: string])[]): Markup {
  return html`<ul class="legend">${entries.map(([color, label]) => html`<li><i style="background:var(--${color})"></i>${label}</li>`)}</ul>`;
}

/** A horizontal bar of shares. */
export function shareBar(label: string, parts: readonly { readonly color: string; readonly share: number }[]): Markup {
  return html`<div class="bar" role="img" aria-label="${label}">${parts.map(
    ({ color, share }) => share > 0 && html`<i style="width:${percent(share)};background:var(--${color})"></i>`,
  )}</div>`;
}

/** CSS length of a share. */
export function percent(share: number): string {
  return `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;
}

/** A table; numbers align right. `bars`: column of 0..1 drawn behind the first cell. */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly Piece[])[],
  text: readonly number[] = [0],
): Markup {
  const kind = (column: number): Markup | null => (text.includes(column) ? null : html` class="n"`);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption><thead><tr>${head.map(
    (cell, column) => html`<th scope="col"${kind(column)}>${cell}</th>`,
  )}</tr></thead><tbody>${rows.map(
    (row) =>
      html`<tr>${row.map((cell, column) => (column === 0 ? html`<th scope="row">${cell}</th>` : html`<td${kind(column)}>${cell}</td>`))}</tr>
`,
  )}</tbody></table></div>`;
}

/** Round marks between 0 and `most`: at most `count` steps of 1, 2, 2.5 or 5 times a power of ten. */
export function roundTicks(most: number, count: number, format: (value: number) => string): Tick[] {
  if (!(most > 0)) return [{ at: 0, label: format(0) }];
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const ticks: Tick[] = [];
  for (let k = 0; k * step <= most * 1.0001; k++) ticks.push({ at: (k * step) / most, label: format(k * step) });
  return ticks;
}

/** Marks of a share. */
export const SHARE_TICKS: readonly Tick[] = [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, label: `${at * 100} %` }));

/** A picture with its heading. */
export function section(id: string, title: string, about: Piece, ...content: readonly Piece[]): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${about !== null && html`<p class="about">${about}</p>`}${[...content]}</section>
`;
}
