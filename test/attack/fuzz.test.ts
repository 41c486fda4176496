// Damaged files of every kind: an error of one line or a correct read, never an internal error, a hang or a runaway of memory.
// MOEPROF_FUZZ=20000 npx vitest run --project unit test/attack/fuzz.test.ts makes the long run, and prints a row for each reader
// (MOEPROF_FUZZ_SEED=n makes another one; MOEPROF_FUZZ_READER=result tries one reader only).
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { cases } from '../cases.js';
import { fileOf, temporaryFolder } from '../trace/builders.js';
import { mutate } from './mutate.js';
import { readers } from './readers.js';

const RUNS = Number(process.env.MOEPROF_FUZZ ?? cases(5000));
const SEED = Number(process.env.MOEPROF_FUZZ_SEED ?? 5);
/** A file that takes longer is a hang: the slowest takes a tenth. */
const PATIENCE_MS = 5000;
const folder = temporaryFolder();

/** What a message may be. */
const LINE = /^[^\p{C}\p{Zl}\p{Zp}]{1,500}$/u;

/** What became of a file. */
async function outcomeOf(name: string, bytes: Uint8Array, random: Random): Promise<'read' | 'refused'> {
  const reader = readers[name]!;
  try {
    await reader.read(fileOf(folder, `damaged${reader.ending}`, bytes), random);
    return 'read';
  } catch (error) {
    if (!(error instanceof UserError)) throw new Error(`an internal error: ${(error as Error).stack}`);
    if (!LINE.test(error.message)) throw new Error(`no printable line of 500 characters: ${JSON.stringify(error.message)}`);
    return 'refused';
  }
}

describe('damaged files', () => {
  it.each(Object.entries(readers))('are read while they are whole: at least one %s', async (name, { files }) => {
    const outcomes: string[] = [];
    for (const bytes of Object.values(files)) outcomes.push(await outcomeOf(name, bytes, new Random(1, 'test/fuzz/whole')));
    expect(outcomes).toContain('read');
  });

  const chosen = Object.keys(readers).filter((name) => name === (process.env.MOEPROF_FUZZ_READER ?? name));
  const shareOf = (name: string): number => readers[name]!.share ?? 1;
  const shares = chosen.reduce((sum, name) => sum + shareOf(name), 0);

  it.each(chosen.map((name) => [name, Math.ceil((RUNS * shareOf(name)) / shares)] as const))(
    '%s: %i mutations are read or refused',
    { timeout: 60_000 + RUNS * 300 },
    async (name, runs) => {
      const random = new Random(SEED, `test/fuzz/${name}`);
      const { files } = readers[name]!;
      const names = Object.keys(files);
      const corpus = Object.values(files);
      const outcomes = { read: 0, refused: 0 };
      let slowest = { milliseconds: 0, run: 0 };
      for (let run = 0; run < runs; run++) {
        const seed = run % corpus.length;
        const bytes = mutate(corpus[seed]!, random, corpus);
        const before = process.cpuUsage();
        try {
          outcomes[await outcomeOf(name, bytes, random)]++;
        } catch (error) {
          throw new Error(
            `run ${run}, ${names[seed]}: ${(error as Error).message}\n${Buffer.from(bytes).toString('base64').slice(0, 4000)}`,
          );
        }
        const { user, system } = process.cpuUsage(before);
        const milliseconds = (user + system) / 1000;
        if (milliseconds > PATIENCE_MS) throw new Error(`run ${run}, ${names[seed]}: takes ${milliseconds} ms`);
        if (milliseconds > slowest.milliseconds) slowest = { milliseconds, run };
      }
      if (process.env.MOEPROF_FUZZ !== undefined) {
        const peak = Math.round(process.resourceUsage().maxRSS / 1024);
        const { read, refused } = outcomes;
        console.log(
          `| ${name} | ${runs} | ${read} | ${refused} | ${slowest.milliseconds.toFixed(0)} ms (run ${slowest.run}) | ${peak} MiB |`,
        );
      }
      expect(outcomes.refused).toBeGreaterThan(0);
    },
  );
});
