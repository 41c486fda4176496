import { fileText } from '../../base/host/files.js';
import { CODE_FOLDER, packagePath } from '../../base/host/modules.js';
import { join } from '../../base/host/paths.js';

const clientFile = (name: string): string => fileText(join(CODE_FOLDER, 'report/page/client', name));

/** Code of a page. @param path below the compiled code: `play/engine.js` */
export const codeAt = (path: string): string => fileText(join(CODE_FOLDER, path));

/** {@link codeAt} as content of a script element. */
export const scriptAt = (path: string): string => inlined(codeAt(path));

/** Scripts of `client/`; `figure` and `series` depend on `tools`. */
export function clientScript(...names: readonly ('copy' | 'figure' | 'heatmap' | 'series' | 'tools')[]): string {
  return inlined(names.map((name) => clientFile(`${name}.js`)).join('\n'));
}

/** Style sheet of every page. */
export const pageStyle = (): string => clientFile('page.css');

/** uPlot as one script with the required licence text, for zoomable series. */
export function uPlotScript(): string {
  const code = fileText(packagePath('uplot/dist/uPlot.iife.min.js')).replace(/^\/\*!.*?\*\/\s*/s, '');
  return inlined(`/*! uPlot. ${fileText(packagePath('uplot/LICENSE')).trim()} */\n${code}`);
}

/** Style sheet of uPlot. */
export const uPlotStyle = (): string => fileText(packagePath('uplot/dist/uPlot.min.css'));

/** @throws Error if the code would end the script element or open a comment */
function inlined(code: string): string {
  if (/<\/script|<!--/i.test(code)) throw new Error('a script of the HTML report cannot stand in a page');
  return code;
}
