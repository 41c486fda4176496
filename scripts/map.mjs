// Draws the rooms of src and their imports, and writes the table of rooms on the page: `npm run map`. With --check it writes nothing and
// names what is out of date. Each room is a step of a stair; a dot on its line stands below each room that it imports. Below the stair, each
// room with folders shows them in their order.
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
const NAMES = 80;
const SIDE = STEP * ROOMS.length;
const WIDTH = SIDE + NAMES + 2 * MARGIN;
const STAIR = SIDE + 2 * MARGIN;
/** A folder's box, and the width of a letter in it. */
const BOX = { height: 18, gap: 6, padding: 5, letter: 7.7 };

const STYLE = `
    .paper { fill: #ffffff }
    text { fill: #1f2328; font: 14px system-ui, "DejaVu Sans", sans-serif }
    .note { fill: #59636e; font-size: 13px }
    .room, .dot { fill: #0969da }
    .box { fill: none; stroke: #d1d9e0 }
    .way { stroke: #d1d9e0; stroke-width: 1.5; fill: none }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117 }
      text { fill: #f0f6fc }
      .note { fill: #9198a1 }
      .room, .dot { fill: #4493f8 }
      .box { stroke: #3d444d }
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

/** The folders of each room as lines of boxes, from `top` down; a room's own files are a box with its name in brackets. @returns shapes, and the end */
function inside(top) {
  const shapes = [];
  let y = top;
  for (const { inside: folders, name } of ROOMS.filter((room) => room.inside.length > 0)) {
    shapes.push(`<text x="${MARGIN}" y="${y + 13}">${name}</text>`);
    let x = MARGIN + NAMES;
    for (const label of folders.map((folder) => (folder === '.' ? `(${name})` : folder))) {
      const width = Math.ceil(label.length * BOX.letter) + 2 * BOX.padding;
      if (x + width > WIDTH - MARGIN) [x, y] = [MARGIN + NAMES, y + STEP];
      shapes.push(`<rect class="box" x="${x}" y="${y}" width="${width}" height="${BOX.height}" rx="3"/>`);
      shapes.push(`<text class="note" x="${x + width / 2}" y="${y + 13}" text-anchor="middle">${label}</text>`);
      x += width + BOX.gap;
    }
    y += STEP;
  }
  return { shapes, end: y };
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
  const { end, shapes } = inside(STAIR + STEP);
  const height = end + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title said">`,
    '<title id="title">The rooms of moeprof and what each imports</title>',
    `<desc id="said">${said}.</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}" rx="6"/>`,
    `<path class="way" d="${ways.join('')}"/>`,
    ...dots,
    ...rooms,
    ...note,
    `<text class="note" x="${MARGIN}" y="${STAIR + 13}">Folders of a room, in order; (room): its own files.</text>`,
    ...shapes,
    '</svg>',
    '',
  ].join('\n');
}

function withTable(page) {
  const order = (room) => room.inside.map((folder) => (folder === '.' ? 'its own files' : `\`${folder}\``)).join(', ');
  const rows = ROOMS.map((room) => {
    const only = room.only ? `; imports only ${room.only.join(' and ')}` : '';
    return `| \`${room.name}\` | ${room.is}${only} | ${order(room)} |`;
  });
  const table = ['| room | what it is | inside, in order |', '|---|---|---|', ...rows].join('\n');
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
