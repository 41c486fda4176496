// Notes on the basis of an answer, memory left to programs, and ways to a surer answer.
import { formatBytes, formatNumber } from '../base/units.js';
import { assumedOf, type HardwareSpec } from '../hardware/door.js';
import { HOST } from '../runtime/door.js';
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

/** Invitation to time the machine; empty: a program does so by itself, already timed, or nothing fits. */
export function askedFor({ hardware, learned, runtime }: Question, answer: Priced | null): string[] {
  const known = learned !== undefined || hardware.machine?.calibration !== undefined;
  if (known || answer === null || hardware.facts === undefined || runtime.timer !== null) return [];
  return [
    'One timing of your machine makes this surer: run the lines above, and repeat this with --timing "eval 24.3 tok/s", with the speed that you see.',
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
