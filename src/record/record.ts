// In a separate process, so that an engine crash does not end moeprof.
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

/** Settings of a recording. */
export interface RecordJob {
  readonly model: string;
  readonly prompts: readonly Prompt[];
  /** Most tokens, prompts included; continuations share the rest evenly. */
  readonly tokens: number;
  /** Candidates besides the choices. */
  readonly gates: number;
  readonly seed: number;
  readonly backend: EngineBackend;
}

interface Opened {
  /** `22dc605 (ggml 0.18.0, @fugood/llama.node 1.7.15)`: commit and packages. */
  readonly engine: string;
  readonly experts: readonly number[];
  /** Choices per token and layer; candidates follow up to `width`. */
  readonly choices: number;
  readonly width: number;
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
  /** Tokens compared. */
  readonly compared: number;
  /** Index of the first different token; null: all equal. */
  readonly differsAt: number | null;
  /** Minimum token time with recording over without; NaN: no token. */
  readonly timesAsLong: number;
}

/** Messages of the engine process: the opened model, rows, then the comparison or a failure. */
export type FromEngine = Opened | PassRows | ComparedText | { readonly failed: string };

/** A finished recording. */
export interface Recording extends Opened, ComparedText {
  readonly trace: RoutingTrace;
}

/** Bytes kept of the engine's last output; ours. */
const LAST_WORDS = 8192;

/** @throws UserError if there are no experts, a package is missing, or the engine fails */
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
        // The process has ended, or sent invalid rows.
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
    // The engine must not outlive its parent.
    const stopListening = listen('exit', () => child.kill());
    child.send(job);
  });
}
