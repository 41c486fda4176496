// The process of scripts/fuzz.mjs that tries files: it writes the number of each before it reads it, so that its parent can tell which one
// takes too long, and ends where a file took too much memory, so that the next has a process of its own.
import { mkdtempSync, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/base/errors.js';
import { readers } from './readers.js';
import { inputOf, outcomeOf } from './tries.js';
import { comparisons } from './twice.js';

/** Tries of one reader: `from` to before `to`. */
interface Task {
  readonly name: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** File for the number of the running try. */
  readonly progress: string;
  readonly limitMs: number;
  readonly limitMib: number;
}

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
async function tryAll({ from, limitMib, limitMs, name, progress, seed, to }: Task): Promise<void> {
  const fd = openSync(progress, 'r+');
  const reader = readers[name]!;
  const outcomes = { read: 0, refused: 0 };
  const findings: { index: number; of: string; what: string }[] = [];
  let slowestMs = 0;
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
    slowestMs = Math.max(slowestMs, milliseconds);
    if (milliseconds > limitMs) findings.push({ index, of, what: `takes ${milliseconds.toFixed(0)} ms` });
    if (peakMib() > limitMib) {
      findings.push({ index, of, what: `takes ${peakMib().toFixed(0)} MiB` });
      index++;
      break;
    }
  }
  const counts = Object.fromEntries(comparisons);
  comparisons.clear();
  process.send!({ next: index, outcomes, findings, slowestMs, peakMib: peakMib(), counts });
}
