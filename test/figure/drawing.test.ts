// Drawings: what print asks of them. Text is text of 7 points on 90 mm; colours differ for every eye, and on grey paper; several figures
// stand under each other with one legend.
import { describe, expect, it } from 'vitest';
import { COLUMN_MM, drawFigures } from '../../src/figure/draw.js';
import { FIGURE_KINDS, type PaperFigure } from '../../src/figure/figure.js';
import { linesIn } from '../../src/figure/measure.js';
import { HEAT, SERIES, styleOf } from '../../src/figure/palette.js';

/** A figure of three series over three x, values 1 to 9, some with a range. */
function figureOfKind(kind: PaperFigure['kind'], more: Partial<PaperFigure> = {}): PaperFigure {
  const seriesNames = ['lru', 'fiddler', 'mixtral-offloading'];
  const numbers = kind !== 'bar' && kind !== 'heat' && kind !== 'rank';
  return {
    ...{ kind, x: 'memory.expertCache', y: 'speed.decode', series: 'system', facet: null, statistic: 'median' },
    xAxis: { name: 'expertCache', unit: numbers ? '%' : '', continuous: numbers },
    yAxis: { name: 'speed.decode', unit: 'tok/s', continuous: true },
    ...{ seriesNames, facets: [''] },
    points: seriesNames.flatMap((series, s) =>
      [10, 25, 50].map((x, i) => {
        const y = 3 * s + i + 1;
        return { x: numbers ? x : `${x}%`, y, low: y, high: i === 0 ? y + 1 : y, series, facet: '', runs: 2, front: i === 2 };
      }),
    ),
    ...more,
  };
}

/** Contents of the text elements of a drawing. */
const textsIn = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!);

describe('a drawing', () => {
  it.each(FIGURE_KINDS)('of kind %s has text of 7 points and more, where it is printed one column wide', (kind) => {
    const svg = drawFigures([figureOfKind(kind)]);
    const [, width] = /viewBox="0 0 ([\d.]+)/.exec(svg)!;
    const pointsPerPixel = ((COLUMN_MM / 25.4) * 72) / Number(width);
    const sizes = [...svg.matchAll(/font-size="?:? ?([\d.]+)/g)].map(([, size]) => Number(size) * pointsPerPixel);
    expect(sizes.length).toBeGreaterThan(0);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(7);
    expect(textsIn(svg).length).toBeGreaterThan(5);
    expect(svg).not.toMatch(/<image|<foreignObject|font-size="(?!9\.34)/);
  });

  it('says of each point what it is, its figure, and the range of its runs', () => {
    const svg = drawFigures([figureOfKind('line')]);
    expect(svg).toContain('<title>lru, expertCache 10 %: speed.decode 1 tok/s, 1 to 2 of 2 runs</title>');
    expect(svg).toContain('<title>mixtral-offloading, expertCache 50 %: speed.decode 9 tok/s</title>');
    expect(drawFigures([figureOfKind('rank')])).toContain('<title>lru, 25%: speed.decode 2 tok/s</title>');
  });

  it('stands under another one, with one legend, titles, notes and limits', () => {
    const one = figureOfKind('line', { title: 'hardware t4', rules: [{ axis: 'y', at: 5, label: 'speed.decode >= 5' }] });
    const other = figureOfKind('line', { title: 'hardware a10', note: 'median of 2 runs', rules: [{ axis: 'x', at: 20, label: 'knee' }] });
    const texts = textsIn(drawFigures([one, other]));
    for (const text of ['hardware t4', 'hardware a10', 'median of 2 runs', 'speed.decode &#62;= 5', 'knee'])
      expect(texts.filter((said) => said.replace('&gt;', '&#62;') === text).length, text).toBe(1);
    expect(texts.filter((text) => text === 'fiddler').length).toBe(1);
    // Bars have a legend of their own.
    expect(textsIn(drawFigures([one, figureOfKind('bar')])).filter((text) => text === 'fiddler').length).toBe(2);
  });

  it('ranks the best first: the fastest, but the shortest latency', () => {
    const places = (y: string): number[] => {
      const texts = textsIn(drawFigures([figureOfKind('rank', { y, series: null, seriesNames: [''], points: ranked })]));
      return ['slow', 'middle', 'fast'].map((name) => texts.indexOf(name));
    };
    const ranked = ['middle', 'fast', 'slow'].map((x, at) => {
      const y = [2, 3, 1][at]!;
      return { x, y, low: y, high: y, series: '', facet: '', runs: 1, front: false };
    });
    const one = (y: string): string[] => ['slow', 'middle', 'fast'].toSorted((a, b) => place(y, a) - place(y, b));
    const place = (y: string, name: string): number => places(y)[['slow', 'middle', 'fast'].indexOf(name)]!;
    expect(one('speed.decode')).toEqual(['fast', 'middle', 'slow']);
    expect(one('latency.tpot.p50')).toEqual(['slow', 'middle', 'fast']);
  });

  it('leans words that would touch, and shortens those that are too long', () => {
    const name = 'a-system-whose-name-is-far-longer-than-others';
    const points = figureOfKind('bar').points.map((point) => ({ ...point, x: `${name}-${String(point.x)}` }));
    const svg = drawFigures([figureOfKind('bar', { points })]);
    expect(svg).toMatch(/rotate\(-35\)/);
    expect(textsIn(svg).filter((text) => text.includes('…')).length).toBe(3);
    expect(Math.max(...textsIn(svg).map((text) => text.length))).toBeLessThanOrEqual(28);
  });
});

describe('panels', () => {
  const name = 'rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB';
  it.each(FIGURE_KINDS.filter((kind) => kind !== 'rank'))('of kind %s have whole names, in lines that fit', (kind) => {
    const { points } = figureOfKind(kind);
    const facets = [name, 't4'];
    const svg = drawFigures([
      figureOfKind(kind, { facet: 'hardware', facets, points: facets.flatMap((facet) => points.map((point) => ({ ...point, facet }))) }),
    ]);
    const lines = [...svg.matchAll(/<tspan[^>]*>([^<]*)<\/tspan>/g)].map(([, line]) => line!);
    expect(lines.join('')).toBe(name);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(31);
  });

  it('are broken behind what joins the parts of a name, and a long part anywhere', () => {
    expect(linesIn('two words', 20)).toEqual(['two words']);
    expect(linesIn('mini-mixtral-8x8l', 13)).toEqual(['mini-mixtral-', '8x8l']);
    expect(linesIn('a b/abcdefghijk', 4)).toEqual(['a b/', 'abcd', 'efgh', 'ijk']);
  });
});

/** Linear light of a colour. */
const light = (color: string): [number, number, number] => {
  const channel = (at: number): number => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
};

const luminance = ([r, g, b]: readonly [number, number, number]): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;

/** CIE 1976 lightness, 0..100: what is left of a colour on grey paper. */
const lightness = (color: string): number => {
  const y = luminance(light(color));
  return y > 216 / 24389 ? 116 * Math.cbrt(y) - 16 : (24389 / 27) * y;
};

/** CIE 1976 L*a*b* of linear light, D65. */
const lab = ([r, g, b]: readonly number[]): number[] => {
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);
  const [x, y, z] = [
    f((0.4124 * r! + 0.3576 * g! + 0.1805 * b!) / 0.95047),
    f(0.2126 * r! + 0.7152 * g! + 0.0722 * b!),
    f((0.0193 * r! + 0.1192 * g! + 0.9505 * b!) / 1.08883),
  ];
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
};

/** Machado, Oliveira and Fernandes 2009, severity 1. */
const BLINDNESS: Readonly<Record<string, readonly number[]>> = {
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};
const seen = (color: string, matrix: readonly number[]): number[] => {
  const rgb = light(color);
  const through = [0, 3, 6].map((row) => rgb.reduce((sum, value, i) => sum + matrix[row + i]! * value, 0));
  return lab(through.map((value) => Math.min(1, Math.max(0, value))));
};

describe('colours', () => {
  it.each(Object.entries(BLINDNESS))('of series differ with %s', (_, matrix) => {
    const distances = SERIES.flatMap(({ color }, i) =>
      SERIES.slice(0, i).map(({ color: other }) => {
        const [a, b] = [seen(color, matrix), seen(other, matrix)];
        return Math.hypot(...a.map((value, k) => value - b[k]!));
      }),
    );
    // 2.3 can just be told apart side by side (Mahy 1994).
    expect(Math.min(...distances)).toBeGreaterThan(10);
  });

  it('of neighbours in a group of bars differ on grey paper, those of three series all', () => {
    const grey = SERIES.map(({ color }) => lightness(color));
    for (const [i, value] of grey.entries()) expect(Math.abs(value - grey[(i + 1) % grey.length]!), SERIES[i]!.color).toBeGreaterThan(8);
    const [a, b, c] = grey;
    for (const difference of [a! - b!, b! - c!, c! - a!]) expect(Math.abs(difference)).toBeGreaterThan(10);
  });

  it('of a map of more columns than cells can name are alone, without figures, and some columns are named', () => {
    const seriesNames = ['0', '1'];
    const points = seriesNames.flatMap((series) =>
      Array.from({ length: 128 }, (_, x) => ({ x: String(x), y: x % 3, low: 0, high: 0, series, facet: '', runs: 1, front: false })),
    );
    const svg = drawFigures([figureOfKind('heat', { seriesNames, points })]);
    expect(svg.match(/<rect[^>]*>\s*<title>/g)).toHaveLength(256);
    const texts = textsIn(svg);
    expect(texts.filter((text) => /^\d+$/.test(text)).length).toBeLessThan(20);
    expect(texts).toEqual(expect.arrayContaining(['0', '8', '120', '1']));
  });

  it('of a heat map grow darker all the way, and its figures can be read on them', () => {
    const svg = drawFigures([figureOfKind('heat')]);
    const cells = [...svg.matchAll(/<rect[^>]*fill="(rgb\([^)]*\)|#[0-9a-f]{6})"[^>]*>\s*<title>[^<]*speed\.decode ([\d.]+)/g)];
    const hex = (color: string): string =>
      color.startsWith('#')
        ? color
        : `#${[...color.matchAll(/\d+/g)].map(([digits]) => Number(digits).toString(16).padStart(2, '0')).join('')}`;
    const byValue = cells
      .map(([, color, value]) => ({ value: Number(value), grey: lightness(hex(color!)) }))
      .sort((a, b) => a.value - b.value);
    expect(byValue.length).toBe(9);
    // What the figures are is said above them.
    expect(svg).toMatch(/>speed\.decode, tok\/s<\/text>/);
    for (const [i, { grey }] of byValue.slice(1).entries()) expect(grey).toBeLessThan(byValue[i]!.grey - 3);
    expect([byValue[0]!.grey, byValue.at(-1)!.grey].map(Math.round)).toEqual(HEAT.map((color) => Math.round(lightness(color))));
    const inks = new Map(
      [...svg.matchAll(/<text[^>]*fill="(#000|#fff)"[^>]*>([\d.]+)</g)].map(([, ink, text]) => [text, ink === '#fff' ? 1 : 0]),
    );
    for (const { grey, value } of byValue) {
      const contrast = (ink: number): number => {
        const y = grey > 8 ? ((grey + 16) / 116) ** 3 : (grey * 27) / 24389;
        return (Math.max(ink, y) + 0.05) / (Math.min(ink, y) + 0.05);
      };
      expect(contrast(inks.get(String(value))!), String(value)).toBeGreaterThan(4.5);
    }
  });

  it('are dark enough for white paper, and differ in symbol and dash where there is no colour', () => {
    for (const { color } of SERIES) expect(1.05 / (luminance(light(color)) + 0.05), color).toBeGreaterThan(2);
    expect(new Set(SERIES.map(({ symbol }) => symbol)).size).toBe(SERIES.length);
    expect(new Set(SERIES.map(({ dash }) => dash)).size).toBe(SERIES.length);
    const many = Array.from({ length: 21 }, (_, i) => JSON.stringify(styleOf(i)));
    expect(new Set(many).size).toBe(21);
  });
});
