// The registry of files that engines place experts by. A new one is a file in this folder and a line here.
import { bytesOf, textOf } from '../../base/host/bytes.js';
import { existsSync } from '../../base/host/files.js';
import { KINDS, withInput } from '../../base/input-file.js';
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

/** All formats, most specific first: the first that recognises a file reads it. */
export const PROFILE_FORMATS: readonly ProfileFormat[] = [exllamav3, sglang, vllmAscend, vllmMap, codacus, colibriHistory, llamaCpp];

/** Path of the fingerprint of a file that has no room for it. */
export const besidePath = (path: string): string => `${path}.moeprof.json`;

/** A file that was read; `fingerprint` null: it was not written by moeprof. */
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

/** Reads a file. @param beside content of {@link besidePath} or null @returns null: of no format @throws UserError if it does not fit */
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

/** As {@link readProfile}, from a path. @throws UserError if it cannot be read, too */
export function openProfile(path: string, model: ModelSpec): ReadProfile | null {
  const beside = besidePath(path);
  return readProfile(path, allOf(path), existsSync(beside) ? allOf(beside) : null, model);
}

/** True if a file is of one of the formats. A larger one than any profile is a recording. @throws UserError if it cannot be read */
export function isProfile(path: string): boolean {
  const small = withInput(path, 'trace', ({ bytes }) => bytes <= KINDS.mapping.limit);
  return small && formatOfProfile(profileFile(path, allOf(path))) !== undefined;
}
