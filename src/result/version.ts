import { fileText } from '../base/host/files.js';
import { PACKAGE_FOLDER } from '../base/host/modules.js';
import { join } from '../base/host/paths.js';

/** The version of moeprof, from its package.json: results and reports carry it, and `--version` prints it. */
export const VERSION: string = (JSON.parse(fileText(join(PACKAGE_FOLDER, 'package.json'))) as { readonly version: string }).version;

/** What the data of a report begin with: the tag of their format, and what wrote them. */
export interface Tagged<Schema extends string> {
  /** Additions keep it; a change of meaning raises its number. */
  readonly schema: Schema;
  readonly tool: { readonly name: 'moeprof'; readonly version: string };
}

/** The beginning of data in a format, e.g. `moeprof.check/1`. */
export const tagged = <Schema extends string>(schema: Schema): Tagged<Schema> => ({ schema, tool: { name: 'moeprof', version: VERSION } });
