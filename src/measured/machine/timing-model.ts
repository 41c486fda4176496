import { UserError } from '../../base/errors.js';
import { statOf } from '../../base/input-file.js';
import { isPath, listProfiles } from '../../base/profiles.js';
import { didYouMean } from '../../base/text.js';
import { findQuantization, loadProfile, readLabel } from '../../model/door.js';
import type { Timing } from '../../runtime/door.js';

/** A model as named in measurements. */
export interface TimedModel {
  /** Bundled name, or path of a GGUF file. */
  readonly name: string;
  readonly quant?: string;
  /** Bits per weight over the whole file. */
  readonly bits?: number;
}

/** The user's facts on a log. */
export interface NamedModel {
  /** Bundled model; null: as in the log. */
  readonly model: string | null;
  /** Storage format; null: as in the log. */
  readonly quantization: string | null;
}

/** @param user precedes the log @throws UserError for an unknown model or format */
export function timedModel(timing: Timing, { model: named, quantization }: NamedModel): TimedModel {
  const names = listProfiles('models');
  if (named !== null && isPath(named)) return { name: named };
  // A file at hand gives more facts than a name.
  if (named === null && timing.model !== undefined && isPath(timing.model) && statOf(timing.model) !== null) return { name: timing.model };
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
  // Sizes printed with few digits lose an eighth of a bit.
  const bits = modelBytes === undefined || parameters === undefined ? undefined : Number(((8 * modelBytes) / parameters).toFixed(3));
  return { name, ...(quant !== undefined && { quant }), ...(bits !== undefined && { bits }) };
}

/** Fills in the user's model and format if missing. */
export function timingOfModel(timing: Timing, { model, quantization }: NamedModel): Timing {
  const names = listProfiles('models');
  const named = model === null || timing.model !== undefined || bundledName(timing, names) !== null ? timing : { ...timing, model };
  if (quantOf(named) !== undefined) return named;
  const name = bundledName(named, names);
  const format = quantization ?? (name === null ? null : loadProfile(name).quantization);
  return format === null || /^(bf16|fp8)/.test(format) ? named : { ...named, quantization: format };
}

/** A timing under moeprof's names of model and format. @throws UserError as {@link timedModel} */
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

function bundledName({ model, quantization }: Timing, names: readonly string[]): string | null {
  const texts = [model === undefined ? '' : baseName(model), quantization ?? ''].map(keyOf);
  for (const text of texts) {
    const found = names.filter((name) => text.includes(keyOf(name))).sort((a, b) => b.length - a.length)[0];
    if (found !== undefined) return found;
  }
  return null;
}

/** Label at the end of a file name (`-UD-Q4_K_XL.gguf`), or llama.cpp's name (`Q4_K - Medium`, `IQ4_XS - 4.25 bpw`). */
function quantOf({ model, quantization }: Timing): string | undefined {
  const file = baseName(model ?? '').replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '');
  const label = /(?:^|[-.:_])((?:ud-)?(?:i?q\d[a-z0-9_]*|tq\d_\d|bf16|f16|fp16|f32|fp8|mxfp4|nvfp4))$/i.exec(file)?.[1];
  const printed = /\b(I?Q\d\w*|TQ\d_\d|MXFP4|BF16|F16|F32)(?: - (Small|Medium|Large|XS|XXS))?/.exec(quantization ?? '');
  // The medium 2-bit k-quant has no letter.
  const size = printed?.[2] === undefined || /^Q2_K$/.test(printed[1]!) ? '' : `_${printed[2][0]}`;
  const plain = /^\S+$/.test(quantization ?? '') ? quantization!.toLowerCase() : undefined;
  const spoken = printed === null ? undefined : `${printed[1]}${/^Q\d_K$/.test(printed[1]!) ? size : ''}`;
  return [plain, label, spoken]
    .flatMap((spelling) => (spelling === undefined ? [] : [spelling.toLowerCase()]))
    .find((spelling) => readLabel(spelling) !== null);
}
