interface SeriesStyle {
  readonly color: string;
  readonly symbol: 'circle' | 'square' | 'triangle' | 'diamond' | 'cross' | 'star' | 'wye';
  /** SVG's stroke-dasharray; null: a solid line. */
  readonly dash: string | null;
}

/** Okabe and Ito 2002, which colour blindness leaves distinct, without the yellow, too light on white; neighbours differ in lightness. */
export const SERIES: readonly SeriesStyle[] = [
  { color: '#0072b2', symbol: 'circle', dash: null },
  { color: '#e69f00', symbol: 'square', dash: '5 2' },
  { color: '#009e73', symbol: 'triangle', dash: '1.5 1.5' },
  { color: '#000000', symbol: 'diamond', dash: '6 2 1.5 2' },
  { color: '#d55e00', symbol: 'cross', dash: '3 1.5' },
  { color: '#56b4e9', symbol: 'star', dash: '8 3' },
  { color: '#cc79a7', symbol: 'wye', dash: '2 3' },
];

/** Colours of a heat map from the least to the most, ever darker: a blue that grey paper keeps in order. */
export const HEAT: readonly [least: string, most: string] = ['#f1f6fb', '#08306b'];

/** Style of the n-th series; beyond {@link SERIES} they come again, with the dashes of the next one. */
export function styleOf(series: number): SeriesStyle {
  const style = SERIES[series % SERIES.length]!;
  const round = Math.floor(series / SERIES.length);
  return round === 0 ? style : { ...style, dash: SERIES[(series + round) % SERIES.length]!.dash };
}
