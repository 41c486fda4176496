import type { Command } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { pasted } from '../base/shell.js';
import { formatBytes, formatCount, formatCounted } from '../base/units.js';
import { type Outcome, rowOf } from '../figure/door.js';
import { gridOf, renderTerminal, tableReport } from '../report/door.js';
import { commandOfStored, Store } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { type OptionsOf, options, subcommand } from './kit/declared.js';
import { STORE } from './study-options.js';

/** Digits of a shown fingerprint: enough for millions of runs. */
const DIGITS = 12;

const LS = options({
  '[store]': ['its folder', { default: STORE }],
});

const SHOW = options({
  '<fingerprint>': 'its first digits',
  '[store]': ['its folder', { default: STORE }],
});

const VERIFY = options({
  '[store]': ['its folder', { default: STORE }],
});

const MERGE = options({
  '<from...>': 'stores to read',
  '--into <store>': ['the store that takes them', { default: STORE }],
});

const GC = options({
  '[store]': ['its folder', { default: STORE }],
});

/** Help. */
export const help = `Examples:
  moeprof store ls
  moeprof store show 3f2a91
  moeprof store verify .moeprof/store
  moeprof store merge shard-1 shard-2 --into .moeprof/store
  moeprof store gc`;

/** `moeprof store`. */
export function define(command: Command, context: CliContext): void {
  subcommand(command, 'ls', LS, { summary: 'what is kept', description: 'List what is kept.' }).action((path: string) =>
    context.out(list(Store.existing(path), context)),
  );
  subcommand(command, 'show', SHOW, { summary: 'one result', description: 'Show one result.' }).action((digits: string, path: string) =>
    context.out(show(Store.existing(path), digits, context)),
  );
  subcommand(command, 'verify', VERIFY, {
    summary: 'look for damaged entries',
    description: 'Read every entry; exit code 1 where one is damaged.',
  }).action((path: string) => verify(Store.existing(path), context));
  subcommand(command, 'merge', MERGE, {
    summary: 'join stores',
    description: 'Take over what the store has not: of shards, of other machines.',
  }).action((from: string[], { into }: OptionsOf<typeof MERGE>) => merge(from, Store.open(into), context));
  subcommand(command, 'gc', GC, {
    summary: 'remove what is of no use',
    description: 'Remove what is damaged or failed, and what other builds of moeprof made.',
  }).action((path: string) => clean(Store.existing(path), context));
}

function list(store: Store, context: CliContext): string {
  const rows = [...store.fingerprints()].map((fingerprint) => {
    const outcome = store.get(fingerprint, true);
    const key = outcome === null ? {} : rowOf(fingerprint, {}, outcome).key;
    const columns = [key.model, key.hardware, key.system, key.trace, key.seed].map((value) => String(value ?? ''));
    return [fingerprint.slice(0, DIGITS), outcome?.status ?? 'damaged', ...columns];
  });
  const column = (head: string) => ({ head, align: 'left' as const, most: 20 });
  const bytes = [...store.fingerprints()].reduce((sum, fingerprint) => sum + store.fileOf(fingerprint).size, 0);
  return renderTerminal(
    {
      title: `${formatCount(rows.length)} runs, ${formatBytes(bytes)}, in ${store.folder}`,
      blocks: [gridOf(['run', 'status', 'model', 'machine', 'system', 'trace', 'seed'].map(column), rows, { overflow: 'verbose' })],
    },
    context.reportOptions,
  );
}

function show(store: Store, digits: string, context: CliContext): string {
  const found = [...store.fingerprints()].filter((fingerprint) => fingerprint.startsWith(digits.toLowerCase()));
  if (found.length === 0)
    throw new UserError(`${store.folder}: no run begins with ${digits}; moeprof store ls ${pasted(store.folder)} lists them`);
  if (found.length > 1) throw new UserError(`${store.folder}: ${found.length} runs begin with ${digits}; give more digits`);
  const outcome = store.get(found[0]!, true);
  if (outcome === null)
    throw new UserError(`${store.folder}: run ${digits} is damaged; moeprof store verify ${pasted(store.folder)} says how`);
  if (outcome.status !== 'done') return `${outcome.status}: ${outcome.reason}\n`;
  const command = commandOfStored(outcome.result, found[0]!);
  const { environment } = outcome.result;
  const result = command === null ? outcome.result : { ...outcome.result, environment: { ...environment, command } };
  if (command === null) context.note(notAgain(store, found[0]!));
  return tableReport.render(result, context.reportOptions);
}

function notAgain(store: Store, fingerprint: string): string {
  if (!store.isOfThisBuild(fingerprint)) return 'no command repeats this run: another build of moeprof made it';
  return 'no command repeats this run from here: a file that it names is elsewhere, or has changed';
}

function verify(store: Store, context: CliContext): void {
  const damaged = [...store.damaged()];
  for (const { reason } of damaged) context.note(reason);
  const all = [...store.fingerprints()].length;
  context.out(`${formatCount(all - damaged.length)} of ${formatCount(all)} runs are whole\n`);
  if (damaged.length > 0) context.setExitCode(EXIT.gateFailed);
}

/** Outcome without file paths, which differ by machine: the fingerprint covers contents. */
function figuresOf(outcome: Outcome): string {
  if (outcome.status !== 'done') return outcome.status;
  const { bounds, classes, metrics, perLayer } = outcome.result;
  return JSON.stringify({ bounds, classes, metrics, perLayer });
}

/** @throws UserError if two stores disagree on a run */
function merge(folders: readonly string[], into: Store, context: CliContext): void {
  let taken = 0;
  for (const folder of folders) {
    const from = Store.existing(folder);
    for (const fingerprint of from.fingerprints()) {
      const outcome = from.get(fingerprint, true);
      const kept = into.get(fingerprint);
      if (outcome === null || (kept === null && outcome.status === 'failed' && into.has(fingerprint))) continue;
      if (kept === null) {
        into.put(fingerprint, outcome);
        taken++;
      } else if (outcome.status !== 'failed' && figuresOf(kept) !== figuresOf(outcome)) {
        throw new UserError(`${folder}: run ${fingerprint.slice(0, DIGITS)} ended differently than in ${into.folder}; remove one of them`);
      }
    }
  }
  context.out(`${formatCounted(taken, 'run')} taken over into ${into.folder}\n`);
}

function clean(store: Store, context: CliContext): void {
  let removed = 0;
  for (const fingerprint of [...store.fingerprints()]) {
    if (store.get(fingerprint) !== null && store.isOfThisBuild(fingerprint)) continue;
    store.remove(fingerprint);
    removed++;
  }
  context.out(`${formatCounted(removed, 'run')} removed from ${store.folder}\n`);
}
