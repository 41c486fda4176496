// Programs that answer a prompt under a setting: llama-server by requests, others by their own command line.
import type { CacheBasis } from '../../advise/door.js';
import { commandWords } from '../../base/command-words.js';
import { UserError } from '../../base/errors.js';
import { freePort } from '../../base/host/network.js';
import { readText } from '../../base/input-file.js';
import { bundledText } from '../../base/profiles.js';
import { parseDuration } from '../../base/units.js';
import { type BenchTests, endOf, lastSpeeds } from '../../measured/tune/rows.js';
import type { RunEnd } from '../../measured/tune/tune.js';
import type { TuneFlags } from './kept.js';
import { MOST_PRINTED, modelWords, refuseTuned, runToEnd, USUAL_LIMIT, valueAfter } from './program.js';

/** Generated tokens: warming, then counted. Ours. */
const GENERATED = { fixed: [16, 128], cached: [256, 512] } as const;
/** Most characters of a token; ours. */
const TOKEN = 8;
/** Wait between requests for readiness, ms. Ours. */
const PAUSE = 200;
/** Flags of the server alone. */
const SERVED: readonly string[] = ['-np', '-cram'];

/** A program that answers a prompt. */
export interface Talk {
  /** True if its prompt has a known length, so that a run may be kept. */
  readonly keeps: boolean;
  readonly tests: BenchTests;
  /** Runs a point of the basis. */
  run(at: number, env: Readonly<Record<string, string>>): Promise<RunEnd>;
}

/** @throws UserError for unusable words, or an unreadable text */
export function talkOf({ file, points, request }: CacheBasis, { tune, tuneLimit = USUAL_LIMIT, tuneText }: TuneFlags): Talk {
  const [program, ...given] = commandWords(tune!, '--tune') as [string, ...string[]];
  refuseTuned(
    given,
    points.flatMap(({ flags }) => flags),
  );
  const words = [...given, ...modelWords(given, file, 'llama-server').flat()];
  const limits = { mostBytes: MOST_PRINTED, timeout: parseDuration(tuneLimit, '--tune-limit') / 1e6 };
  const tests: BenchTests = { promptTokens: request.prompt, generatedTokens: GENERATED.fixed[1], depth: 0 };
  if (!/\bllama-server\b/.test(tune!)) {
    if (!given.some((word) => /^(-p|--prompt|-f|--file)$/.test(word)))
      throw new UserError('--tune: names no prompt; write e.g. "llama-completion -m model.gguf -no-cnv -f prompt.txt -n 512"');
    const run: Talk['run'] = async (at, env) =>
      endOf(await runToEnd(program, [...words, ...withoutServed(points[at]!.flags)], { ...limits, env }), tuneLimit, lastSpeeds);
    return { keeps: false, tests, run };
  }
  const whole = tuneText === undefined ? bundledText('explanations.yaml') : readText(tuneText);
  const text = whole.slice(0, TOKEN * request.prompt);
  const fixedPort = portIn(given);
  const key = valueAfter(given, '--api-key');
  const run: Talk['run'] = async (at, env) => {
    const port = fixedPort ?? (await freePort());
    const generated = GENERATED[at === 0 ? 'fixed' : 'cached'];
    const meanwhile = (over: AbortSignal) => talked(new Server(port, key, over), { text, prompt: request.prompt, generated });
    const place = fixedPort === null ? ['--port', `${port}`] : [];
    const end = await runToEnd(program, [...words, ...points[at]!.flags, ...place], { ...limits, env, meanwhile });
    return endOf(end, tuneLimit, lastSpeeds);
  };
  return { keeps: true, tests, run };
}

const withoutServed = (flags: readonly string[]): string[] =>
  flags.filter((flag, i) => !SERVED.includes(flag) && !SERVED.includes(flags[i - 1] ?? ''));

/** Port of a command; null: any. @throws UserError for a non-port, or an address */
function portIn(given: readonly string[]): number | null {
  if (given.includes('--host')) throw new UserError('--tune: --host: the server is asked at 127.0.0.1; leave it out');
  const text = valueAfter(given, '--port');
  if (text === null) return null;
  const port = Number(text);
  if (/^\d+$/.test(text) && port > 0 && port < 2 ** 16) return port;
  throw new UserError(`--tune: --port ${text}: is no port; write 1 to 65535, or leave it out`);
}

/** Requests: the first tokens of a text, and generated tokens of each. */
interface Talked {
  readonly text: string;
  readonly prompt: number;
  readonly generated: readonly number[];
}

/** @throws Error for a refusal, or a short text */
async function talked(server: Server, { generated, prompt, text }: Talked): Promise<void> {
  try {
    while (!(await server.isReady())) await new Promise((resolve) => setTimeout(resolve, PAUSE));
    const { tokens } = await server.post('/tokenize', { content: text });
    const count = Array.isArray(tokens) ? tokens.length : 0;
    if (count < prompt)
      throw new Error(
        `error: the text has ${count} tokens, and prompts are of ${prompt}; give a longer --tune-text, or --prompt ${Math.max(1, count)}`,
      );
    // Greedy text repeats itself, which flatters a cache.
    const sampled = { prompt: (tokens as unknown[]).slice(0, prompt), cache_prompt: false, ignore_eos: true, stream: false, seed: 1 };
    for (const n_predict of generated) await server.post('/completion', { ...sampled, n_predict });
  } catch (error) {
    if (!server.over.aborted) throw error;
  }
}

/** A local server. */
class Server {
  readonly #origin: string;
  readonly #headers: Readonly<Record<string, string>>;
  /** Aborted at the end of its program. */
  readonly over: AbortSignal;

  constructor(port: number, key: string | null, over: AbortSignal) {
    this.#origin = `http://127.0.0.1:${port}`;
    this.#headers = { 'content-type': 'application/json', ...(key === null ? {} : { authorization: `Bearer ${key}` }) };
    this.over = over;
  }

  /** False while it loads. */
  async isReady(): Promise<boolean> {
    this.over.throwIfAborted();
    try {
      const { body, ok } = await fetch(`${this.#origin}/health`, { signal: this.over });
      await body?.cancel();
      return ok;
    } catch (error) {
      if (this.over.aborted) throw error;
      return false;
    }
  }

  /** @throws Error for a refusal, or if the answer is not JSON */
  async post(path: string, body: Readonly<Record<string, unknown>>): Promise<{ readonly tokens?: unknown }> {
    const sent = { method: 'POST', headers: this.#headers, body: JSON.stringify(body), signal: this.over };
    const answer = await fetch(this.#origin + path, sent);
    if (answer.ok) return (await answer.json()) ?? {};
    throw new Error(`error: the server answers ${answer.status} at ${path}: ${(await answer.text()).slice(0, 200)}`);
  }
}
