import { fileText } from '../base/host/files.js';
import { PACKAGE_FOLDER } from '../base/host/modules.js';
import { join } from '../base/host/paths.js';

/** Version of moeprof from package.json. */
export const VERSION: string = (JSON.parse(fileText(join(PACKAGE_FOLDER, 'package.json'))) as { readonly version: string }).version;

/** First fields of report data: format tag and tool. */
export interface Tagged<Schema extends string> {
  /** Additions keep the tag; a change of meaning raises its number. */
  readonly schema: Schema;
  readonly tool: { readonly name: 'moeprof'; readonly version: string };
}

/** First fields of data in a format, e.g. `moeprof.check/1`. */
export const tagged = <Schema extends string>(schema: Schema): Tagged<Schema> => ({ schema, tool: { name: 'moeprof', version: VERSION } });
