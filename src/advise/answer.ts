import { platform } from '../base/host/machine.js';
import { isPath } from '../base/profiles.js';
import { usualShell } from '../base/shell.js';
import type { WorkWatch } from '../base/work-watch.js';
import { aboutRate } from '../report/door.js';
import { backendsOn, DEFAULT_RUNTIME, ownRuntimesOf, type Speeds, wrapped } from '../runtime/door.js';
import { type Advice, advise, bestAnswer } from './advise.js';
import { type AdviceBasis, type AdviceWishes, basisOf, type MachineFinder, machineNamed, readerOf, withQuestion } from './ask.js';
import { refuseUsers } from './fit.js';
import type { Priced } from './price.js';
import type { Question } from './question.js';
import { priced } from './search.js';
import { type OtherQuestions, waysOut } from './ways.js';

/**
 * Best setting of a model on a machine: `moeprof advise`.
 * @param model bundled name, file or folder; no `hf:` address
 * @param machine bundled name, file, or parts: `rtx-3090+ryzen-9-5950x+64GB`
 * @param watch may throw to stop the work
 * @throws UserError for an unknown name, a short recording, or too many users
 */
export function adviceFor(model: string, machine: string, wishes: AdviceWishes = {}, watch?: Pick<WorkWatch, 'breathe'>): Promise<Advice> {
  return adviceOn(model, machineNamed(machine), wishes, watch);
}

/** As {@link adviceFor}, with a machine finder. */
export async function adviceOn(name: string, machine: MachineFinder, asked: AdviceWishes, watch: WorkWatch = {}): Promise<Advice> {
  const reader = asked.runtime === undefined && asked.quantizations === undefined ? readerOf(name) : null;
  const wishes = reader === null ? asked : { ...asked, runtime: reader };
  const [basis, ...rivals] = (await basesOf(machine, wishes)) as [AdviceBasis, ...AdviceBasis[]];
  const notes: string[] = [];
  const { note: _said, ...quiet } = watch;
  for (const runtime of basis.runtime.name === (wishes.runtime ?? DEFAULT_RUNTIME) || isPath(name) ? [] : ownRuntimesOf(vendorOf(basis))) {
    const other = { ...basis, runtime, ...(await machine(runtime)) };
    notes.push(...(await besideNote(name, other, { ...wishes, quantizations: undefined, slots: undefined }, quiet)));
  }
  const answer = async (asked: Question): Promise<Advice> => {
    refuseUsers(asked);
    const question = rivals.length === 0 ? asked : await onFastest(asked, rivals);
    const advice = await advise(question);
    return advice.answer === null ? { ...advice, ways: await waysOut(question, askingOf(name, basis, wishes, watch)) } : advice;
  };
  return withQuestion(name, { ...basis, backends: notes }, wishes, answer, watch);
}

function askingOf(name: string, basis: AdviceBasis, wishes: AdviceWishes, watch: WorkWatch | undefined): OtherQuestions {
  const { named: machineName, runtime, shell = usualShell(platform === 'win32') } = basis;
  const { context, goal, runtime: named, users } = wishes;
  const given = [
    ['runtime', named, DEFAULT_RUNTIME],
    ['goal', goal, 'request'],
    ['context', context, undefined],
    ['users', users, 1],
  ].filter(([, value, usual]) => value !== undefined && value !== usual);
  return {
    command: ({ machine = machineName, model = name, ...changed }) => {
      const kept = given.filter(([option]) => !Object.hasOwn(changed, `${option}`));
      const options = [...kept, ...Object.entries(changed)].map(([option, value]) => [`--${option!}`, shell.quoted(`${value!}`)]);
      const named = machine === undefined ? [] : [['-w', shell.quoted(machine)]];
      return wrapped([['moeprof advise', shell.quoted(model)], ...named, ...options], shell);
    },
    machine: async (other) => (await machineNamed(other)(runtime)).hardware,
    other: (model) => {
      const answer = async (question: Question): Promise<Priced | null> => {
        const best = await bestAnswer({ ...question, quantizations: question.quantizations.slice(0, 1) });
        return best?.setting.fromDisk === true ? null : best;
      };
      return withQuestion(model, basis, { ...wishes, quantizations: undefined, slots: undefined, trace: undefined }, answer, watch);
    },
  };
}

/** {@link basisOf} for each backend of the runtime on the machine, the usual backend first. */
export async function basesOf(machine: MachineFinder, wishes: AdviceWishes): Promise<AdviceBasis[]> {
  const basis = await basisOf(machine, wishes);
  const [usual = basis.runtime, ...others] = backendsOn(basis.runtime, vendorOf(basis));
  const rivals = await Promise.all(others.map(async (runtime) => ({ ...basis, runtime, ...(await machine(runtime)) })));
  return [{ ...basis, runtime: usual }, ...rivals];
}

const vendorOf = ({ hardware }: AdviceBasis) => hardware.machine?.gpus[0]?.vendor;

/** Switches to the backend that serves the answer best, and notes the rivals. */
async function onFastest(question: Question, rivals: readonly AdviceBasis[]): Promise<Question> {
  const answer = await bestAnswer(question);
  if (answer === null) return question;
  const tried = [{ own: question, ...answer }];
  for (const { hardware, learned, runtime } of rivals) {
    const { learned: _, ...rest } = question;
    const others = { ...rest, hardware, runtime, ...(learned && { learned }) };
    // A cache is measured on some backends only.
    const other = answer.setting.cache === null ? await priced(others, answer.model, answer.setting) : await bestAnswer(others);
    if (other !== null) tried.push({ own: others, ...other });
  }
  const [best, ...slower] = tried.sort((a, b) => a.cost - b.cost);
  const lost = slower.map(({ own: question, price }) => `${question.runtime.name} gives ${speedsText(price)}`).join(', ');
  const note = `${best!.own.runtime.name} is the fastest backend of this GPU: ${lost} (--runtime).`;
  return { ...best!.own, backends: [note, ...(question.backends ?? [])] };
}

async function besideNote(name: string, basis: AdviceBasis, wishes: AdviceWishes, watch?: WorkWatch): Promise<string[]> {
  const answer = await withQuestion(name, basis, wishes, bestAnswer, watch);
  if (answer === null) return [];
  return [
    `${basis.runtime.name} drives this GPU, too: ${speedsText(answer.price)} in ${answer.model.quantization} (--runtime ${basis.runtime.name}).`,
  ];
}

const speedsText = ({ decode, prefill }: Speeds): string => `${aboutRate(decode)} and prompts ${aboutRate(prefill)} tok/s`;
