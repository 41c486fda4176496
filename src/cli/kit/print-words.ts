import { visible } from '../../base/text.js';
import { Labels } from '../../figure/door.js';

/** Values of the options that give words to a figure or a table. */
export interface PrintWords {
  readonly title?: string;
  readonly label: readonly string[];
}

/** The labels, and the heading as a field; no field: none is given. @throws UserError for a label of another form */
export function printWords({ label, title }: PrintWords): { readonly labels: Labels; readonly titled: { readonly title?: string } } {
  return { labels: new Labels(label), titled: title === undefined ? {} : { title: visible(title) } };
}
