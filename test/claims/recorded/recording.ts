// Recordings of large models, of devices and of services lie in a folder `shared` beside the repository, as they are not ours to hand on.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'vitest';

const folder = fileURLToPath(new URL('../../../../shared/', import.meta.url));

/** Path of a recording, whether it is there or not. */
export function recording(name: string): string {
  return folder + name;
}

/** Describes tests over recordings. Where one of them is missing, a single skipped test stands for all and its name says which. */
export function recorded(title: string, recordings: readonly string[], tests: () => void): void {
  const missing = recordings.filter((name) => !existsSync(recording(name)));
  if (missing.length === 0) {
    describe(title, tests);
    return;
  }
  const reason = `${title}: NOT RUN, ../shared lacks ${missing.join(', ')}`;
  console.warn(reason);
  it.skip(reason, () => {});
}
