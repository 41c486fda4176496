// Hand-written timings: `eval 24.3 tok/s, prompt 410 tok/s, -ncmoe 26`. Flags begin with a hyphen and end the text.
import { UserError } from '../base/errors.js';
import { isRuntime, RUNTIMES } from './index.js';
import { settingsOfFlags } from './llama.cpp/llama-log.js';
import { FASTEST, speedFields } from './logs/lines.js';
import type { PrintedTiming, Timing } from './logs/timing.js';

const EXAMPLE = 'eval 24.3 tok/s, prompt 410 tok/s, -ncmoe 26';

/** Most characters of a text; ours. */
const LONGEST = 2000;
/** Most credible tokens of a prompt, generation or context; ours. */
const MOST_TOKENS = 1e8;

const SPEED =
  /^(eval|decode|generation|tg|prompt|prefill|pp)(\d+)?\s*[:=]?\s*(\d[\d.]*)\s*(?:tok(?:ens?)?\/s(?:ec)?|t\/s|tps|tokens (?:per|a) second)?$/i;
const DEPTH = /^(?:depth|at|d)\s*(\d+)$/i;
const FORMAT = /^(?:(?:ud-)?(?:i?q\d[a-z0-9_]*|tq\d_\d)|bf16|f16|fp8|mxfp4|nvfp4)$/i;
const PROMPT = /^(prompt|prefill|pp)$/i;

/** True for a timing rather than a file name. */
export const isTimingText = (text: string): boolean => SPEED.test(partsOf(text)[0]!.text.trim());

interface Part {
  readonly text: string;
  readonly at: number;
}

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at <= text.length; ) {
    const rest = text.slice(at);
    const length = /^\s*-/.test(rest) || !rest.includes(',') ? rest.length : rest.indexOf(',');
    parts.push({ text: rest.slice(0, length), at });
    at += length + 1;
  }
  return parts;
}

/** @param place for messages @throws UserError for a malformed part or no speed */
export function readTimingText(text: string, place: string): Timing {
  if (text.length > LONGEST) throw new UserError(`${place}: has ${text.length} characters; give at most ${LONGEST}, or the path of a log`);
  let timing: PrintedTiming & { engine?: string } = { place };
  for (const part of partsOf(text)) {
    const fields = fieldsOf(part.text.trim());
    if (fields === null) {
      const read = text.slice(0, part.at).replace(/,\s*$/, '').trim();
      const until = read === '' ? 'nothing of it was read' : `it was read up to "${read}"`;
      const wrong = part.text.trim() === '' ? 'nothing between two commas' : `"${part.text.trim().slice(0, 60)}"`;
      throw new UserError(`${place}: ${until}; not understood is ${wrong}; write e.g. "${EXAMPLE}", or the path of a log`);
    }
    timing = { ...timing, ...fields };
  }
  if (timing.decode === undefined && timing.prefill === undefined)
    throw new UserError(`${place}: was read to its end, and gives no speed; write e.g. "${EXAMPLE}"`);
  return { engine: RUNTIMES[0]!.name, ...timing };
}

function fieldsOf(text: string): Partial<Timing> | null {
  const speed = SPEED.exec(text);
  if (speed !== null) return speedOf(speed[1]!, speed[2], speed[3]!);
  const depth = DEPTH.exec(text)?.[1];
  if (depth !== undefined) return Number(depth) <= MOST_TOKENS ? { depth: Number(depth) } : null;
  if (FORMAT.test(text)) return { quantization: text.toLowerCase() };
  if (isRuntime(text)) return { engine: text };
  if (!text.startsWith('-')) return null;
  const settings = settingsOfFlags(text);
  return Object.keys(settings).every((key) => key === 'uncounted') ? null : { ...settings, command: text };
}

function speedOf(kind: string, count: string | undefined, rate: string): Partial<Timing> | null {
  const value = Number(rate);
  const tokens = count === undefined ? undefined : Number(count);
  if (!(value > 0 && value <= FASTEST) || (tokens !== undefined && !(tokens > 0 && tokens <= MOST_TOKENS))) return null;
  return speedFields(PROMPT.test(kind), value, tokens);
}

/** A timing in the form of {@link readTimingText}: speeds, depth, runtime, format and flags. */
export function timingText(timing: Timing): string {
  const { cpuMoe, decode, depth, engine, flashAttention, generatedTokens, gpuLayers, kv, mmap, model, numa, overrides, prefill } = timing;
  const { allCpuMoe, noOpOffload, promptTokens, quantization, threads, ubatch, users } = timing;
  const flag = (name: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [name, /\s/.test(`${value}`) ? `"${value}"` : `${value}`];
  const flags = [
    ...flag('-m', model),
    ...flag('-ngl', gpuLayers),
    ...flag('-ncmoe', cpuMoe),
    ...(allCpuMoe === true ? ['-cmoe'] : []),
    ...(overrides ?? []).flatMap((rule) => flag('-ot', rule)),
    ...flag('-t', threads),
    ...flag('-ub', ubatch),
    ...flag('-ctk', kv),
    ...flag('-fa', flashAttention === undefined ? undefined : Number(flashAttention)),
    ...(mmap === false ? ['--no-mmap'] : []),
    ...(noOpOffload === true ? ['-nopo'] : []),
    ...flag('--numa', numa),
    ...flag('-np', users),
  ];
  return [
    ...(decode === undefined ? [] : [`eval${generatedTokens ?? ''} ${decode} tok/s`]),
    ...(prefill === undefined ? [] : [`prompt${promptTokens ?? ''} ${prefill} tok/s`]),
    ...(depth === undefined || depth === 0 ? [] : [`depth ${depth}`]),
    engine,
    ...(quantization !== undefined && FORMAT.test(quantization) ? [quantization.toLowerCase()] : []),
    ...(flags.length === 0 ? [] : [flags.join(' ')]),
  ].join(', ');
}
