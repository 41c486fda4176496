// What ExpertFlow buys: node bench/ablation.mjs FOLDER [table ...] [--tokens=N] [--write] | --short
// Needs a build (npm run build) and a folder with recordings: qwen3-30b-a3b.code.safetensors, qwen3-30b-a3b.math.safetensors and
// gpt-oss-20b.decode.safetensors. Prints the tables of docs/expertflow.md and bench/expertflow.md as Markdown, all or those that are named;
// --write puts them there, each between its two markers. --short makes those that need no recordings, with few tokens.
//   machines  time per token on three machines, five traces and three batches: LRU, learned next uses, prefetching, best found
//   trained   time per token with what was learned of the tokens before, against the best policy that only counts
//   parts     expertflow, without each of its parts in turn
//   systems   the published systems that run on one GPU with the choices that were recorded
//   words     routing that follows words: what token ids are worth
//   lead      the system moeprof beside the best published one
//   floor     the proven floor over the best found
//   ahead     what each part of it is worth on six machines
//   cpu       the same lead on slower and faster CPUs
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SHORT, skip } from './lib/bench.mjs';
import { machinesTable, partsTable, systemsTable, trainedTable, wordsTable } from './lib/expertflow-tables.mjs';
import { aheadTable, cpuTable, floorTable, leadTable } from './lib/moeprof-tables.mjs';

const PAGE = fileURLToPath(new URL('../docs/expertflow.md', import.meta.url));
const DATA = fileURLToPath(new URL('./expertflow.md', import.meta.url));

/** By name: how many tokens each of its runs replays unless told, who makes it, and its page if that is not docs/expertflow.md. */
const TABLES = {
  machines: { tokens: 400, make: machinesTable, page: DATA },
  trained: { tokens: 2000, make: trainedTable },
  parts: { tokens: 1000, make: partsTable },
  systems: { tokens: 1000, make: systemsTable, page: DATA },
  words: { tokens: 4096, make: wordsTable },
  lead: { tokens: 300, make: leadTable },
  floor: { tokens: 300, make: floorTable },
  ahead: { tokens: 400, make: aheadTable },
  cpu: { tokens: 400, make: cpuTable },
};

/** Puts a table between its markers in the page. */
function write(name, table, file = PAGE) {
  const [begin, end] = [`<!-- ${name}: written by bench/ablation.mjs -->`, `<!-- end of ${name} -->`];
  const page = readFileSync(file, 'utf8');
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${file}: there are no markers of the table ${name}; write ${begin} and ${end}`);
  writeFileSync(file, `${page.slice(0, from + begin.length)}\n\n${table.trim()}\n\n${page.slice(to)}`);
}

async function main(folder, names, tokens, toPage) {
  for (const name of names) {
    const { make, page, tokens: usual } = TABLES[name];
    const table = await make(folder, tokens ?? usual);
    console.log(table);
    if (toPage) write(name, table, page);
  }
}

const args = process.argv.slice(2);
const [folder, ...named] = args.filter((arg) => !arg.startsWith('--'));
const tokens = args.find((arg) => /^--tokens=\d+$/.test(arg))?.slice('--tokens='.length);
if (SHORT) {
  skip('machines, trained, parts, systems, lead, floor, ahead, cpu, which need a folder with recordings');
  await main('', ['words'], 128, false);
} else if (folder === undefined || named.some((name) => !(name in TABLES))) {
  console.error(`usage: node bench/ablation.mjs FOLDER [${Object.keys(TABLES).join(' | ')} ...] [--tokens=N] [--write]`);
  process.exitCode = 2;
} else {
  const names = named.length > 0 ? named : Object.keys(TABLES);
  await main(folder, names, tokens === undefined ? undefined : Number(tokens), args.includes('--write'));
}
