// The scripts that a report carries: its own, and uPlot, the chart library behind the series that zoom. They are read where a report
// is rendered, from files beside this one and from the installed package.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { resolve } = createRequire(import.meta.url);

/** The code of scripts in `client/`; `figure` and `series` depend on `tools`. */
export function clientScript(...names: readonly ('figure' | 'heatmap' | 'series' | 'tools')[]): string {
  return inlined(names.map((name) => readFileSync(new URL(`./client/${name}.js`, import.meta.url), 'utf8')).join('\n'));
}

/** uPlot as one script that defines `uPlot`, with its licence, which must accompany the code. */
export function uPlotScript(): string {
  const code = readFileSync(resolve('uplot/dist/uPlot.iife.min.js'), 'utf8').replace(/^\/\*!.*?\*\/\s*/s, '');
  return inlined(`/*! uPlot. ${readFileSync(resolve('uplot/LICENSE'), 'utf8').trim()} */\n${code}`);
}

/** Style sheet of uPlot. */
export function uPlotStyle(): string {
  return readFileSync(resolve('uplot/dist/uPlot.min.css'), 'utf8');
}

/** Code as the content of a script element. @throws Error if it would end the element or open a comment in it */
function inlined(code: string): string {
  if (/<\/script|<!--/i.test(code)) throw new Error('a script of the HTML report cannot stand in a page');
  return code;
}
