// Selects the files of a repository that an address means.
import { UserError } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import type { HubAddress } from './address.js';
import type { HubFile } from './client.js';

/** A model in one storage format: a GGUF file, or all parts of a split one in their order. */
interface HubOffer {
  /** Storage format in lower case, e.g. `ud-q4_k_xl`; the file's name where that says none. */
  readonly format: string;
  readonly files: readonly HubFile[];
  /** Of all files. */
  readonly bytes: number;
}

/** The file to read at an address. */
type HubChoice =
  | { readonly kind: 'gguf'; readonly offer: HubOffer; readonly offers: readonly HubOffer[] }
  | { readonly kind: 'config'; readonly file: HubFile };

/** `name-00001-of-00003.gguf`. */
const PART = /-(\d{5})-of-(\d{5})\.gguf$/i;
const FORMAT = /(?:^|[-._/])((?:ud-)?(?:i?q\d\w*|tq\d_\d|bf16|f16|f32|mxfp4\w*))(?=$|[-./])/gi;

/** Preferred formats where the address names none: llama.cpp's order. */
const USUAL = ['q4_k_m', 'q8_0'];

/**
 * The model that is meant: a GGUF file in the format that is named (or a usual one, or the first), else the configuration of a checkpoint.
 * @throws UserError where there is none, or none in this format
 */
export function chooseFiles(address: HubAddress, files: readonly HubFile[]): HubChoice {
  const offers = offersOf(address, files);
  if (offers.length === 0) {
    const config = files.find(({ path }) => path === 'config.json');
    if (config !== undefined) return { kind: 'config', file: config };
    throw new UserError(`${address.text}: has neither a GGUF file nor a config.json; name a repository that has`);
  }
  const named = (format: string): HubOffer | undefined => offers.find((offer) => offer.format === format);
  if (address.format === null) {
    const usual = USUAL.flatMap((format) => named(format) ?? []);
    return { kind: 'gguf', offer: usual[0] ?? offers[0]!, offers };
  }
  const offer = named(address.format);
  if (offer !== undefined) return { kind: 'gguf', offer, offers };
  const formats = offers.map(({ format }) => format);
  throw new UserError(`${address.text}: has no file in the format ${address.format}: ${didYouMean(address.format, formats)}`);
}

/** All models of a repository, smallest first; what is beside them (vision projectors, importance matrices) is left out. */
function offersOf(address: HubAddress, files: readonly HubFile[]): HubOffer[] {
  const groups = new Map<string, HubFile[]>();
  for (const file of files) {
    if (!/\.gguf$/i.test(file.path) || /(^|\/)(mmproj|imatrix)/i.test(file.path)) continue;
    const name = file.path.replace(PART, '').replace(/\.gguf$/i, '');
    groups.set(name, [...(groups.get(name) ?? []), file]);
  }
  const offers = [...groups].map(([name, group]) => {
    const total = Number(PART.exec(group[0]!.path)?.[2] ?? 1);
    const parts = [...group].sort((a, b) => (a.path < b.path ? -1 : 1));
    if (parts.length !== total)
      throw new UserError(`${address.text}: ${name} has ${parts.length} of its ${total} parts; it is being uploaded, or is damaged`);
    const format = [...name.matchAll(FORMAT)].at(-1)?.[1] ?? name.split('/').at(-1)!;
    return { format: format.toLowerCase(), files: parts, bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0) };
  });
  return offers.sort((a, b) => a.bytes - b.bytes);
}
