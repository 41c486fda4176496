import { visible } from '../../base/text.js';
import { Labels } from '../../figure/door.js';

/** Options for words in a figure or table. */
export interface PrintWords {
  readonly title?: string;
  readonly label: readonly string[];
}

/** @throws UserError for a label of another form */
export function printWords({ label, title }: PrintWords): { readonly labels: Labels; readonly titled: { readonly title?: string } } {
  return { labels: new Labels(label), titled: title === undefined ? {} : { title: visible(title) } };
}
