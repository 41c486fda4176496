// The files of src, of tests and of tools as syntax trees, for the rules that every file keeps.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Comment, type Program, parseSync } from 'oxc-parser';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A file, by its path in src, or in the repository where it is of another folder. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly program: Program;
  readonly comments: readonly Comment[];
}

/** Parses a text; @throws Error where it is no TypeScript */
export function parse(path: string, text: string): SourceFile {
  const { comments, errors, program } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]!.message}`);
  return { path, text, program, comments };
}

const files: SourceFile[] = [];

/** All TypeScript files of src, parsed once for all tests. */
export function sources(): readonly SourceFile[] {
  if (files.length === 0) files.push(...filesIn('src', /\.ts$/).map((file) => ({ ...file, path: file.path.slice('src/'.length) })));
  return files;
}

/** Files of a folder of the repository whose names match, by path. @throws Error where one cannot be parsed */
export function filesIn(folder: string, names: RegExp): SourceFile[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => names.test(name))
    .sort()
    .map((name) => parse(`${folder}/${name}`, readFileSync(join(ROOT, folder, name), 'utf8')));
}
