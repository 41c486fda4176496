// Lines: what `advise` prints, given to the engine's own parser, planned by it, and started.

import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeRandomMoe } from '../lib/random-moe-gguf.mjs';
import { ended, inTurns, planningTools } from './engine.mjs';
import { bytesOf } from './memory.mjs';
import { inFolder } from './minis.mjs';
import { canStore, fileOf, SHAPES } from './shapes.mjs';

/** Machines of every size that people have, and cards of each. */
export const MACHINES = {
  'rtx-3060+ryzen-5-5600x+2xddr4-3200+32GB': [12],
  'rtx-3090+ryzen-9-7950x+2xddr5-6000+128GB': [24],
  'rtx-5090+ryzen-9-9950x+2xddr5-6000+192GB': [32],
  '2xrtx-3090+ryzen-9-7950x+2xddr5-6000+128GB': [24, 24],
  'rtx-4090+epyc-9355+12xddr5-6400+768GB': [24],
  'ryzen-9-7950x+2xddr5-6000+64GB': [],
};

/** Small models of random weights that lines are started with, by the architecture that a line was advised for. */
const SMALL = { layers: 8, hidden: 512, experts: 8, topK: 2, width: 256, heads: 4, kvHeads: 2, headSize: 128, format: 'q4_0' };
const STARTED = [
  ['qwen3-30b-a3b', 0, { ...SMALL, architecture: 'qwen3moe' }],
  ['mixtral-8x7b', 1, { ...SMALL, architecture: 'llama' }],
  ['gpt-oss-120b', 1, { ...SMALL, architecture: 'gpt-oss', format: 'q8_0' }],
  ['deepseek-v3', 4, { ...SMALL, architecture: 'deepseek2', latent: { queryRank: 256, rank: 512, rope: 64, nope: 128, value: 128 } }],
  ['qwen3-235b-a22b', 2, { ...SMALL, architecture: 'qwen3moe' }],
  ['qwen3-30b-a3b', 5, { ...SMALL, architecture: 'qwen3moe' }],
];

/** Tokens of context that a started line has at most: a cache in real memory. */
const SHORT_CONTEXT = 2048;

/**
 * Advice for models on machines.
 * @returns rows {model, machine, cards, words, devices}: words of the line after its program; `none` where nothing fits
 */
export async function advised(moeprof, models, machines = Object.keys(MACHINES)) {
  const rows = [];
  for (const model of models) {
    for (const machine of machines) {
      const row = { model, machine, cards: MACHINES[machine] ?? [] };
      try {
        const { answer, command, quantization } = await moeprof.advise(model, machine);
        if (answer === null || command === null) rows.push({ ...row, none: 'nothing fits' });
        else rows.push({ ...row, label: quantization, devices: answer.devices, setting: answer.setting, words: wordsOf(command), answer });
      } catch (error) {
        rows.push({ ...row, none: error.message });
      }
    }
  }
  return rows;
}

/** Words of a line as a shell parts them, without the program. */
function wordsOf({ steps }) {
  const line = steps.at(-1).lines.join('\n').replaceAll('\\\n', ' ');
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain).slice(1);
}

/** A line with a file of this machine in the place of its model, which it names by a repository or a path. */
function withFile(words, path) {
  const at = words.findIndex((word) => word === '-hf' || word === '-m');
  return [...words.slice(0, at), '-m', path, ...words.slice(at + 2)];
}

/**
 * Whether llama-server itself takes each line: it parses all flags before it looks for the file, which is not there.
 * @returns distinct lines with `accepted`, and what it says of one that it refuses
 */
export async function parsed(engine, rows) {
  const { backend } = planningTools(engine);
  const lines = new Map(rows.filter(({ words }) => words !== undefined).map((row) => [row.words.join(' '), row]));
  return inTurns([...lines.values()], async ({ cards, machine, model, words }) => {
    const args = withFile(words, join(tmpdir(), 'there-is-no-such-model.gguf'));
    const gpus = cards.length > 0 ? { GGML_BACKEND_PATH: backend, LAB_GPUS: cards.map((gib) => gib * 1024).join() } : {};
    const env = { ...process.env, LD_LIBRARY_PATH: engine.bin, ...gpus };
    const { stderr, stdout } = await ended(join(engine.bin, 'llama-server'), [...args, '--port', '0'], { env, timeout: 60_000 });
    const text = `${stdout}\n${stderr}`;
    // The parser's own words; the loader's come only once it is through.
    const refused = text.split('\n').find((line) => /error while handling argument|invalid argument|unknown argument|usage:/i.test(line));
    const reached = /failed to (open|load)|no such file|failed to fit|there-is-no-such-model/i.test(text);
    return { model, machine, line: words.join(' '), accepted: refused === undefined && reached, says: refused ?? text.trim().slice(-160) };
  });
}

/**
 * Bytes by device of advised lines, as the engine plans them, for the models that have a table of tensors.
 * @returns rows {model, machine, label, line, devices: [{name, has, engine, advised}]} of totals in bytes
 */
export async function asStarted(engine, rows) {
  const hasTable = (model) => SHAPES.some((shape) => shape.model === model);
  const known = rows.filter(({ label, model, words }) => words !== undefined && hasTable(model) && canStore(label));
  return inTurns(known, async ({ cards, devices, label, machine, model, words }) => {
    const row = { model, machine, label, line: words.join(' ') };
    try {
      const shape = SHAPES.find((one) => one.model === model);
      // The planner knows no vision parts.
      const args = withFile(words, await fileOf(engine, shape, label)).filter((word) => word !== '--no-mmproj');
      const theirs = await bytesOf(
        engine,
        args,
        cards.length,
        cards.map((gib) => gib * 2 ** 30),
      );
      const sum = ({ compute, kv, weights }) => compute + kv + weights;
      return {
        ...row,
        devices: devices.map((own, i) => ({ name: own.name, has: own.has, engine: sum(theirs[i]), advised: sum(own) })),
      };
    } catch (error) {
      return { ...row, error: error.message };
    }
  });
}

/**
 * Starts llama-server with advised lines on small models of random weights, with one completion each. Cards are left out: nothing
 * computes on declared ones.
 */
export function started(engine, rows) {
  return inFolder((folder) => startedIn(folder, engine, rows));
}

async function startedIn(folder, engine, rows) {
  const results = [];
  for (const [i, [model, at, small]] of STARTED.entries()) {
    const machine = Object.keys(MACHINES)[at];
    const row = rows.find((one) => one.model === model && one.machine === machine);
    if (row?.words === undefined) continue;
    const path = join(folder, `${i}.gguf`);
    writeRandomMoe(path, small);
    const args = withFile(row.words, path);
    args[args.indexOf('-c') + 1] = String(SHORT_CONTEXT);
    results.push({ model, machine, line: row.words.join(' '), ...(await answers(engine, args)) });
  }
  return results;
}

/** One completion of a server. @returns {tokens}, or {failed} */
async function answers(engine, args) {
  const port = await freePort();
  const server = spawn(join(engine.bin, 'llama-server'), [...args, '--host', '127.0.0.1', '--port', String(port), '-t', '2'], {
    env: { ...process.env, LD_LIBRARY_PATH: engine.bin },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  server.stderr.on('data', (text) => {
    said = (said + text).slice(-2000);
  });
  const over = new Promise((resolve) => server.on('exit', (code, signal) => resolve(`ended with ${code ?? signal}`)));
  try {
    for (let tries = 0; tries < 240; tries++) {
      const ready = await Promise.race([fetch(`http://127.0.0.1:${port}/health`).catch(() => null), over]);
      if (typeof ready === 'string') return { failed: `${ready}: ${said.trim().split('\n').at(-1)}` };
      if (ready?.ok) break;
      await sleep(250);
    }
    const body = JSON.stringify({ prompt: 'one two three', n_predict: 4, ignore_eos: true });
    const reply = await fetch(`http://127.0.0.1:${port}/completion`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    if (!reply.ok) return { failed: `HTTP ${reply.status}` };
    const { tokens_predicted: tokens } = await reply.json();
    return tokens > 0 ? { tokens } : { failed: 'no token' };
  } finally {
    server.kill();
    await over;
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
