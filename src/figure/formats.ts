// SVG and HTML of every value that has figures. The libraries that draw are loaded only when one of the two is asked for.
import type { Document } from '../report/document/document.js';
import type { LazyFormat } from '../report/format.js';
import type { PaperFigure } from './figure.js';

/**
 * The two formats of a kind of value.
 * @param name writer of the page: `moeprof curve`
 * @param figuresOf at least one, drawn under each other
 * @param documentOf text of the page below them
 * @param widthMm of the drawing; a column of a paper unless said
 */
export function pictureFormats<T>(
  name: string,
  figuresOf: (value: T) => readonly PaperFigure[],
  documentOf: (value: T) => Document,
  widthMm?: number,
): readonly [svg: LazyFormat<T>, html: LazyFormat<T>] {
  const drawing = async (): Promise<(value: T) => string> => {
    const { drawFigures } = await import('./draw.js');
    return (value) => drawFigures(figuresOf(value), widthMm);
  };
  return [
    { name: 'svg', extensions: ['.svg'], load: drawing },
    {
      name: 'html',
      extensions: ['.html', '.htm'],
      load: async () => {
        const [draw, { renderDocumentPage }] = await Promise.all([drawing(), import('../report/document/page.js')]);
        return (value) => renderDocumentPage(documentOf(value), name, draw(value));
      },
    },
  ];
}
