import type * as Canvas from '@napi-rs/canvas';
import { UserError, unloadable } from '../../base/errors.js';
import { requirePackage } from '../../base/host/modules.js';
import { type PrintDrawing, type Shape, shapesOf } from './shapes.js';

const INSTALL = 'npm install --ignore-scripts @napi-rs/canvas@1';

/** Points per px, at 96 px per inch. */
const POINTS = 72 / 96;
/** PNG resolution, dots per inch. */
const DOTS = 300;

/** PDF of a drawing, with embedded fonts of the machine. */
export function pdf(svg: string): Uint8Array {
  const { PDFDocument, Path2D } = canvas();
  const drawing = shapesOf(svg);
  const paper = new PDFDocument({ title: drawing.title, creator: 'moeprof' });
  const context = paper.beginPage(drawing.width * POINTS, drawing.height * POINTS) as Canvas.SKRSContext2D;
  drawOn(context, Path2D, drawing, POINTS);
  paper.endPage();
  return paper.close();
}

/** PNG of a drawing on white, 300 dots per inch. */
export function png(svg: string): Uint8Array {
  const { createCanvas, Path2D } = canvas();
  const drawing = shapesOf(svg);
  const scale = DOTS / 96;
  const paper = createCanvas(Math.round(drawing.width * scale), Math.round(drawing.height * scale));
  const context = paper.getContext('2d');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, paper.width, paper.height);
  drawOn(context, Path2D, drawing, scale);
  return paper.toBuffer('image/png');
}

/** @throws UserError if not installed, or without fonts */
export function canvas(): typeof Canvas {
  let loaded: typeof Canvas;
  try {
    loaded = requirePackage('@napi-rs/canvas') as typeof Canvas;
  } catch (error) {
    throw unloadable(error, '@napi-rs/canvas', 'PDF and PNG need it, SVG and PGF do not', INSTALL);
  }
  if (loaded.GlobalFonts.families.length > 0) return loaded;
  throw new UserError('PDF and PNG need a font, and this machine has none: install one, e.g. fonts-liberation, or write .svg or .pgf');
}

function drawOn(context: Canvas.SKRSContext2D, Path: typeof Canvas.Path2D, { shapes }: PrintDrawing, scale: number): void {
  context.scale(scale, scale);
  for (const shape of shapes) {
    context.save();
    context.translate(shape.x, shape.y);
    context.rotate((shape.angle * Math.PI) / 180);
    if (shape.kind === 'path') drawPath(context, new Path(shape.steps), shape);
    else drawText(context, shape);
    context.restore();
  }
}

function drawPath(context: Canvas.SKRSContext2D, path: Canvas.Path2D, shape: Extract<Shape, { kind: 'path' }>): void {
  const { dash, fill, lineWidth, opacity, stroke } = shape;
  if (fill !== null) {
    context.fillStyle = fill;
    context.fill(path);
  }
  if (stroke === null) return;
  context.globalAlpha = opacity;
  context.strokeStyle = stroke;
  context.lineWidth = lineWidth;
  context.setLineDash([...dash]);
  context.stroke(path);
}

function drawText(context: Canvas.SKRSContext2D, { anchor, bold, color, halo, size, text }: Extract<Shape, { kind: 'text' }>): void {
  context.font = `${bold ? 'bold ' : ''}${size}px Helvetica, Arial, "DejaVu Sans", sans-serif`;
  context.textAlign = anchor === 'middle' ? 'center' : anchor;
  if (halo) {
    context.strokeStyle = '#fff';
    context.lineWidth = 3;
    context.lineJoin = 'round';
    context.strokeText(text, 0, 0);
  }
  context.fillStyle = color;
  context.fillText(text, 0, 0);
}
