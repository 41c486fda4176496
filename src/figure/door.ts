// Exports of figure: tables and figures of finished runs, and references.
export { bibtex } from './cite/bibtex.js';
export type { Citation } from './cite/citations.js';
export { citedBy } from './cite/cited.js';
export { FIGURE_KINDS, figureOf, type PaperFigure, readingOf } from './figure.js';
export { drawnFormats, figureDocument, pictureFormats } from './formats.js';
export { axisOf, barsOf, heatMap, linesOver, onePanel, type RunPoint, rankingFigures } from './one-panel.js';
export { Labels } from './table/labels.js';
export { longColumns, longJsonLines, longJsonParts, longParquet } from './table/long-table.js';
export { pivotOf, STATISTICS, statisticNamed } from './table/pivot.js';
export { pivotReports } from './table/pivot-report.js';
export { KEY_COLUMNS, type Outcome, type RunRow, rowOf, rowOfResult, rowValue } from './table/run-row.js';
export { scaleOf } from './table/scale.js';
export type { Exclusion, Space, SpaceDimension, StudyCell, SweepValue } from './table/space.js';
export { gridSize, pathsOf, shardOf, spaceCells } from './table/space.js';
export { STUDY_SCHEMA, type Study, StudyRows } from './table/study.js';
