// Imports of src follow the order of rooms and of the folders inside them, types included; no files and no folders import one another in a loop.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { brokenRules, doorsOf, foldersOf, loopsOf, MOST_DOORS, ROOMS, readImports, roomOf } from '../../scripts/rooms.mjs';
import { temporaryFolder } from '../support/folder.js';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

describe('imports of src', () => {
  const imports = readImports(SRC);

  it('are all read', () => {
    expect(imports.size).toBeGreaterThan(300);
    expect([...imports.values()].flat().filter((target) => !imports.has(target))).toEqual([]);
  });

  it('fill every room and every folder of the order', () => {
    const folders = foldersOf(imports);
    const expected = ROOMS.flatMap(({ inside, name }) => [
      name,
      ...inside.filter((folder) => folder !== '*').map((folder) => (folder === '.' ? name : `${name}/${folder}`)),
    ]);
    const filled = (place: string) => [...folders.keys()].some((folder) => folder === place || folder.startsWith(`${place}/`));
    expect(expected.filter((place) => !filled(place))).toEqual([]);
  });

  it('follow the order of rooms', () => {
    expect(brokenRules(imports)).toEqual([]);
  });

  it('hold no loop', () => {
    expect(loopsOf(imports)).toEqual([]);
    expect(loopsOf(foldersOf(imports))).toEqual([]);
  });

  it('enter a room by few of its files: base and result are for all', () => {
    const files = (room: string) => [...imports.keys()].filter((file) => roomOf(file) === room).length;
    const doors = [...doorsOf(imports)].filter(([room]) => room !== 'base' && room !== 'result');
    expect(doors.filter(([room, { size }]) => size > MOST_DOORS * files(room)).map(([room, { size }]) => `${room}: ${size}`)).toEqual([]);
  });

  it('leave no room with more than 14 % of the lines', () => {
    const sizes = new Map<string, number>();
    for (const file of imports.keys()) {
      const lines = readFileSync(join(SRC, file), 'utf8').split('\n').length - 1;
      sizes.set(roomOf(file), (sizes.get(roomOf(file)) ?? 0) + lines);
    }
    const total = [...sizes.values()].reduce((sum, lines) => sum + lines, 0);
    expect([...sizes].filter(([, lines]) => lines > 0.14 * total)).toEqual([]);
  });
});

/** Imports of files that are written to a folder of their own. */
function planted(files: Record<string, string>): ReturnType<typeof readImports> {
  const folder = temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const imports = readImports(folder);
  rmSync(folder, { recursive: true });
  return imports;
}

describe('planted imports', () => {
  it.each([
    ['an import', "import { b } from '../cli/b.js';"],
    ['an import over lines', "import {\n  b,\n} from '../cli/b.js';"],
    ['an import for its effects', "import '../cli/b.js';"],
    ['an import of types', "import type { B } from '../cli/b.js';"],
    ['a type named in place', "export const b: import('../cli/b.js').B = 1;"],
    ['a dynamic import', "await import('../cli/b.js');"],
    ['an export', "export * from '../cli/b.js';"],
    ['double quotes', 'import { b } from "../cli/b.js";'],
  ])('%s against the order is told', (_, text) => {
    const rules = brokenRules(planted({ 'cache/a.ts': text, 'cli/b.ts': '' }));
    expect(rules).toEqual(['src/cache/a.ts imports src/cli/b.ts: cache does not come after cli']);
  });

  it.each([
    ['report/a.ts', '../model/b.js', 'src/report/a.ts imports src/model/b.ts: report imports only base and result'],
    ['report/a.ts', '../compare/b.js', 'src/report/a.ts imports src/compare/b.ts: report imports only base and result'],
    ['model/a.ts', '../hardware/b.js', 'src/model/a.ts imports src/hardware/b.ts: model does not come after hardware'],
    ['cli/a.ts', '../index.js', 'src/cli/a.ts imports src/index.ts: no file imports the library'],
    ['cli/a.ts', 'moeprof', 'src/cli/a.ts imports src/index.ts: no file imports the library'],
    ['attic/a.ts', './b.js', 'src/attic/a.ts: stands in no room'],
    ['a.ts', './cli/b.js', 'src/a.ts: stands in no room'],
    [
      'engine/event/a.ts',
      '../watch/b.js',
      'src/engine/event/a.ts imports src/engine/watch/b.ts: engine/event does not come after engine/watch',
    ],
    [
      'engine/watch/a.ts',
      '../simulate.js',
      'src/engine/watch/a.ts imports src/engine/simulate.ts: engine/watch does not come after engine itself',
    ],
    ['base/a.ts', './door.js', 'src/base/a.ts imports src/base/door.ts: base itself does not come after base/door.ts'],
    ['engine/attic/a.ts', './b.js', 'src/engine/attic/a.ts: attic has no place in the order of engine'],
    ['bound/attic/a.ts', './b.js', 'src/bound/attic/a.ts: attic has no place in the order of bound'],
    // A family: a folder for each member.
    [
      'runtime/one/a.ts',
      '../index.js',
      'src/runtime/one/a.ts imports src/runtime/index.ts: runtime/one does not come after runtime itself',
    ],
    [
      'runtime/kind/a.ts',
      '../one/b.js',
      'src/runtime/kind/a.ts imports src/runtime/one/b.ts: runtime/kind does not come after runtime/one',
    ],
  ])('%s may not import %s', (file, target, rule) => {
    expect(brokenRules(planted({ [file]: `import '${target}';` }))).toContain(rule);
  });
});

describe('planted files', () => {
  it('past a door are told', () => {
    const files = { 'model/door.ts': "export { a } from './a.js';", 'model/a.ts': '', 'cli/b.ts': "import { a } from '../model/a.js';" };
    expect(brokenRules(planted(files))).toEqual(['src/cli/b.ts imports src/model/a.ts: model is entered through model/door.ts']);
    expect(brokenRules(planted({ ...files, 'cli/b.ts': "import { a } from '../model/door.js';" }))).toEqual([]);
  });

  it('with the order are fine', () => {
    const files = {
      'index.ts': "export * from './cli/b.js';",
      'cli/b.ts': "import '../report/a.js';\nimport './c/d.js';\nimport fs from 'node:fs';",
      'report/a.ts': "import '../base/e.js';\nimport '../result/f.js';",
      'hardware/g.ts': "import '../model/h.js';",
    };
    expect(brokenRules(planted(files))).toEqual([]);
    expect(loopsOf(planted(files))).toEqual([]);
  });

  it('in loops are told, each loop by itself', () => {
    const files = {
      'base/a.ts': "import type { B } from './b.js';",
      'base/b.ts': "import { c } from './deep/c.js';",
      'base/deep/c.ts': "await import('../a.js');",
      'base/d.ts': "import './a.js';\nimport './e.js';",
      'base/e.ts': "import './d.js';",
      'base/f.ts': "import './f.js';",
    };
    expect(loopsOf(planted(files))).toEqual([['base/a.ts', 'base/b.ts', 'base/deep/c.ts'], ['base/d.ts', 'base/e.ts'], ['base/f.ts']]);
  });

  it('in folders that import one another are told, though no file does', () => {
    const files = {
      'engine/event/place/a.ts': "import '../show/b.js';",
      'engine/event/show/b.ts': '',
      'engine/event/show/c.ts': "import type { D } from '../place/d.js';",
      'engine/event/place/d.ts': '',
    };
    const imports = planted(files);
    expect(loopsOf(imports)).toEqual([]);
    expect(loopsOf(foldersOf(imports))).toEqual([['engine/event/place', 'engine/event/show']]);
  });
});
