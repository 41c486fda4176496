// Readers of what moeprof itself wrote, and of what comes through a server, for the fuzz test: readers.ts has those of files from others.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../src/base/errors.js';
import { readText } from '../../src/base/input-file.js';
import type { Random } from '../../src/base/random.js';
import { longJsonLines } from '../../src/figure/table/long-table.js';
import { StudyRows } from '../../src/figure/table/study.js';
import { parseHubAddress } from '../../src/model/hub/address.js';
import { type HubEntry, hubFolder, storeEntry } from '../../src/model/hub/store.js';
import { loadModel } from '../../src/model/load/load.js';
import { fingerprintOf } from '../../src/study/fingerprint.js';
import { CellMaker } from '../../src/study/queue/cell.js';
import { fileNoteOf, fileNoteText } from '../../src/study/queue/chunks.js';
import { provenRun } from '../../src/study/queue/claims.js';
import { presencesIn, presenceText } from '../../src/study/queue/protocol.js';
import { sealBy, sealOf } from '../../src/study/queue/seal.js';
import { cellData, cellOf } from '../../src/study/queue/sent-cell.js';
import { doneFields, doneOf, packedEntry, resultData, resultOf } from '../../src/study/queue/sent-result.js';
import { readRuns } from '../../src/study/read-runs.js';
import { entryText, Store } from '../../src/study/store.js';
import { checkRun } from '../../src/system/load-run.js';
import { sampleResult } from '../result/sample.js';
import { temporaryFolder } from '../support/folder.js';
import type { Reader } from './tries.js';

const NAME = 'ab'.repeat(32);
const UNSEALED = sealBy(null);
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const scratch = (): string => temporaryFolder();

/** @throws UserError where a reader of messages, which passes over what is not its own, has done so */
function required<T>(value: T | null): T {
  if (value === null) throw new UserError('it is passed over');
  return value;
}

function parsed(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch {
    throw new UserError('it is no JSON');
  }
}

/** Rows of a study, as each of its files has them. */
function rows(): Record<string, Uint8Array> {
  const table = new StudyRows(['system', 'memory.expertCache'], ['cache.hit_rate']);
  table.set(0, 'f0', ['fiddler', '25%'], { status: 'done', result: sampleResult() }, 'moeprof run -s fiddler --cache 25%');
  table.set(1, null, ['no-cache', '25%'], { status: 'refused', reason: 'fixes it' }, 'moeprof run -s no-cache');
  const study = table.study();
  return {
    study: json({ ...study, rows: [...study.rows] }),
    lines: Buffer.from(longJsonLines(study)),
    ranking: json([sampleResult(), { status: 'refused', system: 'fiddler', reason: 'no' }]),
  };
}

/** An outcome with a digest that is right, whatever it is; a text that is no entry stays as it is. */
function resealed(text: string): string {
  try {
    return entryText(NAME, (JSON.parse(text) as { outcome: never }).outcome);
  } catch {
    return text;
  }
}

let store: Store | null = null;

/** Reads a file as the entry of a run. */
function readEntry(path: string, random: Random): void {
  store ??= Store.open(join(scratch(), 'store'));
  const text = readFileSync(path, 'utf8');
  const folder = join(store.folder, NAME.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${NAME}.json`), random.below(2) === 0 ? text : resealed(text));
  store.get(NAME, true);
  store.isOfThisBuild(NAME);
  for (const { reason } of store.damaged()) throw new UserError(reason);
  readRuns(store.folder);
}

const HUB = 'hf:owner/model';
const cache = scratch();

/** Uses a cache of the hub that is empty but for what is put there. @param use is given its folder */
function withCache<T>(use: (folder: string) => T): T {
  const { XDG_CACHE_HOME: before } = process.env;
  process.env.XDG_CACHE_HOME = cache;
  try {
    return use(hubFolder());
  } finally {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
  }
}

/** Path of the only entry. */
function entryIn(folder: string): string {
  return join(folder, readdirSync(folder)[0]!);
}

/** Reads a file as what the cache has of a model, and the model. */
function readHubEntry(path: string): void {
  withCache((folder) => {
    writeFileSync(entryIn(folder), readFileSync(path));
    loadModel(HUB);
  });
}

/** Entries as they are stored. */
function hubEntries(config: Record<string, unknown>): Record<string, Uint8Array> {
  const tensor = (name: string, shape: number[], type: number, format: string, bytes: number) => {
    return { name, shape, elements: shape.reduce((product, side) => product * side, 1), type, offset: 0, bytes, format };
  };
  const headers = [
    {
      metadata: {
        'general.architecture': 'qwen3moe',
        'qwen3moe.block_count': 1,
        'qwen3moe.embedding_length': 256,
        'qwen3moe.expert_count': 4,
        'qwen3moe.expert_used_count': 2,
        'qwen3moe.attention.head_count': 4,
        'qwen3moe.attention.head_count_kv': 2,
      },
      tensors: [
        tensor('token_embd.weight', [256, 100], 12, 'q4_k', 14_400),
        tensor('blk.0.ffn_gate_inp.weight', [256, 4], 0, 'f32', 4096),
        tensor('blk.0.ffn_gate_exps.weight', [256, 256, 4], 12, 'q4_k', 147_456),
        tensor('blk.0.ffn_up_exps.weight', [256, 256, 4], 12, 'q4_k', 147_456),
        tensor('blk.0.ffn_down_exps.weight', [256, 256, 4], 12, 'q4_k', 147_456),
      ],
      dataStart: 4096,
    },
  ];
  const offer = { format: 'Q4_K_M', files: [{ path: 'a.gguf', bytes: 500_000 }], bytes: 500_000 };
  const models: Record<string, HubEntry['model']> = {
    gguf: { kind: 'gguf', offer, offers: [offer], headers },
    config: { kind: 'config', config },
  };
  return Object.fromEntries(
    Object.entries(models).map(([name, model]) => {
      const entry = { schema: 'moeprof.hub/1', address: HUB, commit: 'a'.repeat(40), fetched: '2026-01-01T00:00:00Z', model } as const;
      return withCache((folder) => {
        storeEntry(parseHubAddress(HUB), folder, entry);
        return [name, readFileSync(entryIn(folder))];
      });
    }),
  );
}

const run = checkRun({ seed: 3, system: 'fiddler' }, 'study.yaml');
const CELL = fingerprintOf(run);
const done = entryText(NAME, { status: 'done', result: sampleResult() });

/** Readers of messages: none of them trusts a server. */
const messages: Readonly<Record<string, Reader>> = {
  'cell of a queue': {
    ending: '.json',
    kinds: [],
    files: { cell: json(cellData(CELL, new CellMaker().make(run), UNSEALED)) },
    read: (path) => required(provenRun(CELL, cellOf(CELL, parsed(path), UNSEALED))),
  },
  'result of a queue': {
    ending: '',
    kinds: [],
    files: { done: Buffer.from(done), refused: Buffer.from(entryText(NAME, { status: 'refused', reason: 'no' })) },
    read(path, random) {
      const bytes = readFileSync(path);
      const sent =
        random.below(8) === 0
          ? bytes
          : resultData(NAME, 'w', packedEntry(random.below(2) === 0 ? bytes.toString() : resealed(bytes.toString())), UNSEALED);
      const { entry } = required(resultOf(NAME, sent, UNSEALED));
      store ??= Store.open(join(scratch(), 'store'));
      const outcome = store.putEntry(NAME, entry, () => null);
      if (outcome instanceof UserError) throw outcome;
    },
  },
  'news of a queue': {
    ending: '.json',
    kinds: [],
    files: {
      done: json(doneFields({ fingerprint: NAME, worker: 'w', failure: null }, UNSEALED)),
      failed: json(doneFields({ fingerprint: NAME, worker: 'w', failure: 'no room', again: true }, UNSEALED)),
    },
    read(path) {
      const fields = parsed(path);
      if (!Array.isArray(fields) || !fields.every((field) => typeof field === 'string')) throw new UserError('no fields of a stream');
      required(doneOf(fields, UNSEALED));
    },
  },
  'notes of a queue': {
    ending: '.json',
    kinds: [],
    files: {
      worker: Buffer.from(presenceText('w', 2)),
      file: Buffer.from(fileNoteText(NAME, { bytes: 5, chunks: 1 }, UNSEALED)),
      refused: Buffer.from(fileNoteText(NAME, { refused: 'it is too large' }, UNSEALED)),
    },
    read(path) {
      const text = readFileSync(path, 'utf8');
      required(presencesIn([text])[0] ?? fileNoteOf(NAME, text, UNSEALED));
    },
  },
};

/** Readers of what moeprof wrote, by name. @param config of a model */
export function storedReaders(config: Record<string, unknown>): Readonly<Record<string, Reader>> {
  return {
    ...messages,
    'entry of a store': {
      ending: '.json',
      kinds: ['entry'],
      files: { done: Buffer.from(done), failed: Buffer.from(entryText(NAME, { status: 'failed', reason: 'no' })) },
      read: readEntry,
    },
    'rows of a study': { ending: '.json', kinds: [], files: rows(), read: readRows },
    'entry of the hub cache': { ending: '.json', kinds: ['hub'], files: hubEntries(config), read: readHubEntry },
    key: {
      ending: '.key',
      kinds: ['key'],
      files: { key: Buffer.from('c2l4dGVlbiBjaGFyYWN0ZXJzIGF0IGxlYXN0\n') },
      read: (path) => sealOf({ host: 'queue.example', shown: 'queue.example' } as Parameters<typeof sealOf>[0], path),
    },
  };
}

/** Lines have an ending of their own. */
function readRows(path: string): void {
  const text = readText(path, 'result');
  const lines = path.replace(/json$/, 'jsonl');
  writeFileSync(lines, text);
  readRuns(text.trimStart().startsWith('{"status"') || /^\s*\{[^\n]*\}\s*\n/.test(text) ? lines : path);
}
