// Pages of the documentation, as tests read them.
import { readFileSync } from 'node:fs';

/** A file of the repository: `README.md`, `docs/ci.md`. */
export const repositoryFile = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** A page of the documentation: `ci.md`. */
export const docsPage = (name: string): string => repositoryFile(`docs/${name}`);

/** Blocks of code of a language that a text has. */
export const blocksOf = (text: string, language = 'yaml'): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)\`\`\``, 'gms'))].map(([, block]) => block!);

/** What a text has between a heading and the next of that level, or another. */
export const sectionOf = (text: string, heading: string, next = '\n## '): string => text.split(heading)[1]!.split(next)[0]!;

/** Names that the rows of a text's tables begin with. */
export const rowNames = (text: string): string[] => [...text.matchAll(/^\| `([\w-]+)` \|.*\|$/gm)].map(([, name]) => name!);
