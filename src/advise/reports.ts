// The formats of advice.
import { pagedFormats } from '../report/door.js';
import { type AdviceView, adviceDocument } from './report.js';

/** Formats of advice, the one for reading first. */
export const adviceReports = pagedFormats<AdviceView>('moeprof advise', adviceDocument, ({ advice }) => advice);
