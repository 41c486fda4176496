import { z } from 'zod';
import { readText } from '../../base/input-file.js';
import { catalogueFiles } from '../../base/profiles.js';
import { readOwnYaml } from '../../base/yaml.js';

/** A missing part defaults to the same kind. `unified`: a single memory. */
const FORMS = ['desktop', 'laptop', 'workstation', 'server', 'unified'] as const;
/** Computer kind of a part. */
export type Form = (typeof FORMS)[number];

/** Common fields of catalogue parts. */
export interface CataloguePart {
  readonly name: string;
  readonly arch: string;
  readonly form: Form;
  /** Vendor's document of the figures. */
  readonly source: string;
}

/** Parts of a kind, read on first use. */
export interface Catalogue<P extends CataloguePart> {
  readonly parts: readonly P[];
  find(name: string): P | null;
}

const partFields = {
  name: z.string().regex(/^[a-z0-9][a-z0-9.+-]*$/, 'must be lower case, digits, dots, hyphens and plus signs'),
  aka: z.array(z.string().min(1)).optional(),
};

/** Common fields of a group of parts. */
export const groupFields = {
  arch: z.string().min(1),
  form: z.enum(FORMS),
  source: z.string().min(1),
};

/** @param group fields of a group @param partShape replaceable fields @param part further fields */
export function groupList<G extends z.ZodRawShape, O extends z.ZodRawShape, P extends z.ZodRawShape>(group: G, partShape: O, part: P) {
  const parts = z.array(z.strictObject({ ...partFields, ...z.object(partShape).partial().shape, ...part }));
  return z.array(z.strictObject({ ...group, parts: parts.min(1) })).min(1);
}

interface Listed<P extends CataloguePart> {
  readonly part: P;
  readonly aka: readonly string[];
}

/** Parsed on demand, as parsing all groups is slow. */
interface PartGroup<P extends CataloguePart> {
  readonly keys: ReadonlySet<string>;
  listed(): readonly Listed<P>[];
}

/** Groups are read on first use. @param read a file, or a single group @throws UserError on use */
export function lazyCatalogue<F, P extends CataloguePart>(
  kind: 'gpus' | 'cpus',
  schema: z.ZodType<F>,
  read: (file: F) => readonly Listed<P>[],
): Catalogue<P> {
  let groups: readonly PartGroup<P>[] | null = null;
  let all: readonly P[] | null = null;
  const known = (): readonly PartGroup<P>[] => {
    groups ??= catalogueFiles(kind).flatMap((path) =>
      groupsOf(readText(path)).map((text) => partGroup(text, () => read(readOwnYaml(path, schema, text)))),
    );
    return groups;
  };
  return {
    get parts() {
      all ??= indexed(known().flatMap((group) => group.listed())).parts;
      return all;
    },
    find: (name) => {
      const key = partKey(name);
      const group = known().find(({ keys }) => keys.has(key));
      return group === undefined ? null : (indexed(group.listed()).byKey.get(key) ?? null);
    },
  };
}

function partGroup<P extends CataloguePart>(text: string, read: () => readonly Listed<P>[]): PartGroup<P> {
  let known: readonly Listed<P>[] | null = null;
  return {
    keys: new Set(namesIn(text).map(partKey)),
    listed: () => {
      known ??= read();
      return known;
    },
  };
}

function groupsOf(text: string): string[] {
  const [head, ...groups] = text.split(/^(?= {2}- )/m);
  return groups.length === 0 ? [text] : groups.map((group) => head + group);
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/\bname: ([^\s,}]+)|\baka: \[([^\]]*)\]/g)].flatMap(([, name, others]) => name ?? others!.split(/,\s*/));
}

/** Parts by every spelling of their names. @throws Error for an ambiguous spelling (the catalogue is ours) */
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

/** Makers and kinds in names, which never distinguish parts. */
const IDLE = new Set(
  'nvidia geforce amd radeon intel core apple tesla instinct cpu gpu processor generation blackwell workstation server edition'.split(' '),
);

/** Common key of all spellings of a part. */
export function partKey(text: string): string {
  const words = text
    .toLowerCase()
    .replace(/\((?:r|tm|c)\)|[®™©]/g, ' ')
    // /proc/cpuinfo's endings (`@ 2.20GHz`, `w/ Radeon 8060S`, `with Radeon Graphics`, `32-Cores`), a prefix: `13th
    // Gen`.
    .replace(/\s(?:@|w\/|with\s).*$/, ' ')
    .replace(/\b\d+-cores?\b/g, ' ')
    .replace(/\b\d+th gen\b/g, ' ')
    .replace(/ryzen[\s_-]+(?=threadripper)/, '')
    .split(/[\s_-]+/);
  return words.filter((word) => !IDLE.has(word)).join('');
}
