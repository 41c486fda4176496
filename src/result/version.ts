// The version of moeprof, from its package.json: results and reports carry it, and `--version` prints it.
import { fileText } from '../base/host/files.js';
import { PACKAGE_FOLDER } from '../base/host/modules.js';
import { join } from '../base/host/paths.js';

/** Version of the running moeprof, e.g. `0.1.0`. */
export const VERSION: string = (JSON.parse(fileText(join(PACKAGE_FOLDER, 'package.json'))) as { readonly version: string }).version;
