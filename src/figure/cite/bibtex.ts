// References as BibTeX, in ASCII signs that every style takes.
import { tex } from '../table/tex.js';
import type { Citation } from './citations.js';

/** All entries, an empty line between them. `@misc` is what every style knows: venues are notes of it. */
export function bibtex(citations: readonly Citation[]): string {
  return citations.map(entry).join('\n');
}

function entry({ arxiv, authors, doi, key, note, title, url, venue, year }: Citation): string {
  const notes = [venue, note].filter((one) => one !== undefined);
  const link = url ?? (arxiv === undefined ? undefined : `https://arxiv.org/abs/${arxiv}`);
  const fields: [name: string, value: string][] = [
    // Styles that sort by author take the key where there is none.
    ...(authors === undefined
      ? [['key', tex(title)] satisfies [string, string]]
      : [['author', authors.map(authorOf).join(' and ')] satisfies [string, string]]),
    ['title', `{${tex(title)}}`],
    ...(year === undefined ? [] : [['year', String(year)] satisfies [string, string]]),
    ...(arxiv === undefined ? [] : [['eprint', arxiv] satisfies [string, string], ['archiveprefix', 'arXiv'] satisfies [string, string]]),
    ...(doi === undefined ? [] : [['doi', doi] satisfies [string, string]]),
    ...(link === undefined ? [] : [['url', link.replace(/[{}\\%]/g, (sign) => encodeURIComponent(sign))] satisfies [string, string]]),
    ...(notes.length === 0 ? [] : [['note', tex(notes.join('; '))] satisfies [string, string]]),
  ];
  return `@misc{${key},\n${fields.map(([name, value]) => `  ${name} = {${value}},\n`).join('')}}\n`;
}

/** An author; braces keep an organisation (one word, or with an article) in one piece. */
function authorOf(name: string): string {
  return name === 'others' || (/ /.test(name) && !name.startsWith('The ')) ? tex(name) : `{${tex(name)}}`;
}
