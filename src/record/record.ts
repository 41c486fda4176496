// Records routing from an unmodified llama.cpp in a process of its own, whose rows become a trace here. Its end does not end this one.
import { UserError } from '../base/errors.js';
import { startProcess } from '../base/host/children.js';
import { resolve } from '../base/host/paths.js';
import { listen } from '../base/host/process.js';
import { withInput } from '../base/input-file.js';
import type { WorkWatch } from '../base/work-watch.js';
import { ggufHeaderOf } from '../model/door.js';
import { TraceStore } from '../trace/store.js';
import type { RoutingTrace } from '../trace/trace.js';
import type { EngineBackend } from './llama.js';
import type { PassRouting } from './pass-recorder.js';
import type { Prompt } from './prompts.js';

/** What is recorded, and how. */
export interface RecordJob {
  /** A GGUF file. */
  readonly model: string;
  readonly prompts: readonly Prompt[];
  /** Most tokens in all, those of prompts included; what they leave is shared evenly by the texts that continue them. */
  readonly tokens: number;
  /** Candidates in addition to the choices. */
  readonly gates: number;
  /** Of what is drawn, as probable as the model has it. */
  readonly seed: number;
  readonly backend: EngineBackend;
}

interface Opened {
  /** Its commit and packages: `22dc605 (ggml 0.18.0, @fugood/llama.node 1.7.15)`. */
  readonly engine: string;
  /** Experts of each MoE layer. */
  readonly experts: readonly number[];
  /** Choices of a token at a layer; those after them, up to `width`, are candidates. */
  readonly choices: number;
  readonly width: number;
  /** Most rows that follow. */
  readonly most: number;
}

interface PassRows extends PassRouting {
  readonly request: number;
  readonly position: number;
  readonly phase: number;
  readonly tokens: Int32Array;
}

/** The first prompt, continued again without recording. */
export interface ComparedText {
  /** Generated tokens that were compared. */
  readonly compared: number;
  /** The first that differs, from 0; null: all are the same. */
  readonly differsAt: number | null;
  /** Least time of a generated token, recorded, over that without; NaN if none was compared. */
  readonly timesAsLong: number;
}

/** What the engine's process sends: what it has opened, rows pass by pass, and its end, or why it fails. */
export type FromEngine = Opened | PassRows | ComparedText | { readonly failed: string };

/** A recording. */
export interface Recording extends Opened, ComparedText {
  readonly trace: RoutingTrace;
}

/** Bytes kept of what the engine prints last. */
const LAST_WORDS = 8192;

/** Records prompts and continuations. @throws UserError if there are no experts, a package is missing, or the engine fails */
export async function recordRouting(
  request: Pick<RecordJob, 'model' | 'prompts'> & Partial<RecordJob>,
  watch: WorkWatch = {},
  start: typeof startProcess = startProcess,
): Promise<Recording> {
  const { model, prompts } = request;
  const { 'general.name': name = null } = withInput(model, 'model', ggufHeaderOf).metadata;
  if (prompts.length === 0) throw new UserError('record: there is no prompt; give at least one');
  const job = { tokens: 2000, gates: 0, seed: 1, backend: 'cpu', ...request, model: resolve(model) } as const;
  const rows: { opened?: Opened; store?: TraceStore } = {};
  const take = (message: Opened | PassRows): void => {
    if ('tokens' in message) addRows(rows.store!, message);
    else {
      const shape = { path: model, layers: message.experts.length, topK: message.width };
      rows.opened = message;
      rows.store = new TraceStore({ ...shape, weights: true, tokenIds: true });
    }
    watch.progress?.(rows.store!.rows, rows.opened!.most);
  };
  try {
    const compared = await runEngine(job, model, start, take);
    const { engine, experts } = rows.opened!;
    const notes = { engine, compared_tokens: `${compared.compared}`, first_other_token: `${compared.differsAt ?? 'none'}` };
    const trace = rows.store!.finish(experts, { format: 'safetensors', model: name as string | null, notes });
    return { ...rows.opened!, ...compared, trace };
  } catch (error) {
    rows.store?.close();
    throw error;
  }
}

function addRows(store: TraceStore, { ids, phase, position, request, tokens, weights }: PassRows): void {
  const row = store.layers * store.topK;
  tokens.forEach((token, i) => {
    store.seek(store.rows);
    store.ids.set(ids.subarray(i * row, (i + 1) * row), store.idsAt);
    store.weights.set(weights.subarray(i * row, (i + 1) * row), store.idsAt);
    store.tokenIds[store.tokenAt] = token;
    store.addRow(request, position + i, phase);
  });
}

/** Runs an engine's process to its end. @throws UserError if it fails, or ends before it is done */
function runEngine(
  job: RecordJob,
  model: string,
  start: typeof startProcess,
  take: (rows: Opened | PassRows) => void,
): Promise<ComparedText> {
  return new Promise((done, fail) => {
    let [printed, failed] = ['', ''];
    const child = start('record/engine-child', {
      message: (raw) => {
        const message = raw as FromEngine;
        try {
          if ('failed' in message) failed = message.failed;
          else if ('compared' in message) done(message);
          else return take(message);
        } catch (error) {
          fail(error);
        }
        // It has ended, or its rows are none.
        child.kill();
      },
      stderr: (text) => {
        printed = `${printed}${text}`.slice(-LAST_WORDS);
      },
      error: (error) => fail(new UserError(`the engine's process cannot be started: ${error.message}`)),
      close: (code, signal) => {
        stopListening();
        const crash = signal === null ? `ended with ${code} before it was done` : `crashed (${signal})`;
        const how = signal === 'SIGKILL' ? 'was killed, most often because memory ran out; take a smaller model, or fewer --tokens' : crash;
        const reason = printed.split('\n').findLast((line) => /\berror\b|fail|assert|out of memory/i.test(line)) ?? '';
        fail(new UserError([model, failed || `the engine ${how}`, ...(reason === '' ? [] : [reason.trim()])].join(': ')));
      },
    });
    // It must not go on computing if this process ends.
    const stopListening = listen('exit', () => child.kill());
    child.send(job);
  });
}
