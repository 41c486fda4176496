// A log's machine.
import { UserError } from '../../base/errors.js';
import { GIB } from '../../base/units.js';
import { cardNamed, cpuNamed, givenBy, isComposed, type Machine, machineWords, parseMachine } from '../../hardware/door.js';
import type { Timing } from '../../runtime/door.js';

/** Parts that a log names, for -w. */
export interface LogMachine {
  /** Line of the log. */
  readonly place: string;
  /** Null: no word of cards; empty: none was there. */
  readonly gpus: readonly string[] | null;
  readonly cpu: string | null;
  /** Memory and further parts. */
  readonly others: readonly string[];
  /** Names that are no part, as printed. */
  readonly unknown: { readonly card: string | null; readonly cpu: string | null };
  /** CUDA, ROCm, Vulkan ..., as printed. */
  readonly backend: string | null;
}

/** Most characters of a shown name; ours. */
const SHOWN = 60;

/** @throws UserError for timings of two machines */
export function loggedMachine(timings: readonly Timing[]): LogMachine {
  const machines = timings.map(namedBy);
  const [first] = machines;
  const other = machines.find((machine) => namesOf(machine) !== namesOf(first!));
  if (other === undefined) return first!;
  throw new UserError(
    `${other.place}: is of ${shownNames(other)}, and ${first!.place} of ${shownNames(first!)}; check the logs of each machine alone`,
  );
}

const namesOf = ({ cpu, gpus, others, unknown }: LogMachine): string => JSON.stringify([gpus, cpu, others, unknown]);
const shownNames = (machine: LogMachine): string => namedWords(machine).join('+') || 'a machine without a name';

function namedBy({ backend, cpu, deviceBytes = [], devices, machine = [], mainGpu, place }: Timing): LogMachine {
  const all = devices?.map((name, i) => ({ name, part: cardNamed(name, deviceBytes[i] || undefined) }));
  const cards = mainGpu === undefined || all === undefined || all[mainGpu] === undefined ? all : [all[mainGpu]!];
  const spoken = machine.map((word) => ({ word, kind: givenBy(word) }));
  const spokenOf = (kind: string): string[] => spoken.filter((part) => part.kind === kind).map(({ word }) => word);
  const spokenCards = spokenOf('gpus').flatMap((word) => expanded(word));
  const known = cards?.flatMap(({ part }) => part ?? []);
  return {
    place,
    gpus: known !== undefined && (known.length > 0 || spokenCards.length === 0) ? known : spokenCards.length > 0 ? spokenCards : null,
    cpu: (cpu === undefined ? null : cpuNamed(cpu)) ?? spokenOf('cpu')[0] ?? null,
    others: spoken.filter(({ kind }) => kind !== 'gpus' && kind !== 'cpu').map(({ word }) => word),
    unknown: {
      card: spokenCards.length > 0 ? null : (cards?.find(({ part }) => part === null)?.name ?? null),
      cpu: cpu === undefined || cpuNamed(cpu) !== null ? null : cpu,
    },
    backend: backend ?? null,
  };
}

/** `2xrtx-3090` as two words. */
function expanded(word: string): string[] {
  const [, count = '1', name = word] = /^(\d+)x(.*)$/.exec(word) ?? [];
  return new Array<string>(Number(count)).fill(name);
}

/** Words for -w of what a log names. */
export function namedWords({ cpu, gpus, others }: LogMachine): string[] {
  const chip = gpus?.some((name) => name === cpu);
  const counted = [...new Set(gpus ?? [])].map((name) => {
    const count = gpus!.filter((other) => other === name).length;
    return count === 1 ? name : `${count}x${name}`;
  });
  return [...counted, ...(cpu === null || chip ? [] : [cpu]), ...others];
}

/** A card, a processor, or the want of a card. */
export const namesMachine = ({ cpu, gpus }: LogMachine): boolean => gpus !== null || cpu !== null;

/** Given words with further parts of the log. */
export function completedWords(given: string, named: LogMachine): string {
  const words = machineWords(given);
  const kinds = new Set(words.map(givenBy));
  const missing = namedWords(named).filter((word) => !kinds.has(givenBy(word)));
  return [...words, ...missing].join('+');
}

/** The given machine, or a contradicting log's. */
export function timedMachine(given: string, named: LogMachine): string {
  const words = namedWords(named).join('+');
  const isKnown = isComposed(given);
  if (words === '' || (isKnown && contradiction(named, parseMachine(given)) === null))
    return isKnown ? completedWords(given, named) : given;
  return isComposed(words) ? words : `${words}+${Math.round(parseMachine(words).ram!.bytes! / GIB)}GB`;
}

/** Null: the log agrees. @param given parts that were named, not assumed */
function contradiction(named: LogMachine, machine: Machine): string | null {
  const { cpu, unknown } = named;
  const gpus = unknown.card !== null && named.gpus?.length === 0 ? null : named.gpus;
  const cards = machine.gpus.map(({ name }) => name);
  const chips = new Set([machine.cpu?.name, ...cards]);
  const plain = (name: string): string => name.replace(/:.*$/, '');
  const foreign = gpus?.find((name) => !chips.has(plain(name)));
  if (foreign !== undefined) return foreign;
  if (gpus !== null && gpus.length > Math.max(1, cards.length)) return namedWords(named).find((word) => givenBy(word) === 'gpus')!;
  if (gpus !== null && gpus.length === 0 && cards.length > 0 && !machine.unified) return 'no card';
  const isStandIn = machine.standIns.some((sentence) => sentence.startsWith('CPU not given'));
  return cpu !== null && !isStandIn && machine.cpu?.name !== cpu && !machine.unified ? cpu : null;
}

/** @param given null: this machine @throws UserError for a log of another machine */
export function demandAgreement(named: LogMachine, machine: Machine, given: string | null): void {
  const foreign = contradiction(named, machine);
  if (foreign === null) return;
  const has = machine.gpus.map(({ name }) => name).join('+') || 'no card';
  const where = given === null ? `this machine has ${has}` : `-w ${given.slice(0, SHOWN)} is another machine`;
  const what = foreign === 'no card' ? 'on a machine without a card' : `on ${foreign}`;
  throw new UserError(`${named.place}: was printed ${what}, and ${where}; ${advice(named, given)}`);
}

function advice(named: LogMachine, given: string | null): string {
  const words = namedWords(named).join('+');
  return `${given === null ? 'name its machine with' : 'write'} -w ${words === '' ? 'and its parts' : words}`;
}

/** Sentences on differing parts. */
export function remarksOn({ gpus, unknown: { cpu } }: LogMachine, machine: Machine): string[] {
  const fewer = gpus !== null && gpus.length > 0 && gpus.length < machine.gpus.length;
  return [
    ...(cpu === null ? [] : [`The processor of the log, "${cpu.slice(0, SHOWN)}", is no known part.`]),
    ...(fewer ? [`The log names ${gpus.length} of the ${machine.gpus.length} cards; all are counted.`] : []),
  ];
}

/** Backends that need a card. */
const ON_CARD = /CUDA|ROCm|HIP|Vulkan|Metal|SYCL|OpenCL/i;

/** @throws UserError for an unnamed card */
export function demandCard({ backend, gpus, place }: LogMachine, machine: Machine | null): void {
  if (gpus !== null || backend === null || !ON_CARD.test(backend) || (machine?.gpus.length ?? 0) > 0) return;
  throw new UserError(
    `${place}: ran on a card (${backend.slice(0, SHOWN)}) that it does not name; name the machine with -w, e.g. rtx-3090+64GB`,
  );
}

/** @param seen detected names of devices */
export function agrees({ cpu, gpus, unknown }: LogMachine, machine: Machine, seen: readonly string[]): boolean {
  const sorted = (names: readonly string[]): string =>
    names
      .map((name) => name.replace(/:.*$/, ''))
      .sort()
      .join('+');
  const isSeen = (name: string | null): boolean => name === null || seen.some((text) => text.includes(name));
  if (!isSeen(unknown.card) || !isSeen(unknown.cpu)) return false;
  const chip = machine.cpu?.name;
  const cards = sorted(machine.gpus.map(({ name }) => name));
  return (
    (gpus === null || unknown.card !== null || sorted(gpus) === cards || (machine.unified && sorted(gpus) === chip)) &&
    (cpu === null || cpu === chip)
  );
}

/** @throws UserError for an unknown card */
export function demandKnown({ gpus, place, unknown: { card } }: LogMachine): void {
  if (card === null) return;
  const beside = (gpus ?? []).length === 0 ? '' : ` beside ${gpus!.join('+')}`;
  throw new UserError(
    `${place}: was printed on "${card.slice(0, SHOWN)}"${beside}, which is no known part; name the machine with -w (moeprof profiles list gpu)`,
  );
}
