// The minis (minis/train.py) as parts of the laboratory take them. LAB_MINI names GGUF files, joined by commas, with test texts beside each.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Paths of the GGUF files; null: none is named. */
export const minis = process.env.LAB_MINI?.split(',') ?? null;

/** Texts that a mini was not trained on: {prompt, domain}. */
export function textsOf(path) {
  const lines = readFileSync(path.replace(/\.gguf$/, '.test.jsonl'), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** Does work in a folder of its own, which is gone after it. @param work takes the folder's path @returns what it returns */
export async function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-lab-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
