// Removes the folders named on the command line; a build starts from nothing, so that no file of a renamed module survives in it.
import { rmSync } from 'node:fs';

for (const folder of process.argv.slice(2)) rmSync(folder, { recursive: true, force: true });
