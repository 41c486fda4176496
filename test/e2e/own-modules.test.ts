// Modules that cannot be loaded: one line with the place of the mistake, as Node itself loads them (vitest has a loader of its own).
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from './moeprof.js';

const BROKEN: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  [
    'syntax.mjs',
    'export default {\n  name: "own",\n  create() { return ; } }\n};\n',
    /^syntax\.mjs:4:1: cannot be loaded as a policy: SyntaxError: Unexpected token '}'$/,
  ],
  ['syntax.js', 'export default {\n  a: 1,,\n};\n', /^syntax\.js:2:8: cannot be loaded as a policy: SyntaxError: Unexpected token ','$/],
  ['syntax.cjs', 'module.exports = {\n  a: 1,,\n};\n', /^syntax\.cjs:2:8: cannot be loaded as a policy: SyntaxError: /],
  ['imports.mjs', "import './syntax.mjs';\nexport default {};\n", /^syntax\.mjs:4:1: cannot be loaded as a policy: SyntaxError: /],
  [
    'missing-name.mjs',
    "import { nope } from 'node:fs';\nexport default {};\n",
    /^missing-name\.mjs:1:10: .*does not provide an export named 'nope'$/,
  ],
  ['top.mjs', 'export const a = 1;\nnothing();\n', /^top\.mjs:2:1: cannot be loaded as a policy: ReferenceError: nothing is not defined$/],
  ['text.mjs', "throw 'a text\\nof two lines';\n", /^text\.mjs: cannot be loaded as a policy: 'a text'$/],
  ['exit.mjs', 'process.exit(7);\n', /^exit\.mjs: cannot be loaded as a policy: it ends its process \(process\.exit\(7\)\)$/],
  ['abort.mjs', 'process.abort();\n', /^abort\.mjs: cannot be loaded as a policy: it ends its process \(SIGABRT\)$/],
  ['absent.mjs', "import './gone.mjs';\n", /^absent\.mjs: cannot be loaded as a policy: Error: Cannot find module .*gone\.mjs/],
];

const TYPED = "const name: string = 'typed';\nexport default { name };\n";

let cwd: string;
let said: Record<string, string>;
beforeAll(async () => {
  cwd = temporaryFolder();
  for (const [name, text] of [...BROKEN, ['typed.ts', TYPED] as const]) writeFileSync(join(cwd, name), text);
  const loader = resolve(import.meta.dirname, '../../build/base/user-module.js');
  const script = `
    import { importOwn } from ${JSON.stringify(loader)};
    const said = {};
    for (const name of process.argv.slice(1)) said[name] = await importOwn('policy', process.cwd() + '/' + name).then(() => '', ({ message }) => message);
    console.log(JSON.stringify(said));`;
  const names = [...BROKEN.map(([name]) => name), 'typed.ts'];
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', '--input-type=module', '-e', script, ...names], { cwd });
  said = JSON.parse(stdout) as Record<string, string>;
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

it.each(BROKEN)('%s', (name, _text, message) => {
  expect(said[name]).toMatch(message);
  expect(said[name]).not.toContain('\n');
});

it('TypeScript runs where this Node can leave types out; elsewhere it is told what runs instead', () => {
  const strips = Boolean((process.features as { readonly typescript?: unknown }).typescript);
  if (strips) expect(said['typed.ts']).toBe('');
  else
    expect(said['typed.ts']).toMatch(
      /^typed\.ts: is TypeScript, which Node \S+ does not run; name what tsc makes of it \(typed\.js\), or use Node 22\.18 or later$/,
    );
});
