import { z } from 'zod';
import { ownValue } from '../../base/objects.js';
import { bundledFile } from '../../base/profiles.js';
import { readOwnYaml } from '../../base/yaml.js';

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

/**
 * The file of a bundled model in a format; null: no known source. @param reads GGUF files, or folders of safetensors
 * @param drafts files with the layers that draft, which usual GGUF files lack
 */
export function publishedFile(model: string, format: string, reads: 'gguf' | 'folder', drafts = false): PublishedFile | null {
  const { folder, gguf } = publishedFiles();
  if (reads === 'folder') {
    const found = folder.find((entry) => entry.model === model && entry.format === format);
    return found === undefined ? null : { repository: found.repository, tag: null, file: null, vision: false };
  }
  const found = gguf.find(
    (entry) => entry.model === model && (entry.drafts === true) === drafts && ownValue(entry.files, format) !== undefined,
  );
  if (found === undefined) return null;
  const named = ownValue(found.files, format)!;
  const [spelled, file] = named.endsWith('.gguf') ? [tagIn(named, format), named] : [named, null];
  return { repository: found.repository, tag: spelled, file, vision: found.vision === true };
}

function tagIn(file: string, format: string): string {
  const lower = file.toLowerCase();
  const at = Math.max(...['.', '-'].map((sign) => lower.lastIndexOf(`${format}${sign}`)));
  return file.slice(lower.startsWith('ud-', at - 3) ? at - 3 : at, at + format.length);
}
