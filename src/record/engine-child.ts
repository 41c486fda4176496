// Engine of `record.ts`: llama.cpp reads and continues prompts. The parent handles signals; its end ends the process.
import { placed, UserError, userErrorOf } from '../base/errors.js';
import { parentProcess } from '../base/host/children.js';
import { nextTurn } from '../base/host/clock.js';
import { exit, listen } from '../base/host/process.js';
import { PHASE } from '../trace/trace.js';
import { Llama, UBATCH } from './llama.js';
import { PassRecorder } from './pass-recorder.js';
import type { FromEngine, RecordJob } from './record.js';

/** Generated tokens computed again without recording. Ours: enough for a stable minimum time. */
const COMPARED = 128;

const parent = parentProcess!;
const send = (message: FromEngine): void => parent.send(message);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) listen(signal, () => undefined);
parent.onDisconnect(() => exit(0));
// Other errors end the process, like an engine fault.
parent.onMessage((job: RecordJob) => void record(job).catch((error: unknown) => send({ failed: userErrorOf(error).message })));

async function record({ backend, gates, model, prompts, seed, tokens }: RecordJob): Promise<void> {
  const llama = new Llama(backend);
  await llama.open(model);
  const texts = prompts.map((prompt, at) => placed(`prompt ${at + 1}`, () => llama.tokens(prompt)));
  const read = texts.reduce((sum, { length }) => sum + length, 0);
  const share = Math.floor((tokens - read) / texts.length);
  if (share < 1) throw new UserError(`the prompts alone have ${read} tokens; take --tokens ${2 * read}, or fewer prompts`);
  const length = Math.max(...texts.map((text) => text.length)) + share;

  const recorder = new PassRecorder(llama);
  const listener = llama.listener((tensor, ask) => recorder.observe(tensor, ask));
  const first = llama.begin(1, seed, listener);
  first.read(texts[0]!.subarray(0, 1), true);
  first.free();
  recorder.layout(gates);
  const { layers, width } = recorder;
  const [experts, choices] = [layers.map((layer) => layer.experts), Math.max(...layers.map((layer) => layer.choices))];
  send({ engine: llama.version, experts, choices, width, most: read + share * texts.length });

  const continued: Awaited<ReturnType<typeof continueText>>[] = [];
  for (const [request, text] of texts.entries()) {
    const onPass: OnPass = (position, phase, ids) =>
      send({ request, position, phase, tokens: ids.slice(), ...recorder.finish(ids.length) });
    continued.push(await continueText(llama.begin(length, seed, listener), text, share, onPass));
  }
  const plain = await continueText(llama.begin(length, seed, null), texts[0]!, Math.min(share, COMPARED), () => undefined);
  const compared = Math.min(continued[0]!.drawn.length, plain.drawn.length);
  const differs = plain.drawn.findIndex((token, i) => token !== continued[0]!.drawn[i]);
  // Other load only adds time.
  const [recordedMs, plainMs] = [continued[0]!, plain].map(({ passMs }) => Math.min(...passMs.slice(0, compared))) as [number, number];
  send({ compared, differsAt: differs < 0 ? null : differs, timesAsLong: recordedMs / plainMs });
}

type OnPass = (position: number, phase: number, tokens: Int32Array) => void;

async function continueText(text: ReturnType<Llama['begin']>, prompt: Int32Array, most: number, onPass: OnPass) {
  const [drawn, passMs]: [number[], number[]] = [[], []];
  for (let from = 0; from < prompt.length; from += UBATCH) {
    const part = prompt.subarray(from, from + UBATCH);
    text.read(part, from + UBATCH >= prompt.length);
    onPass(from, PHASE.prefill, part);
    await nextTurn();
  }
  for (let token = text.draw(); token !== null && drawn.length < most; token = text.draw()) {
    const begunMs = performance.now();
    text.read(Int32Array.of(token), true);
    passMs.push(performance.now() - begunMs);
    onPass(prompt.length + drawn.length, PHASE.decode, Int32Array.of(token));
    drawn.push(token);
    await nextTurn();
  }
  text.free();
  return { drawn, passMs };
}
