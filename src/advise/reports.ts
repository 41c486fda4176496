import { pagedFormats } from '../report/door.js';
import { type AdviceView, adviceDocument } from './report.js';

/** Formats of {@link AdviceView}. */
export const adviceReports = pagedFormats<AdviceView>('moeprof advise', adviceDocument, ({ advice }) => advice);
