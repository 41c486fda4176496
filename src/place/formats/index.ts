import { bytesOf, textOf } from '../../base/host/bytes.js';
import { existsSync } from '../../base/host/files.js';
import { withInput } from '../../base/input-file.js';
import { INPUT_KINDS } from '../../base/input-kinds.js';
import { checkValue } from '../../base/yaml.js';
import { type ModelSpec, parseJson } from '../../model/door.js';
import { exllamav3 } from './exllamav3.js';
import { checkModel, type Fingerprint, fingerprintSchema } from './fingerprint.js';
import type { Held, ProfileFile, ProfileFormat } from './format.js';
import { llamaCpp } from './llama.cpp.js';
import { codacus, colibriHistory } from './rows.js';
import { sglang } from './sglang.js';
import { vllmMap } from './vllm.js';
import { vllmAscend } from './vllm-ascend.js';

/** Most specific first: the first match reads a file. A new format is a file and a line. */
export const PROFILE_FORMATS: readonly ProfileFormat[] = [exllamav3, sglang, vllmAscend, vllmMap, codacus, colibriHistory, llamaCpp];

/** Fingerprint path of a file without room. */
export const besidePath = (path: string): string => `${path}.moeprof.json`;

/** `fingerprint` null: not written by moeprof. */
export interface ReadProfile {
  readonly format: ProfileFormat;
  readonly held: Held;
  readonly fingerprint: Fingerprint | null;
}

const formatOfProfile = (file: ProfileFile): ProfileFormat | undefined =>
  PROFILE_FORMATS.find((profileFormat) => profileFormat.detect(file));

function profileFile(path: string, bytes: Uint8Array): ProfileFile {
  return { path, bytes, text: bytes.includes(0) ? '' : textOf(bytes).replace(/^\uFEFF/, '') };
}

/** @param beside content of {@link besidePath} or null @returns null: no known format @throws UserError for a misfit */
export function readProfile(path: string, bytes: Uint8Array, beside: Uint8Array | null, model: ModelSpec): ReadProfile | null {
  const file = profileFile(path, bytes);
  const format = formatOfProfile(file);
  if (format === undefined) return null;
  const inside = format.fingerprint?.(file) ?? null;
  const text = inside === null ? beside : bytesOf(inside);
  const place = inside === null ? besidePath(path) : `${path}: moeprof`;
  const fingerprint = text === null ? null : checkValue(parseJson(text, place), place, fingerprintSchema);
  if (fingerprint !== null) checkModel(fingerprint, model, path);
  return { format, held: format.read(file, model), fingerprint };
}

const allOf = (path: string): Uint8Array => withInput(path, 'mapping', (file) => file.part(0, file.bytes));

/** @throws UserError also if unreadable */
export function openProfile(path: string, model: ModelSpec): ReadProfile | null {
  const beside = besidePath(path);
  return readProfile(path, allOf(path), existsSync(beside) ? allOf(beside) : null, model);
}

/** True for a known format; a larger file is a recording. @throws UserError if unreadable */
export function isProfile(path: string): boolean {
  const small = withInput(path, 'trace', ({ bytes }) => bytes <= INPUT_KINDS.mapping.limit);
  return small && formatOfProfile(profileFile(path, allOf(path))) !== undefined;
}
