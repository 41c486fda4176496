// The files of src as syntax trees, for the rules that every file keeps.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Program, parseSync } from 'oxc-parser';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

/** A file, by its path in src. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly program: Program;
}

/** Parses a text; @throws Error where it is no TypeScript */
export function parse(path: string, text: string): SourceFile {
  const { errors, program } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]!.message}`);
  return { path, text, program };
}

const files: SourceFile[] = [];

/** All TypeScript files of src, parsed once for all tests. */
export function sources(): readonly SourceFile[] {
  if (files.length === 0) files.push(...read());
  return files;
}

function read(): SourceFile[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => parse(path, readFileSync(join(SRC, path), 'utf8')));
}
