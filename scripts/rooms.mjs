// The order of rooms and of the folders inside them, for the test of imports and for the picture and the table of docs/architecture.md. A
// room is a folder of src. Data flows from the first to the last, and so do imports, those of types included.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';

/** The place of a room's own files among its folders. */
const OWN = '.';

/** The place of all folders that an order does not name: members of a family, one folder each. */
const OTHERS = '*';

/**
 * Rooms, first to last: a room imports from itself and from rooms before it, or only from those that `only` names. `inside` is the order of
 * its folders, `.` its own files: a file imports from its own folder and from folders before it, `*` all others. A room without folders has none.
 */
export const ROOMS = [
  {
    name: 'base',
    is: 'text, units, files, YAML, random numbers, statistics: nothing about experts; host is the only door to the outside',
    inside: ['host', '.', 'web'],
  },
  {
    name: 'result',
    is: 'the public result of a run: its schema, the catalogue of metrics, amounts and budgets',
    inside: [],
  },
  {
    name: 'model',
    is: 'the model: layers, experts and their bytes, from a profile, config.json, safetensors or GGUF',
    inside: ['quantization', '.', 'families', 'hub', 'load'],
  },
  { name: 'hardware', is: 'the machine: GPU, CPU, links and memory, and the cost of kernels', inside: ['parts', '.', 'detect'] },
  {
    name: 'trace',
    is: 'routing traces: read from any format or drawn by a generator',
    inside: ['.', 'generate', 'stats', 'variants', 'audit', 'convert', 'diff', 'fit', 'formats', 'open'],
  },
  {
    name: 'runtime',
    is: 'what is known of each runtime, a folder each: its flags, its logs, what it keeps in memory',
    inside: ['allocation', 'setting', 'flags', 'logs', 'kind', '*', '.'],
  },
  {
    name: 'cache',
    is: 'the expert cache: policies, capacities, bounds and curves',
    inside: ['next-use', '.', 'policies', 'bounds', 'curves'],
  },
  { name: 'schedule', is: 'arrivals, requests, and the schedulers that form passes', inside: ['arrivals', '.'] },
  {
    name: 'predict',
    is: 'predictors of experts, their training and their scores',
    inside: ['.', 'retrieval', 'onnx', 'evidence', 'predictors', 'evaluation'],
  },
  {
    name: 'system',
    is: 'a system: policy, predictor, scheduler and miss action, read from YAML or flags',
    inside: ['placement', '.'],
  },
  {
    name: 'engine',
    is: 'the fold over events: places experts, moves bytes, counts nanoseconds',
    inside: [
      'inputs',
      'transfer',
      'memory',
      'plan',
      'lookahead',
      'vocabulary',
      'prefetch',
      'foresight',
      'event',
      'mechanisms',
      'compose',
      'parallel',
      'serve',
      'watch',
      'outcome',
      '.',
    ],
  },
  { name: 'timeline', is: 'an observer of the engine that draws a run over time', inside: [] },
  {
    name: 'report',
    is: 'results and documents as text, JSON, CSV, Markdown or HTML',
    only: ['base', 'result'],
    inside: ['.', 'page', 'document', 'summary', 'html', 'formats', 'ranking'],
  },
  { name: 'figure', is: 'finished runs as tables and figures, and what they cite', inside: ['table', 'print', '.', 'cite'] },
  { name: 'capacity', is: 'the hit rate against the size of the cache', inside: [] },
  { name: 'bound', is: 'what knowledge of the future could give', inside: [] },
  {
    name: 'place',
    is: 'which experts stay, in the file that an engine loads, judged by text that was not counted',
    inside: ['formats', '.'],
  },
  { name: 'compare', is: 'comparison of results: differences, significance, the gate', inside: ['.', 'reports'] },
  {
    name: 'study',
    is: 'many runs, on any number of machines: sweeps, studies, searches',
    inside: ['sweep', '.', 'queue', 'search', 'workers'],
  },
  { name: 'advise', is: 'what to run, and what would make it faster', inside: ['.', 'plan', 'tune'] },
  {
    name: 'measured',
    is: 'predictions beside what machines did: their rates, their logs, rows of others',
    inside: ['measure', 'validate', 'machine', 'check', 'reproduce', 'contribute', 'tune'],
  },
  { name: 'record', is: 'routing recorded from real engines', inside: [] },
  { name: 'play', is: 'the page in a browser: questions as links, answers while values are dragged', inside: [] },
  { name: 'cli', is: 'the command line: one file a command', inside: ['kit', 'completion', 'machine', 'trace', 'tune', '.'] },
];

/** A file that exports for programs; it imports from any room, and no file imports it. */
const LIBRARY = 'index.ts';

/** The file through which other rooms enter a room that has one: it exports from the room's files, and has no code. */
const DOOR = 'door.ts';
/** Greatest share of a room's files that other rooms may import. */
export const MOST_DOORS = 1 / 3;

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

const doorOf = (room) => `${room}/${DOOR}`;

/** Folder of a file inside its room; `.` for one of the room's own files; the door is a place of its own. */
const folderOf = (file) => (file === doorOf(roomOf(file)) ? DOOR : (file.split('/').slice(1, -1)[0] ?? OWN));

/** Violations of the order in `readImports`, one line each: the file, its import, and the rule. */
export function brokenRules(imports) {
  return [...imports].flatMap(([file, targets]) => [
    ...misplaced(file),
    ...targets.flatMap((target) => {
      const rule = file === LIBRARY ? null : (ruleAgainst(file, target) ?? rulePastDoor(imports, file, target));
      return rule === null ? [] : [`src/${file} imports src/${target}: ${rule}`];
    }),
  ]);
}

/** A line where a file stands in no room, or in a folder that its room's order does not have. */
function misplaced(file) {
  if (file === LIBRARY) return [];
  const room = ROOMS.find(({ name }) => name === roomOf(file));
  if (room === undefined) return [`src/${file}: stands in no room`];
  const folder = folderOf(file);
  return folder === DOOR || placeIn(room, folder) >= 0 || (room.inside.length === 0 && folder === OWN)
    ? []
    : [`src/${file}: ${folder} has no place in the order of ${room.name}`];
}

function ruleAgainst(file, target) {
  if (target === LIBRARY) return 'no file imports the library';
  const [room, other] = [roomOf(file), roomOf(target)];
  if (other === room) return ruleInside(room, folderOf(file), folderOf(target));
  const at = ROOMS.findIndex(({ name }) => name === room);
  const only = ROOMS[at]?.only ?? ROOMS.slice(0, Math.max(at, 0)).map(({ name }) => name);
  if (only.includes(other)) return null;
  return ROOMS[at]?.only ? `${room} imports only ${only.join(' and ')}` : `${room} does not come after ${other || 'it'}`;
}

/** A room that has a door is entered through it. */
function rulePastDoor(imports, file, target) {
  const room = roomOf(target);
  return room === roomOf(file) || target === doorOf(room) || !imports.has(doorOf(room))
    ? null
    : `${room} is entered through ${doorOf(room)}`;
}

/** Place of a folder in its room's order, in which the door is last; -1: it has none. */
const placeIn = ({ inside }, folder) =>
  folder === DOOR ? Math.max(inside.length, 1) : inside.indexOf(inside.includes(folder) ? folder : OTHERS);

function ruleInside(name, folder, other) {
  const room = ROOMS.find((one) => one.name === name) ?? { inside: [] };
  const place = (within) => (within === OWN ? `${name} itself` : `${name}/${within}`);
  return placeIn(room, other) <= placeIn(room, folder) ? null : `${place(folder)} does not come after ${place(other)}`;
}

/** The same imports between folders, of whatever depth; a folder's own files do not include those of the folders in it, nor its door. */
export function foldersOf(imports) {
  const folders = new Map();
  const place = (file) => (file.endsWith(`/${DOOR}`) ? file : dirname(file));
  for (const [file, targets] of imports) {
    const folder = place(file);
    if (file === LIBRARY) continue;
    const reached = folders.get(folder) ?? new Set();
    for (const target of targets) if (place(target) !== folder) reached.add(place(target));
    folders.set(folder, reached);
  }
  return new Map([...folders].map(([folder, reached]) => [folder, [...reached].sort()]));
}

/** Files of each room that other rooms import: its doors. The library does not count. */
export function doorsOf(imports) {
  const doors = new Map(ROOMS.map(({ name }) => [name, new Set()]));
  for (const [file, targets] of imports) {
    if (file === LIBRARY) continue;
    for (const target of targets) if (roomOf(target) !== roomOf(file)) doors.get(roomOf(target))?.add(target);
  }
  return doors;
}

/** Groups of files, or of folders, that import one another in a loop, each sorted. */
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
