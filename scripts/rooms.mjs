// The order of rooms, for the test of imports and for the picture and the table of docs/architecture.md. A room is
// a folder of src. Data flows from the first to the last, and so do imports, those of types included.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';

/** Rooms, first to last: a room imports from itself and from rooms before it, or only from those that `only` names. */
export const ROOMS = [
  { name: 'base', is: 'text, units, files, YAML, random numbers, statistics: nothing about experts' },
  { name: 'result', is: 'the public result of a run: its schema, the catalogue of metrics, amounts and budgets' },
  { name: 'model', is: 'the model: layers, experts and their bytes, from a profile, config.json, safetensors or GGUF' },
  { name: 'hardware', is: 'the machine: GPU, CPU, links and memory, and the cost of kernels' },
  { name: 'trace', is: 'routing traces: read from any format or drawn by a generator' },
  { name: 'cache', is: 'the expert cache: policies, capacities, bounds and curves' },
  { name: 'schedule', is: 'arrivals, requests, and the schedulers that form passes' },
  { name: 'predict', is: 'predictors of experts, their training and their scores' },
  { name: 'system', is: 'a system: policy, predictor, scheduler and miss action, read from YAML or flags' },
  { name: 'engine', is: 'the fold over events: places experts, moves bytes, counts nanoseconds' },
  { name: 'timeline', is: 'an observer of the engine that draws a run over time' },
  { name: 'report', is: 'results and documents as text, JSON, CSV, Markdown or HTML', only: ['base', 'result'] },
  { name: 'compare', is: 'comparison of results: differences, significance, the gate' },
  { name: 'explore', is: 'many runs: curves, plans, sweeps, studies, searches, advice, validation' },
  { name: 'cli', is: 'the command line: one file a command' },
];

/** A file that exports for programs; it imports from any room, and no file imports it. */
const LIBRARY = 'index.ts';

/** Specifiers of static imports, `export ... from`, `import()` and types: relative ones, and the package's own name. */
const SPECIFIER = /(?:\bfrom|\bimport)\s*\(?\s*(['"`])(\.[^'"`]*|moeprof)\1/g;

/**
 * Every TypeScript file below a folder with the files that it imports, as a sorted map; paths are relative to the folder, with slashes.
 * A comment that reads like an import counts as one.
 */
export function readImports(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath.slice(folder.length), entry.name).replace(/^\//, ''))
    .sort();
  return new Map(files.map((file) => [file, importsOf(file, readFileSync(join(folder, file), 'utf8'))]));
}

function importsOf(file, text) {
  const found = [...text.matchAll(SPECIFIER)].map(([, , name]) =>
    name === 'moeprof' ? LIBRARY : join(dirname(file), name.replace(/\.js$/, '.ts')),
  );
  return [...new Set(found)].sort();
}

/** Room of a file; empty for a file that stands in none. */
export const roomOf = (file) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '');

/** Violations of the order in `readImports`, one line each: the file, its import, and the rule. */
export function brokenRules(imports) {
  return [...imports].flatMap(([file, targets]) => [
    ...(file === LIBRARY || ROOMS.some(({ name }) => name === roomOf(file)) ? [] : [`src/${file}: stands in no room`]),
    ...targets.flatMap((target) => {
      const rule = file === LIBRARY ? null : ruleAgainst(roomOf(file), target);
      return rule === null ? [] : [`src/${file} imports src/${target}: ${rule}`];
    }),
  ]);
}

function ruleAgainst(room, target) {
  if (target === LIBRARY) return 'no file imports the library';
  const other = roomOf(target);
  if (other === room) return null;
  const at = ROOMS.findIndex(({ name }) => name === room);
  const only = ROOMS[at]?.only ?? ROOMS.slice(0, Math.max(at, 0)).map(({ name }) => name);
  if (only.includes(other)) return null;
  return ROOMS[at]?.only ? `${room} imports only ${only.join(' and ')}` : `${room} does not come after ${other || 'it'}`;
}

/** Groups of files that import one another in a loop, each sorted. */
export function loopsOf(imports) {
  const reached = new Map([...imports.keys()].map((file) => [file, reachedFrom(imports, file)]));
  const inLoop = [...imports.keys()].filter((file) => reached.get(file).has(file));
  const groups = inLoop.map((file) => inLoop.filter((other) => reached.get(file).has(other) && reached.get(other).has(file)));
  return groups.filter((group, i) => group[0] === inLoop[i]);
}

function reachedFrom(imports, start) {
  const reached = new Set();
  const open = [start];
  while (open.length > 0) {
    for (const target of imports.get(open.pop()) ?? []) {
      if (reached.has(target)) continue;
      reached.add(target);
      open.push(target);
    }
  }
  return reached;
}
