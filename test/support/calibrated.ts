// Machines as a user's own file may have them, which state what kernels reach on them: for tests whose truths are computed from such figures,
// and for what papers say of ideas, apart from the software that they ran in.
import { fileURLToPath } from 'node:url';

/** Path of the file of a calibrated machine; its name is the bundled one's behind `calibrated-`. */
export function calibrated(name: 'rtx-3090' | 'rtx-4090' | 't4' | '2x-rtx-4090'): string {
  return fileURLToPath(new URL(`./calibrated/${name}.yaml`, import.meta.url));
}
