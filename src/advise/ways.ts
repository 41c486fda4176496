// If nothing fits: fewer bits, less context or users, more memory, or another model.
import { orUserError } from '../base/errors.js';
import { listProfiles } from '../base/profiles.js';
import { formatCount } from '../base/units.js';
import { type HardwareSpec, isComposed, USUAL_DRIVE } from '../hardware/door.js';
import { loadModel, loadProfile, qualityOf, weightBytes } from '../model/door.js';
import { memoryBytes, SHORTER } from './fit.js';
import { missingBytes } from './misfits.js';
import type { Priced } from './price.js';
import type { Question } from './question.js';
import { bestSetting } from './search.js';

/** A change that makes a model fit. */
export interface WayOut {
  /** Without a full stop. */
  readonly text: string;
  /** Tokens/s; null: a change of the machine, not run. */
  readonly decode: number | null;
  readonly command: readonly string[];
  /** Absent: no question. */
  readonly change?: AskedChange;
}

/** Differing options of a question. */
interface AskedChange {
  readonly model?: string;
  readonly machine?: string;
  readonly quantizations?: string;
  readonly users?: number;
  readonly context?: number;
}

/** Builds questions that differ from the first. */
export interface OtherQuestions {
  command(change: AskedChange): readonly string[];
  machine(name: string): Promise<HardwareSpec>;
  /** Best setting of another bundled model; null: does not fit. */
  other(model: string): Promise<Priced | null>;
}

/** Share of a Mac's memory left to macOS at a raised limit: 8 of 64 GiB suffice. Ours. */
const MAC_KEEPS = 1 / 8;

/** Changes that fit, at most one of each kind. */
export async function waysOut(question: Question, asking: OtherQuestions): Promise<WayOut[]> {
  const { context, hardware, quantizations, runtime, users } = question;
  const last = quantizations.at(-1)!;
  const smallest = question.model(last);
  const found: WayOut[] = [];
  const add = async (text: string, changed: Question, change: AskedChange, quantization = last, fromDisk = false): Promise<boolean> => {
    const best = await bestSetting(changed, quantization, runtime.kv[0]!, fromDisk);
    if (best !== null) found.push({ text, decode: best.price.decode, command: asking.command(change), change });
    return best !== null;
  };
  const smaller = Object.keys(runtime.quantizations).filter((name) => !quantizations.includes(name));
  for (const name of smaller) {
    const model = orUserError(() => question.model(name));
    if (model instanceof Error || weightBytes(model) >= weightBytes(smallest)) continue;
    if (await add(`In ${name}`, question, { quantizations: name }, name)) break;
  }
  if (users > 1) await add('For one user', { ...question, users: 1 }, { users: 1 });
  for (const shorter of SHORTER.map((times) => Math.floor(context / times))) {
    const text = `With ${formatCount(shorter)} tokens of context`;
    const request = { ...question.request, prompt: Math.min(question.request.prompt, shorter >> 1) };
    if (await add(text, { ...question, context: shorter, request }, { context: shorter })) break;
  }
  found.push(...wiredLimit(question));
  if (hardware.tiers.at(-1)!.name !== 'ssd' && question.named !== undefined && isComposed(question.named)) {
    const name = `${question.named}+${USUAL_DRIVE.name}`;
    const changed = { ...question, hardware: await asking.machine(name) };
    await add(`From a drive (${USUAL_DRIVE.name}, assumed), experts as they are needed`, changed, { machine: name }, last, true);
  }
  return [...found, ...(await nextModel(question, asking))];
}

/** Raises the GPU's share of a Mac's memory if enough; the default is 75 %. */
function wiredLimit(question: Question): WayOut[] {
  const { machine, tiers } = question.hardware;
  if (machine?.gpus[0]?.vendor !== 'apple') return [];
  const most = machine.ram!.bytes! * (1 - MAC_KEEPS);
  const format = question.quantizations.find((quantization) => tiers[0]!.bytes + missingBytes(question, quantization) <= most);
  if (format === undefined) return [];
  const megabytes = Math.ceil((tiers[0]!.bytes + missingBytes(question, format)) / 2 ** 30) * 1024;
  const text = `In ${question.model(format).quantization}, with ${megabytes / 1024} GiB of memory for the GPU (until the next start)`;
  return [{ text, decode: null, command: [`sudo sysctl iogpu.wired_limit_mb=${megabytes}`] }];
}

/** Offered models that fit, best first. */
function modelsByQuality(hardware: HardwareSpec): string[] {
  const room = memoryBytes(hardware);
  return qualityOf()
    .ordered(offeredModels())
    .filter((name) => weightBytes(loadModel(name)) < room);
}

/** Bundled models worth running for their output. */
export const offeredModels = (): string[] => listProfiles('models').filter((name) => loadProfile(name).offered);

/** The best other model that fits. */
async function nextModel({ hardware, model, quantizations }: Question, asking: OtherQuestions): Promise<WayOut[]> {
  const wished = model(quantizations[0]!).name;
  for (const name of modelsByQuality(hardware)) {
    const best = name === wished ? null : await asking.other(name);
    if (best !== null)
      return [
        {
          text: `Instead ${name} in ${best.model.quantization}`,
          decode: best.price.decode,
          command: asking.command({ model: name }),
          change: { model: name },
        },
      ];
  }
  return [];
}
