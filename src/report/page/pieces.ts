import { html, type Markup, type Piece } from './markup.js';

/** CSS length of a share. */
export const percent = (share: number): string => `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;

/** Keeps figures and units on one line. */
export function prose(text: string): string {
  return text.replace(/(?<=\d) (?=%|pp\b|[KMGT]i?B\b|[mun]?s\b|tok\/s)/g, '\u00a0');
}

/** Legend of colours. */
export function legend(entries: readonly (readonly [color: string, label: string])[]): Markup {
  return html`<ul class="legend">${entries.map(([color, label]) => html`<li><i style="background:var(--${color})"></i>${label}</li>`)}</ul>`;
}

/** Horizontal bar of shares; the remainder stays empty. */
export function shareBar(label: string, parts: readonly { readonly color: string; readonly share: number }[]): Markup {
  return html`<div class="bar" role="img" aria-label="${label}">${parts.map(
    ({ color, share }) => share > 0 && html`<i style="width:${percent(share)};background:var(--${color})"></i>`,
  )}</div>`;
}

/** Small bar inside a table. */
export function miniBar(share: number): Markup {
  return html`<span class="mini" style="--w:${percent(share)};--c:var(--stall)"></span>`;
}

/** Lines to copy, with a button if scripts run. */
export const toCopy = (text: string): Markup => html`<pre class="copy">${text}</pre>`;

/** A part folded under a heading. */
export function folded(heading: string, content: Piece): Markup {
  return html`<details><summary>${heading}</summary>${content}</details>`;
}

/** Columns above which a table is set smaller; ours. */
const MANY = 4;

/** Characters above which a cell may wrap; ours. */
const LONG = 28;

/** Table whose first column names the row; `text` lists left-aligned columns. */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly Piece[])[],
  text: readonly number[] = [0],
): Markup {
  const kind = (column: number, cell?: Piece): Piece => {
    if (typeof cell === 'string' && cell.length > LONG) return html` class="long"`;
    return column > 0 && !text.includes(column) && html` class="n"`;
  };
  const wide = head.length > 3;
  const label = (column: number): Piece => wide && head[column] !== '' && html` data-label="${head[column]!}"`;
  // Hides a caption equal to the first head, except on phones, which hide wide tables' heads.
  const again = caption === head[0];
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table${wide && html` class="wide${head.length > MANY && ' many'}"`}><caption${again && html` class="again"`}>${caption}</caption><thead><tr>${head.map(
    (cell, column) => (cell === '' ? html`<td></td>` : html`<th scope="col"${kind(column)}>${cell}</th>`),
  )}</tr></thead><tbody>${rows.map(
    (row) =>
      html`<tr>${row.map((cell, column) => (column === 0 ? html`<th scope="row"${kind(0, cell)}>${cell}</th>` : html`<td${kind(column, cell)}${label(column)}>${cell}</td>`))}</tr>
`,
  )}</tbody></table></div>`;
}

interface Drawn {
  readonly about: Piece;
  readonly content: Piece;
}

/** A section of a report. */
export interface Section<T> {
  readonly id: string;
  readonly title: string;
  /** Null: an empty section. @param source key of the pictures' data in the page */
  draw(value: T, source: string): Drawn | null;
}

/** All non-empty sections, after links. @param prefix of anchors, if a page repeats sections */
export function drawSections<T>(
  sections: readonly Section<T>[],
  value: T,
  prefix = '',
  source = 'details',
): { readonly contents: Markup; readonly body: Markup } {
  const drawn = sections.flatMap(({ id, title, draw }) => {
    const parts = draw(value, source);
    return parts === null ? [] : [{ id: prefix + id, title, ...parts }];
  });
  return {
    contents: html`<nav aria-label="Contents">${drawn.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav>`,
    body: html`${drawn.map(
      ({ id, title, about, content }) => html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${about !== null && about !== '' && html`<p class="about">${typeof about === 'string' ? prose(about) : about}</p>`}${content}</section>
`,
    )}`,
  };
}
