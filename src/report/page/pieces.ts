// Elements of reports beside charts: legends, bars, tables, and sections with headings.
import { html, type Markup, type Piece } from './markup.js';

/** CSS length of a share. */
export const percent = (share: number): string => `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;

/** Prose without line breaks between figures and their units. */
export function prose(text: string): string {
  return text.replace(/(?<=\d) (?=%|pp\b|[KMGT]i?B\b|[mun]?s\b|tok\/s)/g, '\u00a0');
}

/** Names of colours. */
export function legend(entries: readonly (readonly [color: string, label: string])[]): Markup {
  return html`<ul class="legend">${entries.map(([color, label]) => html`<li><i style="background:var(--${color})"></i>${label}</li>`)}</ul>`;
}

/** A horizontal bar of shares; the remainder stays empty. */
export function shareBar(label: string, parts: readonly { readonly color: string; readonly share: number }[]): Markup {
  return html`<div class="bar" role="img" aria-label="${label}">${parts.map(
    ({ color, share }) => share > 0 && html`<i style="width:${percent(share)};background:var(--${color})"></i>`,
  )}</div>`;
}

/** A small bar inside a table. */
export function miniBar(share: number): Markup {
  return html`<span class="mini" style="--w:${percent(share)};--c:var(--stall)"></span>`;
}

/** Lines to copy, as a button beside them does where scripts run. */
export const toCopy = (text: string): Markup => html`<pre class="copy">${text}</pre>`;

/** A part that is folded away under a heading. */
export function folded(heading: string, content: Piece): Markup {
  return html`<details><summary>${heading}</summary>${content}</details>`;
}

/** Columns above which a table is set smaller. */
const MANY = 4;

/** Characters from which on a cell may break its line. */
const LONG = 28;

/** A table whose first column names the row; columns are right-aligned except those in `text`. Phones list values below the name of the row. */
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
  // The head says it once more, but not on a phone, which does not show the head of a wide table.
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
  /** A description in a sentence or two. */
  readonly about: Piece;
  readonly content: Piece;
}

/** A part of a report about one thing. */
export interface Section<T> {
  readonly id: string;
  readonly title: string;
  /** Null if there is nothing to show. @param source key of the pictures' data in the page */
  draw(value: T, source: string): Drawn | null;
}

/** Draws all non-empty sections, after links to them. @param prefix of each anchor, for pages that draw sections several times */
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
