// Draws the rooms of src and their imports, and writes the table of rooms on the page: `npm run map`. With --check it writes nothing and
// names what is out of date. Each room is a step of a stair; a dot on its line stands below each room that it imports.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ROOMS, readImports, roomOf } from './rooms.mjs';

const root = new URL('..', import.meta.url);
const PICTURE = 'docs/images/rooms.svg';
const PAGE = 'docs/architecture.md';
const BEGIN = '<!-- rooms: written by npm run map -->\n';
const END = '<!-- end of rooms -->\n';

/** Units of the picture; text of 14 in a width of 456 is 7.8 points high where the picture is 90 mm wide. */
const STEP = 24;
const MARGIN = 12;
const NAMES = 72;
const SIDE = STEP * ROOMS.length;
const WIDTH = SIDE + NAMES + 2 * MARGIN;
const HEIGHT = SIDE + 2 * MARGIN;

const STYLE = `
    .paper { fill: #ffffff }
    text { fill: #1f2328; font: 14px system-ui, "DejaVu Sans", sans-serif }
    .note { fill: #59636e; font-size: 13px }
    .room, .dot { fill: #0969da }
    .way { stroke: #d1d9e0; stroke-width: 1.5; fill: none }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117 }
      text { fill: #f0f6fc }
      .note { fill: #9198a1 }
      .room, .dot { fill: #4493f8 }
      .way { stroke: #3d444d }
    }
  `;

const NOTE = [
  'Each line is a room. Its dots stand',
  'below the rooms that it imports.',
  'All lie to the left: data flows',
  'from base to cli, and never back.',
];

/** Rooms that each room imports, as positions in the order. */
function edgesOf(imports) {
  const position = new Map(ROOMS.map(({ name }, at) => [name, at]));
  const edges = ROOMS.map(() => new Set());
  for (const [file, targets] of imports) {
    const from = position.get(roomOf(file));
    if (from === undefined) continue;
    for (const target of targets) if (roomOf(target) !== roomOf(file)) edges[from].add(position.get(roomOf(target)));
  }
  return edges.map((targets) => [...targets].sort((a, b) => a - b));
}

function draw(imports) {
  const edges = edgesOf(imports);
  const at = (position) => MARGIN + STEP * (position + 0.5);
  const lowest = (position) => edges.findLastIndex((targets) => targets.includes(position));
  const ways = ROOMS.flatMap((_, i) => [
    ...(edges[i].length > 0 ? [`M${at(edges[i][0])} ${at(i)}H${at(i)}`] : []),
    ...(lowest(i) >= 0 ? [`M${at(i)} ${at(i)}V${at(lowest(i))}`] : []),
  ]);
  const dots = edges.flatMap((targets, i) => targets.map((to) => `<circle class="dot" cx="${at(to)}" cy="${at(i)}" r="4"/>`));
  const rooms = ROOMS.map(
    ({ name }, i) =>
      `<rect class="room" x="${at(i) - 9}" y="${at(i) - 9}" width="18" height="18" rx="3"/><text x="${at(i) + 16}" y="${at(i) + 5}">${name}</text>`,
  );
  const note = NOTE.map((line, i) => `<text class="note" x="${WIDTH - MARGIN}" y="${at(0) + 5 + 19 * i}" text-anchor="end">${line}</text>`);
  const said = ROOMS.map(({ name }, i) => `${name} imports ${edges[i].map((to) => ROOMS[to].name).join(', ') || 'nothing'}`).join('; ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title said">`,
    '<title id="title">The rooms of moeprof and what each imports</title>',
    `<desc id="said">${said}.</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${HEIGHT}" rx="6"/>`,
    `<path class="way" d="${ways.join('')}"/>`,
    ...dots,
    ...rooms,
    ...note,
    '</svg>',
    '',
  ].join('\n');
}

function withTable(page) {
  const rows = ROOMS.map(({ name, is, only }) => `| \`${name}\` | ${is}${only ? `; imports only ${only.join(' and ')}` : ''} |`);
  const table = ['| room | what it is |', '|---|---|', ...rows].join('\n');
  const [before, rest] = page.split(BEGIN);
  const [, after] = rest?.split(END) ?? [];
  if (after === undefined) throw new Error(`${PAGE}: the comments around the table of rooms are gone`);
  return `${before}${BEGIN}\n${table}\n\n${END}${after}`;
}

const made = [
  [PICTURE, () => draw(readImports(fileURLToPath(new URL('src', root))))],
  [PAGE, withTable],
];
for (const [path, make] of made) {
  const before = readFileSync(new URL(path, root), 'utf8');
  const text = make(before);
  if (text === before) continue;
  console.log(`${path} is ${process.argv.includes('--check') ? 'out of date: npm run map' : 'written'}`);
  if (!process.argv.includes('--check')) writeFileSync(new URL(path, root), text);
}
