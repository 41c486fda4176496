// Exports of report to other rooms.

export { againGrid, againLines, againText } from './document/again.js';
export { renderCsv, toCsv } from './document/csv.js';
export type { Block, Column, ColumnOf, Datum, Document, Drawing, Facts, Grid, Line, Lines, Tone, Visibility } from './document/document.js';
export { figure, grid, gridOf, linesBlock, namedColumns, note, ratio } from './document/document.js';
export { documentFormats } from './document/formats.js';
export { heldOutLead, heldOutTokens } from './document/held-out.js';
export { hitRangeLead, hitRateOf } from './document/hit-rates.js';
export { renderMarkdown } from './document/markdown.js';
export { DOCUMENT_STYLE, documentBody, documentHeader, gridTable, pagedFormats, renderDocumentPage } from './document/page.js';
export { standInLead } from './document/stand-ins.js';
export { renderTerminal } from './document/terminal.js';
export type { Format, LazyFormat, OutputFormat, ReportOptions } from './format.js';
export { bareRate, formatDelta, formatMetric, formatRelative, formatValue, printable } from './format.js';
export { reports } from './formats/index.js';
export { heatmap } from './heatmap.js';
export { KEYS } from './html/html.js';
export { sidedSections } from './html/sections/index.js';
export type { Sides } from './html/sections/sides.js';
export { toJson } from './json.js';
export { clientScript, codeAt, scriptAt } from './page/assets.js';
export { type Axis, spanAxis } from './page/axis.js';
export { curves, dot, plot } from './page/chart.js';
export { html, type Markup, type Piece } from './page/markup.js';
export { download, page } from './page/page.js';
export { drawSections, folded, legend, prose, type Section, shareBar, table } from './page/pieces.js';
export { rank } from './ranking/rank.js';
export { rankingDocument, rankingReports } from './ranking/ranking.js';
export { type RankedRun, splitRuns } from './ranking/refused.js';
export { sparkline } from './sparkline.js';
export { jsonReport, tableReport } from './summary/run.js';
export { barGlyphs, clip, MAX_WIDTH, palette, ruledTable, shorten, widthOf, wrap } from './text.js';
export {
  aboutRate,
  bandText,
  bareRange,
  changedParts,
  countedText,
  deviceWords,
  learnedFrom,
  rateDatum,
  timesText,
  underOne,
} from './words.js';
