import { UserError } from '../../base/errors.js';
import { statOf } from '../../base/input-file.js';
import { isPath, listProfiles } from '../../base/profiles.js';
import { didYouMean } from '../../base/text.js';
import { findQuantization, loadProfile, readLabel } from '../../model/door.js';
import type { Timing } from '../../runtime/logs/timing.js';

/** A model as measurements name it. */
export interface TimedModel {
  /** Bundled name, or the path of a GGUF file. */
  readonly name: string;
  /** Label of the storage format. */
  readonly quant?: string;
  /** Bits per weight over the whole file. */
  readonly bits?: number;
}

/** Facts about a log that the user adds because the log lacks them. */
export interface NamedModel {
  /** Bundled model; null: that of the log. */
  readonly model: string | null;
  /** Storage format; null: that of the log. */
  readonly quantization: string | null;
}

/** The model of a timing. @param user wins over the log @throws UserError if no bundled model is meant, or the format is unknown */
export function timedModel(timing: Timing, { model: named, quantization }: NamedModel): TimedModel {
  const names = listProfiles('models');
  if (named !== null && isPath(named)) return { name: named };
  // A file that is here has more facts than a name.
  if (named === null && timing.model !== undefined && isPath(timing.model) && statOf(timing.model) !== undefined)
    return { name: timing.model };
  if (named !== null && !names.includes(named)) throw new UserError(`-m ${named}: is no bundled model: ${didYouMean(named, names)}`);
  const name = named ?? bundledName(timing, names);
  if (name === null) {
    const stated = timing.model ?? timing.quantization;
    throw new UserError(
      `${timing.place}: ${stated === undefined ? 'names no model' : `"${baseName(stated).slice(0, 60)}" is no bundled model`}; name one with -m (moeprof profiles list model)`,
    );
  }
  const quant = quantization === null ? quantOf(timing) : findQuantization(quantization).name;
  const { modelBytes, parameters } = timing;
  // An eighth of a bit is lost if sizes are printed with few digits.
  const bits = modelBytes === undefined || parameters === undefined ? undefined : Number(((8 * modelBytes) / parameters).toFixed(3));
  return { name, ...(quant !== undefined && { quant }), ...(bits !== undefined && { bits }) };
}

/** A timing with the model and the format of the user, if it names none itself. */
export function timingOfModel(timing: Timing, { model, quantization }: NamedModel): Timing {
  const names = listProfiles('models');
  const named = model === null || timing.model !== undefined || bundledName(timing, names) !== null ? timing : { ...timing, model };
  if (quantOf(named) !== undefined) return named;
  const name = bundledName(named, names);
  const format = quantization ?? (name === null ? null : loadProfile(name).quantization);
  return format === null || /^(bf16|fp8)/.test(format) ? named : { ...named, quantization: format };
}

/** A timing whose model and format have the names that moeprof has for them, as a file keeps it. @throws UserError as {@link timedModel} */
export function namedTiming(timing: Timing, user: NamedModel): Timing {
  const { name, quant } = timedModel(timing, user);
  return { ...timing, model: name, ...(quant !== undefined && { quantization: quant }) };
}

const baseName = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);

/** Letters and digits. llama.cpp puts `moe` after the family: `qwen3moe 30B.A3B` is Qwen3-30B-A3B. */
function keyOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/^([a-z]+\d*)moe\b/, '$1')
    .replace(/[^a-z0-9]/g, '');
}

/** The longest name that a file, or the runtime's name for the model, begins with or has in it. */
function bundledName({ model, quantization }: Timing, names: readonly string[]): string | null {
  const texts = [model === undefined ? '' : baseName(model), quantization ?? ''].map(keyOf);
  for (const text of texts) {
    const found = names.filter((name) => text.includes(keyOf(name))).sort((a, b) => b.length - a.length)[0];
    if (found !== undefined) return found;
  }
  return null;
}

/** Label at the end of a file's name (`-UD-Q4_K_XL.gguf`), or what llama.cpp calls it (`Q4_K - Medium`, `IQ4_XS - 4.25 bpw`). */
function quantOf({ model, quantization }: Timing): string | undefined {
  const file = baseName(model ?? '').replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '');
  const label = /(?:^|[-.:_])((?:ud-)?(?:i?q\d[a-z0-9_]*|tq\d_\d|bf16|f16|fp16|f32|fp8|mxfp4|nvfp4))$/i.exec(file)?.[1];
  const printed = /\b(I?Q\d\w*|TQ\d_\d|MXFP4|BF16|F16|F32)(?: - (Small|Medium|Large|XS|XXS))?/.exec(quantization ?? '');
  // Of 2-bit k-quants the medium one has no letter.
  const size = printed?.[2] === undefined || /^Q2_K$/.test(printed[1]!) ? '' : `_${printed[2][0]}`;
  const plain = /^\S+$/.test(quantization ?? '') ? quantization!.toLowerCase() : undefined;
  const spoken = printed === null ? undefined : `${printed[1]}${/^Q\d_K$/.test(printed[1]!) ? size : ''}`;
  return [plain, label, spoken]
    .flatMap((spelling) => (spelling === undefined ? [] : [spelling.toLowerCase()]))
    .find((spelling) => readLabel(spelling) !== null);
}
