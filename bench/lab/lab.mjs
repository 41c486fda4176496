// The laboratory: a real llama.cpp beside moeprof's figures. npm run lab [-- PART...] [--short] [--write]
//
// Parts are memory, fit, lines, timing, recorder, placed, quality and drift; all of them unless some are named. Each keeps its result in .lab/results/, of
// which --write makes bench/lab/results.md. The first run builds llama.cpp (a quarter of an hour on two cores), unless LLAMA_CPP_BUILD names a build
// of v0.5.0; LLAMA_CPP_BUILD_NEXT names a later one for drift. --short is what npm alone can do, in four minutes: CI runs it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromBuild, SHORT } from '../lib/bench.mjs';
import { drift } from './drift.mjs';
import { CACHE, engineAt } from './engine.mjs';
import { fitted } from './fit.mjs';
import { advised, asStarted, parsed, started } from './lines.mjs';
import { memory } from './memory.mjs';
import { pageOf } from './page.mjs';
import { placed } from './placed.mjs';
import { quality } from './quality.mjs';
import { recorder } from './recorder.mjs';
import { short } from './short.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What each part does with an engine and the library. */
const PARTS = {
  memory: (engine, moeprof) => memory(engine, moeprof),
  fit: (engine, moeprof) => fitted(engine, moeprof),
  async lines(engine, moeprof) {
    const rows = await advised(moeprof, bundledModels());
    return {
      asked: rows.length,
      none: rows.filter(({ none }) => none !== undefined).map(({ machine, model, none }) => ({ machine, model, none })),
      parsed: await parsed(engine, rows),
      planned: await asStarted(engine, rows),
      started: await started(engine, rows),
    };
  },
  timing() {
    const { status } = spawnSync(process.execPath, [here('../llama.mjs')], { stdio: 'inherit' });
    return { status };
  },
  recorder: (engine, moeprof) => recorder(engine, moeprof),
  placed: (engine, moeprof) => placed(engine, moeprof),
  quality: (engine) => quality(engine),
  drift: (engine, moeprof) => drift(engine, moeprof),
};

await main(process.argv.slice(2).filter((word) => !word.startsWith('--')));

async function main(wanted) {
  const moeprof = await fromBuild('index.js');
  if (SHORT) return short(moeprof);
  const unknown = wanted.find((part) => PARTS[part] === undefined);
  if (unknown !== undefined) throw new Error(`lab: there is no part ${unknown}; there are ${Object.keys(PARTS).join(', ')}`);
  const results = join(CACHE, 'results');
  mkdirSync(results, { recursive: true });
  const engine = engineAt();
  const write = process.argv.includes('--write');
  for (const part of wanted.length === 0 && !write ? Object.keys(PARTS) : wanted) {
    const from = performance.now();
    const result = await PARTS[part](engine, moeprof);
    const { commit, date } = engine;
    writeFileSync(join(results, `${part}.json`), JSON.stringify({ commit, date, ran: new Date().toISOString().slice(0, 10), result }));
    console.error(`${part}: ${((performance.now() - from) / 1000).toFixed(0)} s`);
  }
  const all = Object.fromEntries(
    readdirSync(results).map((file) => [file.replace('.json', ''), JSON.parse(readFileSync(join(results, file), 'utf8'))]),
  );
  const page = pageOf(all);
  if (write) writeFileSync(here('results.md'), page);
  else console.log(page);
  return undefined;
}

/** Names of the bundled models. */
function bundledModels() {
  return readdirSync(here('../../profiles/models')).map((file) => file.replace('.yaml', ''));
}
