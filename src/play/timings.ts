// Timings pasted into the page.
import { asTaught, type MachineFinder, machineNamed } from '../advise/door.js';
import { orUserError, UserError } from '../base/errors.js';
import { rememberedWork } from '../base/objects.js';
import { formatCount } from '../base/units.js';
import type { WorkWatch } from '../base/work-watch.js';
import { findHardware, type Learned, loadRuntime, type MachineFile, machineOfFile, machineWords } from '../hardware/door.js';
import { demandAgreement, type LogMachine, loggedMachine, namedWords, remarksOn, timedMachine } from '../measured/check/log-machine.js';
import { learn, type NamedModel, namedTiming, timingOfModel } from '../measured/machine/learn.js';
import { html, type Markup } from '../report/door.js';
import { isWritten, loadHardware, type Timing, timingsIn, timingsOf, timingText } from '../runtime/door.js';
import { EVERY_MODEL, LONGEST_TIMING, type PlayQuestion } from './question.js';

/** A read text. */
export interface Pasted {
  readonly machine: string;
  /** Bundled; null: not named. */
  readonly model: string | null;
  readonly html: string;
}

type Timed = PlayQuestion & { readonly timing: string };

const UNNAMED: NamedModel = { model: null, quantization: null };

const userOf = ({ model, wishes }: Pick<PlayQuestion, 'model' | 'wishes'>): NamedModel => ({
  model: model === EVERY_MODEL ? null : model,
  quantization: wishes.quantizations?.[0] ?? null,
});

/** Most shown timings; ours. */
const SHOWN = 8;

interface Read {
  readonly text: string;
  readonly timings: readonly Timing[];
  readonly named: LogMachine;
}

function readLog(text: string): Read {
  if (text.length > LONGEST_TIMING) {
    const most = formatCount(LONGEST_TIMING);
    throw new UserError(
      `timing: has ${formatCount(text.length)} characters; paste at most ${most}, e.g. the start and the lines with speeds`,
    );
  }
  const timings = isWritten(text) ? timingsIn(text, 'timing') : timingsOf(text, 'timing');
  return { text, timings, named: loggedMachine(timings) };
}

function pastedOf({ named, timings }: Read, { machine: given, model: asked, wishes }: PlayQuestion): Pasted {
  const machine = timedMachine(given, named);
  const of = timings.map((timing) => orUserError(() => namedTiming(timing, UNNAMED).model!));
  const model = of.find((name) => typeof name === 'string') ?? null;
  const user = userOf({ model: model ?? asked, wishes });
  const read = timings.slice(0, SHOWN).map((timing) => timingText(namedTiming(timingOfModel(timing, user), UNNAMED)));
  const lacks = of.some((name) => typeof name !== 'string') ? user.model : null;
  return { machine, model, html: saidOf(timings, read, named, { machine, lacks }).text };
}

function saidOf(
  timings: readonly Timing[],
  read: readonly string[],
  named: LogMachine,
  taken: { readonly machine: string; readonly lacks: string | null },
): Markup {
  const { lacks, machine } = taken;
  const uncounted = [...new Set(timings.flatMap((timing) => timing.uncounted ?? []))];
  const words = namedWords(named);
  const { card } = named.unknown;
  const more = timings.length - read.length;
  return html`<ul>${read.map((text) => html`<li>Read: ${text}</li>`)}${more > 0 && html`<li>and ${more} more timings</li>`}
<li>${words.length > 0 ? `Machine of the log: ${words.join(' + ')}` : `The log names no machine: ${machine} is taken`}</li>
${lacks !== null && html`<li>A timing names no known model: ${lacks} is taken</li>`}${card !== null && html`<li>Its card, ${card.slice(0, 60)}, is no known part: choose one that is like it</li>`}${remarksOn(named, machineOfFile(partsOf(machine), machine)).map((text) => html`<li>${text}</li>`)}
${uncounted.length > 0 && html`<li>Not understood, and not counted: ${uncounted.join(', ')}</li>`}</ul>`;
}

/** Reads each text and learns each machine once. */
export class OwnTimings {
  #read: Read | null = null;
  readonly #learned = new Map<string, Promise<Learned>>();
  readonly #watch: Pick<WorkWatch, 'breathe'>;
  #latest: { readonly text: string; readonly learned: Learned } | null = null;

  constructor(watch: Pick<WorkWatch, 'breathe'>) {
    this.#watch = watch;
  }

  /** @throws UserError without timings, or for two machines */
  pasted(text: string, question: PlayQuestion): Pasted {
    return pastedOf(this.#readOf(text), question);
  }

  /** @throws UserError as {@link pasted} */
  isOfAnother({ machine, timing }: Pick<PlayQuestion, 'machine' | 'timing'>): boolean {
    if (timing === undefined) return false;
    const { named } = this.#readOf(timing);
    return orUserError(() => demandAgreement(named, machineOfFile(partsOf(machine), machine), machine)) !== undefined;
  }

  #readOf(text: string): Read {
    if (this.#read?.text !== text) this.#read = readLog(text);
    return this.#read;
  }

  /** @param near true: timings may have taught a similar machine @throws UserError */
  finder(question: PlayQuestion, near: boolean): MachineFinder {
    const { machine, timing } = question;
    const usual = machineNamed(machine);
    if (timing === undefined || this.isOfAnother(question)) return usual;
    return async (runtime) => {
      const latest = near && this.#latest?.text === timing ? this.#latest.learned : null;
      const learned = latest ?? (await this.#learn({ ...question, timing }));
      const driven = runtime.profile === null ? null : loadRuntime(runtime.profile);
      return asTaught(await usual(runtime), learned, (by) => loadHardware(machine, undefined, [], driven, [], by));
    };
  }

  async #learn({ machine, model, timing, wishes }: Timed): Promise<Learned> {
    const user = userOf({ model, wishes });
    if (this.#latest?.text !== timing) this.#learned.clear();
    const learned = await rememberedWork(this.#learned, JSON.stringify([machine, user]), () =>
      learn(this.#readOf(timing).timings, partsOf(machine), machine, user, 1, this.#watch),
    );
    this.#latest = { text: timing, learned };
    return learned;
  }
}

function partsOf(machine: string): MachineFile {
  const found = findHardware(machine);
  if ('path' in found) throw new UserError(`${machine}: is described by a file; timings need its parts, e.g. rtx-3090+64GB`);
  return { name: found.machine.name, parts: machineWords(found.machine.name) };
}
