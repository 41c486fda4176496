import { parseHTML } from 'linkedom';

/** Drawing as paths and texts, px from the upper left corner, without background. */
export interface PrintDrawing {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly shapes: readonly Shape[];
}

/** Placed shape; angle in degrees clockwise. */
export type Shape = (PathShape | TextShape) & { readonly x: number; readonly y: number; readonly angle: number };

interface PathShape {
  readonly kind: 'path';
  /** As SVG's `d`. */
  readonly steps: string;
  /** `#rrggbb`; null: absent. */
  readonly fill: string | null;
  readonly stroke: string | null;
  readonly opacity: number;
  readonly lineWidth: number;
  readonly dash: readonly number[];
}

/** Line of text with the baseline at the place. */
interface TextShape {
  readonly kind: 'text';
  readonly text: string;
  readonly color: string;
  readonly size: number;
  readonly bold: boolean;
  readonly anchor: 'start' | 'middle' | 'end';
  /** True: a halo keeps text readable on lines. */
  readonly halo: boolean;
}

/** Shapes of a drawing, in order. @param svg of `drawFigures` */
export function shapesOf(svg: string): PrintDrawing {
  const { document } = parseHTML(`<!doctype html><html><body>${svg}</body></html>`);
  const root: Element = document.querySelector('svg')!;
  const [, , width, height] = root.getAttribute('viewBox')!.split(' ').map(Number) as [number, number, number, number];
  return { width, height, title: document.querySelector('title')!.textContent, shapes: shapesIn(root, { x: 0, y: 0, angle: 0 }, {}) };
}

interface Element {
  readonly localName: string;
  readonly textContent: string;
  readonly children: Iterable<Element>;
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>;
  getAttribute(name: string): string | null;
}

type Place = Pick<Shape, 'x' | 'y' | 'angle'>;

/** Inherited attributes. */
type Style = Readonly<Record<string, string | undefined>>;

function shapesIn(element: Element, outer: Place, inherited: Style): Shape[] {
  const own = Object.fromEntries([...element.attributes].map(({ name, value }) => [name, value]));
  const style: Style = { ...inherited, ...own };
  const at = placed(outer, own.transform ?? '');
  switch (element.localName) {
    case 'svg':
    case 'g':
      return [...element.children].flatMap((child) => shapesIn(child, at, style));
    case 'path':
      return [path(at, own.d!, style)];
    case 'line':
      return [path(at, `M${own.x1},${own.y1}L${own.x2},${own.y2}`, { ...style, fill: 'none' })];
    case 'rect':
      // The background fills the paper.
      return own.width!.endsWith('%') ? [] : [path(at, `M${own.x ?? 0},${own.y ?? 0}h${own.width}v${own.height}h-${own.width}Z`, style)];
    case 'text':
      return linesOf(element, at, style);
    case 'title':
      return [];
    default:
      throw new Error(`print has no <${element.localName}>`);
  }
}

function placed({ angle, x, y }: Place, transform: string): Place {
  const [, dx = '0', dy = '0'] = /translate\(([-\d.e]+)[, ]?([-\d.e]*)\)/.exec(transform) ?? [];
  const turned = Number(/rotate\(([-\d.]+)\)/.exec(transform)?.[1] ?? 0);
  const [sin, cos] = [Math.sin((angle * Math.PI) / 180), Math.cos((angle * Math.PI) / 180)];
  return { x: x + cos * Number(dx) - sin * Number(dy), y: y + sin * Number(dx) + cos * Number(dy), angle: angle + turned };
}

function path(at: Place, steps: string, style: Style): Shape {
  return {
    ...{ kind: 'path', ...at, steps, fill: colorOf(style.fill ?? '#000', style), stroke: colorOf(style.stroke ?? 'none', style) },
    opacity: Number(style['stroke-opacity'] ?? 1),
    lineWidth: Number(style['stroke-width'] ?? 1),
    dash: (style['stroke-dasharray'] ?? '').split(/[ ,]+/).filter(Boolean).map(Number),
  };
}

/** Lines of a text; `tspan` lines stack below the first. */
function linesOf(element: Element, at: Place, style: Style): Shape[] {
  const size = Number(style['font-size']);
  const lengthOf = (text: string | null): number => Number.parseFloat(text ?? '0') * (text?.endsWith('em') === true ? size : 1);
  const spans = [...element.children].filter(({ localName }) => localName === 'tspan');
  let y = 0;
  return (spans.length === 0 ? [element] : spans).map((line) => {
    y = line.getAttribute('y') === null ? y + lengthOf(line.getAttribute('dy')) : lengthOf(line.getAttribute('y'));
    return {
      ...{ kind: 'text', ...placed(at, `translate(${lengthOf(line.getAttribute('x'))},${y})`), text: line.textContent, size },
      color: colorOf(style.fill ?? '#000', style)!,
      bold: style['font-weight'] === 'bold',
      anchor: (style['text-anchor'] ?? 'start') as TextShape['anchor'],
      halo: style['paint-order'] === 'stroke',
    };
  });
}

/** Colour as `#rrggbb`; null: absent. */
function colorOf(text: string, style: Style): string | null {
  if (text === 'none') return null;
  if (text === 'currentColor') return colorOf(style.color ?? '#000', {});
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text)?.[1];
  if (hex !== undefined) return `#${hex.length === 3 ? hex.replace(/./g, '$&$&') : hex}`.toLowerCase();
  const parts = /^rgb\((\d+), ?(\d+), ?(\d+)\)$/.exec(text)?.slice(1);
  if (parts === undefined) throw new Error(`print has no colour ${text}`);
  return `#${parts.map((part) => Number(part).toString(16).padStart(2, '0')).join('')}`;
}
