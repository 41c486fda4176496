// A document as a page of HTML: what Markdown shows of it, without a script.
import type { Format, ReportOptions } from '../format.js';
import { html, type Markup, type Piece } from '../html/markup.js';
import { page } from '../html/page.js';
import { prose, table } from '../html/pieces.js';
import { alignOf, type Block, type Document, isShown, type Line, readable } from './document.js';

/** The HTML format of a kind of value, as `documentFormats` has the others. */
export function documentHtml<T>(documentOf: (value: T) => Document): Format<T> {
  return { name: 'html', extensions: ['.html', '.htm'], render: (value, options) => renderHtml(documentOf(value), options) };
}

function renderHtml({ blocks, lead = [], title = '' }: Document, { verbose }: ReportOptions): string {
  const shown = blocks.filter((block) => isShown(block, 'markdown', verbose));
  return page({
    title: `moeprof: ${title}`,
    header: html`<h1>${title}</h1>
${lead.map(paragraph)}`,
    body: html`${shown.map(section)}`,
    footer: html`<p>Written by moeprof.</p>`,
    data: null,
    scripts: [],
  });
}

function paragraph({ label, text, tone }: Line): Markup {
  const stands = tone === 'caution' || tone === 'warning';
  return html`<p${stands && html` class="note"`}>${label !== undefined && html`<b>${label}</b>: `}${prose(text)}</p>
`;
}

function section(block: Block): Piece {
  switch (block.kind) {
    case 'lines':
      return block.lines.map(paragraph);
    case 'facts':
      return html`<dl>${block.facts.map(([label, text]) => html`<dt>${label}</dt><dd>${prose(text)}</dd>`)}</dl>
`;
    case 'grid': {
      if (block.rows.length === 0) return '';
      const { columns, head, rows } = readable(block, 'markdown', true);
      const texts = columns.flatMap((column, index) => (alignOf(column, index) === 'left' ? [index] : []));
      return html`<section>${table(block.title ?? '', head, rows, texts)}</section>
`;
    }
    case 'code':
      return html`<pre>${block.lines.join('\n')}</pre>
`;
    case 'drawing':
      return '';
  }
}
