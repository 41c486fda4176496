// The first screens of the ten most used commands at 80, 120 and 200 columns, as test/fixtures/screens/commands has them: the answer stands
// within the first three lines, text is 80 columns wide, tables use what there is, and each word has an entry in `moeprof explain`.
// MOEPROF_UPDATE=1 npx vitest run --project unit test/cli/golden-screens.test.ts writes them anew.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listProfiles } from '../../src/base/profiles.js';
import { POLICIES } from '../../src/cache/policies/index.js';
import { runCli } from '../../src/cli/program.js';
import { PREDICTORS } from '../../src/predict/predictors/index.js';
import { METRICS } from '../../src/result/catalogue.js';
import { explanations } from '../../src/result/explanations.js';
import { catchOutput } from '../support/cli-output.js';

const output = catchOutput();
/** Names that profiles list and show. */
const MEMBERS = [...POLICIES, ...PREDICTORS].map(({ name }) => name).concat(listProfiles('systems'));
/** Below the working folder, so that screens show it alike everywhere. */
const folder = 'build/golden-screens';
const KEPT = fileURLToPath(new URL('../fixtures/screens/commands/', import.meta.url));

const TRACE = '-t mini-mixtral-8x8l --tokens 300';

/** A command, and its answer: a text of the first three lines. */
const COMMANDS: readonly (readonly [name: string, line: string, answer: RegExp])[] = [
  ['run', 'run', /^[\d.]+ tok\/s decode \(\d+ to \d+\), .*\nlimited by /],
  ['rank', `run ${TRACE} -w t4 -s on-demand-lru,llama.cpp-static,fiddler`, /^\S+ is fastest: /],
  ['compare', 'compare BASE CANDIDATE --allow-different-inputs', /\nA token takes [\d.]+ \S+ instead of/],
  ['advise', 'advise gpt-oss-120b -w rtx-3090+64GB', /\n\d+ tok\/s \(/],
  ['check', 'check LOG -w rtx-3090+64GB', /slower than comparable runs/],
  ['curve', `curve ${TRACE}`, /\nAt \d+ % of the experts .* hits /],
  ['sweep', `sweep ${TRACE} -w t4 --vary memory.expertCache=10%,25%,50%`, /^expertCache \d+% decodes fastest/],
  ['inspect', 'trace inspect mini-mixtral-8x8l', /^A cache of 25 % of the experts hits/],
  ['model', 'model inspect gpt-oss-20b -w rtx-3060+32GB', /^gpt-oss-20b in mxfp4 fits whole/],
  ['predict', 'predict eval -t mini-mixtral-8x8l#:1000 --eval mini-mixtral-8x8l#1000:1300', /^\S+ predicts best: /],
];

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  for (const [name, cache] of [['BASE', '10%'] as const, ['CANDIDATE', '50%'] as const])
    expect(await runCli(`run ${TRACE} -w t4 -s on-demand-lru --cache ${cache} -q -o json=${join(folder, name)}.json`.split(' '))).toBe(0);
  const log = { model_filename: 'gpt-oss-120b-mxfp4.gguf', n_gpu_layers: 99, n_cpu_moe: 36, n_prompt: 0, n_gen: 128, avg_ts: 4.2 };
  writeFileSync(join(folder, 'LOG.jsonl'), JSON.stringify(log));
});

const FILES: Readonly<Record<string, string>> = { BASE: 'BASE.json', CANDIDATE: 'CANDIDATE.json', LOG: 'LOG.jsonl' };

/** Other files of tests run in the same process after this one, and are no terminal. */
afterAll(() => {
  for (const name of ['isTTY', 'columns']) Reflect.deleteProperty(process.stdout, name);
});

/** The screen of a command on a terminal of so many columns, up to where times begin that are measured here. */
async function screenOf(line: string, columns: number): Promise<string> {
  for (const [name, value] of [['isTTY', true] as const, ['columns', columns] as const])
    Object.defineProperty(process.stdout, name, { configurable: true, value });
  output.stdout = '';
  const words = line.split(' ').map((word) => (FILES[word] === undefined ? word : join(folder, FILES[word]!)));
  expect(await runCli([...words, '--no-color', '--progress', 'never']), output.stderr).toBeLessThan(2);
  return output.stdout.replaceAll(`${folder}/`, '').split('\nunions of ')[0]!;
}

describe.each([80, 120, 200])('at %d columns', (columns) => {
  // Two widths of what takes seconds.
  const shown = COMMANDS.filter(([name]) => columns !== 120 || (name !== 'advise' && name !== 'predict'));

  it.each(shown)('%s', { timeout: 120_000 }, async (name, line, answer) => {
    const screen = await screenOf(line, columns);
    expect(screen.split('\n').slice(0, 3).join('\n')).toMatch(answer);
    const lines = screen.trimEnd().split('\n');
    expect(Math.max(...lines.map((one) => one.length))).toBeLessThanOrEqual(columns);
    if (name === 'run') expect(lines.length).toBeLessThanOrEqual(20);
    const path = `${KEPT}${name}-${columns}.txt`;
    const text = `$ moeprof ${line}\n${screen}`;
    if (process.env.MOEPROF_UPDATE !== undefined) {
      mkdirSync(KEPT, { recursive: true });
      writeFileSync(path, text);
    }
    expect(existsSync(path) && readFileSync(path, 'utf8')).toBe(text);
  });
});

describe('the words of the screens', () => {
  /** Plain English, which needs no entry; a word of the field does not belong here. */
  const PLAIN = new Set(readFileSync(fileURLToPath(new URL('../fixtures/screens/plain-words.txt', import.meta.url)), 'utf8').split(/\s+/));
  /** Words of entries of the glossary, and of names of metrics. */
  const explained = new Set(
    [...Object.keys(explanations().words), ...METRICS.keys(), ...MEMBERS].flatMap((name) => name.toLowerCase().match(/[a-z]+/g) ?? []),
  );

  /** Words of a screen, without its command, lines to copy, and names with digits, dots, slashes and signs. */
  const wordsIn = (screen: string): string[] =>
    screen
      .replace(/^\$.*$|^ {4}.*$|\S* ?again: [\s\S]*$/gm, '')
      .split(/[\s,;:()]+/)
      .map((word) => word.replace(/['’]s?$|[.!?]$/g, '').toLowerCase())
      .filter((word) => /^[a-z][a-z'-]+$/.test(word));

  it('have an entry in moeprof explain, all of them', () => {
    const screens = COMMANDS.map(([name]) => readFileSync(`${KEPT}${name}-80.txt`, 'utf8'));
    const words = new Set(screens.flatMap(wordsIn));
    expect(words.size).toBeGreaterThan(150);
    const parts = (word: string): string[] => word.match(/[a-z]+/g)!;
    const known = (word: string): boolean => PLAIN.has(word) || parts(word).every((part) => explained.has(part) || PLAIN.has(part));
    expect([...words].filter((word) => !known(word))).toEqual([]);
  });

  it('are a sentence each, which moeprof explain prints for every spelling', async () => {
    for (const [names, sentence] of Object.entries(explanations().words)) {
      expect(sentence, names).toMatch(/^[A-Z].*\.$/);
      for (const name of names.split(', ')) {
        output.stdout = '';
        expect(await runCli(['explain', name])).toBe(0);
        expect(output.stdout.replace(/\s+/g, ' '), name).toContain(METRICS.has(name) ? name : sentence.slice(0, 60));
      }
    }
  });
});
