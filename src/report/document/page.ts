import { VERSION } from '../../result/version.js';
import { type Format, printable } from '../format.js';
import { clientScript } from '../page/assets.js';
import { html, Markup, type Piece } from '../page/markup.js';
import { download, page } from '../page/page.js';
import { folded, prose, shareBar, table, toCopy } from '../page/pieces.js';
import { renderCsv } from './csv.js';
import { alignOf, type Block, type Document, type Grid, isShown, type Line, readable } from './document.js';
import { documentFormats } from './formats.js';

/** CSS of document pages. */
export const DOCUMENT_STYLE = `pre.copy{white-space:pre-wrap;overflow-wrap:anywhere;padding:.8em 1em;border:1px solid var(--line,#8884);border-radius:6px;font-size:.9rem;line-height:1.5}
section:has(>h2:only-child){margin-bottom:0}section:has(>h2:only-child)+section{margin-top:.5rem}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.3em 1em}dl.facts dt{opacity:.7}dl.facts dd{margin:0}
@media (max-width:40rem){dl.facts{grid-template-columns:1fr}}
.drawing{background:var(--panel);print-color-adjust:exact;border-radius:8px;padding:.6rem;position:relative}.drawing svg{display:block;width:100%;max-width:760px;height:auto;margin:0 auto;touch-action:pan-y}
.drawing.ready svg{cursor:crosshair}.drawing svg .chosen{stroke:var(--ink);stroke-width:2px}.drawing .frame{fill:#8884;stroke:var(--soft);vector-effect:non-scaling-stroke}
.drawing svg,.drawing svg g[color="#000"],.drawing svg text:not([fill]){color:var(--ink)}.drawing svg text:not([fill]){fill:var(--ink)}
.drawing>svg>rect{fill:none}.drawing svg [fill="#333"],.drawing svg [fill="#444"]{fill:var(--soft)}.drawing svg [stroke="#fff"]{stroke:var(--panel)}
.drawing svg [fill="#000000"]{fill:var(--ink)}.drawing svg [stroke="#000000"]{stroke:var(--ink)}
@media screen and (prefers-color-scheme:dark){.drawing svg :is(rect[fill^=rgb],text[fill="#fff"],text[fill="#000"]){filter:invert(1) hue-rotate(180deg)}}
.told{display:block;min-height:1.5em;font-size:.9rem;margin:.3rem 0}`;

/** Colours of a bar's parts, in order. */
const PARTS = ['hit', 'accent', 'stall'];

/** @param name command, e.g. `moeprof advise` @param dataOf JSON data */
export function pagedFormats<T>(name: string, documentOf: (value: T) => Document, dataOf?: (value: T) => unknown): readonly Format<T>[] {
  const page: Format<T> = { name: 'html', extensions: ['.html', '.htm'], render: (value) => renderDocumentPage(documentOf(value), name) };
  return [...documentFormats<T>(documentOf, dataOf), page];
}

/** Readable without scripts. @param name command, e.g. `moeprof advise` @param picture SVG at the top */
export function renderDocumentPage(document: Document, name: string, picture?: string): string {
  const { blocks, title = name } = document;
  return page({
    title: `${name}: ${title}`,
    header: documentHeader(document, name),
    body: html`${picture !== undefined && figureOf(picture)}${documentBody(blocks)}`,
    footer: html`<p class="downloads">Save as CSV: ${download('table', 'table.csv', renderCsv(document))}.</p><p>Written by moeprof ${VERSION}.</p>`,
    data: null,
    scripts: picture === undefined ? [] : [clientScript('tools', 'figure')],
    styles: [DOCUMENT_STYLE],
  });
}

/** Heading of a page. @param name title of an untitled document */
export function documentHeader(document: Document, name: string): Markup {
  const { title = name } = document;
  const { answer, origin } = headingOf(document, title);
  return html`${answer !== title && html`<p class="origin">${printable(title)}</p>`}<h1 class="answer">${prose(printable(answer))}</h1>${origin.map(
    (line) => html`<p class="origin">${said(line)}</p>`,
  )}`;
}

/** Folds a picture more than twice as high as wide. */
function figureOf(picture: string): Markup {
  const [, width = 0, height = 0] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(picture)?.map(Number) ?? [];
  const drawing = html`<div class="drawing">${new Markup(picture)}</div>`;
  return html`<section class="figure">${height > 2 * width ? folded('All of it as a figure', drawing) : drawing}</section>`;
}

/** Blocks of a page in order, folded by heading. */
export function documentBody(blocks: readonly Block[]): Markup {
  const parts: { readonly under?: string; readonly drawings: Markup[] }[] = [];
  for (const block of blocks.filter((part) => isShown(part, 'markdown', true) || part.only?.includes('page'))) {
    if (block.under === undefined || parts.at(-1)?.under !== block.under) parts.push({ under: block.under, drawings: [] });
    parts.at(-1)!.drawings.push(drawn(block));
  }
  return html`${parts.map(({ drawings, under }) => (under === undefined ? drawings : html`<section>${folded(under, drawings)}</section>`))}`;
}

function commandsOf({ columns, keys = 1, rows }: Grid): Piece {
  const at = columns.findIndex(({ copy }) => copy === true);
  const named = (row: Grid['rows'][number]): Piece => row.slice(0, keys).map(({ text }) => `${printable(text)} `);
  return at >= 0 && rows.map((row) => row[at]!.text !== '' && html`<p>${named(row)}</p>${toCopy(printable(row[at]!.text))}`);
}

function headingOf({ answer, lead = [] }: Document, title: string): { readonly answer: string; readonly origin: readonly Line[] } {
  if (answer !== undefined) return { answer, origin: lead };
  const [first, ...others] = lead;
  const isVerdict = first?.tone !== undefined && ['good', 'bad', 'strong', 'warning', 'caution'].includes(first.tone);
  return isVerdict ? { answer: first.text, origin: others } : { answer: title, origin: lead };
}

/** A grid as a table. @param caption absent: the first head @param text left-aligned columns; absent: as in the grid */
export function gridTable(caption: string | undefined, grid: Grid, text?: readonly number[]): Markup {
  const onPages = grid.columns.map((column) => (column.only?.includes('page') ? { ...column, only: ['markdown' as const] } : column));
  const { columns, head, rows } = readable({ ...grid, columns: onPages }, 'markdown', true);
  const left = text ?? columns.flatMap((column, index) => (alignOf(column, index) === 'left' ? [index] : []));
  return table(caption ?? head[0]!, head, rows, left);
}

const said = ({ label, text }: Line): string => prose(printable(label === undefined ? text : `${label}: ${text}`));

function drawnLines(lines: readonly Line[]): Markup {
  if (lines.every(({ tone }) => tone === 'item')) return html`<ul>${lines.map((line) => html`<li>${said(line)}</li>`)}</ul>`;
  return html`${lines.map((line) => (line.tone === 'strong' ? html`<h2>${said(line)}</h2>` : html`<p>${said(line)}</p>`))}`;
}

function drawn(block: Block): Markup {
  switch (block.kind) {
    case 'drawing':
      return html``;
    case 'code':
      return html`<section>${block.title !== undefined && html`<p>${printable(block.title)}</p>`}${toCopy(block.lines.map(printable).join('\n'))}</section>
`;
    case 'lines':
      return html`<section>${drawnLines(block.lines)}</section>
`;
    case 'facts': {
      const bar = (at: number, text: string): Markup | false => {
        const shares = block.shares?.[at];
        return (
          shares !== undefined &&
          shareBar(
            printable(text),
            shares.map((share, i) => ({ color: PARTS[i]!, share })),
          )
        );
      };
      const facts = block.facts.map(
        ([label, text], i) => html`<dt>${printable(label)}</dt><dd>${bar(i, text)}${prose(printable(text))}</dd>`,
      );
      return html`<section>${block.title !== undefined && html`<p>${said(block.title)}</p>`}<dl class="facts">${facts}</dl></section>
`;
    }
    case 'grid': {
      if (block.rows.length === 0) return html``;
      const { fold, title = fold } = block;
      const commands = commandsOf(block);
      if (fold !== undefined && commands !== false) return html`<section>${folded(fold, commands)}</section>`;
      const isBare = (at: number): boolean => at > 0 && block.rows.every((row) => row[at]!.text === '');
      const columns = block.columns.map((column, at) => (column.copy === true || isBare(at) ? { ...column, only: [] } : column));
      const drawnTable = gridTable(title, { ...block, columns });
      const more = commands !== false && folded('The command that repeats each run', commands);
      return html`<section>${fold === undefined ? drawnTable : folded(fold, drawnTable)}${more}</section>
`;
    }
  }
}
