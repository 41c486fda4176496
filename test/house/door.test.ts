// What others may have written is read through base/input-file, which examines a file before it reads it: no pipe, device or circle of links gets
// through, and each kind has its largest size. The calls of base/host/files that read are for few files, each for a reason.
import { Visitor } from 'oxc-parser';
import { expect, it } from 'vitest';
import { parse, type SourceFile, sources } from './source.js';

const READ = new Set([
  'fileText',
  'fileBytes',
  'fileTextLater',
  'openSync',
  'readSync',
  'readdirSync',
  'entriesIn',
  'entriesBelow',
  'namesLater',
]);

/** Who may use which, and why. */
const ALLOWED: Readonly<Record<string, readonly [names: readonly string[], why: string]>> = {
  'base/input-file.ts': [['openSync', 'readSync', 'readdirSync', 'entriesBelow'], 'the door itself'],
  'base/files.ts': [
    ['openSync', 'readSync', 'readdirSync'],
    'makes files of its own, reads those back that have no name, and removes those that were left',
  ],
  'base/profiles.ts': [['readdirSync', 'entriesIn', 'fileText'], 'folders and files of the package'],
  'cli/kit/outputs.ts': [['openSync'], 'opens to write'],
  'study/queue/file-cache.ts': [['openSync'], 'makes empty files'],
  'measured/measure/task.ts': [['fileText', 'readSync'], 'measures the reading of a file of its own, and its own thread in /proc'],
  'measured/measure/drive.ts': [['openSync'], 'makes the file that is measured'],
  'hardware/detect/ask.ts': [['fileTextLater', 'namesLater'], 'files of the kernel in /sys and /proc, with a limit of time'],
  'engine/outcome/comparable.ts': [['fileText'], 'a file of the package'],
  'figure/cite/cited.ts': [['fileText'], 'files of the package'],
  'report/page/assets.ts': [['fileText'], 'files of the package'],
  'result/version.ts': [['fileText'], 'a file of the package'],
  'study/build.ts': [['fileBytes'], 'the code of the package'],
};

/** `file: name` of each call that reads past the door. */
function past({ path, program }: SourceFile): string[] {
  if (/^base\/(host|web)\//.test(path)) return [];
  const found: string[] = [];
  new Visitor({
    ImportDeclaration: ({ source, specifiers }) => {
      if (!/\/host\/files\.js$/.test(source.value)) return;
      for (const one of specifiers) {
        // A namespace has them all.
        const name = one.type === 'ImportSpecifier' && 'name' in one.imported ? one.imported.name : '*';
        if (name === '*' || READ.has(name)) found.push(name);
      }
    },
    ExportNamedDeclaration: ({ source }) => void (/\/host\/files\.js$/.test(source?.value ?? '') && found.push('*')),
    ExportAllDeclaration: ({ source }) => void (/\/host\/files\.js$/.test(source.value) && found.push('*')),
    ImportExpression: ({ source }) =>
      void (source.type === 'Literal' && /\/host\/files\.js$/.test(String(source.value)) && found.push('*')),
  }).visit(program);
  return found.filter((name) => ALLOWED[path]?.[0].includes(name) !== true).map((name) => `src/${path}: ${name}`);
}

it('src reads files of others through the door', () => {
  expect(sources().flatMap(past)).toEqual([]);
});

it('each exception is needed', () => {
  const used = new Map(sources().map(({ path, text }) => [path, text]));
  const idle = Object.entries(ALLOWED).flatMap(([path, [names]]) =>
    names.filter((name) => !new RegExp(`\\b${name}\\(`).test(used.get(path) ?? '')).map((name) => `${path}: ${name}`),
  );
  expect(idle).toEqual([]);
});

it.each([
  ["import { fileText } from '../base/host/files.js';", 'fileText'],
  ["import { existsSync, openSync as open } from '../base/host/files.js';", 'openSync'],
  ["import * as files from '../base/host/files.js';", '*'],
  ["export { readdirSync } from '../base/host/files.js';", '*'],
  ["export * from '../base/host/files.js';", '*'],
  ["const files = await import('../base/host/files.js');", '*'],
])('a way past it is told: %s', (text, name) => {
  expect(past(parse('study/a.ts', text))).toEqual([`src/study/a.ts: ${name}`]);
});

it('what does not read is no way past it', () => {
  expect(past(parse('study/a.ts', "import { existsSync, unlinkSync } from '../base/host/files.js';"))).toEqual([]);
  expect(past(parse('result/version.ts', "import { fileText } from '../base/host/files.js';"))).toEqual([]);
});
