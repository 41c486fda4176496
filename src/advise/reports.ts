import { documentFormats, type Format, pageFormat } from '../report/door.js';
import { type AdviceView, adviceDocument } from './report.js';

/** The formats of advice. */
export const adviceReports: readonly Format<AdviceView>[] = [
  ...documentFormats<AdviceView>(adviceDocument, ({ advice }) => advice),
  pageFormat(adviceDocument, 'moeprof advise'),
];
