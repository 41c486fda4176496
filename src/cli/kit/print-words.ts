import { visible } from '../../base/text.js';
import { Labels } from '../../figure/door.js';
import { type OptionsOf, options } from './declared.js';

/** The labels, and the heading as a field; no field: none is given. @throws UserError for a label of another form */
export function printWords({ label, title }: OptionsOf<typeof WORDS>): {
  readonly labels: Labels;
  readonly titled: { readonly title?: string };
} {
  return { labels: new Labels(label), titled: title === undefined ? {} : { title: visible(title) } };
}
/** Words of a figure or a table. */
export const WORDS = options({
  '--title <words>': 'heading; the caption in LaTeX',
  '--label <name=words>...': 'words for a metric, for what varied, or for one of its values',
});
