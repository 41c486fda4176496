import { tex } from '../table/tex.js';
import type { Citation } from './citations.js';

/** ASCII, separated by empty lines. All are `@misc`, known to every style; venues become notes. */
export const bibtex = (citations: readonly Citation[]): string => citations.map(entry).join('\n');

function entry({ arxiv, authors, doi, key, note, title, url, venue, year }: Citation): string {
  const notes = [venue, note].filter((text) => text !== undefined);
  const link = url ?? (arxiv === undefined ? undefined : `https://arxiv.org/abs/${arxiv}`);
  const fields: [name: string, value: string | undefined][] = [
    // Sorting styles need a key if authors are missing.
    authors === undefined ? ['key', tex(title)] : ['author', authors.map(authorOf).join(' and ')],
    ['title', `{${tex(title)}}`],
    ['year', year?.toString()],
    ['eprint', arxiv],
    ['archiveprefix', arxiv === undefined ? undefined : 'arXiv'],
    ['doi', doi],
    ['url', link?.replace(/[{}\\%]/g, (sign) => encodeURIComponent(sign))],
    ['note', notes.length === 0 ? undefined : tex(notes.join('; '))],
  ];
  const lines = fields.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name} = {${value}},\n`]));
  return `@misc{${key},\n${lines.join('')}}\n`;
}

/** Braces keep an organisation (one word, or with an article) whole. */
function authorOf(name: string): string {
  return name === 'others' || (/ /.test(name) && !name.startsWith('The ')) ? tex(name) : `{${tex(name)}}`;
}
