import { printable, type ReportOptions } from '../format.js';
import type { Block, Code, Document, Facts, Grid, Line, Tone } from './document.js';
import { alignOf, isShown, isVerdict, readable } from './document.js';

/** Markdown of a document, with a final newline and without drawings. */
export function renderMarkdown({ blocks, lead = [], title }: Document, options: ReportOptions): string {
  const parts = [
    ...(title === undefined ? [] : [`## ${escapeMarkdown(title)}`]),
    ...lead.map((line) => (line.tone === 'caution' ? lineMarkdown(line) : `${lineMarkdown(line)}.`)),
    ...blocks.filter((block) => isShown(block, 'markdown', options.verbose)).map((block) => blockMarkdown(block, options)),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function blockMarkdown(block: Block, options: ReportOptions): string {
  switch (block.kind) {
    case 'lines':
      return linesMarkdown(block.lines);
    case 'facts':
      return factsMarkdown(block);
    case 'grid':
      return block.rows.length === 0 ? '' : gridMarkdown(block, options);
    case 'drawing':
      return '';
    case 'code':
      return codeMarkdown(block);
  }
}

/** Paragraphs; consecutive items form one list. */
function linesMarkdown(lines: readonly Line[]): string {
  const inList = ({ tone = 'plain' }: Line): boolean => ITEMS[tone] !== undefined;
  const before = (i: number): string => (i === 0 ? '' : inList(lines[i]!) && inList(lines[i - 1]!) ? '\n' : '\n\n');
  return lines.map((line, i) => before(i) + lineMarkdown(line)).join('');
}

/** The fence is longer than any fence in the text. */
function codeMarkdown({ lines, title }: Code): string {
  const text = lines.map(printable).join('\n');
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${title === undefined ? '' : `${escapeMarkdown(title)}:\n\n`}${fence}\n${text}\n${fence}`;
}

const ITEMS: Partial<Record<Tone, string>> = { item: '- ', fail: '- ❌ ', warn: '- ⚠️ ', new: '- 🆕 ' };

function lineMarkdown({ label = '', text, tone = 'plain' }: Line): string {
  const content = `${label === '' ? '' : `**${escapeMarkdown(label)}**${isVerdict(tone) ? '' : ':'} `}${escapeMarkdown(text)}`;
  if (tone === 'strong') return `**${content}**`;
  if (tone === 'heading') return `### ${content}`;
  if (ITEMS[tone] !== undefined) return ITEMS[tone] + content;
  return tone === 'caution' || tone === 'warning' ? `> ${content}` : content;
}

function factsMarkdown({ facts, title }: Facts): string {
  const list = facts.map(([label, text]) => `- **${escapeMarkdown(label.trim())}**: ${escapeMarkdown(text)}`).join('\n');
  return title === undefined ? list : `**${escapeMarkdown(title.text)}**\n\n${list}`;
}

function gridMarkdown(grid: Grid, { unicode }: ReportOptions): string {
  const { columns, head, rows } = readable(grid, 'markdown', unicode);
  const left = columns.map((_, index) => index).filter((index) => alignOf(columns[index]!, index) === 'left');
  const table = markdownTable(head, rows, left);
  if (grid.fold !== undefined) return details(grid.fold, table);
  return grid.title === undefined ? table : `**${escapeMarkdown(grid.title)}**\n\n${table}`;
}

function details(title: string, body: string): string {
  return `<details><summary>${escapeMarkdown(title)}</summary>\n\n${body}\n\n</details>`;
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[], left: readonly number[] = [0]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (left.includes(column) ? '---' : '---:'));
  return [line(head.map(escapeMarkdown)), line(rule), ...rows.map((row) => line(row.map(escapeMarkdown)))].join('\n');
}

/** Escapes text for Markdown: no markup, HTML, link, mention or line break. */
export function escapeMarkdown(text: string): string {
  return printable(text)
    .replace(/\s+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*[\]|~#!]/g, '\\$&')
    .replaceAll('://', '&#58;//')
    .replace(/www\./gi, '$&<!-- -->')
    .replace(/@(?=[\w-]*[a-z])/gi, '@<!-- -->')
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_');
}
