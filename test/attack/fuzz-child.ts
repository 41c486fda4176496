// The process of scripts/fuzz.mjs that tries files: it writes the number of each before it reads it, so that its parent can tell which one
// takes too long, and ends where a file took too much, so that it can be tried again in a process of its own.
import { mkdtempSync, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/base/errors.js';
import { readers as mutated } from './readers.js';
import { structured } from './structured.js';
import { inputOf, LIMIT_MS, outcomeOf } from './tries.js';
import { comparisons } from './twice.js';

/** Tries of one reader: `from` to before `to`. */
interface Task {
  readonly name: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** File for the number of the running try. */
  readonly progress: string;
  readonly limitMib: number;
  /** True for a try that took too much beside others, and is made again. */
  readonly alone?: boolean;
}

const readers = { ...mutated, ...structured };
const folder = mkdtempSync(join(tmpdir(), 'moeprof-fuzz-'));
const peakMib = (): number => process.resourceUsage().maxRSS / 1024;

process.on('message', (task: Task | 'readers') => {
  if (task === 'readers') {
    process.send!(Object.fromEntries(Object.entries(readers).map(([name, { share = 1 }]) => [name, share])));
    return;
  }
  void tryAll(task);
});

/** Tries all of a task, and sends what it found. */
async function tryAll({ alone = false, from, limitMib, name, progress, seed, to }: Task): Promise<void> {
  const fd = openSync(progress, 'r+');
  const reader = readers[name]!;
  const outcomes = { read: 0, refused: 0 };
  const findings: { index: number; of: string; what: string }[] = [];
  let [slowestMs, peak] = [0, 0];
  let costly: number | null = null;
  let index = from;
  for (; index < to; index++) {
    writeSync(fd, String(index).padEnd(12), 0);
    const { bytes, from: of, random } = inputOf(name, reader, seed, index);
    const before = process.cpuUsage();
    try {
      outcomes[await outcomeOf(reader, folder, bytes, random)]++;
    } catch (error) {
      findings.push({ index, of, what: messageOf(error) });
    }
    const { system, user } = process.cpuUsage(before);
    const milliseconds = (user + system) / 1000;
    const isCostly = milliseconds > LIMIT_MS || peakMib() > limitMib;
    if (isCostly && !alone) {
      costly = index++;
      break;
    }
    slowestMs = Math.max(slowestMs, milliseconds);
    peak = peakMib();
    if (isCostly) findings.push({ index, of, what: `takes ${milliseconds.toFixed(0)} ms and ${peak.toFixed(0)} MiB` });
  }
  const counts = Object.fromEntries(comparisons);
  comparisons.clear();
  process.send!({ next: index, outcomes, findings, costly, slowestMs, peakMib: peak, counts });
}
