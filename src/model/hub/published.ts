import { z } from 'zod';
import { ownValue } from '../../base/objects.js';
import { bundledFile } from '../../base/profiles.js';
import { readOwnYaml } from '../../base/yaml.js';
import { withoutStorage } from './relatives.js';

const entry = { model: z.string(), repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/), source: z.string() };

const schema = z.strictObject({
  sources: z.record(z.string(), z.strictObject({ name: z.string(), checked: z.iso.date() })),
  gguf: z.array(
    z.strictObject({
      ...entry,
      vision: z.literal(true).optional(),
      drafts: z.literal(true).optional(),
      files: z.record(z.string(), z.string()),
    }),
  ),
  folder: z.array(z.strictObject({ ...entry, format: z.string() })),
});

/** A published model file in a format. */
export interface PublishedFile {
  /** `owner/repo`. */
  readonly repository: string;
  /** Format as spelled in the repository: `UD-Q4_K_M`; null: a folder of safetensors. */
  readonly tag: string | null;
  /** Path in the repository, first part of a split file; null: a whole folder, or no known name. */
  readonly file: string | null;
  readonly vision: boolean;
}

let read: z.infer<typeof schema> | undefined;

/** All entries and their sources. @throws Error if our file is malformed */
export function publishedFiles(): NonNullable<typeof read> {
  read ??= readOwnYaml(bundledFile('repositories.yaml'), schema);
  return read;
}

/** Which file is wanted. */
interface Wanted {
  /** Bundled model. */
  readonly model: string;
  readonly format: string;
  /** GGUF files, or folders of safetensors. */
  readonly reads: 'gguf' | 'folder';
  /** True: files with the layers that draft, which usual GGUF files lack. */
  readonly drafts?: boolean;
  /** Name as given, of a model of that shape. Absent: the model's. */
  readonly asked?: string;
  /** Preferred. */
  readonly repository?: string;
}

/** The file of a model in a format; null: no known source. */
export function publishedFile({ asked, drafts = false, format, model, reads, repository: first }: Wanted): PublishedFile | null {
  const plain = unstored(asked ?? model);
  const best = <Entry extends { readonly model: string; readonly repository: string }>(entries: readonly Entry[]): Entry | undefined => {
    const ofModel = entries.filter((entry) => entry.model === model);
    const named =
      ofModel.find(({ repository }) => repository === first) ?? ofModel.find(({ repository }) => unstored(repository) === plain);
    return named ?? (plain === model ? ofModel[0] : undefined);
  };
  const { folder, gguf } = publishedFiles();
  if (reads === 'folder') {
    const found = best(folder.filter((entry) => entry.format === format));
    return found === undefined ? null : { repository: found.repository, tag: null, file: null, vision: false };
  }
  const found = best(gguf.filter((entry) => (entry.drafts === true) === drafts && ownValue(entry.files, format) !== undefined));
  if (found === undefined) return null;
  const path = ownValue(found.files, format)!;
  const [spelled, file] = path.endsWith('.gguf') ? [tagIn(path, format), path] : [path, null];
  return { repository: found.repository, tag: spelled, file, vision: found.vision === true };
}

const unstored = (name: string): string => withoutStorage(name.toLowerCase().replace(/^.*\//, ''));

/** Makers of all usual formats. */
const WHOLE_SERIES = /^(?:unsloth|bartowski|mradermacher)\//i;

/** `unsloth/gpt-oss-20b-GGUF:Q4_K_M`; null: not as makers spell formats. */
export function promisedTag(repository: string, format: string): string | null {
  if (!/^(?:ud-)?(?:i?q|tq)\d|^mxfp4|^b?f16/.test(format) || (format.startsWith('ud-') && !/^unsloth\//i.test(repository))) return null;
  return `${repository}:${format.toUpperCase()}`;
}

/** A further format of a known repository; null: none. */
export function promisedFile({ asked, format, model }: Wanted): string | null {
  const plain = unstored(asked ?? model);
  const known = publishedFiles().gguf.filter((entry) => entry.model === model && entry.drafts !== true);
  const series = known.filter(({ repository }) => WHOLE_SERIES.test(repository));
  const named = series.find(({ repository }) => unstored(repository) === plain);
  return named === undefined ? null : promisedTag(named.repository, format);
}

function tagIn(file: string, format: string): string {
  const lower = file.toLowerCase();
  const at = Math.max(...['.', '-'].map((sign) => lower.lastIndexOf(`${format}${sign}`)));
  return file.slice(lower.startsWith('ud-', at - 3) ? at - 3 : at, at + format.length);
}
