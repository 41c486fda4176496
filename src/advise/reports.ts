// The formats of advice.
import { documentFormats, type Format, pageFormat } from '../report/door.js';
import { type AdviceView, adviceDocument } from './report.js';

/** Formats of advice, the one for reading first. */
export const adviceReports: readonly Format<AdviceView>[] = [
  ...documentFormats<AdviceView>(adviceDocument, ({ advice }) => advice),
  pageFormat(adviceDocument, 'moeprof advise'),
];
