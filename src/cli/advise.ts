import type { Command } from 'commander';
import type { AdviceWishes, MachineFinder, ModelOffers } from '../advise/door.js';
import { adviceOn, adviceReports, asTaught, engineReports, enginesOn, machineNamed, modelOfferReports, modelsOn } from '../advise/door.js';
import { EXIT, placed, UserError } from '../base/errors.js';
import { parseCount } from '../base/units.js';
import { type Learned, loadRuntime, machineFileOf } from '../hardware/door.js';
import { findQuantization, qualityOf } from '../model/door.js';
import { hardwareOfFile, loadHardware } from '../runtime/door.js';
import { ADVISE, type AdviseOptions } from './advise-flags.js';
import type { CliContext } from './kit/context.js';
import { declared } from './kit/declared.js';
import { deliver } from './kit/outputs.js';
import { remarks, watched } from './kit/watched.js';
import { namesIn } from './listed.js';
import { machineToMeasure } from './machine/calibrate.js';
import { learnedBy } from './machine/learned.js';

/** The word for all runtimes, side by side. */
const ANY = 'any';

/** Help. */
export const help = `Examples:
  moeprof advise -w rtx-3060+64GB
  moeprof advise gpt-oss-20b qwen3-30b-a3b -w rtx-3060+64GB --goal tpot=50ms
  moeprof advise gpt-oss-120b -w rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB
  moeprof advise qwen3-30b-a3b -w rtx-3060+64GB --context 32768 --explain
  moeprof advise gpt-oss-20b -w rtx-3060+64GB --timing bench.md
  moeprof advise gpt-oss-20b --tune "llama-bench -m gpt-oss-20b-mxfp4.gguf"
  moeprof advise model.gguf -w rtx-4090+128GB --goal ttft=5s,tpot=60ms
  moeprof advise glm-4.5-air -w rtx-3090+64GB --quantizations q4_k_m,ud-q2_k_xl
  moeprof advise gpt-oss-20b -w rtx-3060+32GB --runtime ollama -o advice.md

Exit code 1: nothing fits, or no setting keeps the targets of --goal.`;

/** `moeprof advise`. */
export function define(command: Command, context: CliContext): void {
  declared(command, ADVISE, { first: ['-w', '--context', '--users', '--goal', '--timing', '-o'] }).action(
    async (models: readonly string[], options: AdviseOptions) => {
      const outputs = options.markdown ? { ...options, format: 'markdown' } : options;
      const [model] = models;
      if (options.best !== undefined && models.length > 0) throw new UserError('--best: chooses among all bundled models; name none');
      if (options.keep !== undefined && options.tune === undefined)
        throw new UserError(`--keep ${options.keep}: keeps what --tune measures; give both`);
      if (options.tuneText !== undefined && options.tune === undefined)
        throw new UserError(`--tune-text ${options.tuneText}: is what llama-server answers under --tune; give both`);
      if (options.quality !== undefined && (models.length === 1 || options.tune !== undefined))
        throw new UserError(`--quality ${options.quality}: orders several models; name none, or more than one`);
      if (options.tune !== undefined) {
        if (model === undefined || models.length > 1) throw new UserError('--tune: measures one model; name one');
        const { tunedAdvice, tuneReports } = await import('./tune/tune.js');
        await deliver(context, tuneReports, outputs, () => tunedAdvice(context, model, options, wishesOf(options)));
        return;
      }
      if (model === undefined || models.length > 1) {
        await deliver(context, modelOfferReports, outputs, () => offersFor(context, models, options));
        return;
      }
      if (options.runtime === ANY) {
        if (options.slots !== undefined) throw new UserError('--slots: are those of one engine; name it with --runtime');
        await deliver(context, engineReports, outputs, async () => {
          const offers = await enginesOn(model, machineOf(context, options, model), wishesOf(options), remarks(context));
          if (!offers.engines.some(({ kept }) => kept)) context.setExitCode(EXIT.gateFailed);
          return { offers, explain: options.explain === true };
        });
        return;
      }
      await deliver(context, adviceReports, outputs, async () => {
        const advice = await adviceOn(model, machineOf(context, options, model), wishesOf(options), remarks(context));
        if (advice.answer === null || !advice.kept) context.setExitCode(EXIT.gateFailed);
        return { advice, explain: options.explain === true };
      });
    },
  );
}

/** @throws UserError for options about a single model */
async function offersFor(context: CliContext, models: readonly string[], options: AdviseOptions): Promise<ModelOffers> {
  if (options.trace !== undefined) throw new UserError('--trace: is of one model; name one model');
  if (options.runtime === ANY) throw new UserError('--runtime any: compares engines on one model; name one model');
  if (options.slots !== undefined) throw new UserError('--slots: are those of one model; name one model');
  if (options.explain === true) throw new UserError('--explain: explains the line of one model; name one model');
  const { trace: _none, ...wishes } = wishesOf(options);
  const offers = await watched(context, 'advising', 'models', ({ breathe, progress }) =>
    modelsOn(
      models,
      machineOf(context, options, null),
      wishes,
      async (done, all) => {
        progress(done, all);
        await breathe();
      },
      options.best === undefined
        ? context.options.verbose
          ? Number.POSITIVE_INFINITY
          : undefined
        : countAtLeastOne(options.best, '--best'),
      qualityOf(options.quality),
    ),
  );
  if (!offers.models.some(({ kept }) => kept)) context.setExitCode(EXIT.gateFailed);
  return offers;
}

function wishesOf({ answer, context, prompt, quantizations, slots, users, ...others }: Partial<AdviseOptions>): AdviceWishes {
  const { accepted, drafter, drafts, goal, runtime, shell, trace } = others;
  const count = (flag: string, text: string | undefined) => (text === undefined ? undefined : countAtLeastOne(text, flag));
  return {
    ...{ runtime, accepted, drafter, drafts, shell, goal },
    context: count('--context', context),
    users: count('--users', users),
    prompt: count('--prompt', prompt),
    answer: count('--answer', answer),
    ...(slots === undefined ? {} : slotsIn(slots)),
    quantizations: quantizations === undefined ? undefined : formatsIn(quantizations),
    trace,
  };
}

/** `40`, `40x20`. @throws UserError for any other form */
function slotsIn(text: string): Pick<AdviceWishes, 'cachedLayers' | 'slots'> {
  const [slots, layers, ...rest] = text.split('x');
  if (rest.length > 0) throw new UserError(`--slots ${text}: is no number; give slots, or slots x layers, e.g. 40x20`);
  return { slots: parseCount(slots!, '--slots'), ...(layers === undefined ? {} : { cachedLayers: parseCount(layers, '--slots') }) };
}

type MachineFlags = Pick<AdviseOptions, 'hardware' | 'quantizations' | 'timing'>;

/** The named machine, or this one, as timings taught it. @param model of timings that name none; null: they do */
function machineOf(context: CliContext, { hardware: name, quantizations, timing }: MachineFlags, model: string | null): MachineFinder {
  const found = name === undefined ? thisMachine : machineNamed(name);
  return async (runtime) => {
    const usual = await found(runtime);
    const learned = await learnedBy(context, timing, name, { model, quantization: quantizations?.split(',')[0] ?? null });
    if (learned === null) return usual;
    const driven = runtime.profile === null ? null : loadRuntime(runtime.profile);
    const file = name === undefined ? await machineToMeasure(name) : null;
    return asTaught(usual, learned, (by: Learned) =>
      file === null ? loadHardware(name!, undefined, [], driven, [], by) : hardwareOfFile(file, 'this machine', [], driven, [], by),
    );
  };
}

const thisMachine: MachineFinder = async ({ profile }) => {
  const { detectedMachine } = await import('./machine/detect.js');
  const { detection, name } = await detectedMachine();
  const hardware = hardwareOfFile(machineFileOf(detection, name), 'this machine', [], profile === null ? null : loadRuntime(profile));
  const parts = detection.parts.map(({ part }) => part).join('+');
  return { hardware, notes: [`${name} was detected as ${parts}.`, ...detection.remarks, ...detection.notSeen] };
};

/** @throws UserError for an empty, unknown or repeated name */
function formatsIn(text: string): string[] {
  const formats = namesIn(text, '--quantizations', 'q4_k_m,ud-q2_k_xl');
  for (const format of formats) placed('--quantizations', () => findQuantization(format));
  return formats;
}

/** @throws UserError for a non-number or 0 */
function countAtLeastOne(text: string, flag: string): number {
  const count = parseCount(text, flag);
  if (count === 0) throw new UserError(`${flag}: must be at least 1`);
  return count;
}

export { countAtLeastOne, machineOf as advisedMachine, wishesOf };
