// References as BibTeX, in ASCII signs that every style takes.
import { visible } from '../../base/text.js';
import type { Citation } from './citations.js';

/** Characters that TeX does not take for text. */
const TEX: Readonly<Record<string, string>> = {
  ...Object.fromEntries([...'%&#_$'].map((sign) => [sign, `\\${sign}`])),
  ...{ '{': '\\{', '}': '\\}', '\\': '\\textbackslash{}', '~': '\\textasciitilde{}', '^': '\\textasciicircum{}' },
};

/** All entries, an empty line between them. `@misc` is what every style knows: venues are notes of it. */
export function bibtex(citations: readonly Citation[]): string {
  return citations.map(entry).join('\n');
}

function entry({ arxiv, authors, doi, key, note, title, url, venue, year }: Citation): string {
  const notes = [venue, note].filter((one) => one !== undefined);
  const link = url ?? (arxiv === undefined ? undefined : `https://arxiv.org/abs/${arxiv}`);
  const fields: [name: string, value: string][] = [
    ...(authors === undefined ? [] : [['author', authors.map(authorOf).join(' and ')] satisfies [string, string]]),
    ['title', `{${tex(title)}}`],
    ...(year === undefined ? [] : [['year', String(year)] satisfies [string, string]]),
    ...(arxiv === undefined ? [] : [['eprint', arxiv] satisfies [string, string], ['archiveprefix', 'arXiv'] satisfies [string, string]]),
    ...(doi === undefined ? [] : [['doi', doi] satisfies [string, string]]),
    ...(link === undefined ? [] : [['url', link.replace(/[{}\\%]/g, (sign) => encodeURIComponent(sign))] satisfies [string, string]]),
    ...(notes.length === 0 ? [] : [['note', tex(notes.join('; '))] satisfies [string, string]]),
  ];
  return `@misc{${key},\n${fields.map(([name, value]) => `  ${name} = {${value}},\n`).join('')}}\n`;
}

/** A name; braces keep one that is no person's in one piece, as those of one word or with an article are. */
function authorOf(name: string): string {
  return name === 'others' || (/ /.test(name) && !name.startsWith('The ')) ? tex(name) : `{${tex(name)}}`;
}

function tex(text: string): string {
  return visible(text).replace(/[%&#_${}\\~^]/g, (sign) => TEX[sign]!);
}
