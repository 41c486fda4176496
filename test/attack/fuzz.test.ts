// Damaged files of every kind: an error of one line or a correct read, never an internal error, a hang or a runaway of memory. `node
// scripts/fuzz.mjs` makes as many as one likes, in processes of their own; MOEPROF_FUZZ_READER=result tries one reader only.
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { cases } from '../cases.js';
import { fileOf, temporaryFolder } from '../trace/builders.js';
import { readers } from './readers.js';
import { structured } from './structured.js';
import { inputOf, LIMIT_MS, outcomeOf, type Reader, sharesOf } from './tries.js';

// An input may name standard input, "-"; that of a test never ends. The lowest free descriptor is taken: 0.
closeSync(0);
openSync(devNull, 'r');

const SEED = 5;
const folder = temporaryFolder();
const chosen = (of: Readonly<Record<string, Reader>>) =>
  Object.fromEntries(Object.entries(of).filter(([name]) => name === (process.env.MOEPROF_FUZZ_READER ?? name)));

/** Tries a reader so many times. @returns how many inputs were refused @throws Error if one ends in neither a value nor a line, or takes too long */
async function tried(name: string, reader: Reader, runs: number): Promise<number> {
  let refused = 0;
  for (let index = 0; index < runs; index++) {
    const { bytes, from, random } = inputOf(name, reader, SEED, index);
    const place = `node scripts/fuzz.mjs --reader '${name}' --seed ${SEED} --only ${index} (of ${from})`;
    const before = process.cpuUsage();
    try {
      if ((await outcomeOf(reader, folder, bytes, random)) === 'refused') refused++;
    } catch (error) {
      throw new Error(`${place}: ${(error as Error).message}\n${bytes.toString('base64').slice(0, 4000)}`);
    }
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1000 > LIMIT_MS) throw new Error(`${place}: takes ${(user + system) / 1000} ms`);
  }
  return refused;
}

describe('damaged files', () => {
  it.each(Object.entries(readers))('are read while they are whole: %s', async (_, reader) => {
    const outcomes: string[] = [];
    // Some draw how they read.
    for (const bytes of Object.values(reader.files))
      for (let draw = 0; draw < 8; draw++) outcomes.push(await outcomeOf(reader, folder, bytes, new Random(draw, 'fuzz/whole')));
    expect(outcomes).toContain('read');
  });

  it.each(Object.entries(sharesOf(chosen(readers), cases(3000))))(
    '%s: %i mutations are read or refused',
    { timeout: 300_000 },
    async (name, runs) => {
      const refused = await tried(name, readers[name]!, runs);
      if (runs >= 20) expect(refused).toBeGreaterThan(0);
    },
  );
});

describe('sound inputs with a bent value', () => {
  it.each(Object.entries(structured))('are read while nothing is bent: %s', async (_, reader) => {
    const [bytes] = Object.values(reader.files);
    await reader.read(fileOf(folder, `whole${reader.ending}`, bytes!), new Random(0, 'fuzz/whole'));
  });

  it.each(Object.entries(sharesOf(chosen(structured), cases(3000))))(
    '%s: of %i some are read, some refused',
    { timeout: 300_000 },
    async (name, runs) => {
      const refused = await tried(name, structured[name]!, runs);
      if (runs < 20) return;
      expect(refused).toBeGreaterThan(0);
      expect(refused).toBeLessThan(runs);
    },
  );
});
