// A catalogue of parts: files of profiles/hardware/gpus or cpus, read once and only where a part is named, and found by any usual spelling.

import { z } from 'zod';
import { catalogueFiles } from '../../base/profiles.js';
import { readOwnYaml } from '../../base/yaml.js';
import { partKey } from './spelling.js';

/** What kind of computer a part is made for: a default of its kind stands in for what is missing beside it. `unified`: one memory. */
const FORMS = ['desktop', 'laptop', 'workstation', 'server', 'unified'] as const;
/** What kind of computer a part is made for. */
export type Form = (typeof FORMS)[number];

/** What every part of a catalogue says of itself. */
export interface CataloguePart {
  readonly name: string;
  /** Architecture, e.g. ampere or zen4. */
  readonly arch: string;
  readonly form: Form;
  /** Vendor's document that the figures are from. */
  readonly source: string;
}

/** Parts of one kind. */
export interface Catalogue<P extends CataloguePart> {
  /** In the order of the files. */
  readonly parts: readonly P[];
  /** The part of a name in any usual spelling; undefined where there is none. */
  find(name: string): P | undefined;
}

/** Fields of {@link CataloguePart} in a file; what a group says holds for its parts that do not say otherwise. */
export const partFields = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.+-]*$/, 'must be lower case, digits, dots, hyphens and plus signs')
    .describe('Name, as in rtx-3090.'),
  aka: z.array(z.string().min(1)).optional().describe('Other names that no rule of spelling gives.'),
};

/** Fields that a group of parts has in common. */
export const groupFields = {
  arch: z.string().min(1).describe('Architecture.'),
  form: z.enum(FORMS).describe('What kind of computer the parts are made for.'),
  source: z.string().min(1).describe("Vendor's document that the figures are from."),
};

/** A part as a file has it, with the fields of its group. */
export interface Listed<P extends CataloguePart> {
  readonly part: P;
  readonly aka: readonly string[];
}

/**
 * Reads a catalogue when it is first asked.
 * @param read parts of one file, which has passed the schema
 * @throws UserError (from `parts` and `find`) where a file is not well-formed, or two parts have one name
 */
export function lazyCatalogue<F, P extends CataloguePart>(
  kind: 'gpus' | 'cpus',
  schema: z.ZodType<F>,
  read: (file: F) => readonly Listed<P>[],
): Catalogue<P> {
  let known: { parts: readonly P[]; byKey: ReadonlyMap<string, P> } | null = null;
  const loaded = (): NonNullable<typeof known> => {
    known ??= indexed(catalogueFiles(kind).flatMap((path) => read(readOwnYaml(path, schema))));
    return known;
  };
  return {
    get parts() {
      return loaded().parts;
    },
    find: (name) => loaded().byKey.get(partKey(name)),
  };
}

/**
 * Parts by every spelling of their names.
 * @throws Error where a spelling means two parts: the catalogue is ours, so this is a mistake of ours
 */
export function indexed<P extends CataloguePart>(listed: readonly Listed<P>[]): { parts: readonly P[]; byKey: ReadonlyMap<string, P> } {
  const byKey = new Map<string, P>();
  for (const { aka, part } of listed)
    for (const name of [part.name, ...aka]) {
      const before = byKey.get(partKey(name));
      if (before !== undefined && before !== part) throw new Error(`${name} means ${before.name} and ${part.name}`);
      byKey.set(partKey(name), part);
    }
  return { parts: listed.map(({ part }) => part), byKey };
}
