import { z } from 'zod';
import { bundledFile } from '../../base/profiles.js';
import { readOwnYaml } from '../../base/yaml.js';

const citationSchema = z.strictObject({
  type: z.enum(['paper', 'software']).default('paper'),
  /** Texts in `cites` that refer to the entry. */
  cited: z.array(z.string().min(1)).min(1),
  title: z.string().min(1),
  /** `Given Family` each; absent: not in the source. */
  authors: z.array(z.string().min(1)).min(1).optional(),
  year: z.int().optional(),
  venue: z.string().optional(),
  arxiv: z
    .string()
    .regex(/^\d{4}\.\d{5}$/)
    .optional(),
  doi: z.string().optional(),
  url: z.url().optional(),
});

/** Reference from `profiles/citations.yaml`, cited by profiles. */
export interface Citation extends Partial<Omit<z.infer<typeof citationSchema>, 'cited' | 'title'>> {
  /** Of letters, digits, dots and hyphens. */
  readonly key: string;
  readonly title: string;
  readonly note?: string;
}

let read: ReadonlyMap<string, Citation & { readonly cited: readonly string[] }> | undefined;

function bundled(): ReadonlyMap<string, Citation & { readonly cited: readonly string[] }> {
  read ??= new Map(
    Object.entries(readOwnYaml(bundledFile('citations.yaml'), z.record(z.string(), citationSchema))).map(([key, entry]) => [
      key,
      { key, ...entry },
    ]),
  );
  return read;
}

/** Bundled reference by key. */
export const citationOf = (key: string): Citation => bundled().get(key)!;

/**
 * References in a text: bundled, plus further arXiv numbers and repositories. @param name title of unknown references
 */
export function citationsIn(text: string, name: string): Citation[] {
  const known = [...bundled().values()].filter(({ cited }) => cited.some((name) => text.includes(name)));
  const covered = (part: string): boolean => known.some(({ cited }) => cited.some((name) => name.includes(part)));
  const numbers = [...text.matchAll(/arXiv (\d{4}\.\d{5})/g)].map(([, number]) => number!);
  const repositories = [...text.matchAll(/github\.com\/[\w.-]+\/[\w.-]*\w/g)].map(([path]) => path);
  const citations = [
    ...numbers.filter((number) => !covered(number)).map((arxiv): Citation => ({ key: `${keyOf(name)}-${arxiv}`, title: name, arxiv })),
    ...repositories
      .filter((path) => !covered(path))
      .filter((path) => !known.some(({ url }) => url === `https://${path}`))
      .map(
        (path): Citation => ({
          key: keyOf(path.slice('github.com/'.length)),
          type: 'software',
          title: path.split('/').at(-1)!,
          url: `https://${path}`,
        }),
      ),
  ];
  const all = [...known, ...citations];
  return all.length > 0 || text === '' ? all : [{ key: keyOf(name), title: name, note: text }];
}

/** Turns a text into a key. */
export const keyOf = (text: string): string => text.replace(/[^A-Za-z0-9.]+/g, '-').replace(/^-+|-+$/g, '');
