import { ownValue } from '../base/objects.js';
import { formatBytes, formatCount, formatNumber } from '../base/units.js';
import {
  aboutRate,
  type Block,
  type Column,
  countedText,
  type Datum,
  type Document,
  figure,
  type Grid,
  grid,
  gridOf,
  type Line,
  learnedFrom,
  note,
  rateDatum,
  timesText,
} from '../report/door.js';
import type { Accuracy } from '../result/result.js';
import { ALONE, advisedRuntime, flagOf, HOST, requestNs, usedOf } from '../runtime/door.js';
import type { Advice, AdvisedSetting } from './advise.js';
import { draftGrid } from './drafts.js';
import { measuredGrid } from './measured-report.js';
import { memoryBlocks } from './memory-report.js';
import { detailed, linesToPaste, sentences, servedText, shapeLine, speedBand, speedsText } from './report-parts.js';
import { strategyGrid } from './strategies.js';
import type { WayOut } from './ways.js';

/** Advice, and whether to explain each flag. */
export interface AdviceView {
  readonly advice: Advice;
  readonly explain: boolean;
}

/** Essentials on a screen; memory, misfits and accuracy with --verbose. */
export function adviceDocument({ advice, explain }: AdviceView): Document {
  const { answer, machine, model, quantization, runtime, ways = [] } = advice;
  return {
    title: `${model} ${quantization} on ${machine}, ${runtime}`,
    lead: [...verdictOf(advice), ...advice.backends.map((text): Line => ({ text })), ...guessLine(advice)],
    blocks: [
      ...linesToPaste(advice.command),
      ...ways.map(wayBlock),
      ...(explain ? [explained(advice)] : []),
      ...(answer === null
        ? []
        : [
            ...memoryBlocks(advice, answer),
            ...strategyGrid(advice.strategies),
            ...draftGrid(advice.drafts, answer.setting.drafter),
            ...insteadOf(advice, answer),
          ]),
      ...detailed(sentences('does not fit', advice.misfits)),
      ...(advice.timings === null ? sentences('would help', advice.purchases.length === 0 ? [] : briefPurchases(advice)) : [])
        .slice(0, 1)
        .map((block) => ({ ...block, detail: 'brief' as const })),
      ...detailed(sentences('would help', purchaseTexts(advice))),
      ...detailed(sentences('how sure', basisTexts(advice))),
      ...measuredGrid(advice),
      ...closingBlocks(advice),
    ],
    records: recordsOf(advice),
  };
}

/** Alternatives and purchases on a brief screen. Ours. */
const BRIEF = 2;

const MORE = '-v: memory by part, what does not fit, how sure this is and what makes it surer.';

function verdictOf({ answer, bands, bound, context, goal, inMemory, kept, misfits, quantization, request }: Advice): Line[] {
  if (answer === null) return [{ text: `Nothing fits: ${misfits.find((text) => text.startsWith(quantization))}`, tone: 'caution' }];
  const { served } = answer;
  const alone = speedsText(answer, bands!);
  const [ofTokens, ofPrompts] = [bound?.decode, bound?.prefill];
  const binds = bound === null ? '' : `; bound by ${ofTokens}${ofTokens === ofPrompts ? '' : `, prompts by ${ofPrompts}`}`;
  const loopNs = served === undefined ? requestNs(answer, ALONE, request) : served.ttft + request.output * served.tpot;
  const whole = `${aboutRate(loopNs / 1e9)} s for a prompt of ${formatCount(request.prompt)} and an answer of ${formatCount(request.output)} tokens; context ${formatCount(context)}`;
  const broken =
    kept || goal.kind !== 'targets' ? [] : [{ text: 'No setting keeps the targets; this one comes nearest.', tone: 'warning' as const }];
  const disk = inMemory === undefined ? [] : [{ text: fromDiskText(answer, inMemory), tone: 'caution' as const }];
  if (served === undefined) return [{ text: `${alone}${binds}`, tone: 'good' }, { text: whole }, ...disk, ...broken];
  const loop = servedText(answer, served, bands!, request);
  return [{ text: loop, tone: 'good' }, { text: `Decoding alone ${alone}${binds}` }, { text: whole }, ...disk, ...broken];
}

function guessLine(advice: Advice): Line[] {
  const { guesses } = advice;
  const shape = shapeLine(advice);
  if (guesses.length === 0) return shape;
  const texts = guesses.map(({ decode, other, part, prefill }) => {
    const [what, factor] = Math.abs(decode - 1) > Math.abs(prefill - 1) ? ['decode', decode] : ['prompts', prefill];
    return `${part} (${other}: ${what} ${percentText(factor - 1)})`;
  });
  return [...shape, { text: `Assumed: ${texts.join(', ')}.`, tone: 'caution' }];
}

function fromDiskText({ decode, devices }: AdvisedSetting, inMemory: number): string {
  const { compute, has, kv, weights } = devices.at(-1)!;
  const room = Math.max(0, has - kv - compute);
  const [slow, fast] = [decode, inMemory].map((speed) => `${aboutRate(speed)} tok/s`);
  return `${formatBytes(weights)} of weights in ${formatBytes(room)} of memory: ${formatBytes(weights - room)} stay on the disk, and experts are read from it as they are needed; ${slow} in place of ${fast}`;
}

/** Lines that time the machine, or a remark on -v. */
function closingBlocks({ timings }: Advice): Block[] {
  if (timings === null) return [{ ...note(MORE, 'dim'), only: ['terminal'], detail: 'brief' }];
  const { count, file, lines, width } = timings;
  const title = `${count} runs make decode \u00b1${formatNumber(100 * width)} %, with --timing ${file}`;
  const more = { kind: 'code', title: `-v: more. ${title}`, lines, only: ['terminal'], detail: 'brief' } as const;
  const kept = note('moeprof machine learn keeps them for every command.', 'dim');
  return [more, ...detailed([{ kind: 'code', title, lines }]), { ...kept, only: ['terminal'], detail: 'verbose' }];
}

function wayBlock({ command, decode, text }: WayOut): Block {
  return { kind: 'code', title: `${text}${decode === null ? '' : `, ${aboutRate(decode)} tok/s`}`, lines: command };
}

function explained({ command, runtime }: Advice): Block {
  const { grammar } = advisedRuntime(runtime).dialect;
  const facts = (command?.uses ?? []).map(([name, value]): [string, string] => {
    const why = ownValue(command!.why, name);
    const does = flagOf(grammar, name)!.does;
    return [value === null || String(value).length > 12 ? name : `${name} ${value}`, `${does}${why === undefined ? '' : `: ${why}`}.`];
  });
  const source = `Flags of ${grammar.program} ${grammar.version}, ${grammar.source}`;
  return { kind: 'facts', title: { text: source, tone: 'dim' }, facts, indent: 2 + Math.max(0, ...facts.map(([label]) => label.length)) };
}

function insteadOf(advice: Advice, answer: AdvisedSetting): Block[] {
  const rows = advice.alternatives
    .slice(0, BRIEF)
    .map(({ change, decode, longest, prefill }): Datum[] => [change, rateDatum(decode), rateDatum(prefill), figure(longest, 'count')]);
  const brief = gridOf([{ head: 'instead', most: 22 }, 'decode', 'prefill', 'context'], rows);
  // A brief screen has a single table: strategies, if any.
  const briefly: Block[] = advice.strategies.length > 0 ? [] : [{ ...brief, only: ['terminal'], detail: 'brief' }];
  return [...briefly, ...detailed([alternativeGrid(advice, answer)])];
}

function alternativeGrid({ alternatives, bands }: Advice, answer: AdvisedSetting): Grid {
  const apart = answer.devices.some(({ name }) => name === HOST);
  const rows = [answer, ...alternatives].map((choice): Datum[] => [
    choice.change === '' ? 'as above' : choice.change,
    rateDatum(choice.decode),
    rateDatum(choice.prefill),
    ...(['decode', 'prefill'] as const).map((phase) => ({
      value: choice[phase],
      text: `${aboutRate(choice[phase])}${speedBand(bands![phase], choice[phase])}`,
    })),
    ...(apart ? [false, true] : [false]).map((host) => figure(bytesOn(choice, host), 'bytes')),
    figure(choice.longest, 'count'),
    { value: choice.bits, text: formatNumber(choice.bits, 1) },
  ]);
  const columns: (string | Column)[] = [
    { head: 'instead', most: 22 },
    { head: 'decode', only: ['terminal'] },
    { head: 'prefill', only: ['terminal'] },
    { head: 'decode', only: ['markdown'] },
    { head: 'prefill', only: ['markdown'] },
    ...(apart ? ['GPU', 'host'] : ['memory']),
    'context',
    'bits',
  ];
  return gridOf(columns, rows);
}

function bytesOn({ devices }: AdvisedSetting, host: boolean): number {
  return devices.filter(({ name }) => (name === HOST) === host).reduce((sum, device) => sum + usedOf(device), 0);
}

/** Gain in percent: `+27 %`. */
const percentText = (gain: number): string => `${gain < 0 ? '-' : '+'}${formatNumber(100 * Math.abs(gain))} %`;

/** Below a table of strategies the first purchase alone, with one effect. */
function briefPurchases(advice: Advice): string[] {
  return advice.strategies.length > 0 ? purchaseTexts(advice, 1).slice(0, 1) : purchaseTexts(advice).slice(0, BRIEF);
}

/** @param effects shown of each purchase, at most */
function purchaseTexts({ answer, purchases }: Advice, effects = 2): string[] {
  if (answer === null) return [];
  if (purchases.length === 0) return ['Nothing that was tried gains a hundredth.'];
  return purchases.map(({ decode, decodeGain, part, prefill, prefillGain }) => {
    const gains = [
      ['decode', decode, decodeGain],
      ['prompts', prefill, prefillGain],
    ] as const;
    const felt = gains.filter(([, , gain]) => Math.abs(gain) >= 0.005);
    return `${part}: ${felt
      .slice(0, effects)
      .map(([what, rate, gain]) => `${what} ${aboutRate(rate)} tok/s (${percentText(gain)})`)
      .join(', ')}.`;
  });
}

function basisTexts({ assumed, bands, notes }: Advice): string[] {
  const of = (what: string, band: Accuracy | null): string[] =>
    band === null
      ? []
      : [
          `${what}: ${band.learned === true ? `80 % of runs, ${learnedFrom(band)},` : countedText(band)} were ${timesText(band)} what was predicted${band.learned === true ? '' : ` (${band.common})`}.`,
        ];
  const known = bands === null ? [] : [...of('Decode', bands.decode), ...of('Prefill', bands.prefill)];
  return [...(bands !== null && known.length === 0 ? ['No measurement is comparable.'] : known), ...assumed, ...notes];
}

/** A CSV row for each setting. */
function recordsOf({ alternatives, answer }: Advice): Grid {
  return grid(answer === null ? [] : [answer, ...alternatives], [
    { head: 'setting', of: ({ change }) => (change === '' ? 'advised' : change) },
    { head: 'quantization', of: ({ setting }) => setting.quantization },
    { head: 'gpu_layers', of: ({ setting }) => setting.gpuLayers },
    { head: 'cpu_moe_layers', of: ({ setting }) => setting.cpuMoe },
    { head: 'cpu_projections', of: ({ setting }) => setting.cpuProjections },
    { head: 'gpu_experts', of: ({ setting }) => setting.gpuExperts },
    { head: 'ubatch', of: ({ setting }) => setting.ubatch },
    { head: 'kv', of: ({ setting }) => setting.kv },
    { head: 'context', of: ({ setting }) => setting.context },
    { head: 'users', of: ({ setting }) => setting.users },
    { head: 'follows_prompts', of: ({ setting }) => (setting.followsPrompts ? 1 : 0) },
    { head: 'sockets', of: ({ setting }) => (setting.oneSocket ? 1 : null) },
    { head: 'draft', of: ({ setting }) => setting.draft },
    { head: 'decode', of: ({ decode }) => decode },
    { head: 'prefill', of: ({ prefill }) => prefill },
    { head: 'longest_context', of: ({ longest }) => longest },
    { head: 'bits', of: ({ bits }) => bits },
    { head: 'host_bytes', of: (choice) => bytesOn(choice, true) },
    { head: 'gpu_bytes', of: (choice) => bytesOn(choice, false) },
  ]);
}
