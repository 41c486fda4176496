// Notes on the basis of an answer, memory left to programs, and ways to a surer answer.
import { platform } from '../base/host/machine.js';
import { usualShell } from '../base/shell.js';
import { formatBytes, formatNumber } from '../base/units.js';
import { assumedOf, type HardwareSpec } from '../hardware/door.js';
import { cpuExpertLayers, HOST } from '../runtime/door.js';
import { commandOf } from './command.js';
import { slotsForContext } from './misfits.js';
import type { Priced } from './price.js';
import type { Question } from './question.js';

function oneSocketNote({ cpu, name }: HardwareSpec): string {
  const { count, efficiency = 1 } = cpu!.sockets!;
  const share = Math.round(100 * efficiency);
  return `One socket of ${name} is used: ${count} were measured to reach ${share} % of the sum of their memories; try --numa distribute with all cores, too.`;
}

/** Memory left to programs; null if memory sizes are unknown. */
function keptFreeNote({ machine }: HardwareSpec, { devices, setting }: Priced): string | null {
  const gpus = machine?.gpus ?? [];
  const parts = devices.flatMap(({ has, name }) => {
    // A lone socket uses only part of the host memory.
    const whole = name.startsWith('GPU') ? gpus[Number(name.slice(4))]?.memoryBytes : setting.oneSocket ? undefined : machine?.ram?.bytes;
    if (whole === undefined || whole - has < 1) return [];
    return [`${formatBytes(whole - has)} of ${/^GPU \d/.test(name) ? 'each GPU' : name === HOST ? 'host memory' : `the ${name}`}`];
  });
  return parts.length === 0 ? null : `Left to other programs: ${[...new Set(parts)].join(', ')}.`;
}

/** Most tokens of context before a timing, and its own tokens. Ours: minutes at 100 tokens/s of prompt. */
const [DEEP, TIMED] = [8192, 1024];

/**
 * Invitation to time the machine, with a command; empty: already timed, or nothing fits. Two depths of one placement
 * leave half of the error that two placements leave: attention varies most between machines (KNOBS of hardware/knobs.ts).
 */
export function askedFor(question: Question, answer: Priced | null): string[] {
  const { hardware, learned, runtime } = question;
  if (learned !== undefined || answer === null || hardware.facts === undefined || hardware.machine?.calibration !== undefined) return [];
  const { steps, uses } = commandOf(question, answer);
  const { benchmark } = runtime;
  if (benchmark === null || steps.length === 0)
    return [
      'One timing of your machine makes this surer: run the lines above, and repeat this with --timing "eval 24.3 tok/s", with the speed that you see.',
    ];
  const { quoted } = question.shell ?? usualShell(platform === 'win32');
  const model = uses.filter(([name]) => name === '-m' || name === '-hf').flatMap(([name, value]) => [name, `${value}`]);
  const taken = [...model, ...benchmark.words(uses, cpuExpertLayers(answer.model, answer.setting))].map(quoted);
  const depth = Math.min(DEEP, Math.max(0, question.context - TIMED));
  const words = [benchmark.command, ...taken, `-d ${[...new Set([0, depth])].join()}`, benchmark.tests];
  return [
    `Two timings of your machine make this surer: run ${words.join(' ')} > bench.jsonl, and repeat this with --timing bench.jsonl; moeprof machine learn bench.jsonl -o my-machine.yaml keeps them for every command.`,
  ];
}

export function notesOf(question: Question, answer: Priced | null): string[] {
  const { drafting, hardware, notes, trace } = question;
  return [
    ...(answer === null || answer.setting.draft === 0
      ? []
      : [
          `${formatNumber(100 * drafting.chance)} % of drafted tokens are taken to be right, of those behind right ones; the server prints what your texts have.`,
        ]),
    ...(answer?.setting.oneSocket === true ? [oneSocketNote(hardware)] : []),
    trace.meta.synthetic ? 'Routing is synthetic, drawn as models of this shape route.' : 'Routing is recorded.',
    ...(hardware.software === undefined
      ? [
          `The profile of ${hardware.name} says itself what its kernels reach, whatever the runtime: name its parts for this runtime's own speed.`,
        ]
      : []),
    ...(answer === null ? [] : [...slotsForContext(question, answer), keptFreeNote(hardware, answer) ?? []].flat()),
    ...notes,
    ...assumedOf(hardware),
  ];
}
