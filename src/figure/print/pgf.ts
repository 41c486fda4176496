import { tex } from '../table/tex.js';
import { type Shape, shapesOf } from './shapes.js';

/** TeX points per px. */
const POINTS = 72.27 / 96;

/** PGF of a drawing: text in the document's fonts, else paths. */
export function pgf(svg: string): string {
  const { height, shapes, width } = shapesOf(svg);
  const colors = [...new Set(shapes.flatMap((shape) => (shape.kind === 'text' ? [shape.color] : [shape.fill, shape.stroke])))];
  const corner = `\\pgfpoint{${points(width)}}{${points(height)}}`;
  return [
    '% Needs \\usepackage{pgf} and \\usepgflibrary{svg.path}; \\input this file where the figure stands.',
    '\\begin{pgfpicture}',
    ...colors.flatMap((color) => (color === null ? [] : [`\\definecolor{${nameOf(color)}}{HTML}{${color.slice(1).toUpperCase()}}`])),
    `\\pgfpathrectangle{\\pgfpointorigin}{${corner}}\\pgfusepath{use as bounding box}`,
    // Drawing units, y down.
    `\\pgftransformcm{${POINTS.toFixed(6)}}{0}{0}{-${POINTS.toFixed(6)}}{\\pgfpoint{0pt}{${points(height)}}}`,
    ...shapes.map((shape) => `\\begin{pgfscope}${placeOf(shape)}${shape.kind === 'text' ? text(shape) : path(shape)}\\end{pgfscope}`),
    '\\end{pgfpicture}%\n',
  ].join('\n');
}

const points = (pixels: number): string => `${round(pixels * POINTS)}pt`;

const round = (value: number): number => Math.round(value * 1000) / 1000;

const nameOf = (color: string): string => `moeprof${color.slice(1)}`;

function placeOf({ angle, x, y }: Shape): string {
  return `\\pgftransformshift{\\pgfpoint{${round(x)}pt}{${round(y)}pt}}${angle === 0 ? '' : `\\pgftransformrotate{${angle}}`}`;
}

function path({ dash, fill, lineWidth, opacity, steps, stroke }: Extract<Shape, { kind: 'path' }>): string {
  const uses = [...(fill === null ? [] : ['fill']), ...(stroke === null ? [] : ['stroke'])];
  return [
    ...(fill === null ? [] : [`\\pgfsetfillcolor{${nameOf(fill)}}`]),
    ...(stroke === null ? [] : [`\\pgfsetstrokecolor{${nameOf(stroke)}}\\pgfsetlinewidth{${points(lineWidth)}}`]),
    ...(stroke === null || opacity === 1 ? [] : [`\\pgfsetstrokeopacity{${opacity}}`]),
    ...(stroke === null || dash.length === 0 ? [] : [`\\pgfsetdash{${dash.map((length) => `{${points(length)}}`).join('')}}{0pt}`]),
    `${traceOf(steps)}\\pgfusepath{${uses.join(',')}}`,
  ].join('');
}

/** PGF's SVG parser cannot draw whole circles. */
function traceOf(steps: string): string {
  const radius = /^M([\d.]+),0A\1,\1,0,1,1,-\1,0A\1,\1,0,1,1,\1,0Z?$/.exec(steps)?.[1];
  return radius === undefined ? `\\pgfpathsvg{${steps}}` : `\\pgfpathcircle{\\pgfpointorigin}{${radius}pt}`;
}

function text({ anchor, angle, bold, color, halo, size, text }: Extract<Shape, { kind: 'text' }>): string {
  const side = { start: 'left,', middle: '', end: 'right,' }[anchor];
  const [high, apart] = [size, 1.2 * size].map((pixels) => round(pixels * POINTS));
  const words = `\\fontsize{${high}}{${apart}}\\selectfont${bold ? '\\bfseries' : ''}\\color{${nameOf(color)}}${tex(text)}`;
  const kept = halo ? `\\fboxsep=1pt\\colorbox{white}{${words}}` : words;
  const turned = angle === 0 ? '' : `\\pgftransformrotate{${-angle}}`;
  return `\\pgftransformresetnontranslations${turned}\\pgftext[${side}base]{${kept}}`;
}
